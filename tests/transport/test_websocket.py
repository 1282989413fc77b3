"""The client side of SIP over WebSocket: handshakes, messages, URLs; against a proxy in memory."""

from typing import Any

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from wsproto.events import BytesMessage, CloseConnection, Pong, TextMessage

from tests.support.client import SIP, URL, ClientCase
from tests.support.wsproxy import Mood, Network
from wrtcgw.transport.interfaces import (
    ClosedByPeer,
    ProtocolFault,
    WebSocketSettings,
)
from wrtcgw.transport.websocket import HandshakeRefused, HandshakeTimeout, WebSocketEndpoint, WebSocketURL


class Handshake(ClientCase):
    """:rfc:`7118#section-4.1`: which handshakes open a connection, and what the others fail with."""

    def test_request(self) -> None:
        """The upgrade request has the path, the port in Host and the subprotocol."""
        _, connection = self.opened()
        assert connection.request is not None
        self.assertEqual(connection.request.target, "/ws")
        self.assertEqual(connection.request.host, "proxy.example.org:8080")
        self.assertEqual(connection.request.subprotocols, ["sip"])
        self.assertNotIn(b"Origin", connection.raw)
        self.assertNotIn(b"Authorization", connection.raw)

    def test_more_headers(self) -> None:
        """Fields such as Origin can be added, and credentials in the URL become HTTP Basic."""
        url = WebSocketURL.parse("ws://me:p%40ss@proxy.example.org:8080/")
        self.successResultOf(self.connect(url, headers=(("Origin", "https://example.org"),)))
        self.assertIn(b"Origin: https://example.org\r\n", self.proxy.last.raw)
        self.assertIn(b"Authorization: Basic bWU6cEBzcw==\r\n", self.proxy.last.raw)

    def test_no_delay(self) -> None:
        """Small SIP messages do not wait for Nagle's algorithm."""
        self.opened()
        self.assertTrue(self.proxy.last.wire.no_delay)

    def test_message_behind_the_101(self) -> None:
        """A message in the same piece as the 101 reaches the application."""
        self.proxy.greeting.append(TextMessage(SIP))
        app, _ = self.opened()
        self.assertEqual(app.received, [SIP])

    def test_close_behind_the_101(self) -> None:
        """A proxy that accepts and closes at once gives a connection that is lost, not an error."""
        self.proxy.greeting.append(CloseConnection(1013, "overload"))
        app, _ = self.opened()
        self.assert_lost(app, ClosedByPeer, "closed by the peer: 1013 overload")

    def assert_refused(self, status: int, text: str) -> None:
        """Check what an HTTP status becomes."""
        self.proxy.mood, self.proxy.status = Mood.REFUSING, status
        error = self.failureResultOf(self.connect(), HandshakeRefused).value
        self.assertEqual((error.status, str(error)), (status, text))
        self.assertTrue(self.proxy.last.wire.aborted)

    def test_refused(self) -> None:
        """An HTTP error is told by its status."""
        self.assert_refused(403, "WebSocket handshake refused: HTTP 403 Forbidden")

    def test_refused_with_unknown_status(self) -> None:
        """A status that has no standard name is told by number."""
        self.assert_refused(599, "WebSocket handshake refused: HTTP 599")

    def test_no_subprotocol(self) -> None:
        """A server that does not speak SIP on its WebSocket is not used."""
        self.proxy.mood = Mood.NO_SUBPROTOCOL
        error = self.failureResultOf(self.connect(), ProtocolFault).value
        self.assertIn("without the subprotocol", str(error))

    def test_nonsense(self) -> None:
        """Whatever is no HTTP, no correct 101 or not decodable fails the attempt at once."""
        answers = [
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: c3ViIHJvc2E=\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: s\xefp\r\n\r\n",
            b"HTTP/1.1 102 Processing\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        ]
        self.proxy.mood = Mood.STRANGE
        for answer in answers:
            self.proxy.answer = answer
            self.failureResultOf(self.connect(), ProtocolFault, HandshakeRefused)

    def test_variants(self) -> None:
        """Case, blanks, order and further fields of a right 101 make no difference, nor does its phrase."""
        self.proxy.mood = Mood.STRANGE
        for lines in (
            (b"101 Switching Protocols", b"upgrade: WebSocket", b"connection: upgrade", b"sec-websocket-protocol: sip"),
            (b"101 OK", b"Connection: keep-alive, Upgrade", b"Sec-WebSocket-Protocol:sip", b"UPGRADE: WEBSOCKET"),
            (
                b"101 Web Socket Protocol Handshake",
                b"Server: x/1.0 (J\xfcrgen)",
                b"Date: Sun, 29 Nov 2026 08:00:00 GMT",
                b"Sec-WebSocket-Protocol:  sip ",
                b"Upgrade:\twebsocket",
                b"Connection:Upgrade",
            ),
        ):
            answer = b"\r\n".join((b"HTTP/1.1 " + lines[0], *lines[1:], b"Sec-WebSocket-Accept: {accept}", b"", b""))
            self.proxy.answer = answer + b"\x81\x04ping"
            self.assertEqual(self.successResultOf(self.connect()).received, ["ping"], lines)

    def test_loss_in_the_handshake(self) -> None:
        """A loss in the middle of the handshake is a failed attempt."""
        self.proxy.mood = Mood.HANGING_UP
        self.failureResultOf(self.connect(), ConnectionDone)

    def test_timeout(self) -> None:
        """Silence in TCP or in the handshake ends after the time limit."""
        for mood in (Mood.SILENT, Mood.UNREACHABLE):
            self.proxy.mood = mood
            attempt = self.connect()
            self.network.run_for(4.75)
            self.assertNoResult(attempt)
            self.network.run_for(0.25)
            error = self.failureResultOf(attempt, HandshakeTimeout).value
            self.assertEqual(str(error), "no open WebSocket within 5 s")
        self.assertTrue(self.proxy.last.wire.aborted)

    def test_cancel(self) -> None:
        """A cancelled attempt is dropped wherever it is."""
        for mood in (Mood.SILENT, Mood.UNREACHABLE):
            self.proxy.mood = mood
            attempt = self.connect()
            attempt.cancel()
            self.failureResultOf(attempt)
        self.assertTrue(self.proxy.last.wire.aborted)
        self.network.settle()
        self.assertEqual(self.proxy.open_connections, 0)

    def test_cancel_after_opening(self) -> None:
        """Cancelling too late changes nothing."""
        attempt = self.connect()
        attempt.cancel()
        self.assertIsNone(self.successResultOf(attempt).lost)

    def test_factory_without_protocol(self) -> None:
        """A factory that does not want the connection any more ends it."""
        self.factory.buildProtocol = lambda _: None
        self.failureResultOf(self.connect(), ProtocolFault)


class Messages(ClientCase):
    """Messages in both directions."""

    def test_text(self) -> None:
        """A text message of any length goes through unchanged in both directions."""
        app, connection = self.opened()
        for size in (1, 125, 126, 60_000, 70_000):
            text = "ä" + "x" * (size - 1)
            connection.text(text)
            app.transport.sendTextMessage(text)
            self.network.settle()
            self.assertEqual(app.received.pop(), text)
            self.assertEqual("".join(connection.texts), text)
            connection.texts.clear()

    def test_foreign_bytes(self) -> None:
        """Bytes that are no UTF-8 travel in a binary frame (:rfc:`7118#section-4.2`) and are not lost."""
        app, connection = self.opened()
        data = SIP.encode() + b"caf\xe9"
        connection.send(BytesMessage(data))
        self.network.settle()
        app.transport.sendTextMessage(app.received[0])
        app.transport.sendTextMessage(SIP)
        self.network.settle()
        self.assertEqual(connection.binaries, [data])
        self.assertEqual(connection.texts, [SIP])

    def test_foreign_bytes_as_text(self) -> None:
        """The same in a text frame: no connection ends for what is in a message, whole or in fragments."""
        app, connection = self.opened()
        data = SIP.encode() + b"caf\xe9 \xf0\x9f\x98\x80 \xe2\x82"
        parts = [data[:-8], data[-8:-1], data[-1:]]
        fragments = b"".join(
            connection.ws.send(BytesMessage(part, message_finished=n == 2)) for n, part in enumerate(parts)
        )
        as_text = b"\x81" + connection.ws.send(BytesMessage(data))[1:], b"\x01" + fragments[1:]
        for frame in as_text:
            connection.send_raw(frame)
            self.network.settle()
            self.assertEqual(app.received.pop().encode("utf-8", "surrogateescape"), data)
        connection.text(SIP)
        self.network.settle()
        self.assertEqual((app.received, connection.close_code), ([SIP], None))

    def test_fragments(self) -> None:
        """A message may come in any fragments, with control frames between them, cut anywhere by TCP."""
        for whole in (SIP + "ä€", (SIP + "ä€").encode()):
            app, connection = self.opened()
            parts: list[Any] = [whole[:3], whole[3:-1], whole[:0], whole[-1:]]
            kind: Any = TextMessage if isinstance(whole, str) else BytesMessage
            frames = b"".join(
                connection.ws.send(kind(part, message_finished=n == 3)) + connection.ws.send(Pong())
                for n, part in enumerate(parts)
            )
            for n in range(len(frames)):
                connection.send_raw(frames[n : n + 1])
            self.network.settle()
            self.assertEqual(app.received, [SIP + "ä€"])
            connection.cut()
            self.network.settle()

    def test_too_long(self) -> None:
        """A message over the limit is dropped, also in fragments, and the connection serves the next one."""
        app, connection = self.opened(max_message_size=100)
        with capturedLogs() as logs:
            connection.text("x" * 101)
            connection.send(TextMessage("x" * 99, message_finished=False), TextMessage("y" * 99))
            connection.text("x" * 100)
            self.network.settle()
        self.assertEqual(app.received, ["x" * 100])
        self.assertEqual([event["size"] for event in logs], [101, 198])

    def test_endless(self) -> None:
        """A message far over the limit closes the connection with 1009."""
        app, connection = self.opened(max_message_size=100)
        for _ in range(90):
            connection.send(TextMessage("x" * 10, message_finished=False))
        self.network.settle()
        self.assertEqual(connection.close_code, 1009)
        self.assert_lost(app, ProtocolFault, "message over 810 bytes")

    def test_application_fault(self) -> None:
        """An exception of the application is logged and costs nothing but its message."""
        app, connection = self.opened()
        connection.text("boom")
        connection.text(SIP)
        self.network.settle()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(app.received, [SIP])

    def test_bad_frames(self) -> None:
        """Frames against :rfc:`6455` close the connection with the code it names."""
        cases = [(b"\x83\x00", 1002), (b"\x81\x81abcd\0", 1002), (b"\x88\x01a", 1002), (b"\x09\x00", 1002)]
        for frame, code in cases:
            app, connection = self.opened()
            connection.send_raw(frame)
            self.network.settle()
            self.assertEqual(connection.close_code, code)
            self.assert_lost(app, ProtocolFault)


class URLs(SynchronousTestCase):
    """Reading and printing ``ws:`` URLs."""

    def test_good(self) -> None:
        """Default ports, paths, queries and IPv6 are read; the printed form has no query and no credentials."""
        for text, authority, target, printed in [
            ("ws://a.example", "a.example", "/", "ws://a.example/"),
            ("WSS://A.example:443/x", "a.example", "/x", "wss://a.example/x"),
            ("ws://a.example:443/x?token=1", "a.example:443", "/x?token=1", "ws://a.example:443/x"),
            ("wss://[2001:db8::1]:8443", "[2001:db8::1]:8443", "/", "wss://[2001:db8::1]:8443/"),
            ("ws://u:secret@a.example/", "a.example", "/", "ws://a.example/"),
        ]:
            url = WebSocketURL.parse(text)
            self.assertEqual((url.authority, url.target, str(url)), (authority, target, printed))
            self.assertNotIn("secret", repr(url))

    def test_bad(self) -> None:
        """Everything else is refused without repeating what was found."""
        for text in [
            "", "http://a.example", "ws://", "ws:///x", "ws://a.example:0", "ws://a.example:99999", "ws://[::1",
            "ws://a.example/#x", "ws://a.example/ä", "ws://u:secret@a..example/", "a.example:8080",
        ]:  # fmt: skip
            error = self.assertRaises(ValueError, WebSocketURL.parse, text)
            self.assertNotIn("secret", str(error))

    def test_port_out_of_range(self) -> None:
        """A port that is none is told as such."""
        for port in ("0", "65536", "99999"):
            error = self.assertRaises(ValueError, WebSocketURL.parse, f"ws://u:secret@a.example:{port}/")
            self.assertEqual(str(error), "expected a port from 1 to 65535")

    def test_endpoint_repr(self) -> None:
        """The endpoint prints as its URL, since ClientService logs it."""
        network: Any = Network()
        endpoint = WebSocketEndpoint(network, HostnameEndpoint(network, "a", 80), URL, WebSocketSettings())
        self.assertEqual(repr(endpoint), "<WebSocketEndpoint ws://proxy.example.org:8080/ws>")
