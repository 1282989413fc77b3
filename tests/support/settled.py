"""
A subscriber that looks at every involved object on each event: what it sees has to be settled, and in order.

Each message for a page has to be as the OpenAPI document describes it.
"""

from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from tests.support.openapi import message_faults
from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.page import Page
from wrtcgw.calls.registry import Registry
from wrtcgw.events import catalogue as events
from wrtcgw.events.stream import EventStream
from wrtcgw.web.messages import to_roap


class SettledCheck:
    """
    Checks the events of one gateway.

    :param stream: of the gateway.
    :ivar faults: what was not as it has to be.
    :ivar count: how many events there were.
    """

    def __init__(self, stream: EventStream, registry: Registry) -> None:
        self.faults: list[str] = []
        self.count = 0
        self._stream = stream
        self._registry = registry
        self._states: dict[str, CallState] = {}
        self._holds: dict[str, dict[bool, bool]] = {}
        self._seqs: WeakKeyDictionary[Page, int] = WeakKeyDictionary()
        self._checks: dict[type, Callable[..., None]] = {
            events.CallBegan: self._began,
            events.CallChanged: self._changed,
            events.CallHandedOver: self._handed_over,
            events.HoldChanged: self._hold_changed,
            events.MessageQueued: self._queued,
            events.AgentSignedIn: self._signed_in,
            events.AgentSignedOut: self._signed_out,
            events.RegistrationChanged: self._registration_changed,
        }
        stream.subscribe_to_all(self._see)

    def knows(self, calls: Iterable[Call]) -> None:
        """Take calls as known that began before."""
        self._states.update((call.id, call.state) for call in calls)

    def _see(self, event: object) -> None:
        self.count += 1
        self._want(event, not self._stream.is_open, "is told while an entry is open")
        check = self._checks.get(type(event))
        if check is not None:
            check(event)
        self._tables_agree(event)

    def _want(self, event: object, fine: bool, fault: str) -> None:
        if not fine:
            self.faults.append(f"{type(event).__name__} {fault}: {event}")

    def _tables_agree(self, event: object) -> None:
        """Check that the registry lists a call if and only if it is not over, and that an agent lists no other."""
        listed = {call.id: call for call in self._registry.calls()}
        for call in listed.values():
            self._want(event, call.state is not CallState.ENDED, f"sees call {call.id}, which is over, in the registry")
        for agent in self._registry.agents():
            for call_id, call in agent.calls.items():
                self._want(event, listed.get(call_id) is call, f"sees call {call_id} with its agent alone")
                self._want(event, call.agent_id == agent.id, f"sees call {call_id} with two agents")

    def _began(self, event: events.CallBegan) -> None:
        ordered = event.sip_call_id == ""
        dials = event.call.direction.value == "outbound" and not ordered
        first = CallState.DIALLING if dials else CallState.OFFERED
        self._want(event, event.call.id not in self._states, "comes twice")
        self._want(event, not ordered or event.call.direction.value == "outbound", "has no Call-ID")
        self._states[event.call.id] = first

    def _changed(self, event: events.CallChanged) -> None:
        before = self._states.get(event.call.id)
        self._want(event, before is event.before and event.before is not event.after, f"follows on {before}")
        self._states[event.call.id] = event.after
        if event.after is CallState.ENDED:
            self._over(event, event.call)
        if event.after is CallState.ESTABLISHED:
            self._want(event, event.call.answered is not None, "has no time of the answer")

    def _over(self, event: events.CallChanged, call: Call) -> None:
        listed = [other.id for other in self._registry.calls()]
        self._want(event, call.id not in listed, "sees the call in the registry")
        agent = self._registry.find_agent(call.agent_id)
        self._want(event, agent is None or call.id not in agent.calls, "sees the call with its agent")
        self._want(event, call.ended is not None and bool(call.cause), "has no time or cause of the end")
        self._want(event, not call.negotiation.has_open_offer, "sees an offer open")
        self._want(event, not call.deadlines, "sees the call wait for something")

    def _handed_over(self, event: events.CallHandedOver) -> None:
        self._want(event, self._registry.find_agent(event.after.id) is event.after, "names one who is not there")
        self._want(event, event.call.agent_id == event.after.id, "sees the call with another agent")

    def _hold_changed(self, event: events.HoldChanged) -> None:
        call = event.call
        held = call.held_by_peer if event.by == "peer" else call.held
        self._want(event, held is event.on_hold or not call.is_up, "sees the negotiation in another state")

    def _queued(self, event: events.MessageQueued) -> None:
        before, seq = self._seqs.get(event.page, 0), event.message.seq
        self._want(event, seq > before, f"comes behind message {before}")
        self._want(event, event.page.mailbox.newest_seq >= seq, "is not in the mailbox")
        self._seqs[event.page] = seq
        self.faults += message_faults(to_roap(event.message))
        if event.message.ends_call:
            agent = self._registry.find_agent(event.agent.id)
            self._want(event, agent is None or event.message.call_id not in agent.calls, "ends a call that is there")

    def _signed_in(self, event: events.AgentSignedIn) -> None:
        has_left = event.agent.registration is RegistrationState.SIGNED_OUT  # by what has followed in the same entry
        there = self._registry.find_dn(event.agent.dn) is event.agent
        self._want(event, there is not has_left, "is of one who is not there")

    def _signed_out(self, event: events.AgentSignedOut) -> None:
        self._want(event, self._registry.find_dn(event.agent.dn) is not event.agent, "is of one who is there")
        self._want(event, event.agent.registration is RegistrationState.SIGNED_OUT, "is of one who is registered")

    def _registration_changed(self, event: events.RegistrationChanged) -> None:
        self._want(event, event.before is not event.after, "is none")

    def at_the_end(self) -> None:
        """Compare what the events have told with what is."""
        for call in self._registry.calls():
            if call.id in self._states and self._states[call.id] is not call.state:
                self.faults.append(f"call {call.id} is {call.state}, and the events end with {self._states[call.id]}")
