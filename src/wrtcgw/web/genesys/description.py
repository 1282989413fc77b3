"""
What the dialect changes in session descriptions, both ways. Text in, text out; no state.

The page's library hands candidates beside the description, cuts the profile, and needs things in what it gets that a
PBX may leave out.
"""

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from wrtcgw.sdp.description import MOST_STREAMS, Description, Direction, Stream, parse
from wrtcgw.sdp.directions import SENDING

DTLS, CUT = "UDP/TLS/RTP/SAVPF", "RTP/SAVPF"
"""The profile with DTLS, and what the library makes of it in its offers."""

_REFLEXIVE = re.compile(r" typ (?:srflx|relay|prflx)\b")


@frozen
class Candidate:
    """One entry of ``Candidates``."""

    index: int | None
    mid: str
    text: str
    """``candidate:…`` or ``a=candidate:…``"""


def from_page(sdp: str, candidates: Iterable[Candidate]) -> str:
    """Return the page's description with its candidates in it, each once; one of too many streams as it is."""
    description = parse(sdp)
    streams = description.streams
    if len(streams) > MOST_STREAMS:
        return sdp
    known = [set(stream.lines) for stream in streams]
    added: list[list[str]] = [[] for _ in streams]
    named = {name: at for at in reversed(range(len(streams))) for name in (streams[at].value("mid"), streams[at].media)}
    for candidate in candidates:
        line, at = _line(candidate.text), _position(candidate, named, len(streams))
        if line and at is not None and line not in known[at]:
            known[at].add(line)
            added[at].append(line)
    return str(
        description.with_streams(
            stream.with_lines([*stream.lines, *more]) for stream, more in zip(streams, added, strict=True)
        )
    )


def _line(candidate: str) -> str:
    """Return the attribute line of a candidate, empty when it is none."""
    text = candidate.strip().removeprefix("a=")
    return f"a={text}" if text.startswith("candidate:") and text.isprintable() else ""


def _position(candidate: Candidate, named: Mapping[str | None, int], count: int) -> int | None:
    """Return which stream a candidate is for: its index can be trusted, its mid is a guess of the library's."""
    if candidate.index is not None and 0 <= candidate.index < count:
        return candidate.index
    return named.get(candidate.mid)


def candidates_of(sdp: str) -> list[dict[str, object]]:
    """Return what ``Candidates`` is to say of a description; empty when it has none."""
    return [
        {"sdpMLineIndex": at, "sdpMid": stream.value("mid") or stream.media, "candidate": line[2:]}
        for at, stream in enumerate(parse(sdp).streams)
        for line in stream.lines
        if line.startswith("a=candidate:")
    ]


def secured(sdp: str) -> str:
    """Return the description with the whole name of the profile where the library cut it: DTLS shows by its key."""
    description = parse(sdp)
    keyed = any(section.has("fingerprint") for section in (description.session, *description.streams))
    if not keyed:
        return str(description.normalised())
    return str(description.with_streams(map(_secured, description.streams)))


def _secured(stream: Stream) -> Stream:
    return stream.with_media_line(profile=DTLS) if stream.profile == CUT else stream


def profiles_of(sdp: str) -> tuple[str, ...]:
    """Return the profile of each stream."""
    return tuple(stream.profile for stream in parse(sdp).streams)


def with_profiles(sdp: str, profiles: Iterable[str]) -> str:
    """Return an answer with each profile named as the offer has it, which has these ones."""
    description = parse(sdp)
    streams = list(description.streams)
    for at, (ours, theirs) in enumerate(zip(streams, profiles, strict=False)):
        if {ours.profile, theirs} == {DTLS, CUT}:
            streams[at] = ours.with_media_line(profile=theirs)
    return str(description.with_streams(streams))


def for_page(sdp: str) -> str:
    """
    Return a description with what the library and today's browsers need in each stream that is not refused.

    One keying, a direction, ``rtcp-mux``, and a named stream, without which the library takes the call for held and
    plays nothing; an address of its own, behind which the library puts the bandwidth of video. A reflexive candidate
    gets a related address, which old browsers insist on.
    """
    description = parse(sdp)
    return str(description.with_streams(_for_page(stream, description) for stream in description.streams))


def _for_page(stream: Stream, description: Description) -> Stream:
    stream = stream.with_lines(map(_with_related_address, stream.lines))
    if stream.media not in ("audio", "video") or stream.is_rejected:
        return stream
    session = description.session
    lines = _completed(stream, session.stated_direction or "sendrecv")
    if not stream.address:
        address = [line for line in session.lines if line.startswith("c=")][:1]
        place = 2 if lines[1:] and lines[1].startswith("i=") else 1
        lines[place:place] = address
    return stream.with_lines(lines)


def _completed(stream: Stream, at_session: Direction) -> list[str]:
    lines, direction = list(stream.lines), stream.stated_direction
    if direction is None:
        direction = at_session
        lines.append(f"a={direction}")
    if stream.has("fingerprint"):  # browsers refuse a choice of keyings
        lines = [line for line in lines if not line.startswith("a=crypto:")]
    if stream.profile in (DTLS, CUT) and "a=rtcp-mux" not in lines:
        lines.append("a=rtcp-mux")
    return _with_named_stream(lines, stream.media) if direction in SENDING else lines


def _with_named_stream(lines: list[str], media: str) -> list[str]:
    lines = [f"a=msid:wrtcgw {line[9:]}" if line.startswith("a=msid:- ") else line for line in lines]
    if not any(line.startswith("a=msid:") or re.match(r"a=ssrc:\d+ msid:", line) for line in lines):
        lines.append(f"a=msid:wrtcgw wrtcgw-{media}")
    return lines


def _with_related_address(line: str) -> str:
    if line.startswith("a=candidate:") and _REFLEXIVE.search(line) and " raddr " not in line:
        return _REFLEXIVE.sub(lambda found: f"{found[0]} raddr 0.0.0.0 rport 9", line, count=1)
    return line
