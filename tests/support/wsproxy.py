"""
A network in memory with scriptable SIP proxies in it: real WebSocket on their side (wsproto), virtual time, no sockets.

A :class:`Network` is the reactor of the code under test. What is written on one end of a connection arrives at the
other when the network's time is advanced, be it by 0, so nothing ever happens inside of a ``write``.
"""

from base64 import b64encode
from collections.abc import Callable
from enum import Enum
from hashlib import sha1
from typing import Any

from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from zope.interface import implementer

from wrtcgw.transport.interfaces import MessageTransport


class Mood(Enum):
    """How a proxy treats who comes."""

    WELL = "accepts WebSockets and answers pings"
    DOWN = "nothing listens: connections are refused"
    UNREACHABLE = "packets vanish: connecting takes for ever"
    SILENT = "TCP is accepted, nothing is ever answered: a process under SIGSTOP"
    HANGING_UP = "TCP is accepted and closed as soon as the request is there"
    REFUSING = "the upgrade is answered with `status`"
    STRANGE = "the upgrade is answered with the bytes `answer`, {accept} in them is replaced"
    NO_SUBPROTOCOL = "the upgrade is accepted, the subprotocol is not"


@implementer(ITCPTransport)
class Wire:  # type: ignore[misc]  # the other methods of ITCPTransport are not called
    """The client's transport of one connection."""

    def __init__(self, network: "Network", connection: "ProxyConnection", protocol: Any) -> None:
        self.network = network
        self.connection = connection
        self.protocol = protocol
        self.disconnected = False
        self.aborted = False
        self.closing = False

    def write(self, data: bytes) -> None:
        if not self.closing:
            self.network.callLater(0, self.connection.arrived, bytes(data))

    def deliver(self, data: bytes) -> None:
        if not self.disconnected:
            self.protocol.dataReceived(data)

    def loseConnection(self) -> None:
        """Close once the other side has read all: so never, when it reads nothing."""
        self.closing = True
        if not self.connection.stuck:
            self.network.callLater(0, self.lose, ConnectionDone())

    def abortConnection(self) -> None:
        self.aborted = self.closing = True
        self.network.callLater(0, self.lose, ConnectionAborted())

    def lose(self, why: Exception) -> None:
        if not self.disconnected:
            self.disconnected = True
            self.protocol.connectionLost(Failure(why))

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", self.connection.proxy.port)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.99", 4711)

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802
        self.no_delay = enabled


class ProxyConnection:
    """The proxy's end of one connection, and the handle by which a test plays on it."""

    def __init__(self, proxy: "Proxy", protocol: Any) -> None:
        self.proxy = proxy
        self.wire = Wire(proxy.network, self, protocol)
        self.ws = WSConnection(ConnectionType.SERVER)
        self.request: Request | None = None
        self.raw = b""
        self.texts: list[str] = []
        self.binaries: list[bytes] = []
        self.pings = 0
        self.pongs: list[bytes] = []
        self.close_code: int | None = None
        self.answers_pings = True
        self.answers_close = True

    @property
    def stuck(self) -> bool:
        """Nothing this side sends arrives, nothing is read."""
        return self.proxy.mood in (Mood.SILENT, Mood.UNREACHABLE)

    def arrived(self, data: bytes) -> None:
        self.raw += data
        if self.stuck or self.wire.disconnected:
            return
        if self.proxy.mood is Mood.HANGING_UP:
            self.cut()
            return
        self.ws.receive_data(data)
        for event in self.ws.events():
            self.on_event(event)

    def on_event(self, event: Event) -> None:
        match event:
            case Request():
                self.request = event
                self.answer()
            case TextMessage():
                self.texts.append(event.data)
                self.proxy.heard(self, event.data)
            case BytesMessage():
                self.binaries.append(bytes(event.data))
            case Ping():
                self.pings += 1
                if self.answers_pings:
                    self.send(event.response())
            case Pong():
                self.pongs.append(bytes(event.payload))
            case CloseConnection():
                self.close_code = event.code
                if self.answers_close and self.ws.state.name == "REMOTE_CLOSING":
                    self.send(event.response())

    def answer(self) -> None:
        match self.proxy.mood:
            case Mood.REFUSING:
                self.send(RejectConnection(status_code=self.proxy.status))
            case Mood.STRANGE:
                self.send_raw(self.proxy.answer.replace(b"{accept}", self._accept()))
            case Mood.NO_SUBPROTOCOL:
                self.send(AcceptConnection())
            case _:
                self.send(AcceptConnection(subprotocol="sip"), *self.proxy.greeting)

    def _accept(self) -> bytes:
        """Return the value of Sec-WebSocket-Accept (:rfc:`6455#section-4.2.2`)."""
        key = self.raw.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        return b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())

    def send(self, *events: Event) -> None:
        """Send the events in one piece."""
        self.send_raw(b"".join(self.ws.send(event) for event in events))

    def text(self, text: str) -> None:
        self.send(TextMessage(text))

    def send_raw(self, data: bytes) -> None:
        if not self.stuck:
            self.proxy.network.callLater(0, self.wire.deliver, data)

    def cut(self) -> None:
        """Close TCP without a word."""
        self.proxy.network.callLater(0, self.wire.lose, ConnectionDone())


