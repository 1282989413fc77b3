"""
Offers of the far side inside a call, and what else its descriptions bring.

The page is asked only for what it alone can answer. A far side that refreshes the session, changes directions or asks
for our offer is answered from the description that it has of us already.
"""

from functools import partial

from wrtcgw import sdp as descriptions
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Negotiation
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway.legs import Leg
from wrtcgw.gateway.media import (
    answering,
    asked_for,
    incoming_offer,
    learn_answer,
    learn_offer,
    request_for_offer,
    same_media,
    successor,
    tell_hold,
)
from wrtcgw.gateway.switch import Switch
from wrtcgw.gateway.ways import holds, ways
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
        elif same_media(leg, event.sdp) and (leg.call.held or not _resumes(leg, event.sdp)):
            self.end_hold(leg, event.sdp)
            text = descriptions.answer_to(event.sdp, answering(leg, event.sdp), leg.call.remote_sdp or event.sdp)
            self._answer(leg, successor(leg, text))
            learn_offer(self._switch, leg, event.sdp)
        elif leg.call.negotiation is not Negotiation.NONE:
            self._reject(event.leg, GLARE)
        else:
            self._ask(leg, event.sdp, informing=False)

    def end_hold(self, leg: Leg, offered: str) -> None:
        """End a hold that the server ordered, when the far side's offer, which is to be answered now, says so."""
        if leg.call.held and _resumes(leg, offered):
            leg.call.held = False
            tell_hold(self._switch, leg, False, SERVER)
        if not leg.call.held and not holds(leg.wish):
            leg.held_by = ""

    def _answer(self, leg: Leg, local: str) -> None:
        switch = self._switch
        switch.run(switch.core.answer_offer(leg.call.id, local, switch.now()))
        leg.call.local_sdp = local

    def _reject(self, call_id: str, code: int) -> None:
        self._switch.run(self._switch.core.reject_offer(call_id, code, self._switch.now()))

    # -- the page

    def _ask(self, leg: Leg, text: str, *, informing: bool) -> None:
        """Give the page a description to answer, for ``page_answer_limit``."""
        switch = self._switch
        leg.remote_offer, leg.informing = text, informing
        leg.call.begin_offer(Negotiation.THEIRS)
        leg.page_timer = switch.later(switch.settings.page_answer_limit, lambda: self._page_silent(leg))
        switch.tell(leg.call, AgentMessage(type=MessageType.OFFER, sdp=text))

    def is_open(self, leg: Leg, message: AgentMessage) -> bool:
        """Tell whether the page may still answer an OFFER that it was told."""
        return leg.call.state is CallState.OFFERED or message.sdp == leg.remote_offer

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
                self._switch.tell(call, AgentMessage(type=MessageType.OFFER, sdp=leg.remote_offer))
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
        if leg.call.remote_sdp is None:
            leg.known_sdp = event.sdp
            self._switch.tell(leg.call, AgentMessage(type=MessageType.ANSWER, sdp=event.sdp))
            learn_answer(self._switch, leg, event.sdp)
        else:
            self.changed(leg, event.sdp)

    def refreshed(self, event: SessionRefreshed) -> None:
        """Take the description with which the far side answered a refresh of the core."""
        leg = self._switch.legs.get(event.leg)
        if leg is not None and leg.call.is_up:
            self.changed(leg, event.sdp)

    def changed(self, leg: Leg, text: str) -> None:
        """Let the page apply what is new for it; its answer to that does not go to the far side, which has one."""
        known = same_media(leg, text)
        learn_answer(self._switch, leg, text)
        if not known and leg.call.negotiation is Negotiation.NONE and leg.waiting_offer is None:
            self._ask(leg, text, informing=True)


def _resumes(leg: Leg, text: str) -> bool:
    """
    Tell whether an offer of the far side ends the hold: some third-party control orders it by NOTIFY, and resumes so.

    W 6.5 tells of such.

    One that repeats what the far side has said already is a refresh. The agent's own hold is only for the agent to end.
    """
    known = leg.call.remote_sdp or ""
    return leg.held_by == SERVER and "sendrecv" in ways(text) and not descriptions.same_session(known, text)


def _is_offer(call: Call, message: AgentMessage) -> bool:
    return message.type is MessageType.OFFER and message.call_id == call.id
