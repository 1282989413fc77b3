"""
Session descriptions as text: what the gateway reads in them, and the few lines that it may change.

A description belongs to the page or to the PBX; the gateway passes it on. So there is no object model here: every
function takes text and gives text back, touches only the lines it names, and leaves all others as they came
(:rfc:`8866`, :rfc:`3264`, :rfc:`8839`). Functions below :func:`check` expect text that passed it; none keeps state.
"""

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from itertools import chain
from typing import Literal, get_args

from wrtcgw.errors import BadInput

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

Candidate = tuple[int, bool, int, str, str]
"""Rank of the type, whether it is IPv4, priority, address, port."""

DISCARD_PORT = "9"
"""The port of a default destination that is not known yet (:rfc:`8839#section-4.3.1`)."""

_NOWHERE = "192.0.2.1"
"""Stands for a page whose address is not known (:rfc:`5737`): any address will do, its checks tell the real one."""

_UNSPECIFIED = frozenset({"0.0.0.0", "::"})
_DIRECTIONS: dict[str, Direction] = {f"a={direction}": direction for direction in get_args(Direction)}
_MIRRORED: dict[Direction, Direction] = {"sendonly": "recvonly", "recvonly": "sendonly"}
_ON_HOLD: dict[Direction, Direction] = {"sendrecv": "sendonly", "recvonly": "inactive"}
_ROLES = {"a=setup:active": "a=setup:passive", "a=setup:passive": "a=setup:active"}

LONGEST = 49_152  # leaves room for header fields in the 65,535 bytes that Kamailio takes in one message
# type=value lines; the values exclude NUL, CR and LF (RFC 8866 section 9: byte-string), and what UTF-8 cannot carry
_LINE = re.compile(r"[a-z]=[^\0\r\n\ud800-\udc7f\udd00-\udfff]*\Z")
# o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address> (RFC 8866 section 5.2)
_ORIGIN = re.compile(r"^o=(\S+ \S+) ([0-9]+) (\S+ \S+ \S+)[ \t]*$", re.MULTILINE)
# m=<media> <port>[/<number of ports>] <proto> <fmt> ... (RFC 8866 section 5.14)
_MEDIA = re.compile(r"m=\S+ [0-9]{1,5}(/[0-9]+)? \S+( \S+)+[ \t]*\Z")
# a=candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> (RFC 8839 section 5.1)
_CANDIDATE = re.compile(r"a=candidate:\S+ 1 (?i:udp) ([0-9]+) (\S+) ([0-9]+) typ (\S+)")
_CANDIDATE_RANK = {"host": 0, "prflx": 1, "srflx": 2, "relay": 3}


def check(sdp: str) -> None:
    """
    Refuse text that is no session description.

    Required are the lines that :rfc:`8866#section-5` calls mandatory, and a media description; an early offer may lack
    ``c=``. One that is too long would cost all agents the connection that they share: Kamailio closes it.

    :raises BadInput: naming the first line that is wrong, or the one that is missing.
    """
    if len(sdp.encode("utf-8", "replace")) > LONGEST:
        raise BadInput("body", f"a session description of at most {LONGEST} bytes")
    lines = _lines(sdp)
    if lines[0].rstrip() != "v=0":
        raise BadInput("body", "a session description that starts with v=0", _shown(lines[0]))
    for number, line in enumerate(lines, 1):
        if not _LINE.match(line):
            raise BadInput("body", f"<letter>=<value> in line {number} of the session description", _shown(line))
        if line.startswith("m=") and not _MEDIA.match(line):
            raise BadInput("body", f"m=<media> <port> <protocol> <formats> in line {number}", _shown(line))
    _check_session_lines(sdp, lines)


def _check_session_lines(sdp: str, lines: list[str]) -> None:
    first_media = next((index for index, line in enumerate(lines) if line.startswith("m=")), None)
    if first_media is None:
        raise BadInput("body", "at least one m= line in the session description")
    letters = {line[0] for line in lines[:first_media]}
    for letter in "ost":
        if letter not in letters:
            raise BadInput("body", f"an {letter}= line before the first m= line of the session description")
    if not _ORIGIN.search("\n".join(lines[:first_media])):
        found = next(line for line in lines if line.startswith("o="))
        raise BadInput("body", "o=<user> <session id> <version> IN IP4|IP6 <address>", _shown(found))


