"""
Which pages may call: the Origin check and the CORS header fields.

Cookies and the address binding make a browser send what the agent's own page would send, whoever wrote the page. So
what changes state is refused to pages of other sites, unless their origin is configured.

A page can also rebind: let its own name point to the gateway's address after it was loaded, and so be of the gateway's
"own" origin. Its requests show only in their Host that they were meant for another name.
"""

import re
from ipaddress import ip_address

from twisted.web.server import Request

from wrtcgw.web.addresses import Client
from wrtcgw.web.bearer import header_token
from wrtcgw.web.errors import ForeignOrigin, SessionRequired

EXPOSED = ", ".join(
    (
        *("X-WRTC-Session", "X-WRTC-Call", "X-WRTC-Message", "X-WRTC-From", "X-WRTC-Name", "X-WRTC-Verstat"),
        *("X-WRTC-Called", "X-WRTC-Diversion", "X-WRTC-Seq", "Retry-After"),
    )
)
METHODS = b"GET, POST, OPTIONS"
REQUEST_HEADERS = b"Authorization, Content-Type, X-WRTC-Session, Last-Event-ID, Cache-Control, X-Requested-With"
PREFLIGHT_SECONDS = b"600"
OF_BROWSERS = (b"origin", b"referer", b"accept-language", b"upgrade-insecure-requests", b"purpose", b"sec-purpose")
"""
Fields of which a browser sends at least one with any request; but for Accept-Language none goes with a plain GET over
http:// (measured with Chromium). Programs send none of them unless they are told to.
"""
BROWSER = b"mozilla/"
"""How each browser begins its User-Agent, which no foreign page can change."""


UNKNOWN_PAGE = (
    ", and a cookie or an address is not enough for a browser's request that does not tell which page it comes from: "
    "any page could make it. Sign in by POST, or let the gateway's operator add the page's origin to allowed_origins"
)
"""Why neither counts."""


