"""
Python's collector of cycles: it stops everybody while it looks, so it is to look seldom, and at little.

The gateway leaves it nothing to find (``tests/web/test_garbage.py``). What it still has to look at is what lives long,
and that grows with agents, calls and history. So its rare look at everything is made rarer still.
"""

import gc
import time
from collections.abc import Callable, Mapping

THRESHOLDS = (500, 2, 1000)
"""
So many more containers than before make it look at the new ones; so many of those looks, at the middle generation; so
many of those, at everything. The first two are small because what is new can be far more than what is more than before:
history that comes takes the place of history that goes.
"""


class Pauses:
    """The longest time for which the collector has stopped everybody."""

    def __init__(self, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._seconds = seconds
        self._since = 0.0
        self._longest = 0.0

    def note(self, phase: str, details: Mapping[str, int]) -> None:
        """Note beginning and end of a look; one of ``gc.callbacks``."""
        if phase == "start":
            self._since = self._seconds()
        else:
            self._longest = max(self._longest, self._seconds() - self._since)

    def taken(self) -> float:
        """Return the longest since it was asked for last, in milliseconds."""
        longest, self._longest = self._longest, 0.0
        return 1000 * longest


PAUSES = Pauses()
"""Those of this process, whose collector there is one of."""


def calm() -> None:
    """Let the collector leave alone for good what is there after the start: code, classes, settings."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    if PAUSES.note not in gc.callbacks:
        gc.callbacks.append(PAUSES.note)
