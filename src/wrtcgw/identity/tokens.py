"""
Signed tokens: read, verified, and their claims judged (:rfc:`7515`, :rfc:`7519`, :rfc:`8725`).

The signature and the times are joserfc's work. What is done here is what it leaves to its caller: which key, which
algorithm, that nothing can be read in two ways, and words for what is wrong. ``jku``, ``jwk``, ``x5u`` and ``x5c`` are
never looked at: a token does not say by which key it wants to be believed.
"""

import re
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen
from joserfc import jws
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    MissingClaimError,
    SecurityWarning,
)
from joserfc.jwt import JWTClaimsRegistry
from joserfc.registry import JWS_HEADER_REGISTRY

from wrtcgw.identity.errors import (
    TokenAlgorithm,
    TokenAudience,
    TokenClaim,
    TokenExpired,
    TokenIssuer,
    TokenMalformed,
    TokenNotYetValid,
    TokenRefused,
    TokenSignature,
    TokenTooLarge,
    shown,
)
from wrtcgw.identity.jwks import Key
from wrtcgw.identity.keyring import KeyRing
from wrtcgw.identity.settings import OIDCSettings
from wrtcgw.identity.strictjson import parse_strictly

TOKEN_LIMIT = 16_384
"""Characters of a token; those with many groups in them have about 4,000."""
HEADER_LIMIT = 4096
PARTS = 3
KID_LIMIT = 256
SUBJECT_LIMIT = 255
"""Characters of ``sub`` (OpenID Connect Core 1.0, section 2)."""
TYPES = ("jwt", "at+jwt")
"""
Values of ``typ`` that may sign in (:rfc:`9068#section-2.1`): a logout token, say, has the same issuer and the same key
(:rfc:`8725#section-3.11`).
"""
MOST_DNS = 100
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@frozen
class Identity:
    """What a good token says."""

    dns: tuple[str, ...]
    """The DNs that its bearer may sign in; at least one."""
    subject: str = ""
    """Who that is at the provider, for the audit log."""


class _Registry(jws.JWSRegistry):
    """The library's rules with larger bounds, ours being checked before; it looks at no field but ``alg``."""

    default_header_registry = {"alg": JWS_HEADER_REGISTRY["alg"]}  # noqa: RUF012 (the library's own way)

    max_header_length = HEADER_LIMIT
    max_payload_length = TOKEN_LIMIT


