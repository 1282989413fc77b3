"""
A log level for twistd, which has none: events below it are dropped before they reach twistd's own log observers.

So ``--logfile``, ``--syslog``, ``--logger`` and the rotation by SIGUSR1 stay as they are.

The texts of peers in an event are made legible: bytes that are no UTF-8 would cost the whole line, because no file
takes their surrogate escapes, and control characters could command an operator's terminal.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from prometheus_client.metrics_core import Metric
from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
)

from wrtcgw.daemon.exposition import counter
from wrtcgw.daemon.log_limit import LineLimit
from wrtcgw.meters.tally import Tally
from wrtcgw.redact import escaped

_BYTES = {0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)}
"""What stands for bytes that are no UTF-8."""


def _observe_legibly(observer: ILogObserver, event: dict[str, Any]) -> None:
    foreign = {
        name: escaped(value.translate(_BYTES))
        for name, value in event.items()
        if isinstance(value, str) and not value.isprintable()
    }
    observer({**event, **foreign} if foreign else event)


COUNTED = ("warn", "error", "critical")
AUDIT = "wrtcgw.audit"
"""The namespace that no level silences: who can change the level must not be able to hide it."""


class LevelControl:
    """
    Holds the levels, which can change at any time, and keeps equal lines from filling the disk.

    :param seconds: a clock.
    :ivar lines: how many events there were of each level from ``warn`` on, those that no line was written for included.
    """

    def __init__(self, level: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._limits: list[LineLimit] = []
        self._predicate = LogLevelFilterPredicate()
        self.lines = Tally.of(*((name,) for name in COUNTED))
        self._counter = cast(ILogObserver, self._count)
        self._wrapped: list[tuple[ILogObserver, ILogObserver]] = []
        self.set(level)

    def set(self, level: str, components: Mapping[str, str] = MappingProxyType({})) -> None:
        """
        Change the levels.

        :param level: a name of :class:`twisted.logger.LogLevel`.
        :param components: other levels for some of the package's parts.
        """
        self._predicate.clearLogLevels()
        self._predicate.setLogLevelForNamespace("", LogLevel.levelWithName(level))
        for component, own in components.items():
            self._predicate.setLogLevelForNamespace(f"wrtcgw.{component}", LogLevel.levelWithName(own))
        self._predicate.setLogLevelForNamespace(AUDIT, LogLevel.debug)

    def series(self) -> Iterator[Metric]:
        """Return what Prometheus is told."""
        yield counter("log_events", "What was worth a line of the log, from warn on.", ("level",), self.lines)

    def _count(self, event: dict[str, Any]) -> None:
        level = event.get("log_level")
        if level is not None and level.name in COUNTED:
            self.lines.add(level.name)

    def install(self, publisher: LogPublisher) -> None:
        """
        Put the filter before every observer that the publisher has now, and make legible what gets through.

        A publisher has no public list of its observers, and twistd no place to ask for one.
        """
        for observer in list(publisher._observers):
            legible = cast(ILogObserver, partial(_observe_legibly, observer))
            limited = LineLimit(legible, self._seconds)
            self._limits.append(limited)
            predicates = [cast(ILogFilterPredicate, self._predicate)]
            filtered = cast(ILogObserver, FilteringLogObserver(cast(ILogObserver, limited), predicates))
            publisher.removeObserver(observer)
            publisher.addObserver(filtered)
            self._wrapped.append((observer, filtered))
        publisher.addObserver(self._counter)

    def summarize(self) -> None:
        """Write how many lines were left out; to be called now and then, because nothing else may be logged."""
        for limit in self._limits:
            limit.summarize()

    def remove(self, publisher: LogPublisher) -> None:
        """Put things back, so that twistd can take its observers away."""
        for observer, filtered in self._wrapped:
            publisher.removeObserver(filtered)
            publisher.addObserver(observer)
        publisher.removeObserver(self._counter)
        self._wrapped.clear()
        self._limits.clear()
