"""
From the text of one WebSocket message to one SIP message (:rfc:`7118#section-5`): the grammar's gate.

What passes has a start line, Request-URI included, and every field that transactions and dialogs are matched by,
readable and once (:rfc:`3261#section-8.1.1`); all other fields are carried unread. Texts come from UTF-8 with
surrogateescape, so that no byte is lost.
"""

import re

from attrs import frozen

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import LocalViolation, MalformedMessage
from wrtcgw.sip.message import Field, Headers, MalformedRequest, Message, Request, Response, byte_length, canonical_name

MAX_MESSAGE_BYTES = 64 * 1024
"""The largest message; UDP's limit, and PJSIP's and Kamailio's defaults for streams are of that order."""

MAX_HEADERS = 256
"""The most header fields of one message."""

MAX_HEADER_LENGTH = 8 * 1024
"""The most characters of one header line once unfolded; the same as common HTTP servers allow."""


@frozen
class KeepAlive:
    """CRLFs without a message (:rfc:`5626#section-3.5.1`); a ``ping``, two of them, asks for a single one back."""

    ping: bool


# :rfc:`3261#section-7.1`, and the characters that no Request-URI has: see uri.py
_REQUEST_LINE = re.compile(rf'({grammar.TOKEN}) ([^\x00-\x20\x7f<>"]+) SIP/2\.0', re.IGNORECASE)
# :rfc:`3261#section-7.2`; some peers leave out the space behind the code
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\x00]*))?", re.IGNORECASE)
_ANY_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
# :rfc:`3261#section-7.3.1`: a line that begins with white space continues the one before
_FOLD = re.compile(r"\r\n[ \t]+")
# What cannot stand in a header field: a line end that is not CRLF, and NUL outside of a quoted-pair
_STRAY = re.compile("[\r\n]|(?<!\\\\)\0")

# bytes that are not UTF-8, as surrogateescape decodes them
_NOT_UTF8 = re.compile("[\udc80-\udcff]")

_COPIED_ONCE = ("from", "to", "call-id", "cseq")
_AT_MOST_ONCE = (*_COPIED_ONCE, "content-length", "max-forwards", "content-type")

Fault = tuple[int, str]
"""Status hint and detail. Faults are collected and the first is told: reading goes on, for the sake of an answer."""


def parse(text: str) -> Request | Response | KeepAlive:
    """
    Read one message; CRLFs before it are skipped (:rfc:`3261#section-7.5`).

    :raises MalformedMessage: if it is none, or beyond a limit (513), or of another version (505); a
        :class:`~wrtcgw.sip.message.MalformedRequest` where an answer is possible.
    """
    message = text.lstrip("\r\n")
    if not message:
        return KeepAlive(ping=text == "\r\n\r\n")
    faults: list[Fault] = []
    head, body = _split(message, faults)
    start, *lines = head.split("\r\n")
    first, second = _parse_start_line(start, faults)
    flaws: list[str] = []
    headers = _parse_headers(lines, faults, flaws)
    body = _cut_body(body, headers, faults)
    if isinstance(first, int):
        response = Response(first, second, headers, body)
        response.note("header", flaws, "ignored")
        _check(response, faults, is_ascii=message.isascii())
        if faults:
            raise MalformedMessage(*faults[0], call_id=headers.get("Call-ID") or "")
        return response
    request = Request(first, second, headers, body)
    request.note("header", flaws, "ignored")
    _check(request, faults, is_ascii=message.isascii())
    if faults:
        status, detail = faults[0]
        call_id = headers.get("Call-ID") or ""
        if _make_answerable(request):
            raise MalformedRequest(status_hint=status, detail=detail, call_id=call_id, request=request)
        raise MalformedMessage(status, detail, call_id)
    return request


def _split(message: str, faults: list[Fault]) -> tuple[str, str]:
    """Part the unfolded start line and header from the body; what is over the limit is cut off."""
    try:
        size = byte_length(message)
    except LocalViolation:
        raise MalformedMessage(400, "not decoded from UTF-8") from None
    if size > MAX_MESSAGE_BYTES:
        faults.append((513, f"message of {size} bytes"))
        message = message[:MAX_MESSAGE_BYTES]
    head, empty_line, body = message.partition("\r\n\r\n")
    if not empty_line and message.endswith("\r\n"):
        head = message[
            :-2
        ]  # a WebSocket message is whole: the empty line behind the header is not needed to see its end
    elif not empty_line:
        faults.append((400, "no empty line behind the header fields"))
    if "\r\n " in head or "\r\n\t" in head:
        head = _FOLD.sub(" ", head)
    if "\0" in head or not head.count("\r") == head.count("\n") == head.count("\r\n"):
        head = _without_strays(head, faults)
    return head, body


