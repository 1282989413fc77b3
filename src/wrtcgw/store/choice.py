"""Which store an address stands for."""

from twisted.internet.interfaces import IReactorFromThreads, IReactorTCP, IReactorTime

from wrtcgw.store.address import StoreAddress
from wrtcgw.store.interface import Store, StoreSettings
from wrtcgw.store.memory import MemoryStore
from wrtcgw.store.sqlite import SQLiteStore


def store_from(
    address: StoreAddress,
    settings: StoreSettings,
    *,
    tcp: IReactorTCP,
    threads: IReactorFromThreads,
    clock: IReactorTime,
) -> Store:
    """Make the store at an address; it is not opened."""
    if address.kind == "sqlite":
        return SQLiteStore(address.path, settings, threads, clock)
    if address.kind != "memory":
        raise NotImplementedError(address.kind)
    return MemoryStore(settings.node)
