"""What the dialect can be told."""

from attrs import frozen

ANY_ORIGIN = "*"


@frozen(kw_only=True)
class GenesysSettings:
    """Settings of the dialect; the defaults suit the pages that there are."""

    path: str = ""
    """What stands before ``/sign_in`` and the others, as ``/gateway``."""
    origins: frozenset[str] = frozenset({ANY_ORIGIN})
    """
    Origins whose pages may call; ``*`` takes and echoes any.

    That is no hole: the right to act is in the SSID, which a foreign page does not know, and in no cookie.
    """
    unknown_session: int = 204
    """What ``wait`` and ``message`` of an SSID that is not known get: 204 signs the page out, 404 keeps it trying."""
    no_password: str = "guest"
    """
    What a page is that signs in without a password: a ``guest``, or, with ``register``, the agent of the DN that it
    names, for a registrar that asks for none; guests are then those whose id begins with ``anon``.
    """
    errors: bool = True
    """Tell an ERROR before the BYE of a call that failed; pages of version 1.0.0 do not know it."""
    self_destination: str = ""
    """Where a call to ``self`` goes, as an echo number; empty: it fails."""
    body_limit: int = 262144
    """Bytes of one message of a page."""
    node: str = ""
    """The value of the cookie that keeps a page on this gateway behind a load balancer; empty: no cookie."""
