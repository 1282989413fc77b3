"""Waiting for a condition, told of each change by whoever makes one: settle, then tell."""

import asyncio
from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class Changes:
    """Those who wait for something of one agent or call."""

    _waiting: set[asyncio.Future[None]] = field(factory=set, init=False)

    def tell(self) -> None:
        """Let all look again."""
        for each in self._waiting:
            if not each.done():
                each.set_result(None)

    async def until(self, condition: Callable[[], object], within: float | None, what: str) -> None:
        """
        Return when the condition is true, at once if it is so already; nothing else has run in between.

        :param within: seconds; None waits without end.
        :param what: for the text of the error.
        :raises TimeoutError: when it is not true in time.
        """
        loop = asyncio.get_running_loop()
        deadline = None if within is None else loop.time() + within
        while not condition():
            looking = loop.create_future()
            self._waiting.add(looking)
            try:
                async with asyncio.timeout_at(deadline):
                    await looking
            except TimeoutError:
                if condition():
                    return
                raise TimeoutError(f"waited {within:g} s in vain for {what}") from None
            finally:
                self._waiting.discard(looking)
