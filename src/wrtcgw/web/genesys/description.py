"""
What the dialect changes in session descriptions, both ways. Text in, text out; no state.

The page's library hands candidates beside the description, cuts the profile, and needs things in what it gets that a
PBX may leave out.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from attrs import frozen

from wrtcgw import sdp as descriptions

DTLS, CUT = "UDP/TLS/RTP/SAVPF", "RTP/SAVPF"
"""The profile with DTLS, and what the library makes of it in its offers."""

_DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_SENDING = ("a=sendrecv", "a=sendonly")
_REFLEXIVE = re.compile(r" typ (?:srflx|relay|prflx)\b")

Sections = list[list[str]]


@frozen
class Candidate:
    """One entry of ``Candidates``."""

    index: int | None
    mid: str
    text: str
    """``candidate:…`` or ``a=candidate:…``"""


def from_page(sdp: str, candidates: Iterable[Candidate]) -> str:
    """Return the page's description with its candidates in it, each once."""
    sections = _sections(sdp)
    for candidate in candidates:
        line = _line(candidate.text)
        section = _section_of(candidate, sections)
        if line and section is not None and line not in section:
            section.append(line)
    return _text(sections)


def _line(candidate: str) -> str:
    """Return the attribute line of a candidate, empty when it is none."""
    text = candidate.strip().removeprefix("a=")
    return f"a={text}" if text.startswith("candidate:") and text.isprintable() else ""


def _section_of(candidate: Candidate, sections: Sections) -> list[str] | None:
    """Return the media description of a candidate: its index can be trusted, its mid is a guess of the library's."""
    if candidate.index is not None and 0 <= candidate.index < len(sections) - 1:
        return sections[candidate.index + 1]
    wanted = (f"a=mid:{candidate.mid}", f"m={candidate.mid} ")
    return next((one for one in sections[1:] if wanted[0] in one or one[0].startswith(wanted[1])), None)


def candidates_of(sdp: str) -> list[dict[str, object]]:
    """Return what ``Candidates`` is to say of a description; empty when it has none."""
    found: list[dict[str, object]] = []
    for index, section in enumerate(_sections(sdp)[1:]):
        mid = next((line[6:] for line in section if line.startswith("a=mid:")), section[0][2:].partition(" ")[0])
        for line in section:
            if line.startswith("a=candidate:"):
                found.append({"sdpMLineIndex": index, "sdpMid": mid, "candidate": line[2:]})
    return found


def secured(sdp: str) -> str:
    """Return the description with the whole name of the profile where the library cut it: DTLS shows by its key."""
    sections = _sections(sdp)
    keyed = any(line.startswith("a=fingerprint:") for section in sections for line in section)
    for section in sections[1:] if keyed else ():
        section[0] = section[0].replace(f" {CUT} ", f" {DTLS} ", 1)
    return _text(sections)


def with_profiles_of(sdp: str, other: str) -> str:
    """Return an answer with each profile named as the offer has it."""
    sections = _sections(sdp)
    for section, offered in zip_longest(sections[1:], _sections(other)[1:]):
        if section is None or offered is None:
            break
        ours, theirs = _profile(section), _profile(offered)
        if {ours, theirs} == {DTLS, CUT}:
            section[0] = section[0].replace(f" {ours} ", f" {theirs} ", 1)
    return _text(sections)


def for_page(sdp: str) -> str:
    """
    Return a description with what the library and today's browsers need in each stream that is not refused.

    One keying, a direction, ``rtcp-mux``, and a named stream, without which the library takes the call for held and
    plays nothing; an address of its own, behind which the library puts the bandwidth of video (W 7). A reflexive
    candidate gets a related address, which old browsers insist on.
    """
    sections = _sections(sdp)
    address = [line for line in sections[0] if line.startswith("c=")][:1]
    at_session = next((line for line in sections[0] if line in _DIRECTIONS), "a=sendrecv")
    for section in sections[1:]:
        section[:] = map(_with_related_address, section)
        if section[0].startswith(("m=audio ", "m=video ")) and section[0].split(" ")[1] != "0":
            _complete(section, at_session)
            if not any(line.startswith("c=") for line in section):
                place = 2 if section[1].startswith("i=") else 1
                section[place:place] = address
    return _text(sections)


def _complete(section: list[str], at_session: str) -> None:
    direction = next((line for line in section if line in _DIRECTIONS), "")
    if not direction:
        direction = at_session
        section.append(direction)
    if any(line.startswith("a=fingerprint:") for line in section):  # browsers refuse a choice of keyings
        section[:] = [line for line in section if not line.startswith("a=crypto:")]
    if _profile(section) in (DTLS, CUT) and "a=rtcp-mux" not in section:
        section.append("a=rtcp-mux")
    if direction in _SENDING:
        _name_stream(section)


def _name_stream(section: list[str]) -> None:
    media = section[0][2:].partition(" ")[0]
    for at, line in enumerate(section):
        if line.startswith("a=msid:- "):
            section[at] = f"a=msid:wrtcgw {line[9:]}"
    if not any(line.startswith("a=msid:") or re.match(r"a=ssrc:\d+ msid:", line) for line in section):
        section.append(f"a=msid:wrtcgw wrtcgw-{media}")


def _with_related_address(line: str) -> str:
    if line.startswith("a=candidate:") and _REFLEXIVE.search(line) and " raddr " not in line:
        return _REFLEXIVE.sub(lambda found: f"{found[0]} raddr 0.0.0.0 rport 9", line, count=1)
    return line


def _profile(section: Sequence[str]) -> str:
    words = section[0].split(" ")
    return words[2] if len(words) > 2 else ""


def _sections(sdp: str) -> Sections:
    sections: Sections = [[]]
    for line in descriptions.normalise(sdp).split("\r\n")[:-1]:
        if line.startswith("m="):
            sections.append([line])
        else:
            sections[-1].append(line)
    return sections


def _text(sections: Sections) -> str:
    return "".join(f"{line}\r\n" for section in sections for line in section)
