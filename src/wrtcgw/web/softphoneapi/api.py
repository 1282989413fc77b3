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
from collections.abc import Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.errors import GatewayError, NotSignedIn
from wrtcgw.gateway import Gateway
from wrtcgw.web.addresses import Addresses
from wrtcgw.web.codec import Input, parse_object
from wrtcgw.web.errors import NoSuchResource, WrongMethod, write_error, write_json, write_unexpected
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
METHODS = b"GET, POST, OPTIONS"

_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]*")
_COMMAND = re.compile(r"[A-Za-z]{1,64}")


class SoftphoneAPI:
    """Answers for the softphone that a desktop believes to be on its own machine."""

    def __init__(
        self, gateway: Gateway, sign_in_service: SignInService, addresses: Addresses, clock: IReactorTime
    ) -> None:
        self._gateway = gateway
        self._sign_in_service = sign_in_service
        self._addresses = addresses
        self._clock = clock
        self._elsewhere: WeakKeyDictionary[Agent, str] = WeakKeyDictionary()
        """Agents whose desktop wants something else than their DN: another one, or with '' none."""

    def serves(self, path: bytes) -> bool:
        """Return whether a path is one of these."""
        return path.startswith(PREFIX)

    def render(self, request: Request) -> bytes | int:
        """Serve a request; errors can be read by any page, as everything here."""
        _share(request)
        try:
            if request.method == b"OPTIONS":
                return _preflight(request)
            return self._serve(request)
        except GatewayError as error:
            return write_error(request, error)
        except Exception:  # the last line of defence: logged, and told with an incident id
            return write_unexpected(request, Failure())

    def _serve(self, request: Request) -> bytes | int:
        name = _command(request)
        given = Input.read(request, BODY_LIMIT)
        agent = self._caller(request)
        if request.method == b"GET":
            return write_json(request, 200, self._asked(name, agent))
        body = parse_object(given.body) if given.body else {}
        if name == "UnregisterDn":
            return self._unregister(request, agent, users(body))
        return write_json(request, 200, self._told(request, name, agent, body))

    def _caller(self, request: Request) -> Agent | None:
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

    def _told(self, request: Request, name: str, agent: Agent | None, body: dict[str, object]) -> View:
        if name in SETTINGS:
            return {}
        if name != "RegisterDn":
            return sound_answer(name, asked=False)
        return order_answer(name, done=agent is not None and self._register(request, agent, users(body)))

    def _register(self, request: Request, agent: Agent, wanted: frozenset[str]) -> bool:
        """Take note of the DN that the desktop wants; it was registered with the sign_in, if it is this one."""
        trace(request, agent)
        if wanted == {agent.dn}:
            self._elsewhere.pop(agent, None)
            return True
        self._elsewhere[agent] = ", ".join(sorted(wanted))
        return False

    def _unregister(self, request: Request, agent: Agent | None, wanted: frozenset[str]) -> bytes | int:
        """Sign the agent out, whose desktop has logged out; but never out of a call."""
        if agent is None or wanted - {agent.dn}:
            return write_json(request, 200, order_answer("UnregisterDn", done=False))
        self._elsewhere[agent] = ""
        if agent.has_call:
            return write_json(request, 200, order_answer("UnregisterDn", done=False))
        return _wait(request, self._sign_in_service.sign_out(request, self._addresses.client(request), agent.id))


def _wait(request: Request, leaving: Coroutine[Any, Any, object]) -> int:
    """Answer UnregisterDn when the agent is signed out; that goes on when the desktop does not wait."""
    gone: list[Failure] = []
    request.notifyFinish().addErrback(gone.append)

    def failed(failure: Failure) -> bytes:
        error = failure.value
        return write_error(request, error) if isinstance(error, GatewayError) else write_unexpected(request, failure)

    def tell(body: bytes) -> None:
        if not gone:
            request.write(body)
            request.finish()

    async def done() -> bytes:
        await leaving
        return write_json(request, 200, order_answer("UnregisterDn", done=True))

    Deferred.fromCoroutine(done()).addErrback(failed).addCallback(tell)
    return NOT_DONE_YET


def _is_registered(agent: Agent) -> bool:
    return agent.registration is RegistrationState.REGISTERED


def _command(request: Request) -> str:
    """
    Return which command it is.

    :raises NoSuchResource: when there is none of that name.
    :raises WrongMethod: when it is asked for by a wrong method.
    """
    name = request.path[len(PREFIX) :].rstrip(b"/").decode("ascii", "replace")
    if not _COMMAND.fullmatch(name) or not (name in GETS or name in POSTS or is_about_sound(name)):
        raise NoSuchResource(request.path.decode("ascii", "replace"))
    allowed = ("GET", "POST") if is_about_sound(name) else ("GET",) if name in GETS else ("POST",)
    method = request.method.decode("ascii", "replace")
    if method not in allowed:
        raise WrongMethod(method, (*allowed, "OPTIONS"))
    return name


def _share(request: Request) -> None:
    """Let a page of any origin read the response, also one without (``null``); what counts is the token."""
    headers = request.responseHeaders
    headers.setRawHeaders(b"server", [b"wrtcgw"])
    headers.setRawHeaders(b"vary", [b"Origin, Authorization"])
    headers.setRawHeaders(b"cache-control", [b"no-store"])
    origins = request.requestHeaders.getRawHeaders(b"origin")
    if origins:
        headers.setRawHeaders(b"access-control-allow-origin", [origins[-1]])
        headers.setRawHeaders(b"access-control-allow-credentials", [b"true"])


def _preflight(request: Request) -> bytes:
    request.setResponseCode(204)
    headers, asked = request.responseHeaders, request.requestHeaders
    headers.setRawHeaders(b"allow", [METHODS])
    headers.setRawHeaders(b"access-control-allow-methods", [METHODS])
    wanted = (asked.getRawHeaders(b"access-control-request-headers") or [b""])[-1]
    if wanted and _NAMES.fullmatch(wanted):
        headers.setRawHeaders(b"access-control-allow-headers", [wanted])
    headers.setRawHeaders(b"access-control-max-age", [b"600"])
    if asked.getRawHeaders(b"access-control-request-private-network") == [b"true"]:
        headers.setRawHeaders(b"access-control-allow-private-network", [b"true"])
    return b""
