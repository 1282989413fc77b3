"""
Requests and responses (:rfc:`3261#section-7`): their header fields in order, and parsed values when asked for.

A message knows no role. Fields are kept as they came; a value is parsed at its first access and remembered, so change
header fields before you read the parsed ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import LocalViolation, MalformedMessage, RemoteViolation
from wrtcgw.sip.headers import CSeq, NameAddr, Via, parse_contacts, parse_list
from wrtcgw.sip.uri import URI

Field = tuple[str, str, str]
"""One header field: key (lower case, long form), name to print, value."""

# Every name with a spelling of its own, with its compact form if it has one (IANA's registry of SIP header fields;
# :rfc:`3261#section-7.3.3`). Other names are printed as they came.
_KNOWN = """
Accept Accept-Contact:a Accept-Encoding Accept-Language Alert-Info Allow Allow-Events:u Answer-Mode Authorization
Call-ID:i Call-Info Contact:m Content-Disposition Content-Encoding:e Content-Language Content-Length:l Content-Type:c
CSeq Date Error-Info Event:o Expires Flow-Timer From:f Geolocation History-Info Identity:y Identity-Info:n In-Reply-To
Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Asserted-Identity P-Preferred-Identity Path Priority
Priv-Answer-Mode Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Refer-Sub
Refer-To:r Referred-By:b Reject-Contact:j Replaces Reply-To Request-Disposition:d Require Retry-After Route RSeq Server
Service-Route Session-Expires:x SIP-ETag SIP-If-Match Subject:s Subscription-State Supported:k Target-Dialog Timestamp
To:t Unsupported User-Agent Via:v Warning WWW-Authenticate X-Genesys-CallUUID
"""

_BY_KEY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        spelling.lower(): (name.lower(), name)
        for name, _, compact in (entry.partition(":") for entry in _KNOWN.split())
        for spelling in (name, compact)
        if spelling
    }
)
# A second table with the usual spellings spares the hot path the call of lower().
_BY_SPELLING: Mapping[str, tuple[str, str]] = {
    **_BY_KEY,
    **{name: (key, name) for key, name in _BY_KEY.values()},
}

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


def canonical_name(name: str) -> tuple[str, str]:
    """
    Give the key of a header field and the name to print: long for compact, lower case for comparison.

    :raises LocalViolation: if the name is no token.
    """
    known = _BY_SPELLING.get(name) or _BY_KEY.get(name.lower())
    if known is not None:
        return known
    if not grammar.is_token(name):
        raise LocalViolation(f"not a header name: {name[:80]!r}")
    return name.lower(), name


def byte_length(text: str) -> int:
    """
    Count the bytes that ``text`` has on the wire.

    :raises LocalViolation: if it has a code point that UTF-8 cannot carry.
    """
    if text.isascii():
        return len(text)
    try:
        return len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise LocalViolation("a lone surrogate in the text of a message") from None


class Headers:
    """
    Header fields in the order in which they came, found by name without regard to case or compact form.

    Names that are known print in their usual long spelling, others as they came. Every value that is put in is checked
    for line ends (:func:`grammar.check_value`); what a peer sent is in already and needs no check.
    """

    __slots__ = ("_fields",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[Field] = [(*canonical_name(name), grammar.check_value(value)) for name, value in pairs]

    @classmethod
    def from_fields(cls, fields: list[Field]) -> "Headers":
        """Take over fields that are known to be right: for the parser and for copies."""
        headers = cls.__new__(cls)
        headers._fields = fields
        return headers

    def get(self, name: str) -> str | None:
        """Give the value of the first field of that name, or None."""
        key = canonical_name(name)[0]
        for field in self._fields:
            if field[0] == key:
                return field[2]
        return None

    def get_all(self, name: str) -> list[str]:
        """Give the values of all fields of that name, in order; comma lists are not split."""
        key = canonical_name(name)[0]
        return [field[2] for field in self._fields if field[0] == key]

    def fields(self) -> list[Field]:
        """Give the fields as they are stored: for reading only."""
        return self._fields

    def add(self, name: str, value: str) -> None:
        """Add a field behind the others."""
        self._fields.append((*canonical_name(name), grammar.check_value(value)))

    def prepend(self, name: str, value: str) -> None:
        """Add a field before the others."""
        self._fields.insert(0, (*canonical_name(name), grammar.check_value(value)))

    def set(self, name: str, value: str) -> None:
        """Replace the first field of that name and drop its others; add one when there was none."""
        key, display = canonical_name(name)
        new = (key, display, grammar.check_value(value))
        for index, field in enumerate(self._fields):
            if field[0] == key:
                rest = [other for other in self._fields[index + 1 :] if other[0] != key]
                self._fields[index:] = [new, *rest]
                return
        self._fields.append(new)

    def remove(self, name: str) -> None:
        """Drop all fields of that name, if any."""
        key = canonical_name(name)[0]
        self._fields = [field for field in self._fields if field[0] != key]

    def has_option(self, name: str, tag: str) -> bool:
        """Tell whether a list of tokens (Supported, Require, Allow…) has ``tag``, in any case and any of its fields."""
        wanted = tag.lower()
        return any(element.lower() == wanted for value in self.get_all(name) for element in grammar.split_commas(value))

    def items(self) -> Iterator[tuple[str, str]]:
        """Give names as they print, and values."""
        return ((field[1], field[2]) for field in self._fields)

    def copy(self) -> "Headers":
        """Give a copy that can be changed by itself."""
        return Headers.from_fields(self._fields.copy())

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Headers {' '.join(field[1] for field in self._fields)}>"


class Message:
    """
    What requests and responses have in common.

    Parsed properties raise :class:`RemoteViolation` (400) when the field is missing or malformed.
    """

    __slots__ = ("_contact", "_cseq", "_from", "_to", "_via", "body", "headers")

    def __init__(self, headers: Headers, body: str = "") -> None:
        self.headers = headers
        self.body = body
        self._via: Via | None = None
        self._cseq: CSeq | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None
        self._contact: NameAddr | None = None

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

    @property
    def via(self) -> Via:
        """The topmost Via."""
        if self._via is None:
            self._via = Via.parse(grammar.split_commas(self._one("Via"))[0])
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
            self._from = NameAddr.parse(self._one("From"))
        return self._from

    @property
    def to(self) -> NameAddr:
        """The To."""
        if self._to is None:
            self._to = NameAddr.parse(self._one("To"))
        return self._to

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
        """The first Contact; None when there is none, or only a ``*``."""
        if self._contact is None:
            contacts = parse_contacts(self.headers.get_all("Contact"))
            self._contact = contacts[0] if contacts else None
        return self._contact

    @property
    def content_type(self) -> str:
        """Type and subtype of the body in lower case, '' when there is no Content-Type."""
        return grammar.media_type(self.headers.get("Content-Type"))

    def sdp(self) -> str | None:
        """
        Give the session description in the body, or None.

        It is the body itself, or the first application/sdp part of a multipart/mixed or multipart/alternative
        one (:rfc:`5621#section-3`).
        """
        if not self.body:
            return None
        kind = self.content_type
        if kind == "application/sdp":
            return self.body
        if kind in {"multipart/mixed", "multipart/alternative"}:
            return grammar.find_part(self.headers.get("Content-Type") or "", self.body, "application/sdp")
        return None

    def to_text(self) -> str:
        """
        Print the message, with a Content-Length that counts the body's bytes.

        :raises LocalViolation: if the body has a code point that UTF-8 cannot carry.
        """
        lines = [self.start_line]
        lines += [f"{name}: {value}" for key, name, value in self.headers.fields() if key != "content-length"]
        lines.append(f"Content-Length: {byte_length(self.body)}\r\n\r\n")
        return "\r\n".join(lines) + self.body


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
            uri = URI.parse(self.uri)
            if uri.headers:
                raise MalformedMessage(400, "headers in the Request-URI")
            self._request_uri = uri
        return self._request_uri

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
            fields = [
                (key, name, f"{value};tag={grammar.check_value(to_tag)}" if key == "to" else value)
                for key, name, value in fields
            ]
        phrase = REASONS.get(status, "") if reason is None else reason
        return Response(status, phrase, Headers.from_fields(fields))

    def _has_to_tag(self) -> bool:
        """Tell whether To has a tag; a To that cannot be read is to be left alone, so it counts as one that has."""
        try:
            return bool(self.to_tag)
        except RemoteViolation:
            return True

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

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"
