"""
Errors in HTTP: the one table from error types to status and code, and how they are written.

Each error is ``{"error": text, "code": word}`` and what its row adds; the text says what to do, the word is for
programs.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import frozen
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from wrtcgw.errors import (
    AgentInUse,
    AmbiguousCall,
    BadInput,
    DestinationForbidden,
    Draining,
    GatewayError,
    GuestsNotAllowed,
    NoSIPConnection,
    NotSignedIn,
    PageElsewhere,
    RegistrationRefused,
    RegistrationTimeout,
    RequestRefused,
    SoundElsewhere,
    StoreUnreachable,
    TooManyCalls,
    TooManyGuests,
    TooManyOrders,
    UnknownCall,
    WrongState,
)
from wrtcgw.identity.errors import (
    TOKEN_FAULTS,
    DNNotAllowed,
    DNRequired,
    IdentityProviderUnavailable,
    SecretRefused,
    SecretUnavailable,
    TokensNotAccepted,
)
from wrtcgw.texts import utf8
from wrtcgw.web.headers import put

log = Logger()

Details = dict[str, object]


@frozen
class SessionRequired(GatewayError):
    """The request shows no session, and its address is not the one that signed in (or does not count: ``why``)."""

    agent_id: str
    why: str = ""

    def __str__(self) -> str:
        return (
            f"a session of agent {self.agent_id!r} is needed: send the token that sign_in returned "
            f"as Authorization: Bearer, X-WRTC-Session or cookie{self.why}"
        )


@frozen
class ForeignSession(GatewayError):
    """The token shown is not the session of this agent."""

    agent_id: str

    def __str__(self) -> str:
        return (
            f"the session shown is not that of agent {self.agent_id!r}, or a later sign_in replaced it: sign in again"
        )


@frozen
class ForeignOrigin(GatewayError):
    """A page of another site called."""

    origin: str
    setting: str = "allowed_origins"
    """Where it would have to stand."""

    def __str__(self) -> str:
        return f"pages of {self.origin} may not call this gateway: its operator can add that origin to {self.setting}"


@frozen
class OperatorTokenRequired(GatewayError):
    """An operator call without an operator token."""

    why: str

    def __str__(self) -> str:
        return f"this is for operators{self.why}"


@frozen
class ApplicationTokenRequired(GatewayError):
    """A call of the application API without an application's token."""

    why: str = ""

    def __str__(self) -> str:
        return f"this is for applications: send a token of app_tokens as Authorization: Bearer{self.why}"


@frozen
class ControlRequired(GatewayError):
    """An application that may only look wants to act."""

    name: str

    def __str__(self) -> str:
        return f"the application token {self.name!r} may only observe: give it the rights control in app_tokens"


@frozen
class KeyInUse(GatewayError):
    """A request with the same Idempotency-Key has not been answered yet."""

    key: str
    retry_after: int = 1

    def __str__(self) -> str:
        return f"a request with the Idempotency-Key {self.key!r} is being carried out: ask again for its answer"


@frozen
class KeyOfAnother(GatewayError):
    """An Idempotency-Key was used before for something else."""

    key: str

    def __str__(self) -> str:
        return f"the Idempotency-Key {self.key!r} was used for another request: take a new one for each"


@frozen
class TooManyRequests(GatewayError):
    """An application asks too often."""

    retry_after: int

    def __str__(self) -> str:
        return f"too many requests of this application (app_rate): try again in {self.retry_after} s"


@frozen
class TooManyStreams(GatewayError):
    """As many event streams of one token are open as may be."""

    limit: int
    retry_after: int = 5

    def __str__(self) -> str:
        return f"{self.limit} event streams of this token are open: close one of them"


@frozen
class UnknownSession(GatewayError):
    """No session has that key."""

    key: str

    def __str__(self) -> str:
        return f"there is no session {self.key!r} any more"


@frozen
class RoleRequired(GatewayError):
    """An operator whose role is too small."""

    name: str
    role: str
    needed: str

    def __str__(self) -> str:
        return f"this needs the role {self.needed}; the operator token {self.name!r} has the role {self.role}"


@frozen
class TooManyTries(GatewayError):
    """The sign_in limit of this address, id or DN is used up."""

    retry_after: int

    def __str__(self) -> str:
        return f"too many sign_in tries: try again in {self.retry_after} s"


