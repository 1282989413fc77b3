"""The operations of applications, below ``/api/app/v1/``, the notices of what happens, and their schemas."""

from collections.abc import Mapping

from wrtcgw.web.feed.notices import KINDS
from wrtcgw.web.openapi.operations import (
    APPLICATION,
    JSON,
    OPERATOR,
    STREAM,
    Answer,
    Body,
    Operation,
    Parameter,
    Schema,
    either,
    fields,
    listed,
    number,
    ref,
    switch,
    text,
    whole,
)

BASE = "/api/app/v1/"
DN = Parameter(name="dn", where="path", schema=text(pattern="^[0-9]+$"), text="The agent's DN.", example="5001")
CALL = Parameter(name="call", where="path", schema=text(pattern="^[A-Za-z0-9_-]+$"), text="The call's id.")
KEY = Parameter(
    name="Idempotency-Key",
    where="header",
    schema=text(pattern="^[!-~]{1,255}$"),
    text="Chosen by the client, new for each thing that it wants: a request that is sent again with its key is carried "
    "out once, and answered as it was the first time.",
)
AFTER = (
    Parameter(name="after", schema=text(), text="The id of the last notice that the client has."),
    Parameter(name="Last-Event-ID", where="header", schema=text(), text="The same, as browsers say it."),
)
OF_APPLICATIONS = ("application_token_required",)
OF_ACTIONS = (
    *OF_APPLICATIONS,
    *("control_required", "bad_input", "wrong_content_type", "foreign_origin", "key_in_use", "key_of_another"),
    "too_many_requests",
)
OF_CALL = (*OF_ACTIONS, "unknown_call", "wrong_state", "request_refused")
OF_ORDER = (*OF_CALL, "too_many_orders", "not_found")
OF_NUMBER = ("destination_forbidden", "too_many_calls", "no_sip_connection", "draining", "store_unavailable")
TAG = "Applications"


def operations() -> list[Operation]:
    """Return all of them."""
    return [*_looking(), *_acting(), *_streams()]


def _looking() -> list[Operation]:
    def view(path: str, id: str, summary: str, schema: str, parameter: Parameter | None, *errors: str) -> Operation:
        return Operation(
            method="GET",
            path=BASE + path,
            id=f"app_{id}",
            tag=TAG,
            summary=summary,
            parameters=() if parameter is None else (parameter,),
            answers={200: Answer(text="As it is now.", bodies={JSON: ref(schema)})},
            errors=(*OF_APPLICATIONS, *errors),
            who=APPLICATION,
        )

    return [
        view("agents", "agents", "List the agents", "AppAgents", None),
        view("agents/{dn}", "agent", "See an agent and its calls", "AppAgentFound", DN, "not_signed_in", "not_found"),
        view("calls", "calls", "List the calls", "AppCalls", None),
        view("calls/{call}", "call", "See a call", "AppCallFound", CALL, "unknown_call", "not_found"),
    ]


def _action(
    path: str, id: str, summary: str, schema: str, errors: tuple[str, ...], *, body: Body | None = None, text: str = ""
) -> Operation:
    status = 201 if schema == "AppCallOrdered" else 200
    headers = {"Location": "The call."} if status == 201 else {}
    replayed = {"Idempotency-Replayed": "`true`: this was answered before."}
    return Operation(
        method="POST",
        path=BASE + path,
        id=f"app_{id}",
        tag=TAG,
        summary=summary,
        text=text,
        parameters=(*(each for each in (CALL, DN) if f"{{{each.name}}}" in path), KEY),
        body=body,
        answers={status: Answer(text="Done.", bodies={JSON: ref(schema)}, headers={**headers, **replayed})},
        errors=errors,
        who=APPLICATION,
    )


def _body(schema: Schema) -> Body:
    return Body(kinds={JSON: schema}, text="The query may have the fields as well, and a form.")


