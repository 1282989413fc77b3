"""The thread of a store: in order, in time, and never too much at once."""

import sys
from functools import partial
from threading import Event
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from wrtcgw.store.interface import StoreUnavailable
from wrtcgw.store.worker import LONGEST_QUEUE, SWITCH, Worker


class WorkerTests(TestCase):
    """A real thread, in virtual time."""

    timeout = 30

    def setUp(self) -> None:
        """Have a worker whose thread can be held up."""
        self.clock = Clock()
        self.worker = Worker(cast(IReactorFromThreads, reactor), self.clock, "test")
        self.gate = Event()
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(0.005)
        self.worker.start()
        self.addCleanup(self.worker.stop)
        self.addCleanup(self.gate.set)

    def assert_unavailable(self, waiting: Deferred[Any], text: str) -> None:
        """Assert that a job was given up for a reason."""
        self.assertIn(text, str(self.failureResultOf(waiting, StoreUnavailable).value))

    def test_its_turn(self) -> None:
        """It does not wait for 5 ms each time when the reactor has something to do."""
        self.assertLessEqual(sys.getswitchinterval(), SWITCH + 1e-6)

    async def test_in_order(self) -> None:
        """Jobs are done in the order in which they came, and each gives its own result."""
        done: list[int] = []

        def job(number: int) -> int:
            done.append(number)
            return number

        waiting = [self.worker.do(partial(job, number), 1.0) for number in range(100)]
        self.assertEqual([await each for each in waiting], list(range(100)))
        self.assertEqual(done, list(range(100)))

    async def test_errors(self) -> None:
        """What a job raises is what its Deferred fails with, and the next job is done."""

        def fail() -> None:
            raise LookupError("nothing")

        with self.assertRaises(LookupError):
            await self.worker.do(fail, 1.0)
        self.assertEqual(await self.worker.do(lambda: 5, 1.0), 5)

    async def test_too_late(self) -> None:
        """A job that hangs is given up in time; one behind it that has not begun is left out; later ones are done."""
        begun = Event()
        done: list[str] = []

        def hang() -> None:
            begun.set()
            self.gate.wait()
            done.append("hung")

        hanging = self.worker.do(hang, 1.0)
        behind = self.worker.do(lambda: done.append("behind"), 1.0)
        begun.wait()
        self.clock.advance(0.9)
        self.assertNoResult(hanging)
        self.clock.advance(0.1)
        self.assert_unavailable(hanging, "no answer within 1 s")
        self.assert_unavailable(behind, "no answer within 1 s")
        after = self.worker.do(lambda: done.append("after"), 1.0)
        self.gate.set()
        await after
        self.assertEqual(done, ["hung", "after"])

    async def test_bounded(self) -> None:
        """Behind a hanging job only so many may wait; when it ends there is room again."""
        waiting = [self.worker.do(self.gate.wait, 1.0)]
        waiting += [self.worker.do(lambda: True, 1.0) for _ in range(LONGEST_QUEUE - 1)]
        self.assert_unavailable(self.worker.do(lambda: True, 1.0), f"{LONGEST_QUEUE} others wait")
        self.gate.set()
        for each in waiting:
            await each
        self.assertTrue(await self.worker.do(lambda: True, 1.0))

    def test_not_running(self) -> None:
        """Before the start, and after the end, nothing is taken."""
        fresh = Worker(cast(IReactorFromThreads, reactor), self.clock, "test")
        self.assert_unavailable(fresh.do(lambda: True, 1.0), "not open")
        self.worker.stop()
        self.worker.stop()
        self.assert_unavailable(self.worker.do(lambda: True, 1.0), "not open")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_stopped(self) -> None:
        """What was asked before the end is done; a worker can be started again."""
        last = self.worker.do(lambda: "last", 1.0)
        self.worker.stop()
        self.assertEqual(await last, "last")
        self.worker.start()
        self.assertEqual(await self.worker.do(lambda: "first", 1.0), "first")
