"""
Deadlines as data: which timer of which object is due when.

A heap with lazy removal: setting, clearing and finding the next one cost O(log n) whatever the number of agents, and
the shell needs one reactor timer for all of them. A deadline that was replaced or cleared can never fire.
"""

import heapq
from collections.abc import Iterator
from typing import Protocol


class TimerOwner(Protocol):
    """Whatever has named timers: a transaction, a leg, a registration."""

    def on_timer(self, name: str) -> None:
        """Act on the deadline ``name``, which has just passed."""


class Deadlines:
    """A set of (owner, name) pairs with the time at which each is due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, TimerOwner, str]] = []
        self._current: dict[tuple[int, str], int] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._current)

    @property
    def heap_size(self) -> int:
        """Return how many entries are stored, replaced and cleared ones included."""
        return len(self._heap)

    def set(self, owner: TimerOwner, name: str, when: float) -> None:
        """Make ``name`` of ``owner`` due at ``when``, in place of an earlier deadline of that name."""
        self._serial += 1
        self._current[id(owner), name] = self._serial
        heapq.heappush(self._heap, (when, self._serial, owner, name))
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._current):
            self._compact()

    def clear(self, owner: TimerOwner, name: str) -> None:
        """Forget the deadline ``name`` of ``owner``, if there is one."""
        self._current.pop((id(owner), name), None)

    def next(self) -> float | None:
        """Return when the earliest deadline is due, or None when there is none."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[tuple[TimerOwner, str]]:
        """Take out and yield each deadline at or before ``now``, earliest first; more may be set meanwhile."""
        while True:
            self._drop_stale()
            if not self._heap or self._heap[0][0] > now:
                return
            _, _, owner, name = heapq.heappop(self._heap)
            del self._current[id(owner), name]
            yield owner, name

    def _drop_stale(self) -> None:
        heap = self._heap
        while heap and self._current.get((id(heap[0][2]), heap[0][3])) != heap[0][1]:
            heapq.heappop(heap)

    def _compact(self) -> None:
        self._heap = [entry for entry in self._heap if self._current.get((id(entry[2]), entry[3])) == entry[1]]
        heapq.heapify(self._heap)
