"""
A page of an agent: a tab or window somewhere, with a session and messages of its own.

Most agents have one. Where the site lets several pages ring (``second_page``), each of them is told of all calls, and
has its own place in what it is told; one of them has the sound of a call, and the others control it.
"""

from enum import Enum

from attrs import define, field

from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.page_life import Visibility

AWAY = 5.0
"""Seconds after which a page that does not listen counts as away: between two polls none does."""
FIRST = ""
"""The name of an agent's first page, and of one that has taken everything over."""


class Sound(Enum):
    """Where the sound of a call is, for one page; the ``cause`` of a SOUND message."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    """Another page has it."""
    NOWHERE = "nowhere"
    """The page that had it is gone, or has not listened for a while."""


@define(eq=False, kw_only=True)
class Page:
    """
    One page.

    ``since`` is when it signed in, ``last_seen`` when it was last heard of; both are the clock's seconds.
    """

    name: str = FIRST
    """Tells it from the agent's others; it grants nothing."""
    since: float = 0.0
    last_seen: float | None = None
    waiting: int = 0
    """How many polls and streams of it hang now."""
    visibility: Visibility = Visibility.UNKNOWN
    """What it has told last of itself, while others are there."""
    mailbox: Mailbox = field(factory=Mailbox, repr=False)

    @property
    def is_listening(self) -> bool:
        """Return whether a poll or stream of it hangs."""
        return self.waiting > 0

    def is_away(self, now: float) -> bool:
        """Return whether it has not listened for a while, or has said that it goes."""
        if self.is_listening:
            return False
        return self.visibility is Visibility.GONE or self.last_seen is None or now - self.last_seen >= AWAY
