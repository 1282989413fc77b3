"""
Network addresses as texts: their one normal form, and what counts as one place.

Everything that counts or limits by address counts by :func:`place_of`: connections, tries to sign in, guests, their
calls, refusals. Sessions and trust go by the address itself (:func:`plain_address`).
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

PREFIX = 64
"""Bits of an IPv6 address that tell one customer from another; the rest each may choose (RFC 6177, RFC 7421)."""


@lru_cache(maxsize=4096)
def plain_address(text: str) -> str:
    """Return an address in its one normal form, IPv4 also when it came mapped into IPv6; '' when it is none."""
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


@lru_cache(maxsize=4096)
def place_of(text: str) -> str:
    """
    Return what counts as one place: an IPv4 address, or the network of the first 64 bits of an IPv6 address.

    Whoever has one address of such a network has them all. What is no address is no place: ''.
    """
    plain = plain_address(text)
    if ":" not in plain:
        return plain
    bits = 128 - PREFIX
    return str(ip_network((int(ip_address(plain)) >> bits << bits, PREFIX)))
