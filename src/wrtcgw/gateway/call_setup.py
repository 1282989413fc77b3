"""Beginning and end of calls: placing, ringing, early media, answering, rejecting, hanging up, and how it is told."""

from attrs import evolve

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Deadline
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.page import FIRST, Page
from wrtcgw.calls.page_life import Silence
from wrtcgw.errors import BadInput, Draining, NoSIPConnection, WrongState
from wrtcgw.events.catalogue import AlarmKind, AlarmRaised, CallLost, Failure
from wrtcgw.gateway.attached_data import Data, from_headers
from wrtcgw.gateway.audience import of_sound
from wrtcgw.gateway.call_control import CallControl
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.call_takeovers import NOT_TAKEN_UP
from wrtcgw.gateway.consent import HEADERS, consents
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.dial_targets import shown
from wrtcgw.gateway.disconnect_reasons import NOT_RESPONDING, PAGE_LOST, DisconnectReason
from wrtcgw.gateway.incoming_calls import far_side, hear, new_call
from wrtcgw.gateway.offer_answer import OfferAnswer, incoming_offer
from wrtcgw.gateway.page_presence import PagePresence
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.sip_causes import Ending, ending
from wrtcgw.gateway.transfers import Transfers
from wrtcgw.sdp import checking
from wrtcgw.sdp.completion import complete
from wrtcgw.sdp.description import parse
from wrtcgw.sip.identity import Identity, Party
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProgress,
    CallReceived,
    EndCause,
    NotFollowed,
    PartyIdentified,
)
from wrtcgw.sip.source import Source
from wrtcgw.sip.usages.headers_of_interest import source_of

STILL_ENDING = Outcome(0, "the far side has not confirmed yet")
MOVED, UNAVAILABLE, BUSY, NOT_ACCEPTABLE, DRAINING = 302, 480, 486, 488, 503


