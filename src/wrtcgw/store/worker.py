"""One thread that does what would block the reactor, one job after the other, in order."""

import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.python.failure import Failure

from wrtcgw.store.interface import StoreUnavailable

T = TypeVar("T")
Queue = SimpleQueue[Callable[[], object] | None]

LONGEST_QUEUE = 1000
"""Jobs that wait; more come only when the thread hangs, and are refused."""

SWITCH = 0.0003
"""
Seconds after which the reactor's thread gives the interpreter up to this one, if that wants it; Python's own 5 ms would
be added to every write while there is something else to do.
"""


class Worker:
    """
    The thread and its queue.

    A job that takes too long is not waited for any longer. It goes on, and so keeps its place before those that
    follow; one that has not begun yet when its time is over is left out.

    :ivar running: whether it takes jobs.
    """

    def __init__(self, threads: IReactorFromThreads, clock: IReactorTime, name: str) -> None:
        self._threads = threads
        self._clock = clock
        self._name = name
        self._queue: Queue = SimpleQueue()
        self._waiting = 0
        self.running = False

    def start(self) -> None:
        """Start the thread; not before the process has forked for the last time."""
        self.running = True
        sys.setswitchinterval(min(SWITCH, sys.getswitchinterval()))
        self._queue = SimpleQueue()
        Thread(target=_work, args=(self._queue,), name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Let the thread end behind what is queued; nothing more is taken."""
        if self.running:
            self.running = False
            self._queue.put(None)

    def do(self, job: Callable[[], T], seconds: float) -> Deferred[T]:
        """
        Do a job in the thread.

        :returns: fires with its result, or fails with what it raised, or with StoreUnavailable when it takes longer
            than ``seconds``, when too many others wait, or when the thread does not run.
        """
        if not self.running:
            return fail(StoreUnavailable("the store is not open"))
        if self._waiting >= LONGEST_QUEUE:
            return fail(StoreUnavailable(f"{self._waiting} others wait already"))
        done: Deferred[T] = Deferred()
        self._waiting += 1

        def attempt() -> None:
            if done.called:
                self._threads.callFromThread(self._settle, done, None)
                return
            result: object
            try:
                result = job()
            except Exception:
                result = Failure()
            self._threads.callFromThread(self._settle, done, result)

        self._queue.put(attempt)
        done.addTimeout(seconds, self._clock, _too_late(seconds))
        return done

    def _settle(self, done: Deferred[Any], result: object) -> None:
        self._waiting -= 1
        if not done.called:
            done.callback(result)


def _work(queue: Queue) -> None:
    while (attempt := queue.get()) is not None:
        attempt()


def _too_late(seconds: float) -> Callable[[object, float], object]:
    def refuse(_: object, __: float) -> object:
        raise StoreUnavailable(f"no answer within {seconds:g} s")

    return refuse
