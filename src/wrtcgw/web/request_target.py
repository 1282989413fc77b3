"""What a request asks for, in the one form that everything behind it reads (:rfc:`9112#section-3.2`)."""

import re

from attrs import frozen

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_SLASHES = re.compile(rb"/{2,}")


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
    Slashes in a row are one: pages join an address that ends in a slash with a path.
    """
    absolute = _ABSOLUTE.fullmatch(target)
    host, rest = (absolute[1], absolute[2]) if absolute else (None, target)
    path, mark, query = rest.partition(b"?")
    if absolute and not path:
        path = b"/"
    return Target(_SLASHES.sub(b"/", path) + mark + query, host)
