"""What goes wrong for a bot. A wait that took too long is Python's own ``TimeoutError``, with what it was for."""

from attrs import frozen


class AgentClientError(Exception):
    """Anything below."""


class UnreachableError(AgentClientError):
    """No gateway answers."""


class NoMediaError(AgentClientError):
    """There is no sound: aiortc is not installed, the far side's description cannot be taken, or no packet comes."""


class WrongStateError(AgentClientError):
    """That cannot be done with a call in this state."""


@frozen
class RefusedError(AgentClientError):
    """
    The gateway, or the far side, said no.

    :ivar status: HTTP's.
    :ivar code: the gateway's word for programs (``docs/api.md``).
    :ivar text: for people.
    :ivar sip_code: what SIP said; 0 for nothing.
    :ivar retry_after: seconds after which it may be tried again; 0 where that is not told.
    """

    status: int
    code: str
    text: str
    sip_code: int = 0
    retry_after: float = 0.0

    def __str__(self) -> str:
        return f"{self.text} ({self.code}, HTTP {self.status})"


@frozen
class SignedOutError(AgentClientError):
    """The session is over, and does not come back by itself: another page has the DN, say."""

    reason: str

    def __str__(self) -> str:
        return self.reason or "signed out"


@frozen
class CallOverError(AgentClientError):
    """The call ended before that was done."""

    cause: str
    sip_code: int
    text: str

    def __str__(self) -> str:
        return f"the call is over: {self.text or self.cause}"


@frozen
class TransferError(AgentClientError):
    """
    A transfer did not succeed; the call goes on.

    :ivar state: ``FAILED``, or ``UNKNOWN`` when the far side never said what became of it.
    """

    state: str
    sip_code: int
    text: str

    def __str__(self) -> str:
        return f"transfer {self.state.lower()}: {self.sip_code or ''} {self.text}".rstrip()
