"""What the page, or the server for it, wants of a call's media: answers, new offers, hold and resume."""

from typing import Literal

from twisted.internet.defer import Deferred

from wrtcgw.calls.agent import Agent, only
from wrtcgw.calls.call import Call, CallState, Negotiation
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import WrongState
from wrtcgw.gateway.attached import Data
from wrtcgw.gateway.causes import explain
from wrtcgw.gateway.legs import Leg, OpenOffer, Purpose
from wrtcgw.gateway.media import (
    learn_offer,
    renewed,
    request_for_offer,
    successor,
    take_answer,
    take_offer,
    tell_hold,
    wanted,
)
from wrtcgw.gateway.media_direction import holds
from wrtcgw.gateway.remote_offers import SERVER, RemoteOffers
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.switch import Switch, accepted
from wrtcgw.sdp import checking
from wrtcgw.sdp.completion import complete
from wrtcgw.sdp.description import EMPTY, Description, parse
from wrtcgw.sdp.directions import held as put_on_hold
from wrtcgw.sdp.dtls_role import restarted
from wrtcgw.sip.outputs import OfferAcceptedLate, OfferAnswered, OfferRefused

Kind = Literal[MessageType.OFFER, MessageType.ANSWER]

OK = Outcome(200, "OK")


class Offers:
    """The page's side of offer and answer, in calls that exist."""

    def __init__(self, switch: Switch, remote_offers: RemoteOffers) -> None:
        self._switch = switch
        self._remote_offers = remote_offers

    def choose(self, agent: Agent, kind: Kind | None) -> Call:
        """
        Return the call that a description without a call id is for: the one that waits for it, else the only one.

        :raises UnknownCall: when there is none.
        :raises AmbiguousCall: when several would do.
        """
        waiting = [call for call in agent.calls.values() if _awaits(call, kind)]
        return only(waiting) if waiting else agent.call(None)

    def require_waiting(self, call: Call) -> None:
        """
        Refuse an answer that the call does not wait for.

        :raises WrongState: naming the state that the call is in.
        """
        if not _awaits(call, None):
            raise WrongState(call.id, "answer", call.status)

    def take(self, leg: Leg, text: str, page_address: str, kind: Kind | None, data: Data = ()) -> None:
        """
        Send the page's description on as what the call needs.

        An offer of the page that meets one of the far side which the page was to answer, or was not even told of yet,
        goes before it: the gateway is always the one who yields, so the page needs no tiebreaker (W 6.7, rules 1, 2).
        One that meets an offer of the gateway's own waits for the end of that; the newest one does, and a page that
        knows one call hears of no other. A page that says more has to wait itself for the answer to its own.

        :raises BadInput: when it is no description.
        :raises WrongState: when the call needs none of that kind.
        """
        call = leg.call
        description = complete(checking.read(text), page_address)
        if call.state is CallState.OFFERED:
            self._answer_call(leg, description, kind, data)
        elif call.negotiation is Negotiation.THEIRS and kind is not MessageType.OFFER:
            self._answer_offer(leg, description)
        elif kind is MessageType.ANSWER:
            raise WrongState(call.id, "answer", call.status)
        else:
            self._remote_offers.give_way(leg)
            if kind is MessageType.OFFER and self._may_wait(leg):
                leg.waiting_offer, leg.resync = description, False
            else:
                self._offer_of_page(leg, description)

    def _may_wait(self, leg: Leg) -> bool:
        """Tell whether an offer of ours is open that an offer of the page may wait for."""
        if leg.offer is None:
            return False
        agent = self._switch.agent_of(leg.call)
        return leg.offer.purpose is not Purpose.PAGE or leg.resync or (agent is not None and agent.single_call)

    def _offer_of_page(self, leg: Leg, offer: Description) -> None:
        """Send an offer of the page, and with it the gateway's hold, unless that has lapsed."""
        held = leg.call.held and not leg.hold_lapses
        sent = successor(leg, put_on_hold(offer) if held else offer)
        server = leg.held_by == SERVER if held else leg.hold_ordered
        self._offer(leg, OpenOffer(Purpose.PAGE, sent, offer, SERVER if server else "local", held))
        leg.hold_ordered = False

    def _answer_call(self, leg: Leg, description: Description, kind: Kind | None, data: Data) -> None:
        call, switch = leg.call, self._switch
        offered = call.remote_sdp
        if kind is (MessageType.ANSWER if offered is None else MessageType.OFFER):
            raise WrongState(call.id, kind.name.lower(), "waiting for an " + ("offer" if offered is None else "answer"))
        headers, leg.form = switch.attached(data)
        call.answer(switch.now())
        leg.stop_talk_timer()
        call.local_sdp = description
        if offered is None:
            take_offer(leg, description)
        else:
            take_answer(leg, description, offered)
        if call.replaces in switch.legs:
            switch.legs[call.replaces].replaced = True
        switch.run(switch.core.answer(call.id, str(description), switch.now(), headers=headers))
        if offered is not None:
            leg.known_sdp = offered
            learn_offer(switch, leg, offered)

    def _answer_offer(self, leg: Leg, answer: Description) -> None:
        """Take the page's answer to an offer inside the call; the far side waits for it unless it was information."""
        call, switch = leg.call, self._switch
        leg.stop_page_timer()
        call.settle()
        offered, leg.remote_offer = leg.remote_offer or EMPTY, None
        take_answer(leg, answer, offered)
        leg.known_sdp = offered
        if leg.informing:
            return
        self._remote_offers.end_hold(leg, offered)
        local = successor(leg, wanted(leg))
        switch.run(switch.core.answer_offer(call.id, str(local), switch.now()))
        call.local_sdp = local
        learn_offer(switch, leg, offered)

    # -- hold and resume

    async def hold(self, leg: Leg, by: str) -> Outcome:
        """Put a call on hold, for ``by``: ``local`` (the page) or ``server``."""
        leg.call.require_stable("hold")
        if leg.call.held:
            raise WrongState(leg.call.id, "hold", leg.call.status)
        return await self._change_hold(leg, Purpose.HOLD, by)

    async def resume(self, leg: Leg, by: str) -> Outcome:
        """Take a call from hold; a hold of the far side makes no difference to our offer (:rfc:`6337#section-5.3`)."""
        leg.call.require_stable("resume")
        if not leg.call.held:
            raise WrongState(leg.call.id, "resume", "not on hold")
        return await self._change_hold(leg, Purpose.RESUME, by)

    async def _change_hold(self, leg: Leg, purpose: Purpose, by: str) -> Outcome:
        waiting: Deferred[Outcome] = self._switch.expect(self._switch.settings.answer_limit)
        held = purpose is Purpose.HOLD
        sent = renewed(leg, on_hold=held)
        self._offer(leg, OpenOffer(purpose, sent, leg.page_sdp, by, held, waiting))
        return accepted(purpose.value, await waiting)

    # -- our offers inside a call

    def _offer(self, leg: Leg, offer: OpenOffer) -> None:
        switch = self._switch
        leg.call.begin_offer(Negotiation.OURS)
        offer.sdp = restarted(offer.sdp, leg.call.local_sdp, leg.call.remote_sdp)
        leg.offer = offer
        switch.run(switch.core.reoffer(leg.call.id, str(offer.sdp), switch.now()))

    def answered(self, event: OfferAnswered) -> None:
        """Take the far side's answer to an offer of ours: only now is the call on hold, or what was asked for."""
        leg, offer = self._closed(event.leg)
        if leg is None or offer is None:
            return
        call, switch = leg.call, self._switch
        answer = parse(event.sdp)
        call.local_sdp = offer.sdp
        if offer.purpose is Purpose.PAGE:
            take_offer(leg, offer.page_sdp)
            leg.known_sdp = answer
            self._tell_outcome(leg, AgentMessage(type=MessageType.ANSWER, sdp=event.sdp))
        self._note_hold(leg, offer)
        self._remote_offers.changed(leg, answer)
        self._go_on(leg)
        if offer.waiting is not None:
            switch.give(offer.waiting, OK)

    def refused(self, event: OfferRefused) -> None:
        """Take the far side's refusal of an offer of ours: the call is as it was."""
        leg, offer = self._closed(event.leg)
        if leg is None or offer is None:
            return
        if offer.purpose is Purpose.PAGE:
            cause, hint = explain(event.code)
            self._tell_outcome(
                leg, AgentMessage(type=MessageType.ERROR, code=event.code, reason=event.reason, cause=cause, hint=hint)
            )
        self._go_on(leg)
        if offer.waiting is not None:
            self._switch.give(offer.waiting, Outcome(event.code, event.reason))

    def accepted_late(self, event: OfferAcceptedLate) -> None:
        """Offer what counts once more, beyond the version that the far side has taken when we did not wait any more."""
        leg = self._switch.legs.get(event.leg)
        if leg is None or leg.call.state is not CallState.ESTABLISHED or leg.call.negotiation is not Negotiation.NONE:
            return
        version = (leg.call.local_sdp or leg.page_sdp).version + 2
        sent = renewed(leg, on_hold=leg.call.held).with_version(version)
        self._offer(leg, OpenOffer(Purpose.REPEAT, sent, leg.page_sdp, leg.held_by or "local", leg.call.held))

    def _note_hold(self, leg: Leg, offer: OpenOffer) -> None:
        """Note what an accepted offer has made of the hold, and tell it if it was the gateway that held."""
        if leg.call.held is not offer.held:
            leg.call.held, leg.hold_lapses = offer.held, False
            tell_hold(self._switch, leg, offer.held, offer.by)
        leg.held_by = offer.by if offer.held or holds(leg.wish) else ""

    def _tell_outcome(self, leg: Leg, message: AgentMessage) -> None:
        """Tell the page what came of its offer, unless it is another page by now, or has made another offer."""
        if not leg.resync and leg.waiting_offer is None:
            self._switch.tell(leg.call, message)

    def _go_on(self, leg: Leg) -> None:
        """Send the page's offer that has waited, or ask a page that has come meanwhile for one."""
        if leg.waiting_offer is not None:
            self._switch.afterwards(lambda: self._send_waiting(leg))  # the call may end by the same response
        elif leg.resync:
            leg.resync = False
            self._switch.tell(leg.call, request_for_offer("resync"))

    def _send_waiting(self, leg: Leg) -> None:
        offer = leg.waiting_offer
        if offer is not None and leg.call.state is CallState.ESTABLISHED and leg.offer is None:
            leg.waiting_offer = None
            self._remote_offers.give_way(leg)
            self._offer_of_page(leg, offer)

    def _closed(self, call_id: str) -> tuple[Leg | None, OpenOffer | None]:
        """Return the leg and its open offer, which is open no more."""
        leg = self._switch.legs.get(call_id)
        if leg is None or leg.offer is None:
            return leg, None
        offer, leg.offer = leg.offer, None
        leg.call.settle()
        return leg, offer


def _awaits(call: Call, kind: Kind | None) -> bool:
    """Tell whether a call waits for a description of that kind from its page."""
    if call.state is CallState.OFFERED:
        return kind is not (MessageType.ANSWER if call.remote_sdp is None else MessageType.OFFER)
    return call.negotiation is Negotiation.THEIRS and kind is not MessageType.OFFER
