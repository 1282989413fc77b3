"""
The service that joins the gateway to the network: text in, text out, one timer, a clean end.

It decides nothing about SIP. What comes on a flow goes to the gateway, what the gateway sends goes to the flow, and
after each entry the gateway asks for its one timer to be set again (its ``rearm`` hook).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from attrs import field, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.events.catalogue import ConnectionDown, ConnectionUp, Loss, SIPMessageReceived, SIPMessageSent
from wrtcgw.events.stream import EventStream
from wrtcgw.redact import hide_data, redact
from wrtcgw.transport.flow import Flow, Target
from wrtcgw.transport.interfaces import ClosedByPeer, PongTimeout, ProtocolFault
from wrtcgw.transport.reconnect import Reconnection, ReconnectSettings

log = Logger()


class GatewayPort(Protocol):
    """The side of the gateway that faces the network; each method but the last two may send on any flow."""

    rearm: Callable[[], None]
    """Set by the service; to be called after anything that may have changed :meth:`next_deadline`."""
    report: Callable[[Exception], None]
    """Set by the service; told of bugs that the gateway survived."""

    def connected(self, flow: int, *, secure: bool) -> None:
        """Take notice that the flow can carry messages; ``secure`` when over TLS."""

    def disconnected(self, flow: int) -> None:
        """Take notice that it cannot any more."""

    def received(self, flow: int, text: str) -> None:
        """Take one SIP message."""

    def tick(self) -> None:
        """Do what is due."""

    def next_deadline(self) -> float | None:
        """Return when :meth:`tick` wants to be called, in the clock's seconds; None for not at all."""

    def drain(self) -> Awaitable[object]:
        """End all calls and registrations; done when the far side has confirmed it."""


@frozen(kw_only=True)
class AgentSettings:
    """Times in seconds."""

    flows: int = 1
    """How many connections to the proxies to keep."""
    reconnect: ReconnectSettings = field(factory=ReconnectSettings)
    drain_timeout: float = 5.0
    """How long calls and registrations may take to end when the service stops."""
    survives: bool = False
    """They do not end then, but are written down, which takes its time with or without a connection."""
    trace: bool = False
    """Log each SIP message, redacted, at level debug."""
    trace_data: bool = False
    """Show the data that users attached to calls, too."""


class UserAgentService(MultiService):
    """
    Keeps a pool of flows connected and the gateway fed.

    The children are the flows' ``ClientService``. Stopping ends calls and registrations first, and only then closes the
    WebSockets.
    """

    def __init__(
        self,
        clock: IReactorTime,
        settings: AgentSettings,
        targets: Sequence[Target],
        uniform: Callable[[float, float], float],
        events: EventStream,
    ) -> None:
        """
        Set up; nothing is opened yet.

        :param targets: the proxies in order of preference, the same for each flow.
        :param uniform: a random number between two.
        :param events: told of what passes, and of connections that come and go.
        """
        super().__init__()
        self._clock = clock
        self._settings = settings
        self.trace, self.trace_data = settings.trace, settings.trace_data
        self._events = events
        self._gateway: GatewayPort
        self._timer: IDelayedCall | None = None
        self._due = 0.0
        self.flows = [
            Flow(number, targets, Reconnection(settings.reconnect, len(targets), uniform), clock, self)
            for number in range(settings.flows)
        ]
        for flow in self.flows:
            flow.service().setServiceParent(self)

    def attach(self, gateway: GatewayPort) -> None:
        """
        Take the gateway to be fed.

        Apart from ``__init__`` because each needs the other: the gateway is made with :meth:`send`.
        """
        self._gateway = gateway
        gateway.rearm = self.rearm
        gateway.report = self._report

    @property
    def flows_up(self) -> int:
        """How many flows can carry messages now."""
        return sum(flow.transport is not None for flow in self.flows)

    def send(self, flow: int, text: str) -> None:
        """Send one SIP message on a flow; dropped when it is not connected."""
        if self.trace:
            log.debug("flow {flow} sent\n{text}", flow=flow, text=self._shown(text))
        self._events.publish(SIPMessageSent(flow, text, self.flows[flow].transport is not None))
        self.flows[flow].send(text)

    def _shown(self, text: str) -> str:
        return redact(text if self.trace_data else hide_data(text))

    # IService

    def startService(self) -> None:
        """Open the flows and the timer."""
        super().startService()
        self.rearm()

    def stopService(self) -> "Deferred[object]":
        """
        End calls and registrations, then close the WebSockets.

        :returns: a Deferred that fires when everything is closed, after ``drain_timeout`` and the WebSockets' own
            ``close_timeout`` at the latest.
        """
        log.info("stopping: calls and registrations are ended, or kept where the state_store survives")
        # without a connection nobody can confirm anything, so there is nothing to wait for but a store
        patience = self._settings.drain_timeout if self.flows_up or self._settings.survives else 0.0
        drained = maybeDeferred(self._gateway.drain).addTimeout(patience, self._clock)
        return drained.addErrback(self._not_drained).addCallback(self._close)

    def _not_drained(self, failure: Failure) -> None:
        if failure.check(DeferredTimeout):
            log.warn("not all calls and registrations could be ended in time")
        else:
            log.failure("draining failed", failure)

    def _close(self, _: object) -> "Deferred[object]":
        self._disarm()
        for flow in self.flows:
            flow.stopping = True
        return maybeDeferred(super().stopService)

    # FlowUser: each entry leaves the gateway's faults in the log, for the next agent's message must still be served

    def flow_connected(self, flow: int, *, secure: bool) -> None:
        """Tell the gateway."""
        self._events.publish(ConnectionUp(flow))
        self._enter(partial(self._gateway.connected, flow, secure=secure))

    def flow_disconnected(self, flow: int, why: Failure) -> None:
        """Tell the gateway."""
        self._events.publish(ConnectionDown(flow, Loss.STOPPING if self.flows[flow].stopping else _loss(why)))
        self._enter(partial(self._gateway.disconnected, flow))

    def flow_received(self, flow: int, text: str) -> None:
        """Give the message to the gateway."""
        if self.trace:
            log.debug("flow {flow} received\n{text}", flow=flow, text=self._shown(text))
        self._events.publish(SIPMessageReceived(flow, text))
        self._enter(partial(self._gateway.received, flow, text))

    def _enter(self, entry: Callable[[], None]) -> None:
        try:
            entry()
        except Exception as error:
            self._report(error)
            self.rearm()

    def _report(self, error: Exception) -> None:
        log.failure("a bug in the gateway; everything else goes on", Failure(error))

    # the timer

    def rearm(self) -> None:
        """
        Make sure the timer goes off no later than the gateway's next deadline.

        It runs after each message, so it does nothing when the deadline stayed or moved further away: an early wake-up
        is cheap, and it sets the timer right. A cancelled and new call costs Twisted less than ``reset`` to an earlier
        time, which searches all its calls.
        """
        deadline = self._gateway.next_deadline() if self.running else None
        if deadline is None:
            self._disarm()
        elif self._timer is None or deadline < self._due:
            self._disarm()
            self._due = deadline
            self._timer = self._clock.callLater(max(0.0, deadline - self._clock.seconds()), self._wake)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        self._enter(self._gateway.tick)
        self.rearm()


def _loss(why: Failure) -> Loss:
    """Return in a word why a connection was lost."""
    if why.check(ClosedByPeer, ConnectionDone):
        return Loss.CLOSED
    if why.check(PongTimeout):
        return Loss.SILENT
    return Loss.FAULT if why.check(ProtocolFault) else Loss.FAILED
