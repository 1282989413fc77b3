"""Deadlines: what is due, in which order, and what replacing and clearing do."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.deadlines import Deadlines


class Owner:
    """Something with timers; the tests look at what is yielded, so nothing happens here."""

    account_key = ""

    def on_timer(self, name: str) -> None:
        """Do nothing."""


class DeadlinesTests(SynchronousTestCase):
    """The set of deadlines of the whole core."""

    def setUp(self) -> None:
        self.deadlines = Deadlines()
        self.owner = Owner()

    def due(self, now: float) -> list[str]:
        """Return the names that are due."""
        return [name for _, name in self.deadlines.due(now)]

    def test_empty(self) -> None:
        """Without deadlines there is no next one and nothing is due."""
        self.assertIsNone(self.deadlines.next())
        self.assertEqual(self.due(1e9), [])

    def test_order(self) -> None:
        """Deadlines come out by time, those of one time in the order in which they were set."""
        for name, when in (("c", 3.0), ("a", 1.0), ("b1", 2.0), ("b2", 2.0)):
            self.deadlines.set(self.owner, name, when)
        self.assertEqual(self.deadlines.next(), 1.0)
        self.assertEqual(self.due(2.5), ["a", "b1", "b2"])
        self.assertEqual(self.due(3.0), ["c"])
        self.assertEqual(len(self.deadlines), 0)

    def test_replaced(self) -> None:
        """A deadline that was set anew is due at its new time only."""
        self.deadlines.set(self.owner, "a", 1.0)
        self.deadlines.set(self.owner, "a", 5.0)
        self.assertEqual(self.due(1.0), [])
        self.assertEqual(self.deadlines.next(), 5.0)
        self.assertEqual(self.due(5.0), ["a"])

    def test_cleared(self) -> None:
        """A cleared deadline never comes; clearing one that is not there does nothing."""
        self.deadlines.set(self.owner, "a", 1.0)
        self.deadlines.clear(self.owner, "a")
        self.deadlines.clear(self.owner, "never set")
        self.assertIsNone(self.deadlines.next())

    def test_same_name_of_two_owners(self) -> None:
        """Names belong to their owner."""
        other = Owner()
        self.deadlines.set(self.owner, "a", 1.0)
        self.deadlines.set(other, "a", 2.0)
        self.deadlines.clear(self.owner, "a")
        self.assertEqual([owner for owner, _ in self.deadlines.due(2.0)], [other])

    def test_set_while_due(self) -> None:
        """A deadline that is set while others are taken out, and is due, is taken out too."""
        seen = []
        self.deadlines.set(self.owner, "first", 1.0)
        for _, name in self.deadlines.due(2.0):
            seen.append(name)
            if name == "first":
                self.deadlines.set(self.owner, "second", 1.5)
        self.assertEqual(seen, ["first", "second"])

    def test_replacing_for_ever_stays_small(self) -> None:
        """The heap does not grow with the number of times that a deadline was replaced."""
        for number in range(10_000):
            self.deadlines.set(self.owner, "refresh", float(number))
        self.assertLess(self.deadlines.heap_size, 200)
        self.assertEqual(self.deadlines.next(), 9_999.0)