class Origins:
    """Knows the origins whose pages may call."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allow(allowed)

    def allow(self, allowed: frozenset[str]) -> None:
        """Let pages of these origins call from now on, and of no others."""
        self._allowed = frozenset(origin.rstrip("/").lower().encode() for origin in allowed)

    def share(self, request: Request) -> None:
        """
        Let a page of an allowed origin read the response, whatever it will be.

        ``Vary`` goes out always: a cache must not hand one origin's response to another.
        """
        headers = request.responseHeaders
        headers.setRawHeaders(b"vary", [b"Origin"])
        origin = _header(request, b"origin")
        if origin is None or origin.lower() not in self._allowed:
            return
        headers.setRawHeaders(b"access-control-allow-origin", [origin])
        headers.setRawHeaders(b"access-control-allow-credentials", [b"true"])
        headers.setRawHeaders(b"access-control-expose-headers", [EXPOSED])

    def preflight(self, request: Request) -> bytes:
        """Answer OPTIONS; without the fields of :meth:`share` a browser takes it as a no."""
        request.setResponseCode(204)
        headers = request.responseHeaders
        headers.setRawHeaders(b"allow", [METHODS])
        if headers.hasHeader(b"access-control-allow-origin"):
            headers.setRawHeaders(b"access-control-allow-methods", [METHODS])
            headers.setRawHeaders(b"access-control-allow-headers", [REQUEST_HEADERS])
            headers.setRawHeaders(b"access-control-max-age", [PREFLIGHT_SECONDS])
            if _header(request, b"access-control-request-private-network") == b"true":
                headers.setRawHeaders(b"access-control-allow-private-network", [b"true"])
        return b""

    def check(self, request: Request, client: Client) -> None:
        """
        Refuse the request of a foreign page.

        Browsers leave Origin out of image, script and link requests, but not Sec-Fetch-Site.

        :raises ForeignOrigin: when the page is neither ours nor of an allowed origin.
        """
        origin = _header(request, b"origin")
        site = _header(request, b"sec-fetch-site")
        if origin is None:
            if site in (b"cross-site", b"same-site"):
                raise ForeignOrigin("another site")
        elif origin.lower() not in self._allowed and site != b"same-origin" and origin.lower() != own(request, client):
            raise ForeignOrigin(origin.decode("ascii", "replace"))

    def explain(self, request: Request) -> None:
        """
        Let a foreign page read that it is refused for its origin, which is all that the response tells.

        Without credentials, and after nothing else was looked at: whatever is answered otherwise stays hidden from it.
        """
        origin = _header(request, b"origin")
        if origin is not None:
            request.responseHeaders.setRawHeaders(b"access-control-allow-origin", [origin])

    def check_page(self, request: Request, client: Client) -> None:
        """
        Refuse a browser's request that changes something and may come from any page.

        Over plain HTTP to another name than localhost browsers send neither Origin nor Sec-Fetch-Site with images,
        scripts, frames, links and other GETs. What a foreign page cannot do is to set a header field of its own, or to
        send a Referer of ours (https://www.w3.org/TR/referrer-policy/): so one of them has to be there. Cookie and
        address are the agent's, whichever page made the request.

        :raises SessionRequired: when nothing tells that a page of ours, or of an allowed origin, made it.
        """
        if is_of_browser(request) and not header_token(request) and not self._is_told(request, client):
            named = (request.args or {}).get(b"id") or [b""]
            raise SessionRequired(named[-1].decode("utf-8", "replace"), UNKNOWN_PAGE)

    def _is_told(self, request: Request, client: Client) -> bool:
        """Return whether the request, which :meth:`check` let pass, tells that an own or allowed page made it."""
        if _header(request, b"origin") is not None or _header(request, b"sec-fetch-site") == b"same-origin":
            return True
        if _header(request, b"sec-fetch-site") is not None:
            return False
        page = origin_of(_header(request, b"referer") or b"")
        return bool(page) and (page == own(request, client) or page in self._allowed)

    def is_own_page(self, request: Request, client: Client) -> bool:
        """Return whether the request comes from a page of our own origin or from none; an allowed origin is another."""
        origin, site = _header(request, b"origin"), _header(request, b"sec-fetch-site")
        own_origin = origin is None or origin.lower() == own(request, client)
        return own_origin and site in (None, b"same-origin", b"none")

    def vouches(self, request: Request, client: Client) -> bool:
        """
        Return whether something beside a token may stand for the request's right: its address, or that it is local.

        It may not for a browser that reached us under a name which may be anyone's: an address and ``localhost`` cannot
        be rebound, and an origin that is configured is not a stranger's. X-Forwarded-Host does not count, because a
        page can set it.
        """
        if not is_of_browser(request):
            return True
        host = (_header(request, b"host") or b"").lower()
        origin = _header(request, b"origin")
        if origin is None:
            origin = (b"https://" if is_secure(request, client) else b"http://") + host
        return origin.lower() in self._allowed or _cannot_be_rebound(host.decode("latin-1"))


def is_of_browser(request: Request) -> bool:
    """Return whether a browser sent the request, on behalf of whichever page."""
    headers = request.requestHeaders
    if any(map(headers.hasHeader, OF_BROWSERS)) or (_header(request, b"user-agent") or b"").lower().startswith(BROWSER):
        return True
    return any(name.lower().startswith(b"sec-fetch-") for name, _ in headers.getAllRawHeaders())


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


def is_meant_for_loopback(request: Request) -> bool:
    """Return whether the Host field names this machine by loopback, or by the address that the request came to."""
    host = (_header(request, b"host") or b"").decode("latin-1").lower()
    name = re.sub(r":[0-9]*$", "", host)
    if name.rstrip(".").rpartition(".")[2] == "localhost":
        return True
    try:
        address = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return address.is_loopback or str(address) == getattr(request.getHost(), "host", "")


def origin_of(url: bytes) -> bytes:
    """Return the origin of a URL as browsers write it, empty when it has none."""
    found = re.match(rb"(https?)://([^/?#\\@]+)(?=[/?#]|$)", url.lower())
    if found is None:
        return b""
    default = b":80" if found[1] == b"http" else b":443"
    return found[1] + b"://" + found[2].removesuffix(default)


def own(request: Request, client: Client) -> bytes:
    """Return the origin under which the client reached us."""
    host = _header(request, b"x-forwarded-host") if client.proxied else None
    scheme = b"https" if is_secure(request, client) else b"http"
    return (scheme + b"://" + (host or _header(request, b"host") or b"")).lower()


def is_secure(request: Request, client: Client) -> bool:
    """Return whether the client speaks HTTPS, to us or to the trusted proxy in front of us."""
    if client.proxied:
        return _header(request, b"x-forwarded-proto") == b"https"
    return bool(request.isSecure())


def _header(request: Request, name: bytes) -> bytes | None:
    values = request.requestHeaders.getRawHeaders(name)
    return values[-1] if values else None
