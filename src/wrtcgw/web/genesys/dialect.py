"""
The four calls of pages that were made for the vendor's gateway: sign_in, wait, message, sign_out.

All answers are text, whatever happens: the pages run what is called JSON or a script. The rules are in the other
modules; this one knows the URLs.
"""

import secrets
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from wrtcgw.errors import BadInput
from wrtcgw.gateway import Gateway
from wrtcgw.web.chain import Dialect, Policy
from wrtcgw.web.genesys import wire
from wrtcgw.web.genesys.hanging_wait import Lingering, Wait
from wrtcgw.web.genesys.inbound import Inbound
from wrtcgw.web.genesys.origins import PageOrigins
from wrtcgw.web.genesys.outbound import Outbound
from wrtcgw.web.genesys.page_registry import PageRegistry
from wrtcgw.web.genesys.replies import TextErrors, write_text
from wrtcgw.web.genesys.settings import GenesysSettings
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.origins import Sharing
from wrtcgw.web.replies import write_nothing
from wrtcgw.web.routes import Routes, Tell
from wrtcgw.web.signin import SignInService
from wrtcgw.web.tracing import about, hand_over, trace, trace_as

COOKIE = "wrtcgw_node"
"""Keeps a page on one gateway; it grants nothing."""


class GenesysDialect:
    """
    Serves the dialect.

    :param sign_in_service: of the REST dialect, which agents, limits and sessions are shared with.
    :param wall: the wall clock's seconds.
    """

    def __init__(
        self,
        gateway: Gateway,
        sign_in_service: SignInService,
        settings: GenesysSettings,
        clock: IReactorTime,
        wall: Callable[[], float],
    ) -> None:
        self._gateway = gateway
        self._sign_in_service = sign_in_service
        self._clock = clock
        self._settings = settings
        outbound = Outbound(gateway, secrets.randbelow, errors=settings.errors)
        self._inbound = Inbound(gateway, outbound, settings, wall)
        guests_only = settings.no_password == "guest"
        self._pages = PageRegistry(
            gateway, sign_in_service, outbound.tell, self._inbound.hang_up, guests_only=guests_only
        )
        routes, base = Routes(gateway.persistence.durable), settings.path
        routes.add(base + "/sign_in", ("GET", "POST"), self._sign_in, hot=True, told=("POST",))
        routes.add(base + "/wait", ("GET",), self._wait, hot=True)
        routes.add(base + "/message", ("POST",), self._message, hot=True)
        routes.add(base + "/sign_out", ("GET", "POST"), self._sign_out, hot=True, told=("GET", "POST"))
        policy = Policy(
            name="genesys", body_limit=settings.body_limit, origins=PageOrigins(settings.origins), errors=TextErrors()
        )
        paths = frozenset(route.path.encode("ascii") for route in routes.all)
        self.dialect = Dialect(
            policy=policy,
            serves=paths.__contains__,
            serve=routes.serve,
            routes=routes,
            allowed=lambda path: ("GET", "POST"),  # as the vendor's gateway says of all four
            arrival=self._arrival,
        )

    def _arrival(self, request: IncomingRequest) -> "Deferred[None] | None":
        """Let the agent come whose SSID is shown."""
        query = request.raw_query
        ssid = wire.ssid_of(query, b"id") or wire.ssid_of(query, b"from")
        return self._sign_in_service.arrivals.come(request, ssid.encode("ascii", "replace"))

    @property
    def hanging(self) -> int:
        """Return how many pages have a ``wait`` that hangs."""
        return sum(page.waiting is not None for page in self._pages)

    # -- the four

    async def _sign_in(self, request: IncomingRequest) -> bytes:
        """Sign a page in, and give it its SSID when the registrar has agreed."""
        if request.method == b"GET":
            public_id, password = wire.raw_id(request.raw_query), ""
            if not public_id:
                raise BadInput("id", "the id as the whole query")
        else:
            public_id, password = wire.credentials(request.body)
        trace_as(request.response, wire.account(public_id), wire.account(public_id))
        page, ssid = await self._pages.sign_in(request.client, public_id, password)
        hand_over(request.response, page.agent)
        if self._settings.node:
            site = "SameSite=None; Secure" if request.is_secure else "SameSite=Lax"
            cookie = f"{COOKIE}={self._settings.node}; Path={self._settings.path or '/'}; HttpOnly; {site}"
            request.response.responseHeaders.addRawHeader(b"set-cookie", cookie.encode("ascii"))
        return write_text(request.response, 200, f"id={ssid}")

    def _wait(self, request: IncomingRequest) -> int | bytes:
        ssid = wire.ssid_of(request.raw_query, b"id")
        page = self._pages.page(ssid)
        if page is None:
            page = self._pages.former(ssid)
            if page is None:
                return self._unknown(request)
            if page.left or not (page.waited or page.is_over):
                page.waited = True
                return Lingering(page, request.response, self._clock).begin()
            if not page.is_over:
                page.forced = True
                return write_nothing(request.response)
        page.waited = True
        return Wait(self._gateway, page, request.response, self._clock).begin()

    def _message(self, request: IncomingRequest) -> int | bytes:
        query = request.raw_query
        ssid = wire.ssid_of(query, b"from")
        page = self._pages.page(ssid)
        body = request.body
        if page is None:
            if self._pages.former(ssid) is None:
                return self._unknown(request)
            if body.startswith(b"BYE"):
                self._pages.give_up(ssid)
            return write_text(request.response, 200, "OK")
        self._gateway.seen(page.agent.id)
        trace(request.response, page.agent, page.call_id)
        self._inbound.take(page, body, wire.peer_of(query), request.client.address)
        about(request.response, page.call_id)
        self._gateway.persistence.touch(page.agent)
        return write_text(request.response, 200, "OK")

    def _sign_out(self, request: IncomingRequest) -> bytes:
        ssid = wire.ssid_of(request.raw_query, b"id")
        page = self._pages.page(ssid)
        if page is not None:
            client, agent = request.client, page.agent
            self._sign_in_service.audit.note("sign_out", "ok", client, agent=agent.id, dn=agent.dn)
        self._pages.sign_out(ssid)
        return write_text(request.response, 200, "OK")

    def _unknown(self, request: IncomingRequest) -> int | bytes:
        """Answer for an SSID that nobody has: 204 lets the page sign out, 404 leaves it trying."""
        if self._settings.unknown_session == 204:
            return write_nothing(request.response)
        return write_text(request.response, 404, "no such session: sign in again")

    def close(self) -> None:
        """Send all pages home: the gateway stops."""
        self._pages.end_all()


def nothing_else(body_limit: int) -> Dialect:
    """Return what a port of the dialect's own has beside the four calls."""

    def serve(request: IncomingRequest, tell: Tell) -> bytes:
        return write_text(request.response, 404, "nothing is here but sign_in, wait, message and sign_out")

    nobody = Sharing(is_allowed=lambda origin: False)
    policy = Policy(name="nothing", body_limit=body_limit, origins=nobody, errors=TextErrors())
    return Dialect(policy=policy, serves=lambda path: True, serve=serve)
