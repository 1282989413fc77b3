"""
Offers of the far side inside a call, and what else its descriptions bring.

The page is asked only for what it alone can answer. A far side that refreshes the session, changes directions or asks
for our offer is answered from the description that it has of us already.
"""

from functools import partial

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Negotiation
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway.legs import Leg
from wrtcgw.gateway.media import (
    answer_without_page,
    asked_for,
    incoming_offer,
    learn_answer,
    learn_offer,
    request_for_offer,
    same_media,
    tell_hold,
)
from wrtcgw.gateway.media_direction import holds
from wrtcgw.gateway.switch import Switch
from wrtcgw.sdp.comparison import same_session
from wrtcgw.sdp.description import EMPTY, Description, parse
from wrtcgw.sdp.directions import directions
from wrtcgw.sip.outputs import AnswerReceived, OfferReceived, OfferWithdrawn, SessionRefreshed

NOT_ACCEPTABLE, GLARE = 488, 491
SERVER = "server"
"""Who holds, if not the agent."""


class RemoteOffers:
    """The far side's part of offer and answer, and the page as the one who is told."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    def offered(self, event: OfferReceived) -> None:
        """Take a re-INVITE or UPDATE: answer it, or let the page answer it."""
        leg = self._switch.legs.get(event.leg)
        if leg is None or leg.call.state is not CallState.ESTABLISHED:
            self._reject(event.leg, NOT_ACCEPTABLE)
        elif event.sdp is None:
            self._answer(leg, asked_for(leg))
        else:
            self._described(leg, parse(event.sdp))

    def _described(self, leg: Leg, offer: Description) -> None:
        """Take an offer that has a description."""
        if same_media(leg, offer) and (leg.call.held or not _resumes(leg, offer)):
            self.end_hold(leg, offer)
            self._answer(leg, answer_without_page(leg, offer))
            learn_offer(self._switch, leg, offer)
        elif leg.call.negotiation is not Negotiation.NONE:
            self._reject(leg.call.id, GLARE)
        else:
            self._ask(leg, offer, informing=False)

    def end_hold(self, leg: Leg, offered: Description) -> None:
        """End a hold that the server ordered, when the far side's offer, which is to be answered now, says so."""
        if leg.call.held and _resumes(leg, offered):
            leg.call.held = False
            tell_hold(self._switch, leg, False, SERVER)
        if not leg.call.held and not holds(leg.wish):
            leg.held_by = ""

    def _answer(self, leg: Leg, local: Description) -> None:
        switch = self._switch
        switch.run(switch.core.answer_offer(leg.call.id, str(local), switch.now()))
        leg.call.local_sdp = local

    def _reject(self, call_id: str, code: int) -> None:
        self._switch.run(self._switch.core.reject_offer(call_id, code, self._switch.now()))

    # -- the page

    def _ask(self, leg: Leg, description: Description, *, informing: bool) -> None:
        """Give the page a description to answer, for ``page_answer_limit``."""
        switch = self._switch
        leg.remote_offer, leg.informing = description, informing
        leg.call.begin_offer(Negotiation.THEIRS)
        leg.page_timer = switch.later(switch.settings.page_answer_limit, lambda: self._page_silent(leg))
        switch.tell(leg.call, AgentMessage(type=MessageType.OFFER, sdp=str(description)))

    def is_open(self, leg: Leg, message: AgentMessage) -> bool:
        """Tell whether the page may still answer an OFFER that it was told."""
        still_open = None if leg.remote_offer is None else str(leg.remote_offer)
        return leg.call.state is CallState.OFFERED or message.sdp == still_open

    def withdrawn(self, event: OfferWithdrawn) -> None:
        """Take the far side's CANCEL of what the page was to answer."""
        leg = self._switch.legs.get(event.leg)
        if leg is None or leg.remote_offer is None or leg.informing:
            return
        self._close(leg)
        hint = "the far side took its offer back; the call goes on as it was"
        self._switch.tell(leg.call, AgentMessage(type=MessageType.ERROR, cause="withdrawn", hint=hint))

    def give_way(self, leg: Leg) -> None:
        """
        Refuse the far side's open offer, if there is one: the page has made its own meanwhile.

        The far side repeats it after the wait of :rfc:`3261#section-14.1`. What was only for the page's information
        is known again from the answer to the page's offer.
        """
        if leg.remote_offer is None:
            return
        self._close(leg)
        if not leg.informing:
            self._reject(leg.call.id, GLARE)
        hint = "the page's own offer came first; the far side may make its offer again"
        self._switch.tell(leg.call, AgentMessage(type=MessageType.ERROR, cause="withdrawn", hint=hint))

    def _page_silent(self, leg: Leg) -> None:
        """Refuse for a page that did not answer; the call goes on as it was (:rfc:`3261#section-14.2`)."""
        leg.page_timer = None
        self._close(leg)
        if leg.informing:
            return
        self._reject(leg.call.id, NOT_ACCEPTABLE)
        hint = "the page did not answer the far side's offer in time; the call goes on as it was"
        self._switch.tell(leg.call, AgentMessage(type=MessageType.ERROR, cause="page-timeout", hint=hint))

    def _close(self, leg: Leg) -> None:
        """Wait for the page's answer no more."""
        leg.stop_page_timer()
        leg.call.settle()
        leg.remote_offer = None

    def resume_calls(self, agent: Agent) -> None:
        """
        Tell a page that has just signed in of the calls that its predecessor had.

        A call that rings is offered again; in an established one the new page, which knows nothing of the old one's
        media, is asked for an offer of its own, as soon as none is open.
        """
        for call in list(agent.calls.values()):
            leg = self._switch.legs[call.id]
            leg.hold_lapses = call.held and agent.single_call and leg.held_by != SERVER
            if agent.mailbox.head(partial(_is_offer, call)) is not None:
                continue  # it is still to be read
            if call.state is CallState.OFFERED:
                self._switch.tell(call, incoming_offer(leg))
                if leg.talk_ordered:
                    self._switch.tell(call, AgentMessage(type=MessageType.TALK))
            elif call.state in (CallState.DIALLING, CallState.RINGING):
                self._switch.tell(call, AgentMessage(type=MessageType.RINGING, cause="resync"))
            elif leg.remote_offer is not None:
                self._switch.tell(call, AgentMessage(type=MessageType.OFFER, sdp=str(leg.remote_offer)))
            elif leg.offer is not None:
                leg.resync = True
            elif call.state is CallState.ESTABLISHED:
                self._switch.tell(call, request_for_offer("resync"))

    # -- answers that the page did not ask for

    def answer_received(self, event: AnswerReceived) -> None:
        """Take the answer to an offer of ours in a 2xx: the page's own offer, or one that it knows nothing of."""
        leg = self._switch.legs.get(event.leg)
        if leg is None or not leg.call.is_up:
            return
        answer = parse(event.sdp)
        if leg.call.remote_sdp is None:
            leg.known_sdp = answer
            self._switch.tell(leg.call, AgentMessage(type=MessageType.ANSWER, sdp=event.sdp))
            learn_answer(self._switch, leg, answer)
        else:
            self.changed(leg, answer)

    def refreshed(self, event: SessionRefreshed) -> None:
        """Take the description with which the far side answered a refresh of the core."""
        leg = self._switch.legs.get(event.leg)
        if leg is not None and leg.call.is_up:
            self.changed(leg, parse(event.sdp))

    def changed(self, leg: Leg, answer: Description) -> None:
        """Let the page apply what is new for it; its answer to that does not go to the far side, which has one."""
        known = same_media(leg, answer)
        learn_answer(self._switch, leg, answer)
        if not known and leg.call.negotiation is Negotiation.NONE and leg.waiting_offer is None:
            self._ask(leg, answer, informing=True)


def _resumes(leg: Leg, offer: Description) -> bool:
    """
    Return whether an offer of the far side ends the hold: some third-party control orders it by NOTIFY, resumes so.

    One that repeats what the far side has said already is a refresh. The agent's own hold is only for the agent to end.
    """
    known = leg.call.remote_sdp or EMPTY
    return leg.held_by == SERVER and "sendrecv" in directions(offer) and not same_session(known, offer)


def _is_offer(call: Call, message: AgentMessage) -> bool:
    return message.type is MessageType.OFFER and message.call_id == call.id
