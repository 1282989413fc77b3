"""
Requests in: query, form and JSON to typed values; the size limit and the media type come first.

Nothing here knows SIP: whether a text is a session description or a number can be dialled is the gateway's to say.
"""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Self
from urllib.parse import unquote_to_bytes

from attrs import field, frozen
from twisted.web.server import Request

from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import BadInput
from wrtcgw.gateway import HA1
from wrtcgw.web.attachments import LONE_SURROGATE, Pairs, read_data
from wrtcgw.web.errors import BodyTooLarge, EncodedBody, WrongContentType

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
DESCRIPTION_TYPES = ("text/plain", "application/sdp")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]*)?|-?\.[0-9]+")
_SWITCH = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
# Pages put ``+49...`` into the query as it is, where a plus stands for a blank. No international number goes on with 0.
# What may stand before it is for people, and may be escaped, so the plus is kept as a mark until all else is decoded.
_MARK = "\ufdd0"
_BARE_PLUS = re.compile(f"^((?:tel:|sips?:)?[^\\w*#]*?){_MARK}(?=[({_MARK}\\s]*[1-9])", re.IGNORECASE)
TEXT_LIMIT = 1024
"""Characters in one short field; descriptions and bodies are bounded by the body's limit."""


class BoundedBody(BytesIO):
    """A request body that takes no more than its limit; the rest is dropped and leaves a mark."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self.overflowed = False

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Take the data, unless it is too much."""
        if self.overflowed or self.tell() + len(data) > self._limit:
            self.overflowed = True
            return len(data)
        return super().write(data)


def parse_fields(given: bytes) -> dict[str, str]:
    """
    Parse a query or an urlencoded form; of a repeated name the last counts.

    Fields are parted by ``&`` only: ``;`` belongs to SIP URIs, and to passwords.

    :raises BadInput: when it is not UTF-8.
    """
    encoded = b"%" in given or b"+" in given
    fields = {}
    try:
        for part in given.split(b"&"):
            name, _, value = part.partition(b"=")
            is_address = name == b"to"
            if encoded:
                name, value = _unquote(name), _unquote(value, _MARK.encode() if is_address else b" ")
            text = value.decode("utf-8")
            fields[name.decode("utf-8")] = _BARE_PLUS.sub(r"\1+", text).replace(_MARK, " ") if is_address else text
    except UnicodeDecodeError:
        raise BadInput("query", "percent-encoded UTF-8") from None
    fields.pop("", None)
    return fields


def _unquote(text: bytes, plus: bytes = b" ") -> bytes:
    return unquote_to_bytes(text.replace(b"+", plus))


