"""
The four calls of pages that were made for the vendor's gateway: sign_in, wait, message, sign_out.

All answers are text, whatever happens: the pages run what is called JSON or a script. The rules are in the other
modules; this one knows the URLs.
"""

import secrets
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.errors import BadInput, GatewayError
from wrtcgw.gateway import Gateway
from wrtcgw.web.addresses import Addresses
from wrtcgw.web.codec import require_plain
from wrtcgw.web.errors import BodyTooLarge, WrongMethod
from wrtcgw.web.genesys import wire
from wrtcgw.web.genesys.hanging_wait import Lingering, Wait
from wrtcgw.web.genesys.inbound import Inbound
from wrtcgw.web.genesys.origins import PageOrigins
from wrtcgw.web.genesys.outbound import Outbound
from wrtcgw.web.genesys.page_registry import PageRegistry
from wrtcgw.web.genesys.replies import write_bug, write_failure, write_nothing, write_text
from wrtcgw.web.genesys.session import PageSession
from wrtcgw.web.genesys.settings import GenesysSettings
from wrtcgw.web.origins import is_secure
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
        addresses: Addresses,
        settings: GenesysSettings,
        clock: IReactorTime,
        wall: Callable[[], float],
    ) -> None:
        self._gateway = gateway
        self._sign_in_service = sign_in_service
        self._clock = clock
        self._addresses = addresses
        self._settings = settings
        self._origins = PageOrigins(settings.origins)
        outbound = Outbound(gateway, secrets.randbelow, errors=settings.errors)
        self._inbound = Inbound(gateway, outbound, settings, wall)
        guests_only = settings.no_password == "guest"
        self._pages = PageRegistry(
            gateway, sign_in_service, outbound.tell, self._inbound.hang_up, guests_only=guests_only
        )
        self.body_limit = settings.body_limit
        self._calls: dict[bytes, Callable[[Request], int | bytes]] = {
            settings.path.encode("ascii") + slash + name: serve
            for slash in (b"/", b"//")  # the library only joins: an address with a slash at its end gives two
            for name, serve in (
                (b"sign_in", self._sign_in),
                (b"wait", self._wait),
                (b"message", self._message),
                (b"sign_out", self._sign_out),
            )
        }

    @property
    def hanging(self) -> int:
        """Return how many pages have a ``wait`` that hangs."""
        return sum(page.waiting is not None for page in self._pages)

    def serves(self, path: bytes) -> bool:
        """Return whether a path is one of the four."""
        return path in self._calls

    def render(self, request: Request) -> int | bytes:
        """Serve a request for one of the four."""
        headers = request.responseHeaders
        headers.setRawHeaders(b"server", [b"wrtcgw"])
        headers.setRawHeaders(b"cache-control", [b"no-store"])
        self._origins.share(request)
        if request.method == b"OPTIONS":
            return self._origins.preflight(request)
        try:
            self._origins.check(request, self._addresses.client(request))
            return self._calls[request.path](request)
        except GatewayError as error:
            self._refused(request, error)
            return write_failure(request, error)
        except Exception:  # the last line of defence: logged, and told with an incident id
            return write_bug(request, Failure())

    def _refused(self, request: Request, error: GatewayError) -> None:
        path = request.path.decode("ascii", "replace")
        self._sign_in_service.audit.refused(error, self._addresses.client(request), path=path)

    # -- the four

    def _sign_in(self, request: Request) -> int:
        """Sign a page in, and give it its SSID when the registrar has agreed."""
        if request.method == b"GET":
            public_id, password = wire.raw_id(_query(request)), ""
            if not public_id:
                raise BadInput("id", "the id as the whole query")
        else:
            _require(request, b"POST")
            public_id, password = wire.credentials(read_body(request, self.body_limit))
        client = self._addresses.client(request)
        trace_as(request, wire.account(public_id), wire.account(public_id))
        work = Deferred.fromCoroutine(self._pages.sign_in(client, public_id, password))
        request.notifyFinish().addErrback(lambda _: work.cancel())
        work.addCallbacks(lambda page: self._welcome(request, page), lambda failure: _refuse(request, failure))
        return NOT_DONE_YET

    def _welcome(self, request: Request, page: PageSession) -> None:
        hand_over(request, page.agent)
        if self._settings.node:
            secure = is_secure(request, self._addresses.client(request))
            site = "SameSite=None; Secure" if secure else "SameSite=Lax"
            cookie = f"{COOKIE}={self._settings.node}; Path={self._settings.path or '/'}; HttpOnly; {site}"
            request.responseHeaders.addRawHeader(b"set-cookie", cookie.encode("ascii"))
        request.write(write_text(request, 200, f"id={page.ssid}"))
        request.finish()

    def _wait(self, request: Request) -> int | bytes:
        _require(request, b"GET")
        ssid = wire.ssid_of(_query(request), b"id")
        page = self._pages.page(ssid)
        if page is None:
            page = self._pages.former(ssid)
            if page is None:
                return self._unknown(request)
            if page.left or not (page.waited or page.is_over):
                page.waited = True
                return Lingering(page, request, self._clock).begin()
            if not page.is_over:
                page.forced = True
                return write_nothing(request)
        page.waited = True
        return Wait(self._gateway, page, request, self._clock).begin()

    def _message(self, request: Request) -> int | bytes:
        _require(request, b"POST")
        query = _query(request)
        ssid = wire.ssid_of(query, b"from")
        page = self._pages.page(ssid)
        body = read_body(request, self.body_limit)
        if page is None:
            if self._pages.former(ssid) is None:
                return self._unknown(request)
            if body.startswith(b"BYE"):
                self._pages.give_up(ssid)
            return write_text(request, 200, "OK")
        self._gateway.seen(page.agent.id)
        trace(request, page.agent, page.call_id)
        self._inbound.take(page, body, wire.peer_of(query), self._addresses.client(request).address)
        about(request, page.call_id)
        return write_text(request, 200, "OK")

    def _sign_out(self, request: Request) -> bytes:
        _require(request, b"GET", b"POST")
        ssid = wire.ssid_of(_query(request), b"id")
        page = self._pages.page(ssid)
        if page is not None:
            client, agent = self._addresses.client(request), page.agent
            self._sign_in_service.audit.note("sign_out", "ok", client, agent=agent.id, dn=agent.dn)
        self._pages.sign_out(ssid)
        return write_text(request, 200, "OK")

    def _unknown(self, request: Request) -> int | bytes:
        """Answer for an SSID that nobody has: 204 lets the page sign out, 404 leaves it trying."""
        if self._settings.unknown_session == 204:
            return write_nothing(request)
        return write_text(request, 404, "no such session: sign in again")

    def close(self) -> None:
        """Send all pages home: the gateway stops."""
        self._pages.end_all()


