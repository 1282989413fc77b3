"""The operations of agents' pages: the REST API below ``/api/webrtc/``, and what is for everybody."""

from collections.abc import Mapping

from wrtcgw.calls.page_life import Visibility
from wrtcgw.web.openapi.operations import (
    ANYBODY,
    FORM,
    JSON,
    OPERATOR,
    SDP,
    SESSION,
    STREAM,
    TEXT,
    Answer,
    Body,
    Operation,
    Parameter,
    Schema,
    fields,
    ref,
    switch,
    text,
    whole,
)

BASE = "/api/webrtc/"
AGENT = Parameter(name="id", schema=text(minLength=1), text="The agent's id.", required=True, example="agent123")
CALL = Parameter(name="call", schema=text(), text="The call; may be left out while there is only one.")
FROM = Parameter(name="from", schema=text(minLength=1), text="The agent's id.", required=True, example="agent123")
OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\na=sendrecv\r\n"
OF_SESSION = ("bad_input", "session_required", "foreign_session", "foreign_origin", "not_signed_in")
"""What any request that speaks for an agent may meet."""
OF_CALL = (*OF_SESSION, "unknown_call", "ambiguous_call", "wrong_state", "wrong_content_type")
"""And any that is about one of its calls."""
OF_NUMBER = (
    "destination_forbidden",
    "guests_not_allowed",
    "too_many_calls",
    "no_sip_connection",
    "draining",
    "store_unavailable",
)
"""And any that calls a number."""
TOKEN_CODES = (
    *("token_refused", "token_malformed", "token_too_large", "token_algorithm", "token_key_unknown"),
    *("token_signature", "token_issuer", "token_audience", "token_expired", "token_not_yet_valid", "token_claim"),
)
OF_SIGN_IN = (
    *("bad_input", "wrong_content_type", "dn_required", "registration_refused", *TOKEN_CODES, "tokens_not_accepted"),
    *("dn_not_allowed", "guests_not_allowed", "foreign_origin", "session_required", "agent_in_use", "page_elsewhere"),
    *("too_many_tries", "too_many_guests_here", "registrar_failed", "secret_refused", "no_sip_connection"),
    *("identity_provider_unavailable", "secret_unavailable", "too_many_guests", "draining", "store_unavailable"),
    "registration_timeout",
)
CODE = whole("A SIP code from 400 to 699.", minimum=400, maximum=699)
COUNT = whole(minimum=0, maximum=999_999_999)
TOLD = {
    "X-WRTC-Message": "OFFER or ANSWER.",
    "X-WRTC-Call": "The call.",
    "X-WRTC-Seq": "The number of the message.",
    "X-WRTC-From": "The far side.",
    "X-WRTC-Name": "Its name.",
    "X-WRTC-Called": "The number that it has dialled.",
    "X-WRTC-Diversion": "Whom the call was for before.",
    "X-WRTC-Verstat": "What the network says of the number.",
}
"""Header fields of a message in the plain form."""
SWITCHES = ("true", "false", "on", "off", "1", "0")
ANY_WAY = "As JSON or form; the query may have the fields as well."

SIGN_IN: Mapping[str, Schema] = {
    "id": text("The agent's id, of your choice."),
    "dn": text("The DN to register."),
    "password": text("The DN's password.", format="password"),
    "auth_user": text("The user for digest authentication, where it is not the DN."),
    "display_name": text("The name that callers and called parties see."),
    "always_listens": switch("The page polls all the time, and is signed out when it is lost."),
    "acknowledges_calls": switch("The page posts `ringing` for each incoming call."),
    "shares_calls": switch("The page knows of calls that other pages of the agent have (`second_page`)."),
    "take_over": switch("Take over what another page has; `false`: rather be refused. Else `second_page` decides."),
    "guest": switch("Let in without a DN (`guest_mode`)."),
    "token": text("In place of the password, where `oidc_issuer` is set.", format="password"),
}


def posted(required: Mapping[str, Schema] | None = None, /, **optional: Schema) -> Body:
    """Return a body of fields, as JSON or form."""
    return Body(
        kinds={JSON: fields(required or {}, **optional), FORM: in_form(fields(required or {}, **optional))},
        required=bool(required),
        text=ANY_WAY,
    )


def in_form(schema: Schema) -> Schema:
    """Return the schema of the same fields in a form, where a switch is a word."""
    properties: Mapping[str, Schema] = schema["properties"]  # type: ignore[assignment]
    return {**schema, "properties": {name: _word(each) for name, each in properties.items()}}


def _word(schema: Schema) -> Schema:
    return {**schema, "type": "string", "enum": list(SWITCHES)} if schema.get("type") == "boolean" else schema


