"""A planned end: nothing new is taken, calls have their time, then the process stops."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from wrtcgw.gateway import Gateway

log = Logger()

LOOK = 0.5
"""Seconds between two looks whether calls are up still."""


class Draining:
    """
    Waits for the last call, or for as long as it may.

    Where calls are kept in a store they need not end: those that are up when that is over go on in the next process.

    :param stop: ends the process.
    """

    def __init__(self, gateway: Gateway, clock: IReactorTime, stop: Callable[[], object]) -> None:
        self._gateway = gateway
        self._clock = clock
        self._stop = stop
        self._until = 0.0
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    def begin(self, limit: float) -> None:
        """Take nothing new, and stop when no call is up, after ``limit`` seconds at the latest."""
        self._gateway.operation.drain(True)
        self._until = self._clock.seconds() + limit
        if not self._looking.running:
            self._looking.start(LOOK)

    def cancel(self) -> None:
        """Do not stop; whether new calls are taken is another matter."""
        if self._looking.running:
            self._looking.stop()

    def _look(self) -> None:
        calls = self._gateway.health().active_calls
        if calls and self._clock.seconds() < self._until:
            return
        self._looking.stop()
        if calls:
            log.warn("drained for as long as was allowed: {calls} calls are up still", calls=calls)
        else:
            log.info("drained: no call is up")
        self._stop()
