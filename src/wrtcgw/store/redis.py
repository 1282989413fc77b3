"""Records in Redis: several gateways share them, and each can take over from any other."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.store.address import StoreAddress
from wrtcgw.store.interface import (
    START_SECONDS,
    Lease,
    Record,
    StoreSettings,
    StoreUnavailable,
    StoreUnusable,
    nothing_to_do,
)
from wrtcgw.store.redis_scripts import EXPIRED, PREFIX, RELEASE, TAKE, VERSION, WRITE
from wrtcgw.store.redis_wire import RedisConnection, Refusal, Wire, Word

log = Logger()

BATCH = 50
"""Records of one question, when all are read."""
USELESS = ("WRONGPASS", "NOAUTH", "NOPERM", "ERR")
"""Refusals of the greeting that waiting does not help against."""
FULL = "ERR max number of clients"
"""Waiting does help against this one."""
REASONS = {
    "READONLY": "it is a replica that takes no writes",
    "OOM": "it has no memory left (maxmemory)",
    "MISCONF": "it cannot save its data, and so takes no more",
    "LOADING": "it is still loading its data",
    "MASTERDOWN": "it is a replica without its master",
    "NOREPLICAS": "too few of its replicas are there",
    "BUSY": "it is busy with a script",
    "WRONGPASS": "the user or the password is wrong",
    "NOAUTH": "it wants a password: state_store_password",
    "NOPERM": "the user may not do what is needed",
    "WRONGTYPE": "what another program has put there is in the way",
}
HEAD = [PREFIX + name for name in (b"version", b"fence", b"leases")]
AGENT = PREFIX + b"agent:"
FENCE = re.compile(rb"[0-9]{1,18}")


class RedisStore:
    """
    The store of several gateways; see :class:`~wrtcgw.store.interface.Store`.

    What was written survives this process. It survives the server as far as its persistence goes; a gateway that lives
    is told by ``on_loss`` and writes everything again.
    """

    survives = True
    shared = True

    def __init__(
        self, address: StoreAddress, settings: StoreSettings, endpoint: IStreamClientEndpoint, clock: IReactorTime
    ) -> None:
        self.on_loss: Callable[[], None] = nothing_to_do
        self._address = address
        self._node = settings.node
        self._ttl = settings.lease_ttl
        self._clock = clock
        self._fences: dict[str, int] = {}
        self._server = ""
        self._strange: set[bytes] = set()
        """Where something was found that is no record, so that it is told once."""
        seconds = settings.store_timeout
        self._connection = RedisConnection(endpoint, clock, str(address), self._greet, seconds)

    def open(self) -> Deferred[None]:
        """Connect, and look whether it is of use; may be tried again when it was out of reach."""
        return Deferred.fromCoroutine(self._open())

    def load(self) -> Deferred[list[Record]]:
        """Return every record."""
        loading = Deferred.fromCoroutine(self._load())
        return loading.addTimeout(START_SECONDS, self._clock, self._too_late)

    def read(self, key: str) -> Deferred[Record | None]:
        """Return one record."""
        return Deferred.fromCoroutine(self._look(_stored(key)))

    def write(self, changes: Mapping[str, bytes | None]) -> Deferred[frozenset[str]]:
        """Replace and delete records, as one script."""
        acts = {key: (b"delete", b"") if data is None else (b"set", data) for key, data in changes.items()}
        return Deferred.fromCoroutine(self._write(acts))

    def take(self, key: str, *, force: bool = False) -> Deferred[Lease | None]:
        """Take a lease."""
        return Deferred.fromCoroutine(self._take(key, force=force))

    def renew(self, keys: Sequence[str]) -> Deferred[frozenset[str]]:
        """Let leases last for another term."""
        return Deferred.fromCoroutine(self._write({key: (b"renew", b"") for key in keys}))

    def release(self, keys: Sequence[str]) -> Deferred[None]:
        """Give leases back."""
        return Deferred.fromCoroutine(self._release(keys))

    def expired(self) -> Deferred[list[str]]:
        """Return the keys of the records that nobody has a lease of that lasts."""
        return Deferred.fromCoroutine(self._expired())

    def close(self) -> Deferred[None]:
        """Finish what was asked, and disconnect."""
        return Deferred.fromCoroutine(self._connection.stop())

    async def _open(self) -> None:
        self._server = ""
        self._fences.clear()
        await self._connection.start()
        policy = _fields(await self._ask("INFO", "memory")).get("maxmemory_policy", "noeviction")
        if policy.startswith("allkeys"):
            log.warn(
                "{address}: maxmemory-policy {policy} throws records away when memory is short; noeviction would not",
                address=str(self._address),
                policy=policy,
            )

    async def _greet(self, wire: Wire) -> None:
        """Log in, and find out whether this is the server that had our records."""
        try:
            if self._address.password:
                user = [self._address.user] if self._address.user else []
                await wire.ask("AUTH", *user, self._address.password)
            if self._address.database:
                await wire.ask("SELECT", self._address.database)
            server = _fields(await wire.ask("INFO", "server")).get("run_id", "")
            version = await wire.ask("GET", HEAD[0])
            if version is None:
                await wire.ask("SET", HEAD[0], VERSION, "NX")
            await wire.ask("GET", HEAD[1])
            await wire.ask("ZSCORE", HEAD[2], "")
        except Refusal as refusal:
            text = _reason(refusal)
            if refusal.kind == "WRONGTYPE":
                names = ", ".join(name.decode() for name in HEAD)
                raise StoreUnusable(f"{self._address}: one of {names}: {text}; use a database of its own") from None
            if refusal.kind in USELESS and not str(refusal).startswith(FULL):
                raise StoreUnusable(f"{self._address}: {text}") from None
            raise StoreUnavailable(text) from None
        if version is not None and version != VERSION.encode():
            raise StoreUnusable(
                f"{self._address} holds data of version {version.decode('ascii', 'replace')}, and this wrtcgw knows "
                f"version {VERSION}: use another database, or the same version of wrtcgw for all gateways"
            )
        before, self._server = self._server, server
        if before and (server != before or version is None):
            self._clock.callLater(0.0, self._tell_loss)

    def _tell_loss(self) -> None:
        self.on_loss()

    async def _load(self) -> list[Record]:
        keys: list[bytes] = await self._ask("ZRANGE", HEAD[2], 0, -1)
        records = []
        self._strange.intersection_update(keys)
        for start in range(0, len(keys), BATCH):
            asked = [Deferred.fromCoroutine(self._look(key)) for key in keys[start : start + BATCH]]
            try:
                records += await gatherResults(asked, consumeErrors=True)
            except FirstError as error:
                error.subFailure.raiseException()
        return [record for record in records if record is not None]

    async def _look(self, key: bytes) -> Record | None:
        """Return a record; None where there is none, or something else, which is told once and harms no other."""
        try:
            return _record(key, await self._connection.ask("HMGET", AGENT + key, "data", "node", "written"))
        except UnicodeDecodeError:
            self._leave_out(key, "its name is not UTF-8")
        except Refusal as refusal:
            if refusal.kind != "WRONGTYPE":
                raise self._unavailable(refusal) from None
            self._leave_out(key, "it is no hash")
        return None

    def _leave_out(self, key: bytes, why: str) -> None:
        if key not in self._strange:
            self._strange.add(key)
            log.error(
                "{address}: {name} is no record of a gateway, and is left out: {why}",
                address=str(self._address),
                name=(AGENT + key).decode("utf-8", "backslashreplace"),
                why=why,
            )

    async def _write(self, acts: Mapping[str, tuple[bytes, bytes]]) -> frozenset[str]:
        ours = {key: self._fences[key] for key in acts if key in self._fences}
        refused = set(acts.keys() - ours.keys())
        if not ours:
            return frozenset(refused)
        arguments: list[Word] = [self._node, self._ttl]
        for key, fence in ours.items():
            arguments += [_stored(key), fence, *acts[key]]
        fenced: list[bytes] = await self._run(WRITE, list(ours), arguments)
        for key in map(_told, fenced):
            if self._fences.get(key) == ours[key]:
                del self._fences[key]
            refused.add(key)
        return frozenset(refused)

    async def _take(self, key: str, *, force: bool) -> Lease | None:
        own = self._fences.get(key, 0)
        words: list[Word] = [self._node, self._ttl, _stored(key), own, "force" if force else ""]
        fence: int = await self._run(TAKE, [key], words)
        if not fence:
            self._fences.pop(key, None)
            return None
        self._fences[key] = fence
        return Lease(key, self._node, fence)

    async def _release(self, keys: Sequence[str]) -> None:
        ours = {key: self._fences.pop(key) for key in keys if key in self._fences}
        if ours:
            arguments: list[Word] = [self._node]
            for key, fence in ours.items():
                arguments += [_stored(key), fence]
            await self._run(RELEASE, list(ours), arguments)

    async def _expired(self) -> list[str]:
        found: list[bytes] = await self._run(EXPIRED, [], [AGENT])
        return [_told(key) for key in found if _is_text(key)]

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Word]) -> Any:
        """Run a script; it is sent in full each time, so that no server can lack it, and none runs out of order."""
        names = [*HEAD, *(AGENT + _stored(key) for key in keys)]
        emptied, result = await self._ask("EVAL", script, len(names), *names, *arguments)
        if emptied and self._server:
            self._clock.callLater(0.0, self._tell_loss)
        return result

    def _ask(self, *words: Word) -> Deferred[Any]:
        return self._connection.ask(*words).addErrback(self._refused)

    def _refused(self, failure: Failure) -> Any:
        refusal = failure.value
        if isinstance(refusal, Refusal):
            raise self._unavailable(refusal) from None
        return failure

    def _unavailable(self, refusal: Refusal) -> StoreUnavailable:
        if refusal.kind == "READONLY":
            self._connection.drop(REASONS["READONLY"])
        return StoreUnavailable(f"{self._address}: {_reason(refusal)}")

    def _too_late(self, _: object, seconds: float) -> list[Record]:
        raise StoreUnavailable(f"{self._address}: not all was read within {seconds:g} s")


def _reason(refusal: Refusal) -> str:
    """Return what Redis refused, with its own words."""
    told = REASONS.get(refusal.kind)
    return f"{told} ({refusal})" if told else str(refusal)


def _fields(info: bytes) -> dict[str, str]:
    """Read an answer to INFO."""
    lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def _stored(key: str) -> bytes:
    """Return a key as Redis has it: any text, half characters of JSON included."""
    return key.encode("utf-8", "surrogatepass")


def _is_text(key: bytes) -> bool:
    """Return whether a key is one that a gateway may have made."""
    try:
        _told(key)
    except UnicodeDecodeError:
        return False
    return True


def _told(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")


def _record(key: bytes, fields: Sequence[bytes | None]) -> Record | None:
    """Return a record; None when there is none. Who wrote it, and when, may be missing: that harms nobody."""
    data, node, written = fields
    if data is None:
        return None
    fence = int(written) if written is not None and FENCE.fullmatch(written) else 0
    return Record(_told(key), data, (node or b"").decode("utf-8", "replace"), fence)
