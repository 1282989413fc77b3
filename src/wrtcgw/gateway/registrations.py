"""
Signing in and out: an agent, its DN's registration, and who gives way to whom.

An id and a DN belong to one agent at a time. Work on one of them waits until earlier work on it is done, so that two
sign-ins that cross cannot both win.
"""

from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import Any
from weakref import ref

from attrs import frozen
from twisted.internet.defer import Deferred, gatherResults

from wrtcgw.calls.abilities import PageAbilities
from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.call import CallState
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.page import Page
from wrtcgw.errors import (
    AgentInUse,
    BadInput,
    Draining,
    NoSIPConnection,
    RegistrationRefused,
    RegistrationTimeout,
    StoreUnreachable,
)
from wrtcgw.events.catalogue import (
    AgentSignedIn,
    AgentSignedOut,
    CallHandedOver,
    MessageDropped,
    PageLost,
    RegistrationChanged,
)
from wrtcgw.gateway.call_setup import CallSetup
from wrtcgw.gateway.call_takeovers import TakeOvers
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.disconnect_reasons import OTHER_DN, PAGE_LOST, SIGNED_OUT, DisconnectReason
from wrtcgw.gateway.guests import Guests
from wrtcgw.gateway.keyed_lock import Turns
from wrtcgw.gateway.many_pages import ManyPages
from wrtcgw.gateway.page_presence import PagePresence
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.sign_in_fields import check_fields
from wrtcgw.gateway.sip_causes import explain, reason_text
from wrtcgw.sip.core import Account
from wrtcgw.sip.digest import HA1
from wrtcgw.sip.keyring import Keyring
from wrtcgw.sip.outputs import Registered, RegistrationFailed, Unregistered

CREDENTIAL_CODES = frozenset({401, 403, 404, 407})
"""Refusals of a REGISTER that say something about DN or password rather than about the registrar."""

SILENCE_CODES = frozenset({408, 504})
"""What a proxy says when the registrar behind it says nothing (:rfc:`3261#section-16.8`)."""

RESTARTED = "the gateway was started again"
"""Why an agent's registration is renewed."""
_TAKEN_OVER = "another page has signed in with this DN"

Answer = Registered | RegistrationFailed
Hashes = Collection[Collection[str]]
"""Realm, hash and HA1 of each; see :meth:`wrtcgw.sip.keyring.Keyring.hashes`."""


@frozen
class SignIn:
    """A REGISTER with new credentials that waits for the registrar."""

    account: Account
    answer: "Deferred[Answer]"


