"""
The demo PBX: SIP over WebSocket on loopback, so that a gateway has something to talk to where nothing is installed.

It is a user agent like the gateway itself: one :class:`~wrtcgw.sip.core.UACore`, in which each WebSocket connection is
a flow. This service drives it; registrations are taken by :class:`~wrtcgw.demo.registrar.Registrar`, calls by
:class:`~wrtcgw.demo.switchboard.Switchboard`. It is a convenience and no PBX to run a business on.
"""

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import cast

from twisted.application.service import Service
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred, succeed
from twisted.internet.interfaces import (
    IDelayedCall,
    IListeningPort,
    IReactorFromThreads,
    IReactorTCP,
    IReactorTime,
)
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.demo.extensions import EXTENSIONS, USERS
from wrtcgw.demo.lines import Exchange
from wrtcgw.demo.media import Media, MediaUnavailableError, open_media
from wrtcgw.demo.registrar import Registrar
from wrtcgw.demo.switchboard import Switchboard
from wrtcgw.redact import hide_data, redact
from wrtcgw.sip.core import Account, UACore, UASettings
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import Output, PeerFault, Send
from wrtcgw.sip.parser import parse
from wrtcgw.sip.timers import Timers
from wrtcgw.tokens import SystemTokens
from wrtcgw.transport.interfaces import MessageTransport, WebSocketSettings
from wrtcgw.transport.websocket_server import WebSocketServerFactory

log = Logger()

LOOPBACK = "127.0.0.1"
DOMAIN = "demo.invalid"


