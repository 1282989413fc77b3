"""
What both ends of a SIP WebSocket connection have in common: frames, messages, keep-alives, closing.

wsproto does the framing and the opening handshake of :rfc:`6455`; this module joins it to a Twisted transport. It knows
no SIP but one thing: a message of nothing but CR and LF is a keep-alive (:rfc:`5626#section-3.5.1`, usable over
WebSocket by :rfc:`7118#section-6`) and is answered here, never handed up.

An application protocol is given whole text messages. It gets this object as its transport, once the connection is open.
"""

from collections.abc import Callable
from enum import Enum
from typing import cast

from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, IReactorTime, ITCPTransport, ITransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import RemoteProtocolError
from zope.interface import implementer

from wrtcgw.transport.interfaces import (
    ClosedByPeer,
    MessageProtocol,
    PongTimeout,
    ProtocolFault,
    WebSocketError,
    WebSocketSettings,
)
from wrtcgw.transport.message_assembler import Assembly, EndlessMessage, read_alike

CONTROL_LIMIT = 1000
CONTROL_WINDOW = 5.0
"""This many pings or CRLFs within this many seconds are a flood: the connection is closed (no peer needs more)."""

LATE = 1.0
"""A pong deadline noticed this many seconds late means that *we* were asleep, so the peer gets one more chance."""

log = Logger()


