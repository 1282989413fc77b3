"""What can go wrong in the words of the domain; HTTP and SIP status codes are chosen by the layers that speak them."""

from attrs import frozen


class GatewayError(Exception):
    """Base of every error that a caller of the gateway can cause or must be told about."""


@frozen
class BadInput(GatewayError):
    """A field of the request is missing or not what was expected."""

    field: str
    expected: str
    found: str = ""

    def __str__(self) -> str:
        found = f", found {self.found!r}" if self.found else ""
        return f"{self.field}: expected {self.expected}{found}"


@frozen
class NotSignedIn(GatewayError):
    """No agent of that id is signed in."""

    agent_id: str

    def __str__(self) -> str:
        return f"agent {self.agent_id!r} is not signed in: call sign_in first"


@frozen
class AgentInUse(GatewayError):
    """The id is signed in with another DN, and the request did not show the session of that agent."""

    agent_id: str

    def __str__(self) -> str:
        return f"id {self.agent_id!r} is signed in with another DN: sign it out first, or choose another id"


@frozen
class PageElsewhere(GatewayError):
    """Another page of the agent is there; ``calls`` is how many calls it has."""

    dn: str
    calls: int = 0

    def __str__(self) -> str:
        return f"{self.dn} is in use on another page (second_page): sign in with take_over=true to use it here"


@frozen
class SoundElsewhere(GatewayError):
    """Another page of the agent has the sound of the call, and so its descriptions."""

    call_id: str

    def __str__(self) -> str:
        return f"the sound of call {self.call_id} is on another page of the agent: use_here brings it here"


@frozen
class GuestsNotAllowed(GatewayError):
    """Callers without a DN of their own are not served, or not with this."""

    what: str = "sign in"

    def __str__(self) -> str:
        return f"callers without a DN may not {self.what}: see guest_mode and guest_destinations"


@frozen
class TooManyGuests(GatewayError):
    """As many callers without a DN of their own are signed in as may be."""

    limit: int

    def __str__(self) -> str:
        return f"{self.limit} callers without a DN are signed in, as many as may be (guest_limit): try again later"


@frozen
class StoreUnreachable(GatewayError):
    """What is new could not be written down, so it would not survive the gateway; calls in progress go on."""

    def __str__(self) -> str:
        return "the store that keeps calls over a restart is out of reach: nothing new is begun, try again later"


@frozen
class Draining(GatewayError):
    """An operator has told the gateway to take nothing new."""

    def __str__(self) -> str:
        return "the gateway is draining: calls in progress go on, new sign_ins and calls are not taken; try another one"


@frozen
class UnknownCall(GatewayError):
    """The agent has no such call."""

    call_id: str

    def __str__(self) -> str:
        return f"no call {self.call_id!r}" if self.call_id else "no call to act on"


@frozen
class AmbiguousCall(GatewayError):
    """The agent has several calls and the request names none."""

    call_ids: tuple[str, ...]

    def __str__(self) -> str:
        return "several calls are up, name one with call=: " + ", ".join(self.call_ids)


@frozen
class WrongState(GatewayError):
    """The call is not in a state in which this can be done; without ``call_id`` it is the agent that is not."""

    call_id: str
    action: str
    state: str

    def __str__(self) -> str:
        if not self.call_id:
            return f"cannot {self.action}: {self.state}"
        return f"cannot {self.action} call {self.call_id}: it is {self.state}"


@frozen
class TooManyCalls(WrongState):
    """The agent has placed as many calls as it may, at a time or within a while; ``retry_after`` is in seconds."""

    retry_after: int = 5


@frozen
class TooManyOrders(GatewayError):
    """The agent orders more inside its calls than any person would; ``retry_after`` is in seconds."""

    action: str
    retry_after: int = 1

    def __str__(self) -> str:
        return f"cannot {self.action}: too many of them came in a short time; try again in {self.retry_after} s"


@frozen
class DestinationForbidden(GatewayError):
    """A rule of the site forbids that number; ``setting`` is the one that does."""

    destination: str
    setting: str

    def __str__(self) -> str:
        return (
            f"{self.destination!r} may not be called from here: the gateway's setting {self.setting} does not allow it"
        )


@frozen
class RegistrationRefused(GatewayError):
    """
    The registrar's final answer was no; ``credentials`` tells whether the DN or password was the reason.

    ``warning`` and ``sip_reason`` are the texts of Warning and Reason in its answer.
    """

    dn: str
    code: int
    reason: str
    credentials: bool
    detail: str = ""
    """What was found to be the cause, where code and reason do not tell it."""
    warning: str = ""
    sip_reason: str = ""

    def __str__(self) -> str:
        hint = self.detail or ("check dn and password" if self.credentials else "the registrar cannot serve it now")
        return f"registration of {self.dn} refused: {self.code} {self.reason} ({hint})"


@frozen
class RegistrationTimeout(GatewayError):
    """The registrar did not answer in time."""

    dn: str
    seconds: float

    def __str__(self) -> str:
        return f"the registrar did not answer the registration of {self.dn} within {self.seconds:g} s"


@frozen
class NoSIPConnection(GatewayError):
    """No connection to the SIP proxy is up."""

    def __str__(self) -> str:
        return "no connection to the SIP proxy: it is being retried, try again shortly"


@frozen
class RequestRefused(GatewayError):
    """
    The far side answered a request inside a call (hold, INFO, REFER) with a failure; the call goes on.

    ``warning`` and ``sip_reason`` are the texts of Warning and Reason in its answer.
    """

    action: str
    code: int
    reason: str
    warning: str = ""
    sip_reason: str = ""

    def __str__(self) -> str:
        return f"{self.action} refused by the far side: {self.code} {self.reason}"
