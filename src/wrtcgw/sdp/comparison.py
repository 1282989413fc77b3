"""What one description means to a side that knows another of the same session: nothing new, or how much."""

import re

from wrtcgw.sdp.description import DIRECTION_LINES, ORIGIN, Description, Stream
from wrtcgw.sdp.formats import restricted

_CONNECTION = re.compile(r"c=IN[ \t]+(?:IP4[ \t]+0\.0\.0\.0|IP6[ \t]+::)[ \t]*\Z")
_MEANINGLESS = re.compile("[os]=|a=(setup|connection|candidate|rtcp):|a=end-of-candidates|a=msid-semantic")
"""What changes from one description to the next without meaning; see :func:`only_direction_differs`."""
_MEDIA_PORT = re.compile(r"^m=(\S+) [1-9][0-9]*")


def same_session(one: Description, other: Description) -> bool:
    """Return whether two descriptions are equal but for the version in ``o=`` (and line ends)."""
    return _without_version(one) == _without_version(other)


def _without_version(description: Description) -> list[str]:
    return [ORIGIN.sub(r"o=\1 0 \3", line) if line.startswith("o=") else line for line in description.lines]


def only_direction_differs(one: Description, other: Description) -> bool:
    """
    Return whether a page that knows ``one`` need not be asked to answer ``other``.

    Media, codecs, keys and transport are the same. Directions may differ, and what changes from one description to the
    next without meaning: the origin, ``setup`` (an offer says actpass where an answer named the role), and under ICE
    with the same credentials the candidates and the default destination. ``connection`` means nothing for a DTLS
    association (:rfc:`8842#section-5.1`).
    """
    return _substance(one) == _substance(other)


def _substance(description: Description) -> list[list[str]]:
    ice = description.has_ice
    sections = []
    for section in (description.session, *description.streams):
        lines = map(str.rstrip, section.lines)
        kept = [line for line in lines if line not in DIRECTION_LINES and not _MEANINGLESS.match(line)]
        if ice:
            kept = [_MEDIA_PORT.sub(r"m=\1 ", line) for line in kept if not line.startswith("c=")]
        sections.append(sorted(kept))
    return sections


def placed_as(description: Description, known: Description) -> Description:
    """
    Return the description with the address of ``known`` where it names none.

    An address of 0.0.0.0 is an old way to hold (:rfc:`3264#section-8.4`), not a new place to send to.
    """
    address = next((line for line in known.lines if line.startswith("c=")), None)
    if address is None or not any(map(_CONNECTION.match, description.lines)):
        return description
    return description.with_lines(lambda line: address if _CONNECTION.match(line) else line)


def is_narrower(description: Description, known: Description) -> bool:
    """Return whether it only leaves out formats of the one that is known, and no stream loses all."""
    return all(stream.formats for stream in description.streams) and only_direction_differs(
        restricted(known, description), description
    )


def leading_formats(ours: Description, theirs: Description) -> list[str]:
    """Return what we send by their description: of each stream the first format that we have as well."""
    return [_first_common(stream, mine) for stream, mine in zip(theirs.streams, ours.streams, strict=False)]


def _first_common(stream: Stream, mine: Stream) -> str:
    return next((one for one in stream.formats if one in mine.formats), "")
