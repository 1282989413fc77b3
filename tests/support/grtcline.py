"""The dialect page's line to its gateway: signing in and out, the hanging poll, and posts that may be repeated."""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from tests.support.grtcversions import Version
from tests.support.grtcwire import Reply, RequestFailedError, Wire


class LibraryError(Exception):
    """The library throws where it handles a poll's response, and does not poll again."""


@define(eq=False)
class _Poll:
    """One hanging GET, with the SSID of its time."""

    ssid: str
    request: "Deferred[Reply] | None" = None
    timer: IDelayedCall | None = None
    timed_out: bool = False

    def stop_timer(self) -> None:
        if self.timer is not None and self.timer.active():
            self.timer.cancel()


@define(eq=False, kw_only=True)
class Line:
    """
    W 2 and 3 of docs/genesys-dialect.md, from the browser's side.

    ``received`` is told each message with its peer, ``forced_out`` that the gateway wants the page to sign out, and
    ``fired`` of what the library tells the application.
    """

    wire: Wire
    clock: IReactorTime
    gateway: str
    version: Version
    received: Callable[[str, str], None]
    forced_out: Callable[[], None]
    fired: Callable[[str], None]
    ssid: str | None = field(default=None, init=False)
    _polls: set[_Poll] = field(factory=set, init=False)
    _requests: "set[Deferred[Reply]]" = field(factory=set, init=False)
    _timers: set[IDelayedCall] = field(factory=set, init=False)
    _gone: bool = field(default=False, init=False)

    @property
    def polling(self) -> bool:
        """Return whether a poll of the present session hangs."""
        return any(poll.ssid == self.ssid for poll in self._polls)

    # -- coming and going

    def sign_in(self, name: str, password: str | None, event: str) -> None:
        """Ask for an SSID; ``event`` is fired when there is one, or onFailed."""
        if password is None:
            asked = self._fetch("GET", f"/sign_in?{name}")
        else:
            asked = self._fetch("POST", "/sign_in", f"{name}:{password}")
        asked.addCallbacks(
            self._signed_in, lambda _: self.fired("onFailed"), callbackArgs=(event,)
        )  # the library is not told why

    def _signed_in(self, reply: Reply, event: str) -> None:
        parts = reply.text.split("\n")[0].split("=")
        self.ssid = parts[1] if len(parts) > 1 else "undefined"
        self._poll()
        self.fired(event)

    def sign_out(self) -> None:
        """Leave; the answer does not matter, and a poll of this session is left hanging."""
        ssid, self.ssid = self.ssid, None
        self._fetch("GET", f"/sign_out?id={ssid}").addErrback(lambda _: None)

    def vanish(self) -> None:
        """End everything without a word, as when the page is closed or loaded again."""
        self._gone = True
        self.ssid = None
        for poll in list(self._polls):
            poll.stop_timer()
        for request in list(self._requests):
            request.cancel()
        for timer in self._timers:
            if timer.active():
                timer.cancel()

    def _fetch(self, method: str, path: str, body: str | None = None) -> "Deferred[Reply]":
        request = self.wire.fetch(method, self.gateway + path, body)
        self._requests.add(request)
        return request.addBoth(self._done, request)

    def _done(self, result: Reply | Failure, request: "Deferred[Reply]") -> Reply | Failure:
        self._requests.discard(request)
        return result

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers = {timer for timer in self._timers if timer.active()}
        if not self._gone:
            self._timers.add(self.clock.callLater(seconds, action))

    # -- the hanging GET

    def _poll(self) -> None:
        if self.ssid is None:
            return
        poll = _Poll(self.ssid)
        self._polls.add(poll)
        if self.version.poll_timeout is not None:
            poll.timer = self.clock.callLater(self.version.poll_timeout, self._time_out, poll)
        poll.request = self._fetch("GET", f"/wait?id={self.ssid}")
        poll.request.addCallbacks(
            self._polled, self._poll_failed, callbackArgs=(poll,), errbackArgs=(poll,)
        ).addErrback(self._broke)

    @staticmethod
    def _time_out(poll: _Poll) -> None:
        poll.timed_out = True
        if poll.request is not None:
            poll.request.cancel()

    def _ended(self, poll: _Poll) -> bool:
        """Note that a poll is over; tell whether what it brought is to be looked at."""
        self._polls.discard(poll)
        poll.stop_timer()
        stale = poll.ssid != self.ssid and self.version.ignores_stale_polls
        return not (self._gone or stale)

    def _polled(self, reply: Reply, poll: _Poll) -> None:
        if not self._ended(poll):
            return
        if reply.status == 200:
            self.received(reply.text, reply.pragma)
            self._later(0, self._poll)
        else:
            self.forced_out()

    def _poll_failed(self, failure: Failure, poll: _Poll) -> None:
        if not self._ended(poll):
            return
        if poll.timed_out:
            self._poll()
            return
        failure.trap(RequestFailedError)
        if self.version.reports_connection_errors:
            self.fired("onConnectionError")
        if self.version.poll_retry is not None:
            self._later(self.version.poll_retry, self._poll)

    @staticmethod
    def _broke(failure: Failure) -> None:
        failure.trap(LibraryError)

    # -- posts

    def post(self, text: str, to: str | None, again: Callable[[], bool] | None = None) -> None:
        """
        Post a message.

        :param to: the peer, pasted into the address as it is; None is what JavaScript makes of it.
        :param again: asked after a failure whether the message still makes sense; None for what is never repeated.
        """
        peer = self.ssid if to == "self" else to
        path = f"/message?from={self.ssid}&to={'null' if peer is None else peer}"
        self._send(path, text, again)

    def _send(self, path: str, text: str, again: Callable[[], bool] | None) -> None:
        def failed(failure: Failure) -> None:
            failure.trap(RequestFailedError)
            if again is not None and self.version.post_retry is not None:
                self._later(self.version.post_retry, repeat)

        def repeat() -> None:
            if again is not None and again():
                self._send(path, text, again)

        self._fetch("POST", path, text).addCallbacks(lambda _: None, failed)