class Phase(Enum):
    """Where a connection is in its life; it only moves down this list."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


@implementer(IProtocol)
class WebSocketWire:
    """One connection, either side; the sides differ in :meth:`begin` and :meth:`on_handshake`."""

    connection_type: ConnectionType

    def __init__(self, clock: IReactorTime, settings: WebSocketSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._ws = WSConnection(self.connection_type)
        self._phase = Phase.CONNECTING
        self._transport: ITransport
        self._app: MessageProtocol | None = None
        self._fault: WebSocketError | None = None
        self._timer: IDelayedCall | None = None
        self._assembly = Assembly(settings.max_message_size)
        self._ping: Ping | None = None
        self._crlf_asked = False
        self._control_count = 0
        self._control_since = 0.0

    @property
    def closed(self) -> bool:
        """Whether nothing more is read or sent."""
        return self._phase is Phase.CLOSED

    # what the sides do differently

    def begin(self) -> None:
        """Do what the side does first on a new transport."""
        raise NotImplementedError

    def on_handshake(self, event: Event) -> None:
        """Handle an event of the opening handshake."""
        raise NotImplementedError

    # IProtocol

    def makeConnection(self, transport: ITransport) -> None:
        """Take the TCP or TLS connection (:class:`IProtocol`)."""
        self._transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """Start the opening handshake (:class:`IProtocol`)."""
        if ITCPTransport.providedBy(self._transport):
            self._transport.setTcpNoDelay(True)
        self.begin()

    def dataReceived(self, data: bytes) -> None:
        """Feed bytes of the connection to wsproto and act on what they meant (:class:`IProtocol`)."""
        if self.closed:
            return
        try:
            self._ws.receive_data(data)
            for event in self._ws.events():
                self._on_event(event)
                if self.closed:
                    return
        except RemoteProtocolError as error:
            self.refused(error)
        except UnicodeError as error:
            # wsproto decodes header values as ASCII and IDNA without catching what comes of it
            self.refused(RemoteProtocolError(f"undecodable header: {error}"))
        if self._ping is not None or self._crlf_asked:
            self._answer_keepalives()

    def refused(self, error: RemoteProtocolError) -> None:
        """Give up because the peer's HTTP was wrong; :meth:`dataReceived` calls this during the handshake only."""
        self.fail(ProtocolFault(str(error)))

    def connectionLost(self, reason: Failure) -> None:
        """Tell the application protocol (:class:`IProtocol`)."""
        self._phase = Phase.CLOSED
        self._stop_timer()
        if self._fault is not None:
            reason = Failure(self._fault)
        self.lost(reason)
        if self._app is not None:
            self._app.connectionLost(reason)

    def lost(self, reason: Failure) -> None:
        """Notice the end of the connection before the application does; for the sides to extend."""

    # MessageTransport

    def sendTextMessage(self, text: str) -> None:
        """
        Send one message: as a text frame, or binary when it has bytes that are no UTF-8 (:rfc:`7118#section-4.2`).

        :param text: the message, foreign bytes in it as surrogate escapes. Dropped when the connection is not open.
        """
        if self._phase is not Phase.OPEN:
            log.debug("message for a closing connection dropped")
            return
        try:
            frame = self._ws.send(TextMessage(text))
        except UnicodeEncodeError:
            frame = self._ws.send(BytesMessage(text.encode("utf-8", "surrogateescape")))
        self._transport.write(frame)

    def loseConnection(self) -> None:
        """Close by the book (:rfc:`6455#section-7.1.1`); a peer that does not answer is dropped."""
        if self._phase is Phase.OPEN:
            self._transport.write(self._ws.send(CloseConnection(CloseReason.NORMAL_CLOSURE)))
            self._phase = Phase.CLOSING
            self._arm(self._settings.close_timeout, self.abortConnection)

    def abortConnection(self) -> None:
        """Drop the connection at once, without waiting for bytes that may never leave."""
        if self._phase is not Phase.CLOSED:
            self._phase = Phase.CLOSED
            self._stop_timer()
            cast(ITCPTransport, self._transport).abortConnection()

    def getPeer(self) -> IAddress:
        """Return the address of the TCP peer."""
        return self._transport.getPeer()

    def getHost(self) -> IAddress:
        """Return our address of the TCP connection."""
        return self._transport.getHost()

    # for the sides

    def opened(self, app: MessageProtocol) -> None:
        """Enter the open phase with this application protocol."""
        self._phase = Phase.OPEN
        read_alike(self._ws)
        self._app = app
        self._control_since = self._clock.seconds()
        self._schedule_ping()
        app.makeConnection(self)

    def fail(self, fault: WebSocketError) -> None:
        """Drop the connection; the application's ``connectionLost`` gets ``fault`` as its reason."""
        self._fault = self._fault or fault
        self.abortConnection()

    # events

    def _on_event(self, event: Event) -> None:
        if isinstance(event, BytesMessage):
            self._on_part(event)
        elif isinstance(event, Pong):
            if self._phase is Phase.OPEN:
                self._schedule_ping()
        elif isinstance(event, Ping):
            self._ping = event
            self._count_control()
        elif isinstance(event, CloseConnection):
            self._on_close(event)
        else:
            self.on_handshake(event)

    def _on_part(self, event: BytesMessage) -> None:
        """Hand a message up when its last part is there; keep-alives stay here."""
        try:
            text = self._assembly.take(event.data, last=event.message_finished)
        except EndlessMessage as error:
            self._violated(CloseReason.MESSAGE_TOO_BIG, str(error))
            return
        if text is None or self._phase is not Phase.OPEN or self._app is None:
            return
        if not text.strip("\r\n"):
            self._crlf_asked = self._crlf_asked or "\r\n\r\n" in text
            self._count_control()
            return
        try:
            self._app.textMessageReceived(text)
        except Exception:
            log.failure("the application failed on a message; the connection goes on")

    def _count_control(self) -> None:
        """Close a connection that floods us with keep-alives."""
        self._control_count += 1
        if self._control_count < CONTROL_LIMIT:
            return
        now = self._clock.seconds()
        if now - self._control_since < CONTROL_WINDOW:
            self._violated(CloseReason.POLICY_VIOLATION, "flood of pings")
        self._control_count, self._control_since = 0, now

    def _answer_keepalives(self) -> None:
        """
        Answer the newest of the pings that came in one read, and the CRLFs with one (:rfc:`6455#section-5.5.3`).

        So a peer that sends pings and reads nothing makes us hold at most one pong for each read.
        """
        ping, self._ping = self._ping, None
        crlf, self._crlf_asked = self._crlf_asked, False
        if self._phase is Phase.OPEN:
            if ping is not None:
                self._transport.write(self._ws.send(ping.response()))
            if crlf:
                self.sendTextMessage("\r\n")

    def _on_close(self, event: CloseConnection) -> None:
        """Answer the peer's Close, take it as the answer to ours, or report a fault that wsproto found."""
        if self._ws.state is ConnectionState.REMOTE_CLOSING:
            self._fault = self._fault or ClosedByPeer(int(event.code), event.reason or "")
            self._transport.write(self._ws.send(event.response()))
            self._finish()
        elif self._ws.state is ConnectionState.CLOSED:
            self._finish()
        else:
            self._violated(CloseReason(event.code), event.reason or "malformed frame")

    def _violated(self, code: CloseReason, detail: str) -> None:
        """Fail the connection (:rfc:`6455#section-7.1.7`): tell the peer why, do not wait for its answer."""
        self._fault = self._fault or ProtocolFault(detail)
        if self._phase is Phase.OPEN:
            self._transport.write(self._ws.send(CloseConnection(code, detail[:100])))
        self._finish()

    def _finish(self) -> None:
        """
        Close TCP after what was written has left, but not later than ``close_timeout``.

        The client need not wait for the server here (:rfc:`6455#section-7.1.1` says SHOULD): the flow is wanted anew.
        """
        self._phase = Phase.CLOSED
        self._arm(self._settings.close_timeout, self._abort_transport)
        self._transport.loseConnection()

    def _abort_transport(self) -> None:
        self._timer = None
        cast(ITCPTransport, self._transport).abortConnection()

    # the one timer: next ping, then its deadline, at last the end of closing

    def _arm(self, delay: float, function: Callable[..., object], *args: float) -> None:
        self._stop_timer()
        self._timer = self._clock.callLater(delay, function, *args)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _schedule_ping(self) -> None:
        if self._settings.ping_interval > 0:
            self._arm(self._settings.ping_interval, self._send_ping)

    def _send_ping(self) -> None:
        self._transport.write(self._ws.send(Ping()))
        if self._settings.crlf_keepalive:
            self.sendTextMessage("\r\n\r\n")
        deadline = self._settings.pong_timeout
        self._arm(deadline, self._pong_missing, self._clock.seconds() + deadline)

    def _pong_missing(self, due: float) -> None:
        """
        Abort: the peer hangs or is gone.

        Not when this call comes late: then our process was stopped, the pong may wait unread, and a new ping finds out.
        """
        if self._clock.seconds() - due > LATE:
            self._send_ping()
        else:
            self.fail(PongTimeout(self._settings.pong_timeout))
