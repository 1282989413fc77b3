"""
Offer and answer in one call, between its page and its far side (:rfc:`3264`, :rfc:`6337`).

The gateway stands between two exchanges. With the far side at most one offer is under way; the page is asked only for
what it alone can answer, and may have to catch up with a description that the two ends have agreed on already: for that
nobody waits. At the beginning of a call::

    OFFERING --early answer--> EARLY --early answer of another branch--> FORKED
        |                        |                                         |
        +---------+--------------+---answer--------------------------------+----> STABLE
    OFFERED      --page's answer--> STABLE
    OFFER_WANTED --page's offer---> ANSWER_AWAITED --answer in the ACK----------> STABLE

Inside it, the page not having to catch up with anything::

    STABLE --page's offer, order, accepted late--> LOCAL_OFFER --answer, refusal--> STABLE
    STABLE --news in their offer--> REMOTE_OFFER --page's answer, withdrawn, page silent--> STABLE
    REMOTE_OFFER --page's offer (theirs is refused with 491)--> LOCAL_OFFER
    STABLE --news in their answer--> CATCHING_UP --page's answer or silence, new page--> STABLE

and having to, which holds up only the far side's offers that bring further news::

    CATCHING_UP --page's offer--> LOCAL_OFFER
    CATCHING_UP --order--> CATCHING_UP_LOCAL_OFFER --answer, refusal--> CATCHING_UP
    CATCHING_UP --news in their offer--> CATCHING_UP_REMOTE_OFFER --page's answer or silence, new page--> REMOTE_OFFER
    CATCHING_UP_REMOTE_OFFER --withdrawn--> CATCHING_UP
    CATCHING_UP_REMOTE_OFFER --page's offer (theirs is refused with 491)--> LOCAL_OFFER
    CATCHING_UP_LOCAL_OFFER --page's answer, silence or offer (which waits), new page--> LOCAL_OFFER

In any state an offer that brings no news, and the wish for an offer of ours, is met without the page. What the page or
the server orders while it cannot be sent waits, and so does the newest offer of a page that may repeat itself; what may
not wait is a :class:`~wrtcgw.errors.WrongState`. An event that means nothing in a state is absorbed. The end of the
call leads from any state to OVER, which nothing leaves.

Pure: what is to be done is returned, in order, and nothing else knows how a negotiation stands.
"""

from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from attrs import define, evolve, field, frozen

from wrtcgw.calls.descriptions import Descriptions
from wrtcgw.calls.media_direction import holds
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import WrongState
from wrtcgw.sdp.comparison import only_direction_differs, same_session
from wrtcgw.sdp.description import EMPTY, Description, parse
from wrtcgw.sdp.directions import RECEIVING, direction, directions
from wrtcgw.sdp.dtls_role import restarted

NOT_ACCEPTABLE, GLARE = 488, 491
MAX_ORDERS = 4
"""How many orders of a call may wait for their turn."""


class NegotiationState(Enum):
    """Whose offer is under way, and what the page has still to answer; the figure is in the module's docstring."""

    OFFERING = "offering"
    EARLY = "early"
    FORKED = "forked"
    OFFERED = "offered"
    OFFER_WANTED = "offer wanted"
    ANSWER_AWAITED = "answer awaited"
    STABLE = "stable"
    LOCAL_OFFER = "local offer"
    REMOTE_OFFER = "remote offer"
    CATCHING_UP = "catching up"
    CATCHING_UP_LOCAL_OFFER = "catching up, local offer"
    CATCHING_UP_REMOTE_OFFER = "catching up, remote offer"
    OVER = "over"


