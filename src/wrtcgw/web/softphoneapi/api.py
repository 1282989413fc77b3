"""
The softphone's API over HTTP: ``/softphone-api/<Call>``, mapped to what is true.

A desktop starts its voice session as soon as its softphone says *active*. Where that is said of a DN that is not
registered, the agent logs in and the server then refuses the voice channel. So *active* means here: the registrar holds
the DN, a page of its agent listens, and no other DN was asked for.

Whom it is about is told by the session's token alone, ``Authorization: Bearer``: neither cookie nor address count, so
that a page of any origin may call and still learns nothing that it was not given the key to. Without a token, or with a
wrong one, the answer is that of a softphone in which nobody is registered: the desktop waits, as it would for its own.
"""

import re
from collections.abc import Awaitable
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.errors import NotSignedIn
from wrtcgw.gateway import Gateway
from wrtcgw.web.chain import Dialect, Policy
from wrtcgw.web.errors import NoSuchResource, WrongMethod, write_json
from wrtcgw.web.fields import parse_object
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.origins import Sharing
from wrtcgw.web.routes import Routes, detached
from wrtcgw.web.signin import SignInService
from wrtcgw.web.softphoneapi.answers import (
    GETS,
    POSTS,
    SETTINGS,
    View,
    active_answer,
    dn_answer,
    is_about_sound,
    order_answer,
    parameters_answer,
    ping_answer,
    sound_answer,
    users,
)
from wrtcgw.web.tracing import trace

PREFIX = b"/softphone-api/"
BODY_LIMIT = 16384
"""Bytes; the desktop's longest, SetOptions, has about 700."""
PAGE_GAP = 5.0
"""Seconds without a poll or stream after which a page counts as gone: polls have gaps, and a reload takes a moment."""
_COMMAND = re.compile(r"[A-Za-z]{1,64}")


class SoftphoneAPI:
    """Answers for the softphone that a desktop believes to be on its own machine."""

    def __init__(self, gateway: Gateway, sign_in_service: SignInService, clock: IReactorTime) -> None:
        self._gateway = gateway
        self._sign_in_service = sign_in_service
        self._clock = clock
        self._elsewhere: WeakKeyDictionary[Agent, str] = WeakKeyDictionary()
        """Agents whose desktop wants something else than their DN: another one, or with '' none."""

    def dialect(self) -> Dialect:
        """Return the API; errors can be read by any page, as everything here: what counts is the token."""
        routes, path = Routes(self._gateway.persistence.durable), PREFIX.decode("ascii") + "<name>"
        routes.add(path, ("GET", "POST"), self._serve)
        routes.add(path + "/", ("GET", "POST"), self._serve)
        policy = Policy(
            name="softphone",
            body_limit=BODY_LIMIT,
            origins=Sharing(is_allowed=lambda origin: True, vary=b"Origin, Authorization"),
        )
        return Dialect(
            policy=policy,
            serves=lambda path: path.startswith(PREFIX),
            serve=routes.serve,
            routes=routes,
            allowed=lambda path: _methods(path[len(PREFIX) :].decode("ascii", "replace").rstrip("/")),
            arrival=self._arrival,
        )

    def _arrival(self, request: IncomingRequest) -> "Deferred[None] | None":
        """Let the agent come whose token is shown."""
        return self._sign_in_service.arrivals.come(request, request.bearer)

    def _serve(self, request: IncomingRequest, name: str) -> bytes | Awaitable[bytes]:
        _require(request, name)
        agent = self._caller(request)
        if request.method == b"GET":
            return write_json(request.response, 200, self._asked(name, agent))
        body = parse_object(request.body) if request.body else {}
        if name == "UnregisterDn":
            return self._unregister(request, agent, users(body))
        return write_json(request.response, 200, self._told(request, name, agent, body))

    def _caller(self, request: IncomingRequest) -> Agent | None:
        """Return the agent whose token is shown; a guest has no DN that a desktop could use."""
        agent = self._sign_in_service.access.bearer(request)
        if agent is None or agent.guest:
            return None
        try:
            return agent if self._gateway.agent(agent.id) is agent else None
        except NotSignedIn:
            return None

    # -- state

    def _is_active(self, agent: Agent | None) -> bool:
        return agent is not None and _is_registered(agent) and self._is_attended(agent) and agent not in self._elsewhere

    def _is_attended(self, agent: Agent) -> bool:
        """Return whether a page of the agent is there."""
        return agent.page_alive or (agent.last_seen is not None and self._clock.seconds() - agent.last_seen < PAGE_GAP)

    def _asked(self, name: str, agent: Agent | None) -> View:
        if name == "GetDnSIP":
            return dn_answer(agent.dn if agent is not None and _is_registered(agent) else "")
        if name == "GetIsEndpointActive":
            return active_answer(active=self._is_active(agent))
        if name == "GetSIPEndpointParameters":
            return parameters_answer(active=self._is_active(agent))
        return ping_answer() if name == "Ping" else sound_answer(name, asked=True)

    # -- orders

    def _told(self, request: IncomingRequest, name: str, agent: Agent | None, body: dict[str, object]) -> View:
        if name in SETTINGS:
            return {}
        if name != "RegisterDn":
            return sound_answer(name, asked=False)
        wanted = users(body)
        return order_answer(name, done=agent is not None and self._register(request, agent, wanted))

    def _register(self, request: IncomingRequest, agent: Agent, wanted: frozenset[str]) -> bool:
        """Take note of the DN that the desktop wants; it was registered with the sign_in, if it is this one."""
        trace(request.response, agent)
        if wanted == {agent.dn}:
            self._elsewhere.pop(agent, None)
            return True
        self._elsewhere[agent] = ", ".join(sorted(wanted))
        return False

    async def _unregister(self, request: IncomingRequest, agent: Agent | None, wanted: frozenset[str]) -> bytes:
        """Sign the agent out, whose desktop has logged out; but never out of a call."""
        done = False
        if agent is not None and not wanted - {agent.dn}:
            self._elsewhere[agent] = ""
            if not agent.has_call:
                await detached(self._sign_in_service.sign_out(request, agent.id))
                done = True
        return write_json(request.response, 200, order_answer("UnregisterDn", done=done))


def _is_registered(agent: Agent) -> bool:
    return agent.registration is RegistrationState.REGISTERED


def _require(request: IncomingRequest, name: str) -> None:
    """
    Let only commands pass that there are.

    :raises NoSuchResource: when there is none of that name.
    :raises WrongMethod: when it is asked for by a wrong method.
    """
    allowed = _methods(name)
    if not allowed:
        raise NoSuchResource(request.path.decode("ascii", "replace"))
    method = request.method.decode("ascii", "replace")
    if method not in allowed:
        raise WrongMethod(method, (*allowed, "OPTIONS"))


def _methods(name: str) -> tuple[str, ...]:
    """Return the methods of a command; none when there is none of that name."""
    if not _COMMAND.fullmatch(name):
        return ()
    if is_about_sound(name):
        return "GET", "POST"
    return ("GET",) if name in GETS else ("POST",) if name in POSTS else ()
