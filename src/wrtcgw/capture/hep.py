"""
A SIP message in HEP version 3 (EEP), the protocol in which Homer takes what others have seen.

A packet is ``HEP3``, its length, and chunks: vendor (0 for those of the protocol), type, length with this head of 6
bytes, value (https://github.com/sipcapture/HEP/blob/master/docs/HEP3NetworkProtocolSpecification_REV26.pdf).
"""

from ipaddress import IPv4Address, IPv6Address
from struct import pack

from attrs import frozen

IPV4, IPV6 = 2, 10
"""Families of addresses, as the protocol numbers them."""
TCP, SIP = 6, 1
"""Our connections' protocol, and what goes over them."""
LARGEST = 65_000
"""Bytes of a message in one packet; what is longer is cut, as a datagram takes no more."""

Address = IPv4Address | IPv6Address


@frozen
class End:
    """One end of a connection."""

    address: Address
    port: int


@frozen(kw_only=True)
class Agent:
    """Who has seen it: a number and a name for people, and the password of the server, '' for none."""

    number: int
    name: str = ""
    password: str = ""


def packet(agent: Agent, source: End, target: End, *, microseconds: int, correlation: str, payload: bytes) -> bytes:
    """
    Return a packet.

    :param microseconds: since the epoch.
    :param correlation: what else belongs to it.
    """
    is_ipv4 = source.address.version == 4 and target.address.version == 4
    seconds, rest = divmod(microseconds, 1_000_000)
    chunks = [
        (1, pack(">B", IPV4 if is_ipv4 else IPV6)),
        (2, pack(">B", TCP)),
        (3 if is_ipv4 else 5, _packed(source.address, is_ipv4=is_ipv4)),
        (4 if is_ipv4 else 6, _packed(target.address, is_ipv4=is_ipv4)),
        (7, pack(">H", source.port)),
        (8, pack(">H", target.port)),
        (9, pack(">I", seconds & 0xFFFFFFFF)),
        (10, pack(">I", rest)),
        (11, pack(">B", SIP)),
        (12, pack(">I", agent.number)),
        (14, agent.password.encode("utf-8")),
        (17, correlation.encode("utf-8", "replace")[:256]),
        (19, agent.name.encode("utf-8")),
        (15, payload[:LARGEST]),
    ]
    body = b"".join(pack(">HHH", 0, kind, 6 + len(value)) + value for kind, value in chunks if value)
    return b"HEP3" + pack(">H", 6 + len(body)) + body


def _packed(address: Address, *, is_ipv4: bool) -> bytes:
    if is_ipv4 or address.version == 6:
        return address.packed
    return IPv6Address(f"::ffff:{address}").packed