class Input(Enum):
    """What can happen to a negotiation."""

    PAGE_OFFER = "offer"
    PAGE_ANSWER = "answer"
    ORDER = "order"
    """The gateway is to offer by itself: hold or resume."""
    KNOWN_OFFER = "their offer without news"
    NEW_OFFER = "their offer with news"
    OFFER_REQUEST = "their wish for an offer"
    WITHDRAWN = "their offer withdrawn"
    EARLY_ANSWER = "early answer"
    ANSWER = "answer to our offer"
    REFUSAL = "refusal of our offer"
    LATE_ANSWER = "answer that nobody here waits for"
    """To an offer that a 2xx of ours made, or to a refresh."""
    ACCEPTED_LATE = "our offer accepted when it was given up"
    PAGE_SILENT = "page silent"
    NEW_PAGE = "new page"
    END = "end"


class Hold(Enum):
    """Who has put the call on hold, and how it ends."""

    NONE = "none"
    ORDERED = "ordered"
    """The page was told to hold, and has not yet."""
    AGENT = "agent"
    """The gateway holds, for the agent."""
    LAPSING = "lapsing"
    """So it does, but for a page that is gone: the new one holds by itself, and its first offer ends this."""
    SERVER = "server"
    """The gateway holds, since the server has ordered it."""
    PAGE = "page"
    """The page's own description holds."""
    PAGE_ORDERED = "page, ordered"
    """So it does, since the server has ordered it."""


BY_GATEWAY = frozenset({Hold.AGENT, Hold.LAPSING, Hold.SERVER})
BY_ORDER = frozenset({Hold.SERVER, Hold.PAGE_ORDERED})

LOCAL, SERVER = "local", "server"
"""Who can order a hold: the agent, at the page; or third-party call control."""


class Purpose(Enum):
    """What an offer of ours inside a call is for."""

    HOLD = "hold"
    RESUME = "resume"
    PAGE = "offer in"
    """The page made it, and hears of its outcome."""
    REPEAT = "offer again in"
    """It only says again what counts, for a far side that knows something else; nobody hears of its outcome."""


@frozen(eq=False)
class Order:
    """A hold or resume that somebody waits for; ``by`` is ``local`` or ``server``."""

    purpose: Purpose
    by: str


@frozen(eq=False)
class OpenOffer:
    """An offer of ours that the far side has not answered."""

    purpose: Purpose
    sdp: Description = field(repr=False)
    """The description as it went out."""
    page: Description = field(repr=False)
    """What is to be the page's description when the offer is accepted."""
    by: str
    on_hold: bool
    """Whether the gateway holds when it is accepted."""
    order: Order | None = None


class Next(Enum):
    """What follows when our open offer is settled, if not an offer of the page."""

    NOTHING = "nothing"
    ASK_NEW_PAGE = "ask the new page"
    """The page that has come meanwhile is asked for an offer of its own, and hears nothing of the old one's."""


# -- what is to be done


@frozen
class SendOffer:
    """Offer this to the far side."""

    sdp: Description = field(repr=False)


@frozen
class SendAnswer:
    """Answer the far side's offer inside the call."""

    sdp: Description = field(repr=False)


@frozen
class AnswerCall:
    """Answer the call that rings here, with an answer or an offer of ours."""

    sdp: Description = field(repr=False)


@frozen
class RefuseOffer:
    """Refuse the far side's offer with this code."""

    code: int


@frozen
class Tell:
    """Tell the page."""

    message: AgentMessage


@frozen
class TellRefusal:
    """Tell the page that its offer was refused, in the far side's words."""


@frozen
class HoldChanged:
    """The call was put on hold, or taken from it, by ``peer``, ``local`` or ``server``."""

    on_hold: bool
    by: str


@frozen
class WaitForPage:
    """Tell the negotiation when the page has not answered in time."""


@frozen
class PageDone:
    """Wait for the page no more."""


@frozen
class OrderDone:
    """An order has its outcome: accepted, or refused in the far side's words."""

    order: Order
    accepted: bool


@frozen
class OrderFailed:
    """An order whose turn came in a state that does not allow it."""

    order: Order
    error: WrongState


@frozen
class Proceed:
    """Call :meth:`Negotiation.proceed` when everything that has come in is acted on."""


