"""What every store has to do; a test class for each store inherits it."""

from twisted.trial.unittest import TestCase

from wrtcgw.store import Lease, Record, Store, StoreUnavailable

STRANGE_KEYS = ("agent-1", "Ä gent/№ 5", "a\x00b", "half \ud83d", "k" * 300)


class StoreCase(TestCase):
    """A case that can make stores."""

    timeout = 60

    async def opened(self, node: str = "one") -> Store:
        """Return an open store over the same records as every other one of this test; it is closed at the end."""
        raise NotImplementedError

    async def taken(self, store: Store, key: str) -> Lease:
        """Take a lease that must be had."""
        lease = await store.take(key)
        assert lease is not None
        return lease

    async def kept(self, store: Store, key: str) -> bytes:
        """Return what there must be."""
        record = await store.read(key)
        assert record is not None
        return record.data


class Contract(StoreCase):
    """The contract."""

    async def test_begins_empty(self) -> None:
        """There is nothing in a new store."""
        store = await self.opened()
        self.assertEqual(await store.load(), [])
        self.assertIsNone(await store.read("agent-1"))
        self.assertEqual(await store.expired(), [])

    async def test_keeps_what_is_written(self) -> None:
        """Under a lease a record is kept, byte for byte and under any key, with the lease's node and fence."""
        store = await self.opened()
        data = bytes(range(256)) * 400
        for key in STRANGE_KEYS:
            lease = await self.taken(store, key)
            self.assertEqual(lease, Lease(key, "one", lease.fence))
            self.assertEqual(await store.write({key: data + key.encode("utf-8", "replace")}), frozenset())
            record = Record(key, data + key.encode("utf-8", "replace"), "one", lease.fence)
            self.assertEqual(await store.read(key), record)
        self.assertEqual({record.key for record in await store.load()}, set(STRANGE_KEYS))

    async def test_replaces_and_deletes(self) -> None:
        """One batch replaces, adds and deletes; deleting what is not there is no error."""
        store = await self.opened()
        for key in ("a", "b", "c"):
            await store.take(key)
        await store.write({"a": b"1", "b": b"1"})
        self.assertEqual(await store.write({"a": b"2", "b": None, "c": b"2"}), frozenset())
        self.assertEqual(await store.write({"b": None}), frozenset())
        self.assertEqual({record.key: record.data for record in await store.load()}, {"a": b"2", "c": b"2"})

    async def test_nothing_to_write(self) -> None:
        """No changes, and no keys, are no errors."""
        store = await self.opened()
        self.assertEqual(await store.write({}), frozenset())
        self.assertEqual(await store.renew([]), frozenset())
        await store.release([])

    async def test_needs_a_lease(self) -> None:
        """Without a lease nothing is written, and the others of the batch are."""
        store = await self.opened()
        await store.take("mine")
        self.assertEqual(await store.write({"mine": b"1", "other": b"1", "gone": None}), frozenset({"other", "gone"}))
        self.assertEqual([record.key for record in await store.load()], ["mine"])
        self.assertEqual(await store.renew(["mine", "other"]), frozenset({"other"}))

    async def test_takes_once(self) -> None:
        """Who has the lease keeps it, with its fence, also by force."""
        store = await self.opened()
        first = await store.take("a")
        self.assertEqual(await store.take("a"), first)
        self.assertEqual(await store.take("a", force=True), first)
        self.assertEqual(await store.renew(["a"]), frozenset())

    async def test_released(self) -> None:
        """A lease that was given back is nobody's: nothing is written under it, and its record is up for taking."""
        store = await self.opened()
        for key in ("a", "b", "no record"):
            await store.take(key)
        await store.write({"a": b"1", "b": b"1"})
        self.assertEqual(await store.expired(), [])
        await store.release(["a", "no record"])
        self.assertEqual(await store.expired(), ["a"])
        self.assertEqual(await store.write({"a": b"2"}), frozenset({"a"}))
        await store.take("a")
        self.assertEqual(await store.expired(), [])
        self.assertEqual(await store.write({"a": b"3"}), frozenset())
        self.assertEqual(await self.kept(store, "a"), b"3")

    async def test_in_order(self) -> None:
        """What is asked without waiting is done in the order in which it was asked."""
        store = await self.opened()
        await store.take("a")
        waiting = [store.write({"a": str(number).encode()}) for number in range(100)]
        self.assertEqual(await self.kept(store, "a"), b"99")
        for each in waiting:
            self.assertEqual(await each, frozenset())

    async def test_not_after_the_end(self) -> None:
        """A store that was closed says so, if it cannot work any more; closing it again is no error."""
        store = await self.opened()
        await store.take("a")
        await store.close()
        await store.close()
        try:
            self.assertEqual(await store.write({"a": b"1"}), frozenset())
        except StoreUnavailable as error:
            self.assertIn("not open", str(error))


class DurableContract(Contract):
    """What a store that survives the process does besides."""

    async def test_survives(self) -> None:
        """The next process finds the records, and takes them over with a higher fence."""
        store = await self.opened()
        self.assertTrue(store.survives)
        before = await self.taken(store, "a")
        await store.write({"a": b"1"})
        await store.close()
        await store.open()
        self.assertEqual(await store.renew(["a"]), frozenset({"a"}), "leases are of one opening")
        await store.close()
        store = await self.opened()
        self.assertEqual(await store.load(), [Record("a", b"1", "one", before.fence)])
        self.assertEqual(await store.write({"a": b"2"}), frozenset({"a"}))
        after = await self.taken(store, "a")
        self.assertGreater(after.fence, before.fence)
        await store.write({"a": b"3"})
        self.assertEqual(await store.read("a"), Record("a", b"3", "one", after.fence))