def _acting() -> list[Operation]:
    placing = fields(
        {"dn": text("The agent's DN.", minLength=1), "to": text("The number to call.", minLength=1)},
        answer=switch("Ask the page to go along without a click; true unless said otherwise."),
    )
    either_or = {
        **fields(to=text("A number.", minLength=1), toCall=text("Another call of the agent.", minLength=1)),
        "oneOf": [{"required": ["to"]}, {"required": ["toCall"]}],
    }
    digits = fields({"digits": text(pattern="^[0-9A-Da-d*#]{1,64}$")})
    return [
        _action(
            "calls",
            "place",
            "Have an agent's page call a number",
            "AppCallOrdered",
            (*OF_ACTIONS, *OF_NUMBER, "not_signed_in", "wrong_state"),
            body=_body(placing),
            text="The page is asked for an offer; when it has made one the number is called. Until then the call is "
            "`OFFERED` and `ordered`.",
        ),
        _action(
            "agents/{dn}/do_not_disturb",
            "do_not_disturb",
            "Let an agent's callers hear that it is busy, or let calls come again",
            "AppAgentChanged",
            (*OF_ACTIONS, "not_signed_in", "not_found"),
            body=_body(fields({"on": switch()})),
        ),
        _action(
            "calls/{call}/answer",
            "answer",
            "Ask the page to answer a call that rings; take one from hold",
            "AppCallChanged",
            OF_ORDER,
            text="The page answers by itself where it is set to. The event `call.answered` tells that it has.",
        ),
        _action("calls/{call}/hold", "hold", "Put a call on hold", "AppOutcome", OF_ORDER),
        _action("calls/{call}/resume", "resume", "Take a call from hold", "AppOutcome", OF_ORDER),
        _action("calls/{call}/hangup", "hangup", "End a call", "AppOutcome", (*OF_CALL, "not_found")),
        _action(
            "calls/{call}/transfer",
            "transfer",
            "Transfer a call, blind or attended",
            "AppOutcome",
            (*OF_CALL, *OF_NUMBER, "not_found"),
            body=_body(either_or),
            text="Answers when the far side has taken the order; `call.transfer` tells what comes of it.",
        ),
        _action(
            "calls/{call}/dtmf",
            "dtmf",
            "Send digits",
            "AppOutcome",
            OF_ORDER,
            body=_body(digits),
        ),
    ]


def _streams() -> list[Operation]:
    told = "Each event has the notice's `id`, its kind as `event`, and its JSON (schema `Notice`) as `data`."
    stream = {200: Answer(text="The stream.", bodies={STREAM: text()})}
    kinds = Parameter(
        name="kinds",
        schema=text(),
        text="Only these, with commas between: kinds, or the words before their points (`call,agent`).",
    )
    return [
        Operation(
            method="GET",
            path=BASE + "events",
            id="app_events",
            tag=TAG,
            summary="Stream what happens to the agents and their calls",
            text=told,
            parameters=AFTER,
            answers=stream,
            errors=(*OF_APPLICATIONS, "too_many_streams"),
            who=APPLICATION,
        ),
        Operation(
            method="GET",
            path="/api/ops/events",
            id="ops_events",
            tag="Operators",
            summary="Stream what happens",
            text=told,
            parameters=(kinds, *AFTER),
            answers=stream,
            errors=("operator_token_required", "role_required", "bad_input", "too_many_streams"),
            who=OPERATOR,
        ),
    ]


def webhooks() -> dict[str, object]:
    """Return what the gateway posts to the URLs of ``webhooks``."""
    signature = Parameter(
        name="X-WRTC-Signature",
        where="header",
        schema=text(),
        text="`t=<seconds since the epoch>,v1=<hexadecimal HMAC-SHA-256 of "
        "the seconds, a point and the body>`, by the secret of the webhook.",
        required=True,
    )
    delivery = Parameter(
        name="X-WRTC-Delivery",
        where="header",
        schema=text(),
        text="The id of the notice: the same when it is posted again.",
        required=True,
    )
    post = {
        "operationId": "notice",
        "tags": [TAG],
        "summary": "A notice of what has happened",
        "parameters": [signature.view(), delivery.view()],
        "requestBody": Body(kinds={JSON: ref("Notice")}).view(),
        "responses": {"2XX": {"description": "Taken. Anything else lets the gateway try again later."}},
    }
    return {"notice": {"post": post}}


