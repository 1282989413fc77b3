"""
How often sign_in may be tried.

A try takes a token from the bucket of its address, of its id and of its DN, and gives it back unless the registrar
refused it: so guessing is slow, while any number of agents may sign in properly, and no more than a burst at a time.
"""

import math
from collections.abc import Callable, Hashable

from wrtcgw.web.errors import TooManyTries
from wrtcgw.web.settings import Allowance

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

    def __init__(self, charges: tuple[tuple[Buckets, str], ...]) -> None:
        self._charges = charges

    def forgive(self) -> None:
        """Give the tokens back; a second time does nothing."""
        charges, self._charges = self._charges, ()
        for buckets, key in charges:
            buckets.give_back(key)


class SignInLimit:
    """The limits of sign_in, by address, by id and by DN."""

    def __init__(self, per_address: Allowance, per_id: Allowance, seconds: Callable[[], float]) -> None:
        self._addresses = Buckets(per_address, seconds)
        self._ids = Buckets(per_id, seconds)
        self._dns = Buckets(per_id, seconds)

    def enter(self, address: str, agent_id: str, dn: str, *, known: bool) -> Try:
        """
        Charge a try.

        :param known: the caller showed the session of this very agent: only its address is charged.
        :raises TooManyTries: when one of the buckets is empty; nothing is charged then.
        """
        charges: tuple[tuple[Buckets, str], ...] = ((self._addresses, address),)
        if not known:
            charges = (*charges, (self._ids, agent_id), (self._dns, dn))
        wait = max(buckets.wait(key) for buckets, key in charges)
        if wait > 0:
            raise TooManyTries(math.ceil(wait))
        for buckets, key in charges:
            buckets.take(key)
        return Try(charges)