def done(schema: str, summary: str, **headers: str) -> dict[int, Answer]:
    """Return a success: ``OK``, or JSON for who accepts that."""
    bodies = {JSON: ref(schema), TEXT: text(enum=["OK"])}
    return {200: Answer(text=summary, bodies=bodies, headers=headers)}


def shown(schema: str, summary: str) -> dict[int, Answer]:
    """Return a success in JSON."""
    return {200: Answer(text=summary, bodies={JSON: ref(schema)})}


def _verb(
    name: str, summary: str, *, body: Body | None = None, text: str = "", errors: tuple[str, ...] = ()
) -> Operation:
    return Operation(
        method="POST",
        path=BASE + name,
        id=name,
        tag="Call control",
        summary=summary,
        text=text,
        parameters=(AGENT, CALL),
        body=body,
        answers=done("Outcome", "The far side has answered."),
        errors=(*OF_CALL, "request_refused", *errors),
        who=SESSION,
    )


def operations() -> list[Operation]:
    """Return all of them."""
    return [*_coming_and_going(), *_messages(), *_call_control(), *_questions(), *_of_the_gateway(), *_of_all_agents()]


def _coming_and_going() -> list[Operation]:
    headers = {"X-WRTC-Session": "The session token.", "Set-Cookie": "The same for browsers."}
    answers = done("SignedIn", "The registrar has accepted.", **headers)
    query = tuple(
        Parameter(name=name, schema=schema, text=str(schema.get("description", name)))
        for name, schema in SIGN_IN.items()
        if name != "token"
    )
    left = done("Done", "The agent is not signed in any more; or was not.")
    return [
        Operation(
            method="POST",
            path=BASE + "sign_in",
            id="sign_in",
            tag="Coming and going",
            summary="Register a DN, or let a guest in, and open a session",
            text="Needs `id`, `dn` and `password`, or `guest`, or an identity provider's `token` (or Bearer).",
            body=posted(None, **SIGN_IN),
            answers=answers,
            errors=OF_SIGN_IN,
        ),
        Operation(
            method="GET",
            path=BASE + "sign_in",
            id="sign_in_by_query",
            tag="Coming and going",
            summary="The same by query",
            text="Needs `id`, `dn` and `password`, or `guest`. Passwords in addresses end up in logs: rather POST.",
            parameters=query,
            answers=answers,
            errors=(*OF_SIGN_IN, "wrong_method"),
        ),
        *(
            Operation(
                method=method,
                path=BASE + "sign_out",
                id=name,
                tag="Coming and going",
                summary="End the agent's calls and remove its registration",
                parameters=(AGENT,),
                answers=left,
                errors=OF_SESSION,
                who=SESSION,
            )
            for method, name in (("POST", "sign_out"), ("GET", "sign_out_by_query"))
        ),
    ]


def _messages() -> list[Operation]:
    return [
        Operation(
            method="POST",
            path=BASE + "message",
            id="post_message",
            tag="Messages",
            summary="Place a call, or answer one, or change a description",
            text="With `to` it is a new call; without it answers the call that rings, or an OFFER, or is a new offer "
            "inside the call. The body is a session description, or a message in ROAP's form.",
            parameters=(
                FROM,
                Parameter(name="to", schema=text(), text="The number to call.", example="1003"),
                CALL,
            ),
            body=Body(
                kinds={JSON: ref("PagesMessage"), TEXT: text(), SDP: text()},
                examples={TEXT: OFFER, JSON: {"messageType": "OFFER", "to": "1003", "sdp": OFFER}},
            ),
            answers=done("CallTaken", "Taken; the outcome is told by messages.", **{"X-WRTC-Call": "The call."}),
            errors=(*OF_CALL, *OF_NUMBER, "sound_elsewhere", "too_many_orders"),
            who=SESSION,
        ),
        *_fetching(),
    ]


def _fetching() -> list[Operation]:
    after = Parameter(name="after", schema=COUNT, text="The number of the last message that the page has.")
    return [
        Operation(
            method="GET",
            path=BASE + "message",
            id="next_message",
            tag="Messages",
            summary="Fetch the next message, at once or within some seconds",
            text="Plain text has session descriptions only, and the end of a call as 410; with `Accept: "
            "application/json` there is everything, in ROAP's form.",
            parameters=(
                AGENT,
                Parameter(name="wait", schema={"type": "number", "minimum": 0}, text="Seconds; at most `wait_limit`."),
                after,
            ),
            answers={
                200: Answer(text="The message.", bodies={JSON: ref("Message"), TEXT: text()}, headers=TOLD),
                204: Answer(text="Nothing yet."),
            },
            errors=(*OF_SESSION, "call_ended"),
            who=SESSION,
        ),
        Operation(
            method="GET",
            path=BASE + "events",
            id="events",
            tag="Messages",
            summary="Stream all messages as Server-Sent Events",
            text="Each event has the message's number as `id` and its JSON (schema `Message`) as `data`. "
            "`Last-Event-ID` resumes.",
            parameters=(
                AGENT,
                after,
                Parameter(
                    name="Last-Event-ID",
                    where="header",
                    schema=COUNT,
                    text="The number of the last message that the page has.",
                ),
            ),
            answers={200: Answer(text="The stream.", bodies={STREAM: text()})},
            errors=OF_SESSION,
            who=SESSION,
        ),
    ]


