"""The store in a real Redis: the contract, and a server that fails in every way; SQLite on disks that fail."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent

from tests.interop.authority import Certificates, make_certificates
from tests.interop.redisserver import HOST, Redis
from tests.store import contract
from wrtcgw.store import Record, Store, StoreSettings, StoreUnavailable, StoreUnusable, store_from
from wrtcgw.store.address import StoreAddress

ACL = """
~wrtcgw:* +auth +select +info|server +info|memory +eval +quit
+get +set +exists +time +hset +hmget +hdel +hexists +persist +expire +zadd +zrem +zscore +zrange +zrangebyscore
"""
"""The rights that the documents tell."""
PASSWORD = "planted: p\u00e4ss/word@"


loop: Any = reactor


def pause(seconds: float) -> "Deferred[None]":
    """Let time pass that a server measures."""
    return deferLater(loop, seconds, lambda: None)


class RedisCase(contract.StoreCase):
    """A server of its own for each case, and stores in it."""

    redis: Redis
    ttl = 0.4

    def serve(self, *options: str, certificates: Certificates | None = None) -> None:
        """Start a server, which ends with the case."""
        self.redis = Redis(Path(self.mktemp()).absolute(), *options, certificates=certificates)
        self.addCleanup(self.redis.server.stop)
        self.redis.server.start()

    async def opened(self, node: str = "one", url: str = "", *, seconds: float = 2.0) -> Store:
        """Return an open store."""
        store = self.store(node, url, seconds=seconds)
        self.addCleanup(store.close)
        await store.open()
        return store

    async def eventually(self, store: Store, changes: Mapping[str, bytes | None]) -> None:
        """Write, as soon as the store takes it."""
        for _ in range(100):
            try:
                self.assertEqual(await store.write(changes), frozenset())
            except StoreUnavailable:
                await pause(0.05)
            else:
                return
        self.fail("the store did not come back within 5 s")

    async def unavailable(self, asked: "Deferred[Any]") -> str:
        """Return why the store does not do something."""
        with self.assertRaises(StoreUnavailable) as caught:
            await asked
        self.assertIn(f":{self.redis.port}/0: ", str(caught.exception))
        return str(caught.exception)

    def store(self, node: str = "one", url: str = "", *, seconds: float = 2.0, ca_file: Path | None = None) -> Store:
        """Return a store that is not open yet."""
        return store_from(
            StoreAddress.parse(url or f"redis://{HOST}:{self.redis.port}/0"),
            StoreSettings(node=node, lease_ttl=self.ttl, store_timeout=seconds),
            tcp=loop,
            threads=loop,
            clock=loop,
            ca_file=ca_file,
        )


class RedisTests(RedisCase, contract.SharedContract):
    """The contract, and one server that has nothing wrong."""

    def setUp(self) -> None:
        """Start a server."""
        self.serve()

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

    async def test_emptied_and_taken(self) -> None:
        """Whoever takes an agent first after a loss has it, also with the fence that another one had before."""
        one, two = await self.opened("one"), await self.opened("two")
        before = await self.taken(one, "a")
        self.redis.wipe()
        self.assertEqual((await self.taken(two, "a")).fence, before.fence)
        self.assertEqual(await one.write({"a": b"1"}), frozenset({"a"}))
        self.assertEqual(await two.write({"a": b"2"}), frozenset())

    async def test_emptied_and_renewed(self) -> None:
        """After a loss the fences go on above those that are shown, for all agents."""
        one, two = await self.opened("one"), await self.opened("two")
        fences = [(await self.taken(one, key)).fence for key in ("a", "b", "c")]
        self.redis.wipe()
        self.assertEqual(await one.renew(["c"]), frozenset())
        self.assertGreater((await self.taken(two, "a")).fence, max(fences))
        self.assertEqual(await one.renew(["a"]), frozenset({"a"}))

    async def test_trace(self) -> None:
        """What is over is forgotten by the server after a day, unless it is taken again."""
        store = await self.opened()
        for _ in range(2):
            await store.take("a")
            self.assertEqual(self.redis.say("TTL", "wrtcgw:agent:a"), b":-1\r\n")
            await store.release(["a"])
            self.assertEqual(self.redis.say("TTL", "wrtcgw:agent:a"), b":86400\r\n")

    async def test_strange(self) -> None:
        """What somebody else has put where records are harms no other record, and gives way to who has the agent."""
        store = await self.opened()
        for key in ("good", "text", "list", "number"):
            await store.take(key)
        await store.write(dict.fromkeys(("good", "text", "list", "number"), b"1"))
        self.redis.say_all(
            ("DEL", "wrtcgw:agent:text", "wrtcgw:agent:list"),
            ("SET", "wrtcgw:agent:text", "x"),
            ("RPUSH", "wrtcgw:agent:list", "x"),
            ("HSET", "wrtcgw:agent:number", "written", "x"),
        )
        self.assertEqual({each.key for each in await store.load()}, {"good", "number"})
        self.assertEqual(await store.renew(["good", "list"]), frozenset())
        self.assertIsNone(await store.read("text"))
        self.assertEqual(await store.write({"good": b"2", "text": b"2"}), frozenset())
        self.assertEqual(await self.kept(store, "text"), b"2")
        self.redis.say_all(("DEL", "wrtcgw:agent:list"), ("SET", "wrtcgw:agent:list", "x"))
        await store.release(["good", "list", "number"])
        other = await self.opened("two")
        self.assertEqual(set(await other.expired()), {"good", "number"})
        self.assertIsNone(await other.read("list"))
        self.assertGreater((await self.taken(other, "list")).fence, 0)
        await other.write({"list": b"3"})
        self.assertEqual(await self.kept(other, "list"), b"3")

    async def test_strange_layout(self) -> None:
        """Where what all gateways need is something else, none starts, and the text says what to do."""
        for name in ("version", "fence", "leases"):
            self.redis.wipe()
            self.redis.say("RPUSH", f"wrtcgw:{name}", "x")
            with self.assertRaises(StoreUnusable) as caught:
                await self.store().open()
            self.assertIn("another program", str(caught.exception))

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


class RedisFaultTests(RedisCase):
    """A server that is not there, ends, hangs, or refuses."""

    ttl = 30.0

    def asked(self, store: Store) -> dict[str, "Deferred[Any]"]:
        """Ask everything that there is to ask."""
        return {
            "load": store.load(),
            "read": store.read("a"),
            "write": store.write({"a": b"2"}),
            "take": store.take("b"),
            "renew": store.renew(["a"]),
            "release": store.release(["a"]),
            "expired": store.expired(),
        }

    async def test_down_at_the_start(self) -> None:
        """A server that is not there is told at once; when it is there, the same store opens."""
        self.serve()
        self.redis.server.stop()
        store = self.store()
        self.addCleanup(store.close)
        self.assertIn("refused", await self.unavailable(store.open()))
        self.redis.server.start()
        await store.open()
        self.assertEqual(await store.load(), [])

    async def test_dies(self) -> None:
        """While the server is away all is refused at once; when it is back, it is told that all is to be written."""
        self.serve()
        store = await self.opened()
        losses: list[int] = []
        store.on_loss = lambda: losses.append(1)
        lease = await self.taken(store, "a")
        await store.write({"a": b"1"})
        self.redis.server.signal(signal.SIGKILL)
        self.redis.server.stop()
        await pause(0.1)
        for asked in self.asked(store).values():
            self.assertRegex(await self.unavailable(asked), "closed the connection|refused")
        self.assertEqual(losses, [])
        self.redis.server.start()
        await self.until(lambda: bool(losses))
        again = await self.taken(store, "a")
        self.assertGreater(again.fence, lease.fence - 1)
        self.assertEqual(await store.write({"a": b"3"}), frozenset())
        self.assertEqual(losses, [1])

    async def test_dies_with_a_lease(self) -> None:
        """After the death of a server that keeps nothing, who had the lease has it, and writes."""
        self.serve()
        one = await self.opened("one")
        lease = await self.taken(one, "a")
        await one.write({"a": b"1"})
        self.redis.server.crash()
        await self.eventually(one, {"a": b"2"})
        self.assertEqual(await one.read("a"), Record("a", b"2", "one", lease.fence))
        two = await self.opened("two")
        self.assertIsNone(await two.take("a"))
        taken = await two.take("a", force=True)
        assert taken is not None
        self.assertGreater(taken.fence, lease.fence)

    async def test_dies_and_keeps(self) -> None:
        """What a server with a log of its own was told is there again, and no gateway loses a lease by it."""
        self.serve("--appendonly", "yes", "--appendfsync", "always")
        one = await self.opened("one")
        await one.take("a")
        await one.write({"a": b"1"})
        self.redis.server.crash()
        two = self.store("two")
        self.addCleanup(two.close)
        await two.open()
        self.assertIsNone(await two.take("a"))
        self.assertEqual([record.data for record in await two.load()], [b"1"])
        await self.eventually(one, {"a": b"2"})

    async def test_hangs(self) -> None:
        """A server that hangs is not waited for longer than a limit; once it goes on, so does the store."""
        self.serve()
        store = await self.opened(seconds=0.3)
        for key in ("a", "b"):
            await store.take(key)
        await store.write({"a": b"1"})
        self.redis.server.signal(signal.SIGSTOP)
        self.addCleanup(self.redis.server.signal, signal.SIGCONT)
        waiting: list[Deferred[Any]] = [store.write({"a": b"2"}), store.read("a"), store.load()]
        for each in waiting:
            self.assertIn("no answer within 0.3 s", await self.unavailable(each))
        self.assertIn("no answer", await self.unavailable(store.write({"a": b"3"})))
        self.redis.server.signal(signal.SIGCONT)
        await self.eventually(store, {"a": b"4"})
        self.assertEqual(await self.kept(store, "a"), b"4")

    async def test_we_slept(self) -> None:
        """When it was this process that hung, the answers that lie there count, and the connection stays."""
        self.serve()
        store = await self.opened(seconds=0.3)
        await store.take("a")
        waiting = store.write({"a": b"1"})
        time.sleep(0.6)
        self.assertEqual(await waiting, frozenset())
        self.assertEqual(await store.write({"a": b"2"}), frozenset())

    async def test_hangs_at_the_start(self) -> None:
        """The same for opening it."""
        self.serve()
        self.redis.server.signal(signal.SIGSTOP)
        self.addCleanup(self.redis.server.signal, signal.SIGCONT)
        store = self.store(seconds=0.3)
        self.assertIn("no answer within 0.3 s", await self.unavailable(store.open()))

    async def test_read_only(self) -> None:
        """A replica refuses, and is left, since the name may lead to another server by now."""
        self.serve()
        store = await self.opened()
        await store.take("a")
        self.redis.say("REPLICAOF", HOST, "1")
        self.assertIn("replica", await self.unavailable(store.write({"a": b"1"})))
        self.redis.say("REPLICAOF", "NO", "ONE")
        await self.eventually(store, {"a": b"2"})

    async def test_no_memory(self) -> None:
        """Without memory nothing of a batch is written; with memory again the next one is."""
        self.serve()
        store = await self.opened()
        for key in ("a", "b"):
            await store.take(key)
        await store.write({"a": b"1", "b": b"1"})
        self.redis.say("CONFIG", "SET", "maxmemory", "1")
        self.assertIn("no memory left", await self.unavailable(store.write({"a": b"2", "b": b"2"})))
        self.redis.say("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual({record.data for record in await store.load()}, {b"1"})
        self.assertEqual(await store.write({"a": b"3"}), frozenset())

    async def test_password(self) -> None:
        """A wrong password, or none, is told, and the right one opens; it is in no error and in no log."""
        self.serve("--requirepass", PASSWORD)
        host = f"{HOST}:{self.redis.port}/0"
        with capturedLogs() as logs:
            for login, told in (("", "wants a password"), (":wrong@", "password is wrong"), ("nobody:x@", "is wrong")):
                with self.assertRaises(StoreUnusable) as caught:
                    await self.store(url=f"redis://{login}{host}").open()
                self.assertIn(told, str(caught.exception))
            store = await self.opened(url=f"redis://:{quote(PASSWORD, safe='')}@{host}")
            await store.take("a")
            await store.write({"a": b"1"})
            self.redis.server.crash()
            await self.eventually(store, {"a": b"2"})
            await store.close()
            texts = [
                str(caught.exception),
                repr(store),
                repr(vars(store)),
                *map(str, map(formatEvent, logs)),
                str(logs),
            ]
        for text in texts:
            self.assertNotIn(PASSWORD, text)
            self.assertNotIn(quote(PASSWORD, safe=""), text)

    async def test_password_changed(self) -> None:
        """A store whose password is not good any more goes on trying, and works when it is good again."""
        self.serve("--requirepass", "first")
        store = await self.opened(url=f"redis://:first@{HOST}:{self.redis.port}/0")
        await store.take("a")
        self.redis.say_all(
            ("AUTH", "first"), ("CONFIG", "SET", "requirepass", "second"), ("CLIENT", "KILL", "TYPE", "normal")
        )
        await pause(0.3)
        self.assertIn("password is wrong", await self.unavailable(store.write({"a": b"1"})))
        self.redis.say_all(("AUTH", "second"), ("CONFIG", "SET", "requirepass", "first"))
        await self.eventually(store, {"a": b"2"})

    async def test_user(self) -> None:
        """A user of its own needs no more rights than the documents say."""
        self.serve()
        self.redis.say("ACL", "SETUSER", "wrtcgw", "on", ">secret", *ACL.split())
        store = await self.opened(url=f"redis://wrtcgw:secret@{HOST}:{self.redis.port}/0")
        await store.take("a")
        self.assertEqual(await store.write({"a": b"1"}), frozenset())
        await store.renew(["a"])
        self.assertEqual(len(await store.load()), 1)
        await store.release(["a"])
        self.assertEqual(await store.expired(), ["a"])
        await store.take("a")
        await store.write({"a": None})
        await store.release(["a"])
        self.assertEqual(await store.expired(), [])

    async def test_tls(self) -> None:
        """By TLS, with a certificate that is verified."""
        certificates = make_certificates(Path(tempfile.mkdtemp()))
        self.serve(certificates=certificates)
        url = f"rediss://localhost:{self.redis.tls_port}/0"
        store = self.store(url=url, ca_file=certificates.authority)
        self.addCleanup(store.close)
        await store.open()
        await store.take("a")
        self.assertEqual(await store.write({"a": b"1"}), frozenset())
        with self.assertRaises(StoreUnavailable) as caught:
            await self.store(url=url).open()
        self.assertIn("certificate verify failed", str(caught.exception))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something of this process."""
        for _ in range(100):
            if condition():
                return
            await pause(0.05)
        self.fail("waited 5 s in vain")


