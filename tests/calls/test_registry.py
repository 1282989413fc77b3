"""The registry of agents and calls, and how an agent finds its call."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.calls.agent import ENDED, Agent
from wrtcgw.calls.call import Call, Direction
from wrtcgw.calls.registry import Registry
from wrtcgw.errors import AgentInUse, AmbiguousCall, NotSignedIn, UnknownCall
from wrtcgw.sdp.description import parse


def an_agent(agent_id: str = "alice", dn: str = "5001") -> Agent:
    """Return an agent."""
    return Agent(id=agent_id, dn=dn, since=0.0)


def a_call(call_id: str = "c1") -> Call:
    """Return a call."""
    return Call.inbound(call_id, "alice", "5002", None, 0.0)


class Agents(SynchronousTestCase):
    """Agents by id and DN."""

    def setUp(self) -> None:
        self.registry = Registry()
        self.agent = an_agent()
        self.registry.add_agent(self.agent)

    def test_find(self) -> None:
        """An agent is found by id and by DN."""
        self.assertIs(self.registry.agent("alice"), self.agent)
        self.assertIs(self.registry.find_agent("alice"), self.agent)
        self.assertIs(self.registry.find_dn("5001"), self.agent)
        self.assertIsNone(self.registry.find_agent("bob"))
        self.assertIsNone(self.registry.find_dn("5002"))
        with self.assertRaises(NotSignedIn):
            self.registry.agent("bob")
        self.assertEqual((list(self.registry.agents()), self.registry.agent_count), ([self.agent], 1))
        self.assertEqual(self.agent.account, "5001")

    def test_taken(self) -> None:
        """An id and a DN belong to one agent at a time."""
        for other in (an_agent("alice", "5002"), an_agent("bob", "5001")):
            with self.assertRaises(AgentInUse):
                self.registry.add_agent(other)

    def test_remove(self) -> None:
        """A removed agent is gone, and removing another of its id changes nothing."""
        self.registry.remove_agent(an_agent())
        self.assertEqual(self.registry.agent_count, 1)
        self.registry.remove_agent(self.agent)
        self.registry.remove_agent(self.agent)
        self.assertEqual((self.registry.agent_count, self.registry.find_dn("5001")), (0, None))
        self.registry.add_agent(an_agent("bob", "5001"))


class Calls(SynchronousTestCase):
    """Calls by id."""

    def setUp(self) -> None:
        self.registry = Registry()
        self.agent = an_agent()
        self.registry.add_agent(self.agent)
        self.call = a_call()
        self.registry.add_call(self.agent, self.call)

    def test_find(self) -> None:
        """A call is found by its id."""
        self.assertIs(self.registry.call("c1"), self.call)
        with self.assertRaises(UnknownCall):
            self.registry.call("c2")
        self.assertEqual((list(self.registry.calls()), self.registry.call_count), ([self.call], 1))

    def test_remove(self) -> None:
        """A removed call is gone, from its agent too if it still has one."""
        other = a_call("c2")
        self.registry.add_call(self.agent, other)
        self.registry.remove_call(None, other)
        self.registry.remove_call(self.agent, self.call)
        self.registry.remove_call(self.agent, self.call)
        self.assertEqual((self.registry.call_count, list(self.agent.calls)), (0, ["c2"]))

    def test_ended(self) -> None:
        """An agent's last calls that are over are known, up to a bound."""
        for number in range(ENDED + 1):
            call = a_call(f"n{number}")
            self.registry.add_call(self.agent, call)
            self.registry.remove_call(self.agent, call)
        self.registry.remove_call(self.agent, call)
        self.assertEqual(list(self.agent.ended), [f"n{number}" for number in range(1, ENDED + 1)])

    def test_hand_over(self) -> None:
        """A call can go over to another agent."""
        new = an_agent("bob", "5002")
        self.registry.hand_over(self.call, new)
        self.assertEqual((self.call.agent_id, list(new.calls)), ("bob", ["c1"]))

    def test_agents_call(self) -> None:
        """An agent's call is found by id, or without one when it is the only one that is up."""
        self.assertIs(self.agent.call("c1"), self.call)
        self.assertIs(self.agent.call(None), self.call)
        self.assertIs(self.agent.call(""), self.call)
        other = a_call("c2")
        self.registry.add_call(self.agent, other)
        with self.assertRaises(AmbiguousCall) as caught:
            self.agent.call(None)
        self.assertIn("c1, c2", str(caught.exception))
        self.call.hang_up()
        self.assertIs(self.agent.call(None), other)
        other.hang_up()
        with self.assertRaises(UnknownCall):
            self.agent.call(None)
        with self.assertRaises(UnknownCall):
            self.agent.call("c3")


class Counted(SynchronousTestCase):
    """A call between two agents counts once."""

    def setUp(self) -> None:
        self.registry = Registry()
        self.alice, self.bob = an_agent(), an_agent("bob", "5002")
        self.registry.add_agent(self.alice)
        self.registry.add_agent(self.bob)

    def leg(self, call_id: str, agent: Agent, peer: str, direction: Direction) -> Call:
        """Put a leg in."""
        if direction is Direction.INBOUND:
            call = Call.inbound(call_id, agent.id, peer, None, 0.0)
        else:
            call = Call.outbound(call_id, agent.id, peer, parse("v=0\r\n"), 0.0)
        self.registry.add_call(agent, call)
        return call

    def test_once(self) -> None:
        """Both legs are one call, whichever is there first and whichever ends first."""
        for first in (0, 1):
            legs = (self.alice, "5002", Direction.OUTBOUND), (self.bob, "5001", Direction.INBOUND)
            calls = [self.leg(f"c{n}", *legs[n]) for n in (first, 1 - first)]
            self.assertEqual(self.registry.call_count, 1)
            self.registry.remove_call(self.alice, calls[0])
            self.registry.remove_call(self.alice, calls[0])
            self.assertEqual(self.registry.call_count, 1)
            self.registry.remove_call(self.bob, calls[1])
            self.assertEqual(self.registry.call_count, 0)

    def test_several(self) -> None:
        """Each leg is of one pair, and legs of other calls are of none."""
        for call_id in ("a", "b"):
            self.leg(call_id, self.alice, "5002", Direction.OUTBOUND)
        self.leg("c", self.bob, "5001", Direction.INBOUND)
        self.assertEqual(self.registry.call_count, 2)
        self.leg("d", self.bob, "5001", Direction.OUTBOUND)
        self.leg("e", self.bob, "1003", Direction.INBOUND)
        self.assertEqual(self.registry.call_count, 4)
        self.leg("f", self.alice, "5002", Direction.INBOUND)
        self.assertEqual(self.registry.call_count, 4)
        self.leg("g", self.alice, "5001", Direction.OUTBOUND)
        self.leg("h", self.alice, "5001", Direction.INBOUND)
        self.assertEqual((self.registry.call_count, len(list(self.registry.calls()))), (5, 8))
