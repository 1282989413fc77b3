"""How long the garbage collector stops everything, seen by its own callbacks, which the whole process shares."""

import gc
from collections.abc import Callable
from time import perf_counter
from typing import Any

from twisted.application.service import Service

from wrtcgw.meters.meters import Meters


class CollectorWatch(Service):
    """
    Measures each collection while it runs.

    :param seconds: a clock that is good for a fraction of a millisecond; not the reactor's, which a test may hold.
    """

    def __init__(self, meters: Meters, seconds: Callable[[], float] = perf_counter) -> None:
        self._collections = meters.collections
        self._seconds = seconds
        self._began = 0.0

    def startService(self) -> None:
        """Look on from now on."""
        super().startService()
        gc.callbacks.append(self.notice)

    def stopService(self) -> None:
        """Look away."""
        super().stopService()
        gc.callbacks.remove(self.notice)

    def notice(self, phase: str, info: dict[str, Any]) -> None:
        """Take the beginning or the end of a collection (:data:`gc.callbacks`)."""
        if phase == "start":
            self._began = self._seconds()
        else:
            self._collections[info["generation"]].add(self._seconds() - self._began)
