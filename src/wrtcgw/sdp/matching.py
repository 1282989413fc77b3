"""
An answer with the media descriptions of its offer: as many, in the same order (:rfc:`3264#section-6`).

A browser refuses the whole answer, and the call with it, where one is missing, too many, or of another kind. Some peers
leave out what they do not want, as video.
"""

from collections.abc import Iterable

from wrtcgw.sdp.description import MOST_STREAMS, Description, Section, Stream


def fitted(answer: Description, offer: Description) -> Description:
    """
    Return the answer with one media description for each of the offer's; one that fits already stays as it is.

    What has no counterpart is rejected in the offer's words, and what was not offered is left out. Counterparts have
    the same kind of media and, where both name one, the same ``mid``; the order counts among those.
    """
    if max(len(answer.streams), len(offer.streams)) > MOST_STREAMS:
        return answer
    if not offer.streams or [each.media for each in answer.streams] == [each.media for each in offer.streams]:
        return answer
    left = list(answer.streams)
    has_address = bool(answer.session.address)
    streams = [_taken(left, offered) or _rejected(offered, has_address=has_address) for offered in offer.streams]
    mids = {mid for stream in streams if not stream.is_rejected and (mid := stream.value("mid"))}
    return Description.of(_with_groups_of(answer.session, mids), streams)


def _taken(left: list[Stream], offered: Stream) -> Stream | None:
    """Take the counterpart of a stream out of those that are left; None when there is none."""
    for position, stream in enumerate(left):
        mids = {stream.value("mid"), offered.value("mid")} - {None}
        if stream.media == offered.media and len(mids) < 2:
            return left.pop(position)
    return None


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
