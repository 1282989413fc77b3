"""
How often sign_in may be tried.

A try takes a token from several buckets, and gives it back unless the registrar refused it: so guessing is slow, while
any number of agents may sign in properly, and no more than a burst at a time. Where a try comes from counts by whole
networks (:func:`~wrtcgw.networks.place_of`).

Nobody may lock a rightful agent out for ever, which is what these rules are for:

- who shows a token that is or was the DN's own has a bucket apart, which strangers cannot empty;
- an address from which the DN has signed in before needs a token of the bucket for this DN at this address, no other;
- of the buckets for all addresses a share is kept for addresses that have not failed at this id or DN;
- at an address whose bucket is empty, because somebody there tries many DNs, tries for a DN at which nobody there has
  failed wait their turn for a few seconds, and are not refused at once.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

from attrs import evolve, frozen

from wrtcgw.networks import place_of
from wrtcgw.web.errors import TooManyTries
from wrtcgw.web.settings import Allowance

WIDER = 5
"""All addresses together have so many times the burst of one for an id or DN; it fills up at the same rate."""
PATIENCE = 5.0
"""Seconds that a try waits for its turn at most."""
PRUNE_AT = 10_000
"""Buckets; beyond it those that are full again are forgotten."""
FAMILIAR = 20_000
"""How many pairs of DN and address that have signed in well are remembered."""


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

    def wait(self, key: Hashable, keep: float = 0.0) -> float:
        """Return after how many seconds the bucket has a token beside those to ``keep``; 0 when it has one now."""
        missing = 1.0 + keep - self._level(key)
        return max(0.0, missing / self._allowance.per_second)

    def is_full(self, key: Hashable) -> bool:
        """Return whether nothing is missing."""
        return self._level(key) >= self._allowance.burst

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


@frozen
class Charge:
    """One token of one bucket; so many must ``keep`` in it, and so long the try may wait for it (seconds)."""

    buckets: Buckets
    key: Hashable
    keep: float = 0.0
    patience: float = 0.0

    @property
    def wait(self) -> float:
        """Return after how many seconds there is a token."""
        return self.buckets.wait(self.key, self.keep)


class Try:
    """
    One try in progress; it stays charged unless it is forgiven.

    :ivar delay: seconds after which it may begin.
    """

    def __init__(self, charges: tuple[Charge, ...], delay: float, welcome: Callable[[], None] | None = None) -> None:
        self._charges = charges
        self._welcome = welcome
        self.delay = delay

    def forgive(self) -> None:
        """Give the tokens back; a second time does nothing."""
        charges, self._charges = self._charges, ()
        for charge in charges:
            charge.buckets.give_back(charge.key)

    def succeed(self) -> None:
        """Note that the registrar has said yes, and give the tokens back."""
        self.forgive()
        if self._welcome is not None:
            self._welcome()


class SignInLimit:
    """The limits of sign_in: by address, and by id and DN, each from one address and from all."""

    def __init__(self, per_address: Allowance, per_id: Allowance, seconds: Callable[[], float]) -> None:
        self._addresses, self._guests = Buckets(per_address, seconds), Buckets(per_address, seconds)
        wider = evolve(per_id, burst=WIDER * per_id.burst)
        self._share = float(per_id.burst)
        self._ids, self._dns = Buckets(per_id, seconds), Buckets(per_id, seconds)
        self._ids_anywhere, self._dns_anywhere = Buckets(wider, seconds), Buckets(wider, seconds)
        self._known = Buckets(per_id, seconds)
        self._familiar: OrderedDict[tuple[str, str], None] = OrderedDict()

    def enter(self, address: str, agent_id: str, dn: str, *, known: bool) -> Try:
        """
        Charge a try.

        :param known: the caller shows a token that is or was of an agent with this DN.
        :raises TooManyTries: when one of the buckets is empty; nothing is charged then.
        """
        place = place_of(address)
        if known:
            charges: tuple[Charge, ...] = (Charge(self._known, dn),)
        elif (dn, place) in self._familiar:
            charges = (Charge(self._dns, (dn, place)),)
        else:
            charges = self._of_stranger(place, agent_id, dn)
        return _charge(charges, lambda: self._note(dn, place))

    def _of_stranger(self, place: str, agent_id: str, dn: str) -> tuple[Charge, ...]:
        id_here, dn_here = (agent_id, place), (dn, place)
        fresh = self._ids.is_full(id_here) and self._dns.is_full(dn_here)
        keep = 0.0 if fresh else self._share
        return (
            Charge(self._addresses, place, patience=PATIENCE if fresh else 0.0),
            Charge(self._ids, id_here),
            Charge(self._dns, dn_here),
            Charge(self._ids_anywhere, agent_id, keep),
            Charge(self._dns_anywhere, dn, keep),
        )

    def enter_unknown(self, address: str) -> Try:
        """
        Charge a try of which nothing is known but its address.

        :raises TooManyTries: when its bucket is empty.
        """
        return _charge((Charge(self._addresses, place_of(address)),))

    def enter_guest(self, address: str) -> Try:
        """
        Charge the sign_in of a guest, who shows nothing that could be guessed: only the address, and good ones as well.

        Addresses have a bucket of their own for guests, who so lock nobody else out.

        :raises TooManyTries: when it is empty.
        """
        return _charge((Charge(self._guests, place_of(address)),))

    def _note(self, dn: str, place: str) -> None:
        """Remember that a DN has signed in from somewhere."""
        self._familiar[dn, place] = None
        self._familiar.move_to_end((dn, place))
        if len(self._familiar) > FAMILIAR:
            self._familiar.popitem(last=False)


def _charge(charges: tuple[Charge, ...], welcome: Callable[[], None] | None = None) -> Try:
    missing = max(charge.wait - charge.patience for charge in charges)
    if missing > 0:
        raise TooManyTries(math.ceil(missing))
    delay = max(charge.wait for charge in charges)
    for charge in charges:
        charge.buckets.take(charge.key)
    return Try(charges, delay, welcome)
