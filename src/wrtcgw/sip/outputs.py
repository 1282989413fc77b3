"""
What the core hands up: text to send, and events in the words of :rfc:`3261`.

Every entry of :class:`wrtcgw.sip.core.UACore` returns a list of these, in the order in which they have to be carried
out. They are values: nothing in them changes after they were returned.
"""

from enum import Enum

from attrs import field, frozen

from wrtcgw.sip.headers import NameAddr, Reason
from wrtcgw.sip.identity import Diversion, Identity, Party
from wrtcgw.sip.keyring import Objection
from wrtcgw.sip.source import Source
from wrtcgw.sip.uri import URI

NO_ANSWER = "2xx without a session description"
NO_MEDIA = "2xx whose session description has no media (no m= line)"
NO_ANSWER_IN_ACK = "the ACK brought no answer"
"""Reasons of ours for a far side that gave no answer, or one that is of no use."""


class EndCause(Enum):
    """Why a leg ended, as far as signalling tells."""

    LOCAL = "local"
    """We hung up, cancelled or rejected."""
    REMOTE = "remote"
    """The far side hung up an established call, or cancelled its own."""
    REFUSED = "refused"
    """Our INVITE got a final response other than 2xx."""
    FAILED = "failed"
    """Time-out, lost dialog or lost connection."""


class NotFollowed(Enum):
    """Why a redirection (3xx) was not followed."""

    NO_TARGET = "no target"
    """It named no address that can be called, or that could be read."""
    TRIED = "tried"
    """It named only what was called already."""
    FOREIGN = "foreign"
    """It named addresses of domains that are not allowed."""
    REFUSED = "refused"
    """The user of the core does not allow what it named."""
    TOO_MANY = "too many"
    """There were as many redirections before as are followed."""


@frozen
class Send:
    """
    One SIP message for the WebSocket of ``flow``: to be sent as one WebSocket message.

    ``account`` is the key of the account that says it, '' where it is nobody's.
    """

    flow: int
    text: str = field(repr=False)
    account: str = field(default="", eq=False)


@frozen
class Registered:
    """
    The registrar holds our binding; also sent after each refresh.

    ``expires`` is in seconds, and ``took`` how many there were between REGISTER and answer, challenges included; None
    where that is not known.
    """

    account: str
    expires: float
    took: float | None = field(default=None, repr=False, eq=False)


@frozen
class RegistrationFailed:
    """
    A REGISTER got no 2xx.

    ``retry_in`` is seconds until the core tries again by itself, or None when it gives up (wrong credentials, 403,
    404). ``code`` 408 with ``timeout`` true means that no response came at all; 487 that a sign-out has overtaken a
    sign-in that was still waiting. A ``code`` of 2xx means that the registrar has taken the REGISTER, but keeps no
    binding. ``detail`` is what was found to be the cause, where code and reason do not tell it. ``reasons`` and
    ``warning`` as with :class:`CallEnded`.
    """

    account: str
    code: int
    reason: str
    retry_in: float | None = None
    timeout: bool = False
    detail: str = ""
    reasons: tuple[Reason, ...] = field(default=(), repr=False)
    warning: str = field(default="", repr=False)


@frozen
class Unregistered:
    """The binding is gone at the registrar (or the attempt to remove it ended with ``code``)."""

    account: str
    code: int


@frozen(kw_only=True)
class CallReceived:
    """
    A new INVITE for ``account``; nothing was sent yet.

    It is for the user to say at once whether the call rings (:meth:`UACore.ring`), is answered or is refused: so a
    caller that is told busy has heard no ringing before (docs/third-party-call-control.md, point 15).
    ``offer`` is None for an INVITE without SDP: then :meth:`UACore.answer` takes an offer and the answer arrives with
    the ACK as :class:`AnswerReceived`. ``replaces`` names the leg that an answered call will take the place of.
    ``auto_answer`` is the delay in seconds asked for by Call-Info/Alert-Info/Answer-Mode, or None.
    ``uuid`` is X-Genesys-CallUUID, ``headers`` are the other fields whose names begin with ``X-``, ``fields`` all of
    the request. ``identity`` is who calls, and ``number`` what was dialled, for people; ``diversions`` are those whom
    the call was for before.
    """

    account: str
    leg: str
    caller: NameAddr
    called: NameAddr
    offer: str | None
    replaces: str | None = None
    auto_answer: float | None = None
    uuid: str = ""
    referred_by: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    identity: Identity = field(default=Identity(Party("")), repr=False)
    number: str = field(default="", repr=False)
    diversions: tuple[Diversion, ...] = field(default=(), repr=False)
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    source: Source = field(factory=Source, repr=False)
    """Who calls, for a site's lists of trusted parties; ``caller`` is for people."""


@frozen
class CallProgress:
    """A provisional response above 100 to our INVITE; ``sdp`` is the answer of early media, when it carries one."""

    leg: str
    code: int
    reason: str
    sdp: str | None = None


@frozen
class CallAnswered:
    """Our INVITE was answered: the ACK is out. ``sdp`` is the answer (also when an early answer was the same)."""

    leg: str
    sdp: str
    uuid: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@frozen
class CallConfirmed:
    """The ACK of a call that we answered has arrived."""

    leg: str


@frozen
class PartyIdentified:
    """The far side of the leg is now this one, as the network says, or the peer by :rfc:`4916`."""

    leg: str
    identity: Identity


@frozen
class AnswerReceived:
    """The answer to an offer of ours in a 2xx (to an INVITE or re-INVITE without SDP): it came with the ACK."""

    leg: str
    sdp: str


