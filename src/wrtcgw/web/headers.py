"""Header fields that every response has, whatever it is about."""

from collections.abc import Iterable

from twisted.web.http import RESPONSES
from twisted.web.http_headers import Headers
from twisted.web.server import Request

NOT_EXECUTABLE = "default-src 'none'; frame-ancestors 'none'"
"""Policy of what is no page: it loads nothing, and nobody can frame it."""
EVERYWHERE = {
    "Server": "wrtcgw",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": NOT_EXECUTABLE,
}
"""What a response has unless it says otherwise."""
_EVERYWHERE = tuple((name.encode(), value.encode()) for name, value in EVERYWHERE.items())
HSTS = "max-age=31536000"
"""For responses over TLS: come back by TLS only, for a year (:rfc:`6797`)."""


def put(headers: Headers, fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Set fields that are ours: their names are written as Twisted writes them, and no value has a line break."""
    values = headers._rawHeaders
    for name, value in fields:
        values[name] = [value]


def protect(request: Request, *, secure: bool) -> None:
    """Give a response the header fields of all; those of a page come later, and take their place."""
    headers = request.responseHeaders
    put(headers, _EVERYWHERE)
    if secure:
        headers.setRawHeaders(b"strict-transport-security", [HSTS.encode()])


def head_of_refusal(code: int, length: int) -> bytes:
    """Return the head of a response to what is no request, or came too slowly; the connection is closed after it."""
    fields = {
        **EVERYWHERE,
        "Content-Type": "application/json",
        "Content-Length": str(length),
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {code} {RESPONSES[code].decode()}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii")
