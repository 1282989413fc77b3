"""The one in-memory table of signed-in agents and calls; every look-up is by hash."""

from collections.abc import Iterator

from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.call import Call
from wrtcgw.calls.leg_pairs import LegPairs
from wrtcgw.errors import AgentInUse, NotSignedIn, UnknownCall


class Registry:
    """Agents by id and by DN, calls by id. An id and a DN belong to one agent at a time."""

    def __init__(self) -> None:
        self._agents: dict[str, Agent] = {}
        self._by_dn: dict[str, Agent] = {}
        self._calls: dict[str, Call] = {}
        self._pairs = LegPairs()

    @property
    def agent_count(self) -> int:
        """Return how many agents are signed in."""
        return len(self._agents)

    @property
    def registered_count(self) -> int:
        """Return of how many of them the registrar holds the binding, as far as is known."""
        return sum(agent.registration is RegistrationState.REGISTERED for agent in self._agents.values())

    @property
    def call_count(self) -> int:
        """Return how many calls are not over; one between two agents counts once, though each of them has a leg."""
        return len(self._calls) - self._pairs.count

    def agents(self) -> Iterator[Agent]:
        """Iterate over the signed-in agents, in order of their sign-in; agents may come and go meanwhile."""
        return iter(tuple(self._agents.values()))

    def calls(self) -> Iterator[Call]:
        """Iterate over the calls, oldest first; calls may come and go meanwhile."""
        return iter(tuple(self._calls.values()))

    def agent(self, agent_id: str) -> Agent:
        """
        Return the agent of that id.

        :raises NotSignedIn: when there is none.
        """
        agent = self._agents.get(agent_id)
        if agent is None:
            raise NotSignedIn(agent_id)
        return agent

    def find_agent(self, agent_id: str) -> Agent | None:
        """Return the agent of that id, or None."""
        return self._agents.get(agent_id)

    def has_dn(self, dn: str) -> bool:
        """Return whether an agent has that DN."""
        return self.find_dn(dn) is not None

    def find_dn(self, dn: str) -> Agent | None:
        """Return the agent that has that DN, or None."""
        return self._by_dn.get(dn)

    def add_agent(self, agent: Agent) -> None:
        """
        Put an agent in.

        :raises AgentInUse: when its id or its DN is taken: remove the other one first.
        """
        if agent.id in self._agents or agent.dn in self._by_dn:
            raise AgentInUse(agent.id)
        self._agents[agent.id] = agent
        self._by_dn[agent.dn] = agent

    def remove_agent(self, agent: Agent) -> None:
        """Take an agent out, if it is in; its calls stay until each has ended."""
        if self._agents.get(agent.id) is agent:
            del self._agents[agent.id]
            del self._by_dn[agent.dn]

    def call(self, call_id: str) -> Call:
        """
        Return the call of that id.

        :raises UnknownCall: when there is none.
        """
        call = self._calls.get(call_id)
        if call is None:
            raise UnknownCall(call_id)
        return call

    def add_call(self, agent: Agent, call: Call) -> None:
        """Put a call in and give it to its agent."""
        self._calls[call.id] = call
        agent.calls[call.id] = call
        self._pairs.add(agent, call)

    def remove_call(self, agent: Agent | None, call: Call) -> None:
        """Take a call out, if it is in."""
        self._calls.pop(call.id, None)
        self._pairs.remove(call.id)
        if agent is not None and agent.calls.pop(call.id, None) is not None:
            agent.note_end(call.id)

    def hand_over(self, call: Call, agent: Agent) -> None:
        """Give a call to another agent than the one who has it."""
        agent.calls[call.id] = call
        call.hand_over(agent.id)
