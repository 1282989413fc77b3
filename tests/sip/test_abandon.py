"""An account that another process goes on with: the core lets go of it, and no peer notices."""

from hypothesis import settings
from hypothesis.stateful import rule
from twisted.trial.unittest import SynchronousTestCase

from tests.sip.test_core_machine import PeerAndUser, seldom
from tests.sip.test_recovery import RecoveryCase
from tests.support.corepair import OFFER
from wrtcgw.sip.core import Account
from wrtcgw.sip.outputs import CallEnded
from wrtcgw.sip.user_agent import ABANDONED_SECONDS


class Abandons(PeerAndUser):
    """The core of :class:`PeerAndUser`, which lets go of one account at any time."""

    @rule(really=seldom)
    def abandon(self, really: bool) -> None:
        """Let go of alice: nothing may be left of her, and her legs get nothing any more."""
        if not really:
            return
        core = self.core
        told = {event.leg for event in self.events if isinstance(event, CallEnded)}
        hers = set(core._legs_of.get("alice", ())) - told
        core.abandon("alice", self.now)
        layer = core._layer
        assert "alice" not in (*core._legs_of, *layer._clients_of, *layer._servers_of, *core._interrupted)
        assert not any(user.account.key == "alice" for user, _ in core._ua.dialogs.values())
        assert not any(owner is not None and owner.account_key == "alice" for *_, owner, _ in layer.deadlines._heap)
        assert "alice" not in core.touched()
        assert not layer.outputs
        self.legs = [leg for leg in self.legs if leg not in hers]
        core.add_account(Account("alice", "alice", "secret"))


class MachineTests(SynchronousTestCase):
    """Runs of the machine."""

    def test_runs(self) -> None:
        """Whatever was going on, nothing is left of the account, and the other one goes on."""
        case = Abandons.TestCase
        case.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
        case("runTest").runTest()


class Calls(RecoveryCase):
    """A call that goes on elsewhere."""

    def test_nothing_is_said(self) -> None:
        """Neither a call nor the binding is touched, however long one waits."""
        self.call_out()
        before = len(self.requests), len(self.responses), len(self.events)
        self.core.abandon("alice", self.now)
        self.assertIsNone(self.core.next_deadline())
        self.advance(5000)
        self.assertEqual((len(self.requests), len(self.responses), len(self.events)), before)

    def test_peer_asks(self) -> None:
        """A peer that has not heard of it yet is asked to wait; one that hangs up is told that nobody is here."""
        call = self.call_out()
        self.core.abandon("alice", self.now)
        asked = call.reinvite(OFFER)
        answer = self.answer_to(asked)
        self.assertEqual((answer.status, answer.headers.get("Retry-After")), (500, "2"))
        call.ack_refusal()
        asked = call.bye()
        self.assertEqual(self.answer_to(asked).status, 481)

    def test_in_the_end(self) -> None:
        """After a while the dialog is one of which nobody knows."""
        call = self.call_out()
        self.core.abandon("alice", self.now)
        self.advance(ABANDONED_SECONDS)
        asked = call.reinvite(OFFER)
        self.assertEqual(self.answer_to(asked).status, 481)
        call.ack_refusal()

    def end_all(self) -> None:
        """End what the core does not know of any more."""
        self.core.abandon("alice", self.now)
        self.assertEqual(self.core.legs, 0)
