"""SIP messages for other programs: masked, whole, and in the formats of pcap and HEP."""

import re
from ipaddress import ip_address
from struct import unpack

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.capture.support import EPOCH, recorder, request
from wrtcgw.capture.exports import exported
from wrtcgw.capture.hep import LARGEST, Agent, End, packet
from wrtcgw.capture.pcap import pcap

BODY = "v=0\r\na=ice-pwd:0123456789abcdefghijkl\r\na=sendrecv\r\n"
INVITE = (
    "INVITE sip:5001@example.org SIP/2.0\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
    'Authorization: Digest username="5001", response="0123456789abcdef"\r\nX-Data-Case: 4711\r\n'
    f"Content-Type: application/sdp\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}"
)


class ExportTests(SynchronousTestCase):
    """What leaves."""

    def test_masked(self) -> None:
        """Secrets are masked, attached data is left out unless it may be shown, and the length is what it is now."""
        for show_data in (False, True):
            text = exported(INVITE, show_data=show_data).decode()
            head, _, body = text.partition("\r\n\r\n")
            for secret in ("0123456789abcdef", "0123456789abcdefghijkl"):
                self.assertNotIn(secret, text)
            self.assertEqual("4711" in text, show_data)
            found = re.search(r"Content-Length: (\d+)", head)
            assert found is not None
            self.assertEqual(int(found[1]), len(body))
            self.assertLess(len(body), len(BODY))

    def test_bytes(self) -> None:
        """Bytes that are no UTF-8 are as they came, and counted as bytes."""
        message = "INFO sip:a SIP/2.0\r\nSubject: J\udcfcrgen\r\nl: 4\r\n\r\n\u00fc\udcfc."
        self.assertTrue(exported(message, show_data=True).endswith(b"l: 4\r\n\r\n\xc3\xbc\xfc."))
        self.assertIn(b"J\xfcrgen", exported(message))


class PcapTests(SynchronousTestCase):
    """A file for Wireshark."""

    def test_file(self) -> None:
        """Each message is a datagram with its time and the right sums; what was not sent is not in it."""
        clock = Clock()
        one = recorder(clock)
        one.sip(2, request("INVITE", "c"), sent=False)
        clock.advance(1.5)
        one.sip(2, "SIP/2.0 180 Ringing\r\nCall-ID: c\r\n\r\n", sent=True)
        one.sip(2, "SIP/2.0 200 OK\r\nCall-ID: c\r\n\r\n", sent=True, carried=False)
        track = one.of_call("c")
        assert track is not None
        data = pcap(track)
        self.assertEqual(unpack("<IHHiIII", data[:24]), (0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, 101))
        packets, rest = [], data[24:]
        while rest:
            seconds, micro, kept, whole = unpack("<IIII", rest[:16])
            self.assertEqual(kept, whole)
            packets.append((seconds + micro / 1e6, rest[16 : 16 + kept]))
            rest = rest[16 + kept :]
        (first, came), (second, went) = packets
        self.assertAlmostEqual(first, EPOCH, places=3)
        self.assertAlmostEqual(second - first, 1.5, places=3)
        self.assertEqual((came[12:16], came[16:20]), (bytes((192, 0, 2, 12)), bytes((192, 0, 2, 1))))
        self.assertEqual((went[12:16], went[16:20]), (bytes((192, 0, 2, 1)), bytes((192, 0, 2, 12))))
        self.assertEqual(went[28:], b"SIP/2.0 180 Ringing\r\nCall-ID: c\r\n\r\n")
        for each in (came, went):
            self.assertEqual(unpack(">H", each[2:4])[0], len(each))
            self.assertEqual(unpack(">H", each[24:26])[0], len(each) - 20)
            total = sum(unpack(">10H", each[:20]))
            self.assertEqual((total & 0xFFFF) + (total >> 16), 0xFFFF)

    def test_long(self) -> None:
        """A message longer than a datagram is cut, and the file is still one."""
        one = recorder(Clock())
        one.sip(0, request("INVITE", "c") + "x" * 70_000, sent=True)
        track = one.of_call("c")
        assert track is not None
        self.assertEqual(unpack(">H", pcap(track)[24 + 16 + 2 : 24 + 16 + 4])[0], 65_535)


def chunks(data: bytes) -> dict[int, bytes]:
    """Return the chunks of a packet."""
    magic, length = unpack(">4sH", data[:6])
    assert (magic, length) == (b"HEP3", len(data))
    found, rest = {}, data[6:]
    while rest:
        vendor, kind, size = unpack(">HHH", rest[:6])
        assert vendor == 0 and size <= len(rest)
        found[kind] = rest[6:size]
        rest = rest[size:]
    return found


class HEPTests(SynchronousTestCase):
    """A packet for Homer."""

    agent = Agent(number=2001, name="gw1", password="")

    def made(self, source: str, target: str, payload: bytes = b"SIP") -> dict[int, bytes]:
        """Return the chunks of a packet between two addresses."""
        ends = End(ip_address(source), 40000), End(ip_address(target), 443)
        data = packet(self.agent, *ends, microseconds=1_700_000_000_000_123, correlation="U1", payload=payload)
        return chunks(data)

    def test_packet(self) -> None:
        """Addresses, ports, time, agent, correlation and message stand in their chunks; no password, no chunk of it."""
        found = self.made("192.0.2.1", "192.0.2.7")
        self.assertEqual((found[1], found[2], found[11]), (b"\x02", b"\x06", b"\x01"))
        self.assertEqual((found[3], found[4]), (bytes((192, 0, 2, 1)), bytes((192, 0, 2, 7))))
        self.assertEqual(unpack(">HHII", found[7] + found[8] + found[9] + found[10]), (40000, 443, 1_700_000_000, 123))
        self.assertEqual((found[12], found[17], found[15], found[19]), (b"\0\0\x07\xd1", b"U1", b"SIP", b"gw1"))
        self.assertNotIn(14, found)

    def test_families(self) -> None:
        """IPv6 has chunks of its own, and so have two ends of different families."""
        found = self.made("2001:db8::1", "192.0.2.7")
        self.assertEqual((found[1], len(found[5]), len(found[6])), (b"\x0a", 16, 16))
        self.assertEqual(found[6][-4:], bytes((192, 0, 2, 7)))

    def test_long(self) -> None:
        """A message that no datagram takes is cut."""
        self.assertEqual(len(self.made("192.0.2.1", "192.0.2.7", b"x" * 100_000)[15]), LARGEST)
