"""
Several gateways on one store: how an agent, with its calls, comes from one to another.

An agent is one gateway's at a time, whose lease says so (:mod:`wrtcgw.gateway.leases`). It comes here

- with a request of its page that shows the agent's session token, or a sign_in that the registrar has agreed to: then
  it is taken at once, whether the gateway that has it is alive or not;
- when nobody has it, because its gateway was stopped or has died: then whoever looks first takes it (the sweep).

The gateway that had it, if it lives, finds its next write or renewal refused, drops what it had to say, and forgets
agent and calls without a word (:meth:`~wrtcgw.gateway.persistence.Persistence.let_go`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from random import Random
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.errors import Draining, NoSIPConnection, StoreUnreachable
from wrtcgw.events.catalogue import AgentsTakenOver
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.keyed_lock import Turns
from wrtcgw.gateway.leases import Leases
from wrtcgw.gateway.persistence import UNREADABLE, Durability, Persistence, Restored
from wrtcgw.gateway.registrations import Registrations
from wrtcgw.store.interface import Record, Store, StoreUnavailable

SWEEPS = 2
"""So many sweeps there are while a lease lasts."""
AT_ONCE = 20
"""Records that are read, or agents that are taken up, before others have their turn of the reactor."""
SHOWN_SECONDS = 2.0
"""How long what was read of the other gateways' agents is shown."""
SHOWN_MOST = 5000
"""So many agents of other gateways are shown at most."""
MOVED = "another gateway has taken the agent over"
"""Why its registration is renewed."""

Kept = Mapping[str, Any]
Judge = Callable[[Kept], bool]
"""Looks at what the :class:`~wrtcgw.gateway.persistence.Keeper` parts have stored of an agent: may who asks have it?"""


@frozen
class Elsewhere:
    """An agent that another gateway has, as it was when that wrote it down; its times are by the clock of this one."""

    agent: Agent
    node: str


