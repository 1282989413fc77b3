"""A collector of OpenTelemetry for tests: takes what comes by OTLP over HTTP, and shows it."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from attrs import frozen
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site


@frozen
class Received:
    """A span as the collector has it; numbers as hexadecimal digits, ``parent`` empty for none."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, object]
    events: tuple[str, ...]
    links: tuple[str, ...]
    seconds: float
    error: bool
    service: Mapping[str, object]


def attributes(pairs: "Iterator[KeyValue]") -> dict[str, object]:
    """Return attributes as a dictionary."""
    found: dict[str, object] = {}
    for pair in pairs:
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind) if kind else None
    return found


def read(body: bytes) -> Iterator[Received]:
    """Iterate over the spans of a request."""
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        service = attributes(iter(resource.resource.attributes))
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield Received(
                span.name,
                trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                attributes(iter(span.attributes)),
                tuple(event.name for event in span.events),
                tuple(link.trace_id.hex() for link in span.links),
                (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
                service,
            )


class Collector(Resource):
    """Listens on loopback, at a port of its own; ``spans`` is all that has come."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Received] = []
        self.fields: list[Mapping[bytes, list[bytes]]] = []
        """Header fields of each request."""
        self.status = 200
        self._port: Any = reactor.listenTCP(0, cast(Any, Site(self)), interface="127.0.0.1")

    @property
    def url(self) -> str:
        """Where it takes spans."""
        return f"http://127.0.0.1:{self._port.getHost().port}/v1/traces"

    def render_POST(self, request: Request) -> bytes:  # noqa: N802 (Twisted's name)
        """Take spans."""
        assert request.content is not None
        assert request.path == b"/v1/traces"
        self.fields.append({name: list(values) for name, values in request.requestHeaders.getAllRawHeaders()})
        request.setResponseCode(self.status)
        request.setHeader("Connection", "close")  # nothing is left open when the test is over
        if self.status == 200:
            self.spans.extend(read(request.content.read()))
        return b""

    async def stop(self) -> None:
        """Stop listening."""
        await self._port.stopListening()
