"""What survives the process: records of agents with their calls, under leases, in memory, SQLite or Redis."""

from wrtcgw.store.choice import store_from
from wrtcgw.store.interface import Lease, Record, Store, StoreSettings, StoreUnavailable, StoreUnusable

__all__ = ["Lease", "Record", "Store", "StoreSettings", "StoreUnavailable", "StoreUnusable", "store_from"]
