"""
What happens, as those outside hear of it: applications and operators by an event stream, others by webhooks.

:mod:`~wrtcgw.web.feed.notices` turns events into notices, :mod:`~wrtcgw.web.feed.feed` keeps the newest of them, and
:mod:`~wrtcgw.web.feed.streams` writes them as Server-Sent Events.
"""

from wrtcgw.web.feed.feed import Feed
from wrtcgw.web.feed.notices import KINDS, Notice
from wrtcgw.web.feed.streams import FeedStreams

__all__ = ["KINDS", "Feed", "FeedStreams", "Notice"]
