"""The collector of cycles, and the pauses that it makes."""

import gc

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.daemon.collector import PAUSES, THRESHOLDS, Pauses, calm


class PausesTests(SynchronousTestCase):
    """How long everybody was stopped."""

    def test_longest(self) -> None:
        """The longest pause since the last question is told, once."""
        now = iter((1.0, 1.002, 2.0, 2.03, 3.0, 3.001))
        pauses = Pauses(lambda: next(now))
        self.assertEqual(pauses.taken(), 0.0)
        for _ in range(3):
            pauses.note("start", {})
            pauses.note("stop", {})
        self.assertAlmostEqual(pauses.taken(), 30)
        self.assertEqual(pauses.taken(), 0.0)


class CalmTests(SynchronousTestCase):
    """What is done to the collector of the process."""

    def setUp(self) -> None:
        before = gc.get_threshold()
        self.addCleanup(gc.set_threshold, *before)
        self.addCleanup(gc.unfreeze)
        self.addCleanup(gc.callbacks.remove, PAUSES.note)

    def test_calm(self) -> None:
        """What is there is left alone, looks are rare, and each is timed, however often that is asked for."""
        calm()
        calm()
        self.assertGreater(gc.get_freeze_count(), 1000)
        self.assertEqual(gc.get_threshold(), THRESHOLDS)
        self.assertEqual(gc.callbacks.count(PAUSES.note), 1)
        PAUSES.taken()
        gc.collect()
        self.assertGreater(PAUSES.taken(), 0)
