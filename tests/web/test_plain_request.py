"""Plain requests: what is one, and that the channel serves it as Twisted serves any."""

from twisted.trial.unittest import SynchronousTestCase

from tests.web.harness import WebTestCase
from wrtcgw.web.plain_request import LONGEST, MOST, read_plain

HOST = b"Host: a.example\r\n"


class Reading(SynchronousTestCase):
    """What is plain."""

    def test_head(self) -> None:
        """Method, target, fields under the names that Twisted gives them, and where the request ends."""
        head = b"POST /a?b=c HTTP/1.1\r\nhost:  a \r\nETAG: x\r\nX-A: 1\r\nx-a: 2\r\nX-B:\r\nContent-Length: 5\r\n\r\n"
        plain = read_plain(head + b"hello, and more")
        assert plain is not None
        self.assertEqual((plain.method, plain.target), (b"POST", b"/a?b=c"))
        fields = {b"Host": [b"a"], b"ETag": [b"x"], b"X-A": [b"1", b"2"], b"X-B": [b""], b"Content-Length": [b"5"]}
        self.assertEqual(plain.fields, fields)
        self.assertEqual((plain.start, plain.end), (len(head), len(head) + 5))

    def test_without_a_body(self) -> None:
        """No length is none, also for POST."""
        for method in (b"GET", b"POST"):
            head = method + b" / HTTP/1.1\r\n" + HOST + b"\r\n"
            plain = read_plain(head)
            assert plain is not None
            self.assertEqual(plain.end, len(head))

    def test_left_to_twisted(self) -> None:
        """Whatever could be read in two ways, is rare, or is not whole."""
        line = b"GET / HTTP/1.1\r\n"
        for head in (
            b"",
            b"GET / HTTP/1.1\r\n",
            line + HOST,
            line + b"\r\n",
            b"\r\n" + line + HOST + b"\r\n",
            b"PUT / HTTP/1.1\r\n" + HOST + b"\r\n",
            b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
            b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /\xfc HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET / HTTP/1.1\n" + HOST + b"\r\n",
            *(
                line + HOST + field + b"\r\n\r\n"
                for field in (
                    *(b"Transfer-Encoding: chunked", b"transfer-encoding: identity", b"Expect: 100-continue"),
                    *(b"Upgrade: h2c", b"Content-Length: +5", b"Content-Length: 5, 5", b"Content-Length:"),
                    *(b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: 123456789", b"Content-Length : 5"),
                    *(b"X-A: \t1", b" folded", b"X-A: 1\r\n folded", b"X-A: \xfc", b"X-A: a\x00", b"X_A: 1", b": 1"),
                    *(b"no colon", b"X-A: 1\rX-B: 2", b"X-A: 1\nX-B: 2", b"X-Long: " + b"a" * LONGEST),
                    b"\r\n".join([b"X-A: 1"] * MOST),
                )
            ),
        ):
            self.assertIsNone(read_plain(head), head[:80])


class Serving(WebTestCase):
    """Plain requests on a connection."""

    HEAD = b"POST /api/webrtc/sign_out?id=nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n"
    HEALTH = b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"

    def test_body_in_pieces(self) -> None:
        """A body that comes in pieces is waited for, as long as any; what follows it is served too."""
        wire = self.wire()
        wire.raw(self.HEAD + b"a" * 5)
        self.clock.advance(20)
        wire.raw(b"a" * 5)
        self.assertEqual(wire.received, b"")
        wire.raw(b"a" * 10 + self.HEALTH)
        self.assertEqual([answer.code for answer in wire.answers()], [401, 200])
        wire.raw(self.HEAD + b"a" * 19)
        self.clock.advance(30)
        self.assertEqual(wire.answer().code, 408)

    def test_closed_by_the_page(self) -> None:
        """After ``Connection: close`` nothing else is served."""
        wire = self.wire()
        wire.raw(self.HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        wire.raw(self.HEALTH)
        self.assertEqual(wire.answer().code, 200)
        self.assertTrue(wire.transport.disconnecting)

    def test_while_another_hangs(self) -> None:
        """A request that comes while a poll hangs is served after it."""
        token = self.sign_in("a")
        wire = self.wire()
        wire.get("/api/webrtc/message?id=a&wait=20", X_WRTC_Session=token)
        wire.raw(self.HEALTH)
        wire.raw(self.HEALTH)
        self.assertEqual(wire.received, b"")
        self.clock.advance(20)
        self.assertEqual([answer.code for answer in wire.answers()], [204, 200, 200])

    def test_idle(self) -> None:
        """Each request gives the connection its idle time anew, and a hanging one stops the time."""
        token = self.sign_in("a")
        wire = self.wire()
        for _ in range(3):
            wire.raw(self.HEALTH)
            self.clock.advance(70)
            self.assertFalse(wire.transport.disconnecting)
        wire.get("/api/webrtc/message?id=a&wait=59", X_WRTC_Session=token)
        self.clock.advance(59)
        self.clock.advance(74)
        self.assertFalse(wire.transport.disconnecting)
        self.clock.advance(1)
        self.assertTrue(wire.transport.disconnecting)
