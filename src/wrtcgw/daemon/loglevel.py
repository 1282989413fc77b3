"""
A log level for twistd, which has none: events below it are dropped before they reach twistd's own log observers.

So ``--logfile``, ``--syslog``, ``--logger`` and the rotation by SIGUSR1 stay as they are.

The texts of peers in an event are made legible: bytes that are no UTF-8 would cost the whole line, because no file
takes their surrogate escapes, and control characters could command an operator's terminal.
"""

from functools import partial
from typing import Any, cast

from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
)

_ILLEGIBLE = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"},
    **{code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)},
    **{0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)},
}


def _observe_legibly(observer: ILogObserver, event: dict[str, Any]) -> None:
    foreign = {
        name: value.translate(_ILLEGIBLE)
        for name, value in event.items()
        if isinstance(value, str) and not value.isprintable()
    }
    observer({**event, **foreign} if foreign else event)


class LevelControl:
    """Holds the level; it can change at any time."""

    def __init__(self, level: str) -> None:
        self._predicate = LogLevelFilterPredicate()
        self._wrapped: list[tuple[ILogObserver, ILogObserver]] = []
        self.set(level)

    def set(self, level: str) -> None:
        """
        Change the level.

        :param level: a name of :class:`twisted.logger.LogLevel`.
        """
        self._predicate.setLogLevelForNamespace("", LogLevel.levelWithName(level))

    def install(self, publisher: LogPublisher) -> None:
        """
        Put the filter before every observer that the publisher has now, and make legible what gets through.

        A publisher has no public list of its observers, and twistd no place to ask for one.
        """
        for observer in list(publisher._observers):
            legible = cast(ILogObserver, partial(_observe_legibly, observer))
            filtered = cast(ILogObserver, FilteringLogObserver(legible, [cast(ILogFilterPredicate, self._predicate)]))
            publisher.removeObserver(observer)
            publisher.addObserver(filtered)
            self._wrapped.append((observer, filtered))

    def remove(self, publisher: LogPublisher) -> None:
        """Put things back, so that twistd can take its observers away."""
        for observer, filtered in self._wrapped:
            publisher.removeObserver(filtered)
            publisher.addObserver(observer)
        self._wrapped.clear()
