"""For whom something is waited, each for as long: one timer serves all."""

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.interfaces import IDelayedCall

from wrtcgw.gateway.context import GatewayContext

K = TypeVar("K")

ROUNDING = 0.01
"""Seconds by which a look is late, lest it comes just before the time by which it was reckoned."""


class Watch(Generic[K]):
    """
    Agents or pages for whom something is waited, for each as long; one timer serves all.

    :param limit: for how many seconds; 0 for ever.
    :param due: told of one for whom the time is over.
    """

    def __init__(self, context: GatewayContext, limit: Callable[[], float], due: Callable[[K], None]) -> None:
        self._context = context
        self._limit = limit
        self._due = due
        self._since: dict[K, float] = {}
        """Since when, in that order."""
        self._timer: IDelayedCall | None = None

    def __contains__(self, one: K) -> bool:
        return one in self._since

    def begin(self, one: K) -> None:
        """Wait for one from now on."""
        self._since.pop(one, None)
        self._since[one] = self._context.now()
        self._arm()

    def drop(self, one: K) -> None:
        """Wait for one no more."""
        self._since.pop(one, None)

    def stop(self) -> None:
        """Let the timer go, as there is nobody left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        """Wake up when the one for whom it was waited longest is due, or before."""
        limit = self._limit()
        if self._timer is None and limit and self._since:
            due = next(iter(self._since.values())) + limit - self._context.now()
            self._timer = self._context.later(max(0.001, due), self._wake)  # rounding must not make it spin

    def _wake(self) -> None:
        self._timer = None
        limit = self._limit()
        latest = self._context.now() - limit
        while limit and self._since and next(iter(self._since.values())) <= latest:
            one = next(iter(self._since))
            del self._since[one]
            self._due(one)
        self._arm()
