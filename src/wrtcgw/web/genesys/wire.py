"""
The texts of the dialect: what a page sends is taken apart here, and what it gets is put together. No state.

Each function is one habit of the pages; ``tests/data/genesys`` shows each at work.
"""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, unquote_plus, unquote_to_bytes

from attrs import field, frozen

from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import BadInput
from wrtcgw.texts import clean
from wrtcgw.web.genesys.description import Candidate

Pairs = tuple[tuple[str, str], ...]

NO_PASSWORD = ("", "undefined")
"""Some copies of the library send a missing password as the word that JavaScript has for it."""
NO_PEER = ("", "null", "undefined", "NaN")
INFO_MAP, INFO_PEER = "INFO-MAP", "INFO-PEER"
FORM, OCTETS = "application/x-www-form-urlencoded", "application/octet-stream"
SAFE_IN_PRAGMA = "-_.~@:+*!'()"
TIEBREAKER_LIMIT = 429496723

_SCHEME = re.compile(r"^sips?:", re.IGNORECASE)
# what a browser encodes in a query by itself: controls, space, quotation mark, <, > and all beyond ASCII
_BROWSER_ENCODED = re.compile(rb"(?:%(?:[01][0-9A-Fa-f]|20|22|3[CcEe]|7[Ff]|[89A-Fa-f][0-9A-Fa-f]))+")


def raw_id(query: bytes) -> str:
    """Return the id that is the whole query of GET sign_in: literal, but for what a browser had to encode."""
    return _BROWSER_ENCODED.sub(lambda found: unquote_to_bytes(found[0]), query).decode("utf-8", "replace")


def credentials(body: bytes) -> tuple[str, str]:
    """
    Part ``id:password`` at its first colon; that of a leading ``sip:`` or ``sips:`` does not count.

    Nothing is decoded but UTF-8: ``+`` and ``%41`` in a password mean themselves, whatever the content type says.

    :raises BadInput: when it is not UTF-8, or has no id.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("body", "id:password in UTF-8") from None
    found = _SCHEME.match(text)
    scheme = found[0].lower() if found else ""
    name, _, password = text[len(scheme) :].partition(":")
    if not name:
        raise BadInput("body", "id:password")
    return scheme + name, "" if password in NO_PASSWORD else password


def account(public_id: str) -> str:
    """
    Return the DN of an id, which may be written as a SIP address: what stands before its domain.

    In a SIP address a DN that has an ``@`` of its own may be escaped, else its last one counts.
    """
    name = _SCHEME.sub("", public_id)
    user = name.rpartition("@")[0] or name
    return unquote(user) if name != public_id else user


def ssid_of(query: bytes, name: bytes) -> str:
    """Return the SSID in a query; the page writes it there as it got it."""
    for part in query.split(b"&"):
        key, _, value = part.partition(b"=")
        if key == name:
            return value.decode("ascii", "replace")
    return ""


def peer_of(query: bytes) -> str:
    """Return all behind the first ``&to=``, percent-decoded only: a plus is a plus, and ``&`` may be in it."""
    return unquote_to_bytes(query.partition(b"&to=")[2]).decode("utf-8", "replace")


def pragma(peer: str) -> str:
    """Return a peer as value of Pragma: it comes back raw in the query of the page's messages."""
    return quote(clean(peer) or "anonymous", safe=SAFE_IN_PRAGMA)


@frozen(kw_only=True)
class Roap:
    """A ROAP message of the page."""

    type: MessageType
    sdp: str = field(default="", repr=False)
    candidates: tuple[Candidate, ...] = ()
    offerer: int | None = None
    answerer: int | None = None
    seq: int = 0
    data: Pairs = field(default=(), repr=False)

    @classmethod
    def read(cls, text: str) -> "Roap":
        """
        Read what follows the first brace, whatever stands before it.

        :raises BadInput: when that is no ROAP message that pages send.
        """
        try:
            given = json.loads(text[text.index("{") :])
        except (ValueError, RecursionError):
            raise BadInput("body", "BYE, INFO-…, GET-STATS or RSMP with a JSON object", text[:40]) from None
        kind = next((kind for kind in _SENT if kind.value == given.get("messageType")), None)
        if kind is None:
            raise BadInput("messageType", "OFFER, ANSWER or OK", str(given.get("messageType"))[:40])
        sdp = given.get("sdp")
        return cls(
            type=kind,
            sdp=sdp if isinstance(sdp, str) else "",
            candidates=tuple(read_candidates(given.get("Candidates"))),
            offerer=_number(given.get("offererSessionId")),
            answerer=_number(given.get("answererSessionId")),
            seq=_number(given.get("seq")) or 0,
            data=tuple(read_data(given.get("attacheddata"))),
        )


_SENT = (MessageType.OFFER, MessageType.ANSWER, MessageType.OK)


def _number(value: object) -> int | None:
    """Return a whole number of the page's language; a longer one could not even be counted up and written again."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def read_candidates(value: object) -> Iterable[Candidate]:
    """Read the array ``Candidates``; what is no candidate is passed over."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict) and isinstance(each.get("candidate"), str) and each["candidate"]:
            yield Candidate(_number(each.get("sdpMLineIndex")), str(each.get("sdpMid") or ""), each["candidate"])


def read_data(value: object) -> Iterable[tuple[str, str]]:
    """Read ``attacheddata``; a value that is no text is given as JSON."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict) and each.get("key") is not None:
            content = each.get("value", "")
            yield str(each["key"]), content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def roap_text(fields: Mapping[str, object]) -> str:
    """
    Return a message for the page: ``SDP`` and JSON.

    A page takes for an offer whatever has OFFER in it, and for an error what has ERROR and errorType: in other messages
    the words are written with an escape.
    """
    text = json.dumps(fields, ensure_ascii=False)
    if fields["messageType"] != "OFFER":
        text = without_word(text, "OFFER")
    if fields["messageType"] != "ERROR":
        text = without_word(text, "ERROR")
    return "SDP " + text


def without_word(text: str, word: str) -> str:
    """Write a word inside JSON so that a search does not find it."""
    return text.replace(word, f"\\u{ord(word[0]):04x}{word[1:]}")


def error_type(code: int) -> str:
    """Return the ROAP errorType for a SIP code; 0 is a failure of the gateway itself."""
    return _ERROR_TYPES.get(code, "FAILED")


_ERROR_TYPES = {
    **dict.fromkeys((404, 410, 416, 484, 485, 604), "NOMATCH"),
    **dict.fromkeys((408, 480, 487, 504), "TIMEOUT"),
    **dict.fromkeys((403, 486, 600, 603, 607, 608), "REFUSED"),
    491: "CONFLICT",
}


def info_peer(body: str) -> str:
    """
    Return data of the other side for a page, which decodes nothing and parts at ``&`` and ``=``.

    So names and values are decoded, unless they hold what the page would part at; those stay encoded, with ``%20``.
    """
    parts = []
    for part in clean(body).split("&"):
        name, equals, value = part.partition("=")
        parts.append(_for_deparam(name) + equals + _for_deparam(value))
    return f"{INFO_PEER} " + "&".join(parts)


def _for_deparam(text: str) -> str:
    decoded = unquote_plus(text)
    return quote(decoded, safe="") if re.search(r"[&=\r\n]", decoded) else decoded
