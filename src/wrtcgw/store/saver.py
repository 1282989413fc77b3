"""
The thread that lets the disk catch up with a file of SQLite.

To wait for the disk can take a second on a busy machine. SQLite by itself does so in a write, each time when the log
has become long and moves into the file, and when the log begins anew after that. Here a thread does the first, with a
connection of its own, and seldom enough that the second does not count; those who write go on meanwhile.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread

from wrtcgw.store.sqlite_file import connect

PAUSE = 1.0
"""Seconds between the first write and the disk's turn: how old the file may be after a power cut, and a bit."""
LONG_LOG = 33_554_432
"""Bytes that were written, about, before the log moves into the file."""


class Saver:
    """
    The thread; it has begun when this is made.

    :param pause: seconds.
    """

    def __init__(self, path: Path, pause: float = PAUSE) -> None:
        self._path = path
        self._pause = pause
        self._written = 0
        self._wanted = Event()
        self._ending = Event()
        self._thread = Thread(target=self._run, name="wrtcgw-saver", daemon=True)
        self._thread.start()

    def wrote(self, size: int) -> None:
        """Take notice that so many bytes were written."""
        self._written += size
        self._wanted.set()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._ending.set()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wanted.wait()
            if not self._ending.wait(self._pause):
                self._wanted.clear()
                move = self._written > LONG_LOG
                # what is wrong with the file, the next write is told
                with suppress(OSError, sqlite3.Error):
                    save(self._path, move=move)
                if move:
                    self._written = 0


def save(path: Path, *, move: bool) -> None:
    """
    Let the disk catch up with the log of a file, blocking.

    :param move: whether the log moves into the file as well, as far as nobody else is in the way.
    :raises OSError: when there is no log.
    :raises sqlite3.Error: when it cannot move.
    """
    log = os.open(path.with_name(f"{path.name}-wal"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(log)
    finally:
        os.close(log)
    if move:
        with closing(connect(path)) as database:
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
