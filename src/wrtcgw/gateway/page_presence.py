"""
Which pages are there, and which of them run.

A page is there while a poll or stream of it hangs, and is lost when none came for a while. An agent whose page is
expected to poll all the time is signed out when its page is lost; until then a new page of the same DN takes its calls
over. Of several pages the one that is lost goes alone.

A page that is there need not run: it may be frozen, its computer may sleep, and its connection stands all the same. It
is known to sleep when it says so as its last word, when it does not say that it has got a call, or when heartbeats stay
away that it has sent before. Any request of its scripts wakes it up; of several pages one that runs is enough. One
timer serves all agents for each of the two, and a request costs no more than a few entries in dictionaries.
"""

from collections.abc import Callable

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import CallState, Deadline
from wrtcgw.calls.page import AWAY, Page
from wrtcgw.calls.page_life import ABSENT, PageLife, Silence, Visibility
from wrtcgw.events.catalogue import PageBack, PageRespondsChanged
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.many_pages import ManyPages
from wrtcgw.gateway.watch import ROUNDING, Watch

LAST_WORDS = {Visibility.FROZEN: Silence.FROZEN, Visibility.GONE: Silence.GONE}


class PagePresence:
    """
    The pages of the agents.

    :ivar lost: told of a page that was away for ``page_grace``.
    :ivar many: told of pages of which an agent has several.
    """

    lost: Callable[[Agent, Page], None]
    many: ManyPages

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._away: Watch[tuple[Agent, Page]] = Watch(context, lambda: context.settings.page_grace, self._grace_over)
        """Pages that do not listen."""
        self._beating: Watch[Agent] = Watch(context, lambda: context.settings.page_silence_timeout, self._no_heartbeat)
        """Agents whose page sends heartbeats, and responds."""

    # -- being there

    def attend(self, agent: Agent, name: str) -> None:
        """Note that a poll or stream of a page of the agent hangs."""
        page, now = agent.page_named(name), self._context.now()
        was_away = page is not None and page.is_away(now)
        self.seen(agent, name)
        if page is not None:
            page.waiting += 1
            self._away.drop((agent, page))
            self.many.back(agent, page, was_away=was_away)

    def leave(self, agent: Agent, name: str) -> None:
        """Note that one does not any more."""
        agent.last_seen = self._context.now()
        page = agent.page_named(name)
        if page is not None:
            page.waiting = max(0, page.waiting - 1)
            page.last_seen = agent.last_seen
            self.arrived(agent, name)
            self.many.left(agent, page)

    def seen(self, agent: Agent, name: str) -> None:
        """Note that a page was heard of: its scripts have made a request."""
        now, page = self._context.now(), agent.page_named(name)
        if page is not None:
            page.last_seen = now
        if agent.calls and not agent.page_alive and agent.last_seen is not None and now - agent.last_seen >= AWAY:
            self._context.events.publish(PageBack(agent, now - agent.last_seen))
        agent.last_seen = now
        if not agent.life.responds:
            self._wake(agent)
        if agent in self._beating:
            self._beating.begin(agent)

    def arrived(self, agent: Agent, name: str) -> None:
        """Give a page of the agent its time to come, from now on, unless it is there."""
        page = agent.page_named(name)
        if page is not None:
            self._away.drop((agent, page))
            if not page.waiting:
                self._away.begin((agent, page))

    def renewed(self, agent: Agent, name: str) -> None:
        """Note that a new page has signed in, of which nothing is known yet."""
        self._wake(agent)
        if len(agent.pages) == 1:
            agent.life = PageLife()
            self._beating.drop(agent)
        self.arrived(agent, name)

    def restored(self, agent: Agent) -> None:
        """Note an agent that was taken up from a store: its pages hung on another process, and have their time."""
        agent.last_seen = self._context.now()
        for page in agent.pages:
            page.last_seen = agent.last_seen
            self.arrived(agent, page.name)
        if agent.life.beats and agent.life.responds:
            self._beating.begin(agent)

    def gone(self, agent: Agent, *pages: Page) -> None:
        """Forget pages of an agent, which may have signed out."""
        for page in pages:
            self._away.drop((agent, page))
        if self._context.registry.find_agent(agent.id) is not agent:
            self._beating.drop(agent)
        if not self._context.registry.agent_count:
            for watch in (self._away, self._beating, self.many):
                watch.stop()

    def _grace_over(self, one: tuple[Agent, Page]) -> None:
        agent, page = one
        if agent.abilities.always_listens or self._context.settings.expire_pages:
            self.lost(agent, page)

    # -- running

    def beat(self, agent: Agent, visibility: Visibility, name: str) -> None:
        """Take a heartbeat of a page, and what it tells of itself; that one sleeps means nothing while another runs."""
        self.seen(agent, name)
        for page in agent.pages:
            if page.name == name:
                page.visibility = visibility
        runs = any(page.is_listening and page.visibility not in ABSENT for page in agent.pages if page.name != name)
        if visibility in ABSENT and runs:
            return
        if agent.life.tell(visibility):
            self._context.touch(agent)
        if visibility in ABSENT:
            self._beating.drop(agent)
            self.fall_silent(agent, LAST_WORDS[visibility])
        else:
            self._beating.begin(agent)

    def fall_silent(self, agent: Agent, why: Silence) -> None:
        """Note that the page does not respond; calls that ring there go on for as long as it may have for a call."""
        self._beating.drop(agent)
        if not agent.life.fall_silent(self._context.now(), why):
            return
        self._context.touch(agent)
        self._context.events.publish(PageRespondsChanged(agent, responds=False, why=why))
        for leg in self._ringing(agent):
            self._context.set_deadline(leg, Deadline.AWAKE, self._context.settings.page_ack_timeout)

    def sleeps(self, agent: Agent) -> bool:
        """
        Return whether a call would be in vain.

        Only of pages that send heartbeats it is known that they would have told by now if they had woken up; and one
        that is being loaded again has its time to come back.
        """
        since = agent.life.silent_since
        patience = self._context.settings.page_ack_timeout
        return since is not None and agent.life.beats and self._context.now() - since >= patience

    def rings(self, leg: CallLeg) -> None:
        """Watch over the page while a call rings there, more closely than else."""
        agent = self._context.agent_of(leg.call)
        patience = self._context.settings.page_silence_timeout / 2
        if agent is not None and agent.life.beats and patience:
            self._context.set_deadline(leg, Deadline.AWAKE, patience)

    def still_there(self, agent: Agent, leg: CallLeg) -> bool:
        """Return whether the page was heard of while a call rang there; then it has its time anew."""
        left = (agent.last_seen or 0.0) + self._context.settings.page_silence_timeout / 2 - self._context.now()
        if agent.life.responds and left > ROUNDING:
            self._context.set_deadline(leg, Deadline.AWAKE, left)
            return True
        self.fall_silent(agent, Silence.NO_HEARTBEAT)
        return False

    def _wake(self, agent: Agent) -> None:
        """Note a sign of life."""
        since, why = agent.life.silent_since, agent.life.why
        if agent.life.wake() and since is not None and why is not None:
            self._context.touch(agent)
            silent = self._context.now() - since
            self._context.events.publish(PageRespondsChanged(agent, responds=True, why=why, silent=silent))
        for leg in self._ringing(agent):
            if Deadline.AWAKE in leg.call.deadlines:
                self._context.drop_deadline(leg, Deadline.AWAKE)
                self.rings(leg)

    def _ringing(self, agent: Agent) -> list[CallLeg]:
        """Return the calls whose callers hear it ring at the agent."""
        legs = self._context.legs
        ringing = [call for call in agent.calls.values() if call.state is CallState.OFFERED and not call.order]
        return [legs[call.id] for call in ringing if Deadline.ACKNOWLEDGED not in call.deadlines]

    def _no_heartbeat(self, agent: Agent) -> None:
        self.fall_silent(agent, Silence.NO_HEARTBEAT)
