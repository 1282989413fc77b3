"""What a request asks for, in the one form that everything behind it reads (:rfc:`9112#section-3.2`)."""

import re

from attrs import frozen

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_SLASHES = re.compile(rb"/{2,}")
_ENCODED = re.compile(rb"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@frozen
class Target:
    """The path with the query of a request, and the host that its target names; None where it names none."""

    uri: bytes
    host: bytes | None = None

    @property
    def path(self) -> bytes:
        """Return the path."""
        return self.uri.partition(b"?")[0]


def read_target(target: bytes) -> Target:
    """
    Read a request target.

    An absolute form has to be accepted, and its host counts in place of the Host field (:rfc:`9112#section-3.2.2`).
    Slashes in a row are one: pages join an address that ends in a slash with a path. A letter in hexadecimal is the
    letter (:rfc:`3986#section-6.2.2.2`): who may pass is decided by the path, so each has one spelling only.
    """
    absolute = _ABSOLUTE.fullmatch(target)
    host, rest = (absolute[1], absolute[2]) if absolute else (None, target)
    path, mark, query = rest.partition(b"?")
    if absolute and not path:
        path = b"/"
    if b"%" in path:
        path = _ENCODED.sub(_plain, path)
    return Target(_SLASHES.sub(b"/", path) + mark + query, host)


def _plain(encoded: re.Match[bytes]) -> bytes:
    """Return an octet as itself where it never had to be encoded, else as it came."""
    octet = int(encoded[0][1:], 16)
    return bytes((octet,)) if octet in _UNRESERVED else encoded[0]
