"""Keep-alives, dead peers and the end of connections; against a proxy in memory and in virtual time."""

from twisted.internet.error import ConnectionDone, ConnectionLost
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from tests.support.client import SIP, ClientCase
from tests.support.wsproxy import Mood
from wrtcgw.transport.interfaces import (
    ClosedByPeer,
    PongTimeout,
    ProtocolFault,
)


class KeepAlive(ClientCase):
    """Pings both ways, in frames and in CRLFs."""

    def test_answers_ping(self) -> None:
        """A ping is answered with its payload, the newest of several that came at once suffices."""
        _, connection = self.opened()
        connection.send(Ping(b"one"))
        self.network.settle()
        connection.send(Ping(b"two"), Ping(b"three"))
        self.network.settle()
        self.assertEqual(connection.pongs, [b"one", b"three"])

    def test_crlf(self) -> None:
        """CRLFCRLF is answered with CRLF; it, CRLF and empty messages never reach the application."""
        app, connection = self.opened()
        connection.send(TextMessage("\r\n\r\n"))
        self.network.settle()
        connection.send(BytesMessage(b"\r\n\r\n"), TextMessage("\r\n"), TextMessage(""), BytesMessage(b""))
        self.network.settle()
        connection.send(TextMessage("\r\n" + SIP))
        self.network.settle()
        self.assertEqual(connection.texts, ["\r\n", "\r\n"])
        self.assertEqual(app.received, ["\r\n" + SIP])

    def test_flood(self) -> None:
        """A flood of pings is answered sparingly and ends with 1008."""
        app, connection = self.opened()
        for _ in range(9):
            connection.send(*[Ping(b"x")] * 100)
        self.network.settle()
        self.assertEqual(len(connection.pongs), 9)
        connection.send(*[TextMessage("\r\n\r\n")] * 101)
        self.network.settle()
        self.assertEqual(connection.close_code, 1008)
        self.assert_lost(app, ProtocolFault, "flood of pings")

    def test_many_pings_over_time(self) -> None:
        """Many pings over a long time are no flood."""
        app, connection = self.opened()
        for _ in range(30):
            connection.send(*[Ping(b"x")] * 100)
            self.network.run_for(1)
        self.assertIsNone(app.lost)

    def test_own_pings(self) -> None:
        """We ping at the interval, and a peer that answers is kept."""
        app, connection = self.opened()
        self.network.run_for(60)
        self.assertEqual(connection.pings, 6)
        self.assertEqual(connection.texts, [])
        self.assertIsNone(app.lost)

    def test_own_crlf(self) -> None:
        """The setting adds a CRLFCRLF to each ping."""
        _, connection = self.opened(crlf_keepalive=True)
        self.network.run_for(20)
        self.assertEqual(connection.texts, ["\r\n\r\n"] * 2)

    def test_no_pings(self) -> None:
        """Without an interval there are no pings."""
        _, connection = self.opened(ping_interval=0)
        connection.send(Pong())
        self.network.run_for(60)
        self.assertEqual(connection.pings, 0)

    def test_stopped_peer(self) -> None:
        """A peer that stops, or a network that swallows all, is noticed well inside 20 s and the connection aborted."""
        for offset in (0.5, 5, 9.75, 12):
            self.proxy.mood = Mood.WELL
            app, connection = self.opened()
            self.network.run_for(offset)
            self.proxy.mood = Mood.SILENT
            self.network.run_for(18)
            self.assert_lost(app, PongTimeout, "no answer to a ping within 8 s")
            self.assertTrue(connection.wire.aborted, "loseConnection would wait for bytes that never leave")

    def test_deaf_peer(self) -> None:
        """A peer that still sends but takes nothing in is dead too."""
        app, connection = self.opened()
        connection.answers_pings = False
        for _ in range(18):
            connection.text(SIP)
            self.network.run_for(1)
        self.assertIsNotNone(app.lost)

    def test_short_black_hole(self) -> None:
        """A pong that comes within the deadline saves the connection."""
        app, connection = self.opened()
        connection.answers_pings = False
        self.network.run_for(17)
        connection.send(Pong())
        connection.answers_pings = True
        self.network.run_for(30)
        self.assertIsNone(app.lost)

    def test_own_sleep(self) -> None:
        """If our own process was stopped past the deadline, the peer gets a new ping instead of the blame."""
        app, connection = self.opened()
        connection.answers_pings = False
        self.network.run_for(11)
        connection.answers_pings = True
        self.network.advance(3600)
        self.network.run_for(1)
        self.assertIsNone(app.lost)
        connection.answers_pings = False
        self.network.advance(3600)
        self.network.run_for(18)
        self.assertIsNotNone(app.lost)


