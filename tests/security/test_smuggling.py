"""Attack 13: requests whose end two servers could see in different places."""

from tests.web.harness import WebTestCase

SMUGGLED = b"GET /api/webrtc/sign_out?id=vic HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EMPTY = b"0\r\n\r\n"


def length(value: bytes) -> bytes:
    """Return a Content-Length."""
    return b"Content-Length: " + value + b"\r\n"


BAD: dict[str, tuple[bytes, bytes]] = {
    "both": (length(b"5") + CHUNKED, EMPTY),
    "both, the other way round": (CHUNKED + length(b"%d" % len(EMPTY + SMUGGLED)), EMPTY),
    "two lengths": (length(b"0") + length(b"5"), b"hello"),
    "list of lengths": (length(b"5, 5"), b"hello"),
    "hexadecimal": (length(b"0x5"), b"hello"),
    "plus": (length(b"+5"), b"hello"),
    "minus": (length(b"-5"), b"hello"),
    "other digits": (length("\N{ARABIC-INDIC DIGIT FIVE}".encode()), b"hello"),
    "blank inside": (length(b"5 5"), b"hello"),
    "fraction": (length(b"5.0"), b"hello"),
    "unknown coding": (b"Transfer-Encoding: gzip, chunked\r\n", EMPTY),
    "two codings": (CHUNKED + CHUNKED, EMPTY),
    "blank before the colon": (b"Transfer-Encoding : chunked\r\n", EMPTY),
    "vertical tab": (b"Transfer-Encoding: \x0bchunked\r\n", EMPTY),
    "chunk with a sign": (CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n"),
    "chunk in 0x": (CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk without an end": (CHUNKED, b"5\r\nhelloX0\r\n\r\n"),
    "NUL in a field": (b"X-A: a\x00b\r\n", b""),
}


class Smuggling(WebTestCase):
    """What is behind a request that nobody can delimit is no request."""

    def test_framing(self) -> None:
        """It gets 400 and the connection ends; an agent that the rest would sign out stays."""
        token = self.sign_in("vic")
        self.assertTrue(token)
        for name, (fields, body) in BAD.items():
            wire = self.wire()
            wire.raw(b"POST /api/webrtc/check HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + body + SMUGGLED)
            self.assertTrue(wire.received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), (name, wire.received[:80]))
            self.assertEqual(wire.received.count(b"HTTP/1.1 "), 1, name)
            self.assertTrue(wire.transport.disconnecting, name)
        self.assertEqual([agent.id for agent in self.gateway.agents()], ["vic"])

    def test_well_formed(self) -> None:
        """What is well formed, two requests in one packet included, is served one after the other."""
        wire = self.wire()
        health = b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"
        chunked = (
            b"POST /api/webrtc/sign_out?id=nobody HTTP/1.1\r\nHost: x\r\n" + CHUNKED + b"\r\n2;a=b\r\n{}\r\n" + EMPTY
        )
        wire.raw(health + chunked + health)
        self.assertEqual([answer.code for answer in wire.answers()], [200, 401, 200])
