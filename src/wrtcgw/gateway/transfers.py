"""Transfers by REFER (:rfc:`3515`): blind, attended (:rfc:`5589`), and those that the far side asks for."""

from attrs import frozen

from wrtcgw.calls.agent import Agent, only
from wrtcgw.calls.call import Call, CallState, Deadline
from wrtcgw.calls.messages import AgentMessage, MessageType, TransferState
from wrtcgw.calls.transfer import TransferInput, Wish
from wrtcgw.errors import BadInput, GatewayError, GuestsNotAllowed, RequestRefused
from wrtcgw.events.catalogue import TransferEnded
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.dial_targets import far_target, shown
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.sip_causes import explain_transfer, reason_text
from wrtcgw.sip.outputs import TransferProgress, TransferRequested
from wrtcgw.sip.subscriber import legible_number
from wrtcgw.sip.uri import URI

DECLINED = 603

_NEVER_TOLD = "the far side has taken the transfer, but did not say what became of it: ask whether it worked"


@frozen
class OpenWish:
    """Where the far side of ``call`` wishes to be transferred to, as the page takes it up."""

    call: Call
    target: URI
    headers: tuple[tuple[str, str], ...]
    """What the INVITE to there has to carry: who referred, and which dialog it takes the place of."""


class Transfers:
    """The transfers of the agents' calls."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._targets: dict[str, str] = {}
        """Where the far sides of calls are sent, as long as it is not known what becomes of it."""
        context.on_deadline[Deadline.WISH] = self._wish_expired

    # -- ours

    def choose(self, agent: Agent, call_id: str | None, to_call: str | None) -> tuple[CallLeg, CallLeg | None]:
        """
        Return the leg to transfer, and the one whose far side it is to join.

        With ``to_call`` alone, the call to transfer is the agent's only other one.
        """
        if agent.guest:
            raise GuestsNotAllowed("transfer calls")
        legs = self._context.legs
        if not to_call:
            return legs[agent.call(call_id).id], None
        other = agent.call(to_call)
        if call_id:
            call = agent.call(call_id)
        else:
            call = only([call for call in agent.calls.values() if call.is_up and call is not other])
        if call is other:
            raise BadInput("to_call", "another call than the one to transfer", to_call)
        return legs[call.id], legs[other.id]

    async def transfer(self, agent: Agent, leg: CallLeg, to: str | None, other: CallLeg | None) -> Outcome:
        """
        Ask the far side to call ``to``, or to join the far side of ``other``.

        The order is held back until ``refer_delay`` after the answer. The call goes on until the far side reports
        success.
        """
        context = self._context
        legs = (leg,) if other is None else (leg, other)
        for one in legs:
            one.call.require("transfer", CallState.ESTABLISHED)
            one.call.require_no_transfer()
        target = self._target(agent, to, other)
        context.touch(agent)
        leg.call.begin_transfer(None if other is None else other.call)
        self._targets[leg.call.id] = str(target)
        try:
            await self._wait_for_bridge(leg)
            for one in legs:
                one.call.require("transfer", CallState.ESTABLISHED)
            replaced = other.call.id if other is not None else None
            context.permits.charge(agent)
            ticket, outputs = context.core.refer(leg.call.id, target, context.now(), replaces_leg=replaced)
            outcome = await context.request(leg, "transfer", ticket, outputs)
        except GatewayError as error:
            self._end(leg.call, TransferState.FAILED, error.code if isinstance(error, RequestRefused) else 0)
            raise
        self._take([leg.call], TransferInput.ACCEPTED)
        return outcome

    def _end(self, call: Call, result: TransferState, code: int = 0) -> list[Call]:
        """Note what has become of a transfer, unless that is known already; return the calls that take part in it."""
        calls = self._taking_part(call)
        self._tell_end(call, result, code)
        self._take(calls, TransferInput.SUCCEEDED if result is TransferState.DONE else TransferInput.FAILED)
        return calls

    def _tell_end(self, call: Call, result: TransferState, code: int) -> None:
        transfer = call.transfer
        if transfer.is_referring:
            to = self._targets.pop(call.id, "")
            ended = TransferEnded(call=call, to=to, other=transfer.other, result=result, code=code)
            self._context.events.publish(ended)

    def _take(self, calls: list[Call], event: TransferInput) -> None:
        for call in calls:
            self._context.touch(self._context.agent_of(call))
            call.transfer.take(event)

    def _taking_part(self, call: Call) -> list[Call]:
        """Return the calls of a transfer, that first whose far side is transferred; they may be over."""
        other = self._context.legs.get(call.transfer.other)
        return [call] if other is None or other.call.transfer.other != call.id else [call, other.call]

    def over(self, call: Call) -> None:
        """Note that a call is over: one that its far side was to join goes on as an ordinary call, if it is up."""
        if call.transfer.is_referring:
            self._tell_end(call, TransferState.UNKNOWN, 0)
            others = [other for other in self._taking_part(call)[1:] if other.is_up]
            self._take([call, *others], TransferInput.FAILED)

    def _target(self, agent: Agent, to: str | None, other: CallLeg | None) -> URI:
        """
        Return where the far side is to be sent, if the agent may send it there.

        The Contact of another call is chosen by its far side: of the rules those count that forbid a number.
        """
        permits = self._context.permits
        if other is None:
            target = self._context.target(agent, to or "")
            permits.require(agent, target, action="transfer")
        else:
            target = self._context.core.remote_target(other.call.id)
            permits.require_contact(agent, target)
        return target

    async def _wait_for_bridge(self, leg: CallLeg) -> None:
        """Let the PBX connect the two sides first: Asterisk answers an earlier REFER with 202 and then reports 400."""
        answered = leg.call.answered or 0.0
        missing = answered + self._context.settings.refer_delay - self._context.now()
        if missing > 0:
            await self._context.pause(missing)

    def progressed(self, event: TransferProgress) -> None:
        """
        Tell how a transfer is getting on, and end the call when it has succeeded.

        Asterisk does not hang up the transferor's call promptly, nor does :rfc:`5589#section-6.1` ask it to.
        """
        leg = self._context.legs.get(event.leg)
        if leg is None:
            return
        state = _transfer_state(event)
        cause, hint = "", ""
        if state is TransferState.FAILED:
            cause, hint = explain_transfer(event.code)
        elif state is TransferState.UNKNOWN:
            cause, hint = "unknown", _NEVER_TOLD
        self._context.tell(
            leg.call,
            AgentMessage(
                type=MessageType.TRANSFER,
                state=state.value,
                code=event.code,
                reason=event.reason,
                cause=cause,
                hint=hint,
                warning=event.warning,
                sip_reason=reason_text(event.reasons),
            ),
        )
        if state is not TransferState.PROCEEDING:
            calls = self._end(leg.call, state, event.code)
            if state is TransferState.DONE:
                for call in calls:
                    self._hang_up(call)

    def _hang_up(self, call: Call) -> None:
        if call.is_up:
            before = call.state
            call.hang_up()
            self._context.changed(call, before)
            self._context.run(self._context.core.hangup(call.id, self._context.now()))

    # -- the far side's

    def requested(self, event: TransferRequested) -> None:
        """Tell the page of the far side's wish to be transferred, which replaces an earlier one, or decline it."""
        context = self._context
        leg = context.legs.get(event.leg)
        target = None if leg is None or not context.settings.accept_refer else self._wished(leg, event.target)
        if leg is None or target is None:
            context.run(context.core.reject_refer(event.leg, DECLINED, context.now()))
            return
        leg.call.transfer.open_wish(Wish(str(target), event.referred_by, event.replaces_value))
        context.set_deadline(leg, Deadline.WISH, context.settings.refer_timeout)
        context.run(context.core.accept_refer(event.leg, context.now()))
        context.tell(
            leg.call,
            AgentMessage(
                type=MessageType.TRANSFER,
                state=TransferState.REQUESTED.value,
                to=self._name(target),
                referred_by=legible_number(event.referred_by),
            ),
        )

    def _wished(self, leg: CallLeg, named: URI) -> URI | None:
        """Return what to call for the target of a REFER; None for what the agent may not call."""
        context, settings = self._context, self._context.settings
        agent = context.agent_of(leg.call)
        try:
            target = far_target(named, settings.domain, settings.allowed_domains)
            fault = context.permits.rights(agent).fault(target) if agent is not None else None
            if fault is not None:
                raise fault
        except GatewayError as error:
            context.permits.refuse_wish(agent, leg.call.id, error)
            return None
        return target

    def _name(self, target: URI) -> str:
        """Return what the page is to give as ``to``."""
        return shown(target) if target.host.lower() == self._context.settings.domain.lower() else str(target)

    def _wish_expired(self, leg: CallLeg) -> None:
        leg.call.transfer.close_wish()
        self._notify(leg.call.id, DECLINED, "Declined")

    def find_wish(self, agent: Agent, to: str) -> OpenWish | None:
        """Return the wish that a call to ``to`` takes up, if there is one; :meth:`take_up` says that it does."""
        for call in agent.calls.values():
            wish = call.transfer.wish
            target = None if wish is None else URI.parse(wish.target)
            if wish is not None and target is not None and to == self._name(target):
                told = (("Referred-By", wish.referred_by), ("Replaces", wish.replaces))
                return OpenWish(call, target, tuple((name, value) for name, value in told if value))
        return None

    def take_up(self, wish: OpenWish) -> None:
        """Note that a wish is not open any more: it is being followed."""
        wish.call.transfer.close_wish()
        self._context.drop_deadline(self._context.legs[wish.call.id], Deadline.WISH)

    def tell_referrer(self, call: Call, code: int, reason: str) -> None:
        """Report the progress of a call to the far side that asked for it by REFER."""
        transfer = call.transfer
        if transfer.referrer:
            self._notify(transfer.referrer, code, reason)
            if code >= 200:
                transfer.referrer_knows()

    def _notify(self, call_id: str, code: int, reason: str) -> None:
        if call_id in self._context.legs:
            self._context.run(self._context.core.notify_refer(call_id, code, reason, self._context.now()))


def _transfer_state(event: TransferProgress) -> TransferState:
    """Read a NOTIFY: an end without a code, or before the outcome, tells nothing, so the call is better kept."""
    if 200 <= event.code < 300:
        return TransferState.DONE
    if event.final and event.code < 200:
        return TransferState.UNKNOWN
    return TransferState.FAILED if event.final or event.code >= 300 else TransferState.PROCEEDING
