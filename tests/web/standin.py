"""A stand-in for the gateway's facade: real agents and mailboxes, while the verbs only note what they were asked."""

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from wrtcgw.calls.abilities import DEFAULT, PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.page import Page
from wrtcgw.calls.registry import Registry
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway import HA1, Health, Outcome
from wrtcgw.gateway.cluster import Elsewhere
from wrtcgw.sdp.description import parse


class StandInPersistence:
    """Keeps nothing."""

    survives = False
    is_writable = True

    def join(self, name: str, keeper: object) -> None:
        """Take a keeper."""

    def durable(self) -> None:
        """Wait for nothing."""

    def touch(self, agent: Agent) -> None:
        """Write nothing."""

    def page_left(self, agent: Agent, name: str) -> None:
        """Forget nothing."""

    def page_showed(self, agent: Agent, token: bytes, *, anew: bool = False, before: str = "") -> None:
        """Seal nothing."""


class StandInCluster:
    """There is no other gateway."""

    is_shared = False

    async def elsewhere(self) -> list[Elsewhere]:
        """Return nobody."""
        return []


class StandInGateway:
    """
    Does at once what it is asked.

    Set ``failure`` to let the next verbs fail, ``waiting`` to let the ``async`` ones wait for it first.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.registry = Registry()
        self.events = EventStream()
        self.asked: list[tuple[Any, ...]] = []
        self.failure: Exception | None = None
        self.waiting: Deferred[None] | None = None
        self.leaving: Agent | None = None
        self.outcome = Outcome(200, "OK")
        self.connections_up = 1
        self.obstacles: tuple[str, ...] = ()
        self.persistence = StandInPersistence()
        self.cluster = StandInCluster()
        self.node = "here"

    def put(self, agent_id: str, **fields: Any) -> AgentMessage:
        """Put a message into an agent's mailbox."""
        return self.agent(agent_id).mailbox.put(AgentMessage(**fields))

    def add_call(self, agent_id: str, call_id: str) -> Call:
        """Give an agent an outbound call."""
        call = Call.outbound(call_id, agent_id, "sip:1003@example.org", parse("v=0"), self.clock.seconds())
        self.registry.add_call(self.agent(agent_id), call)
        return call

    async def sign_in(
        self,
        *,
        agent_id: str,
        dn: str,
        password: str,
        display_name: str = "",
        auth_user: str = "",
        current: bool = False,
        abilities: PageAbilities = DEFAULT,
        no_password: bool = False,
        ha1: HA1 | None = None,
        page: str | None = None,
        take_over: bool | None = None,
    ) -> Agent:
        """Sign an agent in, unless it is."""
        await self._note("sign_in", agent_id, dn, ha1 or password, display_name, current)
        agent = self.registry.find_agent(agent_id)
        if agent is None:
            now = self.clock.seconds()
            agent = Agent(id=agent_id, dn=dn, since=now, expires=now + 600, display_name=display_name)
            agent.pages = [Page(since=now)]
            self.registry.add_agent(agent)
        agent.abilities = abilities
        return agent

    async def sign_out(self, agent_id: str, *, expired: bool = False) -> None:
        """Sign an agent out."""
        agent = self.registry.find_agent(agent_id)
        await self._note("sign_out", agent_id, *(["expired"] if expired else []))
        if agent is not None:
            self.registry.remove_agent(agent)
            agent.mailbox.put(AgentMessage(type=MessageType.SIGNED_OUT, to=agent_id))

    def agent(self, agent_id: str) -> Agent:
        """Return an agent."""
        return self.registry.agent(agent_id)

    def leaver(self, agent_id: str) -> Agent | None:
        """Return the agent that a test says has just left."""
        return self.leaving if self.registry.find_agent(agent_id) is None else None

    def find_dn(self, dn: str) -> Agent | None:
        """Return who has a DN."""
        return self.registry.find_dn(dn)

    def leave_page(self, agent: Agent, name: str) -> None:
        """Note that a page goes."""
        self._record("leave_page", agent.id, name)

    def seen(self, agent_id: str, page: str = "") -> None:
        """Note a page."""
        self.agent(agent_id).last_seen = self.clock.seconds()

    def attend(self, agent_id: str, page: str = "") -> None:
        """Note that a page listens."""
        agent = self.registry.find_agent(agent_id)
        if agent is not None:
            agent.pages[0].waiting += 1

    def leave(self, agent_id: str, page: str = "") -> None:
        """Note that it does not any more."""
        agent = self.registry.find_agent(agent_id)
        if agent is not None:
            agent.pages[0].waiting -= 1

    def agents(self) -> Iterator[Agent]:
        """Return the agents."""
        return self.registry.agents()

    def delivered(self, agent: Agent) -> None:
        """Write nothing."""

    def wants(self, message: AgentMessage) -> bool:
        """Want every description."""
        return True

    def calls(self) -> Iterator[Call]:
        """Return the calls."""
        return self.registry.calls()

    def health(self) -> Health:
        """Return some health."""
        return Health(
            status="ok" if self.connections_up else "down",
            uptime=3600.4,
            registered_agents=self.registry.agent_count,
            active_calls=self.registry.call_count,
            connections_up=self.connections_up,
            connections_total=1,
            obstacles=self.obstacles,
        )

    def may_call(self, agent_id: str, to: str, *, page_address: str = "") -> str:
        """Note a question."""
        self._record("may_call", agent_id, to, page_address)
        return f"sip:{to}@example.org"

    def place_call(
        self,
        agent_id: str,
        to: str,
        sdp: str,
        *,
        page_address: str,
        data: object = (),
        page: str = "",
        hidden: bool = False,
    ) -> Call:
        """Note a new call."""
        self._record("place_call", agent_id, to, sdp, page_address, *([data] if data else []))
        return self.add_call(agent_id, f"call{self.registry.call_count + 1}")

    def send_description(
        self,
        agent_id: str,
        call_id: str | None,
        sdp: str,
        *,
        page_address: str,
        kind: MessageType | None = None,
        data: object = (),
        page: str = "",
        here: bool = False,
    ) -> Call:
        """Note a description."""
        self._record("send_description", agent_id, call_id, sdp, page_address, kind, *([data] if data else []))
        return self.agent(agent_id).call(call_id)

    def answer(self, agent_id: str, call_id: str | None, sdp: str, *, page_address: str, page: str = "") -> Call:
        """Note an answer."""
        self._record("answer", agent_id, call_id, sdp, page_address)
        return self.agent(agent_id).call(call_id)

    async def hangup(self, agent_id: str, call_id: str | None = None, *, code: int | None = None) -> Outcome:
        """Note the verb."""
        return await self._note("hangup", agent_id, call_id, code)

    async def reject(self, agent_id: str, call_id: str | None = None, *, code: int = 486) -> Outcome:
        """Note the verb."""
        return await self._note("reject", agent_id, call_id, code)

    async def hold(self, agent_id: str, call_id: str | None = None) -> Outcome:
        """Note the verb."""
        return await self._note("hold", agent_id, call_id)

    async def resume(self, agent_id: str, call_id: str | None = None) -> Outcome:
        """Note the verb."""
        return await self._note("resume", agent_id, call_id)

    async def dtmf(
        self, agent_id: str, call_id: str | None, digits: str, *, duration_ms: int, gap_ms: int, content_type: str
    ) -> Outcome:
        """Note the verb."""
        return await self._note("dtmf", agent_id, call_id, digits, duration_ms, gap_ms, content_type)

    async def transfer(
        self, agent_id: str, call_id: str | None = None, *, to: str | None = None, to_call: str | None = None
    ) -> Outcome:
        """Note the verb."""
        return await self._note("transfer", agent_id, call_id, to, to_call)

    async def info(self, agent_id: str, call_id: str | None, content_type: str, body: str) -> Outcome:
        """Note the verb."""
        return await self._note("info", agent_id, call_id, content_type, body)

    async def _note(self, *asked: Any) -> Outcome:
        if self.waiting is not None:
            await self.waiting
        self._record(*asked)
        return self.outcome

    def _record(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
