"""Which address a request comes from, and what may be granted because of it."""

from ipaddress import ip_network
from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.test.requesthelper import DummyRequest

from wrtcgw.networks import plain_address
from wrtcgw.web.addresses import Addresses, Client
from wrtcgw.web.incoming import IncomingRequest

PROXIES = (ip_network("127.0.0.0/8"), ip_network("2001:db8:1::/64"))
CLIENT = "192.0.2.7"


class Seen(SynchronousTestCase):
    """Addresses as the gateway sees them."""

    def client(self, peer: str, **headers: str) -> Client:
        """Return the client of a request from ``peer``."""
        response: Any = DummyRequest([b""])
        response.client = IPv4Address("TCP", peer, 4711) if peer else UNIXAddress("/socket")
        response.path, response.requestHeaders = b"/", Headers()
        for name, value in headers.items():
            response.requestHeaders.addRawHeader(name.replace("_", "-"), value)
        return IncomingRequest(response, Addresses(PROXIES)).client

    def test_direct(self) -> None:
        """Without a proxy the peer is the client."""
        self.assertEqual(self.client(CLIENT), Client(CLIENT, reliable=True))
        self.assertEqual(self.client("::ffff:192.0.2.7"), Client(CLIENT, reliable=True))
        self.assertEqual(self.client(""), Client("", reliable=False))

    def test_trusted_proxy(self) -> None:
        """A trusted proxy's word counts, in either field."""
        through = Client(CLIENT, reliable=True, proxied=True)
        for headers in (
            {"X_Real_IP": CLIENT},
            {"X_Forwarded_For": CLIENT},
            {"X_Forwarded_For": f"10.9.9.9, {CLIENT}, 127.0.0.3"},
            {"X_Real_IP": CLIENT, "X_Forwarded_For": f"evil, {CLIENT}"},
            {"X_Real_IP": "127.0.0.3", "X_Forwarded_For": CLIENT},
        ):
            self.assertEqual(self.client("127.0.0.1", **headers), through, headers)
            self.assertEqual(self.client("2001:db8:1::5", **headers), through, headers)

    def test_same_machine_through_the_proxy(self) -> None:
        """A client on the proxy's own machine has its address, but that a proxy says so makes nobody local."""
        told = Client("127.0.0.1", reliable=True, proxied=True)
        self.assertEqual(self.client("127.0.0.1", X_Real_IP="127.0.0.1"), told)
        self.assertFalse(told.is_loopback)
        self.assertTrue(self.client("127.0.0.1").is_loopback)

    def test_untrusted_proxy(self) -> None:
        """A forwarding field from any other peer makes the request count as strict."""
        for name in ("X_Real_IP", "X_Forwarded_For", "Forwarded", "X_Forwarded_Proto", "X_Forwarded_Host", "Via"):
            client = self.client("198.51.100.1", **{name: CLIENT})
            self.assertEqual(client, Client("198.51.100.1", reliable=False))
            self.assertFalse(client.is_loopback)

    def test_proxy_that_tells_nothing_useful(self) -> None:
        """No address, nonsense, or two that differ: the address is not reliable."""
        for headers in (
            {"X_Forwarded_Proto": "https"},
            {"X_Real_IP": "unknown"},
            {"X_Forwarded_For": "10.9.9.9, unknown"},
            {"X_Real_IP": CLIENT, "X_Forwarded_For": "198.51.100.1"},
            {"X_Real_IP": CLIENT, "X_Forwarded_For": "unknown"},
        ):
            self.assertEqual(self.client("127.0.0.1", **headers), Client("127.0.0.1", False, proxied=True), headers)

    def test_plain_address(self) -> None:
        """Each address has one form; what is none has none."""
        forms = {
            " 192.0.2.7 ": CLIENT,
            "::FFFF:192.0.2.7": CLIENT,
            "[2001:DB8::0001]": "2001:db8::1",
            "localhost": "",
            "": "",
        }
        for text, plain in forms.items():
            self.assertEqual(plain_address(text), plain)
