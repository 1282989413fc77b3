"""What is sent to Homer, and that nothing waits for it."""

from ipaddress import ip_address
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.capture.support import request
from tests.capture.test_exports import INVITE, chunks
from wrtcgw.capture.hep import Agent, End
from wrtcgw.config import load
from wrtcgw.config.kinds import HEPTarget
from wrtcgw.daemon.hep import WAITING, DatagramLine, HEPSender, StreamService
from wrtcgw.events.catalogue import SIPMessageReceived, SIPMessageSent
from wrtcgw.events.stream import EventStream

HERE, THERE = End(ip_address("192.0.2.1"), 40000), End(ip_address("192.0.2.7"), 443)


@define
class StandInLine:
    """Takes packets as long as it is told to."""

    takes: bool = True
    packets: list[bytes] = field(factory=list)

    def send(self, data: bytes) -> bool:
        """Keep a packet."""
        self.packets.append(data)
        return self.takes


class SenderTests(SynchronousTestCase):
    """Which packets are made."""

    def setUp(self) -> None:
        self.line, self.stream, self.show_data = StandInLine(), EventStream(), False
        agent = Agent(number=1, name="gw1")
        self.sender = HEPSender(self.line, agent, lambda flow: (HERE, THERE), lambda: self.show_data, lambda: 1e9)
        self.sender.subscribe_to(self.stream)

    def last(self) -> dict[int, bytes]:
        """Return the chunks of the newest packet."""
        return chunks(self.line.packets[-1])

    def test_directions(self) -> None:
        """What comes goes from the proxy to us, what is sent the other way; what was not sent is not told."""
        self.stream.publish(SIPMessageReceived(0, request("INVITE", "c")))
        self.assertEqual((self.last()[3], self.last()[4]), (THERE.address.packed, HERE.address.packed))
        self.stream.publish(SIPMessageSent(0, request("BYE", "c")))
        self.assertEqual((self.last()[3], self.last()[7]), (HERE.address.packed, b"\x9c\x40"))
        self.stream.publish(SIPMessageSent(0, request("BYE", "c"), carried=False))
        self.assertEqual(len(self.line.packets), 2)

    def test_masked(self) -> None:
        """No secret leaves; attached data only where it may be shown."""
        self.stream.publish(SIPMessageSent(0, INVITE))
        self.assertNotIn(b"0123456789abcdef", self.line.packets[-1])
        self.assertNotIn(b"4711", self.line.packets[-1])
        self.show_data = True
        self.stream.publish(SIPMessageSent(0, INVITE))
        self.assertIn(b"4711", self.line.packets[-1])

    def test_correlation(self) -> None:
        """Messages of a dialog are correlated by its X-Genesys-CallUUID from the first one on that has it."""
        head = "INVITE sip:a SIP/2.0\r\nCall-ID: c\r\n{}\r\n"
        for text, wanted in (
            (head.format(""), b"c"),
            (head.format("x-genesys-calluuid: U1\r\n"), b"U1"),
            ("BYE sip:a SIP/2.0\r\nCall-ID: c\r\n\r\n", b"U1"),
            ("BYE sip:a SIP/2.0\r\nCall-ID: d\r\n\r\n", b"d"),
        ):
            self.stream.publish(SIPMessageReceived(0, text))
            self.assertEqual(self.last()[17], wanted)

    def test_counts(self) -> None:
        """What was sent and what was dropped is counted."""
        self.stream.publish(SIPMessageReceived(0, request("INVITE", "c")))
        self.line.takes = False
        self.stream.publish(SIPMessageReceived(0, request("INVITE", "c")))
        self.assertEqual(dict(self.sender.numbers), {("sent",): 1, ("dropped",): 1})


@define(eq=False)
class StandInEndpoint:
    """Connects when it is told to."""

    waiting: list[Any] = field(factory=list)

    def connect(self, factory: Factory) -> "Deferred[Protocol]":
        """Begin."""
        attempt: Deferred[Protocol] = Deferred()
        self.waiting.append((factory, attempt))
        return attempt

    def succeed(self) -> StringTransport:
        """Let the newest attempt succeed."""
        factory, attempt = self.waiting.pop()
        protocol, transport = factory.buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        attempt.callback(protocol)
        return transport


