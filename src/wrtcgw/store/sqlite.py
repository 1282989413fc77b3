"""Records in a file of SQLite: one gateway survives its own death."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.store.interface import (
    START_SECONDS,
    Lease,
    Record,
    StoreSettings,
    StoreUnavailable,
    StoreUnusable,
    nothing_to_do,
)
from wrtcgw.store.saver import Saver
from wrtcgw.store.sqlite_file import StoreFile, reason
from wrtcgw.store.worker import Worker

T = TypeVar("T")
Row = tuple[bytes, bytes, str, int]
log = Logger()

PAGE = 4096
UPSERT = """
INSERT INTO records VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET data = excluded.data, node = excluded.node, fence = excluded.fence
"""


class SQLiteStore:
    """
    The store of one gateway; see :class:`~wrtcgw.store.interface.Store`.

    What it has written survives the process, however that ends, because it is with the operating system when the
    Deferred fires. A power cut, or a crash of the operating system, takes the last second or two: the file is whole
    then, but older (``synchronous = NORMAL``, and a thread that lets the disk catch up each second). A write that waits
    for the disk would cost each answer a multiple of its time.

    The file is locked as long as it is open, so the leases are this process's own, and their fence is the number of its
    run.

    :param path: the file; absolute.
    """

    survives = True
    shared = False

    def __init__(self, path: Path, settings: StoreSettings, threads: IReactorFromThreads, clock: IReactorTime) -> None:
        self.on_loss: Callable[[], None] = nothing_to_do
        self._path = path
        self._node = settings.node
        self._seconds = settings.store_timeout
        self._threads = threads
        self._worker = Worker(threads, clock, "wrtcgw-store")
        self._held: set[str] = set()
        self._strange: set[str] = set()
        """Keys that are none of ours, so that they are told once."""
        # for the worker alone
        self._file: StoreFile | None = None
        self._saver: Saver | None = None
        self._run = 0

    def open(self) -> Deferred[None]:
        """Make, migrate or check the file; leases start anew."""

        def give_up(failure: Failure) -> Failure:
            self._worker.stop()
            return failure

        self._held.clear()
        self._worker.start()
        return self._worker.do(self._open, START_SECONDS).addErrback(give_up)

    def load(self) -> Deferred[list[Record]]:
        """Return every record."""

        def readable(rows: list[Row]) -> list[Record]:
            for key in {repr(row[0]) for row in rows if not _is_key(row[0])} - self._strange:
                log.error("{path}: {key} is no name of an account: its record is left out", path=self._path, key=key)
                self._strange.add(key)
            return [_record(row) for row in rows if _is_key(row[0])]

        return self._ask(lambda db: list(db.execute("SELECT * FROM records")), START_SECONDS).addCallback(readable)

    def read(self, key: str) -> Deferred[Record | None]:
        """Return one record."""

        def look(db: sqlite3.Connection) -> Record | None:
            row = db.execute("SELECT * FROM records WHERE key = ?", (_stored(key),)).fetchone()
            return None if row is None else _record(row)

        return self._ask(look)

    def write(self, changes: Mapping[str, bytes | None]) -> Deferred[frozenset[str]]:
        """Replace and delete records, in one transaction."""
        refused = frozenset(changes.keys() - self._held)
        ours = [(_stored(key), data) for key, data in changes.items() if key not in refused]
        if not ours:
            return succeed(refused)

        def change(db: sqlite3.Connection) -> frozenset[str]:
            if len(ours) == 1:  # by itself a transaction; each statement costs this thread a fight for the interpreter
                self._put(db, ours)
            else:
                self._in_transaction(db, lambda: self._put(db, ours))
            if self._saver is not None:
                self._saver.wrote(sum(PAGE + len(data or b"") for _, data in ours))
            return refused

        return self._ask(change)

    def take(self, key: str, *, force: bool = False) -> Deferred[Lease | None]:
        """Take a lease, which nobody else can have."""
        self._held.add(key)
        return succeed(Lease(key, self._node, self._run))

    def renew(self, keys: Sequence[str]) -> Deferred[frozenset[str]]:
        """Return which of the leases are not held."""
        return succeed(frozenset(keys) - self._held)

    def release(self, keys: Sequence[str]) -> Deferred[None]:
        """Give leases back."""
        self._held.difference_update(keys)
        return succeed(None)

    def expired(self) -> Deferred[list[str]]:
        """Return the keys of the records without a lease, as those of the run before are."""
        held = frozenset(self._held)
        return self._ask(
            lambda db: [
                key
                for row in db.execute("SELECT key FROM records")
                if _is_key(row[0]) and (key := _told(row[0])) not in held
            ],
            START_SECONDS,
        )

    def close(self) -> Deferred[None]:
        """Finish what is queued, put the log into the file, and unlock it."""
        if not self._worker.running:
            return succeed(None)
        closed = self._worker.do(self._close, START_SECONDS)
        self._worker.stop()
        return closed

    def _ask(self, job: Callable[[sqlite3.Connection], T], seconds: float = 0.0) -> Deferred[T]:
        def attempt() -> T:
            try:
                return job(self._usable())
            except sqlite3.Error as error:
                raise StoreUnavailable(reason(error, self._path)) from None

        return self._worker.do(attempt, seconds or self._seconds)

    # what follows runs in the worker's thread

    def _open(self) -> None:
        self._file = file = StoreFile.open(self._path)
        try:
            self._in_transaction(file.database, lambda: file.database.execute("UPDATE runs SET number = number + 1"))
            (number,) = file.database.execute("SELECT number FROM runs").fetchone()
        except sqlite3.Error as error:
            self._close()
            raise StoreUnusable(reason(error, self._path)) from None
        self._run = max(number, self._run)
        self._saver = Saver(self._path)

    def _usable(self) -> sqlite3.Connection:
        """
        Return the connection to the file that is there now.

        One that was removed or replaced would take writes without an error, and nobody would find them again.
        """
        if self._file is None or self._file.replaced:
            self._close()
            try:
                self._open()
            except StoreUnusable as error:
                raise StoreUnavailable(str(error)) from None
            self._threads.callFromThread(self._tell_loss)
        assert self._file is not None
        return self._file.database

    def _tell_loss(self) -> None:
        self.on_loss()

    def _put(self, db: sqlite3.Connection, changes: Sequence[tuple[bytes, bytes | None]]) -> None:
        for key, data in changes:
            if data is None:
                db.execute("DELETE FROM records WHERE key = ?", (key,))
            else:
                db.execute(UPSERT, (key, data, self._node, self._run))

    def _in_transaction(self, db: sqlite3.Connection, act: Callable[[], object]) -> None:
        db.execute("BEGIN IMMEDIATE")
        with db:
            act()

    def _close(self) -> None:
        saver, self._saver = self._saver, None
        if saver is not None:
            saver.stop()
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _stored(key: str) -> bytes:
    """Return a key as the file has it: any text, half characters of JSON included."""
    return key.encode("utf-8", "surrogatepass")


def _is_key(key: object) -> bool:
    """Return whether a key is one that :func:`_stored` may have made; SQLite keeps anything in any column."""
    try:
        return isinstance(key, bytes) and _told(key) is not None
    except UnicodeDecodeError:
        return False


def _told(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")


def _record(row: Row) -> Record:
    return Record(_told(row[0]), *row[1:])
