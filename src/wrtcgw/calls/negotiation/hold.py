"""Who has put a call on hold."""

from enum import Enum


class Hold(Enum):
    """Who has put the call on hold, and how it ends."""

    NONE = "none"
    ORDERED = "ordered"
    """The page was told to hold, and has not yet."""
    AGENT = "agent"
    """The gateway holds, for the agent."""
    LAPSING = "lapsing"
    """So it does, but for a page that is gone: the new one holds by itself, and its first offer ends this."""
    SERVER = "server"
    """The gateway holds, since the server has ordered it."""
    PAGE = "page"
    """The page's own description holds."""
    PAGE_ORDERED = "page, ordered"
    """So it does, since the server has ordered it."""


BY_GATEWAY = frozenset({Hold.AGENT, Hold.LAPSING, Hold.SERVER})
BY_ORDER = frozenset({Hold.SERVER, Hold.PAGE_ORDERED})

LOCAL, SERVER = "local", "server"
"""Who can order a hold: the agent, at the page; or third-party call control."""
