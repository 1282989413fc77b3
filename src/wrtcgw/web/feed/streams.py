"""
Notices as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

A stream has its place in the feed: one whose connection cannot take more waits, and goes on from there, or hears that
it has missed something.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.server import Request

from wrtcgw.errors import GatewayError
from wrtcgw.web.errors import TooManyStreams
from wrtcgw.web.feed.feed import Feed
from wrtcgw.web.feed.notices import Notice
from wrtcgw.web.sse import ServerSentEvents

MOST = 10
"""Streams of one token at a time."""


class FeedStreams:
    """The open streams, and the heartbeat that they share."""

    def __init__(self, clock: IReactorTime, feed: Feed, heartbeat: float) -> None:
        self._clock = clock
        self._heartbeat = heartbeat
        self._open: list[FeedStream] = []
        self._beat: IDelayedCall | None = None
        self.feed = feed

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._open)

    def begin(
        self,
        request: Request,
        owner: str,
        after: str,
        wants: Callable[[Notice], bool],
        judge: Callable[[], object],
    ) -> Deferred[None]:
        """
        Tell notices from now on.

        :param owner: the name of the token by which it is asked for.
        :param after: the id of the last notice that the client has; empty begins with the next one.
        :param judge: raises when the owner may not hear of them any more; asked with each heartbeat.
        :returns: fires when the stream has ended; to be cancelled when its connection is lost.
        :raises TooManyStreams: when the owner has as many as it may.
        """
        if sum(stream.owner == owner for stream in self._open) >= MOST:
            raise TooManyStreams(MOST)
        self.feed.begin()
        stream = FeedStream(self, request, owner, after or self.feed.last, wants, judge)
        self._open.append(stream)
        if self._beat is None:
            self._beat = self._clock.callLater(self._heartbeat, self._on_beat)
        stream.open()
        return stream.ended

    def close(self) -> None:
        """Close all: the gateway stops."""
        for stream in tuple(self._open):
            stream.close()

    def forget(self, stream: "FeedStream") -> None:
        """Take a stream off the list, and stop the heartbeat with the last one."""
        self._open.remove(stream)
        if not self._open and self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _on_beat(self) -> None:
        self._beat = self._clock.callLater(self._heartbeat, self._on_beat)
        for stream in tuple(self._open):
            stream.beat()


class FeedStream(ServerSentEvents):
    """One stream."""

    def __init__(
        self,
        streams: FeedStreams,
        request: Request,
        owner: str,
        after: str,
        wants: Callable[[Notice], bool],
        judge: Callable[[], object],
    ) -> None:
        super().__init__(request)
        self._streams = streams
        self._after = after
        self._wants = wants
        self._judge = judge
        self.owner = owner

    def open(self) -> None:
        """Listen, send the head, and what is there."""
        self._streams.feed.subscribe(self._told)
        super().open()

    def beat(self) -> None:
        """Show that it lives; close it if its owner may not have it any more."""
        try:
            self._judge()
        except GatewayError:
            self.close()
            return
        super().beat()

    def flush(self) -> None:
        """Write the notices that are new."""
        for notice in self._streams.feed.after(self._after):
            if not self.is_writable:
                return
            self._after = notice.id
            if notice.kind == "feed.reset" or self._wants(notice):
                event = notice.id.encode(), notice.kind.encode(), notice.body()
                self._request.write(b"id: %b\nevent: %b\ndata: %b\n\n" % event)

    def left(self) -> None:
        """Listen no more."""
        self._streams.feed.unsubscribe(self._told)
        self._streams.forget(self)

    def _told(self, notice: Notice) -> None:
        self.flush()
