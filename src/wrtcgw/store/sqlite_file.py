"""
The file of a SQLite store: ours or not, of which version, and what its errors mean.

``application_id`` in its header says that it is ours, ``user_version`` of which version its tables are. Everything here
blocks.
"""

import os
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path

from wrtcgw.store.interface import StoreUnavailable, StoreUnusable

APPLICATION = 0x77727463
"""wrtc"""
FIRST_BYTES = b"SQLite format 3\0"
MODE = 0o600

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
    sqlite3.SQLITE_BUSY: "another process uses it: each gateway needs a file of its own",
    sqlite3.SQLITE_CORRUPT: "its content is damaged",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite database, or damaged",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "reading or writing failed",
}
MOVE_AWAY = "move it away to start without the calls that it holds"


def reason(error: sqlite3.Error) -> str:
    """Return what an error of SQLite means, with its own words."""
    code = getattr(error, "sqlite_errorcode", 0)
    told = REASONS.get(code & 0xFF)
    return f"{told} ({error})" if told else str(error)


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


def open_file(path: Path, migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """
    Open the file for this process alone, make or migrate it where needed, and look whether it is whole.

    It stays locked until it is closed. A commit is in the hands of the operating system; see
    :class:`~wrtcgw.store.sqlite.SQLiteStore` for what that means.

    :raises StoreUnusable: when it cannot be used.
    """
    fault = fault_of(path)
    if fault:
        raise StoreUnusable(fault)
    try:
        _make_private(path)
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}") from None
    # what this thread opens it may use alone; transactions are begun by us
    connection = sqlite3.connect(path, timeout=0.0, isolation_level=None)
    try:
        _prepare(connection, path, migrations)
    except sqlite3.Error as error:
        connection.close()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        hint = f"; {MOVE_AWAY}" if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""
        raise StoreUnusable(f"{path}: {reason(error)}{hint}") from None
    except StoreUnusable:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """
    Make the file, or take the rights of others away; the log beside it gets the same mode from SQLite.

    A file that is there is not opened for this: closing it would end the locks that this process has on it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE))
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) != MODE:
            path.chmod(MODE)


def _prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    # before the first look into it, so that there is no shared memory beside it, and nobody else gets in
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
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
    for number in range(version, len(migrations)):
        connection.execute("BEGIN EXCLUSIVE")
        with connection:
            for statement in migrations[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {number + 1}")


def unavailable(path: Path, error: sqlite3.Error) -> StoreUnavailable:
    """Return what an error of SQLite is for whoever has asked."""
    return StoreUnavailable(f"{path}: {reason(error)}")
