"""All calls that are known, running and over, and how to find one of them."""

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.capture.history import CallRecord
from wrtcgw.capture.unmatched_invites import stray_record
from wrtcgw.gateway import Gateway
from wrtcgw.gateway.cluster import Elsewhere
from wrtcgw.web.ops.dependencies import OpsParts
from wrtcgw.web.ops.views import View, active_view, ended_view

AGENT_KEYS = ("id", "dn")
CALL_KEYS = ("callId", "sipCallId", "agent", "dn", "uuid", "peer")
"""The fields of a call's view that are searched."""

SOON = 10_000
"""Milliseconds in which a call arrives where it was placed to."""


@frozen
class Calls:
    """
    The calls.

    :param seconds: the clock of the calls' times.
    :param wall: seconds since the epoch.
    """

    gateway: Gateway
    parts: OpsParts
    seconds: Callable[[], float]
    wall: Callable[[], float]

    def active(self, others: Sequence[Elsewhere] = ()) -> Iterator[View]:
        """Iterate over the calls that are not over, oldest first, and then over those of agents of other gateways."""
        now, wall = self.seconds(), self.wall()
        agents = {agent.id: agent for agent in self.gateway.agents()}
        for call in self.gateway.calls():
            sip_call_id = self.parts.console.sip_call_id(call.id)
            yield active_view(call, agents.get(call.agent_id), sip_call_id, node=self.gateway.node, now=now, wall=wall)
        for each in others:
            for call in each.agent.calls.values():
                yield active_view(call, each.agent, "", node=each.node, now=now, wall=wall)

    def ended(self) -> Iterator[View]:
        """Iterate over the calls that are over, those included that no agent was offered; newest first."""
        wall = self.wall()
        return (ended_view(record, self.gateway.node, wall) for record in self.records())

    def records(self) -> list[CallRecord]:
        """Return the records of the calls that are over, newest first."""
        strays = (stray_record(track) for track in self.parts.recorder.stray())
        return sorted([*self.parts.history, *strays], key=lambda record: record.ended, reverse=True)

    def running(self, key: str) -> Call | None:
        """Return a call that is not over, by its id or its Call-ID."""
        sip_call_id = self.parts.console.sip_call_id
        return next((call for call in self.gateway.calls() if key in (call.id, sip_call_id(call.id))), None)

    def view(self, key: str) -> View | None:
        """Return a call, by its id or its Call-ID."""
        every = (view for source in (self.active(), self.ended()) for view in source)
        return next((view for view in every if key in (view["callId"], view["sipCallId"])), None)

    def other_leg(self, call: View) -> View | None:
        """Return the other leg of a call between two agents of this gateway; where it cannot be told for sure, none."""
        every = [view for source in (self.active(), self.ended()) for view in source]
        return min(
            (view for view in every if are_legs(call, view)),
            key=lambda view: abs(int(str(view["startedAt"])) - int(str(call["startedAt"]))),
            default=None,
        )

    def matching(self, wanted: str, others: Sequence[Elsewhere] = ()) -> list[View]:
        """Return calls one of whose names is, or begins with, what is wanted; those that match in full come first."""
        whole, begun = [], []
        for source in (self.active(others), self.ended()):
            for view in source:
                names = [_name(str(view[key])) for key in CALL_KEYS if view[key]]
                if wanted in names:
                    whole.append(view)
                elif any(name.startswith(wanted) for name in names):
                    begun.append(view)
        return [*whole, *begun]

    def agents(self, wanted: str) -> list[Agent]:
        """Return agents of this gateway whose id or DN is, or begins with, what is wanted."""
        found = [agent for agent in self.gateway.agents() if is_agent(agent, wanted)]
        found.sort(key=lambda agent: wanted not in (_name(agent.id), _name(agent.dn)))
        return found


def are_legs(one: View, other: View) -> bool:
    """
    Return whether two calls are what a PBX, or a proxy, makes of one: somebody's way out and somebody's way in.

    They have the X-Genesys-CallUUID in common; or each has the other's number at its far side, and the way in began
    soon after the way out, which was not over then.
    """
    if one["direction"] == other["direction"] or one["callId"] == other["callId"]:
        return False
    if one["uuid"] and one["uuid"] == other["uuid"]:
        return True
    out, into = (one, other) if one["direction"] == "outbound" else (other, one)
    numbers = [(_name(str(out["dn"])), _name(str(into["peer"]))), (_name(str(into["dn"])), _name(str(out["peer"])))]
    if not all(dn and dn == peer for dn, peer in numbers):
        return False
    began, came, over = (int(str(value)) for value in (out["startedAt"], into["startedAt"], out["endedAt"] or 10**15))
    return began <= came <= min(over, began + SOON)


def is_agent(agent: Agent, wanted: str) -> bool:
    """Return whether the id or DN of an agent is, or begins with, what is wanted."""
    return any(_name(name).startswith(wanted) for name in (agent.id, agent.dn))


def searched(text: str) -> str:
    """Return what a user typed as it is searched for."""
    return _name(text.strip())


def _name(text: str) -> str:
    """Return a name for comparing: case does not count, and of a SIP address only the user does."""
    name = text.casefold()
    for scheme in ("sip:", "sips:"):
        if name.startswith(scheme):
            return name[len(scheme) :].partition("@")[0].partition(";")[0]
    return name