class FullDiskTests(contract.StoreCase):
    """A file of SQLite on a small file system of its own (needs root)."""

    def setUp(self) -> None:
        """Mount one."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.mount("-t", "tmpfs", "-o", "size=512k", "tmpfs")
        self.addCleanup(subprocess.run, ("umount", "-l", str(self.folder)), check=True)

    def mount(self, *options: str) -> None:
        """Mount, or mount again."""
        subprocess.run(("mount", *options, str(self.folder)), check=True)

    def store(self) -> Store:
        """Return a store there."""
        address = StoreAddress.parse(f"sqlite://{self.folder}/state.db")
        return store_from(address, StoreSettings(node="one"), tcp=loop, threads=loop, clock=loop)

    async def test_full(self) -> None:
        """A full disk is told; what was written before stays, and with room again the store goes on."""
        store = self.store()
        self.addCleanup(store.close)
        await store.open()
        await store.take("a")
        await store.write({"a": b"before"})
        for _ in range(2):
            with self.assertRaises(StoreUnavailable) as caught:
                await store.write({"a": b"x" * 600_000})
            self.assertIn("the disk is full", str(caught.exception))
        self.assertEqual(await self.kept(store, "a"), b"before")
        self.assertEqual(await store.write({"a": b"small"}), frozenset())
        self.mount("-o", "remount,size=4m")
        self.assertEqual(await store.write({"a": b"x" * 600_000}), frozenset())

    async def test_full_at_the_start(self) -> None:
        """A disk that has no room for the file is told."""
        (self.folder / "other").write_bytes(b"x" * 505_000)
        with self.assertRaises(StoreUnusable) as caught:
            await self.store().open()
        self.assertIn("the disk is full", str(caught.exception))

    async def test_read_only(self) -> None:
        """A file system that is read-only, before the start and while the gateway runs."""
        store = self.store()
        await store.open()
        await store.take("a")
        await store.write({"a": b"1"})
        await store.close()
        self.mount("-o", "remount,ro")
        with self.assertRaises(StoreUnusable) as caught:
            await self.store().open()
        self.assertIn("cannot be written", str(caught.exception))
