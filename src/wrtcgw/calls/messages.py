"""
What an agent is told: one value per event, in the words of ROAP (draft-jennings-rtcweb-signaling-01) and a few more.

The dialects under ``web/`` print these; nothing here knows how.
"""

import json
from collections.abc import Mapping
from enum import Enum
from functools import cached_property
from typing import Any

from attrs import field, fields, frozen


class MessageType(Enum):
    """What kind of event a message tells."""

    OFFER = "OFFER"
    """
    A session description to be answered: an incoming call, or a change inside a call.

    Without ``sdp`` it asks the page for an offer of its own: the caller sent none, or a new page has taken over a call.
    """
    ANSWER = "ANSWER"
    """The answer to the page's offer; with ``more_coming`` it is for early media and another ANSWER will follow."""
    OK = "OK"
    """The far side has taken the page's answer."""
    ERROR = "ERROR"
    """An offer or an order of the page failed. ``state`` tells whether the call goes on: see ``ends_call``."""
    SHUTDOWN = "SHUTDOWN"
    """The call has ended."""
    RINGING = "RINGING"
    """The far side is being called; also sent for each further provisional response."""
    HOLD = "HOLD"
    """The call was put on hold: by the far side, by the page or by the server, as ``cause`` tells."""
    RESUME = "RESUME"
    """The call was taken from hold; ``cause`` as with HOLD."""
    TRANSFER = "TRANSFER"
    """A transfer moved on, or the far side asks for one; ``state`` is a :class:`TransferState`'s value."""
    DTMF = "DTMF"
    """The far side sent digits by signalling."""
    INFO = "INFO"
    """The far side sent data by signalling."""
    IDENTITY = "IDENTITY"
    """The far side is another one now, or its name has become known: ``from_`` and ``display_name`` tell."""
    SOUND = "SOUND"
    """Where the sound of the call is, of an agent's several pages: ``cause`` is a :class:`~wrtcgw.calls.page.Sound`."""
    MUTE = "MUTE"
    """The agent has switched the microphone of the call off (``cause`` ON), or on again (OFF), on one of its pages."""
    TALK = "TALK"
    """The server asks to answer, or to go on with, this call."""
    REGISTRATION = "REGISTRATION"
    """The registration of the DN changed its ``state``, a :class:`~wrtcgw.calls.agent.RegistrationState`'s value."""
    DO_NOT_DISTURB = "DO_NOT_DISTURB"
    """The agent gets no calls any more (``state`` ON), or gets them again (OFF)."""
    SIGNED_OUT = "SIGNED_OUT"
    """The agent is not signed in any more; nothing comes after it."""


class TransferState(Enum):
    """How far a transfer is, in the ``state`` of a TRANSFER message."""

    PROCEEDING = "PROCEEDING"
    """The far side is trying; ``code`` and ``reason`` tell what it heard."""
    DONE = "DONE"
    """The transfer succeeded; the gateway ends the call."""
    FAILED = "FAILED"
    """The transfer failed; the call goes on."""
    UNKNOWN = "UNKNOWN"
    """The far side has stopped telling before it said what became of the transfer; the call goes on."""
    REQUESTED = "REQUESTED"
    """The far side asks the agent to call ``to`` in its place."""


@frozen(kw_only=True)
class AgentMessage:
    """
    One event for one agent; which fields mean something depends on ``type``.

    ``code`` and ``reason`` are the far side's own words (0 and empty: none), ``cause`` is a short fixed word for
    programs, ``hint`` a sentence for people. ``state`` is the call's state after the event unless ``type`` says
    otherwise.
    """

    type: MessageType
    call_id: str = ""
    from_: str = ""
    to: str = ""
    display_name: str = ""
    """The name that the caller of an OFFER shows, or the far side of an IDENTITY."""
    verstat: str = ""
    """What the network says of having verified the caller's number."""
    called: str = ""
    """The number that the caller of an OFFER has dialled."""
    diversion: tuple[tuple[str, str], ...] = ()
    """Whom the call was for before, the first one first, and why each diverted it."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Header fields of the INVITE, as far as the site wants pages to know them."""
    seq: int = 0
    """Given by the mailbox: 1, 2, 3, …"""
    sdp: str | None = field(default=None, repr=False)
    more_coming: bool = False
    repeated: bool = False
    """The ANSWER's description is the one that an early ANSWER of this call already had."""
    code: int = 0
    reason: str = ""
    cause: str = ""
    hint: str = ""
    warning: str = ""
    """The text of Warning in what ended the call or refused the offer."""
    sip_reason: str = ""
    """The text of Reason there."""
    replaces: str = ""
    """The call that an answered OFFER will take the place of."""
    auto_answer: float | None = None
    """Seconds after which the caller wants an OFFER to be answered without a click; None: not asked for."""
    uuid: str = ""
    referred_by: str = ""
    digits: str = ""
    content_type: str = ""
    body: str = field(default="", repr=False)
    data: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What the far side has attached to the call, as names and values; with OFFER and ANSWER."""
    state: str = ""

    @property
    def is_description(self) -> bool:
        """Return whether this is an OFFER or ANSWER that has a session description."""
        return self.sdp is not None

    @property
    def begins_call(self) -> bool:
        """Return whether this is the first that a page hears of a call from outside."""
        return self.type is MessageType.OFFER and self.state == "OFFERED"

    @property
    def ends_call(self) -> bool:
        """Return whether the call is over with this message; a call gets one such message at most."""
        return self.type is MessageType.SHUTDOWN or (self.type is MessageType.ERROR and self.state == "ENDED")

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes an equal message; what has its default is left out."""
        data: dict[str, object] = {"type": self.type.value}
        for name, default in _DEFAULTS:
            value = getattr(self, name)
            if value != default:
                data[name] = [list(pair) for pair in value] if isinstance(value, tuple) else value
        return data

    @cached_property
    def stored(self) -> str:
        """Return the snapshot as JSON, made once: a message is written anew with each change of its agent."""
        return json.dumps(self.snapshot(), separators=(",", ":"))

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> "AgentMessage":
        """Return the message that :meth:`snapshot` was taken of."""
        given: dict[str, Any] = {
            name: tuple(tuple(pair) for pair in value) if isinstance(value, list) else value
            for name, value in data.items()
        }
        given["type"] = MessageType(data["type"])
        return cls(**given)


_DEFAULTS = [(attribute.name, attribute.default) for attribute in fields(AgentMessage) if attribute.name != "type"]
"""What a message has beside its type, and what each is where nothing is told of it."""


def request_for_offer(cause: str) -> AgentMessage:
    """Return an OFFER without a description: the page is to make one."""
    return AgentMessage(type=MessageType.OFFER, cause=cause)
