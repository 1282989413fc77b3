"""Making a page's description usable for a peer that wants candidates and a default destination in it."""

import re
from functools import lru_cache
from ipaddress import ip_address

from wrtcgw.networks import plain_address
from wrtcgw.sdp.description import DISCARD_PORT, UNSPECIFIED, Description, Section, Stream

Candidate = tuple[int, bool, int, str, str]
"""Rank of the type, whether it is IPv4, priority, address, port."""

_NOWHERE = "192.0.2.1"
"""Stands for a page whose address is not known (:rfc:`5737`): any address will do, its checks tell the real one."""

# a=candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> (RFC 8839 section 5.1)
_CANDIDATE = re.compile(r"a=candidate:\S+ 1 (?i:udp) ([0-9]+) (\S{1,60}) ([0-9]+) typ (\S+)")
_CANDIDATE_RANK = {"host": 0, "prflx": 1, "srflx": 2, "relay": 3}


def complete(description: Description, page_address: str) -> Description:
    """
    Return the description with what a peer needs to find the page.

    A browser's ``createOffer()`` text comes before any candidate was gathered: ``c=IN IP4 0.0.0.0``, port 9. That is
    valid (:rfc:`8839#section-4.3.1`), but Asterisk drops ICE when no candidate is there, and takes the address for
    hold. So in each media description that has ICE credentials and is not rejected:

    * an unspecified default destination with port 9 becomes the best candidate's (:rfc:`8839#section-4.2.1.2`), or the
      page's own address; with another port it is an old-style hold (:rfc:`3264#section-8.4`) and stays;
    * without a candidate that a peer could use (none, or mDNS names only) one host candidate equal to the default
      destination is added; the page's checks then make the real one known as peer-reflexive. A description that is
      bundled with one that has candidates gets none (:rfc:`8843#section-7.1.3`).

    Any other one only gets the ``c=`` that it must have (:rfc:`8866#section-5.7`), if it has none: Asterisk calls the
    whole request malformed (400) for its lack, instead of saying what it does not like about the offer (488).

    :param page_address: the page's IP address as the gateway sees it; an IPv4-mapped one counts as IPv4.
    """
    session = description.session
    page = _plain_address(page_address)
    group = _bundle_group(session)
    first = next((stream for stream in description.streams if group and stream.value("mid") == group[0]), None)

    def completed(stream: Stream) -> Stream:
        if not stream.is_rejected and (stream.has("ice-ufrag") or session.has("ice-ufrag")):
            shares = first is not None and first is not stream and stream.value("mid") in group
            return _with_candidates(stream, session, first if shares else None, page)
        if not stream.address and not session.address:
            return _with_destination(stream, page, stream.port)
        return stream

    return description.with_streams(map(completed, description.streams))


def _with_candidates(stream: Stream, session: Section, transport: Stream | None, page: str) -> Stream:
    candidates = _usable_candidates(stream) or (_usable_candidates(transport) if transport else [])
    address, port = stream.address or session.address, stream.port
    if not address or address in UNSPECIFIED:
        if port != DISCARD_PORT:
            return stream
        address, port = max(candidates)[3:] if candidates else (page, DISCARD_PORT)
        stream = _with_destination(stream, address, port)
    if candidates:
        return stream
    host = address if _is_address(address) else page
    return stream.with_lines([*stream.lines, f"a=candidate:1 1 udp 2113937151 {host} {port} typ host"])


def _with_destination(stream: Stream, address: str, port: str) -> Stream:
    """Write the default destination into ``m=`` and ``c=``; a new ``c=`` goes after ``i=`` (:rfc:`8866#section-9`)."""
    media, _, rest = stream.lines[0].partition(" ")
    lines = [f"{media} {port} {rest.partition(' ')[2]}", *stream.lines[1:]]
    connection = f"c=IN {'IP6' if ':' in address else 'IP4'} {address}"
    at = next((index for index, line in enumerate(lines) if line.startswith("c=")), None)
    if at is None:
        lines.insert(2 if lines[1:] and lines[1].startswith("i=") else 1, connection)
    else:
        lines[at] = connection
    return stream.with_lines(lines)


def _usable_candidates(stream: Stream) -> list[Candidate]:
    """
    Return the RTP candidates over UDP that have an address; an mDNS name means nothing beyond the page's link.

    They compare by how likely they are to work: a relayed one before a reflexive one before a host's own
    (:rfc:`5245#section-4.1.4`); among equals IPv4, because the far side may have nothing else, and then by priority.
    """
    usable = []
    for line in stream.lines:
        found = _CANDIDATE.match(line)
        if found and _is_address(found[2]):
            priority, address, port, kind = found.groups()
            usable.append((_CANDIDATE_RANK.get(kind, -1), ":" not in address, int(priority), address, port))
    return usable


def _bundle_group(session: Section) -> list[str]:
    """Return the mids of the BUNDLE group, whose first description has the transport that all share."""
    value = next((value for value in session.values("group") if value.startswith("BUNDLE ")), "")
    return value.split(" ")[1:]


@lru_cache(1024)
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _plain_address(text: str) -> str:
    """Return an address without zone and IPv4 mapping; a documentation address for what is none."""
    return plain_address(text.partition("%")[0]) or _NOWHERE
