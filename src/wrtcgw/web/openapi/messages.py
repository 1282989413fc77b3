"""What a page is told, message by message: ROAP's form, of the stream and of polls that accept JSON."""

from collections.abc import Mapping

from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import MessageType, TransferState
from wrtcgw.calls.page import Sound
from wrtcgw.web.openapi.operations import Schema, either, fields, listed, number, ref, switch, text, whole

CALL_STATE = text("The state of the call after it.", enum=[state.value for state in CallState])
_ARRIVAL: Mapping[str, Schema] = {
    "displayName": text("The name that the far side shows."),
    "verstat": text("What the network says of having verified the caller's number."),
    "called": text("The number that the caller has dialled."),
    "diversion": listed(ref("Diversion"), "Whom the call was for before, the first one first."),
    "headers": {
        "type": "object",
        "additionalProperties": text(),
        "description": "The header fields of `page_headers`.",
    },
}
_DATA: Mapping[str, Schema] = {"data": listed(fields({"key": text(), "value": text()}), "What came with the call.")}
_WORDS: Mapping[str, Schema] = {
    "sipCode": whole("The SIP code of the far side."),
    "reason": text("Its reason phrase."),
    "warning": text("The text of its Warning."),
    "sipReason": text("The text of its Reason."),
    "cause": text("Why, in one word."),
    "hint": text("What that means, for people."),
}
_CALL: Mapping[str, Schema] = {"uuid": text("X-Genesys-CallUUID."), "state": CALL_STATE}

FIELDS: Mapping[MessageType, Mapping[str, Schema]] = {
    MessageType.OFFER: {
        **_CALL,
        **_ARRIVAL,
        **_DATA,
        "sdp": either(text("The description to be answered; null asks the page for an offer of its own.")),
        "autoAnswer": number("Seconds after which the call is to be answered without a click."),
        "cause": text("Why the page is asked for an offer: `resync`, `renew`, `ordered`."),
        "replaces": text("The call whose place it takes."),
        "referredBy": text("Who transferred it here."),
    },
    MessageType.ANSWER: {
        **_CALL,
        **_DATA,
        "sdp": text("The answer to the page's offer."),
        "moreComing": switch("It is for early media, and another ANSWER will follow."),
        "repeated": switch("The description is the one that an early ANSWER had."),
        **{name: _ARRIVAL[name] for name in ("displayName", "verstat", "called", "diversion", "headers")},
        "cause": text(),
    },
    MessageType.OK: {**_CALL},
    MessageType.ERROR: {**_CALL, **_WORDS},
    MessageType.SHUTDOWN: {**_CALL, **_WORDS, "displayName": _ARRIVAL["displayName"]},
    MessageType.RINGING: {**_CALL, **_WORDS},
    MessageType.HOLD: {**_CALL, "cause": text("Who: `local`, `peer`, `server`; `ordered`: the page is to hold.")},
    MessageType.RESUME: {**_CALL, "cause": text("Who: `local`, `peer`, `server`.")},
    MessageType.TRANSFER: {
        **_WORDS,
        "uuid": _CALL["uuid"],
        "referredBy": text("Who wishes it."),
        "state": text("How far it is.", enum=[state.value for state in TransferState]),
    },
    MessageType.DTMF: {**_CALL, "digits": text(), "contentType": text(), "body": text()},
    MessageType.INFO: {
        **_CALL,
        "contentType": text(),
        "body": text(),
        "displayName": _ARRIVAL["displayName"],
        "verstat": _ARRIVAL["verstat"],
    },
    MessageType.IDENTITY: {**_CALL, "displayName": _ARRIVAL["displayName"], "verstat": _ARRIVAL["verstat"]},
    MessageType.SOUND: {
        **_CALL,
        "cause": text("Where it is, for this page.", enum=[where.value for where in Sound]),
    },
    MessageType.MUTE: {**_CALL, "cause": text("The microphone is off, or on again.", enum=["ON", "OFF"])},
    MessageType.TALK: {**_CALL},
    MessageType.REGISTRATION: {
        **_WORDS,
        "state": text("Of the DN's registration.", enum=[state.value for state in RegistrationState]),
    },
    MessageType.DO_NOT_DISTURB: {"state": text(enum=["ON", "OFF"])},
    MessageType.SIGNED_OUT: {**_WORDS, "state": text()},
}
"""What each message may have beside what every one has."""
TEXTS: Mapping[MessageType, str] = {
    MessageType.OFFER: "An incoming call, or a change inside one; without `sdp` the page is asked for an offer.",
    MessageType.ANSWER: "The answer to the page's offer.",
    MessageType.OK: "The far side took the page's answer.",
    MessageType.ERROR: "An offer or order failed; with the state `ENDED` the call is over.",
    MessageType.SHUTDOWN: "The call has ended, and why.",
    MessageType.RINGING: "The far side rings.",
    MessageType.HOLD: "Somebody put the call on hold.",
    MessageType.RESUME: "Somebody took the call from hold.",
    MessageType.TRANSFER: "A transfer moved on, or the far side wishes one.",
    MessageType.DTMF: "Digits that the far side sent by signalling.",
    MessageType.INFO: "Data that the far side sent by signalling.",
    MessageType.IDENTITY: "The far side is another one now.",
    MessageType.SOUND: "Another page of the agent has the sound of the call, or none any more; it may be a new call.",
    MessageType.MUTE: "One of the agent's pages has switched the microphone off, or on again.",
    MessageType.TALK: "The server asks the page to answer, or to go on with the call.",
    MessageType.REGISTRATION: "The state of the DN's registration changed.",
    MessageType.DO_NOT_DISTURB: "The agent gets no calls any more, or gets them again.",
    MessageType.SIGNED_OUT: "The session is over; nothing comes after it.",
}
REQUIRED: Mapping[MessageType, tuple[str, ...]] = {
    MessageType.OFFER: ("sdp",),
    MessageType.ANSWER: ("sdp",),
    MessageType.TRANSFER: ("state",),
    MessageType.SOUND: ("cause",),
    MessageType.MUTE: ("cause",),
    MessageType.REGISTRATION: ("state",),
    MessageType.DO_NOT_DISTURB: ("state",),
}
"""What a message has in any case, beside what every one has."""