def _without_strays(head: str, faults: list[Fault]) -> str:
    """Give ``head`` with lone CR, LF and NUL made spaces, and note a fault if there was one."""
    lines = head.split("\r\n")
    clean = [_STRAY.sub(" ", line) for line in lines]
    if clean != lines:
        faults.append((400, "a lone CR, LF or NUL in the header fields"))
    return "\r\n".join(clean)


def _parse_start_line(line: str, faults: list[Fault]) -> tuple[str, str] | tuple[int, str]:
    """Give method and Request-URI, or status code and reason phrase."""
    match = _REQUEST_LINE.fullmatch(line)
    if match is not None:
        return match[1], match[2]
    match = _STATUS_LINE.fullmatch(line)
    if match is not None:
        return int(match[1]), match[2] or ""
    return _rescue_request_line(line, faults)


def _rescue_request_line(line: str, faults: list[Fault]) -> tuple[str, str]:
    """
    Make out method and Request-URI of a malformed request line, so that the request can be refused.

    :raises MalformedMessage: if it is nothing like one.
    """
    words = line.split()
    if len(words) < 3 or not grammar.is_token(words[0]) or _ANY_VERSION.fullmatch(words[-1]) is None:
        raise MalformedMessage(400, f"neither request nor response: {line[:80]!r}")
    if words[-1].upper() != "SIP/2.0":
        faults.append((505, f"version {words[-1][:40]}"))
    faults.append((400, f"malformed request line {line[:80]!r}"))
    return words[0], " ".join(words[1:-1])


def _parse_headers(lines: list[str], faults: list[Fault], flaws: list[str]) -> Headers:
    """
    Read the header lines into fields, values unparsed.

    Lines that are none are left out: what a message needs is looked for afterwards (:rfc:`3261#section-8.2.2`).
    """
    if len(lines) > MAX_HEADERS:
        faults.append((513, f"{len(lines)} header fields"))
        del lines[MAX_HEADERS:]
    fields: list[Field] = []
    for line in lines:
        name, colon, value = line.partition(":")
        try:
            key, display = canonical_name(name.rstrip(" \t"))
        except LocalViolation:
            colon = ""
        if not colon:
            flaws.append(f"malformed line {line[:80]!r}")
        elif len(line) > MAX_HEADER_LENGTH:
            faults.append((513, f"{display} of {len(line)} characters"))
        else:
            fields.append((key, display, value.strip(" \t")))
    return Headers.from_fields(fields)


def parse_fields(text: str) -> Headers:
    """Read the header lines of a message's fragment (:rfc:`3420#section-2`); what is none, or too much, is left out."""
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n").lstrip("\r\n")
    head = _FOLD.sub(" ", lines.partition("\r\n\r\n")[0])
    return _parse_headers(_without_strays(head, []).split("\r\n"), [], [])


def _cut_body(body: str, headers: Headers, faults: list[Fault]) -> str:
    """Give as many bytes of the body as Content-Length says (:rfc:`3261#section-18.3`), all without one."""
    value = headers.get("Content-Length")
    if value is None:
        return body
    actual = byte_length(body)
    try:
        length = grammar.parse_number(value, MAX_MESSAGE_BYTES)
    except MalformedMessage:
        faults.append((400, f"Content-Length {value[:40]!r}"))
        return body
    if length > actual:
        faults.append((400, f"Content-Length {length}, but {actual} bytes"))
    if length >= actual:
        return body
    return body.encode("utf-8", "surrogateescape")[:length].decode("utf-8", "surrogateescape")


def _check(message: Message, faults: list[Fault], *, is_ascii: bool) -> None:
    """Note what is wrong with the fields that have to be there, and which are not UTF-8."""
    if not is_ascii:
        _note_bytes(message)
    keys = [field[0] for field in message.headers.fields()]
    for name in _AT_MOST_ONCE:
        if keys.count(name) > 1:
            faults.append((400, f"more than one {name}"))
    try:
        cseq, *_ = message.cseq, message.via, message.call_id, message.from_, message.to
        if isinstance(message, Request):
            message.request_uri  # noqa: B018 - parsed for its fault
    except MalformedMessage as error:
        faults.append((error.status_hint, error.detail))
        return
    if isinstance(message, Request) and cseq.method != message.method:
        faults.append((400, f"{cseq.method[:40]} in the CSeq of {message.method[:40]}"))


def _note_bytes(message: Message) -> None:
    """Note for the log where bytes are not UTF-8: they are taken as they came, whatever the frame was."""
    for _, name, value in message.headers.fields():
        if not value.isascii() and _NOT_UTF8.search(value) is not None:
            message.note(name, ["bytes that are not UTF-8"], "kept")


def _make_answerable(request: Request) -> bool:
    """Return whether a request can be answered; of fields that it must have once, the first is kept then."""
    if request.method == "ACK" or not all(request.headers.get(name) for name in ("via", *_COPIED_ONCE)):
        return False
    for name in _COPIED_ONCE:
        request.headers.set(name, request.headers.get(name) or "")
    return True
