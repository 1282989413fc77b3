"""
Spans to a collector by OTLP over HTTP, with OpenTelemetry's SDK.

Imported only where traces are on, as its packages come with the extra ``otel``. Encoding, tries and the wait for the
collector are on a thread of its own, which ends with the process.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from requests import Session
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads

from wrtcgw import __version__
from wrtcgw.daemon.span_export import PATIENCE
from wrtcgw.daemon.spans import Context, Span

SCOPE = InstrumentationScope("wrtcgw", __version__)


class OTLPThread:
    """
    Sends batches.

    :param endpoint: the whole URL, mostly with ``/v1/traces`` at its end.
    :param headers: fields of each request, as a token of the collector.
    :param node: the name of this gateway, if it has one.
    :param ca_file: who signs the certificate of the collector; None for the usual ones.
    """

    def __init__(
        self, reactor: IReactorFromThreads, endpoint: str, headers: Mapping[str, str], node: str, ca_file: Path | None
    ) -> None:
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())  # the result is told, and logged elsewhere
        self._reactor = reactor
        self._endpoint = endpoint
        session = Session()
        session.trust_env = False  # neither a proxy nor .netrc, as in all that the gateway sends
        self._exporter = OTLPSpanExporter(
            endpoint,
            certificate_file=str(ca_file) if ca_file else None,
            headers=dict(headers),
            timeout=PATIENCE,
            session=session,
        )
        service = {"service.name": "wrtcgw", "service.version": __version__}
        self._resource = Resource.create({**service, "service.instance.id": node} if node else service)
        self._batches: SimpleQueue[tuple[Sequence[Span], Deferred[str]]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def deliver(self, batch: Sequence[Span]) -> "Deferred[str]":
        """Send a batch; fires with why it was not taken, empty when it was."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="traces", daemon=True)
            self._thread.start()
        done: Deferred[str] = Deferred()
        self._batches.put((batch, done))
        return done

    def _work(self) -> None:
        while True:
            batch, done = self._batches.get()
            self._reactor.callFromThread(done.callback, self._export(batch))

    def _export(self, batch: Sequence[Span]) -> str:
        try:
            result = self._exporter.export([readable(span, self._resource) for span in batch])
        except Exception as error:  # whatever it is, calls must not notice
            return f"{type(error).__name__}: {error}"
        return "" if result is SpanExportResult.SUCCESS else f"{self._endpoint} did not take {len(batch)} spans"


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """Return a span as the SDK has it."""
    context = span.context
    return ReadableSpan(
        span.name,
        _sdk_context(context),
        _sdk_context(Context(context.trace, span.parent)) if span.parent else None,
        resource,
        dict(span.attributes),
        [Event(name, dict(attributes), _nanoseconds(when)) for when, name, attributes in span.events],
        [Link(_sdk_context(link)) for link in span.links],
        SpanKind[span.kind.value],
        status=Status(StatusCode.ERROR if span.error else StatusCode.UNSET),
        start_time=_nanoseconds(span.start),
        end_time=_nanoseconds(span.end),
        instrumentation_scope=SCOPE,
    )


def _sdk_context(context: Context) -> SpanContext:
    return SpanContext(context.trace, context.span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(moment: float) -> int:
    return round(moment * 1_000_000) * 1000
