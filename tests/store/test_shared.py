"""The stand-in for a shared store keeps the contract, so that what tests prove with it holds for Redis."""

from twisted.internet.task import Clock

from tests.store import contract
from tests.support.sharedstore import SharedRecords, SharedStore
from wrtcgw.store import Store


class SharedTests(contract.SharedContract):
    """The contract."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.records = SharedRecords(self.clock.seconds, self.ttl)

    async def opened(self, node: str = "one") -> Store:
        """Return an open store."""
        return SharedStore(self.records, node)

    async def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
