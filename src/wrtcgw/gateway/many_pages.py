"""
Several pages of one agent: which may come beside which, and what becomes of calls whose sound is on a page that goes.

What each of them hears is in :mod:`wrtcgw.gateway.audience`; how the sound of a call moves from one to another, in
:mod:`wrtcgw.gateway.offer_answer`.
"""

from collections.abc import Callable

from wrtcgw.calls.abilities import PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.page import AWAY, Page
from wrtcgw.errors import PageElsewhere
from wrtcgw.events.catalogue import PageLeft
from wrtcgw.gateway.audience import of_sound
from wrtcgw.gateway.call_takeovers import EndCall
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.disconnect_reasons import PAGE_LOST, DisconnectReason
from wrtcgw.gateway.settings import REFUSE, RING_ALL
from wrtcgw.gateway.watch import ROUNDING, Watch


class ManyPages:
    """
    The pages of agents who have several.

    :param end_call: ends a call that is up.
    """

    def __init__(self, context: GatewayContext, end_call: EndCall) -> None:
        self._context = context
        self._end_call = end_call
        self._leaving: Watch[tuple[Agent, Page]] = Watch(context, lambda: AWAY + ROUNDING, self._look)
        """Pages that may be away in a moment."""

    # -- coming

    def enter(
        self,
        dn: str,
        abilities: PageAbilities,
        mailbox: Callable[[Agent], Mailbox],
        *,
        page: str | None,
        take_over: bool | None,
    ) -> Agent | None:
        """
        Let a page that has shown the right password come beside those that are there.

        :param page: the name of the page whose session it shows; None for none.
        :param take_over: it wants all that the others have (True), nothing of it (False), or what the site says.
        :param mailbox: makes one.
        :returns: the agent, whose ``arrived`` names the page; None when the page takes everything over that there is.
        :raises PageElsewhere: when there is another page, and this one may not, or does not want to, take over.
        """
        agent, policy = self._context.registry.find_dn(dn), self._context.settings.second_page
        if agent is None:
            return None
        if page is not None:
            if len(agent.pages) == 1 or agent.page_named(page) is None:
                return None
            agent.arrived = page
            return agent
        if take_over or all(each.is_away(self._context.now()) for each in agent.pages):
            return None
        if policy == RING_ALL and abilities.shares_calls and agent.abilities.shares_calls:
            self._make_room(agent)
            return self._join(agent, mailbox(agent))
        if policy != REFUSE and take_over is None:
            return None
        raise PageElsewhere(dn, len(agent.calls))

    def _make_room(self, agent: Agent) -> None:
        """
        Let those go that are away, and have no sound, when there are as many as may be.

        :raises PageElsewhere: when all of them are there.
        """
        limit, now = self._context.settings.pages_per_agent, self._context.now()
        for page in tuple(agent.pages):
            speaks = any(self._has_sound(call, page) for call in agent.calls.values())
            if len(agent.pages) >= limit and page.is_away(now) and not speaks:
                self.drop(agent, page, PAGE_LOST)
        if len(agent.pages) >= limit:
            raise PageElsewhere(agent.dn, len(agent.calls))

    def _join(self, agent: Agent, mailbox: Mailbox) -> Agent:
        now = self._context.now()
        page = agent.add_page(mailbox, now)
        page.last_seen = now
        self._context.touch(agent)
        return agent

    # -- going

    def drop(self, agent: Agent, page: Page, why: DisconnectReason) -> None:
        """
        Let go of one of several pages, and end the calls whose sound it has.

        Of a page that is lost the others had ``page_grace`` to take them.
        """
        context = self._context
        context.touch(agent)
        agent.remove_page(page)
        self._leaving.drop((agent, page))
        context.events.publish(PageLeft(agent, page.name, why.cause))
        for call in list(agent.calls.values()):
            if call.moving == page.name:
                call.give_move_up()
            if self._has_sound(call, page):
                context.spawn(self._end_call(call, why))

    def _has_sound(self, call: Call, page: Page) -> bool:
        return call.sound == page.name and call.is_up and call.state is not CallState.OFFERED

    # -- being there

    def left(self, agent: Agent, page: Page) -> None:
        """Note that a page does not listen any more: if it does not soon, the others learn whose sound is nowhere."""
        if len(agent.pages) > 1 and not page.is_listening and (agent, page) not in self._leaving:
            self._leaving.begin((agent, page))

    def back(self, agent: Agent, page: Page, *, was_away: bool) -> None:
        """Note that a page listens again."""
        if len(agent.pages) > 1 and was_away:
            self._tell_all(agent, page)

    def stop(self) -> None:
        """Let the timer go, as there is nobody left."""
        self._leaving.stop()

    def _look(self, one: tuple[Agent, Page]) -> None:
        agent, page = one
        if agent.page_named(page.name) is not page or page.is_listening:
            return
        if page.is_away(self._context.now()):
            self._tell_all(agent, page)
        else:
            self.left(agent, page)

    def _tell_all(self, agent: Agent, page: Page) -> None:
        """Tell the others of the calls whose sound a page has."""
        for call in list(agent.calls.values()):
            if self._has_sound(call, page):
                self._tell_sound(agent, call)

    def _tell_sound(self, agent: Agent, call: Call) -> None:
        for page in agent.pages:
            if page.name != call.sound:
                self._context.post(agent, page, call, of_sound(agent, call, page, self._context.now()))
