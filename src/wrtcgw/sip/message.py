"""
Requests and responses (:rfc:`3261#section-7`): their header fields in order, and parsed values when asked for.

A message knows no role. Fields are kept as they came; a value is parsed at its first access and remembered, so change
header fields before you read the parsed ones.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import LocalViolation, MalformedMessage, RemoteViolation
from wrtcgw.sip.headers import CSeq, NameAddr, Parsed, Via, liberal, parse_list
from wrtcgw.sip.headers.fields import Field, Headers, byte_length, canonical_name
from wrtcgw.sip.uri import URI

CREDENTIALS = frozenset(("authorization", "proxy-authorization"))
"""Keys of the header fields that are never stored: from each of them words can be tried on the password."""
MAX_FLAWS = 20
"""So many things that are wrong with a message are told."""

__all__ = ["REASONS", "Field", "Headers", "Message", "Request", "Response", "byte_length", "canonical_name"]

# IANA's registry of SIP response codes, as far as a user agent meets them
_REASONS = """
100 Trying; 180 Ringing; 181 Call Is Being Forwarded; 182 Queued; 183 Session Progress; 199 Early Dialog Terminated;
200 OK; 202 Accepted; 204 No Notification; 300 Multiple Choices; 301 Moved Permanently; 302 Moved Temporarily;
305 Use Proxy; 380 Alternative Service; 400 Bad Request; 401 Unauthorized; 402 Payment Required; 403 Forbidden;
404 Not Found; 405 Method Not Allowed; 406 Not Acceptable; 407 Proxy Authentication Required; 408 Request Timeout;
410 Gone; 412 Conditional Request Failed; 413 Request Entity Too Large; 414 Request-URI Too Long;
415 Unsupported Media Type; 416 Unsupported URI Scheme; 420 Bad Extension; 421 Extension Required;
422 Session Interval Too Small; 423 Interval Too Brief; 429 Provide Referrer Identity; 430 Flow Failed;
433 Anonymity Disallowed; 439 First Hop Lacks Outbound Support; 469 Bad Info Package; 480 Temporarily Unavailable;
481 Call/Transaction Does Not Exist; 482 Loop Detected; 483 Too Many Hops; 484 Address Incomplete; 485 Ambiguous;
486 Busy Here; 487 Request Terminated; 488 Not Acceptable Here; 489 Bad Event; 491 Request Pending;
493 Undecipherable; 494 Security Agreement Required; 500 Server Internal Error; 501 Not Implemented; 502 Bad Gateway;
503 Service Unavailable; 504 Server Time-out; 505 Version Not Supported; 513 Message Too Large;
580 Precondition Failure; 600 Busy Everywhere; 603 Decline; 604 Does Not Exist Anywhere; 606 Not Acceptable;
607 Unwanted; 608 Rejected
"""

REASONS: Mapping[int, str] = MappingProxyType(
    {int(entry.split()[0]): entry.split(maxsplit=1)[1].strip() for entry in _REASONS.split(";")}
)
"""The usual reason phrases (:rfc:`3261#section-21` and later)."""

_STREAM = re.compile(r"(?:^|[\r\n])m=")


class Message:
    """
    What requests and responses have in common.

    Parsed properties raise :class:`RemoteViolation` (400) when the field is missing or malformed beyond mending
    (:mod:`~wrtcgw.sip.headers.liberal`); methods that read return what is readable. What was found wrong is in
    ``flaws``, each beginning with the name of its header field.
    """

    __slots__ = ("_contact", "_cseq", "_from", "_to", "_via", "body", "flaws", "headers")

    def __init__(self, headers: Headers, body: str = "") -> None:
        self.headers = headers
        self.body = body
        self._via: Via | None = None
        self._cseq: CSeq | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None
        self._contact: NameAddr | None = None
        self.flaws: list[str] = []

    # -- reading what a peer may have got wrong

    def read(self, name: str, kind: type[Parsed]) -> Parsed | None:
        """Return the value of the first field of that name; None when there is none, or it cannot be read."""
        text = self.headers.get(name)
        flaws: list[str] = []
        value = None if text is None else liberal.read(kind, text, flaws)
        self.note(name, flaws, "mended" if value is not None else "ignored")
        return value

    def read_list(self, name: str, kind: type[Parsed]) -> list[Parsed]:
        """Return the elements of all fields of that name that can be read (:rfc:`3261#section-7.3.1`)."""
        flaws: list[str] = []
        values = liberal.read_list(kind, self.headers.get_all(name), flaws)
        self.note(name, flaws, "mended or ignored")
        return values

    def read_routes(self, name: str) -> list[str]:
        """Return the entries of Record-Route or the like that can be read, as strict text."""
        flaws: list[str] = []
        routes = liberal.read_routes(self.headers.get_all(name), flaws)
        self.note(name, flaws, "mended or ignored")
        return routes

    def read_uri_field(self, name: str) -> NameAddr:
        """
        Return the one URI of Refer-To or the like.

        :raises MalformedMessage: when it is missing, or cannot be read.
        """
        flaws: list[str] = []
        value = liberal.read_uri_field(self._one(name), flaws)
        if value is None:
            raise MalformedMessage(400, f"{name}: {flaws[0]}")
        self.note(name, flaws, "mended")
        return value

    def read_number(self, name: str, maximum: int) -> int | None:
        """Return the number in a field; None when there is none."""
        try:
            return grammar.parse_number(self.headers.get(name) or "", maximum)
        except MalformedMessage as error:
            self.note(name, [error.detail], "ignored")
            return None

    def note(self, name: str, flaws: Iterable[str], what: str) -> None:
        """Keep what is wrong with a field for the log, once, and what was done about it."""
        for flaw in flaws:
            if len(self.flaws) >= MAX_FLAWS:
                break
            told = f"{name}: {flaw} ({what})"
            if told not in self.flaws:
                self.flaws.append(told)

    # -- fields

    @property
    def start_line(self) -> str:
        """The first line, without its end."""
        raise NotImplementedError

    def _one(self, name: str) -> str:
        """Give the value of a field that has to be there."""
        value = self.headers.get(name)
        if not value:
            raise MalformedMessage(400, f"{name} missing")
        return value

    def _needed(self, name: str, kind: type[Parsed], values: Iterable[str]) -> Parsed:
        """
        Return the first readable element of a field that has to be there.

        :raises MalformedMessage: with what is wrong, when there is none.
        """
        flaws: list[str] = []
        for text in values:
            value = liberal.read(kind, text, flaws)
            if value is not None:
                self.note(name, flaws, "mended")
                return value
        raise MalformedMessage(400, f"{name}: {flaws[0] if flaws else 'empty'}")

    @property
    def via(self) -> Via:
        """The topmost Via."""
        if self._via is None:
            self._via = self._needed("Via", Via, liberal.elements(self._one("Via"), [])[:1])
        return self._via

    @property
    def vias(self) -> list[Via]:
        """All Via elements, topmost first; not remembered."""
        return parse_list(Via, self.headers.get_all("Via"))

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        if self._cseq is None:
            self._cseq = CSeq.parse(self._one("CSeq"))
        return self._cseq

    @property
    def call_id(self) -> str:
        """The Call-ID as it stands: it compares byte by byte (:rfc:`3261#section-20.8`)."""
        return self._one("Call-ID")

    @property
    def from_(self) -> NameAddr:
        """The From."""
        if self._from is None:
            flaws: list[str] = []
            self._from = liberal.read_party(self._one("From"), flaws)
            self.note("From", flaws, "mended")
        return self._from

    @property
    def to(self) -> NameAddr:
        """The To."""
        if self._to is None:
            self._to = self._needed("To", NameAddr, [self._one("To")])
        return self._to

    @property
    def strict_from(self) -> str:
        """The From as we may send it on: as it came if it keeps to the grammar, else mended."""
        return self._strict("From", self.from_)

    @property
    def strict_to(self) -> str:
        """The To as we may send it on."""
        return self._strict("To", self.to)

    def _strict(self, name: str, value: NameAddr) -> str:
        text = self._one(name)
        if not self.flaws:
            return text
        try:
            NameAddr.parse(text)
        except MalformedMessage:
            return str(value)
        return text

    @property
    def from_tag(self) -> str:
        """The tag of From, '' when there is none (:rfc:`2543` peers, :rfc:`3261#section-12.1.1`)."""
        return self.from_.tag

    @property
    def to_tag(self) -> str:
        """The tag of To, '' when there is none."""
        return self.to.tag

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact that can be read; None when there is none, or only a ``*``."""
        if self._contact is None:
            values = self.headers.get_all("Contact")
            if values and values != ["*"]:
                self._contact = self._needed(
                    "Contact", NameAddr, [element for value in values for element in liberal.elements(value, [])]
                )
        return self._contact

    @property
    def content_type(self) -> str:
        """Type and subtype of the body in lower case, '' when there is no Content-Type."""
        return grammar.media_type(self.headers.get("Content-Type"))

    def sdp(self) -> str | None:
        """
        Give the session description in the body, or None.

        It is the body itself, or the first application/sdp part of a multipart one (:rfc:`5621#section-3`).
        """
        if not self.body:
            return None
        kind = self.content_type
        if kind == "application/sdp":
            return self.body
        if kind.startswith("multipart/"):
            return grammar.find_part(self.headers.get("Content-Type") or "", self.body, "application/sdp")
        return None

    def answer(self) -> str | None:
        """
        Give the session description in the body as an answer, or None.

        One without any stream answers no offer: an answer has as many as the offer (:rfc:`3264#section-6`).
        """
        sdp = self.sdp()
        return sdp if sdp is not None and _STREAM.search(sdp) else None

    def to_text(self) -> str:
        """
        Print the message, with a Content-Length that counts the body's bytes.

        :raises LocalViolation: if the body has a code point that UTF-8 cannot carry.
        """
        lines = [self.start_line]
        lines += [f"{name}: {value}" for key, name, value in self.headers.fields() if key != "content-length"]
        lines.append(f"Content-Length: {byte_length(self.body)}\r\n\r\n")
        return "\r\n".join(lines) + self.body

    def stored(self) -> dict[str, object]:
        """Return header fields and body as plain data, without credentials."""
        fields = [[name, value] for key, name, value in self.headers.fields() if key not in CREDENTIALS]
        return {"headers": fields, "body": self.body}