class OnlyGenesys(Resource):
    """The four calls and nothing else, for a port of their own."""

    isLeaf = True

    def __init__(self, dialect: GenesysDialect) -> None:
        super().__init__()
        self._dialect = dialect

    def render(self, request: Request) -> int | bytes:
        """Serve a request."""
        if self._dialect.serves(request.path):
            return self._dialect.render(request)
        return write_text(request, 404, "nothing is here but sign_in, wait, message and sign_out")


def _query(request: Request) -> bytes:
    return request.uri.partition(b"?")[2]


def _require(request: Request, *methods: bytes) -> None:
    if request.method not in methods:
        allowed = (*(method.decode("ascii") for method in methods), "OPTIONS")
        raise WrongMethod(request.method.decode("ascii", "replace"), allowed)


def read_body(request: Request, limit: int) -> bytes:
    """
    Return the body as it came; what its content type says does not count.

    :raises BodyTooLarge: when it is longer than ``limit`` bytes; EncodedBody when it is compressed.
    """
    require_plain(request)
    content = request.content
    assert content is not None, "requests are read while they are open"
    body: bytes = content.read(limit + 1)
    if len(body) > limit or getattr(content, "overflowed", False):
        raise BodyTooLarge(limit)
    return body


def _refuse(request: Request, failure: Failure) -> None:
    """Tell why a sign_in failed, if there is still someone to tell."""
    if failure.check(CancelledError):
        return
    error = failure.value
    told = write_failure(request, error) if isinstance(error, GatewayError) else write_bug(request, failure)
    request.write(told)
    request.finish()