def schemas() -> dict[str, Schema]:
    """Return the schemas that they refer to."""
    last = {"lastEvent": text("Where to go on with the events.")}
    done, call = {"status": text(enum=["ok"])}, {"call": ref("AppCall")}
    outcome = {"sipCode": whole("What the far side answered; 0: nothing."), "reason": text()}
    return {
        "AppAgent": fields(
            {
                "id": text(),
                "dn": text(),
                "displayName": text(),
                "registration": text(),
                "pageAlive": switch(),
                "pageResponds": switch("False: the page is known to sleep."),
                "doNotDisturb": switch(),
                "calls": listed(text(), "The ids of its calls."),
            }
        ),
        "AppCall": fields(_call()),
        "AppAgents": fields({"agents": listed(ref("AppAgent")), **last}),
        "AppAgentFound": fields({"agent": ref("AppAgent"), "calls": listed(ref("AppCall")), **last}),
        "AppCalls": fields({"calls": listed(ref("AppCall")), **last}),
        "AppCallFound": fields({**call, **last}),
        "AppCallOrdered": fields({**done, **call}),
        "AppCallChanged": fields({**done, **call}, **outcome),
        "AppAgentChanged": fields({**done, "agent": ref("AppAgent")}),
        "AppOutcome": fields({**done, **outcome}, **call),
        **_notices(),
    }


def _call() -> Mapping[str, Schema]:
    moment = "Milliseconds since the epoch."
    return {
        "callId": text(),
        "agent": text("The agent's id."),
        "dn": text("The agent's DN."),
        "direction": text(enum=["outbound", "inbound"]),
        "state": text(enum=["DIALLING", "RINGING", "OFFERED", "ESTABLISHED", "ENDING", "ENDED"]),
        "ordered": switch("An application has ordered it, and the page has made no offer yet."),
        "peer": text(),
        "displayName": text(),
        "called": text(),
        "held": switch(),
        "heldByPeer": switch(),
        "uuid": text(),
        "startedAt": whole(moment),
        "answeredAt": either(whole(moment)),
        "endedAt": either(whole(moment)),
        "cause": text(),
        "sipCode": whole(),
        "reason": text(),
    }


MORE: Mapping[str, Mapping[str, Schema]] = {
    "agent.signed_in": {"again": switch()},
    "agent.signed_out": {"cause": text()},
    "agent.page_back": {"away": number("Seconds.")},
    "call.held": {"by": text(enum=["local", "peer", "server"])},
    "call.resumed": {"by": text(enum=["local", "peer", "server"])},
    "call.transfer": {"transfer": fields({"state": text(), "sipCode": whole(), "reason": text()})},
    "call.handed_over": {"before": text("The id of the agent before.")},
    "alarm.raised": {
        "alarm": fields({name: text() for name in ("alarm", "text", "setting", "dn", "callId", "address")})
    },
    "connection.up": {"flow": whole()},
    "connection.down": {"flow": whole()},
}
"""What a notice has beside its agent or call."""


def _notices() -> dict[str, Schema]:
    names = {kind: "".join(part.capitalize() for part in kind.replace(".", "_").split("_")) for kind in KINDS}
    union: dict[str, Schema] = {
        "Notice": {
            "description": "What event streams and webhooks tell.",
            "oneOf": [ref(f"{name}Notice") for name in names.values()],
            "discriminator": {
                "propertyName": "event",
                "mapping": {kind: f"#/components/schemas/{name}Notice" for kind, name in names.items()},
            },
        }
    }
    for kind, name in names.items():
        about: Mapping[str, Schema] = (
            {"agent": ref("AppAgent")}
            if kind.startswith("agent.")
            else {"call": ref("AppCall")}
            if kind.startswith("call.")
            else {}
        )
        always: dict[str, Schema] = {
            "id": text(),
            "event": text(const=kind),
            "time": whole("Milliseconds since the epoch."),
            **about,
            **MORE.get(kind, {}),
        }
        union[f"{name}Notice"] = {**fields(always), "description": KINDS[kind], "additionalProperties": False}
    return union
