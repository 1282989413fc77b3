"""
Which ways the media of a page may flow: its wish, and what the two descriptions that it has applied leave of that.

The gateway answers for a page as long as the page need not do anything for it. A browser neither sends nor plays what
the description that it has applied forbids: a page that was told of a hold has to be told of its end as well, while one
that never heard of the hold goes on by itself.
"""

from collections.abc import Sequence
from itertools import chain, repeat

from wrtcgw.sdp.description import Description, Direction
from wrtcgw.sdp.directions import RECEIVING, SENDING, combined, directions

Directions = Sequence[Direction]
"""The direction of each stream, as the side writes it that they are of."""


def wish_of_answer(before: Directions, answer: Description, offered: Description) -> Directions:
    """Return what a page wishes that has given ``answer``: where the offer left it no choice, what it wished before."""
    return [
        combined(
            sends=(said if offer in RECEIVING else earlier) in SENDING,
            receives=(said if offer in SENDING else earlier) in RECEIVING,
        )
        for said, offer, earlier in zip(directions(answer), directions(offered), _endless(before), strict=False)
    ]


def holds(wish: Directions) -> bool:
    """Return whether by these directions nobody talks to anybody: how a page holds."""
    return bool(wish) and "sendrecv" not in wish


def needs_page(wish: Directions, page: Description, known: Description, new: Description) -> bool:
    """
    Return whether media that the page wishes can flow by the far side's ``new`` only when the page has applied it.

    :param page: the page's description.
    :param known: the far side's description that the page has applied.
    """
    streams = zip(
        _endless(wish), _endless(directions(page)), _endless(directions(known)), directions(new), strict=False
    )
    return any(
        (wished in SENDING and theirs in RECEIVING and not (ours in SENDING and before in RECEIVING))
        or (wished in RECEIVING and theirs in SENDING and not (ours in RECEIVING and before in SENDING))
        for wished, ours, before, theirs in streams
    )


def _endless(known: Directions) -> "chain[Direction]":
    """Return the directions, and for streams beyond them the default."""
    default: Direction = "sendrecv"
    return chain(known, repeat(default))