Output = (
    SendOffer
    | SendAnswer
    | AnswerCall
    | RefuseOffer
    | Tell
    | TellRefusal
    | HoldChanged
    | WaitForPage
    | PageDone
    | OrderDone
    | OrderFailed
    | Proceed
)

S, I = NegotiationState, Input  # noqa: E741 (columns of the table)

# What is done in a state with an input, as the name of a method, and the state after it (None: the method says).
Row = tuple[str, NegotiationState | None]

_CATCHING_UP = (S.CATCHING_UP, S.CATCHING_UP_LOCAL_OFFER, S.CATCHING_UP_REMOTE_OFFER)
_INSIDE = (S.STABLE, S.LOCAL_OFFER, S.REMOTE_OFFER, *_CATCHING_UP)
_BEFORE = (S.OFFERING, S.EARLY, S.FORKED, S.OFFERED, S.OFFER_WANTED, S.ANSWER_AWAITED)

TABLE: Mapping[tuple[NegotiationState, Input], Row] = {
    # the beginning of the call
    (S.OFFERING, I.EARLY_ANSWER): ("_early", S.EARLY),
    (S.EARLY, I.EARLY_ANSWER): ("_early_again", None),
    (S.FORKED, I.EARLY_ANSWER): ("_early_again", None),
    (S.OFFERING, I.ANSWER): ("_first_answer", S.STABLE),
    (S.EARLY, I.ANSWER): ("_first_answer", S.STABLE),
    (S.FORKED, I.ANSWER): ("_first_answer_of_fork", S.STABLE),
    (S.OFFERED, I.PAGE_ANSWER): ("_page_answers_call", S.STABLE),
    (S.OFFER_WANTED, I.PAGE_OFFER): ("_page_offers_in_answer", S.ANSWER_AWAITED),
    (S.ANSWER_AWAITED, I.LATE_ANSWER): ("_answer_in_ack", S.STABLE),
    (S.ANSWER_AWAITED, I.PAGE_OFFER): ("_let_page_offer_wait", S.ANSWER_AWAITED),
    (S.ANSWER_AWAITED, I.ORDER): ("_let_order_wait", S.ANSWER_AWAITED),
    **{(state, I.NEW_OFFER): ("_not_now", state) for state in _BEFORE},
    **{(state, I.KNOWN_OFFER): ("_not_now", state) for state in _BEFORE},
    **{(state, I.OFFER_REQUEST): ("_not_now", state) for state in _BEFORE},
    (S.ANSWER_AWAITED, I.NEW_PAGE): ("_ask_new_page", S.ANSWER_AWAITED),
    # offers that need no page, in any state inside the call
    **{(state, I.KNOWN_OFFER): ("_answer_without_page", state) for state in _INSIDE},
    **{(state, I.OFFER_REQUEST): ("_offer_without_page", state) for state in _INSIDE},
    # nothing under way
    (S.STABLE, I.PAGE_OFFER): ("_offer_for_page", S.LOCAL_OFFER),
    (S.STABLE, I.ORDER): ("_offer_by_order", S.LOCAL_OFFER),
    (S.STABLE, I.ACCEPTED_LATE): ("_offer_again", S.LOCAL_OFFER),
    (S.STABLE, I.NEW_OFFER): ("_ask_page", S.REMOTE_OFFER),
    (S.STABLE, I.LATE_ANSWER): ("_inform_page", None),
    (S.STABLE, I.NEW_PAGE): ("_ask_new_page", S.STABLE),
    # ours
    (S.LOCAL_OFFER, I.ANSWER): ("_accepted", S.STABLE),
    (S.LOCAL_OFFER, I.REFUSAL): ("_refused", S.STABLE),
    (S.LOCAL_OFFER, I.PAGE_OFFER): ("_let_page_offer_wait", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.ORDER): ("_let_order_wait", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.NEW_OFFER): ("_glare", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.LATE_ANSWER): ("_learn_answer", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.NEW_PAGE): ("_ask_new_page_later", S.LOCAL_OFFER),
    # theirs, with the page
    (S.REMOTE_OFFER, I.PAGE_ANSWER): ("_answer_of_page", S.STABLE),
    (S.REMOTE_OFFER, I.PAGE_OFFER): ("_yield_to_page", S.LOCAL_OFFER),
    (S.REMOTE_OFFER, I.ORDER): ("_let_order_wait", S.REMOTE_OFFER),
    (S.REMOTE_OFFER, I.NEW_OFFER): ("_glare", S.REMOTE_OFFER),
    (S.REMOTE_OFFER, I.LATE_ANSWER): ("_learn_answer", S.REMOTE_OFFER),
    (S.REMOTE_OFFER, I.WITHDRAWN): ("_withdrawn", S.STABLE),
    (S.REMOTE_OFFER, I.PAGE_SILENT): ("_refuse_for_silence", S.STABLE),
    (S.REMOTE_OFFER, I.NEW_PAGE): ("_ask_page_again", S.REMOTE_OFFER),
    # agreed on with the far side, and with the page to apply it
    (S.CATCHING_UP, I.PAGE_ANSWER): ("_caught_up", None),
    (S.CATCHING_UP, I.PAGE_OFFER): ("_offer_instead", S.LOCAL_OFFER),
    (S.CATCHING_UP, I.ORDER): ("_offer_by_order", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP, I.ACCEPTED_LATE): ("_offer_again", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP, I.NEW_OFFER): ("_put_off", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP, I.LATE_ANSWER): ("_learn_answer", S.CATCHING_UP),
    (S.CATCHING_UP, I.PAGE_SILENT): ("_page_is_silent", S.STABLE),
    (S.CATCHING_UP, I.NEW_PAGE): ("_ask_new_page", S.STABLE),
    (S.CATCHING_UP_LOCAL_OFFER, I.PAGE_ANSWER): ("_page_applied", S.LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.PAGE_OFFER): ("_let_page_offer_wait", S.LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.ORDER): ("_let_order_wait", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.ANSWER): ("_accepted", S.CATCHING_UP),
    (S.CATCHING_UP_LOCAL_OFFER, I.REFUSAL): ("_refused", S.CATCHING_UP),
    (S.CATCHING_UP_LOCAL_OFFER, I.NEW_OFFER): ("_glare", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.LATE_ANSWER): ("_learn_answer", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.PAGE_SILENT): ("_page_is_silent", S.LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.NEW_PAGE): ("_ask_new_page_later", S.LOCAL_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.PAGE_ANSWER): ("_page_applied_and_is_asked", S.REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.PAGE_OFFER): ("_yield_to_page", S.LOCAL_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.ORDER): ("_let_order_wait", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.NEW_OFFER): ("_glare", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.LATE_ANSWER): ("_learn_answer", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.WITHDRAWN): ("_withdrawn_before_asked", S.CATCHING_UP),
    (S.CATCHING_UP_REMOTE_OFFER, I.PAGE_SILENT): ("_ask_page_put_off", S.REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.NEW_PAGE): ("_ask_page_put_off", S.REMOTE_OFFER),
    # the end
    **{(state, I.END): ("_end", S.OVER) for state in S if state is not S.OVER},
}
"""Pairs that are not here: an input of the page or an order raises WrongState, any other is absorbed."""

