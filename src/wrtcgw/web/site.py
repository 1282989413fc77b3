"""The HTTP listener: connections and bodies are bounded, and no query of a request is in any log."""

import time
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from wrtcgw.errors import BadInput
from wrtcgw.events.catalogue import RequestServed
from wrtcgw.redact import redact_uri
from wrtcgw.web.connection_limits import ConnectionLimits
from wrtcgw.web.errors import write_error
from wrtcgw.web.headers import protect, put
from wrtcgw.web.http_channel import BoundedChannel
from wrtcgw.web.incoming import BoundedBody
from wrtcgw.web.plain_request import PlainRequest
from wrtcgw.web.request_target import read_target
from wrtcgw.web.surface import HTTPSurface
from wrtcgw.web.tracing import TracedRequest

IDLE_SECONDS = 75.0
"""How long a connection without a request stays open: longer than proxies keep theirs, so that they close first."""


class GatewayRequest(TracedRequest):
    """A request that can be shown, recorded and measured."""

    site: "GatewaySite"
    began = 0.0

    def take(self, plain: PlainRequest, body: bytes) -> None:
        """Take over what was read of a plain request."""
        self.requestHeaders._rawHeaders = plain.fields
        if b"Cookie" in plain.fields:
            self.parseCookies()
        self.content = self.channel.site.getContentFile(len(body))  # type: ignore[attr-defined]
        self.content.write(body)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        """Serve the request, which is complete now; its query is read by who wants it (:class:`IncomingRequest`)."""
        assert self.content is not None, "there is one since the end of the head"
        self.content.seek(0)
        self.args = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.process()

    def process(self) -> None:
        """Serve the request."""
        self.site = self.channel.site  # type: ignore[attr-defined]
        self.began = self.site.seconds()
        protect(self, secure=self.isSecure())
        put(self.responseHeaders, ((b"Date", self.site.date()),))
        target = read_target(self.uri)
        self.uri, self.path = target.uri, target.path
        if self.path == b"*":  # which Twisted would answer by itself (RFC 9110 section 9.3.7)
            self.path = b"/*"
        if self._has_one_host() and target.host != b"" and b"@" not in (target.host or b""):
            if target.host is not None:
                self.requestHeaders.setRawHeaders(b"host", [target.host])
            self.prepath, self.postpath = [], list(map(unquote_to_bytes, self.path[1:].split(b"/")))
            try:
                self.render(self.site.getResourceFor(self))
            except Exception:
                self.processingFailed(Failure())
            return
        self.responseHeaders.setRawHeaders(b"connection", [b"close"])
        error = BadInput("Host", "one Host field, and in HTTP/1.1 at least one (RFC 9112 section 3.2)")
        self.write(write_error(self, error))
        self.finish()

    def write(self, data: bytes) -> None:
        """Write to the page; a head that has no body yet leaves by itself."""
        super().write(data)
        if not self._disconnected:
            self.channel.flush()  # type: ignore[attr-defined]

    def finish(self) -> None:
        """End the response, and forget what was noted for Klein, which knows the request."""
        super().finish()
        self._adapterCache.clear()

    def connectionLost(self, reason: Failure) -> None:
        """Tell who waits, and forget likewise."""
        super().connectionLost(reason)
        self._adapterCache.clear()

    def _has_one_host(self) -> bool:
        """Return whether it is clear for which host the request is (:rfc:`9112#section-3.2`)."""
        hosts = self.requestHeaders.getRawHeaders(b"host", [])
        return len(hosts) == 1 or (not hosts and self.clientproto != b"HTTP/1.1")

    def __repr__(self) -> str:
        """Return what it is about; the query of sign_in holds a password."""
        return f"<GatewayRequest {self.method!r} {self.path!r}>"


class GatewaySite(Site):
    """
    Serves a :class:`~wrtcgw.web.surface.HTTPSurface`.

    :param resource: what to serve in place of all of it.
    :param access_log: told one line per response, secrets masked; None for no access log, as proxies have their own.
    """

    def __init__(
        self,
        surface: HTTPSurface,
        *,
        resource: IResource | None = None,
        access_log: Callable[[str], None] | None = None,
        idle: float = IDLE_SECONDS,
        reactor: IReactorTime | None = None,
    ) -> None:
        self.protocol = BoundedChannel  # type: ignore[assignment,method-assign]  # without the part for HTTP/2
        super().__init__(
            resource or surface.resource(),
            requestFactory=GatewayRequest,
            parsePOSTFormSubmission=False,
            timeout=idle,
            reactor=reactor,
        )
        self._surface = surface
        self._dated = (0, b"")
        self._body_limit = surface.largest_body
        self.access_log = access_log
        self.events = surface.events
        self.seconds = time.monotonic if reactor is None else reactor.seconds

    def buildProtocol(self, addr: Any) -> Any:
        """Return what serves a new connection; None closes it at once, as long as descriptors are scarce."""
        return super().buildProtocol(addr) if self.connections.is_open_to(getattr(addr, "host", "") or "") else None

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802 (Twisted asks for it by this name)
        """Return what is offered over TLS (:rfc:`7301`): HTTP/1.1 alone, whose connections are bounded."""
        return [b"http/1.1"]

    @property
    def connections(self) -> ConnectionLimits:
        """Return where connections are counted, those of other listeners too."""
        return self._surface.connections

    @property
    def header_timeout(self) -> float:
        """Return the seconds for the head of a request."""
        return self._surface.timeouts[0]

    @property
    def body_timeout(self) -> float:
        """Return the seconds for the body of a request."""
        return self._surface.timeouts[1]

    @property
    def body_limit(self) -> int:
        """Return how many bytes of a body are kept."""
        return self._body_limit

    def date(self) -> bytes:
        """Return the Date of a response."""
        now = int(time.time())
        if now != self._dated[0]:
            self._dated = now, datetimeToString(now)
        return self._dated[1]

    def getContentFile(self, length: int | None) -> BinaryIO:  # noqa: N802 (Twisted asks for it by this name)
        """Return the file that takes a request's body."""
        return BoundedBody(self._body_limit)

    def log(self, request: Request) -> None:  # type: ignore[override]
        """Let it be known that a request was served, and write a line of the access log, if there is one."""
        if isinstance(request, GatewayRequest):
            seconds = self.seconds() - request.began
            route = self._surface.route_of(request.path)
            self.events.publish(
                RequestServed(
                    request=request,
                    headers=request.requestHeaders,
                    method=request.method,
                    path=request.path,
                    route=route,
                    code=request.code,
                    seconds=seconds,
                )
            )
        if self.access_log is not None:
            peer = getattr(request.client, "host", "-")
            uri = redact_uri(request.uri.decode("utf-8", "replace"))
            method = request.method.decode("ascii", "replace")
            self.access_log(f"{peer} {method} {uri} {request.code} {request.sentLength}")
