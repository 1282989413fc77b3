"""
The SIP messages of a track as a file for Wireshark and its kin (pcap, ``draft-ietf-opsawg-pcap``).

SIP over a WebSocket of which somebody else holds the key could not be read; so each message is written as a datagram of
its own, between addresses that are for documentation (:rfc:`5737`): the gateway is 192.0.2.1, the proxy of connection
``n`` is 192.0.2.``10 + n``, both with SIP's port.
"""

from struct import pack

from wrtcgw.capture.entries import SIPMessage
from wrtcgw.capture.exports import exported
from wrtcgw.capture.track_store import Track

RAW = 101
"""LINKTYPE_RAW: packets begin with the IP header."""
LARGEST = 65_507
"""Bytes that a datagram can carry; what is longer is cut."""
PORT = 5060
GATEWAY, PROXY = bytes((192, 0, 2, 1)), 10
UDP = 17


def pcap(*tracks: Track, show_data: bool = False) -> bytes:
    """Return the file of one track, or of several together; messages that no connection took are not in it."""
    parts = [pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, RAW)]
    entries = [
        (entry.time, entry.seq, entry, track.offset)
        for track in tracks
        for entry in track.entries
        if isinstance(entry, SIPMessage) and entry.carried
    ]
    for *_, entry, offset in sorted(entries, key=lambda each: each[:2]):
        packet = _packet(entry, exported(entry.text, show_data=show_data)[:LARGEST])
        microseconds = round((entry.time + offset) * 1_000_000)
        parts.append(pack("<IIII", *divmod(microseconds, 1_000_000), len(packet), len(packet)) + packet)
    return b"".join(parts)


def _packet(entry: SIPMessage, payload: bytes) -> bytes:
    proxy = bytes((192, 0, 2, PROXY + entry.flow % 200))
    ends = (GATEWAY, proxy) if entry.sent else (proxy, GATEWAY)
    udp = pack(">HHHH", PORT, PORT, 8 + len(payload), 0)  # no checksum, which IPv4 allows (RFC 768)
    head = pack(">BBHHHBBH", 0x45, 0, 20 + len(udp) + len(payload), entry.seq & 0xFFFF, 0, 64, UDP, 0) + b"".join(ends)
    return head[:10] + pack(">H", _checksum(head)) + head[12:] + udp + payload


def _checksum(head: bytes) -> int:
    """Return the checksum of an IP header (:rfc:`1071`)."""
    total = sum(head[index] << 8 | head[index + 1] for index in range(0, len(head), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
