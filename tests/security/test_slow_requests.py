"""Requests that never end: a slow head, a slow body, a body in small chunks, in virtual time, on every listener."""

from typing import ClassVar, cast

from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tests.web.harness import WebTestCase, Wire
from wrtcgw.daemon.composition import http_surface, only_genesys
from wrtcgw.gateway import Gateway
from wrtcgw.web import GatewaySite
from wrtcgw.web.genesys import GenesysSettings

REQUEST = b"GET /api/health HTTP/1.1\r\nHost: gateway.example\r\n\r\n"


class SlowRequests(WebTestCase):
    """What drips gets 408 and a closed connection; what hangs on purpose, or came in time, does not."""

    FEEDS: ClassVar[dict[str, tuple[bytes, bytes]]] = {
        "a byte of the method at a time": (b"G", b"E"),
        "a header line at a time": (REQUEST[:-2], b"X-Slow: 1\r\n"),
        "a byte of one header at a time": (REQUEST[:-2] + b"X-Slow: ", b"a"),
        "a path without an end": (b"GET /", b"a"),
    }
    BODIES: ClassVar[dict[str, tuple[bytes, bytes]]] = {
        "a byte of the body at a time": (b"Content-Length: 60000\r\n\r\n", b"a"),
        "a chunk of one byte at a time": (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        "half a chunk": (b"Transfer-Encoding: chunked\r\n\r\nff\r\n", b"a"),
        "100-continue": (b"Expect: 100-continue\r\nContent-Length: 60000\r\n\r\n", b"a"),
    }
    POST = b"POST /api/webrtc/message?from=a HTTP/1.1\r\nHost: gateway.example\r\n"

    def drip(self, wire: Wire, piece: bytes, seconds: float) -> None:
        """Send a piece each second."""
        for _ in range(int(seconds)):
            wire.raw(piece)
            self.clock.advance(1)

    def test_heads(self) -> None:
        """A head has ten seconds in all, however many bytes of it come meanwhile."""
        for name, (begin, piece) in self.FEEDS.items():
            wire = self.wire()
            wire.raw(begin)
            self.drip(wire, piece, 9)
            self.assertEqual((name, wire.received, wire.transport.disconnecting), (name, b"", False))
            self.drip(wire, piece, 1)
            self.assert_timed_out(wire, "header_timeout")

    def test_bodies(self) -> None:
        """A body has thirty seconds in all."""
        for begin, piece in self.BODIES.values():
            wire = self.wire()
            wire.raw(self.POST + begin)
            wire.transport.clear()  # the 100 Continue
            self.drip(wire, piece, 29)
            self.assertEqual((wire.received, wire.transport.disconnecting), (b"", False))
            self.drip(wire, piece, 1)
            self.assert_timed_out(wire, "body_timeout")

    def test_later_request(self) -> None:
        """The second request of a connection has its time from its first byte, also one that came with the first."""
        wire = self.wire()
        wire.raw(REQUEST)
        self.assertEqual(wire.answer().code, 200)
        self.clock.advance(60)
        self.assertFalse(wire.transport.disconnecting)
        wire.raw(b"GET / HT")
        self.drip(wire, b"a", 10)
        self.assert_timed_out(wire, "header_timeout")
        wire = self.wire()
        wire.raw(REQUEST + b"GET /")
        self.assertEqual(wire.answer().code, 200)
        self.drip(wire, b"a", 10)
        self.assert_timed_out(wire, "header_timeout")

    def test_pipelined_body(self) -> None:
        """A body that was announced while another request was served is waited for no longer than any."""
        wire = self.wire()
        wire.raw(REQUEST + self.POST + b"Content-Length: 9\r\n\r\n")
        self.assertEqual(wire.answer().code, 200)
        self.drip(wire, b"", 30)
        self.assert_timed_out(wire, "body_timeout")

    def test_silence(self) -> None:
        """A connection on which nothing comes is closed without a word: browsers open some in advance."""
        wire = self.wire()
        self.clock.advance(9.9)
        self.assertFalse(wire.transport.disconnecting)
        self.clock.advance(0.1)
        self.assertEqual((wire.received, wire.transport.disconnecting), (b"", True))

    def test_idle(self) -> None:
        """Between two requests there are 75 seconds."""
        wire = self.wire()
        wire.raw(REQUEST)
        wire.transport.clear()
        self.clock.advance(74)
        self.assertFalse(wire.transport.disconnecting)
        self.clock.advance(1)
        self.assertEqual((wire.received, wire.transport.disconnecting), (b"", True))

    def test_poll_hangs(self) -> None:
        """The limits are for requests, not for the answers to them: a poll hangs for as long as it asked for."""
        token = self.sign_in("a")
        wire = self.wire()
        wire.get("/api/webrtc/message?id=a&wait=59", Authorization=f"Bearer {token}")
        self.clock.advance(58)
        self.assertEqual((wire.received, wire.transport.disconnecting), (b"", False))
        self.clock.advance(1)
        self.assertEqual(wire.answer().code, 204)

    def test_in_time(self) -> None:
        """A slow head and a slow body are each served when they come within their time."""
        wire = self.wire()
        request = self.POST + b"Content-Type: text/plain\r\nContent-Length: 6\r\n\r\n"
        for byte in request:
            wire.raw(bytes((byte,)))
            self.clock.advance(9 / len(request))
        self.drip(wire, b"a", 6)
        self.assertEqual(wire.answer().code, 401)

    def test_force(self) -> None:
        """Who does not take the answer is cut off 15 seconds later; what it sends meanwhile is not looked at."""
        wire = self.wire()
        wire.raw(b"G")
        self.clock.advance(10)
        self.assert_timed_out(wire, "header_timeout")
        wire.raw(b"ET /api/health HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(wire.received, b"")
        self.clock.advance(15)
        self.assertTrue(wire.transport.disconnected)

    def test_lost(self) -> None:
        """A connection that goes by itself leaves no time running."""
        for begun in (b"", b"GET", REQUEST[:-2], self.POST + b"Content-Length: 9\r\n\r\n"):
            before = len(self.clock.getDelayedCalls())
            wire = self.wire()
            wire.raw(begun)
            wire.lose()
            self.wires.remove(wire)
            self.assertEqual(len(self.clock.getDelayedCalls()), before)

    def test_second_listener(self) -> None:
        """The port of the vendor's dialect has the same limits."""
        self.surface.close()
        gateway = cast(Gateway, self.gateway)
        self.surface = http_surface(gateway, self.settings, self.clock, genesys=GenesysSettings())
        assert self.surface.genesys is not None
        resource = only_genesys(self.surface)
        site = GatewaySite(self.surface, resource=resource, reactor=self.clock)
        for line, setting, seconds in (
            (b"POST /sign_in HTTP/1.1\r\n", "header_timeout", 10),
            (b"POST /sign_in HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", "body_timeout", 30),
        ):
            wire = Wire(site)
            self.wires.append(wire)
            wire.raw(line)
            self.clock.advance(seconds)
            self.assert_timed_out(wire, setting)

    def test_settings(self) -> None:
        """The times are settings, and a reload takes new ones over."""
        self.surface.timeouts = 2.0, 3.0
        wire = self.wire()
        wire.raw(b"G")
        self.clock.advance(2)
        self.assert_timed_out(wire, "header_timeout", "within 2 s")

    def assert_timed_out(self, wire: Wire, setting: str, more: str = "") -> None:
        """Check that a connection was told why it is closed, and is."""
        self.assertTrue(wire.transport.disconnecting)
        answer = wire.answer()
        self.assertEqual((answer.code, answer.json["code"]), (408, "request_timeout"))
        self.assertIn(setting, answer.json["error"])
        self.assertIn(more, answer.json["error"])


class Peers(WebTestCase):
    """Where a connection comes from."""

    def test_no_address(self) -> None:
        """A transport without an address, as a unix socket's, counts for nobody and is served."""
        transport = StringTransport(peerAddress=UNIXAddress("/run/wrtcgw"))
        protocol = self.site.buildProtocol(transport.getPeer())
        assert protocol is not None
        protocol.makeConnection(transport)
        protocol.dataReceived(REQUEST)
        self.assertIn(b"200 OK", transport.value())
        self.assertEqual(len(self.surface.connections), 1)
        protocol.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(len(self.surface.connections), 0)
