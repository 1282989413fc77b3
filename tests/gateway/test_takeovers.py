"""A page that was loaded again in a call, and does not take the call up."""

from typing import Any

from tests.support.farside import FarCall
from tests.support.gatewaycase import OTHER_SDP, GatewayCase
from wrtcgw.calls.abilities import DEFAULT, ONE_CALL, PageAbilities
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import MessageType
from wrtcgw.sip.outputs import CallEnded

REASON = 'SIP;cause=480;text="the page did not take the call up again"'
GRACE, OFFER = 20.0, 5.0


class TakeOvers(GatewayCase):
    """The far side is not kept on a silent line."""

    def setUp(self) -> None:
        super().setUp()
        self.start(page_grace=GRACE, offer_timeout=OFFER)
        self.agent = self.sign_in(abilities=ONE_CALL)
        self.gateway.attend("alice")

    def reload(self, **more: Any) -> None:
        """Let a new page sign in, and poll."""
        self.gateway.leave("alice")
        self.sign_in(**{"abilities": ONE_CALL, **more})
        self.gateway.attend("alice")

    def assertKept(self, call: Call, far: FarCall) -> None:
        """Check that the call is up."""
        self.assertIs(call.state, CallState.ESTABLISHED)
        self.assertNotIn("BYE", far.methods())

    def assertGivenUp(self, far: FarCall) -> None:
        """Check that the far side, the page and the log hear why it ended; the agent stays."""
        self.assertEqual(far.request("BYE").headers.get("Reason"), REASON)
        told = self.last(self.agent, MessageType.SHUTDOWN)
        self.assertEqual(told.cause, "not-taken-up")
        ended = [event for event in self.events if isinstance(event, CallEnded)]
        self.assertEqual(ended[-1].said, (REASON,))
        self.assertIs(self.gateway.agent("alice"), self.agent)

    def test_given_up(self) -> None:
        """After page_grace and the time for an offer the call is ended."""
        call, far = self.outbound(self.agent)
        self.reload()
        self.run_for(GRACE + OFFER - 1)
        self.assertKept(call, far)
        self.run_for(1)
        self.assertGivenUp(far)

    def test_taken_up(self) -> None:
        """Any offer of the new page takes it up, also a late one, for good."""
        call, far = self.outbound(self.agent)
        self.reload()
        self.run_for(GRACE + OFFER - 1)
        self.describe(self.agent, OTHER_SDP, kind=MessageType.OFFER)
        far.answer()
        self.run_for(100)
        self.assertKept(call, far)

    def test_incoming_and_held(self) -> None:
        """It does not matter who called, nor whether the call was on hold."""
        _, far = self.inbound(self.agent)
        self.describe(self.agent)
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        far.answer()
        self.run_for()
        self.successResultOf(holding)
        self.reload()
        self.run_for(GRACE + OFFER)
        self.assertGivenUp(far)

    def test_each_page_has_its_time(self) -> None:
        """A page that is loaded once more begins anew."""
        call, far = self.outbound(self.agent)
        for _ in range(3):
            self.reload()
            self.run_for(GRACE + OFFER - 1)
            self.assertKept(call, far)
        self.run_for(1)
        self.assertGivenUp(far)

    def test_while_it_rings(self) -> None:
        """A call that rings here rings on; one that is not answered yet has its time when it is."""
        call, far = self.inbound(self.agent)
        self.reload()
        self.run_for(2 * (GRACE + OFFER))
        self.assertIs(call.state, CallState.OFFERED)
        far.cancel()
        self.run_for()
        call, far = self.place(self.agent)
        far.ring()
        self.reload()
        self.run_for(GRACE + OFFER + 1)
        self.assertIs(call.state, CallState.RINGING)
        far.answer()
        self.run_for(1)
        self.assertKept(call, far)
        self.run_for(GRACE + OFFER)
        self.assertGivenUp(far)

    def test_transfer(self) -> None:
        """A call that is being transferred is left to that; when it fails, the page has its time again."""
        call, far = self.outbound(self.agent)
        self.begin(self.gateway.transfer("alice", to="5003"))
        self.run_for(1)
        self.reload()
        self.run_for(GRACE + OFFER)
        self.assertKept(call, far)
        far.notify("refer", "terminated", "SIP/2.0 603 Decline")
        self.run_for(GRACE + OFFER)
        self.assertGivenUp(far)

    def test_other_pages(self) -> None:
        """A page of which nobody knows that it listens may sign in again and speak on; one that says so may not."""
        self.sign_in()
        call, far = self.outbound(self.agent)
        self.reload(abilities=DEFAULT)
        self.run_for(100)
        self.assertKept(call, far)
        self.reload(abilities=PageAbilities(always_listens=True))
        self.run_for(GRACE + OFFER)
        self.assertGivenUp(far)

    def test_no_grace(self) -> None:
        """With page_grace 0 no page is ever given up."""
        self.start(page_grace=0.0)
        self.agent = self.sign_in(abilities=ONE_CALL)
        self.gateway.attend("alice")
        call, far = self.outbound(self.agent)
        self.reload()
        self.run_for(300)
        self.assertKept(call, far)
