"""From settings to the store, and to the key of what is sealed in it."""

from typing import cast

from twisted.internet.interfaces import IReactorFromThreads, IReactorTCP, IReactorTime

from wrtcgw.config import Settings
from wrtcgw.store import Store, StoreSettings, store_from
from wrtcgw.store.sealing import key_of_text


def state_store(reactor: IReactorTCP, settings: Settings) -> Store:
    """
    Return the store that the settings name; it is not opened yet.

    :raises StoreUnusable: when a package is missing for it.
    :raises ValueError: if the CA file is of no use.
    """
    return store_from(
        settings.store_address,
        store_settings(settings),
        tcp=reactor,
        threads=cast(IReactorFromThreads, reactor),
        clock=cast(IReactorTime, reactor),
        ca_file=settings.state_store_ca_file,
    )


def store_settings(settings: Settings) -> StoreSettings:
    """Return the settings of the store."""
    return StoreSettings(node=settings.node, lease_ttl=settings.lease_ttl, store_timeout=settings.store_timeout)


def state_key(settings: Settings) -> bytes | None:
    """Return the key under which secrets are sealed, None when the agents' session tokens have to open them."""
    return key_of_text(settings.state_key) if settings.state_key else None
