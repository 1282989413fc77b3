"""What all Server-Sent Events have in common (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from abc import ABC, abstractmethod

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

RETRY_MS = 2000
"""How long a client waits before it comes back."""


@implementer(IPushProducer)
class ServerSentEvents(ABC):
    """
    The answer to one request, which goes on until somebody ends it.

    What is written, and where it is looked for, is up to the class that derives. While the connection takes no more,
    nothing is written, and nothing is kept here either.

    :ivar ended: fires when it was closed; is cancelled when its connection is lost.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._paused = False
        self.ended: Deferred[None] = Deferred(lambda _: self._leave())

    @property
    def is_writable(self) -> bool:
        """Return whether it is open, and its connection takes something."""
        return not self.ended.called and not self._paused

    def open(self) -> None:
        """Send the head, and what is there."""
        headers = self._request.responseHeaders
        headers.setRawHeaders(b"content-type", [b"text/event-stream"])
        headers.setRawHeaders(b"x-accel-buffering", [b"no"])
        self._request.registerProducer(self, True)
        self._request.write(b"retry: %d\n\n" % RETRY_MS)
        self.flush()

    def beat(self) -> None:
        """Send a comment, so that proxies and we ourselves see whether the connection lives."""
        if not self._paused:
            self._request.write(b": alive\n\n")

    def close(self) -> None:
        """End it."""
        self._leave()
        self._request.unregisterProducer()
        self.ended.callback(None)

    @abstractmethod
    def flush(self) -> None:
        """Write what is new as long as :attr:`is_writable`."""

    @abstractmethod
    def left(self) -> None:
        """Note that it has ended."""

    def _leave(self) -> None:
        self._request.producer = None  # else the two know each other for good
        self.left()

    def pauseProducing(self) -> None:
        """Hold back: the connection's buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self._paused = False
        self.flush()

    def stopProducing(self) -> None:
        """Note that nothing can be written any more; what follows comes through :attr:`ended`'s canceller."""
        self._paused = True
