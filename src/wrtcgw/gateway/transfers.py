"""Transfers by REFER (:rfc:`3515`): blind, attended (:rfc:`5589`), and those that the far side asks for."""

from attrs import frozen

from wrtcgw.calls.agent import Agent, only
from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import AgentMessage, MessageType, TransferState
from wrtcgw.errors import BadInput, GatewayError, GuestsNotAllowed, WrongState
from wrtcgw.gateway.causes import explain_transfer
from wrtcgw.gateway.legs import Leg, Transfer
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.switch import Switch
from wrtcgw.gateway.targets import far_target, shown
from wrtcgw.sip.outputs import TransferProgress, TransferRequested
from wrtcgw.sip.uri import URI

DECLINED = 603

_NEVER_TOLD = "the far side has taken the transfer, but did not say what became of it: ask whether it worked"


@frozen
class Wish:
    """Where the far side of ``leg`` wishes to be transferred to, as the page takes it up."""

    leg: str
    target: URI
    headers: tuple[tuple[str, str], ...]


class Transfers:
    """The transfers of the agents' calls."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    # -- ours

    def choose(self, agent: Agent, call_id: str | None, to_call: str | None) -> tuple[Leg, Leg | None]:
        """
        Return the leg to transfer, and the one whose far side it is to join.

        With ``to_call`` alone, the call to transfer is the agent's only other one.
        """
        if agent.guest:
            raise GuestsNotAllowed("transfer calls")
        legs = self._switch.legs
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

    async def transfer(self, agent: Agent, leg: Leg, to: str | None, other: Leg | None) -> Outcome:
        """
        Ask the far side to call ``to``, or to join the far side of ``other``.

        The order is held back until ``refer_delay`` after the answer. The call goes on until the far side reports
        success.
        """
        switch = self._switch
        legs = (leg,) if other is None else (leg, other)
        for one in legs:
            one.call.require("transfer", CallState.ESTABLISHED)
            if one.transfer is not None:
                raise WrongState(one.call.id, "transfer", "being transferred")
        target = self._target(agent, to, other)
        transfer = Transfer(legs)
        transfer.begin()
        try:
            await self._wait_for_bridge(leg)
            for one in legs:
                one.call.require("transfer", CallState.ESTABLISHED)
            replaced = other.call.id if other is not None else None
            switch.permits.charge(agent)
            ticket, outputs = switch.core.refer(leg.call.id, target, switch.now(), replaces_leg=replaced)
            return await switch.request(leg, "transfer", ticket, outputs)
        except GatewayError:
            transfer.over()
            raise

    def _target(self, agent: Agent, to: str | None, other: Leg | None) -> URI:
        """
        Return where the far side is to be sent, if the agent may send it there.

        The Contact of another call is chosen by its far side: of the rules those count that forbid a number.
        """
        permits = self._switch.permits
        if other is None:
            target = self._switch.target(agent, to or "")
            permits.require(agent, target, action="transfer")
        else:
            target = self._switch.core.remote_target(other.call.id)
            permits.require_contact(agent, target)
        return target

    async def _wait_for_bridge(self, leg: Leg) -> None:
        """Let the PBX connect the two sides first: Asterisk answers an earlier REFER with 202 and then reports 400."""
        answered = leg.call.answered or 0.0
        missing = answered + self._switch.settings.refer_delay - self._switch.now()
        if missing > 0:
            await self._switch.pause(missing)

    def progressed(self, event: TransferProgress) -> None:
        """
        Tell how a transfer is getting on, and end the call when it has succeeded.

        Asterisk does not hang up the transferor's call promptly, nor does :rfc:`5589#section-6.1` ask it to.
        """
        leg = self._switch.legs.get(event.leg)
        if leg is None:
            return
        state = _transfer_state(event)
        cause, hint = "", ""
        if state is TransferState.FAILED:
            cause, hint = explain_transfer(event.code)
        elif state is TransferState.UNKNOWN:
            cause, hint = "unknown", _NEVER_TOLD
        self._switch.tell(
            leg.call,
            AgentMessage(
                type=MessageType.TRANSFER,
                state=state.value,
                code=event.code,
                reason=event.reason,
                cause=cause,
                hint=hint,
            ),
        )
        if state is TransferState.DONE:
            for one in leg.transfer.legs if leg.transfer is not None else (leg,):
                self._hang_up(one)
        elif state in (TransferState.FAILED, TransferState.UNKNOWN) and leg.transfer is not None:
            leg.transfer.over()

    def _hang_up(self, leg: Leg) -> None:
        if leg.call.is_up:
            leg.call.hang_up()
            self._switch.run(self._switch.core.hangup(leg.call.id, self._switch.now()))

    # -- the far side's

    def requested(self, event: TransferRequested) -> None:
        """Tell the page of the far side's wish to be transferred, which replaces an earlier one, or decline it."""
        switch = self._switch
        leg = switch.legs.get(event.leg)
        target = None if leg is None or not switch.settings.accept_refer else self._wished(leg, event.target)
        if leg is None or target is None:
            switch.run(switch.core.reject_refer(event.leg, DECLINED, switch.now()))
            return
        leg.stop_refer_timer()
        leg.refer_target = target
        told = (("Referred-By", event.referred_by), ("Replaces", event.replaces_value))
        leg.refer_headers = tuple((name, value) for name, value in told if value)
        leg.refer_timer = switch.later(switch.settings.refer_limit, lambda: self._wish_expired(leg))
        switch.run(switch.core.accept_refer(event.leg, switch.now()))
        switch.tell(
            leg.call,
            AgentMessage(
                type=MessageType.TRANSFER,
                state=TransferState.REQUESTED.value,
                to=self._name(target),
                referred_by=event.referred_by,
            ),
        )

    def _wished(self, leg: Leg, named: URI) -> URI | None:
        """Return what to call for the target of a REFER; None for what the agent may not call."""
        switch, settings = self._switch, self._switch.settings
        agent = switch.agent_of(leg.call)
        try:
            target = far_target(named, settings.domain, settings.allowed_domains)
            fault = switch.permits.rights(agent).fault(target) if agent is not None else None
            if fault is not None:
                raise fault
        except GatewayError as error:
            switch.permits.refuse_wish(agent, leg.call.id, error)
            return None
        return target

    def _name(self, target: URI) -> str:
        """Return what the page is to give as ``to``."""
        return shown(target) if target.host.lower() == self._switch.settings.domain.lower() else str(target)

    def _wish_expired(self, leg: Leg) -> None:
        leg.refer_target = leg.refer_timer = None
        self._notify(leg.call.id, DECLINED, "Declined")

    def find_wish(self, agent: Agent, to: str) -> Wish | None:
        """Return the wish that a call to ``to`` takes up, if there is one; :meth:`take_up` says that it does."""
        for call_id in agent.calls:
            leg = self._switch.legs[call_id]
            target = leg.refer_target
            if target is not None and to == self._name(target):
                return Wish(call_id, target, leg.refer_headers)
        return None

    def take_up(self, wish: Wish) -> None:
        """Note that a wish is not open any more: it is being followed."""
        leg = self._switch.legs[wish.leg]
        leg.refer_target = None
        leg.stop_refer_timer()

    def tell_referrer(self, leg: Leg, code: int, reason: str) -> None:
        """Report the progress of a call to the far side that asked for it by REFER."""
        if leg.referrer:
            self._notify(leg.referrer, code, reason)
            if code >= 200:
                leg.referrer = ""

    def _notify(self, call_id: str, code: int, reason: str) -> None:
        if call_id in self._switch.legs:
            self._switch.run(self._switch.core.notify_refer(call_id, code, reason, self._switch.now()))


def _transfer_state(event: TransferProgress) -> TransferState:
    """Read a NOTIFY: an end without a code, or before the outcome, tells nothing, so the call is better kept."""
    if 200 <= event.code < 300:
        return TransferState.DONE
    if event.final and 100 <= event.code < 200:
        return TransferState.UNKNOWN
    return TransferState.FAILED if event.final or event.code >= 300 else TransferState.PROCEEDING
