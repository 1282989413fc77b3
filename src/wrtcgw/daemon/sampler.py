"""One timer that takes the samples for charts, and sees by its own delay whether the event loop keeps up."""

from collections.abc import Callable
from typing import cast

from twisted.application.internet import TimerService
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.registry import Registry
from wrtcgw.daemon.collector import PAUSES
from wrtcgw.meters.meters import Meters

STEP = 1.0


class Sampler(TimerService):
    """Takes a sample each second."""

    def __init__(
        self,
        clock: IReactorTime,
        meters: Meters,
        registry: Registry,
        wall: Callable[[], float],
        pause: Callable[[], float] = PAUSES.taken,
    ) -> None:
        """
        Set up.

        :param wall: seconds since the epoch.
        :param pause: returns the longest pause of the collector since it was asked last, in milliseconds.
        """
        super().__init__(STEP, self._sample)
        self.clock = cast("None", clock)
        self._seconds = clock.seconds
        self._meters = meters
        self._registry = registry
        self._wall = wall
        self._pause = pause
        self._due: float | None = None

    def _sample(self) -> None:
        now = self._seconds()
        lag = 0.0 if self._due is None else max(0.0, now - self._due) * 1000
        self._due = now + STEP - (lag / 1000) % STEP
        registry, lag = self._registry, max(lag, self._pause())
        self._meters.sample(round(self._wall() * 1000), registry.call_count, registry.agent_count, lag)
