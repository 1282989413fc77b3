"""
``/metrics``: what is counted, in the formats of Prometheus and OpenMetrics.

Nothing is counted here. A *source* is asked when somebody scrapes, and reads what others have: the meters, or tables.
So an event costs what the meters take, whether anybody scrapes or not; a gauge is what the table has at that moment;
and there is one number, not two that can differ.

A part with series of its own gives its source to :meth:`Exposition.add`.
"""

import platform
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from twisted import __version__ as twisted_version
from twisted.logger import Logger

from wrtcgw import __version__
from wrtcgw.meters.histogram import Buckets
from wrtcgw.meters.tally import Labels, Tally

log = Logger()

PREFIX = "wrtcgw_"

Source = Callable[[], Iterable[Metric]]


class Exposition:
    """Writes what its sources say; one that fails is logged and left out."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self.add(build_info)

    def add(self, source: Source) -> None:
        """Ask this source too, at each scrape."""
        self._registry.register(_Asked(source))

    def write(self, accept: str) -> tuple[bytes, bytes]:
        """
        Return the media type and the body of a response.

        :param accept: the Accept field of the request: OpenMetrics is written for who asks for it, else Prometheus'
            text format 0.0.4, which everybody reads. Nothing else of what it says is looked at.
        """
        if "application/openmetrics-text" in accept:
            return openmetrics.CONTENT_TYPE_LATEST.encode("ascii"), openmetrics.generate_latest(self._registry)
        return CONTENT_TYPE_PLAIN_0_0_4.encode("ascii"), generate_latest(self._registry)


class _Asked(Collector):
    """A source as the registry wants it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        """Return what the source says now."""
        try:
            return list(self._source())
        except Exception:
            log.failure("some metrics are missing: their source has failed")
            return ()


def counter(name: str, text: str, names: Labels, tally: Tally) -> Metric:
    """Return what a tally has; ``name`` is without prefix and ``_total``."""
    family = CounterMetricFamily(PREFIX + name, text, labels=names)
    for labels, number in tally:
        family.add_metric(labels, number)
    return family


def gauge(name: str, text: str, names: Labels, values: Iterable[tuple[Labels, float]]) -> Metric:
    """Return values as they are now, each with its labels."""
    family = GaugeMetricFamily(PREFIX + name, text, labels=names)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def histogram(name: str, text: str, names: Labels, all_buckets: Iterable[tuple[Labels, Buckets]]) -> Metric:
    """Return how values are spread, each histogram with its labels."""
    family = HistogramMetricFamily(PREFIX + name, text, labels=names)
    for labels, buckets in all_buckets:
        bounds = [("+Inf" if bound == float("inf") else f"{bound:g}", number) for bound, number in buckets]
        family.add_metric(labels, bounds, buckets.sum)
    return family


def build_info() -> Iterable[Metric]:
    """Return what runs here."""
    versions = (__version__, platform.python_version(), twisted_version)
    yield gauge("build_info", "Always 1; the labels tell what runs.", ("version", "python", "twisted"), [(versions, 1)])
