"""
Every kind of event but those of the SIP core.

They are values. Where one refers to an agent or a call it is the live object, whose state has settled when the event is
told, and may be newer than the event; what an event says itself is as of its own time. Secrets can be in the bodies and
header fields of HTTP and SIP only, which no ``repr`` shows.
"""

from collections.abc import Iterable, Sequence, Set
from enum import Enum
from typing import Protocol

from attrs import field, frozen

from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import AgentMessage, TransferState
from wrtcgw.calls.page import Page
from wrtcgw.calls.page_life import Silence
from wrtcgw.calls.stats import Stats

# -- agents and their registrations


@frozen
class AgentSignedIn:
    """An agent is signed in, with its DN registered; ``again``: it was before, and its page has signed in anew."""

    agent: Agent
    again: bool = False


@frozen
class AgentSignedOut:
    """An agent has left, or was replaced; ``cause`` is the word that its page hears. Its calls may be ending still."""

    agent: Agent
    cause: str


@frozen
class AgentRestored:
    """
    An agent was taken up from the store, with its calls: after a restart, or from another gateway.

    ``node`` is the name of the gateway that had it before.
    """

    agent: Agent
    node: str


@frozen
class AgentsTakenOver:
    """So many agents, whom the gateways of these names had, were taken up here; see :class:`AgentRestored` for each."""

    count: int
    nodes: tuple[str, ...]


@frozen
class AgentLetGo:
    """An agent and its calls go on at another gateway; nobody was told, and nothing of them is here any more."""

    agent: Agent
    calls: tuple[Call, ...]


@frozen
class RegistrationChanged:
    """The registration of a signed-in agent's DN is in another state than before."""

    agent: Agent
    before: RegistrationState
    after: RegistrationState


@frozen
class DoNotDisturbChanged:
    """An agent wants no calls any more, or wants them again."""

    agent: Agent
    on: bool


@frozen
class PageBack:
    """The page of an agent in a call is heard of again, after it was silent for ``away`` seconds."""

    agent: Agent
    away: float


@frozen
class PageRespondsChanged:
    """
    The page of an agent does not respond any more, though its connection may stand, or does so again.

    ``why`` is why it is taken for silent, or was; ``silent`` for how many seconds it was, when it is back.
    """

    agent: Agent
    responds: bool
    why: Silence
    silent: float = 0.0


@frozen
class PageLost:
    """The page of an agent was away for ``page_grace``: the agent is signed out for that."""

    agent: Agent


@frozen
class PageLeft:
    """An agent has one page less, and others that are there; ``cause`` is the word that its page would hear."""

    agent: Agent
    page: str
    cause: str


# -- calls


@frozen
class CallBegan:
    """
    A call has come to be; ``sip_call_id`` is the Call-ID of its dialog, which the core forgets at its end.

    One that an application has ordered has none until :class:`CallDialled`.
    """

    agent: Agent
    call: Call
    sip_call_id: str


@frozen
class CallRestored:
    """
    A call was taken up from the store: it is no new one; ``sip_call_id`` is as in :class:`CallBegan`.

    ``node`` is the name of the gateway that had it before.
    """

    agent: Agent
    call: Call
    sip_call_id: str
    node: str


@frozen
class CallDialled:
    """A call that an application has ordered is placed, as its page has made an offer: its dialog has this Call-ID."""

    call: Call
    sip_call_id: str


@frozen
class CallChanged:
    """
    A call is in another state than before; with ``ENDED`` it is over, and nothing more comes of it.

    Why it ended is in the call: ``cause``, ``code`` and ``reason``.
    """

    call: Call
    before: CallState
    after: CallState


@frozen
class CallHandedOver:
    """A call has gone over from one agent to another, who has signed in with the same DN."""

    call: Call
    before: Agent
    after: Agent


@frozen
class SoundMoved:
    """The sound of a call has moved from one page of its agent to another; both by name."""

    call: Call
    before: str
    after: str


class Failure(Enum):
    """What can fail under a call that is established."""

    CONNECTION = "connection"
    """The connection to the proxy."""
    PAGE = "page"
    """The page, which was closed or loaded again."""


@frozen
class CallRecovered:
    """A call goes on as before although something under it has failed."""

    call: Call
    after: Failure


@frozen
class CallLost:
    """A call has not survived that something under it has failed; how it ends is told by :class:`CallChanged`."""

    call: Call
    after: Failure


@frozen(kw_only=True)
class TransferEnded:
    """
    What has become of a transfer that the agent has ordered is known, as far as it ever will be; just one for each.

    ``result`` is DONE, FAILED or UNKNOWN; ``to`` is where the far side was sent (a URI), ``other`` the call whose far
    side it was to join, '' for a blind transfer. ``code`` is the SIP code that told, 0 for none.
    """

    call: Call
    to: str
    other: str
    result: TransferState
    code: int = 0


@frozen
class HoldChanged:
    """A call was put on hold or taken from it: by the page (``local``), the ``server`` or the far side (``peer``)."""

    call: Call
    on_hold: bool
    by: str


@frozen
class QualityReported:
    """The page has reported on the media of a call; ``call.reports`` has that, and the worst of all reports."""

    call: Call
    stats: Stats


# -- messages for pages


@frozen
class MessageQueued:
    """A message was put into the mailbox of one of an agent's pages; ``message`` has its number."""

    agent: Agent
    page: Page
    message: AgentMessage


@frozen
class MessageDropped:
    """A message had to go before the agent's page fetched it: the mailbox was full."""

    agent: Agent
    message: AgentMessage


