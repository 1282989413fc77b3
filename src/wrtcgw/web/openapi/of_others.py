"""The operations of pages that were made for something else: the vendor's pages, and Workspace's softphone module."""

from wrtcgw.web.openapi.operations import (
    JSON,
    TEXT,
    Answer,
    Body,
    Operation,
    Parameter,
    Schema,
    fields,
    listed,
    switch,
    text,
)

SOFTPHONE = "/softphone-api/"
OF_SIGN_IN = (
    *("bad_input", "foreign_origin", "registration_refused", "guests_not_allowed", "agent_in_use"),
    *("too_many_tries", "too_many_guests_here", "registrar_failed", "no_sip_connection", "too_many_guests"),
    *("draining", "store_unavailable", "registration_timeout"),
)


def genesys(base: str) -> list[Operation]:
    """
    Return the four calls of the Genesys dialect.

    Their texts are described in docs/genesys-dialect.md: OpenAPI has no words for a query that is a name as a whole,
    nor for a body that is ``id:password``.

    :param base: what stands before their paths.
    """
    ssid = Parameter(name="id", schema=text(), text="The SSID that sign_in returned.")
    ok = {200: Answer(text="`OK`.", bodies={TEXT: text()})}
    signed_in = {200: Answer(text="`id=` and the SSID.", bodies={TEXT: text(pattern="^id=")})}
    told = {
        200: Answer(text="One message, as text or ROAP.", bodies={TEXT: text()}),
        204: Answer(text="Nobody has this SSID: sign in again."),
    }

    def call(method: str, name: str, id: str, summary: str, **more: object) -> Operation:
        given: dict[str, object] = {"answers": ok, "errors": ("foreign_origin",), **more}
        return Operation(
            method=method,
            path=f"{base}/{name}",
            id=f"genesys_{id}",
            tag="Genesys dialect",
            summary=summary,
            plain_errors=True,
            **given,  # type: ignore[arg-type]
        )

    credentials = Body(kinds={TEXT: text()}, text="`id:password`.", examples={TEXT: "5001:secret"})
    message = Body(
        kinds={TEXT: text()}, text="A message in ROAP's form, or `BYE`, `INFO-MAP …`, `INFO-PEER …`.", required=False
    )
    sender = Parameter(name="from", schema=text(), text="The SSID.")
    peer = Parameter(name="to", schema=text(), text="The other side.")
    return [
        call("POST", "sign_in", "sign_in", "Sign in", body=credentials, answers=signed_in, errors=OF_SIGN_IN),
        call(
            "GET",
            "sign_in",
            "sign_in_by_query",
            "Sign in without a password; the query is the id and nothing else",
            answers=signed_in,
            errors=OF_SIGN_IN,
        ),
        call(
            "GET",
            "wait",
            "wait",
            "Wait for the next message",
            parameters=(ssid,),
            answers={**told},
            errors=("not_found",),
        ),
        call(
            "POST",
            "message",
            "message",
            "Send a message",
            parameters=(sender, peer),
            body=message,
            answers={**ok, 204: told[204]},
            errors=("bad_input", "foreign_origin", "not_found"),
        ),
        call("GET", "sign_out", "sign_out_by_query", "Sign out", parameters=(ssid,)),
        call("POST", "sign_out", "sign_out", "Sign out", parameters=(ssid,)),
    ]


def softphone() -> list[Operation]:
    """Return the calls of Workspace's softphone module."""
    pairs = listed(fields({"Key": text(), "Value": text()}))
    gets: dict[str, tuple[str, Schema]] = {
        "GetDnSIP": ("Tell the DN that is registered", fields({"get_DnSIPResult": text()})),
        "GetIsEndpointActive": ("Tell whether it is", fields({"get_IsEndpointActiveResult": switch()})),
        "GetSIPEndpointParameters": ("Tell the same in more words", fields({"get_SIPEndpointParametersResult": pairs})),
        "Ping": ("Tell that we are there", fields({"PingResult": listed({})})),
    }
    users = fields(users=listed({"type": ["string", "integer"]}, "DNs."), addresses={})
    anything: Schema = {"type": "object"}
    posts: dict[str, tuple[str, Schema, Schema]] = {
        "SetOptions": ("Take options, which change nothing", anything, fields()),
        "SetSIPEndpointParameters": ("Take parameters, which change nothing", anything, fields()),
        "SetPingPeriod": ("Take a period, which changes nothing", anything, fields()),
        "RegisterDn": ("Tell whether these DNs are registered", users, fields({"RegisterDnResult": switch()})),
        "UnregisterDn": ("Sign the agent out, unless it is in a call", users, fields({"UnregisterDnResult": switch()})),
    }
    found = []
    for end, also in (("", ""), ("/", "_too")):
        for name, (summary, shape) in gets.items():
            found.append(_softphone("GET", name + end, name + also, summary, shape))
        for name, (summary, body, shape) in posts.items():
            found.append(_softphone("POST", name + end, name + also, summary, shape, body))
    return found


def _softphone(method: str, path: str, id: str, summary: str, shape: Schema, body: Schema | None = None) -> Operation:
    return Operation(
        method=method,
        path=SOFTPHONE + path,
        id=f"softphone_{id}",
        tag="Softphone API",
        summary=summary,
        text="Whom it is about is told by the session's token; without one nobody is registered.",
        body=None if body is None else Body(kinds={JSON: body}, required=False),
        answers={200: Answer(text="The answer.", bodies={JSON: shape})},
        errors=("bad_input",) if body is not None else (),
        who="session",
    )
