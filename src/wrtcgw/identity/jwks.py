"""The provider's keys as it publishes them (:rfc:`7517`): which can verify a token, and with which algorithm."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen
from joserfc.errors import JoseError
from joserfc.jwk import Key as PublicKey
from joserfc.jwk import import_key
from twisted.logger import Logger

from wrtcgw.identity.settings import FAMILIES
from wrtcgw.identity.strictjson import parse_strictly

log = Logger()

MOST_KEYS = 100
RSA_BITS = range(2048, 8193)
"""Shorter ones are too weak (:rfc:`7518#section-3.3`); longer ones would keep the gateway busy."""
LONGEST_EXPONENT = 8
"""Characters of ``e``; a huge one would keep the gateway busy as well."""
MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""What a public key is made of; nothing else is taken, above all no private part."""
EDWARDS = ("EdDSA", "Ed25519")


@frozen
class Key:
    """One public key."""

    kid: str
    kind: str
    curve: str
    algorithm: str
    """The only one that it may be used with; empty for each of its kind."""
    public: PublicKey = field(repr=False)

    def suits(self, algorithm: str) -> bool:
        """Return whether signatures of an algorithm may be verified with it."""
        kind, curve = FAMILIES[algorithm]
        named = self.algorithm in ("", algorithm) or {self.algorithm, algorithm} <= set(EDWARDS)
        return named and self.kind == kind and (not curve or self.curve == curve)


def parse_keys(document: bytes) -> tuple[Key, ...]:
    """
    Return the usable keys of a JWK Set; those that are for something else, or odd, are left out.

    :raises ValueError: when it is no JWK Set, or has no usable key; the text says what was found.
    """
    found = parse_strictly(document)
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ValueError("a document without a list of keys")
    if len(listed) > MOST_KEYS:
        raise ValueError(f"{len(listed)} keys, more than {MOST_KEYS}")
    keys = tuple(key for each in listed if (key := _parse(each)) is not None)
    if not keys:
        raise ValueError("no key that can verify a signature")
    return keys


def _parse(jwk: object) -> Key | None:
    if not isinstance(jwk, dict) or not _verifies(jwk):
        return None
    kind, kid, algorithm = jwk.get("kty"), jwk.get("kid", ""), jwk.get("alg", "")
    if not isinstance(kid, str) or (algorithm and algorithm not in FAMILIES):
        return None
    try:
        members = {name: jwk[name] for name in MEMBERS[str(kind)]}
        if len(members.get("e", "")) > LONGEST_EXPONENT:
            raise ValueError
        public = import_key({"kty": str(kind), **members})
        if kind == "RSA" and getattr(public.raw_value, "key_size", 0) not in RSA_BITS:
            raise ValueError
    except (JoseError, KeyError, TypeError, ValueError):
        log.warn("a key of the identity provider cannot be used: kty {kind!r}, kid {kid!r}", kind=kind, kid=kid)
        return None
    return Key(kid, str(kind), str(jwk.get("crv", "")), algorithm, public)


def _verifies(jwk: Mapping[str, Any]) -> bool:
    """Return whether a key is meant for signatures (:rfc:`7517#section-4.2`, 4.3), and is no shared secret."""
    operations = jwk.get("key_ops", ["verify"])
    verify = isinstance(operations, list) and "verify" in operations
    return jwk.get("kty") in MEMBERS and jwk.get("use", "sig") == "sig" and verify


def names(keys: Iterable[Key]) -> str:
    """Return the ids of some keys for a text."""
    listed = [key.kid[:40] or "(without kid)" for key in keys]
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
