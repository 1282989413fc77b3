"""What the gateway is told about its identity provider, and the algorithms that it may allow."""

from attrs import frozen

FAMILIES: dict[str, tuple[str, str]] = {
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
}
"""
Type and curve of the keys that an algorithm works with. Only signatures by a private key: with ``HS256`` who knows the
public key could sign, and ``none`` is no signature at all.
"""


@frozen(kw_only=True)
class OIDCSettings:
    """
    Which tokens sign in.

    :ivar issuer: the provider's ``iss``, literally.
    :ivar audiences: at least one of them must be among the token's.
    :ivar jwks_url: where the provider's keys are; empty: its discovery document says so.
    :ivar dn_claim: the claim with the DN, or the list of DNs; dots lead into objects.
    :ivar leeway: seconds that the clocks may differ.
    """

    issuer: str
    audiences: tuple[str, ...]
    jwks_url: str = ""
    dn_claim: str = "dn"
    leeway: float = 60.0
    algorithms: tuple[str, ...] = ("EdDSA", "ES256", "RS256")

    @property
    def accepted(self) -> frozenset[str]:
        """The values of ``alg``; a provider may call EdDSA by its newer name (:rfc:`9864#section-2.2`)."""
        return frozenset((*self.algorithms, *(("Ed25519",) if "EdDSA" in self.algorithms else ())))