@define(eq=False)
class Proxy:
    """One proxy of the network."""

    network: "Network"
    port: int
    mood: Mood = Mood.WELL
    status: int = 403
    answer: bytes = b""
    greeting: list[Event] = field(factory=list)
    """Sent right behind the 101, in the same piece."""
    connections: list[ProxyConnection] = field(factory=list)
    attempts: int = 0
    heard: Callable[[ProxyConnection, str], object] = lambda connection, text: None
    """Told of each SIP message that comes."""

    @property
    def last(self) -> ProxyConnection:
        return self.connections[-1]

    @property
    def open_connections(self) -> int:
        return sum(not connection.wire.disconnected for connection in self.connections)

    def attempted(self, connector: Any, factory: Any) -> None:
        self.attempts += 1
        if self.mood is Mood.DOWN:
            factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
        elif self.mood is not Mood.UNREACHABLE:
            protocol = factory.buildProtocol(None)
            connection = ProxyConnection(self, protocol)
            self.connections.append(connection)
            protocol.makeConnection(connection.wire)

    def die(self) -> None:
        """Lose all connections, and take no new ones."""
        self.restart()
        self.mood = Mood.DOWN

    def restart(self) -> None:
        """Lose all connections, and be well."""
        for connection in self.connections:
            connection.cut()
        self.mood = Mood.WELL


class Network(MemoryReactorClock):
    """A reactor whose TCP connections end at its proxies, told apart by port (all names are one address)."""

    def __init__(self) -> None:
        super().__init__()
        self.proxies: dict[int, Proxy] = {}

    def proxy(self, port: int = 80, mood: Mood = Mood.WELL) -> Proxy:
        """Add a proxy."""
        self.proxies[port] = Proxy(self, port, mood)
        return self.proxies[port]

    def connectTCP(self, host: Any, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None) -> Any:  # noqa: N802, N803
        connector = super().connectTCP(host, port, factory, timeout, bindAddress)
        self.callLater(0, self.proxies[port].attempted, connector, factory)
        return connector

    def run_for(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass in small steps, so that each timer is served at about its time."""
        for _ in range(round(seconds / step)):
            self.advance(step)
        self.settle()

    def settle(self) -> None:
        """Let everything arrive that is on its way, without letting time pass."""
        for _ in range(20):
            self.advance(0)


@define(eq=False, slots=False)
class Application:
    """An application protocol that writes down what it is given."""

    transport: Any = None
    received: list[str] = field(factory=list)
    lost: Failure | None = None

    def makeConnection(self, transport: MessageTransport) -> None:
        self.transport = transport

    def textMessageReceived(self, text: str) -> None:
        if text == "boom":
            raise ZeroDivisionError
        self.received.append(text)

    def connectionLost(self, reason: Failure) -> None:
        self.lost = reason


def factory_of(application: Any) -> Any:
    """Make a factory of the application protocol, past Twisted's notion that all protocols take bytes."""
    return Factory.forProtocol(application)
