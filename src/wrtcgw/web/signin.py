"""How an agent comes and goes: sign_in and sign_out, around the gateway's own."""

import secrets
from collections.abc import Coroutine
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from wrtcgw.calls.agent import Agent
from wrtcgw.errors import AgentInUse, GatewayError, NotSignedIn, RegistrationRefused
from wrtcgw.gateway import Gateway
from wrtcgw.web.addresses import Client
from wrtcgw.web.auth import Access, Session, Sessions, cleared_cookie, session_cookie
from wrtcgw.web.codec import SignIn
from wrtcgw.web.events import Streams
from wrtcgw.web.limits import SignInLimit, Try
from wrtcgw.web.longpoll import Polls
from wrtcgw.web.origins import Origins, is_secure
from wrtcgw.web.replies import Reply
from wrtcgw.web.settings import WebSettings
from wrtcgw.web.tracing import trace_as

log = Logger()


class Room(Protocol):
    """Where pages of another dialect wait."""

    def end(self, agent_id: str) -> None:
        """Send the page of an agent home."""


class Reception:
    """Signs agents in and out, and keeps their sessions."""

    def __init__(self, gateway: Gateway, origins: Origins, settings: WebSettings, clock: IReactorTime) -> None:
        self._gateway = gateway
        self._limit = SignInLimit(settings.sign_in_per_address, settings.sign_in_per_id, clock.seconds)
        self._sessions = Sessions()
        self._rooms: tuple[Room, ...] = ()
        self.access = Access(self._sessions, origins, settings.session_binding, settings.operator_token)
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
        return self._limit.enter(client.address, "", "", known=True)

    async def sign_in(self, request: Request, client: Client, wanted: SignIn, *, no_password: bool = False) -> Reply:
        """
        Register the agent's DN and open a session.

        Whoever was the agent's page before has to sign in again: its hanging requests end here. A page that goes before
        the registrar has answered is not waited for: nobody would have the session of its agent.

        :param no_password: an empty password is none, for a registrar that asks for none.
        """
        trace_as(request, wanted.dn, wanted.id)
        known = self._is_known(request, wanted.id)
        agent = await self.enrol(client, wanted, known=known, no_password=no_password)
        agent.always_listens = wanted.always_listens
        return self._welcome(request, client, agent)

    async def sign_in_without_password(self, request: Request, client: Client, dn: str) -> Reply:
        """
        Let a page in that shows no password, and open a session.

        :param dn: to be registered without one; empty for a guest, who gets an id of its own.
        """
        if dn:
            trace_as(request, dn, dn)
            wanted = SignIn(id=dn, dn=dn, password="")
            agent = await self.enrol(client, wanted, known=self._is_known(request, dn), no_password=True)
        else:
            agent = await self.enrol_guest(client, new_guest_id(), single_call=False)
            trace_as(request, agent.dn, agent.id)
        return self._welcome(request, client, agent)

    def enrol(
        self, client: Client, wanted: SignIn, *, known: bool, single_call: bool = False, no_password: bool = False
    ) -> Deferred[Agent]:
        """
        Register an agent's DN within the limits of tries; :meth:`open` has to follow at once.

        :param known: the page has shown the session of the agent of this id.
        :param single_call: its page knows of one call only.
        :param no_password: an empty password is none, for a registrar that asks for none.
        """
        this_try = self._limit.enter(client.address, wanted.id, wanted.dn, known=known)
        register = self._gateway.sign_in(
            agent_id=wanted.id,
            dn=wanted.dn,
            password=wanted.password,
            display_name=wanted.display_name,
            current=known,
            single_call=single_call,
            no_password=no_password,
            ha1=wanted.ha1,
        )
        return self._for_page(Deferred.fromCoroutine(self._within(this_try, register, wanted.id, client)))

    def enrol_guest(self, client: Client, agent_id: str, *, single_call: bool = True) -> Deferred[Agent]:
        """
        Let a caller without a DN in, within the limits of tries of its address; :meth:`open` has to follow.

        :param single_call: its page holds by itself what the server orders to be held.
        """
        this_try = self._limit.enter_guest(client.address)
        enter = self._gateway.sign_in_guest(agent_id, single_call=single_call)
        return self._for_page(Deferred.fromCoroutine(self._within(this_try, enter, agent_id, client, keep=True)))

    def join(self, room: "Room") -> None:
        """Let another dialect hear of agents that its pages lose."""
        self._rooms = (*self._rooms, room)

    def open(self, agent: Agent, client: Client) -> Session:
        """Open a session for an agent that has just signed in; whoever was its page before is sent home."""
        self.polls.end(agent.id)
        self.streams.end(agent.id)
        for room in self._rooms:
            room.end(agent.id)
        log.info("agent {agent} signed in as {dn} from {address}", agent=agent.id, dn=agent.dn, address=client.address)
        return self._sessions.open(agent, client)

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
        try:
            agent = await work
        except GatewayError as error:
            if not _is_guess(error):
                this_try.forgive()
            log.warn(
                "sign_in of {agent!r} from {address}: {error}",
                agent=agent_id,
                address=client.address,
                error=str(error),
            )
            raise
        if not keep:
            this_try.forgive()
        return agent

    def _for_page(self, work: Deferred[Agent]) -> Deferred[Agent]:
        """Return the result of a sign_in for its page; when that is cancelled, the agent is signed out again."""
        page: Deferred[Agent] = Deferred(lambda _: None)

        def done(agent: Agent) -> None:
            if not page.called:
                page.callback(agent)
            elif self._sessions.of(agent) is None:
                leaving = Deferred.fromCoroutine(self._gateway.sign_out(agent.id))
                leaving.addErrback(lambda failure: log.failure("cannot sign {agent} out", failure, agent=agent.id))

        def failed(failure: Failure) -> None:
            if not page.called:
                page.errback(failure)

        work.addCallbacks(done, failed)
        return page

    async def sign_out(self, request: Request, client: Client, agent_id: str) -> Reply:
        """End the agent's calls and registration; fine when it is not signed in."""
        cookie = {"Set-Cookie": cleared_cookie(agent_id, secure=is_secure(request, client))}
        try:
            agent = self._gateway.agent(agent_id)
        except NotSignedIn:
            self.dismiss(agent_id)
            return Reply(headers=cookie)
        self.access.require(request, client, agent)
        trace_as(request, agent.dn, agent.id)
        await self._gateway.sign_out(agent_id)
        self.dismiss(agent_id)
        log.info("agent {agent} signed out", agent=agent_id)
        return Reply(headers=cookie)

    def _is_known(self, request: Request, agent_id: str) -> bool:
        try:
            return self.access.shows_session(request, self._gateway.agent(agent_id))
        except NotSignedIn:
            return False

    def _welcome(self, request: Request, client: Client, agent: Agent) -> Reply:
        session = self.open(agent, client)
        token = session.token.decode("ascii")
        return Reply(
            {"id": agent.id, "dn": agent.dn, "session": token},
            {
                "X-WRTC-Session": token,
                "Set-Cookie": session_cookie(agent.id, session, secure=is_secure(request, client)),
            },
        )

    def dismiss(self, agent_id: str) -> None:
        """Forget an agent that is gone, unless it has come back meanwhile."""
        try:
            self._gateway.agent(agent_id)
        except NotSignedIn:
            self.polls.end(agent_id)
            self.streams.end(agent_id)


def new_guest_id() -> str:
    """Return an id for a guest, which nobody can guess."""
    return f"guest-{secrets.token_hex(8)}"


def _is_guess(error: GatewayError) -> bool:
    """Tell whether a refused sign_in may have been a guess at a password or an id; any other outcome costs nothing."""
    return isinstance(error, AgentInUse) or (isinstance(error, RegistrationRefused) and error.credentials)