DESCRIPTION = Body(
    kinds={
        TEXT: text(minLength=1),
        SDP: text(minLength=1),
        JSON: fields({"sdp": text(minLength=1)}),
        FORM: fields({"sdp": text(minLength=1)}),
    },
    examples={TEXT: OFFER},
)


def _call_control() -> list[Operation]:
    digits = text("0-9, A-D, * and #.", minLength=1, maxLength=64, pattern="^[0-9A-Da-d*#]+$")
    dtmf = posted(
        {"digits": digits},
        duration=whole("Milliseconds.", minimum=40, maximum=6000, default=160),
        gap=whole("Milliseconds.", minimum=0, maximum=6000, default=70),
        content_type=text(enum=["application/dtmf-relay", "application/dtmf"]),
    )
    either = [{"required": ["to"]}, {"required": ["to_call"]}]
    transfer_fields = {
        **fields(
            to=text("A number, for a blind transfer.", minLength=1),
            to_call=text("Another call of the agent, for an attended transfer.", minLength=1),
        ),
        "oneOf": either,
    }
    transfer = Body(kinds={JSON: transfer_fields, FORM: transfer_fields}, text=ANY_WAY)
    info = Body(
        kinds={
            JSON: fields({"content_type": text(minLength=1), "body": text(minLength=1)}),
            FORM: fields({"content_type": text(minLength=1), "body": text(minLength=1)}),
            TEXT: text(minLength=1),
        },
        text="Fields, or a body of any other type, which is sent as it is.",
    )
    return [
        *_begin_and_end(),
        *_of_several_pages(),
        _verb("hold", "Put a call on hold", errors=("too_many_orders",)),
        _verb("resume", "Take a call from hold", errors=("too_many_orders",)),
        _verb("dtmf", "Send digits", body=dtmf, errors=("too_many_orders",)),
        _verb(
            "transfer",
            "Transfer a call",
            text="Either `to` or `to_call`. Progress comes as TRANSFER messages.",
            body=transfer,
            errors=OF_NUMBER,
        ),
        _verb("info", "Send data", body=info, errors=("too_many_orders",)),
        Operation(
            method="POST",
            path=BASE + "stats",
            id="stats",
            tag="Call control",
            summary="Report what the page knows of the call's media",
            parameters=(AGENT, CALL),
            body=Body(kinds={JSON: ref("Report")}, examples={JSON: {"audio": {"codec": "audio/opus", "rtt": 42.5}}}),
            answers=done("Done", "Noted."),
            errors=OF_CALL,
            who=SESSION,
        ),
    ]


def _begin_and_end() -> list[Operation]:
    return [
        _verb("hangup", "End a call in any state", body=posted(None, code=CODE)),
        Operation(
            method="POST",
            path=BASE + "answer",
            id="answer",
            tag="Call control",
            summary="Answer a call, or an OFFER inside one",
            parameters=(AGENT, CALL),
            body=DESCRIPTION,
            answers=done("CallTaken", "Taken.", **{"X-WRTC-Call": "The call."}),
            errors=(*OF_CALL, "sound_elsewhere"),
            who=SESSION,
        ),
        _verb("reject", "Reject a call that rings", body=posted(None, code=CODE)),
        Operation(
            method="POST",
            path=BASE + "ringing",
            id="ringing",
            tag="Call control",
            summary="Say that the page has got an incoming call",
            parameters=(AGENT, CALL),
            answers=done("Acknowledged", "Noted; the call may be over already."),
            errors=OF_CALL,
            who=SESSION,
        ),
        Operation(
            method="POST",
            path=BASE + "heartbeat",
            id="heartbeat",
            tag="Coming and going",
            summary="Say that the page runs, or that it is about to stop",
            parameters=(AGENT,),
            body=posted({"visibility": text(enum=[each.value for each in Visibility if each.value])}),
            answers=done("Done", "Noted."),
            errors=(*OF_SESSION, "wrong_content_type"),
            who=SESSION,
        ),
    ]


