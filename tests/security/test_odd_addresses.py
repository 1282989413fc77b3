"""Session descriptions that send media to where no media should go: the ladder names it."""

from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.capture.message_summary import media_of
from wrtcgw.capture.odd_destinations import LONGEST, odd_destinations

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
MEDIA = "t=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"


class OddAddresses(SynchronousTestCase):
    """In ``c=`` and in candidates."""

    ODD: ClassVar[dict[str, str]] = {
        "169.254.169.254": "metadata address 169.254.169.254",
        "fd00:ec2::254": "metadata address fd00:ec2::254",
        "::ffff:169.254.169.254": "metadata address ::ffff:169.254.169.254",
        "127.0.0.1": "loopback address 127.0.0.1",
        "127.8.8.8": "loopback address 127.8.8.8",
        "::1": "loopback address ::1",
        "169.254.3.4": "link-local address 169.254.3.4",
        "fe80::1": "link-local address fe80::1",
        "224.0.0.1": "multicast address 224.0.0.1",
        "ff02::1": "multicast address ff02::1",
    }
    USUAL = ("192.0.2.1", "10.0.0.1", "0.0.0.0", "2001:db8::1", "198.51.100.7", "999.1.1.1", "1", ":::")

    def test_connection_line(self) -> None:
        """As the default destination, of the session or of a medium."""
        for address, word in self.ODD.items():
            line = f"c=IN IP{6 if ':' in address else 4} {address}\r\n"
            for text in (HEAD + line + MEDIA, HEAD + MEDIA + line, (HEAD + MEDIA + line).replace("\r", "")):
                self.assertEqual(odd_destinations(text), [word])
                self.assertEqual(media_of(text), f"audio sendrecv, {word}")

    def test_candidate(self) -> None:
        """As a candidate, of which a few are named."""
        lines = [f"a=candidate:1 1 UDP 2130706431 {address} 9 typ host\r\n" for address in self.ODD]
        self.assertEqual(odd_destinations(HEAD + MEDIA + "".join(lines)), list(self.ODD.values())[:LONGEST])

    def test_usual(self) -> None:
        """Nothing is said of addresses that a network may well have, of hold, of names, and of what is no address."""
        for address in self.USUAL:
            self.assertEqual(odd_destinations(f"{HEAD}c=IN IP4 {address}\r\n{MEDIA}"), [], address)
        name = "a=candidate:1 1 udp 2113937151 4b1a.local 50000 typ host\r\n"
        self.assertEqual(odd_destinations(HEAD + MEDIA + name), [])
