"""Heads that are too long: whoever sends one is told, and not just cut off."""

from tests.web.harness import WebTestCase

START = b"GET /api/health HTTP/1.1\r\nHost: gateway.example\r\n"
LONG = 17_000
"""Bytes; a line, and a head as a whole, may have 16,384."""


class LongHeads(WebTestCase):
    """Each is answered with 400, and its connection is closed."""

    def test_told(self) -> None:
        """In one piece or in several, with an end or without one."""
        cookies = b"; ".join(b"wrtcgw_%d=%s" % (number, b"a" * 43) for number in range(300))
        heads = (
            b"GET /" + b"a" * LONG + b" HTTP/1.1\r\n",
            b"GET /" + b"a" * LONG,
            START + b"Cookie: " + cookies + b"\r\n\r\n",
            START + b"X-Long: " + b"a" * LONG,
            START + b"X-Short: a\r\n" * 2_000 + b"\r\n",
        )
        for head in heads:
            for size in (len(head), 4_000):
                wire = self.wire()
                for at in range(0, len(head), size):
                    wire.raw(head[at : at + size])
                answer = wire.answer()
                self.assertEqual((answer.code, answer.json["code"]), (400, "bad_request"), head[:60])
                self.assertTrue(wire.transport.disconnecting)
