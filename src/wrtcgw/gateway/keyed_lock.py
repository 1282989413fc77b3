"""One after the other: work on the same name waits for its turn, work on other names does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field
from twisted.internet.defer import DeferredLock


@define
class _Turn:
    lock: DeferredLock = field(factory=DeferredLock)
    users: int = 0


class Turns:
    """Locks by name; a name that nobody uses costs nothing."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn of ``name``, and hold it."""
        turn = self._turns.setdefault(name, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[name]
