"""Every code of an error, with an example that is made the way in which the gateway makes the error itself."""

from collections.abc import Iterable, Mapping

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
from wrtcgw.web.errors import (
    ApplicationTokenRequired,
    BodyTooLarge,
    ControlRequired,
    EncodedBody,
    ForeignOrigin,
    ForeignSession,
    KeyInUse,
    KeyOfAnother,
    NoSuchResource,
    NotRecorded,
    OperatorTokenRequired,
    RoleRequired,
    SessionRequired,
    TooManyGuestsHere,
    TooManyRequests,
    TooManyStreams,
    TooManyTries,
    UnknownSession,
    WrongContentType,
    WrongMethod,
    error_view,
    row_of,
)
from wrtcgw.web.openapi.operations import JSON, TEXT, Schema, fields, listed, text, whole

STATUS = {
    400: "Something in the request is wrong.",
    401: "Who asks is not known.",
    403: "Who asks may not do that.",
    404: "It is not there.",
    405: "Not by this method.",
    408: "The request did not come in time.",
    409: "Not in this state.",
    410: "The call has ended; told once.",
    413: "The body is too long.",
    415: "The body is of the wrong kind.",
    422: "The request cannot be what it says.",
    429: "Too much of that.",
    500: "The gateway failed; its log has the details under the incident.",
    502: "The far side said no.",
    503: "Not now.",
    504: "The far side says nothing.",
}
ERRORS: tuple[GatewayError, ...] = (
    BadInput("id", "the agent's id", ""),
    DNRequired(("5001", "5002")),
    RegistrationRefused("5001", 403, "Forbidden", credentials=True),
    SessionRequired("agent123"),
    OperatorTokenRequired(""),
    ApplicationTokenRequired(),
    ControlRequired("crm"),
    KeyInUse("5f0c"),
    KeyOfAnother("5f0c"),
    TooManyRequests(1),
    TooManyStreams(10),
    ForeignSession("agent123"),
    GuestsNotAllowed(),
    DestinationForbidden("0190123456", "forbidden_destinations"),
    ForeignOrigin("https://elsewhere.example.net"),
    *(kind("a valid token", "another one") for kind in TOKEN_FAULTS),
    TokensNotAccepted(),
    DNNotAllowed("5009", ("5001", "5002")),
    RoleRequired("night-watch", "viewer", "supervisor"),
    NotSignedIn("agent123"),
    UnknownSession("4f1d"),
    UnknownCall("Wb2XkQ"),
    NoSuchResource("/api/webrtc/nothing"),
    NotRecorded("Wb2XkQ", True),
    WrongMethod("GET with a password", ("POST", "OPTIONS")),
    AgentInUse("agent123"),
    PageElsewhere("5001", 1),
    SoundElsewhere("Wb2XkQ"),
    AmbiguousCall(("Wb2XkQ", "p9TzAA")),
    WrongState("Wb2XkQ", "hold", "ringing"),
    BodyTooLarge(65536),
    WrongContentType("image/png", ("application/x-www-form-urlencoded", "application/json")),
    EncodedBody("gzip"),
    TooManyGuestsHere(5),
    TooManyTries(10),
    TooManyCalls("", "place another call", "the agent has 8 already (max_calls)"),
    TooManyOrders("send digits"),
    RequestRefused("hold", 488, "Not Acceptable Here"),
    RegistrationRefused("5001", 500, "Server Internal Error", credentials=False),
    SecretRefused("5001", 403),
    IdentityProviderUnavailable("connection refused"),
    SecretUnavailable("5001"),
    TooManyGuests(100),
    Draining(),
    StoreUnreachable(),
    NoSIPConnection(),
    RegistrationTimeout("5001", 8.0),
)
"""One of each kind; :func:`~wrtcgw.web.errors.row_of` knows status and code."""
OTHERS: Mapping[str, tuple[int, Mapping[str, object]]] = {
    "bad_request": (400, {"error": "this is no HTTP request that can be understood (RFC 9112)"}),
    "request_timeout": (408, {"error": "the body of the request did not arrive within 30 s (body_timeout)"}),
    "call_ended": (
        410,
        {
            "error": "the call has ended: 486 Busy Here (the far side is busy)",
            "callId": "Wb2XkQ",
            "sipCode": 486,
            "reason": "Busy Here",
            "cause": "busy",
            "seq": 7,
        },
    ),
    "internal_error": (
        500,
        {
            "error": "the gateway failed; its log has the details under incident 9f0c1d2e3a4b",
            "incident": "9f0c1d2e3a4b",
        },
    ),
    "too_many_connections": (
        503,
        {"error": "too many connections of this address (connections_per_address): close some, or try again later"},
    ),
}
"""What is told of no exception: by the connection itself, of what nobody foresaw, and as a message."""

EXAMPLES: Mapping[str, tuple[int, Mapping[str, object]]] = {
    **{row_of(error).code: (row_of(error).status, error_view(error)) for error in ERRORS},
    **{code: (status, {**told, "code": code}) for code, (status, told) in OTHERS.items()},
}
"""For each code its status, and what is told."""

ANY = ("bad_request", "request_timeout", "body_too_large", "encoded_body", "internal_error", "too_many_connections")
"""What any request may meet."""


def error_schema() -> Schema:
    """Return the schema of what is told of an error."""
    return fields(
        {
            "error": text("What is wrong and what to do, for people."),
            "code": text("The same for programs.", enum=sorted(EXAMPLES)),
        },
        field=text("The field that is wrong."),
        sipCode=whole("The SIP code of the far side."),
        reason=text("The far side's reason phrase."),
        warning=text("The text of its Warning."),
        sipReason=text("The text of its Reason."),
        cause=text("Why a call ended, in one word."),
        seq=whole("The number of the message that tells it."),
        callId=text("The call."),
        calls=listed(text(), "The calls of which one has to be named."),
        state=text("The state that forbids it."),
        to=text("The number that may not be called."),
        dn=text("The DN that another page has."),
        up=whole("How many calls that one has."),
        dns=listed(text(), "The DNs that the token allows."),
        role=text("The role of the operator's token."),
        needed=text("The role that is needed."),
        incident=text("By which the log has the details."),
    )


def examples() -> dict[str, object]:
    """Return an example of each error, by its code."""
    return {code: {"summary": code, "value": dict(told)} for code, (_, told) in EXAMPLES.items()}


def responses(codes: Iterable[str], *, plain: bool) -> dict[str, object]:
    """
    Return how some errors are answered, by status.

    :param plain: as text, without a code.
    """
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(EXAMPLES[code][0], []).append(code)
    return {str(status): _response(status, by_status[status], plain=plain) for status in sorted(by_status)}


def _response(status: int, codes: list[str], *, plain: bool) -> dict[str, object]:
    of_channel = [code for code in codes if code in OTHERS and code not in ("internal_error", "call_ended")]
    content: dict[str, object] = {}
    if plain and len(of_channel) < len(codes):
        content[TEXT] = {"schema": {"type": "string"}}
    if not plain or of_channel:
        shown = of_channel if plain else codes
        content[JSON] = {
            "schema": {"$ref": "#/components/schemas/Error"},
            "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in shown},
        }
    words = ", ".join(f"`{code}`" for code in codes)
    return {"description": f"{STATUS[status]} {words}", "content": content}
