"""
Notices as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

A stream has its place in the feed: one whose connection cannot take more waits, and goes on from there, or hears that
it has missed something.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.web.server import Request
from zope.interface import implementer

from wrtcgw.errors import GatewayError
from wrtcgw.web.errors import TooManyStreams
from wrtcgw.web.feed.feed import Feed
from wrtcgw.web.feed.notices import Notice

RETRY_MS = 2000
"""How long a client waits before it comes back."""
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


@implementer(IPushProducer)
class FeedStream:
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
        self._streams = streams
        self._request = request
        self._after = after
        self._wants = wants
        self._judge = judge
        self._paused = False
        self._unsubscribe: Callable[[], None] | None = None
        self.owner = owner
        self.ended: Deferred[None] = Deferred(lambda _: self._leave())
        """Fires when the stream was closed; cancelled when its connection is lost."""

    def open(self) -> None:
        """Send the head, and what is there."""
        headers = self._request.responseHeaders
        headers.setRawHeaders(b"content-type", [b"text/event-stream"])
        headers.setRawHeaders(b"x-accel-buffering", [b"no"])
        self._request.registerProducer(self, True)
        self._unsubscribe = self._streams.feed.subscribe(lambda notice: self._flush())
        self._request.write(b"retry: %d\n\n" % RETRY_MS)
        self._flush()

    def beat(self) -> None:
        """Send a comment, so that the connection is seen to live; close it if its owner may not have it any more."""
        try:
            self._judge()
        except GatewayError:
            self.close()
            return
        if not self._paused:
            self._request.write(b": alive\n\n")

    def close(self) -> None:
        """End the stream."""
        self._leave()
        self._request.unregisterProducer()
        self.ended.callback(None)

    def _flush(self) -> None:
        """Write what is new as long as the connection takes it."""
        for notice in self._streams.feed.after(self._after):
            if self._paused or self.ended.called:
                return
            self._after = notice.id
            if notice.kind == "feed.reset" or self._wants(notice):
                event = notice.id.encode(), notice.kind.encode(), notice.body()
                self._request.write(b"id: %b\nevent: %b\ndata: %b\n\n" % event)

    def _leave(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._streams.forget(self)

    def pauseProducing(self) -> None:
        """Hold back: the connection's buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self._paused = False
        self._flush()

    def stopProducing(self) -> None:
        """Note that nothing can be written any more; what follows comes through :attr:`ended`'s canceller."""
        self._paused = True
