"""Which store an address stands for."""

from pathlib import Path

from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IReactorFromThreads, IReactorTCP, IReactorTime, IStreamClientEndpoint

from wrtcgw.store.address import NO_CLIENT, REDIS, StoreAddress
from wrtcgw.store.interface import Store, StoreSettings, StoreUnusable
from wrtcgw.store.memory import MemoryStore
from wrtcgw.store.sqlite import SQLiteStore
from wrtcgw.transport.tls import TLSSettings, connection_creator


def store_from(
    address: StoreAddress,
    settings: StoreSettings,
    *,
    tcp: IReactorTCP,
    threads: IReactorFromThreads,
    clock: IReactorTime,
    ca_file: Path | None = None,
) -> Store:
    """
    Make the store at an address; it is not opened.

    :param ca_file: the CAs that Redis' certificate may come from, in place of the system's.
    :raises StoreUnusable: when a package is missing for it.
    :raises ValueError: if the CA file is of no use.
    """
    if address.kind == "sqlite":
        return SQLiteStore(address.path, settings, threads, clock)
    if address.kind in REDIS:
        return _redis(address, settings, tcp, clock, ca_file)
    return MemoryStore(settings.node)


def _redis(
    address: StoreAddress, settings: StoreSettings, tcp: IReactorTCP, clock: IReactorTime, ca_file: Path | None
) -> Store:
    try:
        from wrtcgw.store.redis import RedisStore  # noqa: PLC0415 (its package is an extra)
    except ImportError:
        raise StoreUnusable(NO_CLIENT) from None
    endpoint: IStreamClientEndpoint
    endpoint = HostnameEndpoint(tcp, address.host.encode("idna"), address.port, timeout=settings.store_timeout)
    if address.kind == "rediss":
        endpoint = wrapClientTLS(connection_creator(address.host, TLSSettings(ca_file=ca_file)), endpoint)
    return RedisStore(address, settings, endpoint, clock)