class Request(Message):
    """A request; ``uri`` is the text of the Request-URI."""

    __slots__ = ("_request_uri", "method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers, body: str = "") -> None:
        super().__init__(headers, body)
        if not grammar.is_token(method):
            raise LocalViolation(f"not a method: {method[:80]!r}")
        self.method = method
        self.uri = grammar.check_value(uri)
        self._request_uri: URI | None = None

    @property
    def start_line(self) -> str:
        """The Request-Line (:rfc:`3261#section-7.1`)."""
        return f"{self.method} {self.uri} SIP/2.0"

    @property
    def request_uri(self) -> URI:
        """The parsed Request-URI; one with headers is refused (:rfc:`3261#section-19.1.1`)."""
        if self._request_uri is None:
            uri = self._mended_uri()
            if uri.headers:
                raise MalformedMessage(400, "headers in the Request-URI")
            self._request_uri = uri
        return self._request_uri

    def _mended_uri(self) -> URI:
        try:
            return URI.parse(self.uri)
        except MalformedMessage as error:
            self.note("Request-URI", [error.detail], "mended")
        return URI.parse(liberal.mended_uri(self.uri))

    def response(self, status: int, reason: str | None = None, to_tag: str = "") -> "Response":
        """
        Make a response with the fields that every response copies (:rfc:`3261#section-8.2.6.2`).

        A 100 also gets the Timestamp (:rfc:`3261#section-8.2.6.1`). Works, by copying what is there, for a malformed
        request too.

        :param reason: the reason phrase; None takes the usual one.
        :param to_tag: goes into To when that has no tag yet.
        """
        copied = _COPIED_TO_TRYING if status == 100 else _COPIED
        fields = [field for field in self.headers.fields() if field[0] in copied]
        if to_tag and not self._has_to_tag():
            tagged = f"{self.strict_to};tag={grammar.check_value(to_tag)}"
            fields = [(key, name, tagged if key == "to" else value) for key, name, value in fields]
        phrase = REASONS.get(status, "") if reason is None else reason
        return Response(status, phrase, Headers.from_fields(fields))

    def _has_to_tag(self) -> bool:
        """Return whether To has a tag; a To that cannot be read is to be left alone, so it counts as one that has."""
        try:
            return bool(self.to_tag)
        except RemoteViolation:
            return True

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes the same request, but for its credentials."""
        return {"method": self.method, "uri": self.uri, **self.stored()}

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> "Request":
        """Return the request that :meth:`snapshot` was taken of."""
        return cls(data["method"], data["uri"], _stored_headers(data), data["body"])

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"


_COPIED = frozenset({"via", "from", "to", "call-id", "cseq"})
_COPIED_TO_TRYING = _COPIED | {"timestamp"}


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, headers: Headers, body: str = "") -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = grammar.check_value(reason)

    @property
    def start_line(self) -> str:
        """The Status-Line (:rfc:`3261#section-7.2`)."""
        return f"SIP/2.0 {self.status} {self.reason}"

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes the same response."""
        return {"status": self.status, "reason": self.reason, **self.stored()}

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> "Response":
        """Return the response that :meth:`snapshot` was taken of."""
        return cls(data["status"], data["reason"], _stored_headers(data), data["body"])

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


def _stored_headers(data: Mapping[str, Any]) -> Headers:
    """Return header fields that were stored: what a peer sent is not checked a second time."""
    return Headers.from_fields([(*canonical_name(name), value) for name, value in data["headers"]])


@frozen(kw_only=True)
class MalformedRequest(MalformedMessage):
    """
    A malformed request that can be answered: not an ACK, and with all the fields that a response copies.

    Answer it statelessly with ``request.response(status_hint)`` (:rfc:`3261#section-8.2.6.2`). The parsed properties
    of the request may raise, since one of them may be what was wrong.
    """

    request: Request = field(repr=False)
