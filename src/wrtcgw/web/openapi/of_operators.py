"""The operators' operations, below ``/api/ops/``."""

from collections.abc import Mapping

from wrtcgw.web.openapi.of_pages import posted
from wrtcgw.web.openapi.operations import (
    JSON,
    OPERATOR,
    TEXT,
    Answer,
    Body,
    Operation,
    Parameter,
    Schema,
    ref,
    switch,
    text,
    whole,
)
from wrtcgw.web.ops.actions import LEVELS
from wrtcgw.web.ops.filters import GRADES, MOST_CAUSES, ORDERS, RECENTLY
from wrtcgw.web.ops.routes import MOST, STATES, STEPS

BASE = "/api/ops/"
OF_OPERATORS = ("operator_token_required", "role_required", "bad_input")
ON = {"on": switch("On or off.")}
LIMIT = Parameter(
    name="limit", schema=whole(minimum=0, maximum=999_999_999), text=f"So many at most; {MOST} by default."
)


def _view(name: str, summary: str, schema: str, *parameters: Parameter, errors: tuple[str, ...] = ()) -> Operation:
    return Operation(
        method="GET",
        path=BASE + name,
        id=f"ops_{name}",
        tag="Operators",
        summary=summary,
        parameters=parameters,
        answers={200: Answer(text="As it is now.", bodies={JSON: ref(schema)})},
        errors=(*OF_OPERATORS, *errors),
        who=OPERATOR,
    )


def _action(name: str, summary: str, schema: str, body: Body, *errors: str) -> Operation:
    return Operation(
        method="POST",
        path=BASE + name,
        id=f"ops_{name}",
        tag="Operators",
        summary=summary,
        body=body,
        answers={200: Answer(text="Done.", bodies={JSON: ref(schema)})},
        errors=(*OF_OPERATORS, "wrong_content_type", "foreign_origin", *errors),
        who=OPERATOR,
    )


def _fields(**required: Schema) -> Body:
    return posted(required)


PCAP = "application/vnd.tcpdump.pcap"
BINARY: Schema = {"type": "string", "contentEncoding": "binary"}


def operations() -> list[Operation]:
    """Return all of them."""
    return [*_views(), *_ladders(), *_actions()]


def _views() -> list[Operation]:
    state = Parameter(name="state", schema=text(enum=list(STATES), default="active"), text="Which calls.")
    query = Parameter(
        name="q",
        schema=text(minLength=1, pattern=r"\S"),
        text="A DN, an agent's id, a call's id, Call-ID or X-Genesys-CallUUID, or its beginning.",
        required=True,
        example="5001",
    )
    time = whole(minimum=0, maximum=10**15 - 1)
    since = Parameter(name="since", schema=time, text="Milliseconds since the epoch.")
    until = Parameter(name="until", schema=time, text="Milliseconds since the epoch.")
    step = Parameter(name="step", schema={"type": "integer", "enum": list(STEPS)}, text="Seconds between samples.")
    return [
        _view("summary", "See how the gateway is, at a glance", "Summary"),
        _view("sessions", "List the sessions of agents' pages", "Sessions"),
        _view("webhooks", "See how webhooks get on, and what was given up", "Webhooks"),
        _view("series", "Fetch what the console's charts show", "Series", since, step),
        _view("calls", "List calls, running and over", "KnownCalls", state, *_filters(), since, until, LIMIT),
        _view(
            "failures",
            f"See what failed, by cause: in the last {RECENTLY // 60} minutes, or from one time to another; "
            f"{MOST_CAUSES} causes at most",
            "Failures",
            since,
            until,
        ),
        _view("search", "Search calls and agents", "Found", query, LIMIT),
    ]


def _filters() -> tuple[Parameter, ...]:
    causes = "Why they ended, as in cause; rejected and abandoned for those that the agent ended before the answer."
    code = text(pattern="^[1-6]([0-9]{2}|xx)$")
    return (
        Parameter(name="failed", schema=switch(), text="Only those that failed."),
        Parameter(name="cause", schema=text(pattern="^[a-z][a-z_-]{0,39}$"), text=causes),
        Parameter(name="code", schema=code, text="A SIP code, or a class of them as 4xx."),
        Parameter(name="agent", schema=text(), text="An agent's id or DN."),
        Parameter(name="quality", schema=text(enum=list(GRADES)), text="As bad as that, or worse, at the worst."),
        Parameter(name="order", schema=text(enum=list(ORDERS)), text="What comes first; else running calls do."),
    )


def _ladders() -> list[Operation]:
    which = (
        Parameter(name="call", schema=text(), text="A call's id or Call-ID."),
        Parameter(name="agent", schema=text(), text="Or an agent's id or DN."),
        Parameter(name="both", schema=switch(), text="With the other leg of a call between two agents."),
    )
    as_text = Operation(
        method="GET",
        path=BASE + "ladder.txt",
        id="ops_ladder_text",
        tag="Operators",
        summary="See every message of a call, or of an agent, as a ladder in text",
        parameters=which,
        answers={
            200: Answer(
                text="The ladder.", bodies={TEXT: text()}, headers={"Content-Disposition": "A name for the file."}
            )
        },
        errors=(*OF_OPERATORS, "not_recorded"),
        who=OPERATOR,
    )
    as_pcap = Operation(
        method="GET",
        path=BASE + "ladder.pcap",
        id="ops_ladder_pcap",
        tag="Operators",
        summary="Get the SIP messages of a call, or of an agent, as a file for Wireshark",
        parameters=which,
        answers={
            200: Answer(
                text="The file.", bodies={PCAP: BINARY}, headers={"Content-Disposition": "A name for the file."}
            )
        },
        errors=(*OF_OPERATORS, "not_recorded"),
        who=OPERATOR,
    )
    return [
        _view("ladder", "See every message of a call, or of an agent", "Ladder", *which, errors=("not_recorded",)),
        as_text,
        as_pcap,
    ]


def _actions() -> list[Operation]:
    on: Mapping[str, Schema] = ON
    return [
        _action("drain", "Take no new sign-ins and calls, or take them again", "Draining", _fields(**on)),
        _action(
            "hangup",
            "End a call",
            "Outcome",
            _fields(call=text("A call's id or Call-ID.", minLength=1)),
            *("unknown_call", "wrong_state"),
        ),
        _action("sign_out", "Sign an agent out", "SignedOutByOperator", _fields(id=text(minLength=1)), "not_signed_in"),
        _action(
            "log_level",
            "Change the log level until the next reload or start",
            "LogLevel",
            _fields(level=text(enum=list(LEVELS))),
        ),
        _action("capture", "Begin or stop to record messages", "CaptureSet", _fields(**on)),
        _action(
            "end_session",
            "End a session, which signs its agent out",
            "SessionEnded",
            _fields(session=text("The key of a session.", minLength=1)),
            "unknown_session",
        ),
    ]
