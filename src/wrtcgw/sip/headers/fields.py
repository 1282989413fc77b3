"""Header fields in order, as text: their names, compact forms, and what finds and changes them."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.headers import liberal

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
        key = (_BY_SPELLING.get(name) or canonical_name(name))[0]
        for field in self._fields:
            if field[0] == key:
                return field[2]
        return None

    def get_all(self, name: str) -> list[str]:
        """Give the values of all fields of that name, in order; comma lists are not split."""
        key = (_BY_SPELLING.get(name) or canonical_name(name))[0]
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
        """Return whether a list of tokens (Supported, Require, Allow…) has ``tag``, in any case, in any field."""
        wanted = tag.lower()
        return any(token.lower() == wanted for token in liberal.tokens(self.get_all(name)))

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