@frozen
class TokenVerifier:
    """
    Judges tokens.

    :param wall: seconds since the epoch.
    """

    settings: OIDCSettings
    keys: KeyRing
    wall: Callable[[], float] = field(repr=False)

    async def verify(self, token: str) -> Identity:
        """
        Return what a token says, if it is good.

        :raises TokenRefused: one of its kinds, when it is not.
        :raises IdentityProviderUnavailable: when that cannot be found out.
        """
        header, payload = _read(token)
        algorithm, kid = self._judge_header(header)
        claims = _object("claims", payload)
        if claims.get("iss") != self.settings.issuer:  # before anybody is asked for a key
            raise TokenIssuer(f"iss {self.settings.issuer}", shown(claims.get("iss")))
        _check_signature(token, algorithm, await self.keys.find(algorithm, kid))
        self._judge_claims(claims)
        return Identity(self._dns(claims), str(claims.get("sub", ""))[:SUBJECT_LIMIT])

    def _judge_header(self, header: Mapping[str, Any]) -> tuple[str, str]:
        algorithm, kid, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "JWT")
        if not isinstance(algorithm, str) or algorithm not in self.settings.accepted:
            raise TokenAlgorithm(f"alg {' or '.join(self.settings.algorithms)}", shown(algorithm))
        if "crit" in header or "b64" in header:
            raise TokenMalformed("no crit and b64 in its header", shown(header.get("crit", "b64")))
        if not isinstance(kid, str) or len(kid) > KID_LIMIT:
            raise TokenMalformed(f"a kid that is a text of at most {KID_LIMIT} characters", shown(kid))
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
            raise TokenMalformed("typ JWT or at+jwt", shown(kind))
        return algorithm, kid

    def _judge_claims(self, claims: dict[str, Any]) -> None:
        rules = JWTClaimsRegistry(
            now=int(self.wall()),
            leeway=int(self.settings.leeway),
            exp={"essential": True},
            aud={"essential": True, "values": list(self.settings.audiences)},
        )
        try:
            rules.validate(claims)
        except ExpiredTokenError:
            raise TokenExpired("exp to come", f"{_distance(self.wall(), claims['exp'])} s ago") from None
        except MissingClaimError as error:
            raise TokenClaim(f"the claim {error.claim}", "none") from None
        except InvalidClaimError as error:
            raise self._named_fault(error.claim, claims[error.claim]) from None

    def _named_fault(self, claim: str, value: object) -> TokenRefused:
        """Return the error for a claim that is there, and wrong."""
        if claim == "aud":
            return TokenAudience(f"aud {' or '.join(self.settings.audiences)}", shown(value))
        if claim in ("nbf", "iat") and isinstance(value, int | float) and not isinstance(value, bool):
            return TokenNotYetValid(f"{claim} in the past", f"{_distance(value, self.wall())} s from now")
        return TokenClaim(f"{claim} of another type", shown(value))

    def _dns(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        name = self.settings.dn_claim
        value = claims.get(name)
        if value is None and "." in name:
            value = _inside(claims, name)
        listed = value if isinstance(value, list) else [value]
        dns = tuple(str(each) for each in listed if type(each) is int or (isinstance(each, str) and each))
        if not dns or len(dns) > MOST_DNS or len(dns) < len(listed):
            raise TokenClaim(f"a DN, or a list of DNs, as claim {name}", "none" if value is None else shown(value))
        return dns


def _read(token: str) -> tuple[dict[str, Any], bytes]:
    """
    Return header and payload of a token; nothing of it is proven yet.

    :raises TokenRefused: when it is no JWS in its compact form (:rfc:`7515#section-7.1`).
    """
    if len(token) > TOKEN_LIMIT:
        raise TokenTooLarge(f"at most {TOKEN_LIMIT} characters", f"{len(token)} characters")
    parts = token.split(".")
    if len(parts) != PARTS:
        kind = "an encrypted one" if len(parts) == PARTS + 2 else f"{len(parts)} parts"
        raise TokenMalformed("a signed token, three parts joined by dots", kind)
    header, payload = map(_decode, parts[:2])
    if len(header) > HEADER_LIMIT:
        raise TokenTooLarge(f"a header of at most {HEADER_LIMIT} bytes", f"{len(header)} bytes")
    return _object("header", header), payload


def _decode(part: str) -> bytes:
    if _BASE64URL.fullmatch(part) is None or len(part) % 4 == 1:
        raise TokenMalformed("parts in base64url", "something else")
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _object(what: str, text: bytes) -> dict[str, Any]:
    try:
        value = parse_strictly(text)
    except ValueError as error:
        raise TokenMalformed(f"{what} in JSON, each name once", str(error)) from None
    if not isinstance(value, dict):
        raise TokenMalformed(f"{what} that is an object", type(value).__name__)
    return value


def _check_signature(token: str, algorithm: str, keys: tuple[Key, ...]) -> None:
    """
    Let only signatures pass that one of the keys has made.

    :raises TokenRefused: when none has.
    """
    if _BASE64URL.fullmatch(token.rpartition(".")[2]) is None:
        raise TokenSignature("a signature in base64url", "something else, or none")
    registry = _Registry(algorithms=[algorithm], strict_check_header=False)
    for key in keys:
        try:
            with warnings.catch_warnings():  # of the name EdDSA, which providers use on
                warnings.simplefilter("ignore", SecurityWarning)
                jws.deserialize_compact(token, key.public, registry=registry)
            return
        except BadSignatureError:
            continue
        except (JoseError, ValueError) as error:
            raise TokenRefused("a token that can be verified", type(error).__name__) from None
    raise TokenSignature("a signature of the provider's key", f"another one (kid {shown(keys[0].kid)}, {algorithm})")


def _distance(later: float, earlier: float) -> int:
    """Return the seconds between two times, of which a token may tell any number."""
    return int(later) - int(earlier) if abs(later) < 1e15 and abs(earlier) < 1e15 else 10**15


def _inside(claims: Mapping[str, Any], path: str) -> object:
    """Return what a path with dots leads to: ``resource_access.telephony.dn``."""
    value: object = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
