"""
How many connections there may be: of one address, and in all.

An address is what :func:`~wrtcgw.networks.place_of` says, for IPv6 a network of 64 bits. Agents
who are signed in bring some more for their address, and keep getting in when others have used up what is left of the
system's descriptors.
"""

import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.logger import Logger

from wrtcgw.networks import place_of, plain_address

PER_AGENT = 4
"""So many more connections for each agent that is signed in from an address: a poll, a stream, calls and pages."""
RECOUNT, RECOUNT_EACH = 0.05, 0.0001
"""Seconds for which a count of agents by address is good, and some more for each of them: it takes time."""
RESERVE = 8
"""One part of so many of the descriptors is kept for those who are signed in, for proxies and for the SIP side."""

log = Logger()


class Place(Protocol):
    """A connection, known by its identity."""


def next_descriptor() -> int:
    """Return the number of the next descriptor: the lowest one that is free, so it tells how many are in use."""
    try:
        with socket.socket() as probe:
            return probe.fileno()
    except OSError:
        return sys.maxsize


class ConnectionLimits:
    """
    The connections of all listeners.

    :param per_address: how many one address may have; 0 for any number.
    :param descriptors: how many files the process may have open; 0 for any number.
    :param is_proxy: tells whether an address is a trusted proxy's, which speaks for many clients.
    :param agents: gives the address of each agent that is signed in.
    """

    def __init__(
        self,
        per_address: int,
        descriptors: int,
        is_proxy: Callable[[str], bool],
        agents: Callable[[], Iterable[str]],
        seconds: Callable[[], float],
    ) -> None:
        self.per_address = per_address
        self._full = descriptors - descriptors // RESERVE if descriptors else 0
        self._is_proxy = is_proxy
        self._agents = agents
        self._seconds = seconds
        self._places: dict[Place, str] = {}
        self._counts: Counter[str] = Counter()
        self._known: Counter[str] = Counter()
        self._recount_at = float("-inf")
        self.refused = 0
        """How many connections were refused."""

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._places)

    def is_open_to(self, address: str) -> bool:
        """Return whether the system has descriptors left for a connection: the last ones are not for strangers."""
        if not self._full or next_descriptor() < self._full:
            return True
        home = place_of(address)
        if not home or self._is_proxy(plain_address(address)) or self._agents_at(home):
            return True
        self.refused += 1
        log.warn(
            "a connection of {address} was refused: few descriptors are left (LimitNOFILE), and they are kept for "
            "agents who are signed in",
            address=home,
        )
        return False

    def enter(self, place: Place, address: str) -> str:
        """
        Note a new connection.

        :returns: why there is no place for it, '' when there is.
        """
        home = place_of(address)
        why = self._objection(address, home)
        if why:
            self.refused += 1
            log.warn("a connection of {address} was refused: {why}", address=home, why=why)
        else:
            self._places[place] = home
            self._counts[home] += 1
        return why

    def leave(self, place: Place) -> None:
        """Note that a connection is over; fine for one that was refused."""
        home = self._places.pop(place, None)
        if home is None:
            return
        self._counts[home] -= 1
        if not self._counts[home]:
            del self._counts[home]

    def _objection(self, address: str, home: str) -> str:
        crowded = bool(home) and 0 < self.per_address <= self._counts[home]
        if not crowded or self._is_proxy(plain_address(address)):
            return ""
        limit = self.per_address + PER_AGENT * self._agents_at(home)
        if self._counts[home] < limit:
            return ""
        return f"more than {limit} connections of {home} (connections_per_address)"

    def _agents_at(self, home: str) -> int:
        now = self._seconds()
        if now >= self._recount_at:
            addresses = list(self._agents())
            self._known = Counter(place_of(address) for address in addresses if address)
            self._recount_at = now + RECOUNT + RECOUNT_EACH * len(addresses)
        return self._known[home]