_OF_USERS = frozenset({I.PAGE_OFFER, I.PAGE_ANSWER, I.ORDER})
_ACTIONS = {I.PAGE_OFFER: "offer in", I.PAGE_ANSWER: "answer"}

_STATUS = {
    S.OFFERING: "dialling",
    S.EARLY: "ringing",
    S.FORKED: "ringing",
    S.LOCAL_OFFER: "waiting for the answer to an offer (ours)",
    S.CATCHING_UP_LOCAL_OFFER: "waiting for the answer to an offer (ours)",
    S.REMOTE_OFFER: "waiting for the answer to an offer (theirs)",
    S.CATCHING_UP_REMOTE_OFFER: "waiting for the answer to an offer (theirs)",
    S.OFFERED: "waiting for an answer",
    S.OFFER_WANTED: "waiting for an offer",
    S.OVER: "ended",
}


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
    """What the page is to answer, in REMOTE_OFFER and while it catches up."""
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
    def page_holds(self) -> bool:
        """Whether the page's own description holds."""
        return holds(self.descriptions.wish)

    @property
    def has_open_offer(self) -> bool:
        """Whether the far side has an offer of ours inside the call to answer."""
        return self.offer is not None

    @property
    def is_catching_up(self) -> bool:
        """Whether the page has an agreed description to apply."""
        return self.state in _CATCHING_UP

    @property
    def status(self) -> str:
        """The state in words for an error text."""
        return _STATUS.get(self.state, "on hold" if self.on_hold else "established")

    def awaits(self, kind: MessageType | None) -> bool:
        """Return whether the page owes a description of that kind: OFFER, ANSWER, or None for either."""
        wanted = MessageType.OFFER if self.state is S.OFFER_WANTED else MessageType.ANSWER
        owes = self.state in (S.OFFERED, S.OFFER_WANTED, S.REMOTE_OFFER, *_CATCHING_UP)
        return owes and kind in (None, wanted)

    def is_open(self, sdp: str | None) -> bool:
        """Return whether the page may still answer an offer with that text."""
        if self.state in (S.OFFERED, S.OFFER_WANTED):
            return True
        return sdp == (None if self.asked is None else str(self.asked))

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
        if self.hold is Hold.NONE and not self.page_holds:
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
        return self._take(I.EARLY_ANSWER, answer)

    def first_answer(self, answer: Description, message: AgentMessage) -> list[Output]:
        """Take the answer in the 2xx to our INVITE; ``message`` is the ANSWER that tells it, without description."""
        return self._take(I.ANSWER, answer, message)

    def answered(self, answer: Description) -> list[Output]:
        """Take the far side's answer to an offer of ours: only now is the call on hold, or what was asked for."""
        return self._take(I.ANSWER, answer)

    def refused(self) -> list[Output]:
        """Take the far side's refusal of an offer of ours: the call is as it was."""
        return self._take(I.REFUSAL)

    def late_answer(self, answer: Description) -> list[Output]:
        """Take an answer that the page did not ask for: in an ACK, or to a refresh."""
        return self._take(I.LATE_ANSWER, answer)

    def accepted_late(self) -> list[Output]:
        """Take it that the far side has accepted an offer of ours that counts as refused: say again what counts."""
        return self._take(I.ACCEPTED_LATE)

    def proceed(self) -> list[Output]:
        """Do what has waited for its turn."""
        waiting = self.next
        if isinstance(waiting, Description):
            if self.offer is not None or self.state not in _INSIDE:
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
            if event in _OF_USERS:
                what = (
                    values[0].purpose.value if event is I.ORDER else "answer" if event is I.PAGE_ANSWER else "offer in"
                )
                raise WrongState(self.call_id, what, self.status)
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

        A browser that took another branch's early answer for the answer cannot take this one: it is asked for a new
        offer.
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
        told.local = answer
        told.take_answer(answer, offered)
        self._emit(AnswerCall(answer))
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
        self._emit(WaitForPage(), Tell(AgentMessage(type=MessageType.OFFER, sdp=str(offer))))

    def _ask_page_again(self) -> None:
        self._tell(AgentMessage(type=MessageType.OFFER, sdp=str(self.asked)))

    def _put_off(self, offer: Description) -> None:
        self.put_off = offer

    def _ask_page_put_off(self) -> None:
        self._emit(PageDone())
        offer, self.put_off = self.put_off or EMPTY, None
        self._ask_page(offer)

    def _answer_of_page(self, answer: Description) -> None:
        offered = self._page_done()
        self.descriptions.take_answer(answer, offered)
        self._end_hold_by(offered)
        self._send_answer(self.descriptions.answer_of_page(on_hold=self.on_hold))
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
        self._tell_withdrawn("the page's own offer came first; the far side may make its offer again")
        self._offer_for_page(offer)

    def _withdrawn(self) -> None:
        self._page_done()
        self._tell_withdrawn("the far side took its offer back; the call goes on as it was")
        self._go_on()

    def _withdrawn_before_asked(self) -> None:
        self.put_off = None

    def _refuse_for_silence(self) -> None:
        self._page_done()
        self._emit(RefuseOffer(NOT_ACCEPTABLE))
        hint = "the page did not answer the far side's offer in time; the call goes on as it was"
        self._tell(AgentMessage(type=MessageType.ERROR, cause="page-timeout", hint=hint))
        self._go_on()

    def _tell_withdrawn(self, hint: str) -> None:
        self._tell(AgentMessage(type=MessageType.ERROR, cause="withdrawn", hint=hint))

    def _page_done(self) -> Description:
        """Return what the page was asked; it is not any more."""
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

    def _page_is_silent(self) -> None:
        self._page_done()

    def _offer_instead(self, offer: Description) -> None:
        """Send the page's offer; what it was to catch up with is known again from the answer to that."""
        self._page_done()
        self._tell_withdrawn("the page's own offer came first; the far side may make its offer again")
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
            self._tell_withdrawn("the page's own offer came first; the far side may make its offer again")
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
            told.known = answer
            if self.next is Next.NOTHING:
                self._tell(AgentMessage(type=MessageType.ANSWER, sdp=str(answer)))
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
        if self.asked is not None:
            self._page_done()
        self._tell(request_for_offer("resync"))

    def _ask_new_page_later(self) -> None:
        if self.asked is not None:
            self._page_done()
        self.next = Next.ASK_NEW_PAGE

    # -- hold

    def _note_hold(self, offer: OpenOffer) -> None:
        """Note what an accepted offer has made of the hold."""
        before = self.hold
        if offer.on_hold:
            lapsing = before is Hold.LAPSING and offer.by == LOCAL
            self.hold = Hold.LAPSING if lapsing else Hold.SERVER if offer.by == SERVER else Hold.AGENT
        elif self.page_holds:
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
        if self.hold in (Hold.PAGE, Hold.PAGE_ORDERED) and not self.page_holds:
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

    # -- across a restart

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes a negotiation that goes on; orders do not survive."""
        offer = self.offer
        return {
            "call_id": self.call_id,
            "state": self.state.value,
            "descriptions": self.descriptions.snapshot(),
            "hold": self.hold.value,
            "held_by_peer": self.held_by_peer,
            "offer": None
            if offer is None
            else {
                "purpose": offer.purpose.value,
                "sdp": str(offer.sdp),
                "page": str(offer.page),
                "by": offer.by,
                "on_hold": offer.on_hold,
            },
            "asked": None if self.asked is None else str(self.asked),
            "put_off": None if self.put_off is None else str(self.put_off),
            "next": {"offer": str(self.next)} if isinstance(self.next, Description) else self.next.value,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> "Negotiation":
        """Return the negotiation that :meth:`snapshot` was taken of."""
        offer, then = data["offer"], data["next"]
        return cls(
            call_id=data["call_id"],
            state=NegotiationState(data["state"]),
            descriptions=Descriptions.restore(data["descriptions"]),
            hold=Hold(data["hold"]),
            held_by_peer=data["held_by_peer"],
            offer=None
            if offer is None
            else OpenOffer(
                Purpose(offer["purpose"]), parse(offer["sdp"]), parse(offer["page"]), offer["by"], offer["on_hold"]
            ),
            asked=_parsed(data["asked"]),
            put_off=_parsed(data["put_off"]),
            next=parse(then["offer"]) if isinstance(then, dict) else Next(then),
        )


def _parsed(text: str | None) -> Description | None:
    return None if text is None else parse(text)


def request_for_offer(cause: str) -> AgentMessage:
    """Return an OFFER without a description: the page is to make one."""
    return AgentMessage(type=MessageType.OFFER, cause=cause)
