"""
Which ways the media of a page may flow: its wish, and what the two descriptions that it has applied leave of that.

The gateway answers for a page as long as the page need not do anything for it. A browser neither sends nor plays what
the description that it has applied forbids: a page that was told of a hold has to be told of its end as well, while one
that never heard of the hold goes on by itself.
"""

import re
from collections.abc import Sequence
from itertools import chain, repeat

from wrtcgw import sdp as descriptions
from wrtcgw.sdp import Direction

SENDING = ("sendrecv", "sendonly")
RECEIVING = ("sendrecv", "recvonly")

_STREAM = re.compile(r"(?m)^(?=m=)")

Ways = Sequence[Direction]
"""The direction of each stream, as the side writes it that they are of."""


def ways(text: str) -> Ways:
    """Return the directions in a description; its writer's."""
    if not text:
        return ()
    session, *streams = _STREAM.split(descriptions.normalise(text))
    return [descriptions.direction(session + stream) for stream in streams]


def wish_of_answer(before: Ways, answer: str, offered: str) -> Ways:
    """Return what a page wishes that has given ``answer``: where the offer left it no choice, what it wished before."""
    return [
        _direction(
            sends=(said if offer in RECEIVING else earlier) in SENDING,
            receives=(said if offer in SENDING else earlier) in RECEIVING,
        )
        for said, offer, earlier in zip(ways(answer), ways(offered), _endless(before), strict=False)
    ]


def holds(wish: Ways) -> bool:
    """Tell whether by these directions nobody talks to anybody: how a page holds (W 6.5)."""
    return bool(wish) and "sendrecv" not in wish


def need_page(wish: Ways, page: str, known: str, text: str) -> bool:
    """
    Tell whether media that the page wishes can flow by the far side's ``text`` only when the page has applied it.

    :param page: the page's description.
    :param known: the far side's description that the page has applied.
    """
    streams = zip(_endless(wish), _endless(ways(page)), _endless(ways(known)), ways(text), strict=False)
    return any(
        (wished in SENDING and new in RECEIVING and not (ours in SENDING and old in RECEIVING))
        or (wished in RECEIVING and new in SENDING and not (ours in RECEIVING and old in SENDING))
        for wished, ours, old, new in streams
    )


def _direction(*, sends: bool, receives: bool) -> Direction:
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def _endless(known: Ways) -> "chain[Direction]":
    """Return the directions, and for streams beyond them the default."""
    default: Direction = "sendrecv"
    return chain(known, repeat(default))
