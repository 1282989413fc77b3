"""
One HTTP connection, bounded in time: the head of a request and its body must each come as a whole, however they drip.

A request that is plain (:mod:`wrtcgw.web.plain_request`) and comes by itself is read here, in a quarter of the time
that Twisted takes; everything else is Twisted's.

Twisted's own time-out starts anew with each byte. An answer has its time from whoever makes it; a client that does not
read one is given up by the system (``TCP_USER_TIMEOUT``), or after the idle time.
"""

import json
from collections.abc import Iterable
from typing import Any

from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers

from wrtcgw.web.headers import head_of_refusal
from wrtcgw.web.plain_request import PlainRequest, read_plain

log = Logger()


class BoundedChannel(HTTPChannel):
    """
    A connection with a limit for the head of each request and one for its body.

    The time for the first head counts from the beginning of the connection, that of a later one from its first byte.
    """

    site: Any
    transport: Any
    requestFactory: Any  # noqa: N815
    timeOut: float | None  # type: ignore[assignment] # noqa: N815
    _deadline: IDelayedCall | None = None
    _waits_for = ""
    """The setting whose time is running."""
    _heard = False
    """Whether anything has come that was no TLS."""
    _over = False
    """Whether nothing that comes is looked at any more."""
    _begun: PlainRequest | None = None
    """A plain request whose body is not whole yet; :attr:`_came` has what has come of it."""
    _came = b""
    _head = b""
    """The head of a response, until there is something of its body, or it turns out to have none."""
    _ends: tuple[IAddress, IAddress]
    """The addresses of the other end and of this one."""
    _secure = False
    _idle_since = 0.0
    _idle_call: IDelayedCall | None = None
    """Ends the connection when it is idle; how long it has been it looks at when it goes off: no request moves it."""

    def connectionMade(self) -> None:
        """Begin, unless there are too many connections already."""
        super().connectionMade()
        self._ends = self.transport.getPeer(), self.transport.getHost()
        self._secure = super().isSecure()
        refusal = self.site.connections.enter(self, peer_of(self.transport))
        if refusal:
            self._refuse(503, "too_many_connections", refusal)
        else:
            self._expect("header_timeout")

    def getPeer(self) -> IAddress:
        """Return the address at the other end, which does not change."""
        return self._ends[0]

    def getHost(self) -> IAddress:
        """Return our own address."""
        return self._ends[1]

    def isSecure(self) -> bool:  # noqa: N802
        """Return whether this is TLS."""
        return self._secure

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give the place free."""
        self._stop()
        self._begun = None
        if self._idle_call is not None:
            self._idle_call.cancel()
            self._idle_call = None
        self.site.connections.leave(self)
        super().connectionLost(reason)
        self._transferDecoder = None  # which knows the channel

    def dataReceived(self, data: bytes) -> None:
        """Take bytes, and watch the time while a request is incomplete."""
        if self._over:
            return
        self._heard = True
        if not self._take_plain(data):
            super().dataReceived(data)
            self._look()

    def _take_plain(self, data: bytes) -> bool:
        """Take a request that is plain, if no other one is under way; False leaves everything to Twisted."""
        if self._begun is None:
            if not self.line_mode or self.requests or self._buffer or not self.persistent:
                return False
            plain, came = read_plain(data), data
            if plain is None or plain.end - plain.start > self.site.body_limit:
                return False
        else:
            plain, came = self._begun, self._came + data
        missing = plain.end - len(came)
        if missing > 0:
            if self._begun is None:
                self._stop()
                self._expect("body_timeout")
            self.resetTimeout()
            self._begun, self._came = plain, came
            return True
        self._begun, self._came = None, b""
        if missing < 0:  # more has come than this request: from here on it is Twisted's
            super().dataReceived(came)
            self._look()
            return True
        self._stop()
        self._serve(plain, came[plain.start :])
        return True

    def _serve(self, plain: PlainRequest, body: bytes) -> None:
        """Do what Twisted does when the last byte of a request has come."""
        self._HTTPChannel__first_line = 1  # an empty line before the next request is no fault
        request = self.requestFactory(self, 0)
        self.requests.append(request)
        request.take(plain, body)
        self.persistent = self.checkPersistence(request, b"HTTP/1.1")
        if self.timeOut:
            self._savedTimeOut = self.setTimeout(None)
        self._handlingRequest = True
        self.setRawMode()
        request.requestReceived(plain.method, plain.target, b"HTTP/1.1")

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
        self.flush()
        super().requestDone(request)
        self._look()

    # -- what is written: head and body of a response leave together

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:  # noqa: N802
        """Take the head of a response; it leaves with what follows."""
        lines = [b"%b %b %b" % (version, code, reason)]
        lines += [b"%b: %b" % (name, value) for name, values in headers.getAllRawHeaders() for value in values]
        self._head = b"\r\n".join(lines) + b"\r\n\r\n"

    def write(self, data: bytes) -> None:
        """Write a part of a response."""
        if self._head:
            data, self._head = self._head + data, b""
        self.transport.write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:  # noqa: N802
        """Write parts of a response."""
        self.write(b"".join(iovec))

    def flush(self) -> None:
        """Write the head that has waited for a body, if there is one."""
        if self._head:
            self.write(b"")

    # -- time

    def setTimeout(self, period: float | None) -> float | None:  # noqa: N802
        """Change after how many idle seconds the connection ends; None while a request is served."""
        before, self.timeOut = self.timeOut, period
        if period is not None:
            self.resetTimeout()
            if self._idle_call is None:
                self._idle_call = self.callLater(period, self._look_idle)
        return before

    def resetTimeout(self) -> None:  # noqa: N802
        """Note that the connection is not idle."""
        self._idle_since = self.site.seconds()

    def _look_idle(self) -> None:
        self._idle_call = None
        if self.timeOut is not None:
            left = self._idle_since + self.timeOut - self.site.seconds()
            if left > 0:
                self._idle_call = self.callLater(left, self._look_idle)
            else:
                self.timeoutConnection()

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
        if not (self.requests or self._buffer or self._begun):
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

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802 (what Twisted calls, and would close without a word)
        """Refuse a line that is too long, as a head that is."""
        self._respondToBadRequestAndDisconnect()

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
