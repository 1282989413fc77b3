"""Responses of this dialect: text, whatever happens."""

import secrets

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.errors import GatewayError
from wrtcgw.texts import utf8
from wrtcgw.web.errors import row_of, write_body

log = Logger()

TEXT = b"text/plain; charset=utf-8"


def write_text(request: Request, status: int, text: str) -> bytes:
    """Set the response up as text, and return its body; there is no line end that a page could take for a part."""
    request.setResponseCode(status)
    return write_body(request, TEXT, utf8(text))


def write_nothing(request: Request) -> int:
    """Answer 204, which makes a page sign out; it has no body, and no length of one (:rfc:`9110#section-8.6`)."""
    request.setResponseCode(204)
    request.finish()
    return NOT_DONE_YET


def write_failure(request: Request, error: GatewayError) -> bytes:
    """Set the response up to tell an error."""
    row = row_of(error)
    for name, value in row.headers(error).items():
        request.responseHeaders.setRawHeaders(name, [value])
    return write_text(request, row.status, str(error))


def write_bug(request: Request, failure: Failure) -> bytes:
    """Log what nobody foresaw under an incident id, and tell no more than that."""
    incident = secrets.token_hex(6)
    path = request.path.decode("ascii", "replace")
    log.failure("incident {incident}: {path}", failure=failure, incident=incident, path=path)
    return write_text(request, 500, f"the gateway failed; its log has the details under incident {incident}")
