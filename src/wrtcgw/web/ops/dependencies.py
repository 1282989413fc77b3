"""What the operators' calls stand on."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from wrtcgw.calls.agent import Agent
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.meters.meters import Meters
from wrtcgw.web.sessions import Session


@frozen
class Flow:
    """One connection to a proxy: its number, where it goes, whether it is up, why it is not."""

    number: int
    target: str
    up: bool
    error: str


class Console(Protocol):
    """What operators may set of the running gateway beside its calls, and what only the shell knows."""

    @property
    def log_level(self) -> str:
        """Return the log level in effect."""

    @property
    def log_levels(self) -> Mapping[str, str]:
        """Return the levels of parts of the package that have others."""

    @property
    def components(self) -> Sequence[str]:
        """Return the parts that can have one."""

    def set_log_level(self, level: str, component: str = "") -> None:
        """Change the log level, of one part or of all, until the next reload or start."""

    def set_capture(self, on: bool) -> None:
        """Begin or stop to record messages."""

    def stop_when_drained(self, limit: float | None) -> None:
        """End the process when no call is up, after so many seconds at the latest; None takes that back."""

    @property
    def show_data(self) -> bool:
        """Return whether the data that users attach to calls may be shown."""

    def flows(self) -> Sequence[Flow]:
        """Return the connections to the proxies."""

    def sip_call_id(self, call_id: str) -> str:
        """Return the Call-ID of a call, '' when it is over."""


class Doorkeeper(Protocol):
    """Who signs pages in and out."""

    def dismiss(self, agent_id: str) -> None:
        """End what hangs for an agent that is gone."""

    def sessions(self) -> list[tuple[Agent, Session]]:
        """Return the sessions of the agents who are there."""


class Deliveries(Protocol):
    """What is posted to others."""

    def view(self) -> Mapping[str, object]:
        """Return how that gets on."""


@frozen(kw_only=True)
class OpsParts:
    """The parts of the daemon that the operators' calls look at."""

    recorder: Recorder
    history: History
    meters: Meters
    console: Console
    deliveries: Deliveries | None = None
