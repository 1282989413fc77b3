"""How an agent comes and goes: sign_in and sign_out, around the gateway's own."""

import secrets
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.calls.abilities import DEFAULT, PageAbilities
from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.errors import AgentInUse, BadInput, GatewayError, NotSignedIn, RegistrationRefused
from wrtcgw.events.catalogue import AgentLetGo, PageLeft, SignInRefused
from wrtcgw.gateway import Gateway
from wrtcgw.networks import place_of
from wrtcgw.web.addresses import Client
from wrtcgw.web.arrivals import Arrivals, ending
from wrtcgw.web.audit import Audit
from wrtcgw.web.auth import Access, cleared_cookie, session_cookie, shown_token
from wrtcgw.web.codec import SignIn
from wrtcgw.web.errors import TooManyGuestsHere, TooManyTries, WrongMethod, row_of
from wrtcgw.web.events import Streams
from wrtcgw.web.expiry import Expiry
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.limits import SignInLimit, Try
from wrtcgw.web.longpoll import Polls
from wrtcgw.web.origins import Origins
from wrtcgw.web.replies import Reply
from wrtcgw.web.sessions import Session, Sessions
from wrtcgw.web.settings import WebSettings
from wrtcgw.web.tracing import trace_as

log = Logger()

Outcome = TypeVar("Outcome")


class OtherDialect(Protocol):
    """Where pages of another dialect wait."""

    def end(self, agent_id: str) -> None:
        """Send the page of an agent home."""


