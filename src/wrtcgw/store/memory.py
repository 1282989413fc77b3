"""Records in memory: they end with the process."""

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed

from wrtcgw.store.interface import Lease, Record, nothing_to_do

FENCE = 1
"""Of all leases: there is one process only, and it begins with nothing."""


class MemoryStore:
    """The store that needs nothing: see :class:`~wrtcgw.store.interface.Store`."""

    survives = False
    shared = False

    def __init__(self, node: str) -> None:
        self.on_loss: Callable[[], None] = nothing_to_do
        self._node = node
        self._records: dict[str, Record] = {}
        self._held: set[str] = set()

    def open(self) -> Deferred[None]:
        """Do nothing."""
        return succeed(None)

    def load(self) -> Deferred[list[Record]]:
        """Return every record."""
        return succeed(list(self._records.values()))

    def read(self, key: str) -> Deferred[Record | None]:
        """Return one record."""
        return succeed(self._records.get(key))

    def write(self, changes: Mapping[str, bytes | None]) -> Deferred[frozenset[str]]:
        """Replace and delete records."""
        refused = frozenset(changes.keys() - self._held)
        for key, data in changes.items():
            if key in refused:
                continue
            if data is None:
                self._records.pop(key, None)
            else:
                self._records[key] = Record(key, data, self._node, FENCE)
        return succeed(refused)

    def take(self, key: str, *, force: bool = False) -> Deferred[Lease | None]:
        """Take a lease, which nobody else can have."""
        self._held.add(key)
        return succeed(Lease(key, self._node, FENCE))

    def renew(self, keys: Sequence[str]) -> Deferred[frozenset[str]]:
        """Return which of the leases are not held."""
        return succeed(frozenset(keys) - self._held)

    def release(self, keys: Sequence[str]) -> Deferred[None]:
        """Give leases back."""
        self._held.difference_update(keys)
        return succeed(None)

    def expired(self) -> Deferred[list[str]]:
        """Return the keys of the records without a lease."""
        return succeed([key for key in self._records if key not in self._held])

    def close(self) -> Deferred[None]:
        """Do nothing."""
        return succeed(None)