@frozen
class TooManyGuestsHere(GatewayError):
    """As many guests as may be have come from this address."""

    limit: int

    def __str__(self) -> str:
        return (
            f"{self.limit} callers without a DN are there from this address (guest_limit_per_address): sign one of "
            "them out, or try again later"
        )


@frozen
class BodyTooLarge(GatewayError):
    """The body is longer than the limit."""

    limit: int

    def __str__(self) -> str:
        return f"the body is too large: at most {self.limit} bytes are taken"


@frozen
class WrongContentType(GatewayError):
    """The body's media type is none that this call takes."""

    found: str
    expected: tuple[str, ...]

    def __str__(self) -> str:
        return f"Content-Type: expected {' or '.join(self.expected)}, found {self.found}"


@frozen
class EncodedBody(GatewayError):
    """The body is compressed."""

    found: str

    def __str__(self) -> str:
        return f"Content-Encoding: expected none, found {self.found}: send the body as it is"


@frozen
class NoSuchResource(GatewayError):
    """Nothing is at that path."""

    path: str

    def __str__(self) -> str:
        return f"nothing is at {self.path}: the calls of this gateway are below /api/webrtc/"


@frozen
class NotRecorded(GatewayError):
    """Nothing is recorded of a call or an agent."""

    what: str
    on: bool

    def __str__(self) -> str:
        why = "it is too long ago, or never was" if self.on else "capture is off"
        return f"nothing is recorded of {self.what!r}: {why}"


@frozen
class WrongMethod(GatewayError):
    """The path exists, but not for this method."""

    method: str
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} cannot be used here: use {' or '.join(self.allowed)}"


def _nothing(error: GatewayError) -> Details:
    return {}


def _retry_soon(error: GatewayError) -> Mapping[str, str]:
    return {"Retry-After": "5"}


class _Patient(Protocol):
    """An error after which one may try again later."""

    @property
    def retry_after(self) -> int:
        """Return after how many seconds."""


def _retry_after(error: _Patient) -> Mapping[str, str]:
    return {"Retry-After": str(error.retry_after)}


def _no_headers(error: GatewayError) -> Mapping[str, str]:
    return {}


def _bearer(error: GatewayError) -> Mapping[str, str]:
    return {"WWW-Authenticate": 'Bearer realm="wrtcgw"'}


def _invalid_token(error: GatewayError) -> Mapping[str, str]:
    return {"WWW-Authenticate": 'Bearer realm="wrtcgw", error="invalid_token"'}


def _sip_answer(error: RegistrationRefused | RequestRefused) -> Details:
    words = {"warning": error.warning, "sipReason": error.sip_reason}
    return {"sipCode": error.code, "reason": error.reason, **{name: text for name, text in words.items() if text}}


@frozen
class Row:
    """How one error type is told: status, code word, further JSON fields and header fields."""

    status: int
    code: str
    details: Callable[..., Details] = _nothing
    headers: Callable[..., Mapping[str, str]] = _no_headers


