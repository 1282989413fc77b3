"""
Carries out what the negotiations of the calls decide: offers and answers to the far side, messages to the page, waits.

What is decided, and in which state, stands in :mod:`wrtcgw.calls.negotiation` alone.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, assert_never

from attrs import evolve
from twisted.internet.defer import Deferred

from wrtcgw.calls.agent import Agent, only
from wrtcgw.calls.call import Call, CallState, Deadline
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.negotiation import outputs as nego
from wrtcgw.calls.negotiation.hold import LOCAL
from wrtcgw.calls.negotiation.machine import NOT_ACCEPTABLE
from wrtcgw.calls.negotiation.outputs import Order, Purpose
from wrtcgw.calls.page import FIRST, Page
from wrtcgw.errors import SoundElsewhere, WrongState
from wrtcgw.events.catalogue import CallRecovered, Failure, HoldChanged, SoundMoved
from wrtcgw.gateway import sip_causes
from wrtcgw.gateway.attached_data import Data
from wrtcgw.gateway.audience import of_sound
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.context import GatewayContext, accepted
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.sip_causes import explain
from wrtcgw.sdp import checking
from wrtcgw.sdp.completion import complete
from wrtcgw.sdp.description import Description, parse
from wrtcgw.sip.outputs import (
    AnswerReceived,
    OfferAcceptedLate,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    OfferWithdrawn,
    SessionRefreshed,
)

Kind = Literal[MessageType.OFFER, MessageType.ANSWER]

OK = Outcome(200, "OK")
ORDERED = "ordered"
"""The cause of what a page is to do because somebody has ordered it: a HOLD, or an OFFER for a call of its own."""


class OfferAnswer:
    """Offer and answer in calls that exist."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self.dial: Callable[[CallLeg, Description, tuple[tuple[str, str], ...]], None] = _dial_nothing
        """Places a call that was ordered, with the page's offer and further header fields; set by who can."""
        context.on_deadline[Deadline.PAGE] = self._page_silent

    # -- the page

    def choose(self, agent: Agent, kind: Kind | None) -> Call:
        """
        Return the call that a description without a call id is for: the one that waits for it, else the only one.

        :raises UnknownCall: when there is none.
        :raises AmbiguousCall: when several would do.
        """
        waiting = [call for call in agent.calls.values() if call.is_up and call.negotiation.awaits(kind)]
        return only(waiting) if waiting else agent.call(None)

    def require_waiting(self, call: Call) -> None:
        """
        Refuse an answer that the call does not wait for.

        :raises WrongState: naming the state that the call is in.
        """
        if not (call.is_up and call.negotiation.awaits(None)):
            raise WrongState(call.id, "answer", call.status)

    def take(
        self,
        leg: CallLeg,
        text: str,
        page_address: str,
        kind: Kind | None,
        data: Data = (),
        *,
        page: str = FIRST,
        here: bool = False,
    ) -> None:
        """
        Send the page's description on as what the call needs.

        :param page: which of the agent's pages.
        :param here: it wants the sound, and offers for that.
        :raises BadInput: when it is no description.
        :raises WrongState: when the call needs none of that kind.
        :raises SoundElsewhere: when another page has the sound, and this one does not ask for it.
        :raises TooManyOrders: for an offer inside a call, when there are too many of them.
        """
        call, context = leg.call, self._context
        description = complete(checking.read(text), page_address)
        if not call.is_up:
            raise WrongState(call.id, "answer" if kind is MessageType.ANSWER else "offer in", call.status)
        agent = context.agent_of(call)
        answers = kind is not MessageType.OFFER and call.negotiation.awaits(None)
        if not answers and call.state is not CallState.OFFERED:
            context.permits.require_order(agent, "offer in the call")
        headers, form = context.attached(data) if call.state is CallState.OFFERED else ((), call.form)
        moves = agent is not None and self._moves(agent, call, page, here=here)
        repeats = moves or (agent is not None and agent.abilities.repeats_offers)
        outputs = call.negotiation.page_describes(description, kind, may_repeat=repeats)
        if moves:
            call.begin_move(page)
        elif agent is not None and call.moving is None:
            call.give_sound(page)
        call.attach(form)
        if Deadline.TAKE_OVER in leg.timers and call.answered is not None:
            context.events.publish(CallRecovered(call, Failure.PAGE))
        context.drop_deadline(leg, Deadline.TAKE_OVER)
        rang = call.state is CallState.OFFERED
        self._carry_out(leg, outputs, headers)
        if rang and agent is not None:
            for other in agent.pages:
                if other.name != page:
                    context.post(agent, other, call, of_sound(agent, call, other, context.now()))

    def _moves(self, agent: Agent, call: Call, page: str, *, here: bool) -> bool:
        """
        Return whether the sound is to move to a page by its offer.

        :raises SoundElsewhere: when it is on another page, and this one does not ask for it.
        """
        if call.state is CallState.OFFERED or len(agent.pages) == 1 or page == call.moving:
            return page == call.moving
        if page == call.sound and call.moving is not None:
            raise WrongState(call.id, "offer in", "being moved to another page")
        if page == call.sound:
            return False
        if not here:
            raise SoundElsewhere(call.id)
        call.require("move the sound of", CallState.ESTABLISHED)
        return True

    def _moved(self, call: Call) -> None:
        """Note that the far side has agreed to the offer of the page that wants the sound, if it was one's."""
        before, after = call.sound, call.moving
        if after is not None:
            call.give_sound(after)
            self._context.events.publish(SoundMoved(call, before, after))

    def answer_call(self, leg: CallLeg, answer: Description, headers: tuple[tuple[str, str], ...]) -> None:
        """Answer a call that rings here; place one that was ordered."""
        call, context = leg.call, self._context
        if call.order:
            self.dial(leg, answer, headers)
            return
        before = call.state
        call.answer(context.now())
        context.changed(call, before)
        context.drop_deadline(leg, Deadline.TALK, Deadline.ACKNOWLEDGED, Deadline.AWAKE)
        if call.replaces in context.legs:
            context.legs[call.replaces].call.replace_by(call.id)
        context.run(context.core.answer(call.id, str(answer), context.now(), headers=headers))

    def is_open(self, leg: CallLeg, message: AgentMessage) -> bool:
        """Return whether the page may still answer an OFFER that it was told."""
        return leg.call.negotiation.is_open(message.sdp)

    # -- hold and resume

    async def hold(self, leg: CallLeg, by: str) -> Outcome:
        """
        Put a call on hold, for ``by``: ``local`` (the page) or ``server``; an open offer is waited for.

        :raises WrongState: when the call is not established, or on hold already.
        :raises RequestRefused: when the far side refused.
        :raises TooManyOrders: when the page orders too often.
        """
        return await self._order(leg, Order(Purpose.HOLD, by))

    async def resume(self, leg: CallLeg, by: str) -> Outcome:
        """Take a call from hold; as :meth:`hold`."""
        return await self._order(leg, Order(Purpose.RESUME, by))

    async def _order(self, leg: CallLeg, order: Order) -> Outcome:
        leg.call.require(order.purpose.value, CallState.ESTABLISHED)
        if order.by == LOCAL:
            self._context.permits.require_order(self._context.agent_of(leg.call), order.purpose.value)
        outputs = leg.call.negotiation.order(order)
        waiting: Deferred[Outcome] = self._context.expect(self._context.settings.request_timeout)
        leg.orders[order] = waiting
        self._carry_out(leg, outputs)
        try:
            return accepted(order.purpose.value, await waiting)
        finally:
            leg.orders.pop(order, None)
            leg.call.negotiation.forget(order)
            self._context.touch(self._context.agent_of(leg.call))

    # -- the far side

    def offered(self, event: OfferReceived) -> None:
        """Take a re-INVITE or UPDATE; an offer that no page could answer is refused, and changes nothing."""
        leg = self._context.legs.get(event.leg)
        offer = None if event.sdp is None else parse(event.sdp)
        if leg is None or not leg.call.is_up or (offer is not None and not offer.is_answerable):
            self._reject(event.leg, NOT_ACCEPTABLE)
        else:
            self._carry_out(leg, leg.call.negotiation.far_offer(offer))

    def withdrawn(self, event: OfferWithdrawn) -> None:
        """Take the far side's CANCEL of what the page was to answer."""
        leg = self._context.legs.get(event.leg)
        if leg is not None:
            self._carry_out(leg, leg.call.negotiation.far_withdrew())

    def answered(self, event: OfferAnswered) -> None:
        """Take the far side's answer to an offer of ours."""
        leg = self._context.legs.get(event.leg)
        if leg is not None and leg.call.negotiation.has_open_offer:
            self._carry_out(leg, leg.call.negotiation.answered(parse(event.sdp)))

    def refused(self, event: OfferRefused) -> None:
        """Take the far side's refusal of an offer of ours."""
        leg = self._context.legs.get(event.leg)
        if leg is not None:
            self._carry_out(leg, leg.call.negotiation.refused(), refusal=event)

    def accepted_late(self, event: OfferAcceptedLate) -> None:
        """Take a 2xx to an offer of ours that we had given up."""
        leg = self._context.legs.get(event.leg)
        if leg is not None and leg.call.is_up:
            self._carry_out(leg, leg.call.negotiation.accepted_late())

    def answer_received(self, event: AnswerReceived | SessionRefreshed) -> None:
        """Take an answer that the page did not ask for: to an offer of ours in a 2xx, or to a refresh of the core."""
        leg = self._context.legs.get(event.leg)
        if leg is not None and leg.call.is_up:
            if isinstance(event, SessionRefreshed) and event.after_loss:
                self._context.events.publish(CallRecovered(leg.call, Failure.CONNECTION))
            self._carry_out(leg, leg.call.negotiation.late_answer(parse(event.sdp)))

    def early_answer(self, leg: CallLeg, sdp: str) -> None:
        """Take the answer in a provisional response to our INVITE."""
        self._carry_out(leg, leg.call.negotiation.early_answer(parse(sdp)))

    def first_answer(self, leg: CallLeg, sdp: str) -> None:
        """Take the answer in the 2xx to our INVITE."""
        message = AgentMessage(type=MessageType.ANSWER, data=leg.call.data)
        self._carry_out(leg, leg.call.negotiation.first_answer(parse(sdp), message))

    def ended(self, leg: CallLeg) -> None:
        """Let go of everything: the call is over."""
        self._carry_out(leg, leg.call.negotiation.end())

    # -- another page

    def resume_calls(self, agent: Agent, page: Page) -> None:
        """
        Tell a page that has just signed in of the calls that its predecessor had, or that others have.

        A call that rings is offered again; in an established one the new page, which knows nothing of the old one's
        media, is asked for an offer of its own, as soon as none is open.
        """
        context = self._context
        for call in list(agent.calls.values()):
            if call.state is CallState.OFFERED and len(agent.pages) > 1:
                context.post(agent, page, call, incoming_offer(call))
                continue
            if agent.page_with_sound(call) is not page:
                context.post(agent, page, call, of_sound(agent, call, page, context.now()))
                continue
            call.negotiation.hand_hold_over(holds_by_itself=agent.abilities.holds_by_itself)
            unread = page.mailbox.head(partial(_is_offer, call)) is not None
            if not unread or call.negotiation.is_catching_up:
                self._resume(self._context.legs[call.id])

    def _resume(self, leg: CallLeg) -> None:
        call, tell = leg.call, self._context.tell
        if call.state is CallState.OFFERED:
            tell(call, incoming_offer(call))
            if call.told_to_answer:
                tell(call, AgentMessage(type=MessageType.TALK))
        elif call.state in (CallState.DIALLING, CallState.RINGING):
            tell(call, AgentMessage(type=MessageType.RINGING, cause="resync"))
        elif call.state is CallState.ESTABLISHED:
            self._carry_out(leg, call.negotiation.new_page())

    # -- what is to be done

    def _carry_out(  # noqa: C901, PLR0912 (one arm for each output)
        self,
        leg: CallLeg,
        outputs: list[nego.Output],
        headers: tuple[tuple[str, str], ...] = (),
        refusal: OfferRefused | None = None,
    ) -> None:
        """
        Do what a negotiation has decided, in order.

        :param headers: for the answer to a call that rings here.
        :param refusal: the far side's words, when it has refused an offer of ours.
        """
        context, call = self._context, leg.call
        context.touch(context.agent_of(call))
        for output in outputs:
            match output:
                case nego.SendOffer(sdp):
                    context.run(context.core.reoffer(call.id, str(sdp), context.now()))
                case nego.SendAnswer(sdp):
                    context.run(context.core.answer_offer(call.id, str(sdp), context.now()))
                case nego.AnswerCall(sdp):
                    self.answer_call(leg, sdp, headers)
                case nego.RefuseOffer(code):
                    self._reject(call.id, code)
                case nego.Tell(message):
                    if message.type is MessageType.ANSWER:
                        self._moved(call)
                    context.tell(call, introduced(call, message) if message.cause == "resync" else message)
                case nego.TellRefusal():
                    self._tell_refusal(leg, refusal)
                    call.give_move_up()
                case nego.HoldChanged(on_hold, by):
                    self._tell_hold(call, on_hold, by)
                case nego.WaitForPage():
                    context.set_deadline(leg, Deadline.PAGE, context.settings.offer_timeout)
                case nego.PageDone():
                    context.drop_deadline(leg, Deadline.PAGE)
                case nego.OrderDone(order, is_accepted):
                    self._finish(leg, order, OK if is_accepted else _outcome(refusal))
                case nego.OrderFailed(order, error):
                    self._finish(leg, order, error)
                case nego.Proceed():
                    context.afterwards(partial(self._proceed, leg))  # the call may end by the same response
                case _:
                    assert_never(output)

    def _reject(self, call_id: str, code: int) -> None:
        self._context.run(self._context.core.reject_offer(call_id, code, self._context.now()))

    def _tell_refusal(self, leg: CallLeg, refusal: OfferRefused | None) -> None:
        told = sip_causes.refusal(refusal) if refusal is not None else sip_causes.Ending(*explain(0))
        self._context.tell(leg.call, told.message(MessageType.ERROR))

    def _tell_hold(self, call: Call, on_hold: bool, by: str) -> None:
        self._context.events.publish(HoldChanged(call, on_hold, by))
        kind = MessageType.HOLD if on_hold else MessageType.RESUME
        self._context.tell(call, AgentMessage(type=kind, cause=by))

    def _page_silent(self, leg: CallLeg) -> None:
        self._carry_out(leg, leg.call.negotiation.page_silent())

    def _finish(self, leg: CallLeg, order: Order, result: Outcome | Exception) -> None:
        waiting = leg.orders.pop(order, None)
        if waiting is not None:
            self._context.give(waiting, result)

    def _proceed(self, leg: CallLeg) -> None:
        if leg.call.state is CallState.ESTABLISHED:
            self._carry_out(leg, leg.call.negotiation.proceed())


def incoming_offer(call: Call) -> AgentMessage:
    """Return the OFFER of a call that rings here."""
    message = AgentMessage(
        type=MessageType.OFFER,
        sdp=None if call.remote_sdp is None else str(call.remote_sdp),
        replaces=call.replaces,
        auto_answer=call.auto_answer,
        referred_by=call.referred_by,
        cause=ORDERED if call.order else "",
    )
    return introduced(call, message)


def introduced(call: Call, message: AgentMessage) -> AgentMessage:
    """Return a message with which a page meets a call: it tells who calls, and how the call came here."""
    return evolve(
        message,
        display_name=call.display_name,
        verstat=call.verstat,
        called=call.called,
        diversion=call.diversion,
        headers=call.headers,
        data=call.data,
    )


def _dial_nothing(leg: CallLeg, offer: Description, headers: tuple[tuple[str, str], ...]) -> None:
    raise WrongState(leg.call.id, "dial", leg.call.status)


def _outcome(refusal: OfferRefused | None) -> Outcome:
    return sip_causes.refusal(refusal).outcome if refusal is not None else Outcome(0)


def _is_offer(call: Call, message: AgentMessage) -> bool:
    return message.type is MessageType.OFFER and message.call_id == call.id
