"""
One HTTP connection, bounded in time: the head of a request and its body must each come as a whole, however they drip.

Twisted's own time-out starts anew with each byte. An answer has its time from whoever makes it; a client that does not
read one is given up by the system (``TCP_USER_TIMEOUT``), or after the idle time.
"""

import json
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from wrtcgw.web.headers import head_of_refusal

log = Logger()


class BoundedChannel(HTTPChannel):
    """
    A connection with a limit for the head of each request and one for its body.

    The time for the first head counts from the beginning of the connection, that of a later one from its first byte.
    """

    site: Any
    transport: Any
    _deadline: IDelayedCall | None = None
    _waits_for = ""
    """The setting whose time is running."""
    _heard = False
    """Whether anything has come that was no TLS."""
    _over = False
    """Whether nothing that comes is looked at any more."""

    def connectionMade(self) -> None:
        """Begin, unless there are too many connections already."""
        super().connectionMade()
        refusal = self.site.connections.enter(self, peer_of(self.transport))
        if refusal:
            self._refuse(503, "too_many_connections", refusal)
        else:
            self._expect("header_timeout")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give the place free."""
        self._stop()
        self.site.connections.leave(self)
        super().connectionLost(reason)
        self._transferDecoder = None  # which knows the channel

    def dataReceived(self, data: bytes) -> None:
        """Take bytes, and watch the time while a request is incomplete."""
        if self._over:
            return
        self._heard = True
        super().dataReceived(data)
        self._look()

    def allHeadersReceived(self) -> None:  # noqa: N802
        """Wait for the body from now on."""
        self._stop()
        if self.length != 0:
            self._expect("body_timeout")
        super().allHeadersReceived()

    def allContentReceived(self) -> None:  # noqa: N802
        """Serve the request, which is complete."""
        self._stop()
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:  # noqa: N802
        """Go on with the next request, of which a part may be there already."""
        super().requestDone(request)
        self._look()

    def timeoutConnection(self) -> None:  # noqa: N802
        """Close a connection on which nothing was asked for long; it is no event for a log."""
        self._close()

    def _look(self) -> None:
        """Let the time for a head run while there is a part of one."""
        begun = not self._handlingRequest and bool(self.requests or self._buffer)
        if begun and self._deadline is None:
            self._expect("header_timeout")

    def _expect(self, setting: str) -> None:
        if not self._over:
            self._waits_for = setting
            self._deadline = self.callLater(getattr(self.site, setting), self._late)

    def _stop(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()

    def _late(self) -> None:
        self._deadline = None
        if not (self.requests or self._buffer):
            # nothing was asked, so nothing is answered: browsers open connections in advance
            self._close()
            return
        seconds = getattr(self.site, self._waits_for)
        part = "head" if self._waits_for == "header_timeout" else "body"
        log.debug("a request of {peer} was too slow: {setting}", peer=peer_of(self.transport), setting=self._waits_for)
        text = f"the {part} of the request did not arrive within {seconds:g} s ({self._waits_for})"
        self._refuse(408, "request_timeout", text)

    def _refuse(self, code: int, word: str, text: str) -> None:
        """Say why, and close."""
        body = json.dumps({"error": text, "code": word}).encode() + b"\n"
        self.transport.write(head_of_refusal(code, len(body)) + body)
        self._close()

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802 (what Twisted calls when it understands nothing)
        if not self._over:
            self._refuse(400, "bad_request", "this is no HTTP request that can be understood (RFC 9112)")

    def _close(self) -> None:
        """Close soon, and by force when the other end does not take what was written, or has not begun with TLS."""
        self._over = True
        self._stop()
        self.setTimeout(None)
        if self.isSecure() and not self._heard:
            self.transport.abortConnection()
            return
        if self._abortingCall is None and self.abortTimeout is not None:
            self._abortingCall = self.callLater(self.abortTimeout, self._abort)
        self.loseConnection()

    def _abort(self) -> None:
        self._abortingCall = None
        self.transport.abortConnection()


def peer_of(transport: Any) -> str:
    """Return the address at the other end, '' when it has none."""
    return str(getattr(transport.getPeer(), "host", ""))
