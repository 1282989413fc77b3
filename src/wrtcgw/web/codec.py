"""What a page asks for, as typed values: read from the fields of its request (:mod:`wrtcgw.web.fields`)."""

from typing import Self

from attrs import field, frozen

from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import BadInput
from wrtcgw.gateway import HA1
from wrtcgw.web.attachments import Pairs, read_data
from wrtcgw.web.fields import Fields, decode
from wrtcgw.web.incoming import IncomingRequest


@frozen(kw_only=True)
class SignIn:
    """Who wants to sign in."""

    id: str
    dn: str
    password: str = field(repr=False)
    display_name: str = ""
    auth_user: str = ""
    always_listens: bool = False
    acknowledges_calls: bool = False
    shares_calls: bool = False
    take_over: bool | None = None
    """Whether to take over what another page has; None leaves that to the site."""
    ha1: HA1 | None = None
    """In place of the password; no page sends one."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """
        Read the fields of sign_in.

        :raises BadInput: naming the first that is missing.
        """
        return cls(
            id=fields.text("id", "the agent's id"),
            dn=fields.text("dn", "the DN to register"),
            password=fields.text("password", "the DN's password"),
            display_name=fields.optional("display_name") or "",
            auth_user=fields.optional("auth_user") or "",
            always_listens=fields.switch("always_listens") or False,
            acknowledges_calls=fields.switch("acknowledges_calls") or False,
            shares_calls=fields.switch("shares_calls") or False,
            take_over=fields.switch("take_over"),
        )


_OWN_FORM = '{"messageType": "OFFER" or "ANSWER", "from", "to" or "callId", "sdp"}'
_OF_BROWSERS = ("offer", "answer", "pranswer", "rollback")
POSTABLE = (MessageType.OFFER, MessageType.ANSWER, MessageType.OK, MessageType.SHUTDOWN)


def require_roap(fields: Fields) -> None:
    """
    Refuse a browser's own form of a description, of which the first fault that is met would say nothing.

    :raises BadInput: naming ``messageType``.
    """
    if fields.value("messageType") is None and fields.value("type") in _OF_BROWSERS:
        raise BadInput("messageType", _OWN_FORM, f"none, but the type {fields.value('type')!r} of a browser")


@frozen(kw_only=True)
class RoapMessage:
    """A message of the page in ROAP's form."""

    type: MessageType
    call_id: str | None
    to: str | None
    sdp: str = field(repr=False)
    data: Pairs = field(default=(), repr=False)
    hidden: bool = False
    """A new call is not to be shown: the agent's other pages do not hear of it."""

    @classmethod
    def read(cls, fields: Fields, limit: int) -> Self:
        """
        Read a ROAP message.

        :raises BadInput: for a type that pages do not send, or an OFFER or ANSWER without ``sdp``.
        """
        name = fields.text("messageType", "a ROAP messageType")
        kind = next((kind for kind in POSTABLE if kind.value == name), None)
        if kind is None:
            raise BadInput("messageType", " or ".join(kind.value for kind in POSTABLE), name)
        sdp = fields.optional("sdp", limit=limit)
        if sdp is None and kind in (MessageType.OFFER, MessageType.ANSWER):
            raise BadInput("sdp", "a session description", "nothing")
        to, data = fields.destination("to"), read_data(fields.value("data"))
        hidden = fields.switch("hidden") or False
        return cls(type=kind, call_id=fields.call_id, to=to, sdp=sdp or "", data=data, hidden=hidden)


@frozen(kw_only=True)
class Digits:
    """What to send as DTMF; the times are milliseconds."""

    digits: str
    duration_ms: int
    gap_ms: int
    content_type: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """
        Read the fields of dtmf.

        :raises BadInput: when ``digits`` is missing or a time is no number.
        """
        return cls(
            digits=fields.text("digits", "digits 0-9 A-D * #"),
            duration_ms=fields.number("duration", 160, "milliseconds"),
            gap_ms=fields.number("gap", 70, "milliseconds"),
            content_type=fields.optional("content_type") or "application/dtmf-relay",
        )


@frozen
class Data:
    """What to send as INFO."""

    content_type: str
    body: str = field(repr=False)

    @classmethod
    def read(cls, given: IncomingRequest, limit: int) -> Self:
        """
        Read the data: fields of a form or JSON, or the request's own body with its own media type.

        :raises BadInput: when the content type or the body is missing.
        """
        if given.is_json or given.is_form or not given.body:
            fields = given.fields()
            content_type = fields.text("content_type", "the media type of the body")
            return cls(content_type, fields.text("body", "what to send", limit=limit))
        if not given.media_type:
            raise BadInput("Content-Type", "the media type of the body", "nothing")
        return cls(given.media_type, decode(given.body))
