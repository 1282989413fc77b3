"""What the gateway keeps of a call beyond the domain's :class:`~wrtcgw.calls.call.Call`: waits, and what SIP needs."""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall

from wrtcgw.calls.call import Call
from wrtcgw.calls.negotiation.outputs import Order
from wrtcgw.errors import WrongState
from wrtcgw.gateway.disconnect_reasons import DisconnectReason
from wrtcgw.gateway.settings import Outcome
from wrtcgw.sip.source import Source
from wrtcgw.sip.uri import URI


@define(eq=False)
class Transfer:
    """A transfer that the far side of a leg was asked for."""

    legs: "tuple[CallLeg, ...]"
    """The leg whose far side is transferred, and for an attended transfer the one it is to join."""

    def begin(self) -> None:
        """Mark the legs."""
        for leg in self.legs:
            leg.transfer = self

    def over(self) -> None:
        """Let the legs go on as ordinary calls."""
        for leg in self.legs:
            leg.transfer = None

    def ended(self, leg: "CallLeg") -> None:
        """Without the leg that carried the REFER, the other one goes on as an ordinary call, unless it ends as well."""
        if leg is self.legs[0]:
            for other in self.legs[1:]:
                if other.call.is_up:
                    other.transfer = None


@define(eq=False)
class CallLeg:
    """One call with the waits on its far side and its page."""

    call: Call
    source: Source = field(factory=Source, repr=False)
    """The far side, for lists of trusted parties."""
    withheld: str = field(default="", repr=False)
    """The number that the far side wants to be kept from the page."""
    form: str = field(default="", repr=False)
    """Data that the page has attached, to be sent by INFO once the call is answered."""
    page_timer: IDelayedCall | None = None
    take_over_timer: IDelayedCall | None = None
    """Runs while the page that the call has now, a new one, has not offered in it."""
    transfer: Transfer | None = None
    replaced: bool = False
    """Another call has taken the place of this one, which ends by that."""
    disconnect_reason: DisconnectReason | None = None
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
    orders: "dict[Order, Deferred[Outcome]]" = field(factory=dict, repr=False)
    """Who waits for a hold or resume."""
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
        self.stop_take_over_timer()

    def stop_page_timer(self) -> None:
        """Cancel the wait for the page's answer."""
        if self.page_timer is not None:
            self.page_timer.cancel()
            self.page_timer = None

    def stop_take_over_timer(self) -> None:
        """Cancel the wait for a new page to take the call up: it has, or the call ends."""
        if self.take_over_timer is not None:
            self.take_over_timer.cancel()
            self.take_over_timer = None

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
        for deferred, action in waiting:
            give(deferred, WrongState(self.call.id, action, "ended"))
