"""
Calls whose page is gone, and which a new page of the agent has to take up with an offer of its own.

The media of a call are the page's: when a page was loaded again they are lost, and the far side hears nothing until the
new page has offered. One that never does would leave it on a silent line, so the call is ended with a Reason after
``page_grace`` and the time that an offer may take. That is for pages of which it is known that they listen; others may
sign in again at any time and speak on.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Deadline
from wrtcgw.calls.page import Page
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.disconnect_reasons import DisconnectReason
from wrtcgw.gateway.settings import Outcome

EndCall = Callable[[Call, DisconnectReason], Coroutine[Deferred[Any], None, Outcome]]

NOT_TAKEN_UP = DisconnectReason(
    "",
    "not-taken-up",
    "the agent's page was loaded again, and did not take the call up",
    'SIP;cause=480;text="the page did not take the call up again"',
)
"""Why such a call ends; the agent stays."""


class TakeOvers:
    """
    The calls that wait for a new page.

    :param end_call: ends a call that is up.
    """

    def __init__(self, context: GatewayContext, end_call: EndCall) -> None:
        self._context = context
        self._end_call = end_call
        context.on_deadline[Deadline.TAKE_OVER] = self._due

    def begin(self, agent: Agent, page: Page) -> None:
        """Give a page that has just signed in its time to take up the calls of the one before."""
        for call in agent.calls.values():
            if call.is_up and call.state is not CallState.OFFERED and agent.page_with_sound(call) is page:
                self._wait(self._context.legs[call.id])

    def _wait(self, leg: CallLeg) -> None:
        settings = self._context.settings
        if settings.page_grace:
            self._context.set_deadline(leg, Deadline.TAKE_OVER, settings.page_grace + settings.offer_timeout)
        else:
            self._context.drop_deadline(leg, Deadline.TAKE_OVER)

    def _due(self, leg: CallLeg) -> None:
        """End the call, unless it has not been answered yet, or is on its way to somebody else."""
        call, agent = leg.call, self._context.agent_of(leg.call)
        if agent is None or not call.is_up:
            return
        if call.state is not CallState.ESTABLISHED or call.transfer.is_under_way:
            self._wait(leg)
        elif agent.abilities.always_listens or self._context.settings.expire_pages:
            self._context.spawn(self._end_call(call, NOT_TAKEN_UP))
