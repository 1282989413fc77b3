"""One store in memory that several gateways of a test share; it does what Redis does, by the contract of the stores."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from wrtcgw.store.interface import Lease, Record, StoreUnavailable, nothing_to_do

T = TypeVar("T")


@define
class _Held:
    owner: str
    fence: int
    until: float


@define(eq=False)
class SharedRecords:
    """
    What is in the store.

    :ivar now: the server's clock.
    :ivar fault: why it is out of reach for all, '' while it is not.
    """

    now: Callable[[], float]
    ttl: float = 10.0
    records: dict[str, Record] = field(factory=dict)
    leases: dict[str, _Held] = field(factory=dict)
    fence: int = 0
    fault: str = ""

    def owner(self, key: str) -> str:
        """Return whose an account is by a lease that lasts, '' for nobody's."""
        held = self.leases.get(key)
        return held.owner if held is not None and held.until > self.now() else ""


class SharedStore:
    """
    The store as one gateway has it.

    What is asked is done at once by the server; when its reply is here is another matter.

    :ivar fault: why it is out of reach for this one, '' while it is not.
    :ivar later: lets a reply arrive.
    """

    survives = True
    shared = True

    def __init__(self, records: SharedRecords, node: str) -> None:
        self.on_loss: Callable[[], None] = nothing_to_do
        self.fault = ""
        self._shared, self._node = records, node
        self.later: Callable[[Callable[[], None]], object] = lambda reply: reply()
        self._fences: dict[str, int] = {}

    def _answer(self, act: Callable[[], T]) -> "Deferred[T]":
        fault = self.fault or self._shared.fault
        outcome = Failure(StoreUnavailable(fault)) if fault else act()
        reply: Deferred[T] = Deferred()
        self.later(lambda: reply.callback(outcome))
        return reply

    def open(self) -> "Deferred[None]":
        """Hold no lease yet."""
        return self._answer(self._fences.clear)

    def load(self) -> "Deferred[list[Record]]":
        """Return every record."""
        return self._answer(lambda: list(self._shared.records.values()))

    def read(self, key: str) -> "Deferred[Record | None]":
        """Return one record."""
        return self._answer(lambda: self._shared.records.get(key))

    def write(self, changes: Mapping[str, bytes | None]) -> "Deferred[frozenset[str]]":
        """Replace and delete what this gateway has a lease of."""
        return self._answer(lambda: self._write(changes))

    def _write(self, changes: Mapping[str, bytes | None]) -> frozenset[str]:
        refused = self._kept(changes)
        for key, data in changes.items():
            if key in refused:
                continue
            if data is None:
                self._shared.records.pop(key, None)
            else:
                self._shared.records[key] = Record(key, data, self._node, self._fences[key])
        return refused

    def _kept(self, keys: Sequence[str] | Mapping[str, object]) -> frozenset[str]:
        """Let leases last on; returns those that are not this gateway's."""
        refused = set()
        for key in keys:
            held, fence = self._shared.leases.get(key), self._fences.get(key, 0)
            if fence and (held is None or fence > held.fence or (fence == held.fence and held.owner == self._node)):
                self._shared.leases[key] = _Held(self._node, fence, self._shared.now() + self._shared.ttl)
            else:
                self._fences.pop(key, None)
                refused.add(key)
        return frozenset(refused)

    def take(self, key: str, *, force: bool = False) -> "Deferred[Lease | None]":
        """Take a lease."""
        return self._answer(lambda: self._take(key, force=force))

    def _take(self, key: str, *, force: bool) -> Lease | None:
        if key in self._fences and not self._kept([key]):
            return Lease(key, self._node, self._fences[key])
        if self._shared.owner(key) not in ("", self._node) and not force:
            return None
        self._shared.fence += 1
        self._fences[key] = self._shared.fence
        self._kept([key])
        return Lease(key, self._node, self._shared.fence)

    def renew(self, keys: Sequence[str]) -> "Deferred[frozenset[str]]":
        """Let leases last on."""
        return self._answer(lambda: self._kept(keys))

    def release(self, keys: Sequence[str]) -> "Deferred[None]":
        """Give leases back."""
        return self._answer(lambda: self._release(keys))

    def _release(self, keys: Sequence[str]) -> None:
        for key in keys:
            fence, held = self._fences.pop(key, 0), self._shared.leases.get(key)
            if held is not None and (held.owner, held.fence) == (self._node, fence):
                held.owner, held.until = "", 0.0

    def expired(self) -> "Deferred[list[str]]":
        """Return the keys of the records that nobody has a lease of that lasts."""
        return self._answer(lambda: [key for key in self._shared.records if not self._shared.owner(key)])

    def close(self) -> "Deferred[None]":
        """Do nothing."""
        return succeed(None)
