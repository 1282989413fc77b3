"""
The machine: what a negotiation holds, and what it does with each input.

Pure: what is to be done is returned, in order, and nothing else knows how a negotiation stands. The states, and what
leads from one to another, are in :mod:`wrtcgw.calls.negotiation.table`.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field

from wrtcgw.calls.descriptions import Descriptions
from wrtcgw.calls.media_direction import holds
from wrtcgw.calls.messages import AgentMessage, MessageType, request_for_offer
from wrtcgw.calls.negotiation.hold import BY_GATEWAY, BY_ORDER, LOCAL, SERVER, Hold
from wrtcgw.calls.negotiation.outputs import (
    AnswerCall,
    HoldChanged,
    Next,
    OpenOffer,
    Order,
    OrderDone,
    OrderFailed,
    Output,
    PageDone,
    Proceed,
    Purpose,
    RefuseOffer,
    SendAnswer,
    SendOffer,
    Tell,
    TellRefusal,
    WaitForPage,
)
from wrtcgw.calls.negotiation.table import CATCHING_UP, INSIDE, OF_USERS, STATUS, TABLE, Input, NegotiationState
from wrtcgw.errors import WrongState
from wrtcgw.sdp.comparison import only_direction_differs, same_session
from wrtcgw.sdp.description import EMPTY, Description
from wrtcgw.sdp.directions import RECEIVING, direction, directions
from wrtcgw.sdp.dtls_role import restarted
from wrtcgw.sdp.matching import fitted

S, I = NegotiationState, Input  # noqa: E741 (short, as in the table)

NOT_ACCEPTABLE, GLARE = 488, 491
OVERTAKEN = "the page's own offer came first; the far side may make its offer again"
MAX_ORDERS = 4
"""How many orders of a call may wait for their turn."""


@define(eq=False)
class Negotiation:
    """The offer/answer state of one call, with its descriptions and its hold."""

    call_id: str
    state: NegotiationState
    descriptions: Descriptions = field(factory=Descriptions)
    hold: Hold = Hold.NONE
    held_by_peer: bool = False
    offer: OpenOffer | None = None
    """Ours, in the states with a local offer."""
    asked: Description | None = field(default=None, repr=False)
    """What the page is to answer, in REMOTE_OFFER and while it catches up, as it came from the far side."""
    put_off: Description | None = field(default=None, repr=False)
    """The far side's offer that waits until the page has caught up, in CATCHING_UP_REMOTE_OFFER."""
    next: Description | Next = field(default=Next.NOTHING, repr=False)
    """What follows our open offer: the page's newest one, or a question to a new page."""
    orders: deque[Order] = field(factory=deque)
    """What waits for its turn."""
    _outputs: list[Output] = field(factory=list, init=False, repr=False)

    @classmethod
    def outbound(cls, call_id: str, offer: Description) -> "Negotiation":
        """Return that of a call whose INVITE has the page's offer."""
        negotiation = cls(call_id, S.OFFERING)
        negotiation.descriptions.local = offer
        negotiation.descriptions.take_offer(offer)
        return negotiation

    @classmethod
    def inbound(cls, call_id: str, offer: Description | None) -> "Negotiation":
        """Return that of a call that rings here; without an offer the caller wants ours."""
        negotiation = cls(call_id, S.OFFER_WANTED if offer is None else S.OFFERED)
        negotiation.descriptions.remote = offer
        return negotiation

    # -- what others ask

    @property
    def on_hold(self) -> bool:
        """Whether the gateway holds, for the agent or the server."""
        return self.hold in BY_GATEWAY

    @property
    def will_be_on_hold(self) -> bool:
        """Whether the gateway will hold when all that is ordered and under way has been accepted."""
        if self.orders:
            return self.orders[-1].purpose is Purpose.HOLD
        return self.on_hold if self.offer is None else self.offer.on_hold

    @property
    def has_open_offer(self) -> bool:
        """Whether the far side has an offer of ours inside the call to answer."""
        return self.offer is not None

    @property
    def is_catching_up(self) -> bool:
        """Whether the page has an agreed description to apply."""
        return self.state in CATCHING_UP

    @property
    def status(self) -> str:
        """The state in words for an error text."""
        return STATUS.get(self.state, "on hold" if self.on_hold else "established")

    def awaits(self, kind: MessageType | None) -> bool:
        """Return whether the page owes a description of that kind: OFFER, ANSWER, or None for either."""
        wanted = MessageType.OFFER if self.state is S.OFFER_WANTED else MessageType.ANSWER
        owes = self.state in (S.OFFERED, S.OFFER_WANTED, S.REMOTE_OFFER, *CATCHING_UP)
        return owes and kind in (None, wanted)

    def is_open(self, sdp: str | None) -> bool:
        """Return whether the page may still answer an offer with that text."""
        if self.state in (S.OFFERED, S.OFFER_WANTED):
            return True
        return sdp == (None if self.asked is None else str(self.descriptions.for_page(self.asked)))

    # -- the page

    def page_describes(
        self, description: Description, kind: MessageType | None, *, may_repeat: bool = False
    ) -> list[Output]:
        """
        Take a description of the page: an offer, an answer, or (``kind`` None) what is due.

        An offer of the page that meets one of the far side which the page was to answer, or was not even told of yet,
        goes before it: the gateway is always the one who yields, so the page needs no tiebreaker.

        :param may_repeat: the page may offer again while its own offer is open, and hears of the newest one only.
        :raises WrongState: when nothing of that kind is due.
        """
        if kind is MessageType.ANSWER or (kind is None and self.awaits(MessageType.ANSWER)):
            return self._take(I.PAGE_ANSWER, description)
        offer = self.offer
        own = offer is not None and offer.purpose is Purpose.PAGE and self.next is not Next.ASK_NEW_PAGE
        if (kind is None and offer is not None) or (own and not may_repeat):
            raise WrongState(self.call_id, "offer in", self.status)
        return self._take(I.PAGE_OFFER, description)

    def page_silent(self) -> list[Output]:
        """Take it that the page has not answered in time (:rfc:`3261#section-14.2`)."""
        return self._take(I.PAGE_SILENT)

    def hand_hold_over(self, *, holds_by_itself: bool) -> None:
        """Let the hold of the page before go over to a new one, which may hold by its own offers."""
        if self.hold in (Hold.AGENT, Hold.LAPSING):
            self.hold = Hold.LAPSING if holds_by_itself else Hold.AGENT

    def new_page(self) -> list[Output]:
        """Take it that another page has taken the call over, which knows nothing of the old one's media."""
        return self._take(I.NEW_PAGE)

    # -- orders

    def order(self, order: Order) -> list[Output]:
        """
        Hold or resume; a hold of the far side makes no difference to our offer (:rfc:`6337#section-5.3`).

        :raises WrongState: when it is so already, or too many orders wait.
        """
        if self.state is S.STABLE or self.state is S.CATCHING_UP:
            self._check_order(order)
        return self._take(I.ORDER, order)

    def forget(self, order: Order) -> None:
        """Let an order that nobody waits for any more not be carried out, if its turn has not come."""
        if order in self.orders:
            self.orders.remove(order)

    def order_page_to_hold(self) -> None:
        """Note that the page was told to hold: its next offer is what it makes of that."""
        if self.hold is Hold.NONE and not holds(self.descriptions.wish):
            self.hold = Hold.ORDERED

    # -- the far side

    def far_offer(self, offer: Description | None) -> list[Output]:
        """Take a re-INVITE or UPDATE; None for one without a description, which wants ours."""
        if offer is None:
            return self._take(I.OFFER_REQUEST)
        known = self.descriptions.is_known(offer) and (self.on_hold or not self._resumes(offer))
        return self._take(I.KNOWN_OFFER if known else I.NEW_OFFER, offer)

    def far_withdrew(self) -> list[Output]:
        """Take the far side's CANCEL of its offer."""
        return self._take(I.WITHDRAWN)

    def early_answer(self, answer: Description) -> list[Output]:
        """Take the answer in a provisional response."""
        return self._take(I.EARLY_ANSWER, fitted(answer, self.descriptions.local or EMPTY))

    def first_answer(self, answer: Description, message: AgentMessage) -> list[Output]:
        """Take the answer in the 2xx to our INVITE; ``message`` is the ANSWER that tells it, without description."""
        return self._take(I.ANSWER, fitted(answer, self.descriptions.local or EMPTY), message)

    def answered(self, answer: Description) -> list[Output]:
        """Take the far side's answer to an offer of ours: only now is the call on hold, or what was asked for."""
        return self._take(I.ANSWER, fitted(answer, self.offer.sdp if self.offer else EMPTY))

    def refused(self) -> list[Output]:
        """Take the far side's refusal of an offer of ours: the call is as it was."""
        return self._take(I.REFUSAL)

    def late_answer(self, answer: Description) -> list[Output]:
        """Take an answer that the page did not ask for: in an ACK, or to a refresh."""
        return self._take(I.LATE_ANSWER, fitted(answer, self.descriptions.local or EMPTY))

    def accepted_late(self) -> list[Output]:
        """Take it that the far side has accepted an offer of ours that counts as refused: say again what counts."""
        return self._take(I.ACCEPTED_LATE)

    def proceed(self) -> list[Output]:
        """Do what has waited for its turn."""
        waiting = self.next
        if isinstance(waiting, Description):
            if self.offer is not None or self.state not in INSIDE:
                return []
            self.next = Next.NOTHING
            return self._take(I.PAGE_OFFER, waiting)
        if self.orders and self.state in (S.STABLE, S.CATCHING_UP):
            return self._carry_on_with(self.orders.popleft())
        return []

    def _carry_on_with(self, order: Order) -> list[Output]:
        """Carry an order out that has waited; the server, which orders what is so already, is content."""
        try:
            return self.order(order)
        except WrongState as error:
            content = order.by == SERVER
            return [OrderDone(order, accepted=True) if content else OrderFailed(order, error), Proceed()]

    def end(self) -> list[Output]:
        """Take the end of the call."""
        return self._take(I.END)

    # -- the engine

    def _take(self, event: Input, *values: Any) -> list[Output]:
        action, after = TABLE.get((self.state, event), ("", None))
        if not action:
            if event in OF_USERS:
                action = OF_USERS[event] or values[0].purpose.value
                raise WrongState(self.call_id, action, self.status)
            return []
        if after is not None:
            before, self.state = self.state, after
        act: Callable[..., None] = getattr(self, action)
        try:
            act(*values)
        except WrongState:
            if after is not None:
                self.state = before
            self._outputs.clear()
            raise
        outputs, self._outputs = self._outputs, []
        return outputs

    def _emit(self, *outputs: Output) -> None:
        self._outputs.extend(outputs)

    def _tell(self, message: AgentMessage) -> None:
        self._emit(Tell(message))

    # -- the beginning of the call

    def _early(self, answer: Description) -> None:
        self.descriptions.remote = answer
        self._tell(AgentMessage(type=MessageType.ANSWER, sdp=str(answer), more_coming=True))

    def _early_again(self, answer: Description) -> None:
        before = self.descriptions.remote or EMPTY
        if str(before) != str(answer):
            if not only_direction_differs(before, answer):
                self.state = S.FORKED
            self._early(answer)

    def _first_answer(self, answer: Description, message: AgentMessage) -> None:
        early = self.descriptions.remote
        self._take_first_answer(answer, message)
        if early is not None and not only_direction_differs(early, answer):
            self._tell(request_for_offer("renew"))
        self._learn_answer(answer)

    def _first_answer_of_fork(self, answer: Description, message: AgentMessage) -> None:
        """
        Take the answer of one of several branches.

        A browser that has taken another branch's early answer cannot take this one: it is asked for a new offer.
        """
        self._take_first_answer(answer, message)
        self._tell(request_for_offer("renew"))
        self._learn_answer(answer)

    def _take_first_answer(self, answer: Description, message: AgentMessage) -> None:
        early = self.descriptions.remote
        repeated = early is not None and same_session(early, answer)
        self.descriptions.known = answer
        self._tell(evolve(message, sdp=str(answer), repeated=repeated))

    def _page_answers_call(self, answer: Description) -> None:
        told, offered = self.descriptions, self.descriptions.remote or EMPTY
        told.take_answer(answer, offered)
        told.local = told.page
        self._emit(AnswerCall(told.page))
        self._learn_offer(offered)

    def _page_offers_in_answer(self, offer: Description) -> None:
        self.descriptions.local = offer
        self.descriptions.take_offer(offer)
        self._emit(AnswerCall(offer))

    def _answer_in_ack(self, answer: Description) -> None:
        self.descriptions.known = answer
        self._tell(AgentMessage(type=MessageType.ANSWER, sdp=str(answer)))
        self._learn_answer(answer)
        self._go_on()

    # -- theirs, without the page

    def _not_now(self, offer: Description | None = None) -> None:
        self._emit(RefuseOffer(NOT_ACCEPTABLE))

    def _glare(self, offer: Description) -> None:
        self._emit(RefuseOffer(GLARE))

    def _answer_without_page(self, offer: Description) -> None:
        self._end_hold_by(offer)
        self._send_answer(self.descriptions.answer_without_page(offer, on_hold=self.on_hold))
        self._learn_offer(offer)

    def _offer_without_page(self) -> None:
        self._send_answer(self.descriptions.full_offer(on_hold=self.on_hold))

    def _send_answer(self, local: Description) -> None:
        self._emit(SendAnswer(local))
        self.descriptions.local = local

    # -- theirs, with the page

    def _ask_page(self, offer: Description) -> None:
        self.asked = offer
        self._emit(WaitForPage())
        self._ask_page_again()

    def _ask_page_again(self) -> None:
        self._tell(AgentMessage(type=MessageType.OFFER, sdp=str(self.descriptions.for_page(self.asked or EMPTY))))

    def _put_off(self, offer: Description | None = None) -> None:
        self.put_off = offer

    def _ask_page_put_off(self) -> None:
        self._emit(PageDone())
        offer, self.put_off = self.put_off or EMPTY, None
        self._ask_page(offer)

    def _answer_of_page(self, answer: Description) -> None:
        offered = self._page_done()
        self.descriptions.take_answer(answer, offered)
        self._end_hold_by(offered)
        self._send_answer(self.descriptions.answer_of_page(offered, on_hold=self.on_hold))
        self._learn_offer(offered)
        self._go_on()

    def _yield_to_page(self, offer: Description) -> None:
        """
        Refuse the far side's open offer: the page has made its own meanwhile.

        The far side repeats it after the wait of :rfc:`3261#section-14.1`.
        """
        self._page_done()
        self.put_off = None
        self._emit(RefuseOffer(GLARE))
        self._tell_withdrawn(OVERTAKEN)
        self._offer_for_page(offer)

    def _withdrawn(self) -> None:
        self._page_done()
        self._tell_withdrawn("the far side took its offer back; the call goes on as it was")
        self._go_on()

    def _refuse_for_silence(self) -> None:
        self._page_done()
        self._emit(RefuseOffer(NOT_ACCEPTABLE))
        hint = "the page did not answer the far side's offer in time; the call goes on as it was"
        self._tell(AgentMessage(type=MessageType.ERROR, cause="page-timeout", hint=hint))
        self._go_on()

    def _tell_withdrawn(self, hint: str) -> None:
        self._tell(AgentMessage(type=MessageType.ERROR, cause="withdrawn", hint=hint))

    def _page_done(self) -> Description:
        """Return what the page was asked, if anything; it is not any more."""
        if self.asked is not None:
            self._emit(PageDone())
        asked, self.asked = self.asked or EMPTY, None
        return asked

    # -- what the page has to catch up with

    def _inform_page(self, answer: Description) -> None:
        """Let the page apply what is new for it; its answer to that does not go to the far side, which has one."""
        known = self.descriptions.is_known(answer)
        self._learn_answer(answer)
        self._catch_up(known=known)

    def _catch_up(self, *, known: bool) -> None:
        """Give the page what was agreed on, unless it knows it, or has something of its own to say."""
        if known or isinstance(self.next, Description):
            self.state = S.STABLE
            return
        self.state = S.CATCHING_UP
        self._ask_page(self.descriptions.remote or EMPTY)

    def _caught_up(self, answer: Description) -> None:
        """Take the page's answer, and go on with what the far side has said meanwhile."""
        self._page_applied(answer)
        told = self.descriptions
        latest = told.remote or EMPTY
        self._catch_up(known=latest == told.known or told.is_known(latest))

    def _page_applied(self, answer: Description) -> None:
        self.descriptions.take_answer(answer, self._page_done())

    def _page_applied_and_is_asked(self, answer: Description) -> None:
        self._page_applied(answer)
        offer, self.put_off = self.put_off or EMPTY, None
        self._ask_page(offer)

    def _offer_instead(self, offer: Description) -> None:
        """Send the page's offer; what it was to catch up with is known again from the answer to that."""
        self._page_done()
        self._tell_withdrawn(OVERTAKEN)
        self._offer_for_page(offer)

    # -- ours

    def _offer_for_page(self, offer: Description) -> None:
        """Send an offer of the page, and with it the gateway's hold, unless that has lapsed."""
        on_hold = self.hold in (Hold.AGENT, Hold.SERVER)
        sent = self.descriptions.offer_of_page(offer, on_hold=on_hold)
        by = SERVER if self.hold in (Hold.SERVER, Hold.ORDERED) else LOCAL
        if self.hold is Hold.ORDERED:
            self.hold = Hold.NONE
        self._send(OpenOffer(Purpose.PAGE, sent, offer, by, on_hold))

    def _check_order(self, order: Order) -> None:
        if order.purpose is Purpose.HOLD and self.on_hold:
            raise WrongState(self.call_id, "hold", "on hold")
        if order.purpose is Purpose.RESUME and not self.on_hold:
            raise WrongState(self.call_id, "resume", "not on hold")

    def _offer_by_order(self, order: Order) -> None:
        on_hold = order.purpose is Purpose.HOLD
        sent = self.descriptions.renewed(on_hold=on_hold)
        self._send(OpenOffer(order.purpose, sent, self.descriptions.page, order.by, on_hold, order))

    def _offer_again(self) -> None:
        sent = self.descriptions.repeated(on_hold=self.on_hold)
        by = SERVER if self.hold in BY_ORDER else LOCAL
        self._send(OpenOffer(Purpose.REPEAT, sent, self.descriptions.page, by, self.on_hold))

    def _send(self, offer: OpenOffer) -> None:
        told = self.descriptions
        self.offer = evolve(offer, sdp=restarted(offer.sdp, told.local, told.remote))
        self._emit(SendOffer(self.offer.sdp))

    def _let_page_offer_wait(self, offer: Description) -> None:
        if self.asked is not None:
            self._page_done()
            self._tell_withdrawn(OVERTAKEN)
        self.next = offer

    def _let_order_wait(self, order: Order) -> None:
        if len(self.orders) >= MAX_ORDERS:
            raise WrongState(self.call_id, order.purpose.value, self.status)
        self.orders.append(order)

    def _accepted(self, answer: Description) -> None:
        offer = self._closed()
        told = self.descriptions
        told.local = offer.sdp
        if offer.purpose is Purpose.PAGE:
            told.take_offer(offer.page)
            told.known = fitted(answer, offer.page)
            if self.next is Next.NOTHING:
                self._tell(AgentMessage(type=MessageType.ANSWER, sdp=str(told.known)))
        self._note_hold(offer)
        if self.state is S.STABLE:
            self._inform_page(answer)
        else:
            self._learn_answer(answer)
        self._go_on()
        if offer.order is not None:
            self._emit(OrderDone(offer.order, accepted=True))

    def _refused(self) -> None:
        offer = self._closed()
        if offer.purpose is Purpose.PAGE and self.next is Next.NOTHING:
            self._emit(TellRefusal())
        self._go_on()
        if offer.order is not None:
            self._emit(OrderDone(offer.order, accepted=False))

    def _closed(self) -> OpenOffer:
        offer, self.offer = self.offer, None
        assert offer is not None
        return offer

    def _go_on(self) -> None:
        """Ask a page that has come meanwhile for its offer; what else has waited has its turn a little later."""
        if self.next is Next.ASK_NEW_PAGE:
            self.next = Next.NOTHING
            self._tell(request_for_offer("resync"))
        if self.next is not Next.NOTHING or self.orders:
            self._emit(Proceed())

    def _ask_new_page(self) -> None:
        self._page_done()
        self._tell(request_for_offer("resync"))

    def _ask_new_page_later(self) -> None:
        self._page_done()
        self.next = Next.ASK_NEW_PAGE

    # -- hold

    def _note_hold(self, offer: OpenOffer) -> None:
        """Note what an accepted offer has made of the hold."""
        before = self.hold
        if offer.on_hold:
            lapsing = before is Hold.LAPSING and offer.by == LOCAL
            self.hold = Hold.LAPSING if lapsing else Hold.SERVER if offer.by == SERVER else Hold.AGENT
        elif holds(self.descriptions.wish):
            self.hold = Hold.PAGE_ORDERED if offer.by == SERVER else Hold.PAGE
        elif before is not Hold.ORDERED:
            self.hold = Hold.NONE
        if (before in BY_GATEWAY) is not offer.on_hold:
            self._emit(HoldChanged(offer.on_hold, offer.by))

    def _resumes(self, offer: Description) -> bool:
        """
        Return whether an offer of the far side ends the hold: some third-party control orders it by NOTIFY, resumes so.

        One that repeats what the far side has said already is a refresh. The agent's own hold is only for the agent to
        end.
        """
        known = self.descriptions.remote or EMPTY
        return self.hold in BY_ORDER and "sendrecv" in directions(offer) and not same_session(known, offer)

    def _end_hold_by(self, offer: Description) -> None:
        """End a hold that the server ordered, when the far side's offer, which is to be answered now, says so."""
        if self.hold is Hold.SERVER and self._resumes(offer):
            self.hold = Hold.PAGE_ORDERED
            self._emit(HoldChanged(False, SERVER))
        if self.hold in (Hold.PAGE, Hold.PAGE_ORDERED) and not holds(self.descriptions.wish):
            self.hold = Hold.NONE

    def _learn_offer(self, offer: Description) -> None:
        """Take a description that the far side offered: it holds when it does not want to receive."""
        self.descriptions.remote = offer
        self._note_peer(direction(offer) not in RECEIVING)

    def _learn_answer(self, answer: Description) -> None:
        """
        Take the far side's answer to a description of ours.

        It tells of a hold only when we were to be heard: to an offer that holds, inactive is as good an answer as
        recvonly.
        """
        self.descriptions.remote = answer
        if direction(answer) in RECEIVING:
            self._note_peer(False)
        elif direction(self.descriptions.local or answer) == "sendrecv":
            self._note_peer(True)

    def _note_peer(self, on_hold: bool) -> None:
        if self.held_by_peer is not on_hold:
            self.held_by_peer = on_hold
            self._emit(HoldChanged(on_hold, "peer"))

    def _end(self) -> None:
        self._emit(PageDone())
        sent = self.offer.order if self.offer is not None else None
        for order in (*((sent,) if sent is not None else ()), *self.orders):
            self._emit(OrderFailed(order, WrongState(self.call_id, order.purpose.value, "ended")))
        self.offer = self.asked = self.put_off = None
        self.orders.clear()
        self.next = Next.NOTHING
