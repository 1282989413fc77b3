"""
A log level for twistd, which has none: events below it are dropped before they reach twistd's own log observers.

So ``--logfile``, ``--syslog``, ``--logger`` and the rotation by SIGUSR1 stay as they are.
"""

from typing import cast

from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
)


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
        Put the filter before every observer that the publisher has now.

        A publisher has no public list of its observers, and twistd no place to ask for one.
        """
        for observer in list(publisher._observers):
            filtered = cast(ILogObserver, FilteringLogObserver(observer, [cast(ILogFilterPredicate, self._predicate)]))
            publisher.removeObserver(observer)
            publisher.addObserver(filtered)
            self._wrapped.append((observer, filtered))

    def remove(self, publisher: LogPublisher) -> None:
        """Put things back, so that twistd can take its observers away."""
        for observer, filtered in self._wrapped:
            publisher.removeObserver(filtered)
            publisher.addObserver(observer)
        self._wrapped.clear()