class SharedContract(DurableContract):
    """What a store does besides that several gateways use; its leases last for ``ttl`` seconds."""

    ttl = 0.4

    async def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        raise NotImplementedError

    async def test_one_owner(self) -> None:
        """What one gateway has no other gets, and cannot write; it can read."""
        one, two = await self.opened("one"), await self.opened("two")
        lease = await self.taken(one, "a")
        await one.write({"a": b"1"})
        self.assertIsNone(await two.take("a"))
        self.assertEqual(await two.write({"a": b"2"}), frozenset({"a"}))
        self.assertEqual(await two.read("a"), Record("a", b"1", "one", lease.fence))
        self.assertEqual(await two.expired(), [])
        self.assertTrue(one.shared)

    async def test_taken_by_force(self) -> None:
        """Who takes by force gets the next fence, and the other hears of it when it writes or renews."""
        one, two = await self.opened("one"), await self.opened("two")
        before = {key: await self.taken(one, key) for key in ("a", "b", "c")}
        await one.write({"a": b"1", "b": b"1", "c": b"1"})
        for key in ("a", "b"):
            lease = await two.take(key, force=True)
            assert lease is not None
            self.assertEqual(lease.node, "two")
            self.assertGreater(lease.fence, before[key].fence)
        self.assertEqual(await one.write({"a": b"stale", "c": b"2"}), frozenset({"a"}))
        self.assertEqual(await one.renew(["a", "b", "c"]), frozenset({"a", "b"}))
        self.assertEqual({record.key: record.data for record in await two.load()}, {"a": b"1", "b": b"1", "c": b"2"})
        self.assertEqual(await two.write({"a": b"3"}), frozenset())

    async def test_lease_runs_out(self) -> None:
        """When a gateway is not heard of, its agents are found by others, and taken; it is fenced off then."""
        one, two = await self.opened("one"), await self.opened("two")
        await one.take("a")
        await one.take("no record")
        await one.write({"a": b"1"})
        await self.pass_by(self.ttl * 1.5)
        self.assertEqual(await two.expired(), ["a"])
        lease = await self.taken(two, "a")
        self.assertEqual(await two.expired(), [])
        self.assertEqual(await one.write({"a": b"late", "no record": b"mine still"}), frozenset({"a"}))
        self.assertIsNone(await one.take("a"))
        await two.write({"a": b"2"})
        self.assertEqual(await one.read("a"), Record("a", b"2", "two", lease.fence))

    async def test_renewed(self) -> None:
        """Renewing and writing keep a lease beyond its term."""
        one, two = await self.opened("one"), await self.opened("two")
        for key in ("a", "b"):
            await one.take(key)
        await one.write({"a": b"1", "b": b"1"})
        for _ in range(4):
            await self.pass_by(self.ttl * 0.4)
            self.assertEqual(await one.renew(["a"]), frozenset())
            self.assertEqual(await one.write({"b": b"2"}), frozenset())
        self.assertEqual(await two.expired(), [])
        self.assertIsNone(await two.take("a"))
        self.assertIsNone(await two.take("b"))

    async def test_nobody_else_came(self) -> None:
        """A gateway that was away too long, but whose agents nobody took, goes on as if nothing had been."""
        one = await self.opened("one")
        lease = await self.taken(one, "a")
        await one.write({"a": b"1"})
        await self.pass_by(self.ttl * 1.5)
        self.assertEqual(await one.write({"a": b"2"}), frozenset())
        self.assertEqual(await one.take("a"), lease)

    async def test_over_is_over(self) -> None:
        """An agent that others took over and let go does not come back by a gateway that slept meanwhile."""
        one, two = await self.opened("one"), await self.opened("two")
        await one.take("a")
        await one.write({"a": b"1"})
        await two.take("a", force=True)
        await two.write({"a": None})
        await two.release(["a"])
        self.assertEqual(await one.write({"a": b"ghost"}), frozenset({"a"}))
        self.assertEqual(await two.load(), [])
        self.assertIsNotNone(await one.take("a"))

    async def test_released_to_others(self) -> None:
        """What a gateway gives back another one takes at once."""
        one, two = await self.opened("one"), await self.opened("two")
        before = await self.taken(one, "a")
        await one.write({"a": b"1"})
        await one.release(["a"])
        self.assertEqual(await two.expired(), ["a"])
        after = await self.taken(two, "a")
        self.assertGreater(after.fence, before.fence)
        self.assertEqual(await one.write({"a": b"2"}), frozenset({"a"}))

    async def test_restart_of_a_node(self) -> None:
        """A gateway that was killed and started again takes its agents at once; the old process is fenced off."""
        old, new = await self.opened("one"), await self.opened("one")
        await old.take("a")
        await old.write({"a": b"1"})
        self.assertIsNotNone(await new.take("a"))
        self.assertEqual(await old.write({"a": b"2"}), frozenset({"a"}))
        self.assertEqual(await new.write({"a": b"3"}), frozenset())
