"""How long things take: the newest durations of one kind, and what can be said of them."""

from collections import deque
from collections.abc import Iterable

from attrs import frozen

KEPT = 1000
"""So many of the newest durations count."""


@frozen
class Summary:
    """Durations in milliseconds: the middle, what 95 of 100 stay below, the longest, and how many there were ever."""

    p50: float
    p95: float
    longest: float
    count: int


class Latency:
    """The durations of one kind, in milliseconds."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=KEPT)
        self._since: list[float] = []
        self._count = 0

    def add(self, milliseconds: float) -> None:
        """Take a duration."""
        self._newest.append(milliseconds)
        if len(self._since) < KEPT:
            self._since.append(milliseconds)
        self._count += 1

    def summary(self) -> Summary | None:
        """Return what there is to say; None when there was nothing yet."""
        if not self._newest:
            return None
        ordered = sorted(self._newest)
        return Summary(_part(ordered, 0.5), _part(ordered, 0.95), ordered[-1], self._count)

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
