"""
How often sign_in may be tried.

A try takes a token from several buckets, and gives it back unless the registrar refused it: so guessing is slow, while
any number of agents may sign in properly, and no more than a burst at a time. Id and DN have a bucket for each address,
so that a guesser elsewhere does not lock their user out, and a larger one for all addresses, so that guessing from many
is slow too.
"""

import math
from collections.abc import Callable, Hashable

from attrs import evolve

from wrtcgw.web.errors import TooManyTries
from wrtcgw.web.settings import Allowance

WIDER = 5
"""All addresses together have so many times the burst of one for an id or DN; it fills up at the same rate."""
PRUNE_AT = 10_000
"""Buckets; beyond it those that are full again are forgotten."""


class Buckets:
    """One token bucket per key; a key that was never seen has a full one."""

    def __init__(self, allowance: Allowance, seconds: Callable[[], float]) -> None:
        self._allowance = allowance
        self._seconds = seconds
        self._levels: dict[Hashable, tuple[float, float]] = {}
        self._prune_at = PRUNE_AT

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._levels)

    def wait(self, key: Hashable) -> float:
        """Return after how many seconds the bucket has a token; 0 when it has one now."""
        missing = 1.0 - self._level(key)
        return max(0.0, missing / self._allowance.per_second)

    def take(self, key: Hashable) -> None:
        """Take a token."""
        self._set(key, self._level(key) - 1.0)

    def give_back(self, key: Hashable) -> None:
        """Put a token back."""
        self._set(key, self._level(key) + 1.0)

    def _level(self, key: Hashable) -> float:
        full = float(self._allowance.burst)
        level, since = self._levels.get(key, (full, 0.0))
        return min(full, level + (self._seconds() - since) * self._allowance.per_second)

    def _set(self, key: Hashable, level: float) -> None:
        if level >= self._allowance.burst:
            self._levels.pop(key, None)
            return
        self._levels[key] = (level, self._seconds())
        if len(self._levels) > self._prune_at:
            self._prune()

    def _prune(self) -> None:
        full = self._allowance.burst
        self._levels = {key: value for key, value in self._levels.items() if self._level(key) < full}
        self._prune_at = max(PRUNE_AT, 2 * len(self._levels))


class Try:
    """One try in progress; it stays charged unless it is forgiven."""

    def __init__(self, charges: tuple[tuple[Buckets, Hashable], ...]) -> None:
        self._charges = charges

    def forgive(self) -> None:
        """Give the tokens back; a second time does nothing."""
        charges, self._charges = self._charges, ()
        for buckets, key in charges:
            buckets.give_back(key)


class SignInLimit:
    """The limits of sign_in: by address, and by id and DN, each from one address and from all."""

    def __init__(self, per_address: Allowance, per_id: Allowance, seconds: Callable[[], float]) -> None:
        self._addresses, self._guests = Buckets(per_address, seconds), Buckets(per_address, seconds)
        wider = evolve(per_id, burst=WIDER * per_id.burst)
        self._ids, self._dns = Buckets(per_id, seconds), Buckets(per_id, seconds)
        self._ids_anywhere, self._dns_anywhere = Buckets(wider, seconds), Buckets(wider, seconds)

    def enter(self, address: str, agent_id: str, dn: str, *, known: bool) -> Try:
        """
        Charge a try.

        :param known: the caller showed the session of this very agent: only its address is charged.
        :raises TooManyTries: when one of the buckets is empty; nothing is charged then.
        """
        charges: tuple[tuple[Buckets, Hashable], ...] = ((self._addresses, address),)
        if not known:
            here = (self._ids, (agent_id, address)), (self._dns, (dn, address))
            charges = (*charges, *here, (self._ids_anywhere, agent_id), (self._dns_anywhere, dn))
        return _charge(charges)

    def enter_guest(self, address: str) -> Try:
        """
        Charge the sign_in of a guest, who shows nothing that could be guessed: only the address, and good ones as well.

        Addresses have a bucket of their own for guests, who so lock nobody else out.

        :raises TooManyTries: when it is empty.
        """
        return _charge(((self._guests, address),))


def _charge(charges: tuple[tuple[Buckets, Hashable], ...]) -> Try:
    wait = max(buckets.wait(key) for buckets, key in charges)
    if wait > 0:
        raise TooManyTries(math.ceil(wait))
    for buckets, key in charges:
        buckets.take(key)
    return Try(charges)
