"""
What an account proves itself with, and to whom: its password or the hashes made of it, realms, and algorithms.

A peer that may choose the realm of a challenge can have hashes of the password to try words on, and one that may choose
the algorithm can have the weakest of them. So realms are those that a site names, or else those in which the registrar
has challenged a REGISTER; and no realm is served by a weaker algorithm than it has used before. Once the realms are
known the password is not needed any more: its hashes take its place.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from attrs import define, field, frozen

from wrtcgw.sip.hashes import HA1, HASHES, Algorithm, known_algorithms


class Refusal(Enum):
    """Why a challenge gets no credentials."""

    REALM = "realm"
    """Its realm gets none."""
    ALGORITHM = "algorithm"
    """Its algorithm is not allowed, or weaker than what that realm has used."""


@frozen
class Objection:
    """A challenge that gets no credentials."""

    realm: str
    algorithm: str
    why: Refusal


@define(eq=False)
class Keyring:
    """
    The secrets of one account.

    :ivar realms: those that may have credentials; empty for those that the registrar turns out to have, None for any.
    :ivar algorithms: keys of :data:`~wrtcgw.sip.hashes.HASHES` that may be used.
    """

    username: str
    _password: str | None = field(repr=False)
    _given: HA1 | None = field(default=None, repr=False)
    realms: Collection[str] | None = None
    algorithms: Collection[str] = tuple(HASHES)
    _learnt: set[str] = field(factory=set, init=False)
    _strongest: dict[str, int] = field(factory=dict, init=False)
    _hashes: dict[tuple[str, str], str] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Take the hashes that are there, or can be made now."""
        if self._given is not None:
            self._hashes[self._given.realm, self._given.hash_name] = self._given.value
            self._password = None
        if self.realms:
            self.settle()

    @property
    def has_password(self) -> bool:
        """Return whether the password itself is still kept."""
        return self._password is not None

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to answer a challenge with: the secrets are still to come."""
        return self._password is None and not self._hashes

    @property
    def learnt_realms(self) -> frozenset[str]:
        """The realms in which the registrar has challenged."""
        return frozenset(self._learnt)

    def objection(self, realm: str, algorithm: Algorithm, *, registering: bool) -> Refusal | None:
        """
        Return why a challenge gets no credentials; None when it may have some.

        :param registering: whether it came for a REGISTER: only then the realm may be new, before the registrar agrees.
        """
        if not self._serves(realm, registering=registering):
            return Refusal.REALM
        allowed = algorithm.hash_name in self.algorithms
        if not allowed or algorithm.weakness > self._strongest.get(realm, len(HASHES)):
            return Refusal.ALGORITHM
        known = self._password is not None or (realm, algorithm.hash_name) in self._hashes
        return None if known else Refusal.ALGORITHM

    def _serves(self, realm: str, *, registering: bool) -> bool:
        if self._password is None and all(realm != known for known, _ in self._hashes):
            return False
        if self.realms is None or realm in self.realms or realm in self._learnt:
            return True
        return registering and not self.realms

    def note(self, realm: str, algorithm: Algorithm, *, registering: bool) -> None:
        """Note a challenge that gets credentials; one outside a REGISTER teaches nothing of the registrar's realms."""
        if registering:
            self._learnt.add(realm)
        if registering or realm not in self._learnt:
            self._strongest[realm] = min(algorithm.weakness, self._strongest.get(realm, len(HASHES)))

    def inherit(self, earlier: "Keyring") -> None:
        """Take over which algorithms the realms have used, from the account's earlier sign-in."""
        self._strongest |= earlier._strongest

    def snapshot(self) -> dict[str, object]:
        """Return what was learnt of the realms, for :meth:`recall`: no secret, and nothing made of one."""
        names = list(HASHES)
        return {
            "learnt": sorted(self._learnt),
            "strongest": {realm: names[weakness] for realm, weakness in self._strongest.items()},
        }

    def recall(self, data: Mapping[str, Any]) -> None:
        """Take what was learnt before, so that no realm is served by a weaker algorithm after a restart."""
        names = list(HASHES)
        self._learnt |= set(data["learnt"])
        for realm, name in data["strongest"].items():
            weakness = names.index(name) if name in names else len(names)
            self._strongest[realm] = min(weakness, self._strongest.get(realm, len(names)))

    @classmethod
    def of_hashes(
        cls,
        username: str,
        hashes: Collection[Collection[str]],
        realms: Collection[str] | None,
        algorithms: Collection[str],
    ) -> "Keyring":
        """Return the keyring whose :meth:`hashes` these are; without any it is empty."""
        keyring = cls(username, None, None, realms, algorithms)
        for realm, hash_name, value in hashes:
            keyring._hashes[realm, hash_name] = value
        return keyring

    def hashes(self) -> list[list[str]]:
        """Return realm, hash and HA1 of each hash that is kept: secrets, of which only sealed copies may be stored."""
        return sorted([realm, hash_name, value] for (realm, hash_name), value in self._hashes.items())

    def settle(self) -> None:
        """
        Make the hashes that can be needed, and forget the password: the registrar has agreed.

        Without a realm that is known, because it asked for no credentials, the password is kept for when it does.
        """
        realms = self.realms or self._learnt
        if self.realms is None or self._password is None or not realms:
            return
        for realm in realms:
            for algorithm in known_algorithms():
                strong_enough = algorithm.weakness <= self._strongest.get(realm, len(HASHES))
                if algorithm.hash_name in self.algorithms and strong_enough:
                    key = realm, algorithm.hash_name
                    self._hashes[key] = algorithm.digest(self.username, realm, self._password)
        self._password = None

    def ha1(self, realm: str, algorithm: Algorithm) -> str:
        """Return the hash of a realm, for a challenge against which there is no :meth:`objection`."""
        known = self._hashes.get((realm, algorithm.hash_name))
        if known is None:
            known = algorithm.digest(self.username, realm, self._password or "")
        return known
