"""Answers to what a page asks: ``OK`` as text, or JSON for who accepts JSON."""

from collections.abc import Mapping

from attrs import Factory, frozen
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.web.errors import write_body, write_json
from wrtcgw.web.incoming import IncomingRequest


@frozen
class Reply:
    """A success: its JSON fields beside ``status``, and header fields."""

    fields: Mapping[str, object] = Factory(dict)
    headers: Mapping[str, str] = Factory(dict)


def write_reply(request: IncomingRequest, reply: Reply) -> bytes:
    """Set the response up, and return its body."""
    response = request.response
    for name, value in reply.headers.items():
        response.responseHeaders.setRawHeaders(name, [value])
    if request.accepts_json:
        return write_json(response, 200, {"status": "ok", **reply.fields})
    return write_body(response, b"text/plain; charset=utf-8", b"OK")


def write_nothing(response: Request) -> int:
    """Answer 204, which has no body, and no length of one (:rfc:`9110#section-8.6`)."""
    response.setResponseCode(204)
    response.finish()
    return NOT_DONE_YET
