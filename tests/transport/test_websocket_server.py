"""The server side of SIP over WebSocket, and both sides joined: in memory and over a real loopback connection."""

from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ServerEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Event, RejectConnection, Request, TextMessage

from tests.support.wsproxy import Application, factory_of
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.websocket import WebSocketEndpoint, WebSocketURL
from wrtcgw.transport.websocket_protocol import WebSocketWire
from wrtcgw.transport.websocket_server import WebSocketServerFactory

REQUEST = (
    "GET /any/path?x=1 HTTP/1.1\r\nHost: pbx.example.org\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
)


class ServerTests(SynchronousTestCase):
    """The opening handshake as the server sees it, byte by byte."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.apps: list[Application] = []
        self.factory = WebSocketServerFactory(self.clock, WebSocketSettings(), self.build)
        self.factory.doStart()
        self.transport = StringTransport()
        self.protocol = self.factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1))
        self.protocol.makeConnection(self.transport)

    def tearDown(self) -> None:
        self.protocol.connectionLost(Failure(Exception("end of test")))
        self.factory.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def build(self) -> Application:
        """Make the application protocol of a connection."""
        self.apps.append(Application())
        return self.apps[-1]

    def answer(self, request: str) -> str:
        """Send the request and return the answer's head."""
        self.protocol.dataReceived(request.encode("latin-1"))
        return str(self.transport.value(), "ascii")

    def test_accept(self) -> None:
        """An upgrade to any path that offers ``sip`` is accepted with it."""
        answer = self.answer(REQUEST.replace("sip\r", "mqtt, sip\r"))
        self.assertTrue(answer.startswith("HTTP/1.1 101 "), answer)
        self.assertIn("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer)
        self.assertIn("Sec-WebSocket-Protocol: sip\r\n", answer)
        self.assertEqual(len(self.apps), 1)

    def assert_refused(self, request: str, status: int) -> str:
        """Check that the request is refused, TCP closed, and no application made."""
        answer = self.answer(request)
        self.assertTrue(answer.startswith(f"HTTP/1.1 {status} "), answer)
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(self.apps, [])
        return answer

    def test_without_subprotocol(self) -> None:
        """A client that does not offer ``sip`` gets 400, as from Kamailio and Asterisk."""
        self.assert_refused(REQUEST.replace("Sec-WebSocket-Protocol: sip\r\n", ""), 400)

    def test_no_upgrade(self) -> None:
        """An ordinary GET gets 400."""
        self.assert_refused("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400)

    def test_other_version(self) -> None:
        """Another WebSocket version gets 426 with the version that is spoken (:rfc:`6455#section-4.4`)."""
        answer = self.assert_refused(REQUEST.replace("Version: 13", "Version: 8"), 426)
        self.assertIn("sec-websocket-version: 13", answer.lower())

    def test_no_http(self) -> None:
        """What is no HTTP gets 400."""
        self.assert_refused("REGISTER sip:example.org SIP/2.0\r\n\r\n", 400)

    def test_undecodable(self) -> None:
        """Header values that cannot be decoded get 400 and no traceback."""
        self.assert_refused(REQUEST.replace("sip\r", "s\xefp\r"), 400)

    def test_silence(self) -> None:
        """A client that connects and says nothing is dropped."""
        self.clock.advance(5)
        self.assertTrue(self.transport.disconnected)

    def test_refused_but_stays(self) -> None:
        """A refused client that does not take its answer is dropped."""
        self.assert_refused("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400)
        self.protocol.dataReceived(b"more")
        self.clock.advance(2)
        self.assertTrue(self.transport.disconnected)

    def test_sides(self) -> None:
        """The common part alone is no protocol: each side has to say what it does in the handshake."""

        class Neither(WebSocketWire):
            connection_type = ConnectionType.SERVER

        wire = Neither(self.clock, WebSocketSettings())
        self.assertRaises(NotImplementedError, wire.begin)
        self.assertRaises(NotImplementedError, wire.on_handshake, AcceptConnection())


class Echo(Application):
    """An application protocol that answers each message with itself and tells when it is done."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Deferred[None] = Deferred()

    def textMessageReceived(self, text: str) -> None:
        self.transport.sendTextMessage(text)

    def connectionLost(self, reason: Failure) -> None:
        self.done.callback(None)


class Caller(Echo):
    """An application protocol that passes on what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Deferred[str] = Deferred()

    def textMessageReceived(self, text: str) -> None:
        self.answer.callback(text)


class LoopbackTests(TestCase):
    """Both sides of ours over real TCP."""

    async def test_loopback(self) -> None:
        """A long message goes there and back, and a close by the book ends both sides."""
        settings = evolve(WebSocketSettings(), ping_interval=0.05)
        echoes: list[Echo] = []

        def build() -> Echo:
            echoes.append(Echo())
            return echoes[-1]

        listening: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await listening.listen(WebSocketServerFactory(reactor, settings, build))
        self.addCleanup(port.stopListening)
        url = WebSocketURL.parse(f"ws://127.0.0.1:{port.getHost().port}/")
        endpoint = WebSocketEndpoint(reactor, HostnameEndpoint(reactor, "127.0.0.1", url.port), url, settings)
        caller: Any = await endpoint.connect(factory_of(Caller))
        text = "ä" * 40_000
        caller.transport.sendTextMessage(text)
        self.assertEqual(await caller.answer, text)
        caller.transport.loseConnection()
        await caller.done
        await echoes[0].done


class PeerTests(SynchronousTestCase):
    """Our server against wsproto's client: messages after the handshake."""

    def test_messages(self) -> None:
        """Messages go both ways, masked as a client has to."""
        app = Application()
        server = WebSocketServerFactory(Clock(), WebSocketSettings(ping_interval=0), lambda: app).buildProtocol(
            IPv4Address("TCP", "192.0.2.1", 1)
        )
        transport, client = StringTransport(), WSConnection(ConnectionType.CLIENT)

        def exchange(event: Event) -> list[Event]:
            server.dataReceived(client.send(event))
            client.receive_data(transport.value())
            transport.clear()
            return list(client.events())

        server.makeConnection(transport)
        (accepted,) = exchange(Request("pbx.example.org", "/", subprotocols=["sip"]))
        self.assertIsInstance(accepted, AcceptConnection)
        self.assertEqual(exchange(TextMessage("hello")), [])
        self.assertEqual(app.received, ["hello"])
        app.transport.sendTextMessage("SIP")
        (answer,) = exchange(TextMessage("\r\n\r\n"))[:1]
        self.assertEqual(answer, TextMessage("SIP"))

    def test_reject(self) -> None:
        """A refusal is one that wsproto's client understands, and is logged."""
        with capturedLogs() as logs:
            server = WebSocketServerFactory(Clock(), WebSocketSettings(), Application).buildProtocol(
                IPv4Address("TCP", "192.0.2.1", 1)
            )
            transport, client = StringTransport(), WSConnection(ConnectionType.CLIENT)
            server.makeConnection(transport)
            server.dataReceived(client.send(Request("pbx.example.org", "/")))
        client.receive_data(transport.value())
        rejected = next(client.events())
        assert isinstance(rejected, RejectConnection)
        self.assertEqual((rejected.status_code, logs[0]["status"]), (400, 400))