@frozen(kw_only=True)
class MessageDelivered:
    """
    A message was written to an agent's page, in the dialect's own form.

    ``how`` it went is ``poll``, ``wait`` or ``stream``; ``kind`` is its type where the dialect has one, ``code`` the
    status of the response.
    """

    agent: Agent
    call_id: str
    how: str
    kind: str
    code: int
    body: bytes = field(repr=False)


# -- SIP messages and connections


@frozen
class SIPMessageSent:
    """A SIP message was given to a connection; ``carried`` is False when that was down, and the message is lost."""

    flow: int
    text: str = field(repr=False)
    carried: bool = True


@frozen
class SIPMessageReceived:
    """A SIP message has come; nobody has acted on it yet."""

    flow: int
    text: str = field(repr=False)


@frozen
class ConnectionUp:
    """A connection to a proxy can carry messages."""

    flow: int


class Loss(Enum):
    """Why a connection to a proxy was lost."""

    CLOSED = "closed"
    """The proxy closed it."""
    SILENT = "silent"
    """The proxy did not answer a ping."""
    FAULT = "fault"
    """The proxy broke the rules."""
    FAILED = "failed"
    """The network, or TLS, failed."""
    STOPPING = "stopping"
    """The gateway stops."""


@frozen
class ConnectionDown:
    """A connection to a proxy was lost."""

    flow: int
    why: Loss = field(default=Loss.FAILED, eq=False)


# -- the store


@frozen
class StoreWrote:
    """The state of so many accounts was written, which took ``seconds``; ``keys`` are their names."""

    count: int
    seconds: float
    keys: Set[str] = field(default=frozenset(), repr=False)


@frozen
class StoreLost:
    """The store did not take what was written; calls go on from memory, and new promises are refused."""

    text: str


@frozen
class StoreReached:
    """The store has taken everything again: the state of so many accounts."""

    count: int


@frozen
class StoreFault:
    """Something stored of an account cannot be used, or its state not be stored; ``text`` says what that means."""

    key: str
    text: str


# -- HTTP


class HeaderFields(Protocol):
    """Header fields as Twisted has them."""

    def getRawHeaders(self, name: bytes, /) -> Sequence[bytes] | None:  # noqa: N802 (Twisted's name)
        """Return the values of a field."""

    def getAllRawHeaders(self) -> Iterable[tuple[bytes, Sequence[bytes]]]:  # noqa: N802 (Twisted's name)
        """Return all fields, each name with its values."""


@frozen(kw_only=True)
class PageAsked:
    """
    A request has come of which it is known whose it is; nobody has acted on it yet.

    ``request`` tells one from the others until :class:`PageAnswered` or :class:`PageHungUp` follows, just one of them.
    ``call_id`` is the call that it is about, '' when that is not known yet.
    """

    request: object = field(repr=False)
    dn: str
    agent_id: str
    call_id: str = ""
    method: bytes
    uri: bytes = field(repr=False)
    headers: HeaderFields = field(repr=False)
    body: bytes = field(repr=False)


@frozen(kw_only=True)
class PageAnswered:
    """Such a request got its response; whose it is, and which call it is about, may have turned out meanwhile."""

    request: object = field(repr=False)
    dn: str
    agent_id: str
    call_id: str
    code: int
    headers: HeaderFields = field(repr=False)
    body: bytes = field(repr=False)


@frozen(kw_only=True)
class PageHungUp:
    """The page of such a request went before the response."""

    request: object = field(repr=False)
    dn: str
    agent_id: str
    call_id: str


@frozen(kw_only=True)
class RequestServed:
    """
    Any request got its response, ``seconds`` after it was complete; ``path`` has no query.

    ``route`` is the path as it was declared, with its variable parts as such; for what has none it is the name of the
    dialect. ``request`` is that of :class:`PageAsked`, if there was one.
    """

    request: object = field(default=None, repr=False)
    headers: HeaderFields | None = field(default=None, repr=False)
    method: bytes
    path: bytes
    route: str
    code: int
    seconds: float


@frozen
class SignInRefused:
    """A sign_in was refused; ``why`` is the code word of the error."""

    why: str


# -- for operators


class AlarmKind(Enum):
    """What kind of thing happened; the words are stable, as filters and counters name them."""

    DESTINATION_FORBIDDEN = "destination_forbidden"
    """An agent, a far side that redirects, or one that asks for a transfer named a number that may not be called."""
    TOO_MANY_CALLS = "too_many_calls"
    """An agent placed more calls than it may."""
    TOO_MANY_ORDERS = "too_many_orders"
    """An agent sent more digits or data inside its calls than it may."""
    TOO_MANY_RINGING = "too_many_ringing"
    """One caller has as many calls ringing at an agent as it may."""
    CALL_FLOOD = "call_flood"
    """So many calls came for a number that they are refused at once, and told of in sums."""
    AUTO_ANSWER_IGNORED = "auto_answer_ignored"
    """Somebody wanted a call to be answered, or taken from hold, without a click, and may not."""
    TEXT_REFUSED = "text_refused"
    """A MESSAGE came from somebody whose texts are not wanted."""
    FOREIGN_REALM = "foreign_realm"
    """Somebody asked for credentials of a realm that gets none."""
    WEAK_DIGEST = "weak_digest"
    """Somebody asked for credentials by an algorithm that is not allowed, or weaker than that realm's usual one."""


@frozen(kw_only=True)
class AlarmRaised:
    """
    A rule of the site was about to be broken, or a wish of a far side was not followed: an operator should hear of it.

    ``setting`` is the one that decided, ``text`` says what happened. ``dn``, ``call_id`` and ``address`` (of the page)
    are empty where they are not known.
    """

    kind: AlarmKind
    text: str
    setting: str
    dn: str = ""
    call_id: str = ""
    address: str = ""
