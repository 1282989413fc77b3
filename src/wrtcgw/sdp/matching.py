"""
Media descriptions at their places.

Those of an answer are its offer's (:rfc:`3264#section-6`), and those of an offer inside a session begin with the ones
that the session has (:rfc:`3264#section-8`). A browser refuses the whole description, and the call with it, where one
is missing, too many, or of another kind. Some peers leave out what they do not want, as video, or begin anew in another
order when they join two calls.
"""

from collections.abc import Container, Iterable

from wrtcgw.sdp.description import MOST_STREAMS, Description, Section, Stream

Name = tuple[str, str | None]
"""Of a stream: its kind of media and its ``mid``."""
Named = tuple[Name, Stream]


def fitted(answer: Description, offer: Description) -> Description:
    """
    Return the answer with one media description for each of the offer's; one that fits already stays as it is.

    What has no counterpart is rejected in the offer's words, and what was not offered is left out. Counterparts have
    the same kind of media, and not the ``mid`` of another stream of the offer; the order counts among those.
    """
    if max(len(answer.streams), len(offer.streams)) > MOST_STREAMS:
        return answer
    wanted, left = _named(offer), _named(answer)
    names = {name for name, _ in wanted}
    fits = len(left) == len(wanted) and all(_goes_on(one, other, names) for one, other in _names_of_pairs(left, wanted))
    if not offer.streams or fits:
        return answer
    has_address = bool(answer.session.address)
    streams = [_taken(left, name, names) or _rejected(offered, has_address=has_address) for name, offered in wanted]
    return _joined(answer.session, streams)


def continued(offer: Description, before: Description) -> Description:
    """
    Return an offer inside a session with the media descriptions of ``before`` first; one that has them stays as it is.

    What is missing is rejected at its place, and what is new and in use comes behind. The peer that made the offer has
    to get an answer which is :func:`fitted` to what it has offered itself.

    :param before: the description of the same side that its peer knows.
    """
    wanted, left = _named(before), _named(offer)
    names = {name for name, _ in wanted}
    new = offer.streams[len(before.streams) :]
    is_longer = len(offer.streams) >= len(before.streams)
    goes_on = is_longer and all(_goes_on(one, other, names) for one, other in _names_of_pairs(left, wanted))
    if goes_on and all(map(_is_in_use, new)):
        return offer
    if not before.streams or len(offer.streams) + len(before.streams) > MOST_STREAMS:
        return offer
    has_address = bool(offer.session.address)
    taken = [_taken(left, name, names) for name, _ in wanted]
    used = {mid for stream in offer.streams if (mid := stream.value("mid")) is not None}
    streams = [
        stream or _gone(earlier, used, has_address=has_address)
        for stream, earlier in zip(taken, before.streams, strict=True)
    ]
    return _joined(offer.session, [*streams, *filter(_is_in_use, (stream for _, stream in left))])


def _joined(session: Section, streams: list[Stream]) -> Description:
    mids = {mid for stream in streams if not stream.is_rejected and (mid := stream.value("mid"))}
    return Description.of(_with_groups_of(session, mids), streams)


def _named(description: Description) -> list[Named]:
    """Return the streams with what they are called, looked for once: each is compared with all of the other side."""
    return [((stream.media, stream.value("mid")), stream) for stream in description.streams]


def _names_of_pairs(one: list[Named], other: list[Named]) -> Iterable[tuple[Name, Name]]:
    return ((name, its) for (name, _), (its, _) in zip(one, other, strict=False))


def _is_in_use(stream: Stream) -> bool:
    return not stream.is_rejected


def _goes_on(name: Name, earlier: Name, names: Container[Name]) -> bool:
    """
    Return whether a stream may be the continuation of an earlier one: it has its kind, and not the ``mid`` of another.

    :param names: kind and ``mid`` of the streams that may be meant; a ``mid`` that is not among them says nothing.
    """
    (media, mid), (kind, its) = name, earlier
    return media == kind and (mid is None or its is None or mid == its or name not in names)


def _taken(left: list[Named], wanted: Name, names: Container[Name]) -> Stream | None:
    """Take the counterpart of a stream out of those that are left; None when there is none."""
    for position, (name, _) in enumerate(left):
        if _goes_on(name, wanted, names):
            return left.pop(position)[1]
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
