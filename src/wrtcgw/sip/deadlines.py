"""
Deadlines as data: which timer of which object is due when.

A heap with lazy removal: setting, clearing and finding the next one cost O(log n) whatever the number of agents, and
the shell needs one reactor timer for all of them. A deadline that was replaced or cleared can never fire.
"""

import heapq
from collections.abc import Iterator
from typing import Any, Protocol


class TimerOwner(Protocol):
    """Whatever has named timers: a transaction, a leg, a registration."""

    @property
    def account_key(self) -> str:
        """Return the key of the account that it belongs to, '' for none."""

    def on_timer(self, name: str) -> None:
        """Act on the deadline ``name``, which has just passed."""


Entry = list[Any]
"""When, a serial number, whose, and its name; in place of the owner None, when it does not count any more."""
OWNER = 2


class Deadlines:
    """A set of (owner, name) pairs with the time at which each is due."""

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._current: dict[int, dict[str, Entry]] = {}
        self._serial = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def heap_size(self) -> int:
        """Return how many entries are stored, replaced and cleared ones included."""
        return len(self._heap)

    def set(self, owner: TimerOwner, name: str, when: float) -> None:
        """Make ``name`` of ``owner`` due at ``when``, in place of an earlier deadline of that name."""
        self._serial += 1
        self.clear(owner, name)
        self._size += 1
        entry: Entry = [when, self._serial, owner, name]
        self._current.setdefault(id(owner), {})[name] = entry
        heapq.heappush(self._heap, entry)
        if len(self._heap) > 64 and len(self._heap) > 4 * self._size:
            self._compact()

    def clear(self, owner: TimerOwner, name: str) -> None:
        """Forget the deadline ``name`` of ``owner``, if there is one."""
        names = self._current.get(id(owner))
        entry = None if names is None else names.pop(name, None)
        if names is not None and entry is not None:
            entry[OWNER] = None
            self._size -= 1
            if not names:
                del self._current[id(owner)]

    def clear_account(self, key: str) -> None:
        """Forget all deadlines of an account."""
        for _, _, owner, name in self._heap:
            if owner is not None and owner.account_key == key:
                self.clear(owner, name)

    def of(self, owner: TimerOwner) -> list[tuple[float, int, str]]:
        """Return when each deadline of ``owner`` is due, its rank among those of one time, and its name."""
        return [(entry[0], entry[1], name) for name, entry in self._current.get(id(owner), {}).items()]

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
            _, _, owner, name = self._heap[0]
            self.clear(owner, name)
            yield owner, name

    def _drop_stale(self) -> None:
        heap = self._heap
        while heap and heap[0][OWNER] is None:
            heapq.heappop(heap)

    def _compact(self) -> None:
        self._heap = [entry for entry in self._heap if entry[OWNER] is not None]
        heapq.heapify(self._heap)