class SignInService:
    """Signs agents in and out, and keeps their sessions."""

    def __init__(
        self, gateway: Gateway, origins: Origins, settings: WebSettings, clock: IReactorTime, audit: Audit
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._limit = SignInLimit(settings.sign_in_per_address, settings.sign_in_per_id, clock.seconds)
        self.audit = audit
        self._sessions = Sessions(clock.seconds, gateway.persistence, ending if gateway.cluster.is_shared else None)
        self.arrivals = Arrivals(gateway, self._sessions, clock.seconds)
        gateway.events.subscribe(AgentLetGo, self._let_go)
        gateway.events.subscribe(PageLeft, self._page_left)
        gateway.persistence.join("session", self)
        self._expiry = Expiry(self._sessions, clock, self._expire)
        self._other_dialects: tuple[OtherDialect, ...] = ()
        self._entering: Counter[str] = Counter()
        """How many guests wait to be let in, by the place that they come from."""
        self.access = Access(self._sessions, origins, settings.session_binding)
        self.configure(settings)
        self.polls = Polls(clock, gateway)
        self.streams = Streams(clock, gateway, settings.heartbeat, settings.streams_per_agent)

    def addresses(self) -> list[str]:
        """Return from where agents are signed in, one address for each of them."""
        return self._sessions.addresses()

    def charge(self, client: Client) -> Try:
        """
        Charge a try to an address before anything is known of it but that.

        :raises TooManyTries: when it has none left.
        """
        try:
            return self._limit.enter_unknown(client.address)
        except TooManyTries as error:
            self.refused("sign_in", error, client, by="token")
            raise

    def refused(self, event: str, error: GatewayError, client: Client, **facts: object) -> None:
        """Let it be known that somebody was not let in."""
        self.audit.refuse(event, error, client, **facts)
        self._gateway.events.publish(SignInRefused(row_of(error).code))

    def configure(self, settings: WebSettings) -> None:
        """Take over the settings that can change while agents are signed in."""
        self.access.configure(settings.session_binding)
        self._takes_get = settings.sign_in_get
        self._guests_here = settings.guest_limit_per_address
        self._expiry.lifetime, self._expiry.idle = settings.session_lifetime, settings.session_idle

    def check_password_in_url(self, request: IncomingRequest) -> None:
        """
        Refuse a password in the query, which is kept in histories and logs, where ``sign_in_get`` is off.

        :raises WrongMethod: for a GET; BadInput when a POST has it there.
        """
        if self._takes_get or "password" not in request.query:
            return
        if request.method == b"GET":
            raise WrongMethod("GET with a password", ("POST", "OPTIONS"))
        raise BadInput("password", "the password in the body, not in the address")

    async def sign_in(self, request: IncomingRequest, wanted: SignIn, *, no_password: bool = False) -> Reply:
        """
        Register the agent's DN and open a session.

        Whoever was the agent's page before has to sign in again: its hanging requests end here. A page that goes before
        the registrar has answered is not waited for: nobody would have the session of its agent.

        :param no_password: an empty password is none, for a registrar that asks for none.
        """
        trace_as(request.response, wanted.dn, wanted.id)
        current, known = self._standing(request, wanted)
        abilities = PageAbilities(
            always_listens=wanted.always_listens,
            acknowledges_calls=wanted.acknowledges_calls,
            shares_calls=wanted.shares_calls,
        )
        owner = self._gateway.find_dn(wanted.dn)
        # a cookie is the browser's: it does not tell which of its pages it comes from
        says_which = bool(request.token) or wanted.take_over is None
        shows = owner is not None and says_which and self.access.shows_session(request, owner)
        agent = await self.enrol(
            request.client,
            wanted,
            current=current,
            known=known,
            abilities=abilities,
            no_password=no_password,
            page=self.access.page_of(request, owner) if owner is not None and shows else None,
        )
        return self._welcome(request, agent)

    async def sign_in_without_password(self, request: IncomingRequest, dn: str) -> Reply:
        """
        Let a page in that shows no password, and open a session.

        :param dn: to be registered without one; empty for a guest, who gets an id of its own.
        """
        if dn:
            trace_as(request.response, dn, dn)
            wanted = SignIn(id=dn, dn=dn, password="")
            current, known = self._standing(request, wanted)
            agent = await self.enrol(request.client, wanted, current=current, known=known, no_password=True)
        else:
            agent = await self.enrol_guest(request.client, new_guest_id(), DEFAULT)
            trace_as(request.response, agent.dn, agent.id)
        return self._welcome(request, agent)

    def enrol(
        self,
        client: Client,
        wanted: SignIn,
        *,
        current: bool = False,
        known: bool = False,
        abilities: PageAbilities = DEFAULT,
        no_password: bool = False,
        page: str | None = None,
    ) -> Deferred[Agent]:
        """
        Register an agent's DN within the limits of tries; :meth:`open` has to follow at once.

        :param current: the page has shown the session of the agent of this id.
        :param known: it has shown a session that is or was of an agent with this DN.
        :param abilities: what its page can do.
        :param no_password: an empty password is none, for a registrar that asks for none.
        :param page: the name of the page whose session is shown; None for none.
        """
        try:
            this_try = self._limit.enter(client.address, wanted.id, wanted.dn, known=known)
        except TooManyTries as error:
            self.refused("sign_in", error, client, agent=wanted.id, dn=wanted.dn)
            raise
        register = self._gateway.sign_in(
            agent_id=wanted.id,
            dn=wanted.dn,
            password=wanted.password,
            display_name=wanted.display_name,
            auth_user=wanted.auth_user,
            current=current,
            abilities=abilities,
            no_password=no_password,
            ha1=wanted.ha1,
            page=page,
            take_over=wanted.take_over,
        )
        return self._for_page(Deferred.fromCoroutine(self._within(this_try, register, wanted.id, client)))

    def enrol_guest(self, client: Client, agent_id: str, abilities: PageAbilities) -> Deferred[Agent]:
        """Let a caller without a DN in, within the limits of tries of its address; :meth:`open` has to follow."""
        place = place_of(client.address)
        try:
            if self._entering[place] + self._guests_of(place) >= self._guests_here:
                raise TooManyGuestsHere(self._guests_here)
            this_try = self._limit.enter_guest(client.address)
        except GatewayError as error:
            self.refused("guest", error, client)
            raise
        enter = self._gateway.sign_in_guest(agent_id, abilities=abilities)
        self._entering[place] += 1
        work = Deferred.fromCoroutine(self._within(this_try, enter, agent_id, client, keep=True))
        return self._for_page(work.addBoth(self._entered, place))

    def _entered(self, outcome: Outcome, place: str) -> Outcome:
        self._entering[place] -= 1
        if not self._entering[place]:
            del self._entering[place]
        return outcome

    def _guests_of(self, place: str) -> int:
        """Return how many guests from one place are there."""
        return sum(
            agent.guest
            and agent.registration is not RegistrationState.SIGNED_OUT
            and place_of(session.client_address) == place
            for agent, session in self._sessions
        )

    def join(self, dialect: "OtherDialect") -> None:
        """Let another dialect hear of agents that its pages lose."""
        self._other_dialects = (*self._other_dialects, dialect)

    def show(self, agent: Agent, token: str) -> None:
        """Take the token that an agent's page has shown, in a dialect that knows its pages by it."""
        if self._sessions.of(agent) is not None:
            self._sessions.note_shown(agent, token.encode("ascii"))

    def snapshot(self, agent: Agent) -> object:
        """Return the session of an agent as plain data, without its token."""
        return self._sessions.snapshot(agent)

    def restore(self, agent: Agent, data: Any, shift: float) -> None:
        """Take the session of an agent back, so that its page need not sign in again."""
        self._sessions.restore(agent, data, shift)
        self._expiry.watch()

    def open(self, agent: Agent, client: Client, *, bound: bool = True) -> bytes:
        """
        Open a session for an agent that has just signed in; whoever was its page before is sent home.

        :param bound: its page always shows its token.
        :returns: the token.
        """
        before = self._sessions.last(agent.id)
        is_one = len(agent.pages) == 1
        taken = before is not None and self._sessions.of(agent) is before and is_one
        page = None if is_one else agent.arrived
        self.polls.end(agent.id, page)
        self.streams.end(agent.id, page)
        for dialect in self._other_dialects:
            dialect.end(agent.id)
        self._expiry.watch()
        replaced = self._sessions.of_page(agent, agent.arrived)
        session, token = self._sessions.open(agent, client, bound=bound)
        name = "" if replaced is None else replaced.key
        self._gateway.persistence.page_showed(agent, token, anew=is_one, before=name)
        self._gateway.persistence.touch(agent)
        self.audit.note(
            "guest" if agent.guest else "sign_in", "ok", client, sid=session.key, agent=agent.id, dn=agent.dn
        )
        if taken and before is not None:
            self.audit.note("take_over", "ok", client, sid=before.key, agent=agent.id, before=before.client_address)
        log.info("agent {agent} signed in as {dn} from {address}", agent=agent.id, dn=agent.dn, address=client.address)
        return token

    async def _within(
        self,
        this_try: Try,
        work: "Coroutine[Deferred[Any], Any, Agent]",
        agent_id: str,
        client: Client,
        *,
        keep: bool = False,
    ) -> Agent:
        """
        Sign an agent in; a try that was no guess is forgiven.

        :param keep: one that succeeded is not.
        """
        if this_try.delay:
            await deferLater(self._clock, this_try.delay, lambda: None)
        try:
            agent = await work
        except GatewayError as error:
            if not _is_guess(error):
                this_try.forgive()
            self.refused("guest" if keep else "sign_in", error, client, agent=agent_id)
            log.warn(
                "sign_in of {agent!r} from {address}: {error}",
                agent=agent_id,
                address=client.address,
                error=str(error),
            )
            raise
        if not keep:
            this_try.succeed()
        return agent

    def _for_page(self, work: Deferred[Agent]) -> Deferred[Agent]:
        """
        Return the result of a sign_in for its page; when that is cancelled, the agent is signed out again.

        One that others were for before stays with the oldest of them, as nobody else can show a session.
        """
        page: Deferred[Agent] = Deferred(lambda _: None)

        def done(agent: Agent) -> None:
            if not page.called:
                page.callback(agent)
                return
            for gone in self._sessions.drop_taken(agent):
                self.polls.end(agent.id, gone)
                self.streams.end(agent.id, gone)
            if not self._sessions.has(agent, agent.arrived) and len(agent.pages) > 1:
                self._gateway.leave_page(agent, agent.arrived)
            elif self._sessions.of(agent) is None:
                leaving = Deferred.fromCoroutine(self._gateway.sign_out(agent.id))
                leaving.addErrback(lambda failure: log.failure("cannot sign {agent} out", failure, agent=agent.id))

        def failed(failure: Failure) -> None:
            if not page.called:
                page.errback(failure)

        work.addCallbacks(done, failed)
        return page

    async def sign_out(self, request: IncomingRequest, agent_id: str) -> Reply:
        """End the agent's calls and registration; fine when it is not signed in."""
        cookie = {"Set-Cookie": cleared_cookie(agent_id, secure=request.is_secure)}
        try:
            agent = self.access.admit(request, agent_id, self._find(agent_id))
        except NotSignedIn:
            self.dismiss(agent_id)
            return Reply(headers=cookie)
        trace_as(request.response, agent.dn, agent.id)
        if len(agent.pages) > 1:
            self._gateway.leave_page(agent, self.access.page_of(request, agent))
        else:
            await self._gateway.sign_out(agent_id)
        self.dismiss(agent_id)
        self.audit.note("sign_out", "ok", request.client, agent=agent_id, dn=agent.dn)
        log.info("agent {agent} signed out", agent=agent_id)
        return Reply(headers=cookie)

    # sessions that end without their page's doing

    @property
    def session_count(self) -> int:
        """Return how many sessions there are, those included whose agent has just gone."""
        return len(self._sessions)

    def sessions(self) -> list[tuple[Agent, Session]]:
        """Return the sessions of the agents who are there, oldest first."""
        present = [each for each in self._sessions if each[0].registration is not RegistrationState.SIGNED_OUT]
        return sorted(present, key=lambda each: each[1].since)

    def _expire(self, agent: Agent, session: Session, why: str) -> None:
        """Sign an agent out whose session is over."""
        self.audit.note("session", "expired", agent=agent.id, dn=agent.dn, sid=session.key, reason=why)
        log.info("the session of agent {agent} is over ({why})", agent=agent.id, why=why)
        if len(agent.pages) > 1:
            self._gateway.leave_page(agent, session.page)
            return
        leaving = Deferred.fromCoroutine(self._gateway.sign_out(agent.id, expired=True))
        leaving.addCallback(lambda _: self.dismiss(agent.id))
        leaving.addErrback(lambda failure: log.failure("cannot sign {agent} out", failure, agent=agent.id))

    def close(self) -> None:
        """Let go of everything: the gateway stops."""
        self._expiry.stop()
        self.polls.end_all()
        self.streams.end_all()

    def _let_go(self, event: AgentLetGo) -> None:
        """End what hangs for an agent who is another gateway's: the page asks again, and is led there."""
        if self._find(event.agent.id) is None:
            self.polls.end(event.agent.id)
            self.streams.end(event.agent.id)

    def _page_left(self, event: PageLeft) -> None:
        """End what hangs for a page of an agent whose others stay, and its session."""
        self.polls.end(event.agent.id, event.page)
        self.streams.end(event.agent.id, event.page)
        self._sessions.drop(event.agent, event.page)

    def _find(self, agent_id: str) -> Agent | None:
        try:
            return self._gateway.agent(agent_id)
        except NotSignedIn:
            return None

    def _standing(self, request: IncomingRequest, wanted: SignIn) -> tuple[bool, bool]:
        """Return whether a page shows the session of the agent of this id, and one that was ever of this DN."""
        agent = self._find(wanted.id)
        current = agent is not None and self.access.shows_session(request, agent)
        return current, self.access.knows_dn(request, wanted.id, wanted.dn)

    def _welcome(self, request: IncomingRequest, agent: Agent) -> Reply:
        token = self.open(agent, request.client, bound=bool(shown_token(request, agent.id))).decode("ascii")
        return Reply(
            {"id": agent.id, "dn": agent.dn, "session": token, "page": agent.arrived or "1"},
            {
                "X-WRTC-Session": token,
                "Set-Cookie": session_cookie(agent.id, token, secure=request.is_secure),
            },
        )

    def dismiss(self, agent_id: str) -> None:
        """Forget an agent that is gone, unless it has come back meanwhile."""
        if self._find(agent_id) is None:
            self.polls.end(agent_id)
            self.streams.end(agent_id)


def new_guest_id() -> str:
    """Return an id for a guest, which nobody can guess."""
    return f"guest-{secrets.token_hex(8)}"


def _is_guess(error: GatewayError) -> bool:
    """Return whether a refused sign_in may have been a guess at a password or an id; others cost nothing."""
    return isinstance(error, AgentInUse) or (isinstance(error, RegistrationRefused) and error.credentials)
