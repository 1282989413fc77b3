"""The hashes of digest authentication (:rfc:`7616`, :rfc:`8760`)."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Self

from attrs import field, frozen

from wrtcgw.sip.errors import LocalViolation

HASHES: Mapping[str, str] = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"""The names of :mod:`hashlib` for IANA's digest algorithms (:rfc:`7616#section-6.1`), strongest first."""


def known_hashes(available: Collection[str]) -> dict[str, str]:
    """Return the part of :data:`HASHES` that ``available`` has: some builds of OpenSSL lack SHA-512/256."""
    return {name: function for name, function in HASHES.items() if function in available}


_KNOWN = known_hashes(hashlib.algorithms_available)


def encoded(text: str) -> bytes:
    """
    Return a text as it is hashed.

    :raises LocalViolation: for text that UTF-8 cannot carry.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # it would show the text, which may be a password
        raise LocalViolation("text of credentials that UTF-8 cannot carry") from None


@frozen
class Algorithm:
    """A value of the ``algorithm`` parameter (:rfc:`7616#section-3.3`)."""

    hash_name: str
    """A key of :data:`HASHES`."""
    session: bool
    """Whether it is the ``-sess`` variant."""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the parameter, in any case; None when the algorithm is not known here."""
        base = text.upper().removesuffix("-SESS")
        return cls(base, base != text.upper()) if base in _KNOWN else None

    @property
    def weakness(self) -> int:
        """Rank it: the strongest is 0."""
        return list(HASHES).index(self.hash_name)

    def digest(self, *parts: str) -> str:
        """Return the hash of ``parts`` joined by colons, in hexadecimal digits (:rfc:`8760#section-2.2`)."""
        return hashlib.new(_KNOWN[self.hash_name], encoded(":".join(parts)), usedforsecurity=False).hexdigest()

    def ha1(self, username: str, realm: str, password: str, nonce: str, cnonce: str) -> str:
        """Return H(A1) (:rfc:`7616#section-3.4.2`); the two nonces only matter to a session variant."""
        return self.of_session(self.digest(username, realm, password), nonce, cnonce)

    def of_session(self, ha1: str, nonce: str, cnonce: str) -> str:
        """Return the H(A1) of this variant, from that of the plain one."""
        return self.digest(ha1, nonce, cnonce) if self.session else ha1

    def response(self, ha1: str, method: str, body: str, params: Mapping[str, str]) -> str:
        """
        Return the ``response`` parameter (:rfc:`7616#section-3.4.1`); without qop as in :rfc:`2617#section-3.2.2.1`.

        :param params: the other parameters of the credentials.
        """
        qop = params.get("qop", "")
        integrity = [self.digest(body)] if qop.lower() == "auth-int" else []
        ha2 = self.digest(method, params["uri"], *integrity)
        counted = [params["nc"], params["cnonce"], qop] if qop else []
        return self.digest(ha1, params["nonce"], *counted, ha2)


@frozen
class HA1:
    """
    The hash of ``username:realm:password``, which serves in place of the password (:rfc:`7616#section-3.4.2`).

    :ivar value: in lower-case hexadecimal digits.
    :ivar hash_name: what it was made with, a key of :data:`HASHES`.
    """

    realm: str
    value: str = field(repr=False)
    hash_name: str = "MD5"


def known_algorithms() -> list[Algorithm]:
    """Return the plain algorithms that this machine has, strongest first."""
    return [Algorithm(name, session=False) for name in _KNOWN]
