"""What every store can do, whatever it keeps the records in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred


class StoreUnusable(Exception):
    """
    The store cannot be used as it is, and waiting does not help; the gateway must not start with it.

    Its text says what was expected and found, and what to do.
    """


class StoreUnavailable(Exception):
    """
    The store does not do its work at the moment; its text says why.

    What was to be written may have been written or not: whoever wrote it writes the newest state again later.
    """


@frozen
class Record:
    """What is kept of one agent."""

    key: str
    """The agent's id."""
    data: bytes = field(repr=False)
    """Belongs to whoever wrote it; a store does not look into it."""
    node: str
    """The name of the gateway that wrote it."""
    fence: int
    """The fencing token of the lease under which it was written; 0 when that cannot be read."""


@frozen
class Lease:
    """The right of one gateway to write the record of one agent."""

    key: str
    node: str
    fence: int
    """Grows with each gateway, or new process of it, that takes the lease over."""


class Store(Protocol):
    """
    Keeps records under leases.

    Its Deferreds fire within its time limit, those of ``open``, ``load`` and ``close`` within
    :data:`START_SECONDS`, and fail with :class:`StoreUnavailable`, ``open`` with :class:`StoreUnusable` as well.
    What is asked of it is done in the order in which it was asked.

    :ivar survives: False when the end of the process is the end of the records.
    :ivar shared: whether several gateways can use it at a time; otherwise no lease is ever lost.
    :ivar on_loss: is called when records that were written may not be there any more, because the store was restarted,
        emptied or replaced: everything that is to be kept has to be written again.
    """

    survives: bool
    shared: bool
    on_loss: Callable[[], None]

    def open(self) -> Deferred[None]:
        """Make, migrate or check it; nothing else may be asked before this has fired."""

    def load(self) -> Deferred[list[Record]]:
        """Return every record."""

    def read(self, key: str) -> Deferred[Record | None]:
        """Return one record, None when there is none."""

    def write(self, changes: Mapping[str, bytes | None]) -> Deferred[frozenset[str]]:
        """
        Replace records, and delete those that are None, all of them or none.

        Fires when this is safe against the end of this process. Each write is a sign of life for the leases too.

        :returns: the keys whose lease this gateway does not hold (any more); nothing of these was written.
        """

    def take(self, key: str, *, force: bool = False) -> Deferred[Lease | None]:
        """
        Take the lease of a key, which need not have a record.

        A gateway that holds it keeps it. A lease of the same node, but of another process, is taken over.

        :param force: take it even from another gateway that is alive.
        :returns: None when another gateway holds it.
        """

    def renew(self, keys: Sequence[str]) -> Deferred[frozenset[str]]:
        """Let leases last for another term; returns the keys whose lease is lost."""

    def release(self, keys: Sequence[str]) -> Deferred[None]:
        """Give leases back, so that any gateway can take them at once."""

    def expired(self) -> Deferred[list[str]]:
        """Return the keys of the records that no gateway holds a lease of that lasts."""

    def close(self) -> Deferred[None]:
        """Finish what was asked, and let go of everything but the leases."""


@frozen(kw_only=True)
class StoreSettings:
    """What a store is told; times in seconds."""

    node: str
    """The name of this gateway."""
    lease_ttl: float = 10.0
    """How long a lease lasts."""
    store_timeout: float = 1.0
    """How long one answer may take."""


START_SECONDS = 30.0
"""For what is done once, at the start and at the end, and may have much to read."""


def nothing_to_do() -> None:
    """Stand for a listener that nobody has set."""
