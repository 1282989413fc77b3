"""Where the state is kept: how that is written, and which store it is."""

import sys
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.store import StoreSettings, StoreUnusable, store_from
from wrtcgw.store.address import StoreAddress

loop: Any = reactor


class AddressTests(SynchronousTestCase):
    """The setting ``state_store``."""

    def test_read(self) -> None:
        """Each form, and how it is shown."""
        for text, expected, shown in (
            ("memory", StoreAddress(), "memory"),
            (
                "sqlite:///var/lib/wrtcgw/state.db",
                StoreAddress("sqlite", Path("/var/lib/wrtcgw/state.db")),
                "sqlite:///var/lib/wrtcgw/state.db",
            ),
            ("sqlite:///a%20b/c", StoreAddress("sqlite", Path("/a b/c")), "sqlite:///a b/c"),
            ("redis://host", StoreAddress("redis", host="host"), "redis://host:6379/0"),
            ("redis://host:1/5", StoreAddress("redis", host="host", port=1, database=5), "redis://host:1/5"),
            ("rediss://[::1]/", StoreAddress("rediss", host="::1"), "rediss://[::1]:6379/0"),
            (
                "redis://:p%40s%2Fs@host",
                StoreAddress("redis", host="host", password="p@s/s"),
                "redis://:***@host:6379/0",
            ),
            (
                "redis://gw:pass@host/1",
                StoreAddress("redis", host="host", database=1, user="gw", password="pass"),
                "redis://gw:***@host:6379/1",
            ),
            ("redis://gw@host", StoreAddress("redis", host="host", user="gw"), "redis://gw@host:6379/0"),
        ):
            self.assertEqual(StoreAddress.parse(text), expected, text)
            self.assertEqual(str(StoreAddress.parse(text)), shown)

    def test_refused(self) -> None:
        """What is no place for the state."""
        for text in (
            "",
            "disk",
            "Memory:",
            "sqlite:state.db",
            "sqlite://state.db",
            "sqlite:///",
            "sqlite:///var/lib/",
            "sqlite://host/state.db",
            "sqlite:///state.db?mode=ro",
            "redis:",
            "redis://",
            "redis://host:0",
            "redis://host:65536",
            "redis://host:port",
            "redis://host/zero",
            "redis://host/-1",
            "redis://host/0#x",
            "http://host",
            "postgres://host/0",
        ):
            self.assertRaises(ValueError, StoreAddress.parse, text)

    def test_fault(self) -> None:
        """What can be seen without trying."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.assertEqual(StoreAddress.parse(f"sqlite://{folder}/state.db").fault(), "")
        self.assertIn("is missing", StoreAddress.parse(f"sqlite://{folder}/no/state.db").fault())
        self.assertIn("is not a file", StoreAddress.parse(f"sqlite://{folder}").fault())
        self.assertEqual(list(folder.iterdir()), [])
        for text in ("memory", "redis://nobody.example.org"):
            self.assertEqual(StoreAddress.parse(text).fault(), "")


class ChoiceTests(SynchronousTestCase):
    """store_from."""

    def test_kinds(self) -> None:
        """Each address makes its store; none is opened, and nothing is made on the disk."""
        for text, name in (
            ("memory", "MemoryStore"),
            (f"sqlite://{Path(self.mktemp()).absolute()}", "SQLiteStore"),
            ("redis://store.example.org", "RedisStore"),
            ("rediss://store.example.org", "RedisStore"),
        ):
            store = self.store(text)
            self.assertEqual(type(store).__name__, name)
            self.assertEqual((store.survives, store.shared), (name != "MemoryStore", name == "RedisStore"))

    def test_without_its_package(self) -> None:
        """Redis needs a package, which the error names."""
        loaded = {name: sys.modules.get(name) for name in ("hiredis", "wrtcgw.store.redis", "wrtcgw.store.redis_wire")}
        self.addCleanup(sys.modules.update, {name: module for name, module in loaded.items() if module})
        self.addCleanup(sys.modules.pop, "hiredis")
        for name in loaded:
            sys.modules.pop(name, None)
        cast(Any, sys.modules)["hiredis"] = None  # as if it were not installed
        error = self.assertRaises(StoreUnusable, self.store, "redis://store.example.org")
        self.assertIn("wrtcgw[redis]", str(error))
        self.assertIn("wrtcgw[redis]", StoreAddress.parse("redis://store.example.org").fault())

    def store(self, text: str) -> Any:
        """Return the store at an address."""
        address = StoreAddress.parse(text)
        return store_from(address, StoreSettings(node="one"), tcp=loop, threads=loop, clock=loop)