class Closing(ClientCase):
    """The end of a connection, from either side."""

    def test_by_us(self) -> None:
        """We close with 1000, wait for the answer, and what comes meanwhile is not handed up."""
        app, connection = self.opened()
        connection.answers_close = False
        app.transport.loseConnection()
        connection.text(SIP)
        connection.send(Ping())
        connection.send(Pong())
        self.network.settle()
        self.assertEqual(connection.close_code, 1000)
        self.assertIsNone(app.lost)
        connection.send(CloseConnection(1000))
        self.network.settle()
        self.assert_lost(app, ConnectionDone)
        self.assertEqual((app.received, connection.pongs), ([], []))
        self.assertFalse(connection.wire.aborted)

    def test_by_us_unanswered(self) -> None:
        """A peer that does not answer our Close is dropped after ``close_timeout``; asking twice changes nothing."""
        app, connection = self.opened()
        self.proxy.mood = Mood.SILENT
        app.transport.loseConnection()
        app.transport.loseConnection()
        self.network.run_for(2)
        self.assertTrue(connection.wire.aborted)
        self.assertIsNotNone(app.lost)

    def test_malformed_while_closing(self) -> None:
        """Nonsense instead of an answer to our Close ends the connection."""
        app, connection = self.opened()
        connection.answers_close = False
        app.transport.loseConnection()
        connection.send_raw(b"\x83\x00")
        self.network.settle()
        self.assertIsNotNone(app.lost)

    def test_by_the_peer(self) -> None:
        """The peer's Close is answered and told; nothing is sent after it."""
        app, connection = self.opened()
        connection.send(CloseConnection(1001))
        connection.send_raw(b"\x81\x02hi")
        self.network.settle()
        self.assertEqual(connection.close_code, 1001)
        self.assert_lost(app, ClosedByPeer, "closed by the peer: 1001")
        app.transport.sendTextMessage(SIP)
        app.transport.loseConnection()
        app.transport.abortConnection()
        self.network.settle()
        self.assertEqual(connection.texts, [])

    def test_without_status(self) -> None:
        """A Close without a status is answered without one (:rfc:`6455#section-7.1.5`)."""
        app, connection = self.opened()
        connection.send_raw(b"\x88\x00")
        self.network.settle()
        self.assertEqual(connection.close_code, 1005)
        self.assertIsNotNone(app.lost)

    def test_peer_closes_but_takes_nothing(self) -> None:
        """TCP that does not empty after the last frame is dropped after ``close_timeout``."""
        app, connection = self.opened()
        connection.send(CloseConnection(1001))
        self.proxy.mood = Mood.SILENT
        self.network.settle()
        self.assertIsNone(app.lost)
        self.network.run_for(2)
        self.assertTrue(connection.wire.aborted)
        self.assertIsNotNone(app.lost)

    def test_loss(self) -> None:
        """TCP that ends without a word is told with Twisted's reason."""
        app, connection = self.opened()
        connection.wire.lose(ConnectionLost())
        self.assert_lost(app, ConnectionLost)

    def test_abort(self) -> None:
        """Aborting drops the connection without a Close."""
        app, connection = self.opened()
        app.transport.abortConnection()
        self.network.settle()
        self.assertIsNone(connection.close_code)
        self.assertIsNotNone(app.lost)

    def test_addresses(self) -> None:
        """Both addresses can be asked for."""
        app, _ = self.opened()
        self.assertEqual((app.transport.getPeer().host, app.transport.getHost().host), ("192.0.2.1", "192.0.2.99"))
