"""
Which calls of agents are the two legs of one call between them.

Nothing in SIP tells it: a PBX between the two gives each leg a Call-ID of its own. What both have is who calls whom.
"""

from attrs import define, field

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, Direction

Ends = tuple[str, str]
"""Who calls, and who is called."""


def ends(agent: Agent, call: Call) -> Ends:
    """Return who calls whom, as the leg of this agent has it."""
    return (agent.dn, call.peer) if call.direction is Direction.OUTBOUND else (call.peer, agent.dn)


@define(eq=False)
class LegPairs:
    """
    Legs by who calls whom; the caller's and the called agent's leg between the same two are a pair.

    :ivar count: how many pairs there are.
    """

    count: int = 0
    _ends: dict[str, tuple[Ends, Direction]] = field(factory=dict)
    _legs: dict[Ends, dict[Direction, int]] = field(factory=dict)

    def add(self, agent: Agent, call: Call) -> None:
        """Take a leg in, with the ends that it has now."""
        self.remove(call.id)
        known = self._ends[call.id] = (ends(agent, call), call.direction)
        self._change(*known, by=1)

    def remove(self, call_id: str) -> None:
        """Take a leg out, if it is in."""
        known = self._ends.pop(call_id, None)
        if known is not None:
            self._change(*known, by=-1)

    def _change(self, both: Ends, direction: Direction, by: int) -> None:
        legs = self._legs.setdefault(both, dict.fromkeys(Direction, 0))
        before = min(legs.values())
        legs[direction] += by
        self.count += min(legs.values()) - before
        if not any(legs.values()):
            del self._legs[both]
