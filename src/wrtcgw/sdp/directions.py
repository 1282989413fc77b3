"""
The directions of media (:rfc:`3264#section-5.1`): reading them, setting them, and what one side's mean for the other.

A direction is always told as the side writes it whose description it stands in.
"""

from collections.abc import Callable, Sequence

from wrtcgw.sdp.description import (
    DIRECTION_LINES,
    DISCARD_PORT,
    UNSPECIFIED,
    Description,
    Direction,
    Section,
    Stream,
)

SENDING: tuple[Direction, ...] = ("sendrecv", "sendonly")
RECEIVING: tuple[Direction, ...] = ("sendrecv", "recvonly")

_MIRRORED: dict[Direction, Direction] = {"sendonly": "recvonly", "recvonly": "sendonly"}
_ON_HOLD: dict[Direction, Direction] = {"sendrecv": "sendonly", "recvonly": "inactive"}
_DIRECTED = ("audio", "video", "text")
"""The kinds of media that a direction means something for."""


def combined(*, sends: bool, receives: bool) -> Direction:
    """Return the direction of a side that sends, receives, does both, or neither."""
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def mirrored(direction: Direction) -> Direction:
    """Return the same direction as the other side would write it."""
    return _MIRRORED.get(direction, direction)


def answer_direction(offered: Direction, wanted: Direction) -> Direction:
    """
    Return what an answer may say to an offered direction when we would like ``wanted`` (:rfc:`3264#section-6.1`).

    :param offered: as the offerer wrote it.
    :param wanted: as we would write it.
    """
    return combined(
        sends=wanted in SENDING and offered in RECEIVING, receives=wanted in RECEIVING and offered in SENDING
    )


def direction(description: Description) -> Direction:
    """
    Return the direction of the audio.

    The first audio description that is not rejected counts, else the first description; without one nothing flows.
    """
    active = [stream for stream in description.streams if not stream.is_rejected]
    audio = [stream for stream in active if stream.media == "audio"]
    stream = next(iter(audio or active or description.streams), None)
    return "inactive" if stream is None else direction_of(stream, description.session)


def directions(description: Description) -> Sequence[Direction]:
    """Return the direction of each stream."""
    return [direction_of(stream, description.session) for stream in description.streams]


def direction_of(stream: Stream, session: Section) -> Direction:
    """
    Return the direction of one stream.

    The attribute may stand at session level and is ``sendrecv`` by default (:rfc:`8866#section-6.7`). A default
    destination of 0.0.0.0 says that the peer must not send (:rfc:`3264#section-8.4`), unless it is merely unknown yet.
    """
    stated = stream.stated_direction or session.stated_direction or "sendrecv"
    if (stream.address or session.address) not in UNSPECIFIED:
        return stated
    pending = stream.port == DISCARD_PORT and (stream.has("ice-ufrag") or session.has("ice-ufrag"))
    return stated if pending else _ON_HOLD.get(stated, stated)


def with_direction(description: Description, direction: Direction) -> Description:
    """Return the description with that direction for every stream in use."""
    return redirected(description, lambda stated, _: direction)


def with_directions(description: Description, wanted: Sequence[Direction]) -> Description:
    """Return the description with these directions for its streams; those beyond the list stay as they are."""
    return redirected(description, lambda stated, at: wanted[at] if at < len(wanted) else stated)


def answered(wanted: Description, offer: Description) -> Description:
    """
    Return an answer made of our description: each direction is what :func:`answer_direction` allows.

    :param wanted: our description, with the directions that we would like.
    :param offer: the peer's; it has the same media descriptions.
    """
    offered = directions(offer)
    return redirected(wanted, lambda stated, at: answer_direction(offered[at], stated) if at < len(offered) else stated)


def held(description: Description) -> Description:
    """Return the description with every stream on hold: each way of sending is kept (:rfc:`3264#section-8.4`)."""
    return redirected(description, lambda stated, _: _ON_HOLD.get(stated, stated))


def redirected(description: Description, choose: Callable[[Direction, int], Direction]) -> Description:
    """
    Return the description with other directions.

    :param choose: gives the new direction for a stated one and the position of its stream, counted from 0.
    """
    at_session = description.session.stated_direction or "sendrecv"
    streams = list(description.streams)
    for position, stream in enumerate(streams):
        if not stream.is_rejected and stream.media in _DIRECTED:
            streams[position] = _redirected(stream, choose(stream.stated_direction or at_session, position))
    return description.with_streams(streams)


def _redirected(stream: Stream, direction: Direction) -> Stream:
    lines = list(stream.lines)
    at = next((index for index, line in enumerate(lines) if line.rstrip() in DIRECTION_LINES), None)
    if at is None:
        lines.append(f"a={direction}")
    else:
        lines[at] = f"a={direction}"
    return stream.with_lines(lines)
