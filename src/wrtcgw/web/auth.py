"""Whether a request may speak for an agent, and the cookie that lets a browser do so."""

import hashlib

from wrtcgw.calls.agent import Agent
from wrtcgw.errors import NotSignedIn
from wrtcgw.web.addresses import Client
from wrtcgw.web.errors import ForeignSession, SessionRequired
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.origins import Origins
from wrtcgw.web.sessions import Session, Sessions
from wrtcgw.web.settings import Binding

FOREIGN_NAME = (
    "; the address alone is not enough for a browser that reached the gateway under this name, which may be a hostile "
    "page's: use the gateway's IP address or localhost, or let its operator add the origin to allowed_origins"
)
"""Why the address does not count."""


class Access:
    """Decides whether a request may speak for an agent."""

    def __init__(self, sessions: Sessions, origins: Origins, binding: Binding) -> None:
        self._sessions = sessions
        self._origins = origins
        self.configure(binding)

    def configure(self, binding: Binding) -> None:
        """Decide by this from now on."""
        self._by_address = binding is Binding.ADDRESS

    def require(self, request: IncomingRequest, agent: Agent) -> None:
        """
        Let only the agent's own page pass.

        :raises SessionRequired: when no token is shown, and the address does not stand for it.
        :raises ForeignSession: when a token is shown that is not this agent's; then no address helps.
        :raises NotSignedIn: when a token is shown that an earlier run of the gateway gave out.
        """
        self._judge(request, agent.id, agent)

    def admit(self, request: IncomingRequest, agent_id: str, agent: Agent | None) -> Agent:
        """
        Let only the agent's own page pass, and tell nobody else whether the agent is there.

        :param agent: the one who has the id now; None when nobody has.
        :raises NotSignedIn: when it is gone, as its own page may know; and what :meth:`require` raises, for an id that
            nobody has as for another's.
        """
        self._judge(request, agent_id, agent)
        if agent is None:
            raise NotSignedIn(agent_id)
        return agent

    def page_of(self, request: IncomingRequest, agent: Agent) -> str:
        """Return the name of the page of an agent that a request comes from, which was admitted."""
        session = self._sessions.find(agent, shown_token(request, agent.id)) or self._sessions.only(agent)
        return agent.pages[0].name if session is None else session.page

    def _judge(self, request: IncomingRequest, agent_id: str, agent: Agent | None) -> None:
        shown = shown_token(request, agent_id)
        if agent is None:
            session = self._sessions.last(agent_id)
        else:
            session = self._sessions.find(agent, shown) if shown else self._sessions.only(agent)
        if not shown:
            if session is None or not self._stands_for(request.client, session):
                raise SessionRequired(agent_id)
            if not self._origins.vouches(request):
                raise SessionRequired(agent_id, FOREIGN_NAME)
        elif session is not None and session.shown_by(shown):
            if agent is None:
                session.bound = True
            else:
                self._sessions.note_shown(agent, shown)
        elif self._sessions.is_of_another_run(shown) or self._sessions.was_lost(shown):
            raise NotSignedIn(agent_id)
        else:
            raise ForeignSession(agent_id)

    def _stands_for(self, client: Client, session: Session) -> bool:
        """Return whether the client's address stands for a token that was never shown."""
        by_address = self._by_address and not session.bound and client.reliable
        return by_address and client.address == session.address

    def shows_session(self, request: IncomingRequest, agent: Agent) -> bool:
        """Return whether the request shows the agent's token; its address does not count."""
        return self._sessions.find(agent, shown_token(request, agent.id)) is not None

    def knows_dn(self, request: IncomingRequest, agent_id: str, dn: str) -> bool:
        """Return whether the request shows a token that is, or was, of an agent with this DN."""
        return self._sessions.was_of(shown_token(request, agent_id), dn)

    def bearer(self, request: IncomingRequest) -> Agent | None:
        """Return the agent whose token is shown as ``Authorization: Bearer``; nothing else counts."""
        return self._sessions.owner(request.bearer) if request.bearer else None


def shown_token(request: IncomingRequest, agent_id: str) -> bytes:
    """Return the session token that a request shows for an agent, as Bearer, header or cookie; empty for none."""
    return request.token or request.cookie(cookie_name(agent_id))


def cookie_name(agent_id: str) -> str:
    """Return the name of an agent's cookie: several agents may share one browser, and ids may hold any character."""
    return "wrtcgw_" + hashlib.sha256(agent_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def session_cookie(agent_id: str, token: str, *, secure: bool) -> str:
    """Return the Set-Cookie value that hands an agent's session to a browser."""
    return f"{cookie_name(agent_id)}={token}; {_attributes(secure)}"


def cleared_cookie(agent_id: str, *, secure: bool) -> str:
    """Return the Set-Cookie value that takes an agent's session from a browser."""
    return f"{cookie_name(agent_id)}=; Max-Age=0; {_attributes(secure)}"


def _attributes(secure: bool) -> str:
    """``SameSite=None``, which a page of another origin needs, is only taken together with Secure."""
    return "Path=/api/; HttpOnly; " + ("SameSite=None; Secure" if secure else "SameSite=Lax")
