"""How far what was seen is behind the truth, and how many there are in a span of time."""

from twisted.trial.unittest import SynchronousTestCase

from tests.interop.watching import Look, busiest, lag

TRUTH = (Look(0, 10), Look(100, 10), Look(100, 0), Look(130, 0), Look(140, 5), Look(150, 10))


class Lag(SynchronousTestCase):
    """What was seen beside the truth."""

    def test_true(self) -> None:
        """What is true now, or was at the last look, is not behind."""
        self.assertEqual(lag([Look(50, 10), Look(110, 0), Look(135, 3), Look(151, 10)], TRUTH), 0)

    def test_late(self) -> None:
        """What was true before is as old as that."""
        self.assertEqual(lag([Look(50, 10), Look(112, 10)], TRUTH), 12)
        self.assertEqual(lag([Look(147, 2)], TRUTH), 7)

    def test_early(self) -> None:
        """What becomes true later only is a lie."""
        self.assertEqual(lag([Look(125, 5)], TRUTH[2:]), float("inf"))

    def test_never(self) -> None:
        """What never was is a lie."""
        self.assertEqual(lag([Look(50, 11)], TRUTH), float("inf"))


class Busiest(SynchronousTestCase):
    """The busiest span."""

    def test_counts(self) -> None:
        """The span may begin anywhere, and has no end of the next in it."""
        self.assertEqual(busiest([], 1), 0)
        times = [5.0, 0.9, 1.0, 1.8, 1.9, 2.0]
        self.assertEqual([busiest(times, seconds) for seconds in (0.05, 1, 5)], [1, 4, 6])
