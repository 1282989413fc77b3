"""The store in a file of SQLite: the contract, and what can be wrong with files."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.store import contract
from wrtcgw.store import Store, StoreSettings, StoreUnavailable, StoreUnusable
from wrtcgw.store.saver import Saver, save
from wrtcgw.store.sqlite import SQLiteStore
from wrtcgw.store.sqlite_file import APPLICATION, MIGRATIONS, StoreFile, fault_of

KILLED = """
import os, signal, sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from wrtcgw.store import StoreSettings
from wrtcgw.store.saver import Saver, save
from wrtcgw.store.sqlite import SQLiteStore

async def run():
    store = SQLiteStore(Path(sys.argv[1]), StoreSettings(node="one"), reactor, reactor)
    await store.open()
    await store.take("a")
    for number in range(200):
        await store.write({"a": b"%d" % number})
    os.kill(os.getpid(), signal.SIGKILL)

reactor.callWhenRunning(lambda: Deferred.fromCoroutine(run()))
reactor.run()
"""

HOLDER = """
import sys
from pathlib import Path
from wrtcgw.store.sqlite_file import StoreFile

file = StoreFile.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
file.close()
"""
LIMITED = """
import resource, signal, sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from wrtcgw.store import StoreSettings, StoreUnavailable
from wrtcgw.store.saver import Saver, save
from wrtcgw.store.sqlite import SQLiteStore

async def run():
    store = SQLiteStore(Path(sys.argv[1]), StoreSettings(node="one"), reactor, reactor)
    await store.open()
    await store.take("a")
    await store.write({"a": b"before"})
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    try:
        await store.write({"a": b"x" * 1_000_000})
    except StoreUnavailable as error:
        print(error)
    print((await store.read("a")).data.decode())
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.write({"a": b"after"})
    print((await store.read("a")).data.decode())
    await store.close()
    reactor.stop()

