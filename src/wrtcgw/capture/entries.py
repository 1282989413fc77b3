"""
What is kept of one message: references to its parts as they came, and the order in which it came.

An entry is made for each message of a busy gateway, so it is a plain object with slots and does no work.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import define, field

REQUEST_FIELDS = (b"content-type", b"accept", b"user-agent", b"origin", b"last-event-id")
RESPONSE_FIELDS = (b"content-type", b"x-wrtc-message", b"x-wrtc-call", b"x-wrtc-seq", b"pragma", b"retry-after")
"""Header fields that are shown; the others may hold secrets, or say nothing."""
OVERHEAD = 200
"""Bytes that an entry takes beside its texts, about."""
HEADERS_OVERHEAD = 500
"""The same for the few header fields that are kept of a request."""


def weight(text: str) -> int:
    """Return how many bytes a text takes, about: one odd character makes all of them wide."""
    return len(text) if text.isascii() else text.__sizeof__()


def weight_of_headers(headers: "HeaderFields") -> int:
    """Return how many bytes the header fields of a request take, about; a client may send 16 kB of them."""
    sent = sum(len(name) + sum(map(len, values)) for name, values in headers.getAllRawHeaders())
    return max(HEADERS_OVERHEAD, 2 * sent)


class HeaderFields(Protocol):
    """Header fields of HTTP, as Twisted keeps them."""

    def getRawHeaders(self, name: bytes, /) -> Sequence[bytes] | None:  # noqa: N802 (Twisted's name)
        """Return the values of a field."""

    def getAllRawHeaders(self) -> Iterable[tuple[bytes, Sequence[bytes]]]:  # noqa: N802 (Twisted's name)
        """Return all fields, each name with its values."""


@define(eq=False)
class SIPMessage:
    """One SIP message; ``carried`` is False for one of ours that no connection took."""

    seq: int
    time: float
    sent: bool
    flow: int
    text: str = field(repr=False)
    carried: bool = True

    @property
    def size(self) -> int:
        """Return how many bytes it takes, about."""
        return OVERHEAD + weight(self.text)


@define(eq=False)
class Asked:
    """One HTTP request of a page."""

    seq: int
    time: float
    dn: str
    agent_id: str
    method: bytes
    uri: bytes = field(repr=False)
    headers: HeaderFields = field(repr=False)
    body: bytes = field(repr=False)
    call_id: str = ""
    """The call that it is about, as far as that is known."""

    @property
    def size(self) -> int:
        """Return how many bytes it takes, about."""
        return OVERHEAD + weight_of_headers(self.headers) + len(self.uri) + len(self.body)


@define(eq=False)
class Answered:
    """The response to a request."""

    seq: int
    time: float
    asked: Asked
    code: int
    headers: HeaderFields = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Return how many bytes it takes, about."""
        return OVERHEAD + HEADERS_OVERHEAD + len(self.body)


@define(eq=False)
class Told:
    """
    A message that was delivered to a page.

    ``how`` is ``poll``, ``stream`` or ``wait``, ``kind`` the message's type, '' where only the text has it.
    """

    seq: int
    time: float
    agent_id: str
    how: str
    kind: str
    code: int
    body: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Return how many bytes it takes, about."""
        return OVERHEAD + len(self.body)


@define(eq=False)
class Note:
    """Something that happened inside the gateway."""

    seq: int
    time: float
    text: str

    @property
    def size(self) -> int:
        """Return how many bytes it takes, about."""
        return OVERHEAD + weight(self.text)


Entry = SIPMessage | Asked | Answered | Told | Note
