"""The formats (codecs) of streams, and the lines that belong to them: leaving some out, offering all again."""

import re
from collections.abc import Sequence
from itertools import chain, repeat

from wrtcgw.sdp.description import Description, Stream

_OWNER = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):([^\s*]+)")
"""A line that belongs to one format."""
_TRANSPORT = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:")


def restricted(description: Description, to: Description) -> Description:
    """
    Return the description without the formats, and what belongs to them, that the streams of ``to`` do not have.

    A stream that would lose all of them keeps them.
    """
    theirs = chain((stream.formats for stream in to.streams), repeat(()))
    return description.with_streams(map(_restricted, description.streams, theirs))


def _restricted(stream: Stream, theirs: Sequence[str]) -> Stream:
    formats = [one for one in stream.formats if one in theirs] or stream.formats
    kept = [line for line in stream.lines if (owner := _OWNER.match(line)) is None or owner[1] in formats]
    return stream.with_lines(kept).with_media_line(formats=formats)


def with_all_formats(description: Description, offer: Description) -> Description:
    """
    Return the description with all formats of an earlier ``offer`` of the same side.

    It stays as it is where they do not go with its transport: with other ICE credentials or certificates, another
    number of streams, or payload types that mean something else (:rfc:`3264#section-8.3.2`).
    """
    streams, offered = description.streams, offer.streams
    same = _transport(description) == _transport(offer) and len(streams) == len(offered)
    if description == offer or not same or not all(map(_has_all_of, offered, streams)):
        return description.normalised()
    return description.with_streams(map(_with_formats_of, streams, offered))


def _transport(description: Description) -> list[str]:
    return [line for line in description.lines if line.startswith(_TRANSPORT)]


def _has_all_of(offered: Stream, stream: Stream) -> bool:
    """Return whether an offered stream has what ``stream`` has, by the same numbers."""
    same_place = (offered.media, offered.port, offered.profile) == (stream.media, stream.port, stream.profile)
    maps = {line for line in stream.lines if line.startswith("a=rtpmap:")}
    return (
        (stream.has("ice-ufrag") or same_place)
        and set(stream.formats) <= set(offered.formats)
        and maps <= set(offered.lines)
    )


def _with_formats_of(stream: Stream, offered: Stream) -> Stream:
    """Return a stream with the formats, and what belongs to them, of another description of it."""
    lines = stream.with_media_line(formats=offered.formats).lines
    place = next((index for index, line in enumerate(lines) if _OWNER.match(line)), len(lines))
    owned = [line for line in offered.lines if _OWNER.match(line)]
    rest = [line for line in lines[place:] if not _OWNER.match(line)]
    return stream.with_lines([*lines[:place], *owned, *rest])
