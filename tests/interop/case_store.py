"""The store in a real Redis: the contract, and a server that fails in every way."""

from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTCP, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs

from tests.interop.redisserver import HOST, Redis
from tests.store import contract
from wrtcgw.store import Store, StoreSettings, StoreUnusable, store_from
from wrtcgw.store.address import StoreAddress

PLANTED = "planted-secret"


def pause(seconds: float) -> "Deferred[None]":
    """Let time pass that a server measures."""
    return deferLater(cast(IReactorTime, reactor), seconds, lambda: None)


class RedisCase:
    """Makes stores; to be mixed in."""

    redis: Redis
    ttl = 0.4

    def store(self, node: str = "one", url: str = "", *, seconds: float = 2.0, ca_file: Path | None = None) -> Store:
        """Return a store that is not open yet."""
        return store_from(
            StoreAddress.parse(url or f"redis://{HOST}:{self.redis.port}/0"),
            StoreSettings(node=node, lease_ttl=self.ttl, store_timeout=seconds),
            tcp=cast(IReactorTCP, reactor),
            threads=cast(IReactorFromThreads, reactor),
            clock=cast(IReactorTime, reactor),
            ca_file=ca_file,
        )


class RedisTests(RedisCase, contract.SharedContract):
    """The contract."""

    ttl = 0.4

    def setUp(self) -> None:
        """Start a server."""
        self.redis = Redis(Path(self.mktemp()).absolute())
        self.addCleanup(self.redis.server.stop)
        self.redis.server.start()

    async def opened(self, node: str = "one") -> Store:
        """Return an open store."""
        store = self.store(node)
        self.addCleanup(store.close)
        await store.open()
        return store

    async def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        await pause(seconds)

    async def test_begins_without_a_loss(self) -> None:
        """Nothing is lost where nothing was."""
        store = await self.opened()
        losses: list[int] = []
        store.on_loss = lambda: losses.append(1)
        await store.take("a")
        await store.write({"a": b"1"})
        await pause(0.05)
        self.assertEqual(losses, [])

    async def test_emptied(self) -> None:
        """When somebody empties the database, the next write is taken, and tells of it."""
        store = await self.opened()
        losses: list[int] = []
        store.on_loss = lambda: losses.append(1)
        for key in ("a", "b"):
            await store.take(key)
        await store.write({"a": b"1", "b": b"1"})
        self.redis.wipe()
        self.assertEqual(await store.renew(["a", "b"]), frozenset())
        await pause(0.05)
        self.assertEqual(losses, [1])
        self.assertEqual(await store.write({"a": b"2"}), frozenset())
        self.assertEqual([record.key for record in await store.load()], ["a"])
        self.assertIsNone(await (await self.opened("two")).take("b"))

    async def test_thousands(self) -> None:
        """All of many large records are read, in pieces."""
        store = await self.opened()
        keys = [f"agent-{number}" for number in range(1_500)]
        for key in keys:
            await store.take(key)
        for start in range(0, len(keys), 100):
            await store.write({key: key.encode() * 2_000 for key in keys[start : start + 100]})
        loaded = {record.key: record.data for record in await store.load()}
        self.assertEqual(loaded, {key: key.encode() * 2_000 for key in keys})

    async def test_another_version(self) -> None:
        """Data of another version are left alone."""
        self.redis.say("SET", "wrtcgw:version", "2")
        with self.assertRaises(StoreUnusable) as caught:
            await self.store().open()
        self.assertIn("holds data of version 2", str(caught.exception))

    async def test_no_such_database(self) -> None:
        """A number that the server does not have is told."""
        with self.assertRaises(StoreUnusable) as caught:
            await self.store(url=f"redis://{HOST}:{self.redis.port}/99").open()
        self.assertIn("DB index is out of range", str(caught.exception))

    async def test_evicting(self) -> None:
        """A server that throws records away when memory is short is warned of."""
        self.redis.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        with capturedLogs() as logs:
            await self.opened()
        self.redis.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.assertIn("allkeys-lru", [event.get("policy") for event in logs])
