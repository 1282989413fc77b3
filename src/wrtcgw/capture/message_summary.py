"""
How an entry is read: its label, what is worth saying beside it, and its whole text, with every secret masked.

This is the slow side: it parses and masks, and runs only when an operator looks.
"""

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import parse_qs

from attrs import field, frozen

from wrtcgw.capture.entries import REQUEST_FIELDS, RESPONSE_FIELDS, Answered, Asked, HeaderFields, SIPMessage, Told
from wrtcgw.capture.odd_destinations import odd_destinations
from wrtcgw.capture.sign_ins import is_form, is_sign_in, masked_answer, masked_body
from wrtcgw.redact import escaped, hide_data, redact, redact_uri
from wrtcgw.sdp.description import parse

_WORD = re.compile(r"[A-Z][A-Z-]*")
_TYPE = re.compile(r'"messageType"\s*:\s*"([A-Z_]{1,20})"')
_STATE = re.compile(r'"state"\s*:\s*"([A-Z_]{1,20})"')
_ROAP = re.compile(r'"sdp"\s*:\s*("(?:[^"\\]|\\.)*")')
_DATA_IN_JSON = re.compile(r'("(?:digits|body|value)"\s*:\s*)"((?:[^"\\]|\\.)*)"')
_DATA_IN_FORM = re.compile(r"((?:^|[?&])(?:digits|body)=)([^&\s]+)")


@frozen
class Reading:
    """What an entry says."""

    label: str
    detail: str
    text: str = field(repr=False)


def legible(text: str) -> str:
    """Return a text with plain line ends, and without characters that could command a terminal or deceive."""
    return escaped(text.replace("\r\n", "\n"))


def media_of(sdp: str) -> str:
    """Return in a few words what a session description says, '' when it is none."""
    description = parse(sdp)
    default = description.session.stated_direction or "sendrecv"
    media = [
        f"{stream.media} {'off' if stream.is_rejected else stream.stated_direction or default}"
        for stream in description.streams
        if stream.port.isdecimal()
    ]
    return ", ".join([*media, *odd_destinations(sdp)] if media else media)


# -- SIP


def read_sip(message: SIPMessage, *, show_data: bool = False) -> Reading:
    """Read a SIP message; of data that users attached only the size is shown, unless ``show_data`` is true."""
    text = message.text if show_data else hide_data(message.text)
    head, _, body = message.text.partition("\r\n\r\n")
    first, _, _ = head.partition("\r\n")
    number, _, method = (_field(head, "cseq") or "").partition(" ")
    is_response = first.startswith("SIP/2.0 ")
    label = f"{first[8:]} ({method.strip()})" if is_response else f"{_request_name(first, head)} {number}"
    details = [_sip_detail(head, body), "" if message.carried else "not sent: no connection"]
    return Reading(legible(redact(label)), legible(redact("; ".join(filter(None, details)))), _shown(text))


def _request_name(first: str, head: str) -> str:
    """Return the method of a request; an INVITE inside a dialog has a tag in To (:rfc:`3261#section-14`)."""
    method = first.partition(" ")[0]
    parameters = (_field(head, "to", "t") or "").rpartition(">")[2]
    is_inside = method == "INVITE" and re.search(r";[ \t]*tag[ \t]*=", parameters, re.IGNORECASE)
    return f"re-{method}" if is_inside else method


def _sip_detail(head: str, body: str) -> str:
    kind = (_field(head, "content-type", "c") or "").lower()
    if kind.startswith("application/sdp"):
        return media_of(body)
    for names in (("reason",), ("refer-to", "r"), ("event", "o"), ("retry-after",), ("replaces",)):
        value = _field(head, *names)
        if value:
            return value
    return kind if body else ""


def _field(head: str, *names: str) -> str | None:
    """Return the first value of a header field, by its long or compact name."""
    found = re.search(rf"\r\n(?:{'|'.join(names)})[ \t]*:[ \t]*([^\r\n]*)", head, re.IGNORECASE)
    return found[1].strip() if found else None


# -- HTTP


def read_asked(asked: Asked, *, show_data: bool = False) -> Reading:
    """Read a page's request; ``show_data`` as for :func:`read_sip`."""
    uri = asked.uri.decode("utf-8", "replace")
    path = redact_uri(uri) if show_data else hide_fields(redact_uri(uri))
    head = f"{asked.method.decode('ascii', 'replace')} {path} HTTP/1.1\n{_fields(asked, REQUEST_FIELDS)}"
    body = _body_of(asked, uri)
    if not show_data:
        has_fields = body[:1] == "{" or is_form(asked.headers)
        is_info = uri.partition("?")[0].endswith("/info") and not has_fields
        body = size_of(body) if is_info and body else hide_fields(body)
    return Reading(legible(_asked_label(asked)), _description_in(asked.body), _shown(f"{head}\n{body}"))


