"""
The SIP secrets of DNs, which no page has to know: from a file, from a program, or from a server.

A secret is the DN's password, or its hash HA1 for one realm, from which no password can be had (:rfc:`7616`).
"""

import re
from collections.abc import Mapping
from typing import Any, Protocol

from attrs import evolve, field, frozen

HA1_FORM = re.compile(r"(?P<realm>[^\x00-\x1f\"\\]+):(?P<hash>[0-9A-Fa-f]{64}|[0-9A-Fa-f]{32})")
ALGORITHMS = {32: ("MD5",), 64: ("SHA-256", "SHA-512-256")}
"""By the length of a hash in hex; the first is meant when none is named."""
LONGEST = 1024


@frozen
class NoSecret(Exception):
    """There is no secret to be had; ``cause`` is for the log, and holds no part of any."""

    cause: str

    def __str__(self) -> str:
        return self.cause


@frozen(kw_only=True)
class Secret:
    """
    What a DN registers with: ``password``, or ``ha1`` for ``realm``.

    :ivar ha1: the hash of ``user:realm:password``, in lower-case hex.
    :ivar user: the name that goes with it, where it is not the DN.
    :ivar algorithm: what it was made with, as Digest names it.
    """

    password: str = field(default="", repr=False)
    realm: str = ""
    ha1: str = field(default="", repr=False)
    algorithm: str = ""
    user: str = ""


class SecretSource(Protocol):
    """Where secrets come from."""

    async def secret_of(self, dn: str) -> Secret:
        """
        Return the secret of a DN.

        :raises NoSecret: when it cannot be had.
        """


def read_text(text: str) -> Secret:
    """
    Return the secret that the first line of a text is: a password, or ``realm:ha1``.

    :raises NoSecret: when there is none.
    """
    line = text.split("\n", 1)[0].removesuffix("\r")
    hashed = HA1_FORM.fullmatch(line)
    if hashed is not None:
        return _hashed(hashed["realm"], hashed["hash"], "")
    return _password(line)


def read_fields(found: Mapping[str, Any]) -> Secret:
    """
    Return the secret that some fields are: ``password``, or ``realm`` and ``ha1``, perhaps with ``algorithm``.

    ``user`` says to whom it belongs, where that is not the DN.

    :raises NoSecret: when there is none.
    """
    user = found.get("user", "")
    if not isinstance(user, str):
        raise NoSecret("user has to be a text")
    return evolve(_secret(found), user=user)


def _secret(found: Mapping[str, Any]) -> Secret:
    if "ha1" not in found:
        return _password(found.get("password"))
    realm, value, algorithm = found.get("realm"), found["ha1"], found.get("algorithm", "")
    if not all(isinstance(each, str) for each in (realm, value, algorithm)):
        raise NoSecret("realm, ha1 and algorithm have to be texts")
    if HA1_FORM.fullmatch(f"{realm}:{value}") is None:
        raise NoSecret("ha1 has to be 32 or 64 hex digits, with the realm that it is for")
    return _hashed(str(realm), str(value), str(algorithm))


def _password(value: object) -> Secret:
    if not isinstance(value, str) or not value:
        raise NoSecret("there is no password in it")
    if len(value) > LONGEST or not value.isprintable():
        raise NoSecret(f"the password is no printable text of at most {LONGEST} characters")
    return Secret(password=value)


def _hashed(realm: str, value: str, algorithm: str) -> Secret:
    fitting = ALGORITHMS[len(value)]
    named = algorithm.upper() or fitting[0]
    if named not in fitting:
        raise NoSecret(f"an ha1 of {len(value)} hex digits is none of {named[:20]}")
    return Secret(realm=realm, ha1=value.lower(), algorithm=named)
