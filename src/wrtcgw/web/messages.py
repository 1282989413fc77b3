"""
Messages out, in two forms.

**Plain** is for pages that know nothing but session descriptions: they get those as bodies, and the end of a call
that they did not end themselves as one 410. **ROAP** tells everything, as JSON.
"""

import json
import string
from collections.abc import Callable, Iterable
from typing import Protocol
from urllib.parse import quote

from twisted.web.server import Request

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import NotSignedIn
from wrtcgw.texts import clean, utf8
from wrtcgw.web.errors import write_body, write_error, write_json

LOCAL = "local"
"""The cause of an end that the page itself has brought about."""

_PLAIN = string.ascii_letters + string.digits + string.punctuation.replace("%", "") + " "


class Form(Protocol):
    """One way to tell messages."""

    def accepts(self, message: AgentMessage) -> bool:
        """Return whether this form can tell the message at all."""

    def write(self, request: Request, agent: Agent, message: AgentMessage) -> bytes:
        """Set the response up to tell the message, and return its body."""


class PlainForm:
    """
    Session descriptions as they are.

    :param wants: tells whether a description is still of use: a page in this form hears of no withdrawn offer and of no
        call that ended before it was told of it.
    """

    def __init__(self, wants: Callable[[AgentMessage], bool]) -> None:
        self._wants = wants

    def accepts(self, message: AgentMessage) -> bool:
        """
        Take descriptions, the ends of calls and of the agent's session.

        An ANSWER that repeats an early one is left out: a browser takes one answer to an offer.
        """
        match message.type:
            case MessageType.SIGNED_OUT:
                return True
            case MessageType.OFFER:
                return self._wants(message)
            case MessageType.ANSWER:
                return message.is_description and not message.repeated and self._wants(message)
            case _:
                return message.ends_call and message.cause != LOCAL

    def write(self, request: Request, agent: Agent, message: AgentMessage) -> bytes:
        """Write the description as body; a caller's wish for an offer has an empty one."""
        headers = request.responseHeaders
        if message.type is MessageType.SIGNED_OUT:
            return write_error(request, NotSignedIn(agent.id))
        headers.setRawHeaders(b"x-wrtc-call", [message.call_id])
        headers.setRawHeaders(b"x-wrtc-seq", [str(message.seq)])
        if message.ends_call:
            return write_json(request, 410, call_ended(message))
        headers.setRawHeaders(b"x-wrtc-message", [message.type.value])
        for name, value in _introduction(message):
            if value:
                headers.setRawHeaders(name, [header_text(value)])
        body = utf8(message.sdp or "")
        return write_body(request, b"text/plain; charset=utf-8", body)


class RoapForm:
    """Every message, as JSON."""

    def accepts(self, message: AgentMessage) -> bool:
        """Take all."""
        return True

    def write(self, request: Request, agent: Agent, message: AgentMessage) -> bytes:
        """Write the message as body."""
        return write_json(request, 200, to_roap(message))


ROAP = RoapForm()


def _introduction(message: AgentMessage) -> tuple[tuple[bytes, str], ...]:
    """Return the header fields of the plain form that tell of the far side; those without a value are left out."""
    diversion = ", ".join(f"{number};reason={reason}" for number, reason in message.diversion)
    return (
        (b"x-wrtc-from", message.from_),
        (b"x-wrtc-name", message.display_name),
        (b"x-wrtc-verstat", message.verstat),
        (b"x-wrtc-called", message.called),
        (b"x-wrtc-diversion", diversion),
    )


def header_text(text: str) -> str:
    """Return what a peer wrote as the value of a header field: percent-encoded where it is more than plain ASCII."""
    return quote(clean(text), safe=_PLAIN)


def call_ended(message: AgentMessage) -> dict[str, object]:
    """Return what the plain form tells of the end of a call."""
    words = f"{message.code} {message.reason}".strip() if message.code else message.reason or message.cause
    hint = f" ({message.hint})" if message.hint else ""
    return {
        "error": f"the call has ended: {words}{hint}",
        "code": "call_ended",
        "callId": message.call_id,
        "sipCode": message.code,
        "reason": message.reason,
        "cause": message.cause,
        **{name: value for name, value in _words(message) if value},
        "seq": message.seq,
    }


def to_roap(message: AgentMessage) -> dict[str, object]:
    """Return the JSON object of a message: what every one has, and of the rest what says something."""
    roap: dict[str, object] = {
        "messageType": message.type.value,
        "seq": message.seq,
        "callId": message.call_id,
        "from": message.from_,
        "to": message.to,
    }
    if message.sdp is not None or message.type is MessageType.OFFER:
        roap["sdp"] = message.sdp
    if message.auto_answer is not None:
        roap["autoAnswer"] = message.auto_answer
    roap.update((name, value) for name, value in _optional(message) if value)
    return roap


def _optional(message: AgentMessage) -> tuple[tuple[str, object], ...]:
    return (
        ("moreComing", message.more_coming),
        ("repeated", message.repeated),
        ("displayName", message.display_name),
        ("verstat", message.verstat),
        ("called", message.called),
        ("diversion", diversion_view(message.diversion)),
        ("headers", dict(message.headers)),
        ("sipCode", message.code),
        ("reason", message.reason),
        *_words(message),
        ("cause", message.cause),
        ("hint", message.hint),
        ("replaces", message.replaces),
        ("uuid", message.uuid),
        ("referredBy", message.referred_by),
        ("digits", message.digits),
        ("contentType", message.content_type),
        ("body", message.body),
        ("data", [{"key": name, "value": value} for name, value in message.data]),
        ("state", message.state),
    )


def _words(message: AgentMessage) -> tuple[tuple[str, str], ...]:
    """Return what the far side said of a refusal or an end beside code and reason."""
    return ("warning", message.warning), ("sipReason", message.sip_reason)


def diversion_view(diversion: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return in JSON whom a call was for before."""
    return [{"number": number, "reason": reason} for number, reason in diversion]


def to_line(message: AgentMessage) -> bytes:
    """Return the JSON of a message in one line."""
    return utf8(json.dumps(to_roap(message), ensure_ascii=False))
