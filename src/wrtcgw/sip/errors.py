"""
Whose fault it is: ours (:class:`LocalViolation`) or the peer's (:class:`RemoteViolation`).

The first is a bug and may surface with a traceback. The second is an everyday event: it is answered in SIP where SIP
knows an answer, counted, and never shown with a traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:  # a name for the type checker only: at run time this module stands below message
    from wrtcgw.sip.message import Request


@frozen
class LocalViolation(Exception):
    """This program asked for something that SIP, or the state it is in, does not allow: a bug of ours."""

    detail: str

    def __str__(self) -> str:
        return self.detail


@frozen
class SnapshotError(Exception):
    """Stored state cannot be read: ``detail`` says of what, what was expected, and what was found."""

    detail: str

    def __str__(self) -> str:
        return self.detail


@frozen
class RemoteViolation(Exception):
    """The peer sent something malformed or out of place; ``status_hint`` is the SIP status code that fits."""

    status_hint: int
    detail: str

    def __str__(self) -> str:
        return f"{self.status_hint}: {self.detail}"


@frozen
class MalformedMessage(RemoteViolation):
    """
    A text that does not follow the grammar, or goes beyond a limit.

    ``request`` is set when the text was a request that can be answered: not an ACK, and with all the fields that a
    response copies (:rfc:`3261#section-8.2.6.2`). Answer it statelessly with ``request.response(status_hint)``; its
    parsed properties may raise, since one of them may be what was wrong. None means: drop and count.
    """

    request: Request | None = field(default=None, repr=False)
    call_id: str = ""
    """Of the message, for the log, as far as it could be made out."""
