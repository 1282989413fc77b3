"""
Which pages are there: a page is there while a poll or stream of it hangs, and is lost when none came for a while.

An agent whose page is expected to poll all the time is signed out when its page is lost; until then a new page of the
same DN takes its calls over. Of several pages the one that is lost goes alone. One timer serves all agents, and a poll
costs no more than two entries in a dictionary.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.page import AWAY, Page
from wrtcgw.events.catalogue import PageBack
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.many_pages import ManyPages

ROUNDING = 0.01
"""Seconds by which the timer is late, lest it goes off just before the time by which it was reckoned."""


class PagePresence:
    """
    The pages of the agents.

    :param lost: told of a page that was away for ``page_grace``.
    :param many: told of pages of which an agent has several.
    """

    def __init__(self, context: GatewayContext, lost: Callable[[Agent, Page], None], many: ManyPages) -> None:
        self._context = context
        self._lost = lost
        self._many = many
        self._away: dict[Page, tuple[float, Agent]] = {}
        """Since when pages are away, in that order, and whose they are."""
        self._timer: IDelayedCall | None = None

    def attend(self, agent: Agent, name: str) -> None:
        """Note that a poll or stream of a page of the agent hangs."""
        page, now = agent.page_named(name), self._context.now()
        was_away = page is not None and page.is_away(now)
        self.seen(agent, name)
        agent.waiting += 1
        if page is not None:
            page.waiting += 1
            self._away.pop(page, None)
            self._many.back(agent, page, was_away=was_away)

    def leave(self, agent: Agent, name: str) -> None:
        """Note that one does not any more."""
        agent.waiting = max(0, agent.waiting - 1)
        agent.last_seen = self._context.now()
        page = agent.page_named(name)
        if page is not None:
            page.waiting = max(0, page.waiting - 1)
            page.last_seen = agent.last_seen
            self.arrived(agent, name)
            self._many.left(agent, page)

    def seen(self, agent: Agent, name: str) -> None:
        """Note that a page was heard of."""
        now, page = self._context.now(), agent.page_named(name)
        if page is not None:
            page.last_seen = now
        if agent.calls and not agent.waiting and agent.last_seen is not None and now - agent.last_seen >= AWAY:
            self._context.events.publish(PageBack(agent, now - agent.last_seen))
        agent.last_seen = now

    def arrived(self, agent: Agent, name: str) -> None:
        """Give a page of the agent its time to come, from now on, unless it is there."""
        page = agent.page_named(name)
        if page is None:
            return
        self._away.pop(page, None)
        if not page.waiting:
            self._away[page] = self._context.now(), agent
            self._arm()

    def gone(self, agent: Agent, *pages: Page) -> None:
        """Forget pages of an agent, which may have signed out."""
        for page in pages:
            self._away.pop(page, None)
        if not self._context.registry.agent_count and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        """Wake up when the one who is away longest is away for too long, or before."""
        grace = self._context.settings.page_grace
        if self._timer is None and grace and self._away:
            due = next(iter(self._away.values()))[0] + grace - self._context.now()
            self._timer = self._context.later(max(0.001, due), self._wake)  # rounding must not make it spin

    def _wake(self) -> None:
        self._timer = None
        settings = self._context.settings
        latest = self._context.now() - settings.page_grace
        while settings.page_grace and self._away and next(iter(self._away.values()))[0] <= latest:
            page = next(iter(self._away))
            _, agent = self._away.pop(page)
            if agent.abilities.always_listens or settings.expire_pages:
                self._lost(agent, page)
        self._arm()
