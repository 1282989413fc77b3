"""How long things take: how often below which bound, and of one kind the newest durations."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import inf

from attrs import frozen

KEPT = 1000
"""So many of the newest durations count."""

QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds in seconds for what a machine does."""
RINGING = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0)
"""For what people do."""
TALKING = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0)
"""For how long they talk."""
PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""For what nobody should notice."""
SCORES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.25, 4.5)
"""For mean opinion scores."""


class Buckets:
    """
    How many values were at most so large, for some bounds.

    :ivar sum: of all values.
    :ivar count: of all values.
    """

    __slots__ = ("_bounds", "_numbers", "count", "sum")

    def __init__(self, bounds: Sequence[float] = QUICK) -> None:
        self._bounds = tuple(bounds)
        self._numbers = [0] * (len(self._bounds) + 1)
        self.sum, self.count = 0.0, 0

    def add(self, value: float) -> None:
        """Take a value."""
        self._numbers[bisect_left(self._bounds, value)] += 1
        self.sum += value
        self.count += 1

    def __iter__(self) -> Iterator[tuple[float, int]]:
        """Iterate over the bounds, infinity the last, and how many values were at most so large."""
        return zip((*self._bounds, inf), accumulate(self._numbers), strict=True)


@frozen
class Summary:
    """Durations in milliseconds: the middle, what 95 of 100 stay below, the longest, and how many there were ever."""

    p50: float
    p95: float
    longest: float
    count: int


class Latency:
    """
    The durations of one kind, in milliseconds.

    :param bounds: in seconds, of its buckets.
    :ivar buckets: all durations ever, in seconds.
    """

    def __init__(self, bounds: Sequence[float] = QUICK) -> None:
        self.buckets = Buckets(bounds)
        self._newest: deque[float] = deque(maxlen=KEPT)
        self._since: list[float] = []

    def add(self, milliseconds: float) -> None:
        """Take a duration."""
        self.buckets.add(milliseconds / 1000)
        self._newest.append(milliseconds)
        if len(self._since) < KEPT:
            self._since.append(milliseconds)

    def summary(self) -> Summary | None:
        """Return what there is to say; None when there was nothing yet."""
        if not self._newest:
            return None
        ordered = sorted(self._newest)
        return Summary(_part(ordered, 0.5), _part(ordered, 0.95), ordered[-1], self.buckets.count)

    def taken(self) -> list[float]:
        """Return the durations since this was called last."""
        taken, self._since = self._since, []
        return taken


def percentile(values: Iterable[float], part: float) -> float | None:
    """Return the value below which ``part`` (0 to 1) of all values stay; None when there are none."""
    ordered = sorted(values)
    return _part(ordered, part) if ordered else None


def _part(ordered: list[float], part: float) -> float:
    """Return a value that occurs: the nearest rank."""
    return ordered[max(0, -(-int(part * 1000) * len(ordered) // 1000) - 1)]
