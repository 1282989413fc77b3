"""The pure parts of a bot: messages as they come in, digits in RTP, and waiting."""

import asyncio
import os
import pathlib

from twisted.trial.unittest import SynchronousTestCase

from tests.support.asyncloop import run
from wrtcgw.agentclient.changes import Changes
from wrtcgw.agentclient.digits import OFFERED, DigitReader, payload_types, with_digits
from wrtcgw.agentclient.errors import UnreachableError
from wrtcgw.agentclient.messages import LARGEST, EventParser, Message
from wrtcgw.agentclient.wire import open_wire, proxy_to
from wrtcgw.sdp.description import parse

STREAM = (
    'retry: 2000\n\nid: 1\ndata: {"messageType": "RINGING", "seq": 1, "callId": "a"}\n\n'
    ': alive\n\nid: 2\r\ndata: {"messageType": "DTMF", "seq": 2,\r\ndata: "callId": "a", "digits": "7"}\r\n\r\n'
)


class MessageTests(SynchronousTestCase):
    """Server-Sent Events, and what stands in them."""

    def test_split_anywhere(self) -> None:
        """Each message comes once, wherever the stream was cut."""
        for at in range(len(STREAM)):
            parser = EventParser()
            found = [*parser.feed(STREAM[:at]), *parser.feed(STREAM[at:])]
            self.assertEqual([(each.type, each.seq) for each in found], [("RINGING", 1), ("DTMF", 2)], at)
            self.assertEqual(found[1].text("digits"), "7")

    def test_not_a_gateway(self) -> None:
        """What no gateway sends is an error of its own, and is not kept without end."""
        for text in ("data: <html>\n\n", "data: [1]\n\n", "x" * (LARGEST + 1)):
            with self.assertRaises(UnreachableError):
                list(EventParser().feed(text))

    def test_fields_of_other_types(self) -> None:
        """Fields that are not what they should be count as missing."""
        message = Message.of({"messageType": "ERROR", "seq": "x", "sipCode": "486", "reason": 1, "data": [1, None]})
        self.assertEqual((message.seq, message.number("sipCode"), message.text("reason"), message.data), (0, 0, "", {}))

    def test_ends(self) -> None:
        """An ERROR about an order leaves the call, another one ends it."""
        for kind, state, ends in (
            *(("ERROR", "ENDED", True), ("ERROR", "", True), ("ERROR", "ESTABLISHED", False)),
            *(("SHUTDOWN", "", True), ("ANSWER", "", False)),
        ):
            self.assertIs(Message.of({"messageType": kind, "state": state}).ends_call, ends, (kind, state))


def packet(event: int, timestamp: int, *, kind: int = 126, head: int = 0x80, more: bytes = b"") -> bytes:
    """Return an RTP packet of a telephone event."""
    rtp = bytes([head, kind]) + b"\0\1" + timestamp.to_bytes(4) + b"\0\0\0\7" + more
    return rtp + bytes([event, 10, 0, 160])


class DigitTests(SynchronousTestCase):
    """RFC 4733."""

    def test_once_each(self) -> None:
        """A digit that comes in several packets is one; the same digit again is another."""
        reader = DigitReader(frozenset({126}))
        packets = [packet(5, 100)] * 3 + [packet(5, 900), packet(11, 1700)]
        self.assertEqual("".join(map(reader.take, packets)), "55#")

    def test_headers(self) -> None:
        """Contributing sources, an extension and the marker do not hide it."""
        reader = DigitReader(frozenset({126}))
        self.assertEqual(reader.take(packet(1, 1, head=0x81, more=bytes(4))), "1")
        self.assertEqual(reader.take(packet(2, 2, head=0x90, more=b"\xbe\xde\0\1" + bytes(4))), "2")
        self.assertEqual(reader.take(packet(3, 3, kind=126 | 0x80)), "3")

    def test_nothing_else(self) -> None:
        """Other payload types, flashes, and packets that are cut off are no digits."""
        reader = DigitReader(frozenset({126}))
        for data in (packet(1, 1, kind=111), packet(16, 1), packet(1, 1)[:14], b"", packet(1, 1, head=0x8F)):
            self.assertEqual(reader.take(data), "", data)

    def test_description(self) -> None:
        """A description takes digits by the payload types that it is given, none of them twice."""
        plain = parse(
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )
        once = with_digits(plain, OFFERED)
        self.assertEqual(once.streams[0].formats, ["0", "126", "110"])
        self.assertEqual(payload_types(once.streams[0]), {126, 110})
        self.assertEqual(str(with_digits(once, OFFERED)), str(once))


class WireTests(SynchronousTestCase):
    """What the environment has a say in."""

    def environment(self, **values: str) -> None:
        """Let it be this, and nothing else of proxies."""
        kept = {name: its for name, its in os.environ.items() if not name.lower().endswith("_proxy")}
        self.patch(os, "environ", {**kept, **values})

    def test_proxies(self) -> None:
        """Proxies are those of the environment, but for whom it excepts."""
        self.environment(https_proxy="http://proxy:3128", no_proxy="localhost,inner.example")
        for gateway, expected in (
            ("https://gw.example/x", "http://proxy:3128"),
            ("http://gw.example", None),
            ("https://inner.example:8443", None),
            ("nonsense", None),
        ):
            self.assertEqual(proxy_to(gateway), expected, gateway)

    def test_no_netrc(self) -> None:
        """A gateway gets no password of .netrc: neither in place of the session's token nor when there is none yet."""
        path = pathlib.Path(self.mktemp())
        path.write_text("default login somebody password planted\n")
        self.environment(NETRC=str(path))
        heard: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 31\r\nConnection: close\r\n\r\n")
            writer.write(b'{"id": "bot", "session": "abc"}')
            writer.close()

        async def ask() -> None:
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            wire = open_wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await wire.sign_in({"dn": "5001", "password": "secret"})
            await wire.calls()
            await wire.close()
            server.close()

        asyncio.run(asyncio.wait_for(ask(), 10))  # with real sockets
        shown = [line for text in heard for line in text.split(b"\r\n") if line.startswith(b"Authorization")]
        self.assertEqual(shown, [b"Authorization: Bearer abc"])


class ChangesTests(SynchronousTestCase):
    """Waiting for a condition, in virtual time."""

    def test_at_once(self) -> None:
        """What is true already is not waited for."""
        run(Changes().until(lambda: True, 0.0, "nothing"))

    def test_when_told(self) -> None:
        """It looks again whenever it is told, and only then goes on."""

        async def scenario() -> float:
            changes, seen = Changes(), [0]
            loop = asyncio.get_running_loop()

            def change() -> None:
                seen[0] += 1
                changes.tell()

            for at in (1.0, 2.0, 3.0):
                loop.call_later(at, change)
            await changes.until(lambda: seen[0] == 2, 10.0, "two")
            return loop.time()

        self.assertAlmostEqual(run(scenario()), 2.0, places=3)

    def test_too_late(self) -> None:
        """The error says how long was waited for what; nobody waits any more."""
        changes = Changes()
        with self.assertRaisesRegex(TimeoutError, r"waited 5 s in vain for Godot"):
            run(changes.until(lambda: False, 5.0, "Godot"))
        self.assertEqual(changes._waiting, set())
