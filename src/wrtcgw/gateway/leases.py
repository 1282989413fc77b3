"""
Which accounts are this gateway's: the leases that it holds in the store, and what keeps them.

Each write is a sign of life for the accounts that are written; the others are renewed in rounds. A gateway that was
stopped (SIGSTOP, a machine that slept) for longer than a lease lasts may have lost any of them to another one, and
does not know: then it is in doubt, and :meth:`Leases.make_sure` has to be waited for before anything is said.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from wrtcgw.store.interface import Store, StoreUnavailable

ROUNDS = 3
"""So many rounds there are while a lease lasts: two of them may fail."""
BATCH = 200
"""Leases that are renewed by one question, which must not keep the store from others for long."""


class Leases:
    """
    The accounts that are this gateway's, as far as is known.

    :param clock: not one whose calls are entries: leases are kept whatever else goes on.
    :param lasting: seconds that a lease lasts; 0 where none is ever lost, as nobody else uses the store.
    :param lost: told of accounts that turn out to be another gateway's.
    :param report: told of bugs.
    """

    def __init__(
        self,
        store: Store,
        clock: IReactorTime,
        lasting: float,
        lost: Callable[[frozenset[str]], object],
        report: Callable[[Exception], object],
    ) -> None:
        self._store = store
        self._clock = clock
        self._lasting = lasting
        self._lost = lost
        self._report = report
        self._ours: dict[str, float] = {}
        """When each was asked for last, in the clock's seconds, with a good answer."""
        self._looked = clock.seconds()
        """When the last round began."""
        self._timer: IDelayedCall | None = None

    @property
    def keys(self) -> frozenset[str]:
        """Return the accounts that are this gateway's."""
        return frozenset(self._ours)

    def __contains__(self, key: object) -> bool:
        """Return whether an account is."""
        return key in self._ours

    @property
    def in_doubt(self) -> bool:
        """Return whether this process was stopped for so long that any of them may be another gateway's by now."""
        return bool(self._timer and self._ours) and self._clock.seconds() - self._looked > self._lasting

    # -- one by one

    async def take(self, key: str, *, force: bool = False) -> bool:
        """Make an account this gateway's; returns whether it is, and not another one's."""
        asked = self._clock.seconds()
        lease = await self._store.take(key, force=force)
        if lease is None:
            self._ours.pop(key, None)
        else:
            self._ours[key] = asked
        return lease is not None

    def confirm(self, keys: Iterable[str], asked: float) -> None:
        """Note that the store has taken a write for accounts, which was asked at a time."""
        self._ours.update((key, asked) for key in keys)

    def drop(self, keys: Iterable[str]) -> None:
        """Note that accounts are not this gateway's any more."""
        for key in keys:
            self._ours.pop(key, None)

    async def release(self, keys: Sequence[str]) -> None:
        """Give accounts back, so that any gateway can take them at once."""
        self.drop(keys)
        if keys:
            await self._store.release(keys)

    # -- all of them

    def start(self) -> None:
        """Look after the leases from now on, where they can be lost."""
        if self._lasting and self._timer is None:
            self._looked = self._clock.seconds()
            self._again()

    def stop(self) -> None:
        """Look after them no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self) -> None:
        self._timer = self._clock.callLater(self._lasting / ROUNDS, self._round)

    def _round(self) -> None:
        self._again()
        Deferred.fromCoroutine(self._reported(self.make_sure() if self.in_doubt else self._renew_quiet()))

    async def make_sure(self) -> None:
        """
        Renew all leases, and let go of the accounts that are lost.

        :raises StoreUnavailable: when it cannot be known.
        """
        await self._renew(list(self._ours))

    def assume(self) -> None:
        """Be in doubt no more: the store is out of reach, so that nobody else can know better."""
        self._looked = self._clock.seconds()

    async def _renew_quiet(self) -> None:
        """Renew the leases that no write has renewed lately."""
        now = self._clock.seconds()
        lately = now - self._lasting / ROUNDS / 2
        self._looked = now  # a store that fails is no doubt: while it is out of reach nobody can take anything over
        await self._renew([key for key, asked in self._ours.items() if asked <= lately])

    async def _renew(self, keys: Sequence[str]) -> None:
        began = self._clock.seconds()
        lost: set[str] = set()
        rest = iter(keys)
        while batch := list(islice(rest, BATCH)):
            asked = self._clock.seconds()
            refused = await self._store.renew(batch)
            lost |= refused
            self._ours.update((key, asked) for key in batch if key not in refused and key in self._ours)
        self._looked = max(self._looked, began)
        lost &= self._ours.keys()
        self.drop(lost)
        if lost:
            self._lost(frozenset(lost))

    async def _reported(self, work: Awaitable[object]) -> None:
        try:
            await work
        except StoreUnavailable:
            pass  # the writes tell of that
        except Exception as error:
            self._report(error)
