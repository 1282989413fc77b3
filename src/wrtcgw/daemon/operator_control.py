"""What operators may set of the running gateway, and what only the daemon knows of it."""

from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from wrtcgw.calls.registry import Registry
from wrtcgw.config.kinds import COMPONENTS
from wrtcgw.daemon.draining import Draining
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.sip_service import UserAgentService
from wrtcgw.web.ops import Flow


def _nowhere(level: str, components: Mapping[str, str]) -> None:
    """Stand in for a log whose levels cannot be changed."""


@define(eq=False)
class Console:
    """
    The operators' hands on the daemon (:class:`wrtcgw.web.ops.Console`).

    :ivar log_levels: other levels for some parts of the package.
    :ivar apply_levels: changes the levels of the log; set by the service, which owns that.
    """

    agent: UserAgentService
    registry: Registry
    event_recorder: EventRecorder
    log_level: str
    log_levels: Mapping[str, str] = field(factory=dict)
    apply_levels: Callable[[str, Mapping[str, str]], None] = field(default=_nowhere)
    components: Sequence[str] = COMPONENTS
    draining: Draining | None = None
    """Set by the service, which can end the process."""

    def set_log_level(self, level: str, component: str = "") -> None:
        """
        Change the log level until the next reload or start; at ``debug`` SIP messages are logged as well.

        :param component: change that of a part of the package alone; a change without one ends all of those.
        """
        if component:
            self.set_log_levels(self.log_level, {**self.log_levels, component: level})
        else:
            self.set_log_levels(level, {})

    def set_log_levels(self, level: str, components: Mapping[str, str]) -> None:
        """Change all levels."""
        self.log_level, self.log_levels = level, dict(components)
        self.agent.trace = components.get("sip_service", level) == "debug"
        self.apply_levels(level, components)

    def set_capture(self, on: bool) -> None:
        """Begin or stop to record messages; calls that are up are recorded from their next message on."""
        begins = on and not self.event_recorder.recorder.on
        self.event_recorder.switch(on)
        if begins:
            for agent in self.registry.agents():
                for call in agent.calls.values():
                    self.event_recorder.take_up(agent, call)

    def stop_when_drained(self, limit: float | None) -> None:
        """End the process when no call is up, after so many seconds at the latest; None takes that back."""
        if self.draining is not None and limit is not None:
            self.draining.begin(limit)
        elif self.draining is not None:
            self.draining.cancel()

    @property
    def show_data(self) -> bool:
        """Return whether the data that users attach to calls may be shown, as in the log."""
        return self.agent.trace_data

    def flows(self) -> list[Flow]:
        """Return the connections to the proxies."""
        return [
            Flow(flow.number, flow.target.name, flow.transport is not None, flow.last_error)
            for flow in self.agent.flows
        ]

    def sip_call_id(self, call_id: str) -> str:
        """Return the Call-ID of a call, '' when it is over."""
        return self.event_recorder.core.sip_call_id(call_id)
