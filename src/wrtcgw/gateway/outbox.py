"""
What leaves the gateway: SIP messages, messages for pages, and responses, each not before its state is written down.

A gateway that is killed must not have said what it does not know any more when it is started again. So at the end of
each entry, when the state has settled, the accounts that have changed are written to the store, and what the entry has
to say waits for that. An entry that has nothing to say, as one in which a page has fetched a message, waits a moment
for others: what it changed may be lost with the process as if it had been lost on its way. While one batch is being
written what follows gathers for the next, so however slow the store is there is one write under way, and the state of
an account is written once for all the entries between.

All that leaves stays in its order. A store that fails does not hold anything back: calls in progress go on from memory,
and what was not written is written when the store is back.

Where several gateways share a store, what an account has to say that turns out to be another gateway's is dropped. A
process that was stopped for longer than its leases last looks after them first, before anything leaves.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from wrtcgw.events.catalogue import StoreLost, StoreReached, StoreWrote
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway.leases import Leases
from wrtcgw.store.interface import Store, StoreUnavailable

Act = Callable[[], object]
Held = tuple[str, Act]
"""What is held back, and the account that says it."""

COMPANY = 0.01
"""Seconds that a change of which nothing is said waits for others that can be written with it."""

FIRST_PAUSE, LAST_PAUSE = 0.5, 10.0
"""Seconds before a store that failed is tried again: they double from the first to the last."""

AT_ONCE = 200
"""
Accounts that are written by one question. After an outage, or when the store has lost everything, it is all of them,
which one answer within ``store_timeout`` is too little for, and one turn of the reactor.
"""

DOUBT_PAUSE, DOUBT_LIMIT = 0.2, 3.0
"""After how many seconds a gateway that was stopped asks again for its leases, and for how long it does."""


class Touching(Protocol):
    """The SIP core, as far as it tells which accounts have changed."""

    def touched(self) -> set[str]:
        """Return the accounts whose state may have changed since this was asked last."""


class Outbox(Protocol):
    """What holds back what leaves."""

    @property
    def is_writable(self) -> bool:
        """Return whether what is promised now can be written down."""

    def touch(self, key: str) -> None:
        """Note that the state of an account has changed apart from the core's."""

    def settled(self) -> None:
        """Note that an entry has settled: what it has touched can be written."""

    def put(self, act: Act, key: str = "") -> None:
        """
        Do something that lets what has settled be seen outside, as soon as it is written down.

        :param key: the account that says it; when it is another gateway's by then, nothing is done.
        """

    def durable(self) -> "Deferred[None] | None":
        """Return what fires when all that has settled until now is written down; None when it is."""


class Immediate:
    """Nothing is written down, so nothing waits."""

    is_writable = True

    def __init__(self, core: Touching) -> None:
        self._core = core

    def touch(self, key: str) -> None:
        """Do nothing."""

    def settled(self) -> None:
        """Let the core forget which accounts have changed."""
        self._core.touched()

    def put(self, act: Act, key: str = "") -> None:
        """Do it at once."""
        act()

    def durable(self) -> None:
        """Return None."""


