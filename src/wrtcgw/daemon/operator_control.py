"""What operators may set of the running gateway, and what only the daemon knows of it."""

from collections.abc import Callable

from attrs import define, field

from wrtcgw.calls.registry import Registry
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.sip_service import UserAgentService
from wrtcgw.web.ops import Flow


def _nowhere(level: str) -> None:
    """Stand in for a log whose level cannot be changed."""


@define(eq=False)
class Console:
    """
    The operators' hands on the daemon (:class:`wrtcgw.web.ops.Console`).

    :ivar apply_level: changes the level of the log; set by the service, which owns that.
    """

    agent: UserAgentService
    registry: Registry
    event_recorder: EventRecorder
    log_level: str
    apply_level: Callable[[str], None] = field(default=_nowhere)

    def set_log_level(self, level: str) -> None:
        """Change the log level until the next reload or start; at ``debug`` SIP messages are logged as well."""
        self.log_level = level
        self.agent.trace = level == "debug"
        self.apply_level(level)

    def set_capture(self, on: bool) -> None:
        """Begin or stop to record messages; calls that are up are recorded from their next message on."""
        begins = on and not self.event_recorder.recorder.on
        self.event_recorder.switch(on)
        if begins:
            for agent in self.registry.agents():
                for call in agent.calls.values():
                    self.event_recorder.take_up(agent, call)

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
