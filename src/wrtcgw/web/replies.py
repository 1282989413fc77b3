"""Answers to what a page asks: ``OK`` as text, or JSON for who accepts JSON."""

from collections.abc import Mapping

from attrs import Factory, frozen
from twisted.web.server import Request

from wrtcgw.web.errors import write_body, write_json


@frozen
class Reply:
    """A success: its JSON fields beside ``status``, and header fields."""

    fields: Mapping[str, object] = Factory(dict)
    headers: Mapping[str, str] = Factory(dict)


def wants_json(request: Request) -> bool:
    """Return whether the caller accepts JSON by name; ``*/*`` does not count."""
    accepted = request.requestHeaders.getRawHeaders(b"accept")
    return accepted is not None and any(b"application/json" in value for value in accepted)


def write_reply(request: Request, reply: Reply) -> bytes:
    """Set the response up, and return its body."""
    headers = request.responseHeaders
    for name, value in reply.headers.items():
        headers.setRawHeaders(name, [value])
    if wants_json(request):
        return write_json(request, 200, {"status": "ok", **reply.fields})
    return write_body(request, b"text/plain; charset=utf-8", b"OK")