@frozen
class CallEnded:
    """
    The leg is over; nothing more comes for it.

    ``code`` and ``reason`` are the SIP response that ended it (for a BYE of ours the response to it), 0 when there
    was none: a BYE or CANCEL of the peer, a BYE that could not be sent yet. ``reasons`` are the Reason
    headers (:rfc:`3326`) of the BYE, CANCEL or final response, ``warning`` is the text of its Warning.
    ``not_followed`` says why a 3xx ended the leg.
    """

    leg: str
    cause: EndCause
    code: int = 0
    reason: str = ""
    reasons: tuple[Reason, ...] = ()
    warning: str = field(default="", repr=False)
    not_followed: NotFollowed | None = field(default=None, repr=False)
    said: tuple[str, ...] = field(default=(), repr=False, eq=False)
    """The Reason of our own BYE or CANCEL."""
    after_loss: bool = field(default=False, repr=False, eq=False)
    """The connection was lost in the call, and the peer has not confirmed it since."""


@frozen
class OfferReceived:
    """
    A re-INVITE or UPDATE came inside the leg, to be answered with ``answer_offer`` or ``reject_offer``.

    ``sdp`` is None for a re-INVITE without SDP: ``answer_offer`` then takes an offer, and its answer arrives as
    :class:`AnswerReceived`.
    """

    leg: str
    sdp: str | None


@frozen
class OfferWithdrawn:
    """The peer has cancelled the re-INVITE of the last OfferReceived: there is nothing to answer any more."""

    leg: str


@frozen
class OfferAnswered:
    """Our re-INVITE (``reoffer``) was accepted with this answer."""

    leg: str
    sdp: str


@frozen
class OfferRefused:
    """
    Our re-INVITE was refused; the session goes on as it was (:rfc:`3261#section-14.1`).

    Also the outcome of an offer of ours in a 2xx whose ACK brought no answer: code 488. ``reasons`` and ``warning`` as
    with :class:`CallEnded`.
    """

    leg: str
    code: int
    reason: str
    reasons: tuple[Reason, ...] = field(default=(), repr=False)
    warning: str = field(default="", repr=False)


@frozen
class OfferAcceptedLate:
    """
    An offer of ours that got OfferRefused for want of an answer was accepted after all, and that was acknowledged.

    The peer has a description of us that does not count here, and no other offer is under way: ``reoffer`` mends that.
    """

    leg: str


@frozen
class SessionRefreshed:
    """
    A refresh of ours (session timer or recovery after a lost connection) was answered with this description.

    ``after_loss`` says that it was a recovery.
    """

    leg: str
    sdp: str
    after_loss: bool = field(default=False, repr=False, eq=False)


@frozen
class RequestAnswered:
    """
    The final response to an INFO or REFER of ours; ``ticket`` is what ``info`` or ``refer`` returned.

    ``reasons`` and ``warning`` as with :class:`CallEnded`.
    """

    leg: str
    ticket: int
    code: int
    reason: str
    reasons: tuple[Reason, ...] = field(default=(), repr=False)
    warning: str = field(default="", repr=False)


@frozen
class TransferProgress:
    """
    A NOTIFY of a REFER of ours told the state of the transfer.

    ``final`` closes the subscription; a final state without a sipfrag body has code 0, one whose outcome was never told
    the last provisional code. ``reasons`` and ``warning`` as with :class:`CallEnded`: of the sipfrag, else the NOTIFY.
    """

    leg: str
    code: int
    reason: str
    final: bool
    reasons: tuple[Reason, ...] = field(default=(), repr=False)
    warning: str = field(default="", repr=False)


@frozen(kw_only=True)
class TransferRequested:
    """A REFER came inside the leg: answer with ``accept_refer`` (then ``notify_refer``) or ``reject_refer``."""

    leg: str
    target: URI
    replaces: str | None = None
    """The leg that the Replaces header in Refer-To names, when it is one of ours."""
    replaces_value: str = ""
    """That header's value as it came, to be sent in the INVITE to ``target``; empty when there was none."""
    referred_by: str = ""


@frozen
class InfoReceived:
    """An INFO came and was answered 200."""

    leg: str
    content_type: str
    body: str


@frozen
class ControlReceived:
    """A NOTIFY with ``Event: talk`` or ``Event: hold`` came and was answered 200; ``event`` is that word."""

    leg: str
    event: str


@frozen
class TextReceived:
    """A MESSAGE (:rfc:`3428`) came for the account and was answered 200; ``identity`` is who sent it, for people."""

    account: str
    sender: NameAddr
    content_type: str
    body: str
    identity: Identity = field(default=Identity(Party("")), repr=False)


@frozen
class PeerFault:
    """Something malformed or out of place came and was dropped or refused; to be counted and logged."""

    flow: int
    detail: str


@frozen
class InviteRefused:
    """An INVITE was refused at once, as the user of the core wished; ``account`` is '' where nobody has the number."""

    account: str
    sip_call_id: str
    code: int


@frozen
class TextRefused:
    """A MESSAGE came for the account from somebody whose texts are not wanted, and was answered 403."""

    account: str
    sender: str


@frozen
class ChallengeIgnored:
    """A 401 or 407 to a request of ours for which ``user`` (a DN) gave no credentials."""

    user: str
    method: str
    objection: Objection


Output = (
    Send
    | ChallengeIgnored
    | TextRefused
    | Registered
    | RegistrationFailed
    | Unregistered
    | CallReceived
    | CallProgress
    | CallAnswered
    | CallConfirmed
    | PartyIdentified
    | AnswerReceived
    | CallEnded
    | OfferReceived
    | OfferWithdrawn
    | OfferAnswered
    | OfferRefused
    | OfferAcceptedLate
    | SessionRefreshed
    | RequestAnswered
    | TransferProgress
    | TransferRequested
    | InfoReceived
    | ControlReceived
    | TextReceived
    | PeerFault
    | InviteRefused
)
