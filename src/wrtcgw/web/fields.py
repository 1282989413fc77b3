"""
Queries, forms and JSON as fields, and fields as typed values.

Nothing here knows SIP: whether a text is a session description or a number can be dialled is the gateway's to say.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from wrtcgw.errors import BadInput
from wrtcgw.identity.strictjson import parse_strictly
from wrtcgw.web.attachments import LONE_SURROGATE

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
DESCRIPTION_TYPES = ("text/plain", "application/sdp")
_DECIMAL = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_SWITCH = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
# Pages put ``+49...`` into the query as it is, where a plus stands for a blank. No international number goes on with 0.
# What may stand before it is for people, and may be escaped, so the plus is kept as a mark until all else is decoded.
_MARK = "\ufdd0"
# Each text is read once: what is before the brackets, blanks and pluses in front of the number ends with another sign.
_BARE_PLUS = re.compile(
    f"^((?:tel:|sips?:)?(?:[^\\w*#]*[^\\w*#({_MARK}\\s])?[(\\s]*){_MARK}(?=[({_MARK}\\s]*[1-9])", re.IGNORECASE
)
TEXT_LIMIT = 1024
"""Characters in one short field; descriptions and bodies are bounded by the body's limit."""


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
    Parse a body that is to be a JSON object, in which no name stands twice: which one counted would be a guess.

    :raises BadInput: when it is none.
    """
    try:
        value = parse_strictly(body)
    except ValueError as error:
        raise BadInput("body", "JSON", str(error)) from None
    if not isinstance(value, dict):
        raise BadInput("body", "a JSON object", type(value).__name__)
    return value