class CallSetup:
    """How calls come to be and come to an end."""

    def __init__(
        self,
        context: GatewayContext,
        transfers: Transfers,
        call_control: CallControl,
        offer_answer: OfferAnswer,
        pages: PagePresence,
    ) -> None:
        self._context = context
        self._pages = pages
        self._offer_answer = offer_answer
        self._transfers = transfers
        self._call_control = call_control
        context.on_deadline[Deadline.ACKNOWLEDGED] = self._unacknowledged
        context.on_deadline[Deadline.AWAKE] = self._unheard

    # -- outbound

    def place(
        self,
        agent: Agent,
        to: str,
        text: str,
        page_address: str,
        *,
        connected: bool,
        data: Data = (),
        page: str = FIRST,
        hidden: bool = False,
    ) -> Call:
        """Send an INVITE; see :meth:`wrtcgw.gateway.facade.Gateway.place_call`."""
        context = self._context
        offer = checking.read(text)
        wish = self._transfers.find_wish(agent, to)
        if context.draining and wish is None:
            raise Draining()
        context.require_store()
        target = wish.target if wish else context.target(agent, to)
        context.permits.require(agent, target, page_address)
        self.require_room(agent, connected=connected)
        local = complete(offer, page_address)
        headers, form = self._context.attached(data)
        if wish is not None:
            self._transfers.take_up(wish)
            headers += wish.headers
        follow = context.permits.following(agent, page_address)
        call_id, outputs = context.core.invite(
            agent.account, target, str(local), context.now(), headers=headers, follow=follow
        )
        context.permits.charge(agent, page_address)
        call = Call.outbound(
            call_id,
            agent.id,
            shown(target),
            local,
            context.now(),
            far_side=far_side(Source(target)),
            form=form,
            referrer=wish.call.id if wish else "",
            hidden=hidden,
        )
        call.give_sound(page)
        context.add(agent, CallLeg(call))
        for other in agent.pages:
            if other.name != page:
                context.post(agent, other, call, of_sound(agent, call, other, context.now()))
        context.run(outputs)
        return call

    def check(self, agent: Agent, to: str, page_address: str, *, connected: bool) -> str:
        """Find out whether a call could be placed; see :meth:`wrtcgw.gateway.facade.Gateway.may_call`."""
        context = self._context
        wish = self._transfers.find_wish(agent, to)
        if context.draining and wish is None:
            raise Draining()
        context.require_store()
        target = wish.target if wish else context.target(agent, to)
        fault = context.permits.fault(agent, target, page_address)
        if fault is not None:
            raise fault
        self.require_room(agent, connected=connected, quietly=True)
        return str(target)

    def require_room(self, agent: Agent, *, connected: bool, quietly: bool = False) -> None:
        """
        Refuse one more call of an agent.

        :raises NoSIPConnection: when its connection is down; WrongState or TooManyCalls when it has as many as it may.
        """
        if not connected:
            raise NoSIPConnection()
        if agent.has_call and not agent.abilities.several_calls:
            raise WrongState("", "place another call", "it may have one call only")
        self._context.permits.require_place(agent, quietly=quietly)

    def progressed(self, event: CallProgress) -> None:
        """Tell that the far side rings, and pass on the answer of its early media."""
        leg = self._context.legs.get(event.leg)
        if leg is None or leg.call.state not in (CallState.DIALLING, CallState.RINGING):
            return
        before = leg.call.state
        leg.call.ring()
        self._context.changed(leg.call, before)
        tell = self._context.tell
        tell(leg.call, AgentMessage(type=MessageType.RINGING, code=event.code, reason=event.reason))
        self._transfers.tell_referrer(leg.call, event.code, event.reason)
        if event.sdp is not None:
            self._offer_answer.early_answer(leg, event.sdp)

    def answered(self, event: CallAnswered) -> None:
        """Pass the far side's answer on; with early media it may be the same again."""
        leg = self._context.legs.get(event.leg)
        if leg is None or not leg.call.is_up:
            return
        before = leg.call.state
        leg.call.answer(self._context.now())
        self._context.changed(leg.call, before)
        leg.call.learn(event.uuid, from_headers(event.headers))
        self._offer_answer.first_answer(leg, event.sdp)
        self._transfers.tell_referrer(leg.call, 200, "OK")
        self._call_control.send_attached(leg)

    # -- inbound

    def received(self, event: CallReceived) -> None:
        """
        Offer an incoming call to its agent, or tell the caller, as the first response, why not.

        The caller hears it ring at once, or, where the page says what it gets, when that has said so: ringing is a
        promise that somebody can answer. A page that is known to sleep is told what it has missed, and nothing else.
        """
        context = self._context
        agent = context.registry.find_dn(event.account)
        is_new = event.replaces is None
        refusal = self._refusal(agent, is_new=is_new)
        if agent is not None and is_new and not refusal and self._rings_enough(agent, event.source):
            self._tell_rings_enough(agent, event.source)
            refusal = BUSY
        offer = None if event.offer is None else parse(event.offer)
        if offer is not None and not offer.is_answerable:
            refusal = refusal or NOT_ACCEPTABLE
        if agent is None or refusal:
            context.run(context.core.reject(event.leg, refusal, "", context.now()))
            return
        answers_for_itself = agent.abilities.acknowledges_calls
        say = context.core.proceed if answers_for_itself else context.core.ring
        context.run(say(event.leg, context.now()))
        call = new_call(event, agent, offer, context.settings, context.now())
        leg = CallLeg(call)
        context.add(agent, leg)
        if event.auto_answer is not None and consents(
            context, call, HEADERS, "the INVITE's wish to be answered by itself"
        ):
            call.want_answer(event.auto_answer)
        context.tell(call, incoming_offer(call))
        if self._pages.sleeps(agent):
            context.spawn(self._refuse_for_page(leg))
            return
        self._call_control.arm_talk(leg, agent)
        if answers_for_itself:
            context.set_deadline(leg, Deadline.ACKNOWLEDGED, context.settings.page_ack_timeout)

    def acknowledge(self, leg: CallLeg) -> None:
        """Take the page's word that it has got the call, so that the agent can see it: now the caller hears it ring."""
        context = self._context
        if Deadline.ACKNOWLEDGED not in leg.call.deadlines:
            return
        context.drop_deadline(leg, Deadline.ACKNOWLEDGED)
        if leg.call.state is CallState.OFFERED:
            context.run(context.core.ring(leg.call.id, context.now()))
            self._pages.rings(leg)

    def resume_calls(self, agent: Agent, page: Page) -> None:
        """Tell a page that has just signed in of its calls; where it acknowledges none, they ring from now on."""
        if not agent.abilities.acknowledges_calls:
            for call in list(agent.calls.values()):
                self.acknowledge(self._context.legs[call.id])
        self._offer_answer.resume_calls(agent, page)

    def _unacknowledged(self, leg: CallLeg) -> None:
        """Refuse a call that a page does not say it has got: the page is frozen, or its computer sleeps."""
        agent = self._context.agent_of(leg.call)
        if agent is not None and leg.call.state is CallState.OFFERED:
            self._pages.fall_silent(agent, Silence.UNACKNOWLEDGED)
            self._context.spawn(self._refuse_for_page(leg))

    def _unheard(self, leg: CallLeg) -> None:
        """Refuse a call that rings at a page which has fallen asleep since."""
        agent = self._context.agent_of(leg.call)
        if agent is not None and leg.call.state is CallState.OFFERED and not self._pages.still_there(agent, leg):
            self._context.spawn(self._refuse_for_page(leg))

    async def _refuse_for_page(self, leg: CallLeg) -> Outcome:
        """Tell the caller that the page does not respond, or whom to call instead."""
        answer = self._context.settings.not_responding_answer
        code = int(answer) if answer.isdigit() else MOVED
        fields = [] if answer.isdigit() else [("Contact", f"<{answer}>")]
        return await self._end(leg, code, NOT_RESPONDING, (*fields, ("Reason", NOT_RESPONDING.sip_reason)))

    def refusal(self, dn: str, request: Request) -> int:
        """Return with which code the INVITE of a new call is refused whatever it offers, or 0."""
        agent = self._context.registry.find_dn(dn)
        refusal = self._refusal(agent, is_new=True)
        if agent is not None and not refusal and self._pages.sleeps(agent):
            return UNAVAILABLE
        if agent is None or refusal or not agent.calls:
            return refusal
        return BUSY if self._rings_enough(agent, source_of(request)) else 0

    def _rings_enough(self, agent: Agent, caller: Source) -> bool:
        """Return whether a caller has as many calls ringing at the agent as it may."""
        limit = self._context.settings.ring_limit_per_caller
        ringing = [call for call in agent.calls.values() if call.state is CallState.OFFERED]
        return len(ringing) >= limit and sum(call.far_side.key == caller.key for call in ringing) >= limit

    def _tell_rings_enough(self, agent: Agent, caller: Source) -> None:
        limit = self._context.settings.ring_limit_per_caller
        text = f"a call of {caller.key[:80]} was refused: {limit} of its calls ring at this agent"
        kind, setting = AlarmKind.TOO_MANY_RINGING, "ring_limit_per_caller"
        self._context.events.publish(AlarmRaised(kind=kind, text=text, setting=setting, dn=agent.dn))

    def _refusal(self, agent: Agent | None, *, is_new: bool) -> int:
        """Return the code with which a further call for the agent is refused, or 0; a new one replaces none of ours."""
        settings = self._context.settings
        if is_new and self._context.draining:
            return DRAINING
        if agent is None or agent.guest:
            return UNAVAILABLE
        if is_new and agent.do_not_disturb:
            return BUSY
        if len(agent.calls) >= self._context.permits.rights(agent).max_calls or (
            agent.calls and not settings.offer_when_busy
        ):
            return BUSY
        if agent.has_call and not agent.abilities.several_calls:
            return BUSY
        silent = agent.last_seen is None or self._context.now() - agent.last_seen > settings.page_timeout
        return UNAVAILABLE if silent and not agent.page_alive and not settings.offer_without_page else 0

    def confirmed(self, event: CallConfirmed) -> None:
        """Tell that the far side has taken our answer."""
        leg = self._context.legs.get(event.leg)
        if leg is not None:
            self._context.tell(leg.call, AgentMessage(type=MessageType.OK))
            self._call_control.send_attached(leg)

    def identified(self, event: PartyIdentified) -> None:
        """
        Tell who the far side is now (:rfc:`4916`).

        One whose number was withheld when the call came stays unknown, also where a later message forgets to say so.
        """
        leg = self._context.legs.get(event.leg)
        if leg is None:
            return
        call, party = leg.call, self._shown(leg.call, event.identity)
        known = party.number == call.peer
        name = party.display_name or (call.display_name if known else "")
        agent = self._context.agent_of(call)
        if agent is not None:
            hear(agent, party)
        if call.identify(party.number, name, party.verstat or (call.verstat if known else "")):
            told = AgentMessage(type=MessageType.IDENTITY, display_name=name, verstat=call.verstat)
            self._context.tell(call, told)

    def _shown(self, call: Call, identity: Identity) -> Party:
        if identity.private:
            call.withhold(identity.party.number)
        withheld = call.far_side.withheld
        known_as_private = bool(withheld) and identity.party.number == withheld
        private = evolve(identity, private=identity.private or known_as_private)
        return private.shown(private=self._context.settings.show_private_identity)

    # -- the end

    async def hang_up(self, leg: CallLeg, code: int | None) -> Outcome:
        """End a call in any state; one that rings here is refused with ``code``, or else with ``reject_code``."""
        if leg.call.state is CallState.OFFERED:
            return await self.reject(leg, self._context.settings.reject_code if code is None else code)
        return await self._end(leg, None, None)

    async def end(self, call: Call, why: DisconnectReason) -> Outcome:
        """End a call whose agent leaves."""
        refusal = why.refusal if call.state is CallState.OFFERED else None
        return await self._end(self._context.legs[call.id], refusal, why)

    async def reject(self, leg: CallLeg, code: int) -> Outcome:
        """Refuse an incoming call."""
        if code not in range(400, 700):
            raise BadInput("code", "a SIP code from 400 to 699", str(code))
        leg.call.require("reject", CallState.OFFERED)
        return await self._end(leg, code, None)

    async def _end(
        self, leg: CallLeg, code: int | None, why: DisconnectReason | None, fields: tuple[tuple[str, str], ...] = ()
    ) -> Outcome:
        context = self._context
        before = leg.call.state
        leg.call.hang_up(None if why is None else why.of_calls)
        context.changed(leg.call, before)
        context.drop_deadline(leg, *Deadline)
        if leg.call.order:  # nothing was sent
            self.ended(CallEnded(leg.call.id, EndCause.LOCAL))
            return Outcome(0)
        reason = "" if why is None else why.sip_reason
        ended = context.expect(context.settings.hangup_timeout, STILL_ENDING)
        leg.ends.append(ended)
        if code is None:
            context.run(context.core.hangup(leg.call.id, context.now(), (reason,) if reason else ()))
        else:
            context.run(context.core.reject(leg.call.id, code, "", context.now(), headers=fields))
        return await ended

    def ended(self, event: CallEnded) -> None:
        """Tell the end of a call: as an ERROR when the page's offer never got an answer, else as a SHUTDOWN."""
        leg = self._context.legs.get(event.leg)
        if leg is None:
            return
        call, before = leg.call, leg.call.state
        told = ending(event, before, call.ends_for)
        if event.not_followed is NotFollowed.REFUSED and not self._context.settings.follow_redirects:
            told = evolve(told, hint="the far side moved, and calls are not sent on from here (follow_redirects)")
        if call.end_reason is not None and event.cause is EndCause.LOCAL:
            told = evolve(told, cause=call.end_reason.cause, hint=call.end_reason.hint)
        call.end(self._context.now(), told.cause, told.code, told.reason)
        failed = self._what_failed(call, event)
        if failed is not None:
            self._context.events.publish(CallLost(call, failed))
        offer_failed = before in (CallState.DIALLING, CallState.RINGING) and event.cause is not EndCause.LOCAL
        self._tell_end(call, MessageType.ERROR if offer_failed else MessageType.SHUTDOWN, told)
        if call.answered is None:
            self._transfers.tell_referrer(call, event.code or 487, event.reason)
        self._context.remove(leg, before)
        self._offer_answer.ended(leg)
        self._context.drop_deadline(leg, *Deadline)
        self._transfers.over(call)
        leg.finish(Outcome(event.code, event.reason), self._context.give)

    def _what_failed(self, call: Call, event: CallEnded) -> Failure | None:
        """Return what an established call has not survived; None when it ended for anything else."""
        if call.answered is None:
            return None
        if call.cause in (PAGE_LOST.cause, NOT_TAKEN_UP.cause):
            return Failure.PAGE
        return Failure.CONNECTION if event.after_loss and event.cause is EndCause.FAILED else None

    def _tell_end(self, call: Call, kind: MessageType, told: Ending) -> None:
        message = told.message(kind)
        if call.cause == NOT_RESPONDING.cause:  # all that its page may ever hear of it
            message = evolve(message, display_name=call.display_name)
        self._context.tell(call, message)