def _of_several_pages() -> list[Operation]:
    return [
        Operation(
            method="POST",
            path=BASE + "use_here",
            id="use_here",
            tag="Call control",
            summary="Bring the sound of a call to this page, from another one of the agent",
            text="With an offer of this page. When the far side agrees, ANSWER comes here, and SOUND to the others.",
            parameters=(AGENT, CALL),
            body=DESCRIPTION,
            answers=done("CallTaken", "Taken.", **{"X-WRTC-Call": "The call."}),
            errors=(*OF_CALL, "too_many_orders"),
            who=SESSION,
        ),
        Operation(
            method="POST",
            path=BASE + "mute",
            id="mute",
            tag="Call control",
            summary="Let all pages of the agent know that its microphone is off in a call, or on again",
            parameters=(AGENT, CALL),
            body=posted({"on": switch("Off, that is muted, or on again.")}),
            answers=done("Muted", "They are told; the page that has the sound obeys."),
            errors=OF_CALL,
            who=SESSION,
        ),
    ]


def _questions() -> list[Operation]:
    to = Parameter(name="to", schema=text(), text="The number to call.")
    return [
        Operation(
            method="POST",
            path=BASE + "check",
            id="check",
            tag="Questions",
            summary="Ask whether the agent may call a number now",
            parameters=(
                AGENT,
                Parameter(name="to", schema=text(minLength=1), text="The number.", required=True, example="1003"),
            ),
            answers=done("Target", "It may."),
            errors=(*OF_SESSION, *OF_NUMBER, "wrong_state", "wrong_content_type"),
            who=SESSION,
        ),
        Operation(
            method="POST",
            path=BASE + "do_not_disturb",
            id="do_not_disturb",
            tag="Call control",
            summary="Let callers hear that the agent is busy, or let calls come again",
            parameters=(AGENT,),
            body=posted({"on": switch("On or off.")}),
            answers=done("Quiet", "So it is."),
            errors=(*OF_SESSION, "wrong_content_type"),
            who=SESSION,
        ),
        Operation(
            method="GET",
            path=BASE + "ice",
            id="ice",
            tag="Questions",
            summary="Fetch STUN and TURN servers, with credentials for a while",
            parameters=(AGENT, to),
            answers=shown("IceServers", "The servers."),
            errors=(*OF_SESSION, *OF_NUMBER, "wrong_state"),
            who=SESSION,
        ),
        Operation(
            method="GET",
            path=BASE + "calls",
            id="calls",
            tag="Questions",
            summary="List the agent's calls, and tell the state of its registration",
            parameters=(AGENT,),
            answers=shown("OwnCalls", "The calls."),
            errors=OF_SESSION,
            who=SESSION,
        ),
    ]


def _of_the_gateway() -> list[Operation]:
    health = {200: Answer(text="The process is alive; `status` tells the rest.", bodies={JSON: ref("Health")})}
    ready = {
        200: Answer(text="New agents may come.", bodies={JSON: ref("Ready")}),
        503: Answer(text="They may not, for the `obstacles`.", bodies={JSON: ref("Ready")}),
    }
    series = {200: Answer(text="The series, as text or OpenMetrics.", bodies={TEXT: text()})}
    return [
        Operation(
            method="GET",
            path="/api/health",
            id="health",
            tag="Operation",
            summary="Tell how the gateway is",
            text="Operators and the gateway's own machine see more.",
            answers=health,
            who=ANYBODY,
        ),
        Operation(
            method="GET",
            path="/api/ready",
            id="ready",
            tag="Operation",
            summary="Tell a balancer whether new agents may come",
            answers=ready,
            who=ANYBODY,
        ),
        Operation(
            method="GET",
            path="/metrics",
            id="metrics",
            tag="Operation",
            summary="Show what is counted to Prometheus",
            text="Also without a token, for direct requests from `metrics_allow`.",
            answers=series,
            errors=("operator_token_required",),
            who=OPERATOR,
        ),
    ]


def _of_all_agents() -> list[Operation]:
    of_operators = ("operator_token_required", "role_required")
    return [
        Operation(
            method="GET",
            path="/api/agents",
            id="agents",
            tag="Operation",
            summary="List who is signed in",
            answers=shown("Agents", "The agents."),
            errors=of_operators,
            who=OPERATOR,
        ),
        Operation(
            method="GET",
            path="/api/calls/active",
            id="active_calls",
            tag="Operation",
            summary="List what is up",
            answers=shown("Calls", "The calls."),
            errors=of_operators,
            who=OPERATOR,
        ),
        Operation(
            method="GET",
            path="/api/openapi.json",
            id="openapi",
            tag="Operation",
            summary="Fetch this document",
            answers={200: Answer(text="The document.", bodies={JSON: {"type": "object"}})},
            who=ANYBODY,
        ),
    ]
