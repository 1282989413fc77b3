"""Which pages may call, and the header fields that let them: on every response, with credentials, for any origin."""

import re

from twisted.web.server import Request

from wrtcgw.web.addresses import Client
from wrtcgw.web.errors import ForeignOrigin
from wrtcgw.web.genesys.replies import write_nothing
from wrtcgw.web.genesys.settings import ANY_ORIGIN
from wrtcgw.web.origins import own

METHODS = b"GET, POST, OPTIONS"
_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]*")


class PageOrigins:
    """Knows the origins whose pages may call."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._any = ANY_ORIGIN in allowed
        self._allowed = frozenset(origin.rstrip("/").lower().encode("ascii") for origin in allowed)

    def share(self, request: Request) -> None:
        """Let the page read the response: its origin is echoed, as ``*`` counts for nothing with credentials."""
        headers = request.responseHeaders
        headers.setRawHeaders(b"vary", [b"Origin"])
        origin = _header(request, b"origin")
        if origin is not None and self._is_allowed(origin):
            headers.setRawHeaders(b"access-control-allow-origin", [origin])
            headers.setRawHeaders(b"access-control-allow-credentials", [b"true"])
            headers.setRawHeaders(b"access-control-expose-headers", [b"Pragma"])

    def preflight(self, request: Request) -> int:
        """Answer OPTIONS: what a page adds of its own is taken, and a gateway in a private network may be called."""
        headers = request.responseHeaders
        headers.setRawHeaders(b"allow", [METHODS])
        if headers.hasHeader(b"access-control-allow-origin"):
            headers.setRawHeaders(b"access-control-allow-methods", [METHODS])
            wanted = _header(request, b"access-control-request-headers") or b""
            if wanted and _NAMES.fullmatch(wanted):
                headers.setRawHeaders(b"access-control-allow-headers", [wanted])
            headers.setRawHeaders(b"access-control-max-age", [b"600"])
            if _header(request, b"access-control-request-private-network") == b"true":
                headers.setRawHeaders(b"access-control-allow-private-network", [b"true"])
        return write_nothing(request)

    def check(self, request: Request, client: Client) -> None:
        """
        Refuse the request of a foreign page.

        :raises ForeignOrigin: when its origin is neither ours nor allowed.
        """
        origin = _header(request, b"origin")
        if origin is not None and not self._is_allowed(origin) and origin.lower() != own(request, client):
            raise ForeignOrigin(origin.decode("ascii", "replace"), "genesys_origins")

    def _is_allowed(self, origin: bytes) -> bool:
        return self._any or origin.lower() in self._allowed


def _header(request: Request, name: bytes) -> bytes | None:
    values = request.requestHeaders.getRawHeaders(name)
    return values[-1] if values else None
