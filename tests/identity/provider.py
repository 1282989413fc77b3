"""An identity provider in memory: keys, tokens signed by them, and a source of keys that can be away."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, Key, KeyParameters, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.jws import serialize_compact as sign
from twisted.internet.defer import Deferred

from wrtcgw.identity.fetching import FetchFailed
from wrtcgw.identity.jwks import Key as KnownKey
from wrtcgw.identity.jwks import parse_keys
from wrtcgw.identity.settings import OIDCSettings

ISSUER = "https://login.example.org/realms/telephony"
AUDIENCE = "wrtcgw"
NOW = 1_800_000_000.0
"""Seconds since the epoch, by the wall clock of the tests."""
SETTINGS = OIDCSettings(issuer=ISSUER, audiences=(AUDIENCE,))


@cache
def key(kind: str, kid: str) -> Key:
    """Return the private key of that name; making one takes a while."""
    more: KeyParameters = {"kid": kid}
    if kind == "RSA":
        return RSAKey.generate_key(2048, more)
    if kind == "OKP":
        return OKPKey.generate_key("Ed25519", more)
    return ECKey.generate_key("P-256", more)


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token, with changes; None takes a claim away."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "dn": "5001", "iat": NOW - 5, "exp": NOW + 300}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(
    content: Mapping[str, Any] | bytes | None = None,
    *,
    kind: str = "RSA",
    kid: str = "k1",
    algorithm: str = "RS256",
    signer: Key | None = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """Return a token, signed."""
    payload = content if isinstance(content, bytes) else json.dumps(claims() if content is None else content).encode()
    heads = {"alg": algorithm, "typ": "JWT", **({"kid": kid} if kid else {}), **(header or {})}
    return sign(
        heads, payload, signer or key(kind, kid), registry=_Any(algorithms=[algorithm], strict_check_header=False)
    )


class _Any(JWSRegistry):
    """Signs whatever a test wants."""

    max_header_length = 1_000_000
    max_payload_length = 1_000_000

    def check_header(self, header: Any) -> None:
        """Take every header."""


def raw(header: object, content: object, signature: bytes = b"x") -> str:
    """Return a token of any three parts, nobody's signature under it."""
    parts = (_bytes(header), _bytes(content), signature)
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _bytes(part: object) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def public(*keys: Key, **more: Any) -> dict[str, Any]:
    """Return a JWK Set with the public parts of some keys."""
    return {"keys": [{**each.as_dict(private=False), "use": "sig", **more} for each in keys]}


class StandInSource:
    """Gives keys; ``failure`` lets it be away, ``waiting`` lets it take its time."""

    def __init__(self, *keys: Key) -> None:
        self.document: dict[str, Any] = public(*keys)
        self.failure = ""
        self.waiting: Deferred[None] | None = None
        self.asked = 0

    async def fetch(self) -> tuple[KnownKey, ...]:
        """Return the keys."""
        self.asked += 1
        if self.waiting is not None:
            await self.waiting
        if self.failure:
            raise FetchFailed(self.failure)
        return parse_keys(json.dumps(self.document).encode())
