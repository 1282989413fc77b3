"""Responses of this dialect: text, whatever happens."""

import secrets

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from wrtcgw.errors import GatewayError
from wrtcgw.texts import utf8
from wrtcgw.web.errors import row_of, write_body

log = Logger()

TEXT = b"text/plain; charset=utf-8"


def write_text(request: Request, status: int, text: str) -> bytes:
    """Set the response up as text, and return its body; there is no line end that a page could take for a part."""
    request.setResponseCode(status)
    return write_body(request, TEXT, utf8(text))


class TextErrors:
    """Errors as text."""

    def refusal(self, response: Request, error: GatewayError) -> bytes:
        """Set the response up to tell an error."""
        row = row_of(error)
        for name, value in row.headers(error).items():
            response.responseHeaders.setRawHeaders(name, [value])
        return write_text(response, row.status, str(error))

    def incident(self, response: Request, failure: Failure) -> bytes:
        """Log what nobody foresaw under an incident id, and tell no more than that."""
        incident = secrets.token_hex(6)
        path = response.path.decode("ascii", "replace")
        log.failure("incident {incident}: {path}", failure=failure, incident=incident, path=path)
        return write_text(response, 500, f"the gateway failed; its log has the details under incident {incident}")
