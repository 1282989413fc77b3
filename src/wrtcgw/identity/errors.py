"""
What can be wrong with a token, with the provider that signed it, or with the source of SIP secrets.

Texts say what was expected and what was found; they show single values of a token, never the token.
"""

import json
from typing import ClassVar

from attrs import frozen

from wrtcgw.errors import GatewayError

SHOWN = 80
"""Characters of a value of a token that an error shows."""


def shown(value: object) -> str:
    """Return a value of a token as an error may show it: on one line, and not all of it when it is long."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


@frozen
class TokenRefused(GatewayError):
    """The token is not one that signs anybody in; its kinds say why."""

    code: ClassVar[str] = "token_refused"
    expected: str
    found: str

    def __str__(self) -> str:
        return f"token: expected {self.expected}; found {self.found}"


class TokenMalformed(TokenRefused):
    """It is no signed JWT, or one that can be read in two ways (:rfc:`7519#section-7.2`)."""

    code = "token_malformed"


class TokenTooLarge(TokenRefused):
    """It is longer than any token should be."""

    code = "token_too_large"


class TokenAlgorithm(TokenRefused):
    """Its ``alg`` is not allowed, or not that of the key (:rfc:`8725#section-3.1`)."""

    code = "token_algorithm"


class TokenKeyUnknown(TokenRefused):
    """The provider has no key by that ``kid``."""

    code = "token_key_unknown"


class TokenSignature(TokenRefused):
    """The key of the provider has not made this signature."""

    code = "token_signature"


class TokenIssuer(TokenRefused):
    """Another provider has issued it."""

    code = "token_issuer"


class TokenAudience(TokenRefused):
    """It was issued for somebody else."""

    code = "token_audience"


class TokenExpired(TokenRefused):
    """Its time is over."""

    code = "token_expired"


class TokenNotYetValid(TokenRefused):
    """Its time has not come, or it was issued in the future."""

    code = "token_not_yet_valid"


class TokenClaim(TokenRefused):
    """A claim that is needed is not there, or is of the wrong type."""

    code = "token_claim"


@frozen
class TokensNotAccepted(GatewayError):
    """No identity provider is configured."""

    def __str__(self) -> str:
        return "this gateway takes no tokens: send the DN's password, or let its operator set oidc_issuer"


@frozen
class DNNotAllowed(GatewayError):
    """The token is good, but not for this DN."""

    dn: str
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        return f"the token does not allow DN {self.dn!r}: expected {' or '.join(self.allowed)}"


@frozen
class DNRequired(GatewayError):
    """The token is good for several DNs, and the request does not say for which."""

    allowed: tuple[str, ...]

    def __str__(self) -> str:
        return f"dn: expected one of {', '.join(self.allowed)}, which the token allows; found nothing"


@frozen
class IdentityProviderUnavailable(GatewayError):
    """The provider cannot be asked for its keys, so nobody can say whether the token is good."""

    cause: str

    def __str__(self) -> str:
        return f"the identity provider's keys cannot be fetched ({self.cause}): try again shortly"


@frozen
class SecretUnavailable(GatewayError):
    """The SIP secret of the DN cannot be had at present; the log of the gateway says why."""

    dn: str

    def __str__(self) -> str:
        return f"the SIP secret of {self.dn} cannot be had: try again shortly, or ask the gateway's operator"


@frozen
class SecretRefused(GatewayError):
    """The registrar does not take the SIP secret that the gateway has."""

    dn: str
    sip_code: int

    def __str__(self) -> str:
        return (
            f"the registrar refused the SIP secret that the gateway has for {self.dn} ({self.sip_code}): "
            "only the gateway's operator can mend it"
        )


TOKEN_FAULTS: tuple[type[TokenRefused], ...] = (
    TokenRefused,
    TokenMalformed,
    TokenTooLarge,
    TokenAlgorithm,
    TokenKeyUnknown,
    TokenSignature,
    TokenIssuer,
    TokenAudience,
    TokenExpired,
    TokenNotYetValid,
    TokenClaim,
)
"""All that a token can be refused for: answered with 401 and ``invalid_token`` (:rfc:`6750#section-3.1`)."""
