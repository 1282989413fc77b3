"""
Whether the page of an agent runs, as far as it has told, or not told though it should have.

Pure. A connection that stands proves nothing: the kernel, or the browser's network process, goes on acknowledging what
is written to it when the page's own scripts do not run any more. Only a request that a script has made is a sign of
life.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import define


class Visibility(Enum):
    """What a page has told last of itself."""

    UNKNOWN = ""
    """Nothing: it sends no heartbeats, or has just signed in."""
    VISIBLE = "visible"
    """It is in the foreground."""
    HIDDEN = "hidden"
    """It is in the background, its window is covered, or the screen is locked: it runs, but its timers are slow."""
    FROZEN = "frozen"
    """The browser is about to stop its scripts."""
    GONE = "gone"
    """It is being closed, loaded again, or put away for the browser's Back."""


ABSENT = frozenset((Visibility.FROZEN, Visibility.GONE))
"""After these words nothing more is to be expected of a page, until it says otherwise."""


class Silence(Enum):
    """Why a page is taken for one that does not respond."""

    UNACKNOWLEDGED = "unacknowledged"
    """It did not say that it has got a call."""
    NO_HEARTBEAT = "no-heartbeat"
    """It was not heard of any more."""
    FROZEN = "frozen"
    """It said that it is being frozen."""
    GONE = "gone"
    """It said that it goes."""


@define(kw_only=True)
class PageLife:
    """What is known of whether a page runs; ``silent_since`` is the clock's seconds, None while the page responds."""

    visibility: Visibility = Visibility.UNKNOWN
    silent_since: float | None = None
    why: Silence | None = None
    """Why it is taken for silent."""

    @property
    def responds(self) -> bool:
        """Return whether nothing says that it does not run."""
        return self.silent_since is None

    @property
    def beats(self) -> bool:
        """Return whether it sends heartbeats."""
        return self.visibility is not Visibility.UNKNOWN

    def tell(self, visibility: Visibility) -> bool:
        """Take what the page tells of itself; return whether that is new."""
        is_news = visibility is not self.visibility
        self.visibility = visibility
        return is_news

    def fall_silent(self, now: float, why: Silence) -> bool:
        """Note that it does not respond; return whether that is new."""
        if not self.responds:
            return False
        self.silent_since, self.why = now, why
        return True

    def wake(self) -> bool:
        """Note a sign of life; return whether it was taken for silent until now."""
        was_silent = not self.responds
        self.silent_since = self.why = None
        return was_silent

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes an equal value."""
        why = None if self.why is None else self.why.value
        return {"visibility": self.visibility.value, "silent_since": self.silent_since, "why": why}

    @classmethod
    def restore(cls, data: Mapping[str, Any], shift: float = 0.0) -> "PageLife":
        """
        Return what :meth:`snapshot` was taken of.

        :param shift: seconds to add to its time, where the clock has begun anew.
        """
        since, why = data["silent_since"], data["why"]
        return cls(
            visibility=Visibility(data["visibility"]),
            silent_since=None if since is None else since + shift,
            why=None if why is None else Silence(why),
        )
