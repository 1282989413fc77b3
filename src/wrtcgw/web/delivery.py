"""
Responses on their way out.

There is no acknowledgement of messages in HTTP, but there is one in TCP. A response that was written stays open until
the other end's TCP has all of it; when the connection is lost before, its message goes back to where it came from. A
client that has closed its connection before it had the whole response cannot have acknowledged it, and one that has
acknowledged it gets no message twice.
"""

import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.server import Request

FIRST_LOOK, LAST_LOOK = 0.002, 0.05
"""Seconds between two looks: they double from the first to the last."""
PATIENCE = 1.0
"""Seconds that a page which asks again waits for the fate of the response before: its old connection may be dead."""
OWN_FIN = 1
"""What our own end of a connection counts among the bytes that are not acknowledged."""

OWN_ALERT = 64
"""What our farewell takes over TLS (close_notify), at most; less than the head of any response."""


class Delivery:
    """
    One response that was written, with the message that is in it.

    :param over: told once of its fate: True when it was lost.
    """

    def __init__(self, request: Request, clock: IReactorTime, over: Callable[[bool], None]) -> None:
        self._request = request
        self._clock = clock
        self._over: Callable[[bool], None] | None = over
        self._pause = FIRST_LOOK
        self._timers: list[IDelayedCall] = []
        self._socket = _second_handle(request)
        self._farewell = OWN_FIN + (OWN_ALERT if ISSLTransport.providedBy(request.transport) else 0)

    def begin(self) -> None:
        """Watch; without a socket of the system's the response has arrived."""
        self._request.notifyFinish().addErrback(self._broke_off)
        if not self.look() and self._over is not None:
            self._timers.append(self._clock.callLater(self._pause, self._look_again))

    def look(self) -> bool:
        """Finish the response if the other end has it; tell whether its fate is known now."""
        if self._over is not None and not self._unwritten() and not self._unacknowledged():
            self._end(lost=False)
            self._request.finish()
        return self._over is None

    def hurry(self) -> None:
        """Give up after a while: the page has asked again, by another connection."""
        if self._over is not None and len(self._timers) < 2:
            self._timers.append(self._clock.callLater(PATIENCE, self._give_up))

    def close(self) -> None:
        """Finish the response without waiting any more: the gateway stops."""
        if self._over is not None:
            self._over = None
            self._release()
            self._request.finish()

    def _look_again(self) -> None:
        if not self.look():
            self._timers[0] = self._clock.callLater(self._pause, self._look_again)
            self._pause = min(2 * self._pause, LAST_LOOK)

    def _give_up(self) -> None:
        if not self.look():
            transport = self._request.transport
            if ITCPTransport.providedBy(transport):
                transport.abortConnection()

    def _broke_off(self, reason: Failure) -> None:
        if self._over is not None:
            self._end(lost=self._unwritten() > 0 or self._unacknowledged() > self._farewell)

    def _end(self, *, lost: bool) -> None:
        over, self._over = self._over, None
        self._release()
        assert over is not None, "its fate is told once"
        over(lost)

    def _release(self) -> None:
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers.clear()
        if self._socket is not None:
            self._socket.close()

    def _unwritten(self) -> int:
        """Return how many bytes Twisted has not given to the system yet."""
        transport = self._request.transport
        kept = len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
        return kept + int(getattr(transport, "_tempDataLen", 0))

    def _unacknowledged(self) -> int:
        """Return how many bytes the other end's TCP has not acknowledged; only Linux tells (``tcp(7)``, SIOCOUTQ)."""
        if self._socket is None or sys.platform != "linux":
            return 0
        try:
            answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return 0
        return int(struct.unpack("i", answer)[0])


def _second_handle(request: Request) -> socket.socket | None:
    """Return a handle of the connection's socket that can be asked when Twisted has closed its own; None without."""
    connection = getattr(request.transport, "socket", None)
    try:
        return connection.dup() if connection is not None else None
    except OSError:
        return None
