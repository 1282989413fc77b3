"""
A flow: one place in the pool of connections to the SIP proxies, kept connected as long as its service runs.

The gateway knows a flow by its number and never sees sockets. Reconnecting itself is Twisted's ``ClientService``; which
proxy and when is :class:`~wrtcgw.transport.reconnect.Reconnection`; this module joins the two and says in the log what
an operator needs to know.
"""

from collections.abc import Sequence
from typing import Protocol, cast

from attrs import define, field, frozen
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError, ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from wrtcgw.transport.interfaces import MessageTransport, ProtocolFault
from wrtcgw.transport.reconnect import Reconnection

log = Logger()


class FlowUser(Protocol):
    """Who is told what happens on the flows."""

    def flow_connected(self, flow: int, *, secure: bool) -> None:
        """Take notice that the flow can carry messages; ``secure`` when over TLS."""

    def flow_disconnected(self, flow: int, why: Failure) -> None:
        """Take notice that it cannot any more."""

    def flow_received(self, flow: int, text: str) -> None:
        """Take one SIP message."""


@frozen
class Target:
    """A proxy, and the name under which the log shows it."""

    name: str
    endpoint: IStreamClientEndpoint
    secure: bool = False
    """Whether it is reached over TLS."""


@define
class FlowProtocol:
    """The application protocol on an open WebSocket of a flow."""

    flow: "Flow"

    def makeConnection(self, transport: MessageTransport) -> None:
        """Take the open connection."""
        self.flow.opened(transport)

    def textMessageReceived(self, text: str) -> None:
        """Pass one SIP message on."""
        self.flow.user.flow_received(self.flow.number, text)

    def connectionLost(self, reason: Failure) -> None:
        """Pass the loss on."""
        self.flow.closed(reason)


@implementer(IStreamClientEndpoint, IProtocolFactory)
@define(eq=False, repr=False)
class Flow:
    """
    One connection of the pool: endpoint and factory of its own ``ClientService``.

    ``connect`` goes to the proxy whose turn it is.
    """

    number: int
    targets: Sequence[Target]
    reconnection: Reconnection
    clock: IReactorTime
    user: FlowUser
    transport: MessageTransport | None = None
    """The open connection, None while there is none."""
    last_error: str = ""
    """Why the last attempt or connection ended, empty once there is a new one."""
    stopping: bool = False
    """The end of the connection is wanted."""
    _repeated: int = field(default=0, init=False)

    def __repr__(self) -> str:
        return f"<flow {self.number} to {self.target.name}>"

    def service(self) -> ClientService:
        """Make the service that keeps this flow connected."""
        return ClientService(
            self, self, retryPolicy=lambda _: self.reconnection.delay(), clock=cast("None", self.clock)
        )

    @property
    def target(self) -> Target:
        """The proxy in use, or to be tried next."""
        return self.targets[self.reconnection.current]

    def send(self, text: str) -> None:
        """Send one SIP message; without effect when there is no connection, as the core is told of that apart."""
        if self.transport is None:
            log.debug("flow {flow}: not connected, message dropped", flow=self.number)
        else:
            self.transport.sendTextMessage(text)

    # IStreamClientEndpoint

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[IProtocol]":  # noqa: N803
        """Try the proxy whose turn it is (:class:`IStreamClientEndpoint`)."""
        return self.target.endpoint.connect(protocolFactory).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        if not failure.check(CancelledError, ConnectingCancelledError):
            self._complain("cannot connect to", failure)
            self.reconnection.failed()
        return failure

    # IProtocolFactory

    def doStart(self) -> None:
        """Do nothing (:class:`IProtocolFactory`)."""

    def doStop(self) -> None:
        """Do nothing (:class:`IProtocolFactory`)."""

    def buildProtocol(self, addr: IAddress) -> IProtocol:
        """Make the protocol of a WebSocket that just opened (:class:`IProtocolFactory`)."""
        return cast(IProtocol, FlowProtocol(self))

    # for FlowProtocol

    def opened(self, transport: MessageTransport) -> None:
        """Take the open connection and tell the user."""
        log.info("flow {flow}: connected to {proxy}", flow=self.number, proxy=self.target.name)
        self.transport = transport
        self.last_error = ""
        self.reconnection.connected(self.clock.seconds())
        self.user.flow_connected(self.number, secure=self.target.secure)

    def closed(self, reason: Failure) -> None:
        """Drop the connection and tell the user."""
        self.transport = None
        if self.stopping:
            log.info("flow {flow}: closed", flow=self.number)
        else:
            self._complain("lost", reason)
        self.reconnection.lost(self.clock.seconds(), by_us=reason.check(ProtocolFault) is not None)
        self.user.flow_disconnected(self.number, reason)

    def _complain(self, what: str, failure: Failure) -> None:
        """Log a failure: a new one at once, the same one again ever more rarely."""
        error = explain(failure)
        self._repeated = self._repeated + 1 if error == self.last_error else 1
        self.last_error = error
        level = log.warn if self._repeated & (self._repeated - 1) == 0 else log.debug
        level(
            "flow {flow}: {what} {proxy}: {error} (attempt {attempt})",
            flow=self.number,
            what=what,
            proxy=self.target.name,
            error=error,
            attempt=self._repeated,
        )


def explain(failure: Failure) -> str:
    """Say why a connection failed; TLS errors as such are hard to read."""
    if failure.check(VerificationError):
        return "the certificate is not for this host name"
    if isinstance(failure.value, SSL.Error):
        # either a list of OpenSSL's (library, function, reason), or a number and a text, or nothing
        detail = failure.value.args[-1] if failure.value.args else "closed by the server"
        return "TLS: " + (detail if isinstance(detail, str) else ", ".join(entry[-1] for entry in detail))
    if failure.check(ConnectionDone):
        return "TCP was closed without a word"
    return failure.getErrorMessage()
