"""
Equal lines of the log, limited: a number of one kind and source, then a few each second, and a count of the rest.

A flood of bad messages is one fact, not a million lines. Lines are of one kind when they have the same format; their
source is who they are about. What operators ask for by switching it on, debug and access log, is not limited, and what
they do themselves (``audit``) is never left out.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from attrs import define
from twisted.logger import ILogObserver, LogLevel

SOURCES = ("address", "peer", "client", "dn", "agent", "account", "flow", "namespace")
"""The fields that may name a source, the best first."""
BURST, PER_SECOND = 50.0, 5.0
"""Lines of one kind and source."""
KIND_BURST, KIND_PER_SECOND = 1000.0, 100.0
"""Lines of one kind, whatever the source."""
SUMMARY_SECONDS = 10.0
"""So often a count is written of what was left out."""
ANY = "any source"
REMEMBERED = 2000
"""Kinds and sources that are known at a time."""
UNLIMITED = ("wrtcgw.access", "wrtcgw.audit")
"""Namespaces."""

Key = tuple[str, str, str]
Event = dict[str, Any]


@define
class Bucket:
    """How many lines of a key may still be written, and how many were not."""

    level: float
    since: float
    omitted: int = 0
    first_omitted: float = 0.0
    severity: Any = LogLevel.info

    def omit(self, event: Event, now: float) -> None:
        """Count a line that is left out."""
        self.first_omitted = self.first_omitted if self.omitted else now
        self.omitted += 1
        self.severity = event.get("log_level", LogLevel.info)

    def take(self, now: float, burst: float, per_second: float) -> bool:
        """Take a line's place; return whether there was one."""
        self.level = min(burst, self.level + (now - self.since) * per_second)
        self.since = now
        if self.level < 1.0:
            return False
        self.level -= 1.0
        return True


class LineLimit:
    """
    Stands before an observer of the log.

    :param seconds: a clock.
    """

    def __init__(self, observer: ILogObserver, seconds: Callable[[], float]) -> None:
        self._observer = observer
        self._seconds = seconds
        self._buckets: OrderedDict[Key, Bucket] = OrderedDict()
        self._next_summary = 0.0

    def __call__(self, event: Event) -> None:
        """Pass an event on, unless there were too many of its like; whatever comes tells of those."""
        now = self._seconds()
        if now >= self._next_summary:
            self.summarize()
        if is_unlimited(event) or self._may_pass(event, now):
            self._observer(event)

    def summarize(self) -> None:
        """Write a line for each kind and source of which lines were left out since the last time."""
        now = self._seconds()
        self._next_summary = now + SUMMARY_SECONDS
        for key, bucket in tuple(self._buckets.items()):
            if bucket.omitted:
                self._observer(summary_of(key, bucket, now))
                bucket.omitted = 0

    def _may_pass(self, event: Event, now: float) -> bool:
        namespace, form = str(event.get("log_namespace", "")), str(event.get("log_format", ""))
        of_source = self._bucket((namespace, form, source_of(event)), now, BURST)
        of_kind = self._bucket((namespace, form, ANY), now, KIND_BURST)
        if not of_source.take(now, BURST, PER_SECOND):
            of_source.omit(event, now)
        elif not of_kind.take(now, KIND_BURST, KIND_PER_SECOND):
            of_kind.omit(event, now)
        else:
            return True
        return False

    def _bucket(self, key: Key, now: float, burst: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(burst, now)
        self._buckets.move_to_end(key)
        while len(self._buckets) > REMEMBERED:
            (namespace, form, _), gone = self._buckets.popitem(last=False)
            of_kind = self._buckets.get((namespace, form, ANY))
            if of_kind is not None:
                of_kind.omitted += gone.omitted
        return bucket


def is_unlimited(event: Event) -> bool:
    """Return whether an event is one that is never left out."""
    return event.get("log_level") is LogLevel.debug or str(event.get("log_namespace", "")).startswith(UNLIMITED)


def source_of(event: Event) -> str:
    """Return whom an event is about."""
    return next((f"{name} {event[name]}"[:100] for name in SOURCES if event.get(name) not in (None, "")), "no source")


def summary_of(key: Key, bucket: Bucket, now: float) -> Event:
    """Return the event that tells how many lines were left out."""
    namespace, form, source = key
    return {
        "log_level": bucket.severity,
        "log_namespace": namespace,
        "log_source": None,
        "log_time": time.time(),
        "log_format": "{count} more lines of {source} like {form} were left out within {seconds} s",
        "count": bucket.omitted,
        "source": source,
        "form": repr(form),
        "seconds": round(now - bucket.first_omitted, 1),
    }
