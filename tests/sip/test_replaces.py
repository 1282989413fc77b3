"""INVITEs that take the place of another call."""

from tests.support.corecase import FarCall
from tests.support.corepair import OFFER
from tests.support.script import IncomingCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.outputs import (
    CallConfirmed,
    CallEnded,
    CallReceived,
    EndCause,
)


class ReplacesTests(IncomingCase):
    """INVITE with Replaces (RFC 3891 section 3)."""

    def replacing(self, call_id: str, to_tag: str, from_tag: str, more: str = "", user: str = "alice") -> FarCall:
        """Send an INVITE that replaces the dialog which we know by these tags."""
        call = FarCall(self, f"new-{len(self.calls)}", "<sip:far@example.org>;tag=new", f"<sip:{user}@example.org>")
        call.target = f"sip:{user}@gw.invalid"
        self.calls.append(call)
        value = f"{call_id};to-tag={to_tag};from-tag={from_tag}{more}"
        invite = call.reinvite(OFFER, [("Replaces", value), ("Require", "replaces")])
        call.remote = self.answer_to(invite).headers.get("To") or ""
        if self.of(CallReceived) and self.final(call) == [180]:
            call.leg = self.received().leg
        return call

    def replacing_call(self, old: FarCall, more: str = "", user: str = "alice") -> FarCall:
        """Send an INVITE that replaces ``old``."""
        return self.replacing(old.call_id, old.remote.rpartition("tag=")[2], "far", more, user)

    def test_established(self) -> None:
        """The new call names the old one; when it is answered, the old one is hung up."""
        for old in (self.call_in(), self.call_out()):
            new = self.replacing_call(old)
            self.assertEqual(self.received().replaces, old.leg)
            self.answer(new)
            self.assertIn("replaced", self.last("BYE").headers.get("Reason") or "")
            self.respond(self.last("BYE"), 200)
            self.assertEqual(self.of(CallEnded)[-1], CallEnded(old.leg, EndCause.LOCAL, 200, "OK"))
            new.ack()

    def test_rejected(self) -> None:
        """A new call that is not answered leaves the old one as it was."""
        old = self.call_in()
        new = self.replacing_call(old)
        self.do(self.core.reject, new.leg, 486, "")
        self.assertEqual(self.answers(old.send("INFO")), [200])

    def test_old_ends_first(self) -> None:
        """When the old call ends before the answer, the new one is an ordinary call."""
        old = self.call_in()
        new = self.replacing_call(old)
        old.bye()
        self.answer(new)
        new.ack()
        self.assertEqual((len(self.of(CallConfirmed)), self.sent("BYE")), (2, []))

    def test_ours_early(self) -> None:
        """A call of ours that rings can be replaced, also with early-only: its INVITE is cancelled."""
        placed = self.place()
        placed.respond(180)
        new = self.replacing(placed.invite.call_id, placed.invite.from_tag, "far", ";early-only")
        self.answer(new)
        self.assertEqual(len(self.sent("CANCEL")), 1)
        new.ack()

    def test_theirs_early(self) -> None:
        """A call to us that rings cannot be replaced: 481."""
        self.assertEqual(self.final(self.replacing_call(self.ring_in())), [481])

    def test_early_only(self) -> None:
        """A confirmed dialog is not replaced by early-only: 486."""
        self.assertEqual(self.final(self.replacing_call(self.call_in(), ";early-only")), [486])

    def test_over(self) -> None:
        """A call that is ending, cancelled, or waits for its ACK to end, gives 603; one that is gone 481."""
        old = self.call_in()
        self.do(self.core.hangup, old.leg)
        self.assertEqual(self.final(self.replacing_call(old)), [603])
        self.answer_byes()
        self.assertEqual(self.final(self.replacing_call(old)), [481])
        old = self.ring_in()
        self.answer(old)
        self.do(self.core.hangup, old.leg)
        self.assertEqual(self.final(self.replacing_call(old)), [603])
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.final(self.replacing(placed.invite.call_id, placed.invite.from_tag, "far")), [603])

    def test_unknown_or_malformed(self) -> None:
        """An unknown dialog gives 481, a malformed field and two of them 400."""
        self.assertEqual(self.final(self.replacing("c", "a", "b")), [481])
        self.assertEqual(self.final(self.replacing("c", "a", "b", ";to-tag=c")), [400])
        far = FarCall(self, "two", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        value = ("Replaces", "c;to-tag=a;from-tag=b")
        self.assertEqual(self.answers(far.reinvite(OFFER, [value, value])), [400])
        self.assertEqual(self.answers(far.send("OPTIONS", "", [value])), [400])

    def test_of_another_account(self) -> None:
        """A call to one agent does not take the place of another agent's, unless all are one party."""
        for allowed in (False, True):
            self.start(replaces_across_accounts=allowed)
            self.core.add_account(Account("bob", "bob", "secret"))
            old = self.call_in()
            new = self.replacing_call(old, user="bob")
            self.assertEqual(self.final(new), [180] if allowed else [481])
