"""What becomes of a message whose page goes away while it is being written; over real loopback sockets."""

import contextlib
import socket
import struct
from http.client import HTTPResponse
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.test.requesthelper import DummyRequest
from zope.interface import directlyProvides

from tests.support.endtoend import LIMIT, until
from tests.web.harness import PASSWORD, SDP
from tests.web.standin import StandInGateway
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.daemon.composition import http_surface
from wrtcgw.gateway import Gateway
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.delivery import Delivery
from wrtcgw.web.genesys import GenesysSettings

LONG = SDP + "a=x-long:" + "x" * 8_000_000
"""More than the buffers of a connection hold."""


class Client:
    """A bare connection to the gateway, whose end a test can choose."""

    def __init__(self, port: int, room: int = 0) -> None:
        self.socket = socket.socket()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.received = b""

    def send(self, method: str, path: str, body: str = "") -> None:
        """Send a request."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket.sendall((head + body).encode())

    async def answer(self) -> tuple[HTTPResponse, str]:
        """Return the response, with its body."""
        await until(self._is_complete, "the response")
        return self._parsed(self.received)

    def _is_complete(self) -> bool:
        try:
            while data := self.socket.recv(1_000_000):
                self.received += data
        except BlockingIOError:
            pass
        return self._has_all()

    def _has_all(self) -> bool:
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return False
        length = self._parsed(head + end)[0].getheader("content-length")
        return len(body) >= int(length or 0)

    @staticmethod
    def _parsed(text: bytes) -> tuple[HTTPResponse, str]:
        stream = BytesIO(text)
        response = HTTPResponse(cast(Any, type("Socket", (), {"makefile": lambda self, mode: stream})()))
        response.begin()
        return response, text.partition(b"\r\n\r\n")[2].decode()

    def take_and_go(self, *, reset: bool) -> str:
        """Read the response and close the connection in the same breath; blocks, so it is for a thread."""
        self.socket.settimeout(LIMIT)
        while not self._has_all():
            self.received += self.socket.recv(1_000_000)
        self.close(reset=reset)
        return self._parsed(self.received)[1]

    async def begins(self) -> None:
        """Wait until something of the response is there; it is not read."""
        await until(self._has_some, "the response's beginning")

    def _has_some(self) -> bool:
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def close(self, *, reset: bool = False) -> None:
        """Close the connection, in the ordinary way or by RST."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class DeliveryCase(TestCase):
    """A gateway that listens, and its pages."""

    async def prepare(self) -> None:
        """Listen."""
        self.gateway = StandInGateway(Clock())
        self.surface = http_surface(cast(Gateway, self.gateway), WebSettings(), reactor, genesys=GenesysSettings())
        self.site = GatewaySite(self.surface, reactor=reactor)
        listening: Any = cast(Any, reactor).listenTCP(0, self.site, interface="127.0.0.1")
        self.port: int = listening.getHost().port
        self.clients: list[Client] = []
        self.addCleanup(self._connections_end)
        self.addCleanup(listening.stopListening)
        self.addCleanup(self.surface.close)
        self.addCleanup(self._clients_go)

    def _clients_go(self) -> None:
        for client in self.clients:
            client.close()

    async def _connections_end(self) -> None:
        await until(lambda: not self.connections(), "the end of the connections")

    def connections(self) -> list[object]:
        """Return the connections that are open here."""
        readers: list[Any] = reactor.getReaders()
        return [reader for reader in readers if getattr(reader, "server", None) and reader.server.factory is self.site]

    def client(self, room: int = 0) -> Client:
        """Connect."""
        client = Client(self.port, room)
        self.clients.append(client)
        return client

    async def ask(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        """Send a request by a connection of its own; return status and body."""
        client = self.client()
        client.send(method, path, body)
        response, text = await client.answer()
        client.close()
        return response.status, text

    async def hangs(self) -> None:
        """Wait until a poll hangs."""
        await until(lambda: self.surface.hanging == (1, 0), "a poll that hangs")


class PollTests(DeliveryCase):
    """Polls of the REST dialect."""

    async def prepare(self) -> None:
        """Sign an agent in."""
        await super().prepare()
        status, _ = await self.ask("GET", f"/api/webrtc/sign_in?id=a&dn=5001&password={PASSWORD}")
        self.assertEqual(status, 200)

    def put(self, sdp: str = SDP) -> AgentMessage:
        """Put an answer into the mailbox."""
        return self.gateway.put("a", type=MessageType.ANSWER, call_id="c1", sdp=sdp)

    async def poll(self, room: int = 0) -> Client:
        """Begin to poll."""
        client = self.client(room)
        client.send("GET", "/api/webrtc/message?id=a&wait=30")
        await self.hangs()
        return client

    async def next(self, wait: int = 0) -> tuple[int, str]:
        """Poll for the next message."""
        return await self.ask("GET", f"/api/webrtc/message?id=a&wait={wait}")

    async def test_page_closes_while_it_is_written(self) -> None:
        """Neither an orderly end nor a reset before the bytes went out loses the message; it comes once."""
        for reset in (False, True):
            await self.prepare()
            client = await self.poll()
            self.put()
            client.close(reset=reset)
            self.assertEqual(await self.next(30), (200, SDP))
            self.assertEqual((await self.next())[0], 204)

    async def test_order(self) -> None:
        """The message that was lost comes before the ones after it."""
        await self.prepare()
        client = await self.poll()
        for number in range(3):
            self.put(SDP + f"a=x:{number}\r\n")
        client.close(reset=True)
        told = [(await self.next(30))[1][-3] for _ in range(3)]
        self.assertEqual(told, ["0", "1", "2"])

    async def test_half_written(self) -> None:
        """A response that was cut off in the middle does not count."""
        for reset in (False, True):
            await self.prepare()
            client = await self.poll(room=4096)
            self.put(LONG)
            await client.begins()
            client.close(reset=reset)
            self.assertEqual(await self.next(30), (200, LONG))
            self.assertEqual((await self.next())[0], 204)

    async def test_arrived(self) -> None:
        """A page that has the whole response and goes then gets no message twice."""
        for reset in (False, True):
            await self.prepare()
            client = await self.poll()
            taken = deferToThread(client.take_and_go, reset=reset)
            self.put()
            self.assertEqual(await taken, SDP)
            self.assertEqual((await self.next())[0], 204)

    async def test_polls_again_elsewhere(self) -> None:
        """A page that asks by another connection, while its old one takes nothing, gets the message there."""
        await self.prepare()
        client = await self.poll(room=4096)
        self.put(LONG)
        await client.begins()
        self.assertEqual(await self.next(), (204, ""))
        self.assertEqual(await self.next(30), (200, LONG))

    async def test_same_connection(self) -> None:
        """Polls follow each other on one connection."""
        await self.prepare()
        client = self.client()
        for number in range(3):
            client.received = b""
            client.send("GET", "/api/webrtc/message?id=a&wait=30")
            await self.hangs()
            self.put(SDP + str(number))
            self.assertEqual((await client.answer())[1], SDP + str(number))


class WaitTests(DeliveryCase):
    """Waits of the Genesys dialect."""

    async def prepare(self) -> None:
        """Sign a page in."""
        await super().prepare()
        status, text = await self.ask("POST", "/sign_in", f"5001:{PASSWORD}")
        self.assertEqual(status, 200)
        self.ssid = text.partition("=")[2]
        self.gateway.add_call("5001", "c1")

    def offer(self, sdp: str = SDP) -> None:
        """Offer a call."""
        self.gateway.put("5001", type=MessageType.OFFER, call_id="c1", from_="1003", sdp=sdp)

    async def wait(self, room: int = 0) -> Client:
        """Begin to wait."""
        client = self.client(room)
        client.send("GET", f"/wait?id={self.ssid}")
        await self.hangs()
        return client

    async def test_page_aborts_while_it_is_written(self) -> None:
        """The text goes back to the head: the next wait gets it, then what came after it, and nothing twice."""
        for reset in (False, True):
            await self.prepare()
            client = await self.wait()
            self.offer()
            client.close(reset=reset)
            self.gateway.put("5001", type=MessageType.TALK, call_id="c1")
            _, text = await (await self._next()).answer()
            self.assertTrue(text.startswith("SDP {"), text)
            _, text = await (await self._next()).answer()
            self.assertEqual(text, "EVENT-TALK")
            await self.wait()

    async def test_half_written(self) -> None:
        """Nor does a part of a text count."""
        await self.prepare()
        client = await self.wait(room=4096)
        self.offer(LONG)
        await client.begins()
        client.close()
        response, text = await (await self._next()).answer()
        self.assertEqual((response.getheader("pragma"), text[:5]), ("1003", "SDP {"))

    async def test_arrived(self) -> None:
        """What the page has is not told again, though it closes its connection at once."""
        for reset in (False, True):
            await self.prepare()
            client = await self.wait()
            taken = deferToThread(client.take_and_go, reset=reset)
            self.offer()
            self.assertTrue((await taken).startswith("SDP {"))
            self.gateway.put("5001", type=MessageType.TALK, call_id="c1")
            _, text = await (await self._next()).answer()
            self.assertEqual(text, "EVENT-TALK")

    async def test_polls_again_elsewhere(self) -> None:
        """A page whose old connection takes nothing gets the text by its new one."""
        await self.prepare()
        client = await self.wait(room=4096)
        self.offer(LONG)
        await client.begins()
        _, text = await (await self._next()).answer()
        self.assertTrue(text.startswith("SDP {"))

    async def _next(self) -> Client:
        client = self.client()
        client.send("GET", f"/wait?id={self.ssid}")
        return client


class Transport:
    """What a connection of Twisted's looks like: a socket, and bytes that were not given to it yet."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.dataBuffer = b"response"

    def write_some(self, data: bytes) -> None:
        """Give bytes to the system, as many as it takes."""
        self.dataBuffer = b""
        with contextlib.suppress(BlockingIOError):
            while self.socket.send(data):
                pass

    def write(self) -> None:
        """Give the bytes to the system."""
        self.socket.sendall(self.dataBuffer)
        self.dataBuffer = b""


class FateTests(SynchronousTestCase):
    """What is known of a response when its connection is lost before anyone has looked; real sockets, no time."""

    def setUp(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.page = socket.create_connection(listening.getsockname())
        connection, _ = listening.accept()
        connection.setblocking(False)
        for each in (listening, self.page, connection):
            self.addCleanup(each.close)
        self.clock = Clock()
        self.fate: list[bool] = []
        self.request = cast(Any, DummyRequest([b""]))
        self.transport = Transport(connection)
        self.request.transport = self.transport
        self.delivery = Delivery(self.request, self.clock, self.fate.append)
        self.delivery.begin()
        self.assertEqual(self.fate, [])

    def lose(self) -> None:
        """Notice that the connection is lost, as Twisted does: its own socket is closed by then."""
        with contextlib.suppress(OSError):
            self.transport.socket.shutdown(socket.SHUT_RDWR)
        self.transport.socket.close()
        self.request.processingFailed(Failure(ConnectionDone()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def reset(self) -> None:
        """Close the page's end by RST."""
        self.page.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.page.close()

    def test_taken_then_closed(self) -> None:
        """What the page has taken has arrived, whatever it does then."""
        self.transport.write()
        self.assertEqual(self.page.recv(100), b"response")
        self.page.close()
        self.lose()
        self.assertEqual(self.fate, [False])

    def test_taken_then_reset(self) -> None:
        """Even when it resets the connection."""
        self.transport.write()
        self.assertEqual(self.page.recv(100), b"response")
        self.reset()
        self.lose()
        self.assertEqual(self.fate, [False])

    def test_not_written(self) -> None:
        """What was never given to the system has not."""
        self.page.close()
        self.lose()
        self.assertEqual(self.fate, [True])

    def test_not_acknowledged(self) -> None:
        """Nor has what the system has, but the other end's TCP has not taken."""
        self.transport.write_some(b"x" * 65536)
        self.page.close()
        self.lose()
        self.assertEqual(self.fate, [True])

    def test_reset_before_acknowledged(self) -> None:
        """The same when the connection is reset."""
        self.transport.write_some(b"x" * 65536)
        self.reset()
        self.lose()
        self.assertEqual(self.fate, [True])

    def test_looks(self) -> None:
        """Looks find that it has arrived, and finish the response."""
        self.clock.advance(0)
        self.clock.advance(0.01)
        self.assertEqual(self.fate, [])
        self.transport.write()
        self.clock.advance(0.05)
        self.assertEqual((self.fate, self.request.finished), ([False], 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_gateway_stops(self) -> None:
        """It is finished without a look when the gateway stops."""
        self.delivery.hurry()
        self.delivery.close()
        self.assertEqual((self.fate, self.request.finished, self.clock.getDelayedCalls()), ([], 1, []))


class Counted(Delivery):
    """A response of which so many bytes are not acknowledged when its connection is lost."""

    left = 0

    def _unacknowledged(self) -> int:
        return self.left


class OwnFarewellTests(SynchronousTestCase):
    """Our own end of a connection, which no page acknowledges that has gone, does not count among the bytes."""

    def fate(self, transport: object, left: int) -> list[bool]:
        """Lose a connection while so many bytes are not acknowledged; return whether the response was lost."""
        fate: list[bool] = []
        request = cast(Any, DummyRequest([b""]))
        request.transport = transport
        delivery = Counted(request, Clock(), fate.append)
        delivery.left = left + 1000
        delivery.begin()
        self.assertEqual(fate, [])
        delivery.left = left
        request.processingFailed(Failure(ConnectionDone()))
        return fate

    def test_plain(self) -> None:
        """TCP's FIN counts one byte; what is more than that is of the response."""
        plain = SimpleNamespace(dataBuffer=b"")
        self.assertEqual([self.fate(plain, left) for left in (0, 1, 2, 1000)], [[False], [False], [True], [True]])

    def test_tls(self) -> None:
        """Over TLS close_notify comes before it."""
        secure = SimpleNamespace(dataBuffer=b"")
        directlyProvides(secure, ISSLTransport)
        self.assertEqual([self.fate(secure, left) for left in (1, 25, 65, 66)], [[False]] * 3 + [[True]])
