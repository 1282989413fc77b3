"""
Whose fault it is: ours (:class:`LocalViolation`) or the peer's (:class:`RemoteViolation`).

The first is a bug and may surface with a traceback. The second is an everyday event: it is answered in SIP where SIP
knows an answer, counted, and never shown with a traceback.
"""

from attrs import frozen


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
    A text that does not follow the grammar, or goes beyond a limit: drop and count it.

    Of a request that can be answered all the same, :class:`~wrtcgw.sip.message.MalformedRequest` is raised.
    """

    call_id: str = ""
    """Of the message, for the log, as far as it could be made out."""