class StreamTests(SynchronousTestCase):
    """Over TCP."""

    def setUp(self) -> None:
        self.endpoint, self.clock = StandInEndpoint(), Clock()
        self.service = StreamService(self.endpoint, self.clock)  # type: ignore[arg-type]
        self.service.startService()

    def test_waiting(self) -> None:
        """Packets wait for the connection, within a bound, and go out in their order."""
        self.assertTrue(self.service.send(b"one,"))
        self.assertTrue(self.service.send(b"two,"))
        self.assertFalse(self.service.send(b"x" * WAITING))
        transport = self.endpoint.succeed()
        self.assertEqual(transport.value(), b"one,two,")
        self.assertTrue(self.service.send(b"three"))
        self.assertEqual(transport.value(), b"one,two,three")

    def test_slow(self) -> None:
        """A server that reads slowly costs no more than the bound; later packets go when it reads again."""
        transport = self.endpoint.succeed()
        assert transport.producer is not None
        transport.producer.pauseProducing()
        sent = [self.service.send(b"y" * 1000) for _ in range(WAITING // 1000 + 50)]
        self.assertEqual((sent.count(True), transport.value()), (WAITING // 1000, b""))
        transport.producer.resumeProducing()
        self.assertEqual(len(transport.value()), WAITING // 1000 * 1000)


class Kernel:
    """A reactor for datagrams, and the port that it gives."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sent: list[tuple[bytes, Any]] = []
        self.fault: Exception | None = None
        self.names: dict[str, str] = {}
        self.seconds, self.callLater = self.clock.seconds, self.clock.callLater

    def listenUDP(self, port: int, protocol: object, interface: str, size: int) -> "Kernel":  # noqa: N802
        """Return the port."""
        return self

    def stopListening(self) -> None:  # noqa: N802
        """Close it."""

    def write(self, data: bytes, address: object) -> None:
        """Take a datagram."""
        if self.fault is not None:
            raise self.fault
        self.sent.append((data, address))

    def resolve(self, name: str) -> str:
        """Look a name up."""
        return self.names[name]


class DatagramTests(SynchronousTestCase):
    """By UDP."""

    def test_sent(self) -> None:
        """Datagrams go to the address; what the kernel does not take is dropped, whatever its reason."""
        kernel: Any = Kernel()
        line = DatagramLine(kernel, HEPTarget("udp", "192.0.2.9", 9060))
        self.assertFalse(line.send(b"early"))
        line.startService()
        self.assertTrue(line.send(b"one"))
        self.assertEqual(kernel.sent, [(b"one", ("192.0.2.9", 9060))])
        kernel.fault = ConnectionRefusedError()
        self.assertFalse(line.send(b"two"))
        self.successResultOf(line.stopService())
        self.assertFalse(line.send(b"late"))
        self.assertEqual(kernel.clock.getDelayedCalls(), [])

    def test_names(self) -> None:
        """A name that is not known yet is looked up again; until then nothing is sent."""
        kernel: Any = Kernel()
        line = DatagramLine(kernel, HEPTarget("udp", "homer.example.org", 9060))
        line.startService()
        self.assertFalse(line.send(b"one"))
        kernel.names["homer.example.org"] = "192.0.2.9"
        kernel.clock.advance(61)
        self.assertTrue(line.send(b"two"))
        self.successResultOf(line.stopService())


class SettingTests(SynchronousTestCase):
    """``hep_target``."""

    def test_targets(self) -> None:
        """It is read with name, address or IPv6 address; what is none of these is refused with what was expected."""
        for text, wanted in (
            ("udp:homer.example.org:9060", HEPTarget("udp", "homer.example.org", 9060)),
            ("tcp:[2001:db8::1]:9061", HEPTarget("tcp", "2001:db8::1", 9061)),
            ("", None),
        ):
            environ = {"WRTCGW_HEP_TARGET": text, "SIP_WS_SERVER": "ws://192.0.2.1:80", "SIP_DOMAIN": "example.org"}
            settings, _ = load(None, environ)
            self.assertEqual(settings.hep_target, wanted)
        for text in (
            "homer:9060",
            "udp:homer",
            "sctp:homer:1",
            "udp::9",
            "udp:homer:0",
            "udp:homer:99999",
            "udp:a b:9",
        ):
            environ = {"WRTCGW_HEP_TARGET": text, "SIP_WS_SERVER": "ws://192.0.2.1:80", "SIP_DOMAIN": "example.org"}
            with self.assertRaisesRegex(Exception, "udp:host:port"):
                load(None, environ)
