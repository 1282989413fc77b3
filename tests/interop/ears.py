"""Waiting for what a page shows, and for the sound that it has: the same for pages in Chromium and in Firefox."""

from typing import Any, Protocol

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.interop.chromium import Audio

TRIES = 80
PAUSE = 0.25


class AnyTab(Protocol):
    """A page in whatever browser."""

    def evaluate(self, expression: str, *arguments: object) -> "Deferred[Any]":
        """Evaluate a JavaScript function."""

    async def audio(self, connection: str) -> Audio:
        """Return what went over a connection."""


def pause(seconds: float) -> "Deferred[None]":
    """Let some time pass."""
    return deferLater(reactor, seconds, lambda: None)


async def until(tab: AnyTab, condition: str, *arguments: object) -> Any:
    """Wait until a JavaScript function of the page returns something true, and return that."""
    for _ in range(TRIES):
        value = await tab.evaluate(condition, *arguments)
        if value:
            return value
        await pause(PAUSE)
    raise AssertionError(f"waited in vain for {condition}")


async def hears(tab: AnyTab, connection: str) -> Audio:
    """Wait until there is sound both ways over a connection, and return how much there was by then."""
    await until(tab, f"() => Boolean({connection})")
    before = await tab.audio(connection)
    for _ in range(TRIES):
        await pause(PAUSE)
        now = await tab.audio(connection)
        if now.grown(before):
            return now
    raise AssertionError(f"no sound both ways: {now}, before {before}")


async def falls_silent(tab: AnyTab, connection: str) -> None:
    """Wait until a second passes in which nothing comes in."""
    before = await tab.audio(connection)
    for _ in range(10):
        await pause(1.0)
        now = await tab.audio(connection)
        if now.received - before.received <= 2:
            return
        before = now
    raise AssertionError(f"sound still comes in: {now}")