def normalise(sdp: str) -> str:
    """Return the text with CRLF line ends, also after the last line, and without empty lines at both ends."""
    return _text(_lines(sdp))


def complete(sdp: str, page_address: str) -> str:
    """
    Make a page's description usable for a peer that wants candidates and a default destination in it.

    A browser's ``createOffer()`` text comes before any candidate was gathered: ``c=IN IP4 0.0.0.0``, port 9. That is
    valid (:rfc:`8839#section-4.3.1`), but Asterisk drops ICE when no candidate is there, and takes the address for
    hold. So in each media description that has ICE credentials and is not disabled:

    * an unspecified default destination with port 9 becomes the best candidate's (:rfc:`8839#section-4.2.1.2`), or the
      page's own address; with another port it is an old-style hold (:rfc:`3264#section-8.4`) and stays;
    * without a candidate that a peer could use (none, or mDNS names only) one host candidate equal to the default
      destination is added; the page's checks then make the real one known as peer-reflexive. A description that is
      bundled with one that has candidates gets none (:rfc:`8843#section-7.1.3`).

    Any other one only gets the ``c=`` that it must have (:rfc:`8866#section-5.7`), if it has none: Asterisk calls the
    whole request malformed (400) for its lack, instead of saying what it does not like about the offer (488).

    :param page_address: the page's IP address as the gateway sees it; an IPv4-mapped one counts as IPv4.
    :returns: the text with CRLF line ends; nothing else in it is changed.
    """
    sections = _sections(sdp)
    session = sections[0]
    page = _plain_address(page_address)
    bundled = _bundled_candidates(sections)
    for section in sections[1:]:
        if _port(section[0]) != "0" and (_has_credentials(section) or _has_credentials(session)):
            _complete_section(section, session, bundled if _in_bundle(section, session) else [], page)
        elif not _connection_address(section) and not _connection_address(session):
            _set_destination(section, page, _port(section[0]))
    return _text(chain.from_iterable(sections))


def _complete_section(section: list[str], session: list[str], bundled: list[Candidate], page: str) -> None:
    candidates = _usable_candidates(section) or bundled
    address = _connection_address(section) or _connection_address(session)
    port = _port(section[0])
    if not address or address in _UNSPECIFIED:
        if port != DISCARD_PORT:
            return
        address, port = max(candidates)[3:] if candidates else (page, DISCARD_PORT)
        _set_destination(section, address, port)
    if not candidates:
        host = address if _is_address(address) else page
        section.append(f"a=candidate:1 1 udp 2113937151 {host} {port} typ host")


def _set_destination(section: list[str], address: str, port: str) -> None:
    """Write the default destination into ``m=`` and ``c=``; a new ``c=`` goes after ``i=`` (:rfc:`8866#section-9`)."""
    media, _, rest = section[0].partition(" ")
    section[0] = f"{media} {port} {rest.partition(' ')[2]}"
    connection = f"c=IN {'IP6' if ':' in address else 'IP4'} {address}"
    for index, line in enumerate(section):
        if line.startswith("c="):
            section[index] = connection
            return
    section.insert(2 if section[1:] and section[1].startswith("i=") else 1, connection)


def has_ice(sdp: str) -> bool:
    """Tell whether there are ICE credentials, for the session or for any stream (:rfc:`8839#section-5.4`)."""
    return "\na=ice-ufrag:" in sdp


def direction(sdp: str) -> Direction:
    """
    Return the direction of the audio, as seen by the side that wrote the description.

    The first audio description that is not disabled counts, else the first description. The attribute may stand at
    session level and is ``sendrecv`` by default (:rfc:`8866#section-6.7`). A default destination of 0.0.0.0 says that
    the peer must not send (:rfc:`3264#section-8.4`), unless it is merely not known yet. Without a stream nothing flows.
    """
    sections = _sections(sdp)
    active = [section for section in sections[1:] if _port(section[0]) != "0"]
    audio = [section for section in active if section[0].startswith("m=audio ")]
    section = next(iter(audio or active or sections[1:]), ["m=audio 0", "a=inactive"])
    return _section_direction(section, sections[0])


def _section_direction(section: list[str], session: list[str]) -> Direction:
    stated = _stated_direction(section) or _stated_direction(session) or "sendrecv"
    if (_connection_address(section) or _connection_address(session)) not in _UNSPECIFIED:
        return stated
    pending = _port(section[0]) == DISCARD_PORT and (_has_credentials(section) or _has_credentials(session))
    return stated if pending else _ON_HOLD.get(stated, stated)