class Cluster:
    """
    What one gateway does for the agents of the others.

    :param random: when it sweeps, and in which order, so that several gateways share what is left of one.
    """

    def __init__(
        self,
        context: GatewayContext,
        registrations: Registrations,
        persistence: Persistence,
        durability: Durability | None,
        random: Random | None = None,
    ) -> None:
        self._context = context
        self._registrations = registrations
        self._persistence = persistence
        self._durability = durability
        self._random = random or Random()
        self._turns = Turns()
        self._timer: IDelayedCall | None = None
        self._unreadable: dict[str, bytes] = {}
        """What is stored of accounts that this version cannot read, by its digest: another record may be readable."""
        self._shown: tuple[float, list[Elsewhere]] = (-SHOWN_SECONDS, [])
        self._showing: list[Deferred[None]] | None = None
        if self.is_shared:
            context.mark = sha256(context.settings.node.encode()).hexdigest()[:6]
            registrations.claim = self._claim

    @property
    def is_shared(self) -> bool:
        """Return whether other gateways may have agents that come here."""
        return self._persistence.is_shared

    @property
    def _store(self) -> Store:
        assert self._durability is not None, "asked where a store is shared"
        return self._durability.store

    @property
    def _leases(self) -> Leases:
        leases = self._persistence.leases
        assert leases is not None, "asked where a store is shared"
        return leases

    # -- one that is asked for

    def certain(self) -> "Deferred[None] | None":
        """Return what fires when it is known whose the agents are; None while it is, which is nearly always."""
        return self._persistence.durable() if self._leases.in_doubt else None

    def has(self, key: str) -> bool:
        """Return whether an account's agent is here, as far as is known."""
        return self._context.registry.has_dn(key)

    async def fetch(self, key: str, judge: Judge) -> bool:
        """
        Let an agent come here whose page asks for it; returns whether it is here now.

        :param judge: decides by what is stored whether who asks may have it; nothing is taken before.
        :raises StoreUnreachable: when that cannot be found out.
        :raises NoSIPConnection: when it could not go on here; Draining when it should not.
        """
        async with self._turns.of(key):
            try:
                return await self._fetch(key, judge)
            except StoreUnavailable:
                raise StoreUnreachable() from None

    async def _fetch(self, key: str, judge: Judge) -> bool:
        record = await self._store.read(key)
        if record is None or not _permits(record, judge) or self._registrations.is_entering(key):
            return False
        self._require_able()
        if self.has(key):
            if record.node == self._context.settings.node:
                return True
            self._persistence.let_go(key)  # another one has taken it, which this one would find at its next write
        if not await self._leases.take(key, force=True):
            return False
        record = await self._read_taken(key)  # the other one may have written until it was taken
        if record is None or not _permits(record, judge):
            await self._leases.release([key])
            return False
        return await self._take_one(record)

    async def _read_taken(self, key: str) -> Record | None:
        """Read what there is of an account that was just taken; if that fails it is left to whoever comes first."""
        try:
            return await self._store.read(key)
        except StoreUnavailable:
            self._leases.drop([key])
            raise

    async def _take_one(self, record: Record) -> bool:
        taken = await self._take_up([record])
        if taken:
            self._context.events.publish(AgentsTakenOver(taken, (record.node,)))
        return taken > 0

    def _require_able(self) -> None:
        if self._context.draining:
            raise Draining()
        if not self._registrations.up:
            raise NoSIPConnection()

    async def _claim(self, dn: str) -> bool:
        """Take a DN that was just registered here; returns whether its agent was another gateway's, and is here now."""
        async with self._turns.of(dn):
            try:
                await self._leases.take(dn, force=True)
                record = await self._read_taken(dn)
                if record is None or self.has(dn):
                    return False
                self._context.core.abandon(dn, self._context.now())
                return await self._take_one(record)
            except StoreUnavailable:
                raise StoreUnreachable() from None

    # -- those whom nobody has

    def start(self) -> None:
        """Look for agents whom nobody has, now and then."""
        if self.is_shared and self._timer is None:
            assert self._durability is not None
            pause = self._durability.lease_ttl / SWEEPS * self._random.uniform(0.75, 1.25)
            self._timer = self._context.clock.plain.callLater(pause, self._sweep_now)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep_now(self) -> None:
        self._timer = None
        self._context.spawn(self._sweep_reported()).addCallback(lambda _: self.start())

    async def _sweep_reported(self) -> None:
        with suppress(StoreUnavailable):  # the writes tell of that
            await self.sweep()

    async def sweep(self) -> int:
        """
        Take agents up whom nobody has; returns how many.

        :raises StoreUnavailable: when the store is out of reach.
        """
        if self._context.draining or not self._registrations.up or self._leases.in_doubt:
            return 0
        keys = await self._store.expired()
        self._unreadable = {key: self._unreadable[key] for key in keys if key in self._unreadable}
        self._random.shuffle(keys)
        taken, nodes = 0, set()
        for start in range(0, len(keys), AT_ONCE):
            records = [record for key in keys[start : start + AT_ONCE] if (record := await self._take(key))]
            taken += await self._take_up(records)
            nodes |= {record.node for record in records}
            await self._context.pause(0)
        if taken:
            self._context.events.publish(AgentsTakenOver(taken, tuple(sorted(nodes))))
        return taken

    async def _take(self, key: str) -> Record | None:
        """Take an agent whom nobody has; None when somebody was faster."""
        async with self._turns.of(key):
            if key in self._leases or self._registrations.is_entering(key) or await self._is_unreadable(key):
                return None
            return await self._read_taken(key) if await self._leases.take(key) else None

    async def _is_unreadable(self, key: str) -> bool:
        """Return whether what is stored of an account is still what could not be read."""
        known = self._unreadable.get(key)
        if known is None:
            return False
        record = await self._store.read(key)
        if record is not None and _digest(record) == known:
            return True
        del self._unreadable[key]
        return False

    async def _take_up(self, records: Sequence[Record]) -> int:
        """
        Take up what is this gateway's now; what cannot be read is left for others.

        Nor is an account taken up that a sign_in, or a request of its page, was faster with: that goes on.
        """
        crossed = [record.key for record in records if self._persistence.is_here(record.key)]
        free = [record for record in records if record.key not in crossed]
        restored = self._persistence.restore(free, MOVED) if free else Restored(0, 0)
        self._unreadable |= {each.key: _digest(each) for each in free if each.key in restored.left_out}
        lost = [*restored.left_out, *(key for key in crossed if not self.has(key))]
        await self._leases.release(lost)
        return restored.agents

    # -- what the others have

    async def elsewhere(self) -> list[Elsewhere]:
        """Return the agents that other gateways have, as they were not long ago; none where the store is not shared."""
        if not self.is_shared:
            return []
        return [each for each in await self._read_lately() if not self.has(each.agent.dn)]

    async def _read_lately(self) -> list[Elsewhere]:
        read, found = self._shown
        if self._context.now() - read < SHOWN_SECONDS:
            return found
        if self._showing is not None:
            waiting: Deferred[None] = Deferred()
            self._showing.append(waiting)
            await waiting
            return self._shown[1]
        self._showing = []
        try:
            found = await self._read_others()
            self._shown = self._context.now(), found
        except StoreUnavailable:
            found = []
        finally:
            others, self._showing = self._showing, None
            for each in others:
                each.callback(None)
        return found

    async def _read_others(self) -> list[Elsewhere]:
        found: list[Elsewhere] = []
        for number, record in enumerate(await self._store.load()):
            if not number % AT_ONCE:
                await self._context.pause(0)
            if record.key not in self._leases and len(found) < SHOWN_MOST:
                found += self._shown_agent(record)
        return found

    def _shown_agent(self, record: Record) -> list[Elsewhere]:
        """Return the agent of a record, if there is one, and it can be read."""
        assert self._durability is not None
        try:
            data = json.loads(record.data)
            if data["agent"] is None:
                return []
            age = max(0.0, self._durability.wall() - data["wall"])
            limit, shift = self._context.settings.mailbox_limit, self._context.now() - age - data["clock"]
            mailboxes = (data["mailbox"], *data.get("mailboxes", ()))
            mailbox, *further = [Mailbox.restore(each, limit) for each in mailboxes]
            agent = Agent.restore(data["agent"], mailbox, shift, further)
        except UNREADABLE:
            return []
        return [Elsewhere(agent, record.node)]


def _digest(record: Record) -> bytes:
    data: object = record.data  # bytes, unless another program has put something else there
    return sha256(data if isinstance(data, bytes) else repr(data).encode()).digest()


def _permits(record: Record, judge: Judge) -> bool:
    """Return whether a judge lets an agent come, by its record."""
    try:
        return judge(json.loads(record.data)["kept"])
    except UNREADABLE:
        return False