def read_answered(answered: Answered) -> Reading:
    """Read the response to a page's request."""
    asked = answered.asked
    body = (masked_answer(asked.uri, answered.body) if is_sign_in(asked.uri) else answered.body).decode(
        "utf-8", "replace"
    )
    what = _asked_label(asked).partition(" ")[2]
    status = _error_word(body) or _phrase(answered.code)
    head = f"HTTP/1.1 {answered.code} {_phrase(answered.code)}\n{_fields(answered, RESPONSE_FIELDS)}"
    return Reading(
        legible(redact(f"{answered.code} {status} ({what})")), _error_text(body), _shown(f"{head}\n{redact(body)}")
    )


def read_told(told: Told, *, show_data: bool = False) -> Reading:
    """Read a message to a page; ``show_data`` as for :func:`read_sip`."""
    body = told.body.decode("utf-8", "replace")
    kind = told.kind or _kind_of(body)
    if not show_data:
        body = hide_fields(body)
    state = _STATE.search(body)
    detail = _description_in(told.body) or (state[1] if state and state[1] != kind else "")
    return Reading(legible(f"→ {kind}"), detail, _shown(f"({told.how}) {told.code}\n\n{body}"))


def hide_fields(text: str) -> str:
    """Return a message of a page, or to one, with the data that users attached replaced by its size."""
    if text.startswith("INFO-"):
        word, _, data = text.partition(" ")
        return f"{word} {size_of(data)}"
    text = _DATA_IN_JSON.sub(lambda found: f'{found[1]}"{size_of(found[2])}"', text)
    return _DATA_IN_FORM.sub(lambda found: found[1] + size_of(found[2]), text)


def size_of(text: str) -> str:
    """Return what stands for a text that is not shown."""
    return f"({len(text.encode('utf-8', 'replace'))} bytes)"


def _fields(entry: Asked | Answered, names: Iterable[bytes]) -> str:
    headers: HeaderFields = entry.headers
    lines = []
    for name in names:
        for value in headers.getRawHeaders(name) or ():
            shown = value if isinstance(value, str) else value.decode("utf-8", "replace")
            lines.append(f"{name.decode().title().replace('Wrtc', 'WRTC').replace('-Id', '-ID')}: {shown}\n")
    return "".join(lines)


def _asked_label(asked: Asked) -> str:
    path, _, query = asked.uri.decode("utf-8", "replace").partition("?")
    method = asked.method.decode("ascii", "replace")
    name = path.rpartition("/")[2]
    if name != "message":
        return f"{method} {name}"
    body = asked.body.decode("utf-8", "replace")
    if not body.startswith("v=0"):
        return f"{method} {_kind_of(body)}"
    return f"{method} {'OFFER' if parse_qs(query).get('to') else 'SDP'}"


def _kind_of(body: str) -> str:
    """Return the type of a message that is JSON, or that begins with a word."""
    found = _TYPE.search(body)
    if found:
        return found[1]
    word = _WORD.match(body.lstrip("\ufeff \r\n\t"))
    return word[0] if word else "message"


def _description_in(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    if text.startswith("v=0"):
        return media_of(text)
    found = _ROAP.search(text)
    try:
        return media_of(json.loads(found[1])) if found else ""
    except ValueError:
        return ""


def _body_of(asked: Asked, uri: str) -> str:
    """Return a request's body; of a sign_in only what is known to be no secret."""
    body = asked.body.decode("utf-8", "replace")
    if not body:
        return ""
    if is_sign_in(asked.uri):
        return masked_body(asked.uri, asked.headers, asked.body).decode("utf-8")
    if is_form(asked.headers):
        return redact_uri("?" + body)[1:]
    return body


def _error_word(body: str) -> str:
    found = re.search(r'"code"\s*:\s*"([a-z_]{1,40})"', body)
    return found[1] if found else ""


def _error_text(body: str) -> str:
    found = re.search(r'"error"\s*:\s*("(?:[^"\\]|\\.)*")', body)
    return legible(redact(str(json.loads(found[1])))) if found else ""


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def _shown(text: str) -> str:
    return legible(redact(text)).rstrip("\n") + "\n"
