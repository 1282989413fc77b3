"""The store in a file of SQLite: the contract, and what can be wrong with files."""

from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime

from tests.store import contract
from wrtcgw.store import Store, StoreSettings
from wrtcgw.store.sqlite import SQLiteStore


class SQLiteTests(contract.DurableContract):
    """The contract."""

    def setUp(self) -> None:
        """Have a folder."""
        self.path = Path(self.mktemp()).absolute() / "state.db"
        self.path.parent.mkdir()

    def store(self, node: str = "one", seconds: float = 10.0) -> SQLiteStore:
        """Return a store that is not open yet."""
        threads, clock = cast(IReactorFromThreads, reactor), cast(IReactorTime, reactor)
        store = SQLiteStore(self.path, StoreSettings(node=node, store_timeout=seconds), threads, clock)
        self.addCleanup(store.close)
        return store

    async def opened(self, node: str = "one") -> Store:
        """Return an open store."""
        store = self.store(node)
        await store.open()
        return store
