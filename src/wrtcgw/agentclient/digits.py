"""Digits in the media (:rfc:`4733`): which payload types carry them, and what a packet says. Pure."""

from collections.abc import Iterable

from attrs import define, field

from wrtcgw.sdp.description import Description, Stream

EVENTS = "0123456789*#ABCD"
NAME = "telephone-event"
_RTP_HEADER = 12
_EVENT = 4
OFFERED = ("126 telephone-event/8000", "110 telephone-event/48000")
"""Payload types that we offer, one for each clock rate that audio may have."""


def payload_types(stream: Stream) -> frozenset[int]:
    """Return the payload types of a stream that carry digits."""
    maps = (value.split() for value in stream.values("rtpmap"))
    return frozenset(int(words[0]) for words in maps if len(words) > 1 and words[1].lower().startswith(f"{NAME}/"))


def with_digits(description: Description, maps: Iterable[str]) -> Description:
    """Return a description whose first stream takes digits too, by these ``rtpmap`` values."""
    first, *others = description.streams
    known = set(first.formats)
    added = [value for value in maps if value.split()[0] not in known]
    stream = first.with_media_line(formats=[*first.formats, *(value.split()[0] for value in added)])
    lines = [line for value in added for line in (f"a=rtpmap:{value}", f"a=fmtp:{value.split()[0]} 0-15")]
    return description.with_streams([stream.with_lines([*stream.lines, *lines]), *others])


def offered_maps(stream: Stream) -> list[str]:
    """Return the ``rtpmap`` values with which a stream offers digits."""
    types = payload_types(stream)
    return [value for value in stream.values("rtpmap") if int(value.split()[0]) in types]


@define
class DigitReader:
    """Reads the digits of one stream's RTP packets; each comes in several packets with one timestamp."""

    types: frozenset[int] = frozenset()
    _last: tuple[int, int] | None = field(default=None, init=False)

    def take(self, packet: bytes) -> str:
        """Return the digit that begins with a packet; empty for any other packet."""
        if len(packet) < _RTP_HEADER or packet[1] & 0x7F not in self.types:
            return ""
        start = _RTP_HEADER + 4 * (packet[0] & 0x0F)
        if packet[0] & 0x10 and len(packet) >= start + 4:
            start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
        if len(packet) < start + _EVENT or packet[start] >= len(EVENTS):
            return ""
        event = (int.from_bytes(packet[8:12]), int.from_bytes(packet[4:8]))
        if event == self._last:
            return ""
        self._last = event
        return EVENTS[packet[start]]