class Batches:
    """
    Writes what has changed to a store, one batch at a time, and holds back what leaves until then.

    :param leases: what is this gateway's of the store.
    :param records: returns what is to be written for the given accounts; None for one of which nothing is left.
    :param fenced: told of accounts that another gateway has taken over meanwhile, of which nothing was written.
    :param report: told of bugs.
    """

    def __init__(
        self,
        store: Store,
        leases: Leases,
        core: Touching,
        clock: IReactorTime,
        events: EventStream,
        records: Callable[[Iterable[str]], Mapping[str, bytes | None]],
        fenced: Callable[[frozenset[str]], object],
        report: Callable[[Exception], object],
    ) -> None:
        self._store = store
        self.leases = leases
        store.on_loss = self._write_anew
        self._core = core
        self._clock = clock
        self._events = events
        self._records = records
        self._fenced = fenced
        self._report = report
        self._touched: set[str] = set()
        self._writing: set[str] | None = None
        """The accounts of the batch that is being written."""
        self._waiting: deque[Held] = deque()
        """What waits for that batch."""
        self._waiting_next: deque[Held] = deque()
        """What waits for the one behind it."""
        self._gone: set[str] = set()
        """The accounts that were lost, and of which nothing came since: what is still to be said of them is dropped."""
        self._is_releasing = False
        self._doubted: float | None = None
        """Since when it is not known which accounts are this gateway's; None while it is."""
        self._pause = 0.0
        """How long the store is left alone after it has failed; 0 while it works."""
        self._is_lost = False
        """Whether it was told that the store has failed, and not yet that it is back."""
        self._retry: IDelayedCall | None = None
        self._company: IDelayedCall | None = None
        """Writes what has changed by then."""
        self._began = 0.0
        self._closed: Deferred[None] | None = None
        """Fires when it is closed; None while it is open."""

    @property
    def is_shared(self) -> bool:
        """Return whether other gateways use the store, too."""
        return self._store.shared

    @property
    def is_writable(self) -> bool:
        """Return whether the store took the last batch."""
        return not (self._pause or self._is_lost)

    # -- what changes, and what leaves

    def touch(self, key: str) -> None:
        """Note that the state of an account has changed apart from the core's."""
        self._gone.discard(key)
        if self._closed is None:
            self._touched.add(key)

    def settled(self) -> None:
        """Write what has changed as soon as something is said of it, or in a moment."""
        touched = self._core.touched()
        self._gone -= touched
        if self._closed is None:
            self._touched |= touched
            if self._waiting_next:
                self._begin()
            elif self._touched and self._company is None and self._is_idle:
                self._company = self._clock.callLater(COMPANY, self._in_company)

    def _in_company(self) -> None:
        self._company = None
        self._begin()

    def put(self, act: Act, key: str = "") -> None:
        """Do something as soon as all that has settled is written down, unless its account is another gateway's."""
        if self._closed is not None and not self._is_releasing:
            return  # what happens after the last write would be unknown to the next process
        if key in self._gone:
            return
        doubts = self._doubts()
        if self._pause and not self._is_releasing:
            act()
        elif not self._pause and (self._touched or doubts):
            self._waiting_next.append((key, act))
            if not self._events.is_open:  # otherwise it begins when the entry has settled
                self._begin()
        elif self._writing is not None or self._is_releasing:
            self._waiting.append((key, act))
        else:
            act()

    def durable(self) -> "Deferred[None] | None":
        """Return what fires when all that has settled until now is written down; None when it is."""
        doubts = self._doubts()
        if self._pause or not (self._touched or doubts or self._writing is not None or self._is_releasing):
            return None
        waiting: Deferred[None] = Deferred(lambda _: None)
        self.put(lambda: None if waiting.called else waiting.callback(None))
        return waiting

    def close(self) -> "Deferred[None]":
        """
        Let nothing leave any more that is not under way, and give the accounts back.

        :returns: fires when all is written that can be.
        """
        closed, self._closed = self._closed, Deferred()
        assert closed is None, "it is closed once"
        if self._company is not None:
            self._company.cancel()
            self._company = None
        self._begin()
        self._close_if_idle()
        return self._closed

    def _close_if_idle(self) -> None:
        closed = self._closed
        if closed is None or self._writing is not None or (self._touched and not self._pause):
            return
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._touched.clear()
        self.leases.stop()
        released = Deferred.fromCoroutine(self.leases.release(sorted(self.leases.keys)))
        released.addErrback(lambda failure: failure.trap(StoreUnavailable)).addErrback(self._bug)
        released.addCallback(lambda _: None if closed.called else closed.callback(None))

    # -- batches

    def _write_anew(self) -> None:
        """Write everything again: the store may have lost it."""
        if self._closed is None:
            self._touched |= self.leases.keys
            self._begin()

    def _begin(self) -> None:
        if self._is_idle and (self._touched or self._doubted is not None):
            self._write()

    @property
    def _is_idle(self) -> bool:
        """Return whether a batch can begin; otherwise it does when that has passed which keeps it from it."""
        return self._writing is None and not self._is_releasing and self._retry is None

    def _doubts(self) -> bool:
        """Return whether the leases have to be looked after before anything may leave."""
        if self._doubted is None and self.leases.in_doubt:
            self._doubted = self._clock.seconds()
            self._pause = 0.0  # a store that was out of reach before may have been back for others since then
            if self._retry is not None:
                self._retry.cancel()
                self._retry = None
        return self._doubted is not None

    def _write(self) -> None:
        self._writing, self._touched = self._touched, set()
        self._waiting, self._waiting_next = self._waiting_next, self._waiting
        self._began = self._clock.seconds()
        work = Deferred.fromCoroutine(self._write_batch(self._writing))
        work.addCallbacks(self._written, self._failed).addErrback(self._bug)

    async def _write_batch(self, keys: set[str]) -> frozenset[str]:
        """Write the state of accounts; returns those that are another gateway's."""
        if self._doubts():
            await self.leases.make_sure()
        refused: set[str] = set()
        rest = iter(sorted(keys))
        while some := list(islice(rest, AT_ONCE)):
            refused |= await self._write_some(some)
        if self.leases.in_doubt:  # it was stopped while it waited for that, which is of long ago now
            self._doubts()
            await self.leases.make_sure()
        return frozenset(refused)

    async def _write_some(self, keys: Iterable[str]) -> frozenset[str]:
        changes = dict(self._records(keys))
        lost = {key for key in changes.keys() - self.leases.keys if not await self.leases.take(key)}
        written = {key: data for key, data in changes.items() if key not in lost}
        asked = self._clock.seconds()
        fenced = await self._store.write(written) if written else frozenset()
        over = [key for key, data in written.items() if data is None and key not in fenced]
        self.leases.confirm(written.keys() - fenced, asked)
        self.leases.drop(fenced)
        await self.leases.release(over)
        return fenced | lost

    def lose(self, keys: frozenset[str]) -> None:
        """Drop what accounts have to say that are another gateway's, and let them go."""
        self._waiting = deque(held for held in self._waiting if held[0] not in keys)
        self._waiting_next = deque(held for held in self._waiting_next if held[0] not in keys)
        self._gone |= keys
        try:
            self._fenced(keys)
        except Exception as error:  # what the others have to say must leave all the same
            self._report(error)
        self._touched -= keys
        if self._writing is not None:
            self._writing -= keys

    def _written(self, fenced: frozenset[str]) -> None:
        keys, self._writing = self._writing or set(), None
        self._is_releasing = True  # who hears of this may begin entries: their batch comes behind what waits for this
        self._doubted = None
        self._pause = 0.0
        if self._is_lost:
            self._is_lost = False
            self._events.publish(StoreReached(len(keys)))
        self._events.publish(StoreWrote(len(keys), self._clock.seconds() - self._began, frozenset(keys)))
        if fenced:
            self.lose(fenced)
        if not self._touched:  # there is no next batch for what waits for one
            self._waiting.extend(self._waiting_next)
            self._waiting_next.clear()
        self._release()

    def _failed(self, failure: Failure) -> None:
        keys, self._writing = self._writing or set(), None
        self._touched |= keys
        if self._asks_again(failure):
            return
        self._is_releasing = True
        if not self._is_lost:
            self._is_lost = True
            self._events.publish(StoreLost(str(failure.value)))
        if not failure.check(StoreUnavailable):
            self._bug(failure)
        self._pause = min(2 * self._pause or FIRST_PAUSE, LAST_PAUSE)
        self._retry = self._clock.callLater(self._pause, self._try_again)
        self._waiting.extend(self._waiting_next)
        self._waiting_next.clear()
        self._release()

    def _asks_again(self, failure: Failure) -> bool:
        """Return whether nothing may leave yet: it is not known whose the accounts are, and may be soon."""
        if self._doubted is None or self._pause or self._closed is not None or not failure.check(StoreUnavailable):
            return False
        if self._clock.seconds() - self._doubted >= DOUBT_LIMIT:
            self.leases.assume()
            self._doubted = None
            return False
        self._waiting_next.extendleft(reversed(self._waiting))
        self._waiting.clear()
        self._retry = self._clock.callLater(DOUBT_PAUSE, self._try_again)
        return True

    def _try_again(self) -> None:
        self._retry = None
        self._write()

    def _release(self) -> None:
        """Let go of what waited for the batch, in order, and begin the next one."""
        self._is_releasing = True
        try:
            while self._waiting:
                _, act = self._waiting.popleft()
                try:
                    act()
                except Exception as error:  # the others must leave all the same
                    self._report(error)
        finally:
            self._is_releasing = False
        self._begin()
        self._close_if_idle()

    def _bug(self, failure: Failure) -> None:
        if isinstance(failure.value, Exception):
            self._report(failure.value)