def _stated_direction(section: list[str]) -> Direction | None:
    return next((_DIRECTIONS[line] for line in section if line in _DIRECTIONS), None)


def with_direction(sdp: str, direction: Direction) -> str:
    """Return the description with that direction for every stream that is not disabled."""
    return _with_directions(sdp, lambda stated, _: direction)


def held(sdp: str) -> str:
    """Return the description with every stream on hold: each way of sending is kept (:rfc:`3264#section-8.4`)."""
    return _with_directions(sdp, lambda stated, _: _ON_HOLD.get(stated, stated))


def mirrored(direction: Direction) -> Direction:
    """Return the same direction as the other side would write it."""
    return _MIRRORED.get(direction, direction)


def answer_direction(offered: Direction, wanted: Direction) -> Direction:
    """
    Return what an answer may say to an offered direction when we would like ``wanted`` (:rfc:`3264#section-6.1`).

    :param offered: as the offerer wrote it.
    :param wanted: as we would write it.
    """
    sends = wanted in ("sendrecv", "sendonly") and offered in ("sendrecv", "recvonly")
    receives = wanted in ("sendrecv", "recvonly") and offered in ("sendrecv", "sendonly")
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def answer_to(offer: str, wanted: str, remote: str) -> str:
    """
    Answer an offer inside a session without the page, from our own description.

    Each stream's direction is what :func:`answer_direction` allows. An ``actpass`` of ours becomes the DTLS role that
    we have since the peer's earlier description, because an answer must name one and a change would mean a new
    association (:rfc:`8842#section-5.3`).

    :param offer: the peer's new description; it must have the media descriptions of ``wanted``, as
        :func:`only_direction_differs` tells.
    :param wanted: our description, with the directions that we would like.
    :param remote: the peer's description before this offer.
    """
    offered = _sections(offer)
    answered = _with_directions(
        wanted,
        lambda stated, index: (
            answer_direction(_section_direction(offered[index], offered[0]), stated) if index < len(offered) else stated
        ),
    )
    role = next((_ROLES[line] for line in _lines(remote) if line in _ROLES), "a=setup:active")
    return answered.replace("a=setup:actpass", role)


def reoffer(sdp: str) -> str:
    """
    Return a description of ours as an offer inside a session: the DTLS role is open again (:rfc:`8842#section-5.5`).

    The peer's answer must not change the role that was negotiated, so the association stays.
    """
    return re.sub(r"(?m)^a=setup:(?:active|passive)\r$", "a=setup:actpass\r", normalise(sdp))


def same_session(a: str, b: str) -> bool:
    """Tell whether two descriptions are equal but for the version in ``o=`` (and line ends)."""
    return _ORIGIN.sub(r"o=\1 0 \3", "\n".join(_lines(a))) == _ORIGIN.sub(r"o=\1 0 \3", "\n".join(_lines(b)))


def only_direction_differs(a: str, b: str) -> bool:
    """
    Tell whether a page that knows ``a`` need not be asked to answer ``b``: same media, codecs, keys and transport.

    Directions may differ, and what changes from one description to the next without meaning: the origin, ``setup`` (an
    offer says actpass where an answer named the role), and under ICE with the same credentials the candidates and the
    default destination. ``connection`` means nothing for a DTLS association (:rfc:`8842#section-5.1`).
    """
    return _substance(a) == _substance(b)


def _substance(sdp: str) -> list[list[str]]:
    ignored = re.compile("[os]=|a=(setup|connection|candidate|rtcp):|a=end-of-candidates|a=msid-semantic")
    ice = has_ice(sdp)
    sections = []
    for section in _sections(sdp):
        kept = [line for line in section if line not in _DIRECTIONS and not ignored.match(line)]
        if ice:
            kept = [re.sub(r"^m=(\S+) [1-9][0-9]*", r"m=\1 ", line) for line in kept if not line.startswith("c=")]
        sections.append(sorted(kept))
    return sections


def origin_version(sdp: str) -> int:
    """Return the version in ``o=`` (:rfc:`8866#section-5.2`)."""
    found = _ORIGIN.search("\n".join(_lines(sdp)))
    return int(found[2]) if found else 0


