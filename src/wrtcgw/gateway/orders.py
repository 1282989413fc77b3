"""
What applications order from outside: a call in an agent's name, that its page answer one, and quiet.

Only the page has the media, so a call that is ordered begins as in third-party call control (:rfc:`3725#section-4.1`):
the page is asked for an offer, like by a caller who made none, and the INVITE goes out with what it offers.
"""

from collections.abc import Callable

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Deadline
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import Draining, NoSIPConnection
from wrtcgw.events.catalogue import CallDialled, DoNotDisturbChanged
from wrtcgw.gateway.call_control import CallControl
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.call_setup import CallSetup
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.dial_targets import shown
from wrtcgw.gateway.disconnect_reasons import NOT_OFFERED
from wrtcgw.gateway.incoming_calls import far_side
from wrtcgw.gateway.offer_answer import OfferAnswer, incoming_offer
from wrtcgw.sdp.description import Description
from wrtcgw.sip.source import Source
from wrtcgw.sip.uri import URI


class Orders:
    """
    The orders of applications.

    :param is_connected: tells whether the connection of an agent is up.
    """

    def __init__(
        self,
        context: GatewayContext,
        setup: CallSetup,
        offers: OfferAnswer,
        call_control: CallControl,
        is_connected: Callable[[Agent], bool],
    ) -> None:
        self._context = context
        self._setup = setup
        self._call_control = call_control
        self._is_connected = is_connected
        offers.dial = self._dial
        context.on_deadline[Deadline.ORDER] = self._not_offered

    def place(self, agent: Agent, to: str, *, answer: bool) -> Call:
        """
        Ask an agent's page for an offer to ``to``; see :meth:`wrtcgw.gateway.facade.Gateway.order_call`.

        The call counts for the limits of the agent from now on, whether its page goes along with it or not.
        """
        context = self._context
        if context.draining:
            raise Draining()
        target = context.target(agent, to)
        context.permits.require(agent, target)
        self._setup.require_room(agent, connected=self._is_connected(agent))
        context.permits.charge(agent)
        call = Call.ordered(
            context.core.new_name(),
            agent.id,
            shown(target),
            str(target),
            context.now(),
            far_side=far_side(Source(target)),
        )
        leg = CallLeg(call)
        context.add(agent, leg)
        if answer:
            call.want_answer(0.0)
        context.tell(call, incoming_offer(call))
        self._call_control.arm_talk(leg, agent)
        context.set_deadline(leg, Deadline.ORDER, context.settings.order_timeout)
        return call

    def require_connection(self, agent: Agent, call: Call) -> None:
        """
        Refuse the page's offer for a call that cannot be placed now; it may offer again.

        :raises NoSIPConnection: then.
        """
        if call.order and not self._is_connected(agent):
            raise NoSIPConnection()

    def _dial(self, leg: CallLeg, offer: Description, headers: tuple[tuple[str, str], ...]) -> None:
        """Send the INVITE, now that the page has made its offer."""
        context, call = self._context, leg.call
        target, agent = URI.parse(call.order), context.agent_of(call)
        assert target is not None and agent is not None, "the page that offers is its agent's"
        context.drop_deadline(leg, Deadline.ORDER, Deadline.TALK)
        before = call.state
        call.dial(offer)
        context.changed(call, before)
        _, outputs = context.core.invite(
            agent.account,
            target,
            str(offer),
            context.now(),
            headers=headers,
            follow=context.permits.following(agent),
            name=call.id,
        )
        context.events.publish(CallDialled(call, context.core.sip_call_id(call.id)))
        context.run(outputs)

    def _not_offered(self, leg: CallLeg) -> None:
        self._context.spawn(self._setup.end(leg.call, NOT_OFFERED))

    def ask_to_answer(self, leg: CallLeg) -> None:
        """Tell the page to answer, as the server's NOTIFY talk does; see the facade's method."""
        leg.call.require("answer", CallState.OFFERED)
        self._call_control.tell_to_answer(leg)

    def do_not_disturb(self, agent: Agent, on: bool) -> None:
        """Let an agent have no calls from now on, or have them again; its page is told."""
        if agent.do_not_disturb is not on:
            agent.do_not_disturb = on
            self._context.events.publish(DoNotDisturbChanged(agent, on))
            state = "ON" if on else "OFF"
            self._context.put(agent, AgentMessage(type=MessageType.DO_NOT_DISTURB, to=agent.id, state=state))
