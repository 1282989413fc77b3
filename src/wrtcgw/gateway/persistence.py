"""
What is kept of each account, so that its calls outlive this process: as one record, written and read here.

A record has all of one account (a DN, or a guest): the agent who has it, with calls and messages; what the SIP core
holds; what the HTTP side keeps of its page; and its secrets, sealed. An agent who has left stays in the store until the
core is done with its BYEs and its un-REGISTER.

Times in records are those of the clock of the process that wrote them, which begins anew with each process: by the wall
clock it is known how long ago that was.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.events.catalogue import AgentLetGo, AgentRestored, CallRestored, StoreFault
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.leases import Leases
from wrtcgw.gateway.outbox import Batches
from wrtcgw.gateway.registrations import RESTARTED, Registrations
from wrtcgw.gateway.vault import Vault
from wrtcgw.sip.core import Account
from wrtcgw.sip.errors import SnapshotError
from wrtcgw.store.interface import Record, Store

VERSION = 1
"""Of the form of a record; another one is not read."""
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)
UNREADABLE = (
    *(KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError),
    SnapshotError,
)


class KeptPart(Protocol):
    """A part that keeps something of each agent that is to survive."""

    def snapshot(self, agent: Agent) -> object:
        """Return it as plain data; None for nothing."""

    def restore(self, agent: Agent, data: Any, shift: float) -> None:
        """
        Take it back.

        :param shift: seconds to add to all times.
        """


@frozen
class Durability:
    """
    Where state is kept.

    :ivar key: of the site, under which secrets are sealed; None: under one made of each page's session token.
    :ivar wall: the wall clock's seconds.
    :ivar lease_ttl: seconds that an agent stays with a gateway that is not heard of, where several share the store.
    """

    store: Store
    key: bytes | None = field(default=None, repr=False)
    wall: Callable[[], float] = time.time
    lease_ttl: float = 10.0


@frozen
class Restored:
    """What was taken up from a store."""

    agents: int
    calls: int
    left_out: tuple[str, ...] = ()
    """The accounts whose records cannot be read."""

    @property
    def unreadable(self) -> int:
        """Return how many records could not be read."""
        return len(self.left_out)


@define
class _Revived:
    """An account that is being taken up."""

    key: str
    agent: Agent | None
    node: str
    legs: list[CallLeg] = field(factory=list)


class Persistence:
    """Writes records, and takes them up again."""

    def __init__(self, context: GatewayContext, registrations: Registrations, durability: Durability | None) -> None:
        self._context = context
        self._registrations = registrations
        self._vault = Vault(
            None if durability is None else durability.key,
            registrations.unlock,
            lambda key, text: context.events.publish(StoreFault(key, text)),
        )
        self._wall = time.time if durability is None else durability.wall
        self._keepers: dict[str, KeptPart] = {}
        self._batches: Batches | None = None
        self._unwritable: set[str] = set()
        """The accounts that were told to be so; those that are gone are not."""
        self._store = None if durability is None else durability.store
        if durability is not None and durability.store.survives:
            store = durability.store
            lasting = durability.lease_ttl if store.shared else 0.0
            leases = Leases(store, context.clock.plain, lasting, self._lost, context.report)
            self._batches = context.outbox = Batches(
                store,
                leases,
                context.core,
                context.clock.plain,
                context.events,
                self.records,
                self._fenced,
                context.report,
            )

    @property
    def is_shared(self) -> bool:
        """Return whether other gateways use the store, too."""
        return self._batches is not None and self._batches.is_shared

    @property
    def survives(self) -> bool:
        """Return whether calls go on when the process ends."""
        return self._batches is not None

    @property
    def is_writable(self) -> bool:
        """Return whether what is promised now can be written down, where it is to be."""
        return self._context.outbox.is_writable

    def durable(self) -> "Deferred[None] | None":
        """Return what fires when all that has settled until now is written down; None when it is."""
        return self._context.outbox.durable()

    def touch(self, agent: Agent) -> None:
        """Note that something was changed that a :class:`KeptPart` has of an agent."""
        if self._batches is not None:
            with self._context.events:
                self._context.touch(agent)

    def page_showed(self, agent: Agent, token: bytes, *, anew: bool = False, before: str = "") -> None:
        """
        Take the session token that an agent's page has shown: it seals the agent's secrets, or opens them.

        :param anew: it is a new one, and the secrets are still sealed under the one before.
        :param before: the name of the one that it replaces, while other pages of the agent keep theirs.
        """
        if self._batches is None:
            return
        key = agent.account
        if anew:
            self._vault.forget(key)
        with self._context.events:
            if self._vault.shown(key, token, self._context.core.account(key), before):
                self._context.touch(agent)

    def page_left(self, agent: Agent, name: str) -> None:
        """Forget what one of several pages of an agent could open with its token, of which this is the name."""
        self._vault.forget_token(agent.account, name)
        self.touch(agent)

    @property
    def leases(self) -> Leases | None:
        """Return which accounts are this gateway's; None when nothing is stored."""
        return None if self._batches is None else self._batches.leases

    def close(self) -> "Deferred[None]":
        """
        Write what can be, and let nothing happen any more: the process ends, and its agents and calls go on in another.

        :returns: fires when that is done, and the agents are free for other gateways.
        """
        return succeed(None) if self._batches is None else self._batches.close()

    def _lost(self, keys: frozenset[str]) -> None:
        assert self._batches is not None, "its leases are of its store"
        self._batches.lose(keys)

    def let_go(self, key: str) -> None:
        """Let go of an account that another gateway has taken over, without a word to anybody."""
        if self._batches is not None:
            self._batches.leases.drop((key,))
            self._batches.lose(frozenset((key,)))

    def _fenced(self, keys: frozenset[str]) -> None:
        context = self._context
        with context.events:
            for key in keys:
                legs = context.core.abandon(key, context.now())
                calls = tuple(call for call in map(context.let_go, legs) if call is not None)
                self._vault.forget(key)
                self._unwritable.discard(key)
                agent = self._registrations.let_go(key)
                if agent is not None:
                    context.events.publish(AgentLetGo(agent, calls))
            context.run([])

    def join(self, name: str, keeper: KeptPart) -> None:
        """Keep, under a name, what another part has of each agent."""
        self._keepers[name] = keeper

    # -- writing

    def records(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        """Return what is to be written of accounts; None for one of which nothing is left."""
        found: dict[str, bytes | None] = {}
        for key in keys:
            if self.is_shared and self._is_not_ours(key):
                continue
            try:
                found[key] = self._record(key)
            except Exception as error:  # one account that cannot be written must not keep the others from it
                self._tell_unwritable(key, error)
            else:
                self._unwritable.discard(key)
        return found

    def _tell_unwritable(self, key: str, error: Exception) -> None:
        """
        Report an account whose state cannot be made a record, once until it can.

        What it has to say is not held back: as where the store is out of reach, its calls go on from memory. What is
        stored of it stays, which the next process would go on with.
        """
        if key not in self._unwritable:
            self._unwritable.add(key)
            text = "its state cannot be written down; its calls go on, and what was stored before stays for a restart"
            self._context.events.publish(StoreFault(key, f"{text}: {type(error).__name__}: {error}"))
            self._context.report(error)

    def _is_not_ours(self, key: str) -> bool:
        """
        Return whether nothing may be written of an account, though the core has something of it.

        It may be another gateway's as long as nobody is signed in with it here: then a sign_in is under way, or was.
        The account that stands for the guests is each gateway's own affair.
        """
        if self._registrations.is_common(key):
            return True
        held = self.leases is not None and key in self.leases
        is_entering = self._registrations.is_entering(key)  # a sweep may have just taken it from nobody
        return not self._context.registry.has_dn(key) and (is_entering or not held)

    def _record(self, key: str) -> bytes | None:
        context, now = self._context, self._context.now()
        agent = context.registry.find_dn(key)
        sip = context.core.snapshot(key, now)
        if agent is None and not (sip["registration"] or sip["legs"] or sip["clients"]):
            self._vault.forget(key)
            return None
        account = context.core.account(key)
        common = context.settings.guest_dn  # what guests use is no secret of theirs: it is in the settings
        own = None if account is None or account.dn == common else account
        record = {
            "version": VERSION,
            "wall": self._wall(),
            "clock": now,
            "sip": sip,
            "account": None if account is None else [account.dn, account.display_name, account.auth_user],
            "sealed": self._vault.sealed(key, own),
            "agent": None if agent is None else agent.snapshot(),
            "kept": {} if agent is None else {name: keeper.snapshot(agent) for name, keeper in self._keepers.items()},
        }
        rest = _ENCODER.encode(record)
        # most of a record, and hardly anything new in it
        first, *others = ["null"] if agent is None else [page.mailbox.stored() for page in agent.pages]
        return f'{rest[:-1]},"mailbox":{first},"mailboxes":[{",".join(others)}]}}'.encode()

    # -- reading

    async def take_up(self, records: Iterable[Record]) -> Restored:
        """
        Take up those accounts that are no other gateway's; to be called before a connection is up.

        :raises StoreUnavailable: when the store is out of reach.
        """
        leases = self.leases
        if leases is None:
            return Restored(0, 0)
        mine = [taken for record in records if (taken := await self._take(leases, record)) is not None]
        leases.start()
        restored = self.restore(mine)
        if self.is_shared:
            await leases.release(restored.left_out)  # another gateway may be able to read them
        return restored

    async def _take(self, leases: Leases, record: Record) -> Record | None:
        """Take an account; returns its record as it is by then, None when it is another gateway's or not there."""
        if not await leases.take(record.key):
            return None
        if self._store is None or not self.is_shared:
            return record
        newest = await self._store.read(record.key)  # who had it may have written, or ended it, since all was read
        if newest is None:
            await leases.release([record.key])
        return newest

    def restore(self, records: Iterable[Record], words: str = RESTARTED) -> Restored:
        """
        Take up what records tell of, as after a lost connection: registrations and calls go on over the next one.

        Guests come last: their account is that of the guest DN. A record that cannot be read is named in the log, and
        the others are taken up.

        :param words: why the registration of an agent is renewed, for its page.
        """
        context = self._context
        own: list[tuple[Record, Mapping[str, Any]]] = []
        guests: list[tuple[Record, Mapping[str, Any]]] = []
        revived: list[_Revived] = []
        left_out: list[str] = []

        def leave_out(record: Record, error: Exception) -> None:
            left_out.append(record.key)
            text = f"what is stored of it cannot be read, and is left out: {type(error).__name__}: {error}"
            context.events.publish(StoreFault(record.key, text))

        # whatever is in a record, the others must be taken up
        with context.events:
            for record in records:
                try:
                    data = _read(record)
                    (guests if _is_of_guest(data) else own).append((record, data))
                except Exception as error:
                    leave_out(record, error)
            for record, data in (*own, *guests):
                try:
                    revived.append(self._restore(record, data))
                except Exception as error:
                    leave_out(record, error)
            for account in list(revived):
                try:
                    self._go_on(account, words)
                except Exception as error:
                    context.report(error)
                    revived.remove(account)
                    left_out.append(account.key)
                    self._undo(account.key)
        calls = sum(len(account.legs) for account in revived)
        return Restored(sum(account.agent is not None for account in revived), calls, tuple(left_out))

    def is_here(self, key: str) -> bool:
        """Return whether there is something of an account here already: an agent, or a sign_in that is under way."""
        return self._context.registry.has_dn(key) or self._context.core.account(key) is not None

    def _undo(self, key: str) -> None:
        """Forget what was taken up of an account, without a word to anybody."""
        if self._batches is not None:
            self._batches.lose(frozenset((key,)))

    def _restore(self, record: Record, data: Mapping[str, Any]) -> _Revived:
        """
        Take one account up; nobody is told.

        :raises Exception: of any kind, for what cannot be read; then nothing has changed.
        """
        context, now, key = self._context, self._context.now(), record.key
        taken = now - max(0.0, self._wall() - data["wall"])
        shift = taken - data["clock"]
        agent = None
        if data["agent"] is not None:
            settings = context.settings
            limits = settings.mailbox_limit, settings.mailbox_recent
            mailbox, *further = [
                Mailbox.restore(each, *limits, size=settings.mailbox_bytes)
                for each in (data["mailbox"], *data.get("mailboxes", ()))
            ]
            agent = Agent.restore(data["agent"], mailbox, shift, further)
            if agent.dn != key:
                raise ValueError(f"it is of another DN, {agent.dn!r}")
            if any(call in context.legs for call in agent.calls):
                raise ValueError("it has a call of another agent")
            if context.registry.find_agent(agent.id) is not None:
                raise ValueError(f"the id {agent.id!r} is signed in with another DN here")
        account = self._account(key, agent, data)
        context.core.restore(data["sip"], account, taken)
        if agent is None:
            return _Revived(key, None, record.node)
        try:
            legs = self._put_back(agent, account, data, shift)
        except Exception:
            self._undo(key)
            raise
        return _Revived(key, agent, record.node, legs)

    def _put_back(self, agent: Agent, account: Account, data: Mapping[str, Any], shift: float) -> list[CallLeg]:
        """Put an agent with its calls into the tables, of whom the core knows again."""
        context = self._context
        self._registrations.restore(agent, account)
        for name, keeper in self._keepers.items():
            kept = data["kept"].get(name)
            if kept is not None:
                keeper.restore(agent, kept, shift)
        legs = [CallLeg(call) for call in agent.calls.values()]
        for leg in legs:
            context.legs[leg.call.id] = leg
            context.registry.add_call(agent, leg.call)
        return legs

    def _account(self, key: str, agent: Agent | None, data: Mapping[str, Any]) -> Account:
        if agent is not None and agent.guest:
            return self._registrations.guest_account(key)
        if key == self._context.settings.guest_dn and agent is None:
            return self._registrations.common_guest_account()
        dn, display_name, auth_user = data["account"] or [key, "", ""]
        return self._registrations.account_again(
            dn, display_name, auth_user, self._vault.take_back(key, data["sealed"])
        )

    def _go_on(self, account: _Revived, words: str) -> None:
        context = self._context
        if account.agent is not None:
            context.events.publish(AgentRestored(account.agent, account.node))
            for leg in account.legs:
                sip_call_id = context.core.sip_call_id(leg.call.id)
                context.events.publish(CallRestored(account.agent, leg.call, sip_call_id, account.node))
                context.rearm_deadlines(leg)
            self._registrations.resume(account.agent, words)
        context.run(context.core.resume(account.key, context.now()))


def _read(record: Record) -> Mapping[str, Any]:
    """
    Return what a record has.

    :raises Exception: of any kind, for what cannot be read.
    """
    data: Mapping[str, Any] = json.loads(record.data)
    if data["version"] != VERSION:
        raise ValueError(f"expected a record of version {VERSION}, found {data['version']!r}")
    return data


def _is_of_guest(data: Mapping[str, Any]) -> bool:
    """Return whether a record is that of a guest."""
    agent = data["agent"]
    return agent is not None and bool(agent["abilities"]["is_guest"])
