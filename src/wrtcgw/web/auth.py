"""
Sessions of agents and the rights of operators.

A session belongs to one :class:`~wrtcgw.calls.agent.Agent` object, not to its id: when the id has gone to another
agent, the old token is worth nothing.
"""

import hashlib
import hmac
import secrets
from weakref import WeakKeyDictionary, WeakValueDictionary

from attrs import field, frozen
from twisted.web.server import Request

from wrtcgw.calls.agent import Agent
from wrtcgw.web.addresses import Client
from wrtcgw.web.errors import ForeignSession, LoopbackOnly, OperatorTokenRequired, SessionRequired
from wrtcgw.web.origins import Origins
from wrtcgw.web.settings import Binding

TOKEN_BYTES = 32
FOREIGN_NAME = (
    "; the address alone is not enough for a browser that reached the gateway under this name, which may be a hostile "
    "page's: use the gateway's IP address or localhost, or let its operator add the origin to allowed_origins"
)
"""Why the address does not count."""


@frozen
class Session:
    """One sign_in of one agent; ``address`` is empty when no address may stand for it."""

    token: bytes = field(repr=False)
    address: str = ""


class Sessions:
    """The sessions of all agents; a new one of an agent replaces its old one, and the last goes with the agent."""

    def __init__(self) -> None:
        self._sessions: WeakKeyDictionary[Agent, Session] = WeakKeyDictionary()
        self._owners: WeakValueDictionary[bytes, Agent] = WeakValueDictionary()
        """By the digests of tokens: how long a look-up takes says nothing about a token."""

    def open(self, agent: Agent, client: Client) -> Session:
        """Open a session for an agent that has just signed in."""
        address = client.address if client.reliable else ""
        session = Session(secrets.token_urlsafe(TOKEN_BYTES).encode("ascii"), address)
        self._sessions[agent] = session
        self._owners[_digest(session.token)] = agent
        return session

    def owner(self, token: bytes) -> Agent | None:
        """Return the agent whose session a token is; None when it is nobody's, or a later session replaced it."""
        agent = self._owners.get(_digest(token))
        session = None if agent is None else self._sessions.get(agent)
        return agent if session is not None and hmac.compare_digest(token, session.token) else None

    def addresses(self) -> list[str]:
        """Return from where agents have signed in, one address for each session; empty where it is not certain."""
        return [session.address for session in tuple(self._sessions.values())]

    def of(self, agent: Agent) -> Session | None:
        """Return the session of an agent; None when it was not opened here."""
        return self._sessions.get(agent)


class Access:
    """Decides whether a request may speak for an agent, or as an operator."""

    def __init__(self, sessions: Sessions, origins: Origins, binding: Binding, operator_token: str) -> None:
        self._sessions = sessions
        self._origins = origins
        self.configure(binding, operator_token)

    def configure(self, binding: Binding, operator_token: str) -> None:
        """Decide by these from now on."""
        self._by_address = binding is Binding.ADDRESS
        self._operator_token = operator_token.encode("utf-8")

    def require(self, request: Request, client: Client, agent: Agent) -> None:
        """
        Let only the agent's own page pass.

        :raises SessionRequired: when no token is shown, and the address does not stand for it.
        :raises ForeignSession: when a token is shown that is not this agent's; then no address helps.
        """
        session = self._sessions.of(agent)
        shown = shown_token(request, agent.id)
        if not shown:
            bound = session is not None and self._by_address and client.reliable and client.address == session.address
            if not bound:
                raise SessionRequired(agent.id)
            if not self._origins.vouches(request, client):
                raise SessionRequired(agent.id, FOREIGN_NAME)
        elif session is None or not hmac.compare_digest(shown, session.token):
            raise ForeignSession(agent.id)

    def shows_session(self, request: Request, agent: Agent) -> bool:
        """Tell whether the request shows the agent's token; its address does not count."""
        session = self._sessions.of(agent)
        return session is not None and hmac.compare_digest(shown_token(request, agent.id), session.token)

    def bearer(self, request: Request) -> Agent | None:
        """Return the agent whose token is shown as ``Authorization: Bearer``; nothing else counts."""
        token = _bearer(request)
        return self._sessions.owner(token) if token else None

    def require_operator(self, request: Request, client: Client) -> None:
        """
        Let only operators pass: who shows the operator token, or while there is none, who calls from this machine.

        :raises OperatorTokenRequired: when the token is not shown, or a browser asks under a name that may be anyone's.
        :raises LoopbackOnly: when there is none, and the request comes from elsewhere.
        """
        if self._operator_token:
            if not hmac.compare_digest(_bearer(request), self._operator_token):
                raise OperatorTokenRequired
        elif not client.is_loopback:
            raise LoopbackOnly
        elif not self._origins.vouches(request, client):
            raise OperatorTokenRequired(FOREIGN_NAME)


def shown_token(request: Request, agent_id: str) -> bytes:
    """Return the session token that a request shows for an agent, as Bearer, header or cookie; empty for none."""
    token = _bearer(request)
    if token:
        return token
    values = request.requestHeaders.getRawHeaders(b"x-wrtc-session")
    if values and values[-1]:
        return values[-1]
    cookies = request.received_cookies
    return cookies.get(cookie_name(agent_id).encode("ascii"), b"") if cookies else b""


def _bearer(request: Request) -> bytes:
    values = request.requestHeaders.getRawHeaders(b"authorization")
    if not values or values[-1][:7].lower() != b"bearer ":
        return b""
    return values[-1][7:].strip()


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def cookie_name(agent_id: str) -> str:
    """Return the name of an agent's cookie: several agents may share one browser, and ids may hold any character."""
    return "wrtcgw_" + hashlib.sha256(agent_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def session_cookie(agent_id: str, session: Session, *, secure: bool) -> str:
    """Return the Set-Cookie value that hands an agent's session to a browser."""
    return f"{cookie_name(agent_id)}={session.token.decode('ascii')}; {_attributes(secure)}"


def cleared_cookie(agent_id: str, *, secure: bool) -> str:
    """Return the Set-Cookie value that takes an agent's session from a browser."""
    return f"{cookie_name(agent_id)}=; Max-Age=0; {_attributes(secure)}"


def _attributes(secure: bool) -> str:
    """``SameSite=None``, which a page of another origin needs, is only taken together with Secure."""
    return "Path=/api/; HttpOnly; " + ("SameSite=None; Secure" if secure else "SameSite=Lax")