ROWS: Mapping[type[GatewayError], Row] = {
    BadInput: Row(400, "bad_input", lambda error: {"field": error.field}),
    DNRequired: Row(400, "dn_required", lambda error: {"field": "dn", "dns": list(error.allowed)}),
    RegistrationRefused: Row(401, "registration_refused", _sip_answer),
    SessionRequired: Row(401, "session_required", headers=_bearer),
    OperatorTokenRequired: Row(401, "operator_token_required", headers=_bearer),
    ApplicationTokenRequired: Row(401, "application_token_required", headers=_bearer),
    ForeignSession: Row(403, "foreign_session"),
    GuestsNotAllowed: Row(403, "guests_not_allowed"),
    DestinationForbidden: Row(403, "destination_forbidden", lambda error: {"to": error.destination}),
    ForeignOrigin: Row(403, "foreign_origin"),
    **{kind: Row(401, kind.code, headers=_invalid_token) for kind in TOKEN_FAULTS},
    TokensNotAccepted: Row(403, "tokens_not_accepted"),
    DNNotAllowed: Row(403, "dn_not_allowed", lambda error: {"dns": list(error.allowed)}),
    RoleRequired: Row(403, "role_required", lambda error: {"role": error.role, "needed": error.needed}),
    ControlRequired: Row(403, "control_required"),
    NotSignedIn: Row(404, "not_signed_in"),
    UnknownSession: Row(404, "unknown_session"),
    UnknownCall: Row(404, "unknown_call"),
    NoSuchResource: Row(404, "not_found"),
    NotRecorded: Row(404, "not_recorded"),
    WrongMethod: Row(405, "wrong_method", headers=lambda error: {"Allow": ", ".join(error.allowed)}),
    AgentInUse: Row(409, "agent_in_use"),
    PageElsewhere: Row(409, "page_elsewhere", lambda error: {"dn": error.dn, "up": error.calls}),
    SoundElsewhere: Row(409, "sound_elsewhere", lambda error: {"callId": error.call_id}),
    AmbiguousCall: Row(409, "ambiguous_call", lambda error: {"calls": list(error.call_ids)}),
    WrongState: Row(409, "wrong_state", lambda error: {"callId": error.call_id, "state": error.state}),
    KeyInUse: Row(409, "key_in_use", headers=_retry_after),
    BodyTooLarge: Row(413, "body_too_large"),
    WrongContentType: Row(415, "wrong_content_type"),
    EncodedBody: Row(415, "encoded_body", headers=lambda error: {"Accept-Encoding": "identity"}),
    KeyOfAnother: Row(422, "key_of_another"),
    TooManyRequests: Row(429, "too_many_requests", headers=_retry_after),
    TooManyStreams: Row(429, "too_many_streams", headers=_retry_after),
    TooManyGuestsHere: Row(429, "too_many_guests_here"),
    TooManyTries: Row(429, "too_many_tries", headers=_retry_after),
    TooManyCalls: Row(429, "too_many_calls", headers=_retry_after),
    TooManyOrders: Row(429, "too_many_orders", headers=_retry_after),
    RequestRefused: Row(502, "request_refused", _sip_answer),
    SecretRefused: Row(502, "secret_refused", lambda error: {"sipCode": error.sip_code}),
    IdentityProviderUnavailable: Row(503, "identity_provider_unavailable", headers=_retry_soon),
    SecretUnavailable: Row(503, "secret_unavailable", headers=_retry_soon),
    TooManyGuests: Row(503, "too_many_guests", headers=_retry_soon),
    Draining: Row(503, "draining", headers=_retry_soon),
    StoreUnreachable: Row(503, "store_unavailable", headers=_retry_soon),
    NoSIPConnection: Row(503, "no_sip_connection", headers=_retry_soon),
    RegistrationTimeout: Row(504, "registration_timeout"),
}

REGISTRAR_FAILED = Row(502, "registrar_failed", _sip_answer, _retry_soon)
"""For a registrar that refuses for another reason than the credentials."""


def row_of(error: GatewayError) -> Row:
    """Return the row of an error."""
    if isinstance(error, RegistrationRefused) and not error.credentials:
        return REGISTRAR_FAILED
    return ROWS[type(error)]


def write_json(request: Request, status: int, value: Mapping[str, object]) -> bytes:
    """Set status and type of the response, and return its body."""
    request.setResponseCode(status)
    body = utf8(json.dumps(value, ensure_ascii=False)) + b"\n"
    return write_body(request, b"application/json", body)


def write_body(request: Request, content_type: bytes, body: bytes) -> bytes:
    """Set type and length of the response, and return its body."""
    put(request.responseHeaders, ((b"Content-Type", content_type), (b"Content-Length", b"%d" % len(body))))
    return body


def write_error(request: Request, error: GatewayError) -> bytes:
    """Set the response up to tell ``error``, and return its body."""
    row = row_of(error)
    for name, value in row.headers(error).items():
        request.responseHeaders.setRawHeaders(name, [value])
    return write_json(request, row.status, error_view(error))


def error_view(error: GatewayError) -> Details:
    """Return what a caller is told of an error."""
    row = row_of(error)
    return {"error": str(error), "code": row.code, **row.details(error)}


def write_unexpected(request: Request, failure: Failure) -> bytes:
    """Log what nobody foresaw under an incident id, and return a body that tells the caller no more than that id."""
    incident = secrets.token_hex(6)
    log.failure(
        "incident {incident}: {method} {path}",
        failure=failure,
        incident=incident,
        method=request.method.decode("ascii", "replace"),
        path=request.path.decode("ascii", "replace"),
    )
    error = f"the gateway failed; its log has the details under incident {incident}"
    return write_json(request, 500, {"error": error, "code": "internal_error", "incident": incident})
