"""The deadlines of calls: data of the call, with one timer each."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.farside import SDP
from tests.support.gatewaycase import GatewayCase
from wrtcgw.calls.abilities import ONE_CALL
from wrtcgw.calls.call import Call, Deadline


class Deadlines(GatewayCase):
    """What a call waits for stands in the call."""

    def setUp(self) -> None:
        super().setUp()
        self.start(accept_refer=True)
        self.agent = self.sign_in()

    def left(self, call: Call, deadline: Deadline) -> float:
        """Return how long a call waits for something yet; it has timers for just what it waits for."""
        timers = self.gateway._context.legs[call.id].timers
        self.assertEqual({each: timer.getTime() for each, timer in timers.items()}, call.deadlines)
        return call.deadlines[deadline] - self.clock.seconds()

    def test_each_has_an_action(self) -> None:
        """Whatever a call can wait for, somebody acts on it."""
        self.assertEqual(set(self.gateway._context.on_deadline), set(Deadline))

    def test_page_and_wish(self) -> None:
        """The page has its time for an offer, and for a wish of the far side, which the newest wish begins anew."""
        limit = self.gateway._context.settings.refer_timeout
        call, far = self.outbound(self.agent)
        self.assertEqual(call.deadlines, {})
        far.refer("sip:1004@example.org")
        self.run_for(limit / 2)
        self.assertTrue(0 < self.left(call, Deadline.WISH) < 0.6 * limit)
        far.refer("sip:1005@example.org")
        far.reinvite(SDP.replace("40000", "40002"))
        self.run_for()
        self.assertGreater(self.left(call, Deadline.WISH), 0.8 * limit)
        self.assertGreater(self.left(call, Deadline.PAGE), 0.0)
        self.done(self.gateway.hangup("alice", call.id))
        self.assertEqual(call.deadlines, {})

    def test_take_over(self) -> None:
        """A new page has its time for the calls of the one before."""
        settings = self.gateway._context.settings
        call, _ = self.outbound(self.agent)
        self.sign_in(abilities=ONE_CALL)
        self.run_for(0)
        limit = settings.page_grace + settings.offer_timeout
        self.assertTrue(limit - 0.5 < self.left(call, Deadline.TAKE_OVER) <= limit)


class Names(SynchronousTestCase):
    """What is stored."""

    def test_values(self) -> None:
        """The names that snapshots have for deadlines stay what they are."""
        self.assertEqual(
            {each.value for each in Deadline}, {"page", "acknowledged", "awake", "take-over", "talk", "order", "wish"}
        )
