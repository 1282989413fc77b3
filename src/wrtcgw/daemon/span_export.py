"""
The queue of spans on their way to a collector.

Nothing waits for a collector. What finds no place in the queue is dropped, and counted; so is what the collector does
not take.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.metrics_core import Metric
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from wrtcgw.daemon.exposition import counter
from wrtcgw.daemon.spans import Span
from wrtcgw.meters.tally import Tally

log = Logger()

MOST, BATCH = 4096, 512
"""Spans that wait at most, and that leave at once."""
PAUSE = 5.0
"""Seconds between two batches that are not full."""
PATIENCE = 10.0
"""Seconds for one batch, tries included."""
FAREWELL = 3.0
"""Seconds for all that is left when the gateway stops."""

Deliver = Callable[[Sequence[Span]], "Deferred[str]"]
"""Takes a batch to the collector; fires with why it could not, empty when it did."""


class SpanExport(Service):
    """
    Keeps spans until the collector has them.

    :param deliver: never called again before it has fired.
    """

    def __init__(self, deliver: Deliver, clock: IReactorTime) -> None:
        self.numbers = Tally.of(("sent",), ("dropped",), ("failed",))
        self.each_time: Callable[[], object] = lambda: None
        """Called now and then, for who makes the spans to look after them."""
        self.at_end: Callable[[], object] = lambda: None
        """Called when the gateway stops, before the last spans leave."""
        self._deliver = deliver
        self._clock = clock
        self._waiting: deque[Span] = deque()
        self._is_busy = False
        self._fault = ""
        self._emptied: Deferred[None] | None = None
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = clock

    def add(self, span: Span) -> None:
        """Take a span that has ended, if there is place."""
        if len(self._waiting) >= MOST:
            self.numbers.add("dropped")
            return
        self._waiting.append(span)
        if len(self._waiting) >= BATCH:
            self._send()

    def series(self) -> Iterator[Metric]:
        """Return what Prometheus is told."""
        yield counter("trace_spans", "Spans for the collector.", ("result",), self.numbers)

    def startService(self) -> None:
        """Begin to deliver."""
        super().startService()
        self._ticking.start(PAUSE, now=False)

    def stopService(self) -> "Deferred[object]":
        """Deliver what there is, as far as that is done in time."""
        super().stopService()
        if self._ticking.running:
            self._ticking.stop()
        self.at_end()
        self._emptied = Deferred()
        self._emptied.addTimeout(FAREWELL, self._clock, onTimeoutCancel=lambda result, seconds: None)
        done = self._emptied
        self._send()
        return maybeDeferred(lambda: done)

    def _tick(self) -> None:
        self.each_time()
        self._send()

    def _send(self) -> None:
        if self._is_busy:
            return
        if not self._waiting:
            emptied, self._emptied = self._emptied, None
            if emptied is not None:
                emptied.callback(None)
            return
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        self._is_busy = True
        self._deliver(batch).addCallback(self._done, len(batch))

    def _done(self, fault: str, count: int) -> None:
        self._is_busy = False
        self.numbers.extend(((("failed" if fault else "sent",), count),))
        if fault and not self._fault:
            log.warn("traces: the collector takes nothing: {fault}", fault=fault)
        elif self._fault and not fault:
            log.info("traces: the collector takes spans again")
        self._fault = fault
        if self._emptied is not None or len(self._waiting) >= BATCH:
            self._send()
