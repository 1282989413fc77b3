"""The store in memory."""

from tests.store import contract
from wrtcgw.store import Store
from wrtcgw.store.memory import MemoryStore


class MemoryTests(contract.Contract):
    """The contract."""

    async def opened(self, node: str = "one") -> Store:
        """Return an open store."""
        store = MemoryStore(node)
        await store.open()
        self.addCleanup(store.close)
        return store

    async def test_ends_with_the_process(self) -> None:
        """It says that it keeps nothing."""
        self.assertFalse((await self.opened()).survives)
