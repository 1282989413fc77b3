"""
Which pages are there: a page is there while a poll or stream of it hangs, and is lost when none came for a while.

An agent whose page is expected to poll all the time is signed out when its page is lost; until then a new page of the
same DN takes its calls over. One timer serves all agents, and a poll costs no more than two entries
in a dictionary.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall

from wrtcgw.calls.agent import Agent
from wrtcgw.events.catalogue import PageBack
from wrtcgw.gateway.context import GatewayContext

ROUNDING = 0.01
"""Seconds by which the timer is late, lest it goes off just before the time by which it was reckoned."""

AWAY = 5.0
"""Seconds without a word of the page of an agent in a call that are worth a note when it is back."""


class PagePresence:
    """
    The pages of the agents.

    :param lost: told of an agent whose page was away for ``page_grace``.
    """

    def __init__(self, context: GatewayContext, lost: Callable[[Agent], None]) -> None:
        self._context = context
        self._lost = lost
        self._away: dict[Agent, float] = {}
        """Since when agents are without a page, in that order."""
        self._timer: IDelayedCall | None = None

    def attend(self, agent: Agent) -> None:
        """Note that a poll or stream of the agent hangs."""
        self.seen(agent)
        agent.waiting += 1
        self._away.pop(agent, None)

    def leave(self, agent: Agent) -> None:
        """Note that one does not any more."""
        agent.waiting = max(0, agent.waiting - 1)
        agent.last_seen = self._context.now()
        self.arrived(agent)

    def seen(self, agent: Agent) -> None:
        """Note that the page was heard of."""
        now = self._context.now()
        if agent.calls and not agent.waiting and agent.last_seen is not None and now - agent.last_seen >= AWAY:
            self._context.events.publish(PageBack(agent, now - agent.last_seen))
        agent.last_seen = now

    def arrived(self, agent: Agent) -> None:
        """Give the agent's page its time to come, from now on, unless it is there."""
        self._away.pop(agent, None)
        if not agent.waiting:
            self._away[agent] = self._context.now()
            self._arm()

    def gone(self, agent: Agent) -> None:
        """Forget an agent that has signed out."""
        self._away.pop(agent, None)
        if not self._context.registry.agent_count and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        """Wake up when the one who is away longest is away for too long, or before."""
        grace = self._context.settings.page_grace
        if self._timer is None and grace and self._away:
            due = next(iter(self._away.values())) + grace - self._context.now()
            self._timer = self._context.later(max(0.001, due), self._wake)  # rounding must not make it spin

    def _wake(self) -> None:
        self._timer = None
        settings = self._context.settings
        latest = self._context.now() - settings.page_grace
        while settings.page_grace and self._away and next(iter(self._away.values())) <= latest:
            agent = next(iter(self._away))
            del self._away[agent]
            if agent.abilities.always_listens or settings.expire_pages:
                self._lost(agent)
        self._arm()
