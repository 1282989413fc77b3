"""
Which pages may call: the Origin check and the CORS header fields.

Cookies and the address binding make a browser send what the agent's own page would send, whoever wrote the page. So
what changes state is refused to pages of other sites, unless their origin is configured.

A page can also rebind: let its own name point to the gateway's address after it was loaded, and so be of the gateway's
"own" origin. Its requests show only in their Host that they were meant for another name.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address

from attrs import frozen

from wrtcgw.web.errors import ForeignOrigin, SessionRequired
from wrtcgw.web.headers import put
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.replies import write_nothing

EXPOSED = ", ".join(
    (
        *("X-WRTC-Session", "X-WRTC-Call", "X-WRTC-Message", "X-WRTC-From", "X-WRTC-Name", "X-WRTC-Verstat"),
        *("X-WRTC-Called", "X-WRTC-Diversion", "X-WRTC-Seq", "Retry-After"),
    )
).encode("ascii")
METHODS = b"GET, POST, OPTIONS"
REQUEST_HEADERS = (
    b"Authorization, Content-Type, X-WRTC-Session, Last-Event-ID, Cache-Control, X-Requested-With, traceparent"
)
PREFLIGHT_SECONDS = b"600"
UNKNOWN_PAGE = (
    ", and a cookie or an address is not enough for a browser's request that does not tell which page it comes from: "
    "any page could make it. Sign in by POST, or let the gateway's operator add the page's origin to allowed_origins"
)
"""Why neither counts."""


_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]*")


@frozen(kw_only=True)
class Sharing:
    """
    Whom the browser lets read a response (CORS): the same for all dialects, but for what they allow.

    :ivar is_allowed: whether pages of an origin may read it.
    :ivar exposed: header fields that they may read too.
    :ivar request_headers: header fields that they may send; None for any that they ask for.
    """

    is_allowed: Callable[[bytes], bool]
    exposed: bytes = b""
    request_headers: bytes | None = None
    vary: bytes = b"Origin"

    def share(self, request: IncomingRequest) -> None:
        """
        Let a page of an allowed origin read the response, whatever it will be.

        The origin is echoed, as ``*`` counts for nothing with credentials. ``Vary`` goes out always: a cache must not
        hand one origin's response to another.
        """
        headers = request.response.responseHeaders
        put(headers, ((b"Vary", self.vary),))
        origin = request.header(b"origin")
        if origin is None or not self.is_allowed(origin):
            return
        headers.setRawHeaders(b"access-control-allow-origin", [origin])
        headers.setRawHeaders(b"access-control-allow-credentials", [b"true"])
        if self.exposed:
            headers.setRawHeaders(b"access-control-expose-headers", [self.exposed])

    def preflight(self, request: IncomingRequest) -> int:
        """
        Answer OPTIONS; without the fields of :meth:`share` a browser takes it as a no.

        A gateway in a private network may be called from a page that is not of it.
        """
        headers = request.response.responseHeaders
        headers.setRawHeaders(b"allow", [request.allow])
        if headers.hasHeader(b"access-control-allow-origin"):
            headers.setRawHeaders(b"access-control-allow-methods", [METHODS])
            asked = request.header(b"access-control-request-headers") or b""
            names = (
                (asked if _NAMES.fullmatch(asked) else b"") if self.request_headers is None else self.request_headers
            )
            if names:
                headers.setRawHeaders(b"access-control-allow-headers", [names])
            headers.setRawHeaders(b"access-control-max-age", [PREFLIGHT_SECONDS])
            if request.header(b"access-control-request-private-network") == b"true":
                headers.setRawHeaders(b"access-control-allow-private-network", [b"true"])
        return write_nothing(request.response)

    def check(self, request: IncomingRequest) -> None:
        """Refuse nobody: where nothing is changed, it is enough that a foreign page cannot read."""


class Origins:
    """Knows the origins whose pages may call."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allow(allowed)

    def allow(self, allowed: frozenset[str]) -> None:
        """Let pages of these origins call from now on, and of no others."""
        self._allowed = frozenset(origin.rstrip("/").lower().encode() for origin in allowed)

    def check(self, request: IncomingRequest) -> None:
        """
        Refuse the request of a foreign page.

        Browsers leave Origin out of image, script and link requests, but not Sec-Fetch-Site.

        :raises ForeignOrigin: when the page is neither ours nor of an allowed origin.
        """
        origin = request.header(b"origin")
        site = request.header(b"sec-fetch-site")
        if origin is None:
            if site in (b"cross-site", b"same-site"):
                raise ForeignOrigin("another site")
        elif origin.lower() not in self._allowed and site != b"same-origin" and origin.lower() != request.own_origin:
            raise ForeignOrigin(origin.decode("ascii", "replace"))

    def is_allowed(self, origin: bytes) -> bool:
        """Return whether pages of an origin may call."""
        return origin.lower() in self._allowed

    def check_page(self, request: IncomingRequest) -> None:
        """
        Refuse a browser's request that changes something and may come from any page.

        Over plain HTTP to another name than localhost browsers send neither Origin nor Sec-Fetch-Site with images,
        scripts, frames, links and other GETs. What a foreign page cannot do is to set a header field of its own, or to
        send a Referer of ours (https://www.w3.org/TR/referrer-policy/): so one of them has to be there. Cookie and
        address are the agent's, whichever page made the request.

        :raises SessionRequired: when nothing tells that a page of ours, or of an allowed origin, made it.
        """
        if request.is_of_browser and not request.token and not self._is_told(request):
            raise SessionRequired(request.agent_id, UNKNOWN_PAGE)

    def _is_told(self, request: IncomingRequest) -> bool:
        """Return whether the request, which :meth:`check` let pass, tells that an own or allowed page made it."""
        if request.header(b"origin") is not None or request.header(b"sec-fetch-site") == b"same-origin":
            return True
        if request.header(b"sec-fetch-site") is not None:
            return False
        page = origin_of(request.header(b"referer") or b"")
        return bool(page) and (page == request.own_origin or page in self._allowed)

    def is_own_page(self, request: IncomingRequest) -> bool:
        """Return whether the request comes from a page of our own origin or from none; an allowed origin is another."""
        origin, site = request.header(b"origin"), request.header(b"sec-fetch-site")
        own_origin = origin is None or origin.lower() == request.own_origin
        return own_origin and site in (None, b"same-origin", b"none")

    def vouches(self, request: IncomingRequest) -> bool:
        """
        Return whether something beside a token may stand for the request's right: its address, or that it is local.

        It may not for a browser that reached us under a name which may be anyone's: an address and ``localhost`` cannot
        be rebound, and an origin that is configured is not a stranger's. X-Forwarded-Host does not count, because a
        page can set it.
        """
        if not request.is_of_browser:
            return True
        host = (request.header(b"host") or b"").lower()
        origin = request.header(b"origin")
        if origin is None:
            origin = (b"https://" if request.is_secure else b"http://") + host
        return origin.lower() in self._allowed or _cannot_be_rebound(host.decode("latin-1"))