def message_schemas() -> dict[str, Schema]:
    """Return a schema for each message, for any of them, and for what a page may post."""
    names = {kind: "".join(word.capitalize() for word in kind.value.split("_")) + "Message" for kind in MessageType}
    return {
        "Message": {
            "description": "One message for a page. What a message does not need is not there.",
            "oneOf": [ref(name) for name in names.values()],
            "discriminator": {
                "propertyName": "messageType",
                "mapping": {kind.value: f"#/components/schemas/{name}" for kind, name in names.items()},
            },
        },
        **{name: _message(kind) for kind, name in names.items()},
        "PagesMessage": _of_page(),
    }


def _message(kind: MessageType) -> Schema:
    always: dict[str, Schema] = {
        "messageType": text(const=kind.value),
        "seq": whole("1, 2, 3 … for each agent."),
        "callId": text("The call; empty for what is about none."),
        "from": text("The far side."),
        "to": text("The agent's id; with TRANSFER in the state REQUESTED the number to call."),
    }
    own = FIELDS[kind]
    always.update((name, own[name]) for name in REQUIRED.get(kind, ()))
    rest = {name: schema for name, schema in own.items() if name not in always}
    return {**fields(always, **rest), "description": TEXTS[kind], "additionalProperties": False}


def _of_page() -> Schema:
    kinds = ("OFFER", "ANSWER", "OK", "SHUTDOWN")
    return {
        **fields(
            {"messageType": text(enum=list(kinds))},
            **{
                "from": either(text("The agent's id; the query may have it as well.", minLength=1)),
                "to": either(text("The number to call, with an OFFER for a new call.")),
                "callId": either(text("The call; may be left out while there is only one.")),
                "sdp": text("The description of an OFFER or ANSWER."),
                "data": either(listed(fields({"key": text(minLength=1)}, value={}), "Goes along with the call.")),
                "hidden": switch("A new call is shown to nobody: the agent's other pages do not hear of it."),
            },
        ),
        "description": "A message of a page in ROAP's form.",
    }
