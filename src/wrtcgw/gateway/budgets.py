"""
How often an agent may place calls, and change or send something inside them.

What a DN has used up it has used up: signing out and in again gives nothing back. A guest has no DN, so that the
place of its page counts (:func:`~wrtcgw.networks.place_of`): for IPv6 a network of 64 bits.
"""

import math
from collections.abc import Callable

from attrs import define

from wrtcgw.calls.agent import Agent
from wrtcgw.errors import TooManyCalls, TooManyOrders
from wrtcgw.gateway.rights import Rights
from wrtcgw.networks import place_of

MINUTE, DAY = 60.0, 86_400.0
ORDERS, ORDERS_PER_SECOND = 100, 20.0
"""
Orders (DTMF, INFO, hold, resume, an offer) that an agent may send at once, and one after the other; one of DTMF has up
to 64 digits.
"""
PRUNE_AT = 10_000
"""So many are remembered; beyond it those go of whom there is nothing to remember any more."""


@define(eq=False)
class _Used:
    """What one DN, or one address of guests, has used up."""

    level: float
    """How many calls it may place at once, at the time ``since``."""
    since: float
    day: float
    """When its day began: with the first call after the one before."""
    calls: int = 0
    """Calls of that day."""


class CallBudget:
    """Calls for each minute and each day: a bucket that fills up again, and a count that begins anew."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._used: dict[str, _Used] = {}
        self._prune_at = PRUNE_AT

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._used)

    def require(self, agent: Agent, rights: Rights, address: str = "", action: str = "place another call") -> None:
        """
        Refuse a further call of an agent who has placed as many as it may; nothing is charged.

        :raises TooManyCalls: with the seconds until it may.
        """
        used = self._of(_key(agent, address), rights)
        if rights.calls_per_day and used.calls >= rights.calls_per_day:
            wait = max(1, math.ceil(used.day + DAY - self._seconds()))
            state = f"{rights.calls_per_day} calls a day are allowed (calls_per_day); try again in {wait} s"
            raise TooManyCalls("", action, state, wait)
        if used.level < 1.0:
            wait = max(1, math.ceil((1.0 - used.level) * MINUTE / rights.calls_per_minute))
            state = f"{rights.calls_per_minute} calls a minute are allowed (calls_per_minute); try again in {wait} s"
            raise TooManyCalls("", action, state, wait)

    def charge(self, agent: Agent, rights: Rights, address: str = "") -> None:
        """Charge a call that was placed, or ordered by a transfer."""
        agent.place = place_of(address) or agent.place
        key = _key(agent, address)
        used = self._used[key] = self._of(key, rights)
        used.level -= 1.0
        used.calls += 1
        if len(self._used) > self._prune_at:
            self._prune()

    def _of(self, key: str, rights: Rights) -> _Used:
        """Return what is used up now."""
        now, full = self._seconds(), float(rights.calls_per_minute)
        used = self._used.get(key)
        if used is None:
            return _Used(full, now, now)
        used.level = min(full, used.level + (now - used.since) * full / MINUTE)
        used.since = now
        if now - used.day >= DAY:
            used.day, used.calls = now, 0
        return used

    def _prune(self) -> None:
        """Forget those whose day is over: their minute is over as well."""
        now = self._seconds()
        self._used = {key: used for key, used in self._used.items() if now - used.day < DAY}
        self._prune_at = max(PRUNE_AT, 2 * len(self._used))


class OrderBudget:
    """Digits, data and changes of the media inside calls."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._levels: dict[str, tuple[float, float]] = {}

    def charge(self, agent: Agent, action: str) -> None:
        """
        Charge one order.

        :raises TooManyOrders: when the agent has sent too many.
        """
        now = self._seconds()
        level, since = self._levels.get(agent.dn, (float(ORDERS), now))
        level = min(float(ORDERS), level + (now - since) * ORDERS_PER_SECOND)
        if level < 1.0:
            raise TooManyOrders(action)
        self._levels[agent.dn] = level - 1.0, now
        if len(self._levels) > PRUNE_AT:
            full = ORDERS / ORDERS_PER_SECOND
            self._levels = {dn: used for dn, used in self._levels.items() if now - used[1] < full}


def _key(agent: Agent, address: str) -> str:
    """Return whose budget it is; a transfer of a guest is charged to where its page placed the call."""
    return f"guest {place_of(address) or agent.place}" if agent.guest else agent.dn