def _cannot_be_rebound(host: str) -> bool:
    """Return whether a Host field names an address, or this machine (:rfc:`6761#section-6.3`)."""
    name = re.sub(r":[0-9]*$", "", host)
    if name.rstrip(".").rpartition(".")[2] == "localhost":
        return True
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def is_meant_for_loopback(request: IncomingRequest) -> bool:
    """Return whether the Host field names this machine by loopback, or by the address that the request came to."""
    host = (request.header(b"host") or b"").decode("latin-1").lower()
    name = re.sub(r":[0-9]*$", "", host)
    if name.rstrip(".").rpartition(".")[2] == "localhost":
        return True
    try:
        address = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return address.is_loopback or str(address) == request.local_address


def origin_of(url: bytes) -> bytes:
    """Return the origin of a URL as browsers write it, empty when it has none."""
    found = re.match(rb"(https?)://([^/?#\\@]+)(?=[/?#]|$)", url.lower())
    if found is None:
        return b""
    default = b":80" if found[1] == b"http" else b":443"
    return found[1] + b"://" + found[2].removesuffix(default)


def shared_with(origins: Origins) -> Sharing:
    """Return who may read: pages of the allowed origins."""
    return Sharing(is_allowed=origins.is_allowed, exposed=EXPOSED, request_headers=REQUEST_HEADERS)


class AgentPages:
    """For calls that may change something, as reading a message does: only pages of ours, and allowed ones."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        sharing = shared_with(origins)
        self.share, self.preflight = sharing.share, sharing.preflight

    def check(self, request: IncomingRequest) -> None:
        """
        Refuse the request of a foreign page, which may read that, and nothing else.

        Without credentials, and before anything else was looked at that could tell it more.

        :raises ForeignOrigin: then.
        """
        try:
            self._origins.check(request)
        except ForeignOrigin:
            origin = request.header(b"origin")
            if origin is not None:
                request.response.responseHeaders.setRawHeaders(b"access-control-allow-origin", [origin])
            raise
