"""
Spans of OpenTelemetry as values, the W3C field that carries a trace on, and which traces are kept.

A span is made when its work begins and given away when it has ended, all at once; nothing is wrapped around the work
itself. Names and attributes are in :mod:`wrtcgw.daemon.traces`, how they leave in :mod:`wrtcgw.daemon.span_export`.
"""

import re
from collections.abc import Callable
from enum import Enum
from hashlib import blake2b

from attrs import define, field, frozen

from wrtcgw.events.catalogue import HeaderFields

Value = str | int
"""Of an attribute."""

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_LOT = 8
"""Bytes of what is drawn for each trace."""


class Kind(Enum):
    """Which side of its work a span is; the values are those of the SDK's ``SpanKind``."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"


@frozen
class Context:
    """A place in a trace: the trace's number, and that of a span; 0 where the trace has none yet."""

    trace: int
    span: int = 0

    def __str__(self) -> str:
        return f"00-{self.trace:032x}-{self.span:016x}-01"


def read_context(text: bytes) -> Context | None:
    """Return what ``traceparent`` says (W3C Trace Context section 3.2); None when that is nothing."""
    found = _TRACEPARENT.fullmatch(text.strip())
    if found is None:
        return None
    trace, span = int(found[1], 16), int(found[2], 16)
    return Context(trace, span) if trace and span else None


def context_of(headers: HeaderFields | None) -> Context | None:
    """Return where in a trace a request says that it stands; None when it says nothing, or not clearly."""
    values = None if headers is None else headers.getRawHeaders(b"traceparent")
    return read_context(values[0]) if values is not None and len(values) == 1 else None


@define(eq=False)
class Span:
    """
    Some work, from its beginning on.

    :ivar parent: the number of the span that it belongs to, 0 for none.
    :ivar start: seconds since the epoch, as all times.
    :ivar events: what happened meanwhile: when, what, and its attributes.
    :ivar links: other places that it has to do with.
    :ivar error: what kind of failure it ended with; empty for none.
    """

    name: str
    kind: Kind
    context: Context
    parent: int
    start: float
    attributes: dict[str, Value] = field(factory=dict)
    events: list[tuple[float, str, dict[str, Value]]] = field(factory=list)
    links: tuple[Context, ...] = ()
    end: float = 0.0
    error: str = ""


@frozen
class Sampler:
    """
    Decides by a keyed hash of a trace's number whether it is kept: alike for all requests that bring this number.

    A page chooses the number, and the flag in ``traceparent``. By the flag, or by the number itself, it could have
    everything kept; which numbers the key favours it cannot know.

    :param ratio: how many of all traces, 0 to 1.
    :param random_bits: returns a random number of so many bits.
    :param key: secret, of this process.
    """

    ratio: float
    random_bits: Callable[[int], int]
    key: bytes = field(repr=False)

    def keeps(self, trace: int) -> bool:
        """Return whether a trace is kept."""
        lot = blake2b(trace.to_bytes(16), digest_size=_LOT, key=self.key).digest()
        return int.from_bytes(lot) < self.ratio * (1 << 8 * _LOT)

    def begin(self) -> Context | None:
        """Begin a trace; None when it is not kept."""
        trace = self.random_bits(128)
        return Context(trace) if trace and self.keeps(trace) else None

    def span(self, name: str, kind: Kind, under: Context, start: float) -> Span:
        """Begin a span below a place in a trace."""
        return Span(name, kind, Context(under.trace, self.random_bits(64) or 1), under.span, start)