class Registrations:
    """
    The agents' comings and goings.

    :param setup: ends calls, and tells a new page of those that it has to take up.
    :param take_overs: gives it the time for that.
    """

    def __init__(self, context: GatewayContext, setup: CallSetup, take_overs: TakeOvers, pages: PagePresence) -> None:
        self._context = context
        self.pages = pages
        pages.lost = self._page_lost
        self._setup = setup
        self._take_overs = take_overs
        self._ids = Turns()
        self._dns = Turns()
        self._waiting: dict[str, SignIn] = {}
        self._leaving: dict[str, Deferred[Outcome]] = {}
        self._flows: dict[str, int] = {}
        self._left: dict[str, tuple[float, Agent]] = {}
        """When agents left, in that order; those of long ago go with the next one that leaves."""
        self.up: set[int] = set()
        """The connections that are up."""
        self.many = pages.many = ManyPages(context, setup.end)
        self._guests = Guests(context, self)
        self._unconnected: set[Deferred[None]] = set()
        self._entering: set[str] = set()
        """The DNs of sign_ins that the registrar has not agreed to yet."""
        self.claim: Callable[[str], Coroutine[Deferred[Any], Any, bool]] = _nobody_else_has
        """Takes a DN from the gateway that has it; returns whether what that one knows of it was taken up."""

    # -- verbs

    async def sign_in(
        self,
        agent_id: str,
        dn: str,
        password: str,
        display_name: str,
        *,
        auth_user: str,
        current: bool,
        abilities: PageAbilities,
        no_password: bool,
        ha1: HA1 | None = None,
        page: str | None = None,
        take_over: bool | None = None,
    ) -> Agent:
        """Register ``dn`` for an agent; see :meth:`wrtcgw.gateway.facade.Gateway.sign_in`."""
        check_fields(agent_id, dn, display_name, self._context.settings.domain, auth_user)
        if not password and not no_password and ha1 is None:
            raise BadInput("password", "the DN's SIP password")
        if self._context.draining and self._context.registry.find_dn(dn) is None:
            raise Draining()
        self._context.require_store()
        async with self._ids.of(agent_id), self._dns.of(dn):
            await self.connection()
            registered = await self._enter(dn, lambda: self._account(dn, password, display_name, auth_user, ha1))
            agent = self.many.enter(dn, abilities, self._mailbox, page=page, take_over=take_over)
            again = agent is not None
            if agent is None:
                await self._require_free(agent_id, dn, current=current)
                before = self._context.registry.find_agent(agent_id)
                agent = self._install(agent_id, dn)
                again = agent is before
            self._note(agent, registered)
            agent.display_name, agent.abilities = display_name, abilities
            self._context.touch(agent)
            self._context.events.publish(AgentSignedIn(agent, again))
            self._context.later(0, partial(self._resync, agent, agent.arrived))
            self.pages.renewed(agent, agent.arrived)
            return agent

    async def _enter(self, dn: str, account: Callable[[], Account]) -> Registered:
        """
        Register a DN; when it is another gateway's, it becomes ours with its calls as soon as the registrar has agreed.

        A wrong password takes nothing from anybody.
        """
        self._entering.add(dn)
        try:
            registered = await self.register(account())
            if self._context.registry.find_dn(dn) is None and await self.claim(dn):
                registered = await self.register(account())
            return registered
        except StoreUnreachable:
            await self.unregister(dn)
            raise
        finally:
            self._entering.discard(dn)

    async def _require_free(self, agent_id: str, dn: str, *, current: bool) -> None:
        """
        Refuse an id that another DN has; only who could register this DN may learn that.

        :raises AgentInUse: when that is so; a registration that nobody else uses is taken back.
        """
        agent = self._context.registry.find_agent(agent_id)
        if agent is None or agent.dn == dn or current:
            return
        if self._context.registry.find_dn(dn) is None:
            await self.unregister(dn)
        raise AgentInUse(agent_id)

    def _account(self, dn: str, password: str, display_name: str, auth_user: str, ha1: HA1 | None) -> Account:
        settings = self._context.settings
        return Account(
            dn,
            dn,
            password,
            self.flow_of(dn),
            display_name,
            auth_user,
            ha1=ha1,
            realms=settings.auth_realms,
            algorithms=settings.digest_algorithms,
        )

    def _resync(self, agent: Agent, name: str) -> None:
        """Tell the new page of the calls, when the one that the agent had before does not listen any more."""
        page = agent.page_named(name)
        if page is not None and self._context.registry.find_agent(agent.id) is agent:
            self._setup.resume_calls(agent, page)
            self._take_overs.begin(agent, page)

    async def sign_out(self, agent_id: str, why: DisconnectReason = SIGNED_OUT) -> None:
        """End the agent's calls and un-REGISTER its DN."""
        agent = self._context.registry.find_agent(agent_id)
        if agent is not None:
            await self._leave(agent, why)

    def leave_page(self, agent: Agent, page: Page) -> None:
        """Let one of several pages of an agent go, which wants that."""
        self.pages.gone(agent, page)
        self.many.drop(agent, page, SIGNED_OUT)

    def _page_lost(self, agent: Agent, page: Page) -> None:
        self._context.events.publish(PageLost(agent))
        if len(agent.pages) > 1:
            self.many.drop(agent, page, PAGE_LOST)
        else:
            self._context.spawn(self._leave(agent, PAGE_LOST))

    def is_connected(self, agent: Agent) -> bool:
        """Return whether the connection that the agent's DN is registered over is up."""
        return self._flows.get(agent.dn) in self.up

    # -- after a restart

    def account_again(self, dn: str, display_name: str, auth_user: str, hashes: Hashes | None) -> Account:
        """
        Return the account of a DN that is taken up from a store.

        :param hashes: of its password; None while they are sealed, empty when the registrar has never asked for any.
        """
        settings = self._context.settings
        username = auth_user or dn
        keyring = Keyring.of_hashes(username, hashes or (), settings.auth_realms, settings.digest_algorithms)
        if hashes is not None and not hashes:
            keyring = Keyring(username, "", None, settings.auth_realms, settings.digest_algorithms)
        return Account(
            dn,
            dn,
            "",
            self._flow_after_restart(dn),
            display_name,
            auth_user,
            realms=settings.auth_realms,
            algorithms=settings.digest_algorithms,
            keyring=keyring,
        )

    def guest_account(self, key: str) -> Account:
        """Return the account of a guest that is taken up from a store."""
        return self._guests.restore(key, self._flow_after_restart(self._context.settings.guest_dn))

    def common_guest_account(self) -> Account:
        """Return the account of the guest DN, whose registration is taken up from a store."""
        return self._guests.common(self._flow_after_restart(self._context.settings.guest_dn))

    def _flow_after_restart(self, dn: str) -> int:
        """Return the connection for a DN while none is up yet."""
        return sum(dn.encode()) % self._context.settings.connections

    def restore(self, agent: Agent, account: Account) -> None:
        """Put an agent that is taken up from a store into the registry; nobody is told."""
        self._context.registry.add_agent(agent)
        for page in agent.pages:
            page.mailbox.lost = partial(self._tell_of_loss, ref(agent))
        self._flows[agent.dn] = account.flow

    def resume(self, agent: Agent, words: str = RESTARTED) -> None:
        """Let a restored agent go on as after a lost connection: it is registered again, and its page has its time."""
        if agent.registration is RegistrationState.REGISTERED:
            agent.last_code, agent.last_error, agent.last_words = 0, words, ("", "")
            self._change(agent, RegistrationState.RECOVERING)
        if agent.guest and self._context.mark:
            self._context.spawn(self._guests_again())
        self.pages.restored(agent)

    async def _guests_again(self) -> None:
        async with self._dns.of(self._context.settings.guest_dn):
            await self._guests.register_again()

    def let_go(self, key: str) -> Agent | None:
        """Forget the agent of an account that goes on at another gateway; returns it, None when there is none."""
        self._flows.pop(key, None)
        self._guests.let_go(key)
        agent = self._context.registry.find_dn(key)
        if agent is not None:
            self._context.registry.remove_agent(agent)
            self.pages.gone(agent, *agent.pages)
            agent.calls.clear()
            agent.registration = RegistrationState.SIGNED_OUT
        return agent

    def is_entering(self, key: str) -> bool:
        """Return whether somebody is signing in with a DN."""
        return key in self._entering

    def is_common(self, key: str) -> bool:
        """Return whether an account is the one that stands for all guests of this gateway."""
        return self._guests.is_common(key)

    def unlock(self, key: str, hashes: Hashes) -> None:
        """Register a restored account whose page has brought what opens its secrets."""
        core = self._context.core
        known = core.account(key)
        if known is not None:
            account = self.account_again(known.dn, known.display_name, known.auth_user, hashes)
            account.flow = known.flow
            self._context.run(core.unlock(account, self._context.now()))

    # -- registering

    async def sign_in_guest(self, agent_id: str, *, abilities: PageAbilities) -> Agent:
        """Let a caller without a DN in."""
        check_fields(agent_id, "guest", "", self._context.settings.domain)
        if self._context.draining:
            raise Draining()
        self._context.require_store()
        async with self._ids.of(agent_id), self._dns.of(self._context.settings.guest_dn):
            agent = await self._guests.sign_in(agent_id, abilities)
            self._context.events.publish(AgentSignedIn(agent))
            self.pages.arrived(agent, agent.arrived)
            return agent

    def use(self, dn: str, flow: int) -> None:
        """Note which connection a DN uses."""
        self._flows[dn] = flow

    async def connection(self) -> None:
        """Wait for ``connection_wait`` while all connections are down: one is being retried, the page need not be."""
        if self.up:
            return
        waiting: Deferred[None] = Deferred()
        self._unconnected.add(waiting)
        waiting.addTimeout(
            self._context.settings.connection_wait, self._context.clock, onTimeoutCancel=lambda result, seconds: None
        )
        await waiting
        self._unconnected.discard(waiting)

    def flow_of(self, dn: str) -> int:
        """
        Return the connection that ``dn`` uses: the one it is registered over, else one by the DN's own number.

        :raises NoSIPConnection: when that one, or all, are down.
        """
        if not self.up:
            raise NoSIPConnection()
        known = self._flows.get(dn)
        if known in self.up:
            return known
        flows = sorted(self.up)
        return flows[sum(dn.encode()) % len(flows)]

    async def register(self, account: Account) -> Registered:
        """
        REGISTER and wait for the registrar.

        :raises RegistrationRefused: or another of the errors of sign_in; then a new DN is forgotten, while one that was
            registered before stays as it was.
        """
        context, dn = self._context, account.key
        limit = context.settings.sign_in_timeout
        late = RegistrationFailed(dn, 408, "", timeout=True)
        waiting: Deferred[Answer] = Deferred()
        waiting.addTimeout(limit, context.clock, onTimeoutCancel=lambda result, seconds: late)
        self._waiting[dn] = SignIn(account, waiting)
        context.run(context.core.register(account, context.now()))
        answer = await waiting
        self._waiting.pop(dn, None)
        if isinstance(answer, Registered):
            self._flows[dn] = account.flow
            return answer
        raise self._failure(answer, account.flow, limit)

    def _failure(self, answer: RegistrationFailed, flow: int, limit: float) -> Exception:
        if flow not in self.up:
            return NoSIPConnection()
        if answer.timeout or answer.code in SILENCE_CODES:
            return RegistrationTimeout(answer.account, limit)
        return RegistrationRefused(
            answer.account,
            answer.code,
            answer.reason,
            credentials=answer.code in CREDENTIAL_CODES and not answer.detail,
            detail=answer.detail,
            warning=answer.warning,
            sip_reason=reason_text(answer.reasons),
        )

    # -- who has what

    def _install(self, agent_id: str, dn: str) -> Agent:
        """Make the agent of a good registration the one who has the id and the DN, with one page."""
        registry = self._context.registry
        agent, owner = registry.find_agent(agent_id), registry.find_dn(dn)
        if agent is None or agent is not owner:
            if agent is not None:
                self._context.spawn(self._leave(agent, OTHER_DN))
            if owner is not None:
                self._sign_off(owner, _TAKEN_OVER, "taken-over")
            agent = self.add(agent_id, dn)
            if owner is not None:
                self._hand_over(owner, agent)
        self.pages.gone(agent, *agent.pages)
        agent.give_to_one_page(self._context.now())
        return agent

    def _hand_over(self, before: Agent, agent: Agent) -> None:
        self._context.touch(agent)
        for call in list(before.calls.values()):
            self._context.registry.hand_over(call, agent)
            self._context.events.publish(CallHandedOver(call, before, agent))

    def add(self, agent_id: str, dn: str) -> Agent:
        """Make an agent, with an empty mailbox, and put it into the registry."""
        agent = Agent(id=agent_id, dn=dn, since=self._context.now(), pages=[])
        agent.pages.append(Page(since=agent.since, mailbox=self._mailbox(agent)))
        self._context.registry.add_agent(agent)
        self._context.touch(agent)
        self._left.pop(agent_id, None)
        return agent

    def _mailbox(self, agent: Agent) -> Mailbox:
        """Return one for a page of an agent."""
        settings = self._context.settings
        mailbox = Mailbox(settings.mailbox_limit, settings.mailbox_recent, size=settings.mailbox_bytes)
        mailbox.lost = partial(self._tell_of_loss, ref(agent))  # the agent has the mailbox: no cycle of the two
        return mailbox

    def _tell_of_loss(self, known: "ref[Agent]", message: AgentMessage) -> None:
        agent = known()
        if agent is not None:
            self._context.events.publish(MessageDropped(agent, message))

    def _sign_off(self, agent: Agent, reason: str, cause: str) -> None:
        """Take an agent out of the registry, and tell its page as the last thing."""
        self._context.registry.remove_agent(agent)
        self.pages.gone(agent, *agent.pages)
        agent.registration = RegistrationState.SIGNED_OUT
        message = AgentMessage(type=MessageType.SIGNED_OUT, to=agent.id, cause=cause, reason=reason)
        self._context.put(agent, message)
        self._context.events.publish(AgentSignedOut(agent, cause))
        self._left.pop(agent.id, None)
        self._left[agent.id] = self._context.now(), agent
        while self._is_long_ago(next(iter(self._left.values()))[0]):
            del self._left[next(iter(self._left))]

    def leaver(self, agent_id: str) -> Agent | None:
        """Return an agent that left within ``sign_out_timeout`` and has messages that its page has not fetched."""
        left, agent = self._left.get(agent_id, (0.0, None))
        unread = agent is not None and any(len(page.mailbox) for page in agent.pages)
        return agent if unread and not self._is_long_ago(left) else None

    def _is_long_ago(self, left: float) -> bool:
        return self._context.now() - left > self._context.settings.sign_out_timeout

    async def _leave(self, agent: Agent, why: DisconnectReason) -> None:
        """
        Sign an agent off, end its calls and un-REGISTER its DN, within ``sign_out_timeout``.

        For the page its calls end now: it does not hear of what the far sides make of it.
        """
        ended = AgentMessage(type=MessageType.SHUTDOWN, cause=why.cause, hint=why.hint, state=CallState.ENDED.value)
        for call in list(agent.calls.values()):
            self._context.tell(call, ended)
        self._sign_off(agent, why.reason, why.word or why.cause)
        ends = [self._context.spawn(self._setup.end(call, why)) for call in list(agent.calls.values()) if call.is_up]
        await self._take_back(agent)
        await gatherResults(ends)

    async def _take_back(self, agent: Agent) -> None:
        """Un-REGISTER the DN of an agent that has left, unless someone else has it now."""
        if agent.guest:
            self._flows.pop(agent.dn, None)
            async with self._dns.of(self._context.settings.guest_dn):
                await self._guests.left(agent)
            return
        async with self._dns.of(agent.dn):
            if self._context.registry.find_dn(agent.dn) is None:
                await self.unregister(agent.dn)

    async def unregister(self, dn: str) -> None:
        """Un-REGISTER a DN, and wait for that within ``sign_out_timeout``."""
        context = self._context
        self._flows.pop(dn, None)
        waiting = self._leaving[dn] = context.expect(context.settings.sign_out_timeout)
        context.run(context.core.unregister(dn, context.now()))
        await waiting
        self._leaving.pop(dn, None)

    # -- events

    def _answer(self, pending: SignIn, answer: Answer) -> None:
        del self._waiting[pending.account.key]
        self._context.give(pending.answer, answer)

    def registered(self, event: Registered) -> None:
        """Take the registrar's consent: to a sign-in, or to a refresh, even if a sign-in waits at the same time."""
        pending = self._waiting.get(event.account)
        if pending is not None and self._context.core.account(event.account) is pending.account:
            self._answer(pending, event)
            return
        agent = self._context.registry.find_dn(event.account)
        if agent is not None:
            self._note(agent, event)
        elif pending is None and not (event.account in self._leaving or self._guests.use(event.account)):
            # the sign-in has given up meanwhile
            self._context.run(self._context.core.unregister(event.account, self._context.now()))

    def _note(self, agent: Agent, event: Registered) -> None:
        agent.expires = self._context.now() + event.expires
        agent.last_code, agent.last_error, agent.last_words = 0, "", ("", "")
        self._context.touch(agent)
        self._change(agent, RegistrationState.REGISTERED)

    def failed(self, event: RegistrationFailed) -> None:
        """Take the registrar's refusal, or its silence."""
        pending = self._waiting.get(event.account)
        given_up = event.retry_in is None
        no_binding = event.code < 300
        if pending is not None and no_binding:
            given_up = self._context.core.account(event.account) is pending.account
        if pending is not None and given_up:
            self._answer(pending, event)
            if not no_binding:
                return
        agent = self._context.registry.find_dn(event.account)
        if agent is not None:
            agent.last_code, agent.last_error = event.code, event.detail or event.reason
            agent.last_words = event.warning, reason_text(event.reasons)
            self._context.touch(agent)
            over = event.retry_in is None
            self._change(agent, RegistrationState.FAILED if over else RegistrationState.RECOVERING, event.detail)
        elif no_binding:  # nobody is there for whom the core should go on trying
            self._context.run(self._context.core.unregister(event.account, self._context.now()))

    def unregistered(self, event: Unregistered) -> None:
        """Take the end of a registration."""
        waiting = self._leaving.pop(event.account, None)
        if waiting is not None:
            self._context.give(waiting, Outcome(event.code))

    def connected(self, flow: int) -> None:
        """Note that a connection is up, of which the core knows already: sign-ins that waited for one go on."""
        self.up.add(flow)
        for agent in self._context.registry.agents():
            if agent.guest and self._flows.get(agent.dn) == flow:  # no registrar will tell of it
                agent.last_error = ""
                self._change(agent, RegistrationState.REGISTERED)
        for waiting in tuple(self._unconnected):
            self._context.give(waiting, None)

    def disconnected(self, flow: int) -> None:
        """Note that a connection was lost: sign-ins over it fail, agents on it wait for the next one."""
        self.up.discard(flow)
        for dn, pending in list(self._waiting.items()):
            if pending.account.flow == flow:
                self._answer(pending, RegistrationFailed(dn, 503, "connection lost"))
        for agent in self._context.registry.agents():
            if self._flows.get(agent.dn) == flow and agent.registration is RegistrationState.REGISTERED:
                agent.last_code, agent.last_error = 0, "connection to the SIP proxy lost"
                agent.last_words = "", ""
                self._change(agent, RegistrationState.RECOVERING)

    def _change(self, agent: Agent, state: RegistrationState, detail: str = "") -> None:
        """Tell the page when the registration's state is another one than before; ``detail`` is why, if it is known."""
        if agent.registration is state:
            return
        before, agent.registration = agent.registration, state
        self._context.events.publish(RegistrationChanged(agent, before, state))
        cause, hint = explain(agent.last_code) if agent.last_code else ("", "")
        warning, sip_reason = agent.last_words
        self._context.put(
            agent,
            AgentMessage(
                type=MessageType.REGISTRATION,
                to=agent.id,
                state=state.value,
                code=agent.last_code,
                reason=agent.last_error,
                cause=cause,
                hint=detail or hint,
                warning=warning,
                sip_reason=sip_reason,
            ),
        )


async def _nobody_else_has(dn: str) -> bool:
    """Stand for a claim where no other gateway is."""
    return False