reactor.callWhenRunning(lambda: Deferred.fromCoroutine(run()))
reactor.run()
"""
PROJECT = Path(__file__).parents[2]


def python(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in a process of its own, blocking."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


class FileCase(contract.StoreCase):
    """Has a folder for the file."""

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


class SQLiteTests(FileCase, contract.DurableContract):
    """The contract, and what survives."""

    async def test_survives_sigkill(self) -> None:
        """All that was promised is there after the process was killed, without any closing."""
        done = await deferToThread(python, KILLED, str(self.path))
        self.assertEqual(done.returncode, -9, done.stderr)
        store = await self.opened()
        self.assertEqual(await self.kept(store, "a"), b"199")

    async def test_private(self) -> None:
        """Whatever the umask, and whatever mode a file had, nobody else may read it or what lies beside it."""
        self.addCleanup(os.umask, os.umask(0))
        store = await self.opened()
        await store.take("a")
        await store.write({"a": b"1"})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in self.path.parent.iterdir()}
        self.assertEqual(modes, {"state.db": 0o600, "state.db-shm": 0o600, "state.db-wal": 0o600})
        await store.close()
        self.path.chmod(0o644)
        store = await self.opened()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(await self.kept(store, "a"), b"1")

    async def test_strange_rows(self) -> None:
        """What another program has put beside the records is told once, and hides none of them."""
        store = await self.opened()
        await store.take("a")
        await store.write({"a": b"1"})
        await store.release(["a"])
        with closing(sqlite3.connect(self.path)) as database, database:
            for key in ("NULL", "'text'", "7", "x'ff'"):
                database.execute(f"INSERT INTO records VALUES ({key}, x'00', 'one', 1)")
            database.execute("UPDATE records SET node = CAST(x'ff' AS TEXT), fence = 'x' WHERE key = CAST('a' AS BLOB)")
        with capturedLogs() as told:
            for _ in range(2):
                (record,) = await store.load()
                self.assertEqual((record.key, record.data), ("a", b"1"))
        self.assertEqual(sorted(each["key"] for each in told), sorted(["None", "'text'", "7", r"b'\xff'"]))
        self.assertEqual(await store.expired(), ["a"])
        read = await store.read("a")
        self.assertEqual((read and read.data, await store.read("text")), (b"1", None))

    async def test_removed(self) -> None:
        """A file that is removed or replaced is made anew, and that all has to be written again is told."""
        store = await self.opened()
        losses: list[int] = []
        store.on_loss = lambda: losses.append(1)
        before = await self.taken(store, "a")
        await store.write({"a": b"1"})
        for path in self.path.parent.iterdir():
            path.unlink()
        self.assertEqual(await store.write({"a": b"2"}), frozenset())
        self.assertEqual(losses, [1])
        after = await store.read("a")
        assert after is not None
        self.assertEqual((after.data, after.fence >= before.fence), (b"2", True))
        self.assertTrue(self.path.exists())
        await store.write({"a": b"3"})
        self.assertEqual(losses, [1])

    async def test_folder_removed(self) -> None:
        """Without its folder the store says so, and goes on when it is back."""
        store = await self.opened()
        await store.take("a")
        shutil.rmtree(self.path.parent)
        for _ in range(2):
            with self.assertRaises(StoreUnavailable) as caught:
                await store.write({"a": b"1"})
            self.assertIn("is missing", str(caught.exception))
        self.path.parent.mkdir()
        self.assertEqual(await store.write({"a": b"2"}), frozenset())
        self.assertEqual(await self.kept(store, "a"), b"2")


class SaverTests(SynchronousTestCase):
    """What lets the disk catch up."""

    def setUp(self) -> None:
        """Have an open file, with records in its log."""
        self.path = Path(self.mktemp()).absolute()
        self.file = StoreFile.open(self.path)
        self.addCleanup(self.file.close)
        self.write(b"a")

    def write(self, key: bytes) -> None:
        """Put a record into the log."""
        self.file.database.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (key, b"x" * 50_000, "one", 1))

    def test_moves_the_log(self) -> None:
        """The log moves into the file while who writes is in the midst of it, and only when it is asked for."""
        self.file.database.execute("BEGIN IMMEDIATE")
        self.write(b"b")
        before = self.path.stat().st_size
        save(self.path, move=False)
        self.assertEqual(self.path.stat().st_size, before)
        save(self.path, move=True)
        self.assertGreater(self.path.stat().st_size, before + 50_000)
        self.file.database.execute("COMMIT")
        self.assertEqual(self.file.database.execute("SELECT count(*) FROM records").fetchone(), (2,))

    def test_nothing_there(self) -> None:
        """Without a log there is an error."""
        self.assertRaises(OSError, save, self.path.with_name("nowhere"), move=True)

    def test_thread(self) -> None:
        """The thread ends at once when it is stopped, whether something was written or not; a fault does not end it."""
        for path, sizes in ((self.path, []), (self.path, [1]), (self.path.with_name("nowhere"), [2**40, 1])):
            for pause in (3_600.0, 0.0):
                saver = Saver(path, pause)
                for size in sizes:
                    saver.wrote(size)
                saver.stop()
                saver.stop()


class UnusableFileTests(FileCase):
    """Files that a gateway must not start with."""

    async def refused(self) -> str:
        """Return why the store cannot be opened; the file is as before."""
        before = self.path.read_bytes() if self.path.is_file() else b""
        with self.assertRaises(StoreUnusable) as caught:
            await self.store().open()
        if before:
            self.assertEqual(self.path.read_bytes(), before)
        self.assertIn(str(self.path.parent), str(caught.exception))
        return str(caught.exception)

    async def filled(self) -> bytes:
        """Make a file with some records; returns its content."""
        store = await self.opened()
        for number in range(50):
            await store.take(f"agent-{number}")
        await store.write({f"agent-{number}": b"x" * 3_000 for number in range(50)})
        await store.close()
        return self.path.read_bytes()

    async def test_no_database(self) -> None:
        """Something else than a database is told, and not touched."""
        self.path.write_bytes(b"hello\n" * 1_000)
        self.assertIn("not a SQLite database", await self.refused())

    async def test_truncated(self) -> None:
        """A file that has lost its end."""
        content = await self.filled()
        for length in (len(content) // 2, 5_000, 60):
            self.path.write_bytes(content[:length])
            text = await self.refused()
            self.assertRegex(text, "damaged|not a SQLite database", str(length))
            self.assertIn("move it away", text)

    async def test_corrupted(self) -> None:
        """A file with other bytes in its midst."""
        content = await self.filled()
        self.path.write_bytes(content[:4_200] + b"\xa5" * 3_000 + content[7_200:])
        self.assertRegex(await self.refused(), "damaged.*move it away")

    async def test_newer(self) -> None:
        """A file of a later version."""
        await self.filled()
        with closing(sqlite3.connect(self.path)) as database:
            database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        self.assertIn(f"is of version {len(MIGRATIONS) + 1}, written by a newer wrtcgw", await self.refused())

    async def test_of_another_program(self) -> None:
        """A database that is not ours."""
        with closing(sqlite3.connect(self.path)) as database:
            database.execute("CREATE TABLE subscriber (id INTEGER)")
        self.assertIn("of another program", await self.refused())

    async def test_in_use(self) -> None:
        """A file that another process has open as a store; that one goes on undisturbed."""
        holder = [sys.executable, "-c", HOLDER, str(self.path)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
        with subprocess.Popen(holder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            self.assertEqual(await deferToThread(process.stdout.readline), b"open\n")
            self.assertIn("another process uses it", await self.refused())
            process.communicate(b"\n")
            self.assertEqual(process.returncode, 0)
        await self.opened()

    async def test_twice_in_one_process(self) -> None:
        """The same for a second store of this process."""
        await self.opened()
        with self.assertRaises(StoreUnusable) as caught:
            await self.store().open()
        self.assertIn("another process uses it", str(caught.exception))

    async def test_folder(self) -> None:
        """No folder, and a folder in place of the file."""
        self.path.mkdir()
        self.assertIn("is not a file", await self.refused())
        self.path = self.path.parent / "nowhere" / "state.db"
        with self.assertRaises(StoreUnusable) as caught:
            await self.store().open()
        self.assertIn("nowhere is missing", str(caught.exception))

    async def test_may_be_tried_again(self) -> None:
        """A store that could not be opened can be, when the file is in order."""
        self.path.write_bytes(b"hello\n" * 1_000)
        store = self.store()
        with self.assertRaises(StoreUnusable):
            await store.open()
        self.path.unlink()
        await store.open()
        self.assertEqual(await store.load(), [])

    def test_read_only(self) -> None:
        """A folder, or a file, that the service may not write."""
        if os.getuid() == 0:
            raise SkipTest("root may write everywhere; tests.interop.case_store has a file system that is read-only")
        self.path.touch(0o400)
        self.assertIn("cannot be read and written", fault_of(self.path))
        self.path.parent.chmod(0o500)
        self.addCleanup(self.path.parent.chmod, 0o700)
        self.assertIn("cannot be written", fault_of(self.path))


class FailingFileTests(FileCase):
    """Files that fail while a gateway runs."""

    async def test_no_room(self) -> None:
        """A write that finds no room fails as a whole, the record from before stays, and later writes work again."""
        done = await deferToThread(python, LIMITED, str(self.path))
        told, *contents = done.stdout.splitlines()
        self.assertIn("state.db: ", told, done.stderr)
        self.assertEqual(contents, ["before", "after"], done.stderr)

    async def test_corrupted_meanwhile(self) -> None:
        """A file that is damaged under a running gateway fails each question, and never the process."""
        store = self.store()
        await store.open()
        keys = [f"agent-{number}" for number in range(200)]
        for key in keys:
            await store.take(key)
        await store.write({key: b"x" * 30_000 for key in keys})
        await store.close()
        await store.open()
        size = self.path.stat().st_size
        with self.path.open("r+b") as file:
            file.seek(8_192)
            file.write(b"\xa5" * (size - 8_192))
        for _ in range(2):
            with self.assertRaises(StoreUnavailable) as caught:
                await store.load()
            self.assertIn("damaged", str(caught.exception))

    async def test_locked_meanwhile(self) -> None:
        """While another program holds a lock nothing can be written; reading goes on, and later all goes on."""
        store = await self.opened()
        await store.take("a")
        await store.write({"a": b"1"})
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with self.assertRaises(StoreUnavailable) as caught:
                await store.write({"a": b"2"})
            self.assertIn("another process has locked it", str(caught.exception))
            self.assertEqual(await self.kept(store, "a"), b"1")
            other.execute("ROLLBACK")
        self.assertEqual(await store.write({"a": b"3"}), frozenset())


class MigrationTests(SynchronousTestCase):
    """The way of an older file to this version."""

    def test_step_by_step(self) -> None:
        """Each version is made from the one before, once, and the records stay."""
        path = Path(self.mktemp()).absolute()
        with closing(StoreFile.open(path)) as file:
            file.database.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (b"a", b"1", "one", 1))
        later = (*MIGRATIONS, "ALTER TABLE records ADD COLUMN told INTEGER; UPDATE records SET told = fence + 1")
        for _ in range(2):
            with closing(StoreFile.open(path, later)) as file:
                rows = list(file.database.execute("SELECT * FROM records"))
                (version,) = file.database.execute("PRAGMA user_version").fetchone()
                (application,) = file.database.execute("PRAGMA application_id").fetchone()
            self.assertEqual((rows, version, application), ([(b"a", b"1", "one", 1, 2)], 2, APPLICATION))

    def test_all_or_nothing(self) -> None:
        """A migration that fails leaves the file as it was."""
        path = Path(self.mktemp()).absolute()
        StoreFile.open(path).close()
        broken = (*MIGRATIONS, "ALTER TABLE records ADD COLUMN told INTEGER; UPDATE missing SET told = 1")
        self.assertIn("no such table", str(self.assertRaises(StoreUnusable, StoreFile.open, path, broken)))
        with closing(StoreFile.open(path)) as file:
            columns = [row[1] for row in file.database.execute("PRAGMA table_info(records)")]
        self.assertNotIn("told", columns)
