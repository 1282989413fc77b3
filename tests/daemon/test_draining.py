"""A planned end, in virtual time."""

from tests.support.gatewaycase import GatewayCase
from wrtcgw.daemon.draining import Draining


class Drained(GatewayCase):
    """A gateway with a call that is to stop."""

    def setUp(self) -> None:
        super().setUp()
        self.stops: list[float] = []
        self.draining = Draining(self.gateway, self.clock, lambda: self.stops.append(self.clock.seconds()))
        self.agent = self.sign_in()

    def test_waits_for_the_call(self) -> None:
        """It stops when the last call is over, and takes no new one."""
        _, far = self.outbound(self.agent)
        self.draining.begin(300)
        self.assertTrue(self.gateway.operation.draining)
        self.run_for(100)
        self.assertEqual(self.stops, [])
        far.bye()
        self.run_for(1)
        self.assertEqual(len(self.stops), 1)
        self.run_for(10)
        self.assertEqual(len(self.stops), 1)

    def test_not_for_ever(self) -> None:
        """After its limit it stops, whatever is up."""
        self.outbound(self.agent)
        self.draining.begin(20)
        self.run_for(19)
        self.assertEqual(self.stops, [])
        self.run_for(2)
        self.assertEqual(len(self.stops), 1)

    def test_taken_back(self) -> None:
        """It can be taken back, and ordered again."""
        self.outbound(self.agent)
        self.draining.begin(20)
        self.draining.cancel()
        self.draining.cancel()
        self.run_for(30)
        self.assertEqual(self.stops, [])
        self.draining.begin(5)
        self.draining.begin(1)
        self.run_for(2)
        self.assertEqual(len(self.stops), 1)
