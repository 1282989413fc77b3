"""The simulation of a fleet: its arithmetic, and that the documents show what it says."""

from pathlib import Path

from bench.simulation import Assumptions, Part, first_to_break, play, proxies_restart, steady, table
from twisted.trial.unittest import SynchronousTestCase

PAGE = Path(__file__).parent.parent / "docs/benchmark.md"


class Parts(SynchronousTestCase):
    """One part of the fleet."""

    def test_waits(self) -> None:
        """What is too much for a second waits, in order, and is done as soon as there is time."""
        part = Part("it", cores=2.0, patience=1.0)
        for now, work in enumerate((5.0, 0.0, 0.0, 1.0)):
            part.second(now, work)
        self.assertEqual((part.peak, part.longest, part.is_broken), (2.5, 2, True))

    def test_enough(self) -> None:
        """What fits into its second does not wait."""
        part = Part("it", cores=2.0, patience=1.0)
        for now in range(10):
            part.second(now, 2.0)
        self.assertEqual((part.peak, part.longest, part.is_broken), (1.0, 0, False))


class Fleets(SynchronousTestCase):
    """Whole fleets."""

    def test_too_few(self) -> None:
        """One gateway breaks under what many carry."""
        (gateways, *_) = play(Assumptions(gateways=1), steady).parts
        self.assertTrue(gateways.is_broken)
        (gateways, *_) = play(Assumptions(gateways=3), steady).parts
        self.assertFalse(gateways.is_broken)

    def test_registrations_take_turns(self) -> None:
        """After an outage all are registered again as fast as their gateways may."""
        slow, quick = (
            play(Assumptions(register_rate=rate), proxies_restart).registered_after for rate in (50.0, 200.0)
        )
        refreshes = 100_000 / 540
        for found, rate in ((slow, 50), (quick, 200)):
            self.assertLess(abs(found - 90 - (100_000 + 30 * refreshes) / (25 * rate - refreshes)), 4)

    def test_documented(self) -> None:
        """The documents show what it says today."""
        text = PAGE.read_text()
        self.assertIn(table(Assumptions()), text)
        self.assertIn(first_to_break(Assumptions()), text)
