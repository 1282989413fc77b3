"""Which proxy comes next, and when."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.transport.reconnect import Reconnection, ReconnectSettings


class ReconnectionTests(SynchronousTestCase):
    """:class:`Reconnection` with the waits at their upper limit."""

    def reconnection(self, targets: int) -> Reconnection:
        """Make one that waits as long as it ever may."""
        return Reconnection(ReconnectSettings(base_delay=1.0, max_delay=5.0, stable_after=10.0), targets, max)

    def test_full_jitter(self) -> None:
        """Each wait is drawn from zero on, the first one too; the limit doubles up to the cap and stays there."""
        drawn: list[tuple[float, float]] = []
        subject = self.reconnection(1)
        subject.uniform = lambda low, high: drawn.append((low, high)) or 0.0  # type: ignore[func-returns-value]
        for _ in range(100):
            subject.delay()
            subject.failed()
        self.assertEqual(drawn[:4], [(0.0, 1.0), (0.0, 2.0), (0.0, 4.0), (0.0, 5.0)])
        self.assertEqual(set(drawn[4:]), {(0.0, 5.0)})

    def test_turns(self) -> None:
        """A failure gives the next proxy its turn, and the waits grow only after a whole round."""
        subject = self.reconnection(3)
        seen = []
        for _ in range(7):
            seen.append((subject.current, subject.delay()))
            subject.failed()
        self.assertEqual(seen, [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2), (0, 4)])

    def test_sticky(self) -> None:
        """A proxy that has worked is tried first after a loss, without the waits of old failures."""
        subject = self.reconnection(2)
        for _ in range(3):
            subject.failed()
        subject.connected(100.0)
        subject.lost(110.0)
        self.assertEqual((subject.current, subject.delay()), (1, 1.0))

    def test_thrown_out(self) -> None:
        """A proxy that takes us in and throws us out counts as failed, so that waits grow and others get their turn."""
        subject = self.reconnection(1)
        for now in (0.0, 20.0, 40.0):
            subject.connected(now)
            subject.lost(now + 9.9)
        self.assertEqual(subject.delay(), 5.0)

    def test_ended_by_us(self) -> None:
        """After a malformed frame the next attempt comes soon, as the proxy lives; but not for ever."""
        subject = self.reconnection(2)
        delays = []
        for now in range(8):
            subject.connected(float(now))
            subject.lost(now + 0.5, by_us=True)
            delays.append((subject.delay(), subject.current))
        self.assertEqual(delays, [(1.0, 0)] * 5 + [(1.0, 1), (2.0, 0), (2.0, 1)])
        subject.connected(100.0)
        subject.lost(120.0, by_us=True)
        self.assertEqual(subject.delay(), 1.0)

    def test_lost_without_connection(self) -> None:
        """A loss that no connection preceded counts as a failure."""
        subject = self.reconnection(2)
        subject.lost(1.0)
        self.assertEqual(subject.current, 1)
