"""
The file of a SQLite store: ours or not, of which version, and what its errors mean.

``application_id`` in its header says that it is ours, ``user_version`` of which version its tables are. Everything here
blocks.
"""

import fcntl
import os
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from wrtcgw.store.interface import StoreUnusable

APPLICATION = 0x77727463
"""wrtc"""
FIRST_BYTES = b"SQLite format 3\0"
MODE = 0o600
BUSY_SECONDS = 0.2
"""For somebody who looks into the file by another program."""
LITTLE = 65_536
"""Bytes; a log and its index need more."""
LARGEST_LOG_PAGES = 32_768
"""128 MB; only when the log is that long does a write itself move it into the file."""

MIGRATIONS = (
    """
    CREATE TABLE records (key BLOB PRIMARY KEY, data BLOB NOT NULL, node TEXT NOT NULL, fence INTEGER NOT NULL);
    CREATE TABLE runs (number INTEGER NOT NULL);
    INSERT INTO runs VALUES (0);
    """,
)
"""What makes each version out of the one before, the first out of an empty file."""

REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it, or its folder, or its file system, is read-only",
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_CORRUPT: "its content is damaged",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite database, or damaged",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "reading or writing failed",
}
IN_USE = "another process uses it: each gateway needs a file of its own"
MOVE_AWAY = "move it away to start without the calls that it holds"


def reason(error: sqlite3.Error, path: Path) -> str:
    """Return what an error of SQLite at a file means, with its own words."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR and _is_full(path):
        code = sqlite3.SQLITE_FULL
    told = REASONS.get(code)
    return f"{path}: {told} ({error})" if told else f"{path}: {error}"


def _is_full(path: Path) -> bool:
    """Return whether there is no room for what SQLite puts beside a file."""
    try:
        there = os.statvfs(path.parent)
    except OSError:
        return False
    return there.f_bavail * there.f_frsize < LITTLE


def fault_of(path: Path) -> str:
    """
    Return why a file cannot be a store, empty when nothing speaks against it.

    This only looks at it from outside; it need not be there yet.
    """
    try:
        there = path.stat() if path.exists() else None
        folder = path.parent
        if there is not None and not stat.S_ISREG(there.st_mode):
            return f"{path} is not a file"
        if not folder.is_dir():
            return f"the folder {folder} is missing"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"the folder {folder} cannot be written"
        if there is not None and not os.access(path, os.R_OK | os.W_OK):
            return f"{path} cannot be read and written"
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""


@frozen
class StoreFile:
    """
    The file, open for this process alone.

    :ivar database: for the thread that has opened it.
    """

    path: Path
    database: sqlite3.Connection
    _lock: int

    @classmethod
    def open(cls, path: Path, migrations: Sequence[str] = MIGRATIONS) -> "StoreFile":
        """
        Make or migrate the file where needed, and look whether it is whole.

        A commit is in the hands of the operating system; see :class:`~wrtcgw.store.sqlite.SQLiteStore` for what that
        means.

        :raises StoreUnusable: when it cannot be used; then it is as it was.
        """
        if fault := fault_of(path):
            raise StoreUnusable(fault)
        lock = _locked(path)
        database = connect(path)
        try:
            _prepare(database, path, migrations)
        except sqlite3.Error as error:
            _close(database, lock)
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            hint = f"; {MOVE_AWAY}" if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""
            raise StoreUnusable(f"{reason(error, path)}{hint}") from None
        except StoreUnusable:
            _close(database, lock)
            raise
        return cls(path, database, lock)

    @property
    def replaced(self) -> bool:
        """Whether the path leads to another file by now, or to none."""
        try:
            return not os.path.samestat(os.fstat(self._lock), os.stat(self.path))
        except OSError:
            return True

    def close(self) -> None:
        """Put what is left in the log into the file, and let others have it."""
        _close(self.database, self._lock)


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection whose transactions are begun by hand, for the calling thread; it reads any text."""
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    return database


def _close(database: sqlite3.Connection, lock: int) -> None:
    # in this order: closing any descriptor of a file ends the locks that SQLite has on it
    database.close()
    os.close(lock)


def _locked(path: Path) -> int:
    """
    Make the file where it is missing, take the rights of others away, and lock it: SQLite's own locks do not last.

    The files that SQLite makes beside it get the same mode.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_IMODE(os.fstat(lock).st_mode) != MODE:
            os.fchmod(lock, MODE)
    except OSError as error:
        os.close(lock)
        taken = isinstance(error, BlockingIOError)
        raise StoreUnusable(f"{path}: {IN_USE if taken else error.strerror}") from None
    return lock


def _prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (tables or version or application):
        raise StoreUnusable(f"{path} is a SQLite database of another program: name another file")
    if version > len(migrations):
        raise StoreUnusable(
            f"{path} is of version {version}, written by a newer wrtcgw; this one knows versions up to "
            f"{len(migrations)}: install the newer one, or {MOVE_AWAY}"
        )
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise StoreUnusable(f"{path} is damaged ({' '.join(found.split())}); {MOVE_AWAY}")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreUnusable(f"{path}: its file system does not allow a write-ahead log (journal mode {mode})")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LARGEST_LOG_PAGES}")
    for number in range(version, len(migrations)):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            for statement in migrations[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {number + 1}")