class Fields:
    """The named fields of one request."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def optional(self, name: str, *, limit: int = TEXT_LIMIT) -> str | None:
        """
        Return a field, None when it is absent or empty.

        :raises BadInput: when it is no text, or too long.
        """
        value = self._values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise BadInput(name, "a text", type(value).__name__)
        if LONE_SURROGATE.search(value) is not None:
            raise BadInput(name, "a text that UTF-8 can carry")
        if len(value) > limit:
            raise BadInput(name, f"at most {limit} characters")
        return value

    def value(self, name: str) -> object:
        """Return a field of JSON as it is, None when it is absent."""
        return self._values.get(name)

    def text(self, name: str, expected: str, *, limit: int = TEXT_LIMIT) -> str:
        """
        Return a field that must be there.

        :raises BadInput: when it is absent or empty.
        """
        value = self.optional(name, limit=limit)
        if value is None:
            raise BadInput(name, expected, "nothing")
        return value

    def destination(self, name: str) -> str | None:
        """Return a number or address as the page wrote it, None when it is absent; what it means is not known here."""
        return self.optional(name)

    def number(self, name: str, default: int, expected: str) -> int:
        """
        Return a whole number, ``default`` when the field is absent.

        :raises BadInput: when it is none.
        """
        value = self.optional(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise BadInput(name, expected, value)
        return int(value)

    def switch(self, name: str) -> bool | None:
        """
        Return a field that is true or false, None when it is absent.

        :raises BadInput: when it is something else.
        """
        value = self._values.get(name)
        if isinstance(value, bool):
            return value
        text = self.optional(name)
        if text is not None and text.lower() not in _SWITCH:
            raise BadInput(name, "true or false", text[:40])
        return None if text is None else _SWITCH[text.lower()]

    def seconds(self, name: str, limit: float) -> float:
        """
        Return a time of 0 to ``limit`` seconds; a longer one is cut, an absent one is 0.

        :raises BadInput: when it is no number.
        """
        value = self.optional(name)
        if value is None:
            return 0.0
        if _DECIMAL.fullmatch(value) is None:
            raise BadInput(name, f"a number of seconds, at most {limit:g}", value)
        return min(max(float(value), 0.0), limit)

    @property
    def call_id(self) -> str | None:
        """Return the call that the request names, if it names one."""
        return self.optional("call") or self.optional("callId")


@frozen
class Input:
    """What a request brought: its query, and its body with the media type (empty: none was told)."""

    query: dict[str, str] = field(repr=False)
    media_type: str
    body: bytes = field(repr=False)

    @classmethod
    def read(cls, request: Request, limit: int) -> Self:
        """
        Read a request.

        :raises BodyTooLarge: when the body is longer than ``limit`` bytes.
        :raises EncodedBody: when it is compressed.
        :raises BadInput: when the query cannot be read.
        """
        require_plain(request)
        content = request.content
        assert content is not None, "requests are read while they are open"
        body = content.read(limit + 1)
        content.seek(0)
        if len(body) > limit or getattr(content, "overflowed", False):
            raise BodyTooLarge(limit)
        types = request.requestHeaders.getRawHeaders(b"content-type")
        media_type = types[-1].partition(b";")[0].strip().lower().decode("ascii", "replace") if types else ""
        return cls(read_query(request), media_type, body)

    @property
    def is_json(self) -> bool:
        """Return whether the body is JSON."""
        return self.media_type == JSON or self.media_type.endswith("+json")

    @property
    def is_form(self) -> bool:
        """Return whether the body is a form."""
        return self.media_type == FORM

    def fields(self, *, ignore_other_bodies: bool = False) -> Fields:
        """
        Return the fields of query and body; where both have one, the body counts.

        :raises WrongContentType: when there is a body that has no fields.
        :raises BadInput: when it cannot be read.
        """
        if not self.body:
            return Fields(self.query)
        if self.is_json:
            return Fields({**self.query, **parse_object(self.body)})
        if self.is_form:
            return Fields({**self.query, **parse_fields(self.body)})
        if ignore_other_bodies:
            return Fields(self.query)
        raise WrongContentType(self.media_type or "none", (FORM, JSON))

    def description(self) -> str:
        """
        Return a body that is to be a session description.

        :raises WrongContentType: when it is declared as something else; undeclared it passes.
        :raises BadInput: when it is not UTF-8.
        """
        if self.media_type and self.media_type not in DESCRIPTION_TYPES:
            raise WrongContentType(self.media_type, (*DESCRIPTION_TYPES, JSON))
        return decode(self.body)


def require_plain(request: Request) -> None:
    """
    Refuse a body that is compressed (:rfc:`9110#section-15.5.16`).

    :raises EncodedBody: then.
    """
    for value in request.requestHeaders.getRawHeaders(b"content-encoding", []):
        if value.strip().lower() not in (b"", b"identity"):
            raise EncodedBody(value.decode("ascii", "replace")[:40])


def read_query(request: Request) -> dict[str, str]:
    """Return the fields of the request's query, read by our own rules."""
    return parse_fields(request.uri.partition(b"?")[2])


def decode(body: bytes) -> str:
    """
    Return a body's text.

    :raises BadInput: when it is not UTF-8.
    """
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("body", "UTF-8 text") from None


def parse_object(body: bytes) -> dict[str, object]:
    """
    Parse a body that is to be a JSON object.

    :raises BadInput: when it is none.
    """
    try:
        value = json.loads(decode(body))
    except (ValueError, RecursionError):
        raise BadInput("body", "JSON") from None
    if not isinstance(value, dict):
        raise BadInput("body", "a JSON object", type(value).__name__)
    return value


def parse_report(request: Request, limit: int) -> dict[str, object]:
    """
    Return the JSON object that is the body of a request.

    :raises BodyTooLarge: when it is longer than ``limit`` bytes.
    :raises WrongContentType: when it is declared as something else.
    :raises BadInput: when it is none.
    """
    given = Input.read(request, limit)
    if not given.is_json:
        raise WrongContentType(given.media_type or "none", (JSON,))
    return parse_object(given.body)


@frozen(kw_only=True)
class SignIn:
    """Who wants to sign in."""

    id: str
    dn: str
    password: str = field(repr=False)
    display_name: str = ""
    auth_user: str = ""
    always_listens: bool = False
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
        return cls(type=kind, call_id=fields.call_id, to=to, sdp=sdp or "", data=data)


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
    def read(cls, given: Input, limit: int) -> Self:
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