def with_version(sdp: str, version: int) -> str:
    """Return the description with that version in ``o=``."""
    return normalise(_ORIGIN.sub(rf"o=\1 {version} \3", "\n".join(_lines(sdp)), count=1))


def continued(sdp: str, previous: str) -> str:
    """
    Return the description as the successor of ``previous`` in one session.

    The peer must see one origin whose version grows by one with each change and stays without one
    (:rfc:`3264#section-8`); a page that was reloaded, or that counts by itself, cannot promise that.

    :param previous: the description that we sent last to the same peer.
    """
    before = _ORIGIN.search("\n".join(_lines(previous)))
    if before is None:
        return normalise(sdp)
    unchanged = _with_origin(sdp, before[0])
    if unchanged == normalise(previous):
        return unchanged
    return _with_origin(sdp, f"o={before[1]} {int(before[2]) + 1} {before[3]}")


def _with_origin(sdp: str, origin: str) -> str:
    return _text(origin if line.startswith("o=") else line for line in _lines(sdp))


def _with_directions(sdp: str, choose: Callable[[Direction, int], Direction]) -> str:
    """Set each stream's direction to what ``choose`` makes of the stated one and of its position, counted from 1."""
    sections = _sections(sdp)
    at_session = _stated_direction(sections[0]) or "sendrecv"
    for position, section in enumerate(sections[1:], 1):
        if _port(section[0]) == "0" or not section[0].startswith(("m=audio ", "m=video ", "m=text ")):
            continue
        at = next((index for index, line in enumerate(section) if line in _DIRECTIONS), None)
        if at is None:
            section.append(f"a={choose(at_session, position)}")
        else:
            section[at] = f"a={choose(_DIRECTIONS[section[at]], position)}"
    return _text(chain.from_iterable(sections))


def _lines(sdp: str) -> list[str]:
    return sdp.replace("\r\n", "\n").strip("\n").split("\n")


def _text(lines: Iterable[str]) -> str:
    return "\r\n".join([*lines, ""])


def _sections(sdp: str) -> list[list[str]]:
    """Split into the session's own lines and one list for each media description, its ``m=`` line first."""
    sections: list[list[str]] = [[]]
    for line in _lines(sdp):
        if line.startswith("m="):
            sections.append([line])
        else:
            sections[-1].append(line)
    return sections


def _port(media_line: str) -> str:
    return media_line.split(" ", 2)[1].partition("/")[0]


def _connection_address(section: list[str]) -> str:
    """Return the address of the first ``c=`` line without TTL and count; empty when there is no such line."""
    line = next((line for line in section if line.startswith("c=")), "")
    return line.rpartition(" ")[2].partition("/")[0]


def _has_credentials(section: list[str]) -> bool:
    return any(line.startswith("a=ice-ufrag:") for line in section)


def _usable_candidates(section: list[str]) -> list[Candidate]:
    """
    Return the RTP candidates over UDP that have an address; an mDNS name means nothing beyond the page's link.

    They compare by how likely they are to work: a relayed one before a reflexive one before a host's own
    (:rfc:`5245#section-4.1.4`); among equals IPv4, because the far side may have nothing else, and then by priority.
    """
    usable = []
    for line in section:
        found = _CANDIDATE.match(line)
        if found and _is_address(found[2]):
            priority, address, port, kind = found.groups()
            usable.append((_CANDIDATE_RANK.get(kind, -1), ":" not in address, int(priority), address, port))
    return usable


def _bundled_candidates(sections: list[list[str]]) -> list[Candidate]:
    """Return the candidates of the first description of the BUNDLE group, whose transport all of the group share."""
    group = _bundle_group(sections[0])
    first = next((section for section in sections[1:] if group and f"a=mid:{group[0]}" in section), [])
    return _usable_candidates(first)


def _in_bundle(section: list[str], session: list[str]) -> bool:
    return any(f"a=mid:{mid}" in section for mid in _bundle_group(session))


def _bundle_group(session: list[str]) -> list[str]:
    line = next((line for line in session if line.startswith("a=group:BUNDLE ")), "")
    return line.split(" ")[1:]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _plain_address(text: str) -> str:
    """Return an address without zone and IPv4 mapping; a documentation address for what is none."""
    try:
        address = ip_address(text.partition("%")[0].strip("[]"))
    except ValueError:
        return _NOWHERE
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _shown(line: str) -> str:
    return line if len(line) <= 60 else line[:57] + "..."
