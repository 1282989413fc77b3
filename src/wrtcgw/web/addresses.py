"""
Whose request it is, by network address.

Header fields that proxies add are believed only when the peer is a configured proxy. A peer that sends them and is
none is not taken at its word, and not at its own address either: most likely it is a proxy that somebody forgot to
configure, and then all clients would look like one.
"""

from functools import lru_cache
from ipaddress import ip_address

from attrs import frozen
from twisted.web.http_headers import Headers

from wrtcgw.networks import plain_address
from wrtcgw.web.settings import Network

FORWARDING = (b"x-forwarded-for", b"x-real-ip", b"forwarded", b"x-forwarded-proto", b"x-forwarded-host", b"via")
"""Any of these tells that a proxy is between us and the client."""


@frozen
class Client:
    """
    Where a request comes from.

    ``address`` is the best that is known; only when ``reliable`` may anything be granted because of it. ``proxied`` is
    set when a trusted proxy stands between.
    """

    address: str
    reliable: bool
    proxied: bool = False

    @property
    def is_loopback(self) -> bool:
        """Return whether the request comes from this machine itself; what a proxy tells is no proof."""
        return self.reliable and not self.proxied and _is_loopback(self.address)


class Addresses:
    """Finds the client behind a request."""

    def __init__(self, trusted_proxies: tuple[Network, ...]) -> None:
        self.trust(trusted_proxies)

    def trust(self, trusted_proxies: tuple[Network, ...]) -> None:
        """Believe these peers' forwarding fields from now on, and no others."""
        self._networks = trusted_proxies
        self._is_trusted = lru_cache(maxsize=1024)(self._in_networks)

    def is_trusted(self, address: str) -> bool:
        """Return whether an address is that of a trusted proxy."""
        return self._is_trusted(address)

    def client(self, peer: str, headers: Headers) -> Client:
        """Return where a request comes from, by the address of its connection's other end and its header fields."""
        peer = plain_address(peer)
        if not any(map(headers.hasHeader, FORWARDING)):
            return Client(peer, reliable=bool(peer))
        if not self._is_trusted(peer):
            return Client(peer, reliable=False)
        told = self._told(headers)
        if told is None:
            return Client(peer, reliable=False, proxied=True)
        return Client(told, reliable=True, proxied=True)

    def _told(self, headers: Headers) -> str | None:
        """
        Return the one address that the proxies name, or None when they name none or two.

        A proxy passes on whatever it does not set itself: the field that it does not set may come from the client. So
        where both fields are there they must agree, unless X-Real-IP is just another of our proxies.
        """
        real = plain_address((headers.getRawHeaders("x-real-ip") or [""])[-1])
        hops = [
            plain_address(hop) for value in headers.getRawHeaders("x-forwarded-for", []) for hop in value.split(",")
        ]
        outside = [hop for hop in hops if not self._is_trusted(hop)]
        told = {address for address in (real, *outside[-1:]) if not self._is_trusted(address)} - {""}
        if len(told) == 1 and "" not in outside[-1:]:
            return told.pop()
        return real or None if not told and not outside else None

    def _in_networks(self, address: str) -> bool:
        if not address:
            return False
        return any(ip_address(address) in network for network in self._networks)


@lru_cache(maxsize=1024)
def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback
