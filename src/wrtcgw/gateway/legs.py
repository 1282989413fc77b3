"""What the gateway keeps of a call beyond the domain's :class:`~wrtcgw.calls.call.Call`: waits, and what SIP needs."""

from collections.abc import Callable
from enum import Enum

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall

from wrtcgw.calls.call import Call
from wrtcgw.errors import WrongState
from wrtcgw.gateway.farewells import Farewell
from wrtcgw.gateway.media_direction import Directions
from wrtcgw.gateway.settings import Outcome
from wrtcgw.sdp.description import EMPTY, Description
from wrtcgw.sip.uri import URI


class Purpose(Enum):
    """What an offer of ours inside a call is for."""

    HOLD = "hold"
    RESUME = "resume"
    PAGE = "offer in"
    """The page made it, and hears of its outcome by messages."""
    REPEAT = "offer again in"
    """It only says again what counts, for a far side that knows something else; nobody hears of its outcome."""


@define(eq=False)
class OpenOffer:
    """An offer of ours that the far side has not answered."""

    purpose: Purpose
    sdp: Description = field(repr=False)
    """The description as it went out."""
    page_sdp: Description = field(repr=False)
    """What is to be the page's description when the offer is accepted."""
    by: str
    """Who wanted it: ``local`` (the page) or ``server``."""
    held: bool
    """Whether the gateway holds when it is accepted."""
    waiting: "Deferred[Outcome] | None" = None


@define(eq=False)
class Transfer:
    """A transfer that the far side of a leg was asked for."""

    legs: "tuple[Leg, ...]"
    """The leg whose far side is transferred, and for an attended transfer the one it is to join."""

    def begin(self) -> None:
        """Mark the legs."""
        for leg in self.legs:
            leg.transfer = self

    def over(self) -> None:
        """Let the legs go on as ordinary calls."""
        for leg in self.legs:
            leg.transfer = None

    def ended(self, leg: "Leg") -> None:
        """Without the leg that carried the REFER, the other one goes on as an ordinary call, unless it ends as well."""
        if leg is self.legs[0]:
            for other in self.legs[1:]:
                if other.call.is_up:
                    other.transfer = None


@define(eq=False)
class Leg:
    """One call with the waits on its far side and its page."""

    call: Call
    page_sdp: Description = field(default=EMPTY, repr=False)
    """The page's last description, complete, with the directions that the page wants."""
    page_offer: Description = field(default=EMPTY, repr=False)
    """The page's last description that was an offer: all that it can do."""
    wish: Directions = ()
    """The directions that the page would like, whatever the far side has left it; none: both ways."""
    known_sdp: Description = field(default=EMPTY, repr=False)
    """The far side's description that the page has."""
    early_sdp: Description | None = field(default=None, repr=False)
    branched: bool = False
    """Several branches of the far side have sent early media."""
    offer: OpenOffer | None = None
    remote_offer: Description | None = field(default=None, repr=False)
    """The description inside the call that the page is to answer."""
    form: str = field(default="", repr=False)
    """Data that the page has attached, to be sent by INFO once the call is answered."""
    waiting_offer: Description | None = field(default=None, repr=False)
    """The page's newest offer, which came while one of ours was open: it goes out when that is settled."""
    held_by: str = ""
    """Who has put the call on hold, by the gateway or by the page: ``local`` (the agent) or ``server``; '' for none."""
    hold_ordered: bool = False
    """The page was told to hold: its next offer is what it makes of that."""
    hold_lapses: bool = False
    """The agent's hold was made at another page; this one, which holds by itself, ends it by its first offer."""
    resync: bool = False
    """A new page has come while an offer of ours was open: when that is settled, it is asked for one of its own."""
    informing: bool = False
    """It is for the page's information: the far side does not wait for the answer."""
    page_timer: IDelayedCall | None = None
    transfer: Transfer | None = None
    replaced: bool = False
    """Another call has taken the place of this one, which ends by that."""
    farewell: Farewell | None = None
    """It is not the page that ends the call."""
    talk_timer: IDelayedCall | None = None
    talk_ordered: bool = False
    """The page was told to answer; the next page has to be told as well, if this one goes."""
    refer_target: URI | None = None
    """Where the far side wishes to be transferred to, while the page may act on it."""
    refer_headers: tuple[tuple[str, str], ...] = ()
    """What the INVITE to there has to carry: who referred, and which dialog it takes the place of."""
    refer_timer: IDelayedCall | None = None
    referrer: str = ""
    """The leg whose far side asked for this call by REFER, and is told of its progress."""
    digits: DeferredLock = field(factory=DeferredLock, repr=False)
    """Keeps the digits of one order together."""
    tickets: "dict[int, Deferred[Outcome]]" = field(factory=dict, repr=False)
    ends: "list[Deferred[Outcome]]" = field(factory=list, repr=False)

    @property
    def ends_for(self) -> str:
        """Return what the call ends for when it ends without a fault, as a cause; '' when for nothing special."""
        if self.transfer is not None:
            return "transferred"
        return "replaced" if self.replaced else ""

    def stop_timers(self) -> None:
        """Cancel what waits for the page."""
        self.stop_page_timer()
        self.stop_refer_timer()
        self.stop_talk_timer()

    def stop_page_timer(self) -> None:
        """Cancel the wait for the page's answer."""
        if self.page_timer is not None:
            self.page_timer.cancel()
            self.page_timer = None

    def stop_talk_timer(self) -> None:
        """Cancel the wait for the moment at which the caller wants to be answered."""
        if self.talk_timer is not None and self.talk_timer.active():
            self.talk_timer.cancel()
        self.talk_timer = None

    def stop_refer_timer(self) -> None:
        """Cancel the wait for the page to act on the far side's wish to be transferred."""
        if self.refer_timer is not None:
            self.refer_timer.cancel()
            self.refer_timer = None

    def finish(self, outcome: Outcome, give: "Callable[[Deferred[Outcome], Outcome | Exception], None]") -> None:
        """
        Let go of everything: the call is over.

        :param give: lets who waits go on; those who wait for the end get ``outcome``, others an error.
        """
        self.stop_timers()
        if self.transfer is not None:
            self.transfer.ended(self)
        ends, self.ends = self.ends, []
        for deferred in ends:
            give(deferred, outcome)
        waiting = [(deferred, "go on with") for deferred in self.tickets.values()]
        self.tickets.clear()
        if self.offer is not None and self.offer.waiting is not None:
            waiting.append((self.offer.waiting, self.offer.purpose.value))
        self.offer = None
        for deferred, action in waiting:
            give(deferred, WrongState(self.call.id, action, "ended"))