class DemoPBX(Service):
    """
    The demo PBX as a service.

    :ivar url: where it listens, ``ws://127.0.0.1:PORT``; known once it has started.
    :ivar domain: of its users' addresses; it answers for any other too.
    """

    def __init__(
        self,
        reactor: object,
        port: int = 0,
        *,
        domain: str = DOMAIN,
        with_media: bool = True,
        opening: Callable[[IReactorFromThreads], Media] = open_media,
    ) -> None:
        """
        Prepare the PBX.

        :param reactor: listens, keeps time, and takes calls from the media thread.
        :param port: 0 lets the kernel choose.
        :param with_media: False leaves all calls without sound, as if the ``demo`` extra were missing.
        :param opening: starts the media thread.
        """
        self.domain = domain
        self.trace_data = False
        self.url = ""
        self._tcp = cast(IReactorTCP, reactor)
        self._threads = cast(IReactorFromThreads, reactor)
        self._clock = cast(IReactorTime, reactor)
        self._port = port
        self._with_media = with_media
        self._opening = opening
        self._listener: IListeningPort | None = None
        self._connections: dict[int, Connection] = {}
        self._flows = count(1)
        self._pending: deque[Output] = deque()
        self._busy = False
        self._timer: IDelayedCall | None = None
        self._exchange = Exchange()
        self._closed: Deferred[None] | None = None
        tokens = SystemTokens()
        settings = UASettings(
            domain=domain,
            instance="demo-pbx",
            user_agent="wrtcgw demo PBX",
            replaces_across_accounts=True,
            dialogs_follow=True,
        )
        self._core = UACore(settings, Timers(), tokens)
        self.registrar = Registrar(domain, USERS, tokens)
        self.switchboard = Switchboard(self._core, self.registrar, self._exchange, self._clock, self.run)

    # -- the service

    def startService(self) -> None:
        """Start the media thread where there is one, and listen."""
        super().startService()
        self._exchange.media = self._open_media() if self._with_media else None
        factory = WebSocketServerFactory(self._clock, WebSocketSettings(), lambda: Connection(self))
        self._listener = self._tcp.listenTCP(self._port, cast(ServerFactory, factory), interface=LOOPBACK)
        address = cast(IPv4Address, self._listener.getHost())
        self.url = f"ws://{LOOPBACK}:{address.port}"
        log.info(
            "demo PBX at {url}: users {first}-{last}, extensions {extensions}",
            url=self.url,
            first=min(USERS),
            last=max(USERS),
            extensions=", ".join(EXTENSIONS),
        )

    def _open_media(self) -> Media | None:
        try:
            return self._opening(self._threads)
        except MediaUnavailableError as error:
            log.warn("the demo PBX has NO SOUND, its calls connect in signalling only: {error}", error=error)
            return None

    def stopService(self) -> "Deferred[object]":
        """Stop listening, drop all connections and calls, and end the media thread."""
        super().stopService()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self.switchboard.stop()
        ends: list[Deferred[object]] = []
        if self._listener is not None:
            ends.append(maybeDeferred(self._listener.stopListening))
        if self._connections:
            self._closed = Deferred()
            ends.append(cast("Deferred[object]", self._closed))
        for connection in self.connections:
            connection.transport.abortConnection()
        media, self._exchange.media = self._exchange.media, None
        ends.append(cast("Deferred[object]", media.stop() if media is not None else succeed(None)))
        return cast("Deferred[object]", DeferredList(ends))

    # -- connections

    @property
    def connections(self) -> "list[Connection]":
        """Return the connections that are open."""
        return list(self._connections.values())

    def opened(self, connection: "Connection") -> int:
        """Take a new WebSocket connection, and return its flow."""
        flow = next(self._flows)
        self._connections[flow] = connection
        self.run(self._core.connected(flow, self._clock.seconds()))
        return flow

    def lost(self, flow: int) -> None:
        """Note that a connection is gone, and who registered over it with it."""
        del self._connections[flow]
        self.registrar.flow_lost(flow)
        if self.running:
            self.run(self._core.disconnected(flow, self._clock.seconds()))
        elif self._closed is not None and not self._connections:
            self._closed.callback(None)

    def received(self, flow: int, text: str) -> None:
        """Take one SIP message: what a registrar does is done here, the rest is the core's."""
        log.debug("from flow {flow}:\n{text}", flow=flow, text=self._shown(text))
        now = self._clock.seconds()
        response = self._registrars_response(flow, text, now)
        if response is not None:
            self._send(Send(flow, response.to_text()))
        elif self.running:
            self.run(self._core.receive(flow, text, now))

    def _registrars_response(self, flow: int, text: str, now: float) -> Response | None:
        """Answer a REGISTER, and challenge a call; None leaves the message to the core."""
        try:
            request = parse(text)
            if not isinstance(request, Request) or request.to_tag:
                return None
            if request.method == "REGISTER":
                return self.registrar.register(flow, request, now)
            if request.method != "INVITE":
                return None
            refusal = self.registrar.refusal(request, request.from_.uri.user or "", now)
            if refusal is None:
                self._serve(request.request_uri.user or "")
            return refusal
        except RemoteViolation:
            return None  # the core tells the sender what is wrong

    def _serve(self, number: str) -> None:
        """Let the core take calls for a number that we have; to any other it answers 404."""
        if number in EXTENSIONS or self.registrar.knows(number):
            self._core.add_account(Account(number, number, ""))

    # -- the core

    def run(self, outputs: list[Output]) -> None:
        """Carry out outputs in order, those first that an earlier entry has left; then set the timer."""
        self._pending.extend(outputs)
        if self._busy:
            return
        self._busy = True
        try:
            while self._pending:
                self._carry_out(self._pending.popleft())
        finally:
            self._busy = False
        self._rearm()

    def _carry_out(self, output: Output) -> None:
        try:
            if isinstance(output, Send):
                self._send(output)
            elif isinstance(output, PeerFault):
                log.warn("flow {flow}: {detail}", flow=output.flow, detail=output.detail)
            else:
                self.switchboard.take(output)
        except Exception:
            log.failure("demo PBX: {output}", output=output)

    def _send(self, output: Send) -> None:
        connection = self._connections.get(output.flow)
        if connection is not None:
            log.debug("to flow {flow}:\n{text}", flow=output.flow, text=self._shown(output.text))
            connection.transport.sendTextMessage(output.text)

    def _shown(self, text: str) -> str:
        return redact(text if self.trace_data else hide_data(text))

    def _rearm(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        deadline = self._core.next_deadline()
        if deadline is not None and self.running:
            self._timer = self._clock.callLater(max(0.0, deadline - self._clock.seconds()), self._tick, deadline)

    def _tick(self, deadline: float) -> None:
        self.run(self._core.tick(max(deadline, self._clock.seconds())))


class Connection:
    """The application protocol of one WebSocket connection."""

    transport: MessageTransport

    def __init__(self, pbx: DemoPBX) -> None:
        self._pbx = pbx
        self._flow = 0

    def makeConnection(self, transport: MessageTransport) -> None:
        """Take the open connection."""
        self.transport = transport
        self._flow = self._pbx.opened(self)

    def textMessageReceived(self, text: str) -> None:
        """Hand a message to the PBX."""
        self._pbx.received(self._flow, text)

    def connectionLost(self, reason: Failure) -> None:
        """Tell the PBX."""
        self._pbx.lost(self._flow)
