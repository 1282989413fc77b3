"""
Media descriptions at their places.

Those of an answer are its offer's (:rfc:`3264#section-6`), and those of an offer inside a session begin with the ones
that the session has (:rfc:`3264#section-8`). A browser refuses the whole description, and the call with it, where one
is missing, too many, or of another kind. Some peers leave out what they do not want, as video, or begin anew in another
order when they join two calls.
"""

from collections.abc import Container, Iterable

from wrtcgw.sdp.description import MOST_STREAMS, Description, Section, Stream


def fitted(answer: Description, offer: Description) -> Description:
    """
    Return the answer with one media description for each of the offer's; one that fits already stays as it is.

    What has no counterpart is rejected in the offer's words, and what was not offered is left out. Counterparts have
    the same kind of media, and not the ``mid`` of another stream of the offer; the order counts among those.
    """
    if max(len(answer.streams), len(offer.streams)) > MOST_STREAMS:
        return answer
    names = {_name(stream) for stream in offer.streams}
    fits = len(answer.streams) == len(offer.streams) and all(_goes_on(*each, names) for each in _pairs(answer, offer))
    if not offer.streams or fits:
        return answer
    left = list(answer.streams)
    has_address = bool(answer.session.address)
    streams = [_taken(left, offered, names) or _rejected(offered, has_address=has_address) for offered in offer.streams]
    return _joined(answer.session, streams)


def continued(offer: Description, before: Description) -> Description:
    """
    Return an offer inside a session with the media descriptions of ``before`` first; one that has them stays as it is.

    What is missing is rejected at its place, and what is new and in use comes behind. The peer that made the offer has
    to get an answer which is :func:`fitted` to what it has offered itself.

    :param before: the description of the same side that its peer knows.
    """
    names = {_name(stream) for stream in before.streams}
    new = offer.streams[len(before.streams) :]
    is_longer = len(offer.streams) >= len(before.streams)
    if is_longer and all(map(_is_in_use, new)) and all(_goes_on(*each, names) for each in _pairs(offer, before)):
        return offer
    if not before.streams or len(offer.streams) + len(before.streams) > MOST_STREAMS:
        return offer
    left = list(offer.streams)
    has_address = bool(offer.session.address)
    taken = [_taken(left, stream, names) for stream in before.streams]
    used = {mid for stream in offer.streams if (mid := stream.value("mid")) is not None}
    streams = [
        stream or _gone(earlier, used, has_address=has_address)
        for stream, earlier in zip(taken, before.streams, strict=True)
    ]
    return _joined(offer.session, [*streams, *filter(_is_in_use, left)])


def _joined(session: Section, streams: list[Stream]) -> Description:
    mids = {mid for stream in streams if not stream.is_rejected and (mid := stream.value("mid"))}
    return Description.of(_with_groups_of(session, mids), streams)


def _pairs(one: Description, other: Description) -> Iterable[tuple[Stream, Stream]]:
    return zip(one.streams, other.streams, strict=False)


def _is_in_use(stream: Stream) -> bool:
    return not stream.is_rejected


def _name(stream: Stream) -> tuple[str, str | None]:
    return stream.media, stream.value("mid")


def _goes_on(stream: Stream, earlier: Stream, names: Container[tuple[str, str | None]]) -> bool:
    """
    Return whether a stream may be the continuation of an earlier one: it has its kind, and not the ``mid`` of another.

    :param names: kind and ``mid`` of the streams that may be meant; a ``mid`` that is not among them says nothing.
    """
    mids = {stream.value("mid"), earlier.value("mid")} - {None}
    return stream.media == earlier.media and (len(mids) < 2 or _name(stream) not in names)


def _taken(left: list[Stream], wanted: Stream, names: Container[tuple[str, str | None]]) -> Stream | None:
    """Take the counterpart of a stream out of those that are left; None when there is none."""
    for position, stream in enumerate(left):
        if _goes_on(stream, wanted, names):
            return left.pop(position)
    return None


def _gone(earlier: Stream, used: set[str], *, has_address: bool) -> Stream:
    """Return a stream that is not in the offer any more; one that was rejected before stays as it was."""
    stream = earlier if earlier.is_rejected else _rejected(earlier, has_address=has_address)
    mid = stream.value("mid")
    if mid is None or mid not in used:
        return stream
    free = next(name for name in map("gone{}".format, range(MOST_STREAMS)) if name not in used)
    used.add(free)
    return stream.with_lines(f"a=mid:{free}" if line.startswith("a=mid:") else line for line in stream.lines)


def _rejected(offered: Stream, *, has_address: bool) -> Stream:
    """Return the rejection of a stream; it has the ``c=`` that :rfc:`8866#section-5.7` wants, and the ``mid``."""
    mid = offered.value("mid")
    refusal = offered.with_media_line(port="0")
    return refusal.with_lines(
        [
            refusal.lines[0],
            *([] if has_address else ["c=IN IP4 0.0.0.0"]),
            "a=inactive",
            *([] if mid is None else [f"a=mid:{mid}"]),
        ]
    )


def _with_groups_of(session: Section, mids: set[str]) -> Iterable[str]:
    """Return the lines of the session; no group has a stream that is rejected (:rfc:`8843#section-7.3`)."""
    for line in session.lines:
        if line.startswith("a=group:"):
            kind, *members = line.split()
            yield " ".join([kind, *(mid for mid in members if mid in mids)])
        else:
            yield line
