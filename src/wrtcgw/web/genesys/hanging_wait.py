"""
``wait``: hanging requests, one message per response.

None ends without a message, but for a 204 that signs the page out. A text counts as told when it was written to a live
connection; what broke off before has taken nothing, or gives it back.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.errors import NotSignedIn
from wrtcgw.gateway import Gateway
from wrtcgw.web.delivery import Delivery
from wrtcgw.web.genesys.replies import write_text
from wrtcgw.web.genesys.session import OutboundText, PageSession
from wrtcgw.web.genesys.wire import pragma
from wrtcgw.web.longpoll import has_hung_up
from wrtcgw.web.replies import write_nothing
from wrtcgw.web.tracing import told as trace_told

LINGER = 60.0
"""Seconds for which a ``wait`` of a former SSID hangs."""


class Wait:
    """One ``wait`` of a page."""

    __slots__ = ("_clock", "_gateway", "_request", "_session")

    def __init__(self, gateway: Gateway, session: PageSession, request: Request, clock: IReactorTime) -> None:
        self._gateway = gateway
        self._clock = clock
        self._session = session
        self._request = request

    def begin(self) -> int:
        """Answer with what there is, or hang; an older one of the same page goes without an answer."""
        session = self._session
        if isinstance(session.waiting, Wait):
            session.waiting.drop()
        session.waiting = self
        if _is_current(self._gateway, session):
            self._gateway.attend(session.agent.id)
        finished: Deferred[None] = self._request.notifyFinish()
        finished.addErrback(self._broke_off)
        if session.sending is not None and not session.sending.look():
            session.sending.hurry()
        session.arrived()
        return NOT_DONE_YET

    def arrived(self) -> None:
        """Deliver what there is; when there is nothing more and never will be, send the page home."""
        session = self._session
        letter = session.next()
        if letter is None and not session.is_over:
            return
        if has_hung_up(self._request):
            return
        if letter is None:
            self.send_home()
        else:
            self._deliver(letter)

    def _deliver(self, letter: OutboundText) -> None:
        self._stop()
        request, session = self._request, self._session
        request.responseHeaders.setRawHeaders(b"pragma", [pragma(session.peer)])
        body = write_text(request, 200, letter.text)
        request.write(body)
        told, call_id = session.told, letter.call_id or session.call_id
        session.delivered(letter)
        self._gateway.delivered(session.agent)
        trace_told(request, session.agent, call_id, "wait", body)

        def over(lost: bool) -> None:
            session.sending = None
            if lost:
                session.put_back(letter, told=told)
                self._gateway.delivered(session.agent)
            session.arrived()

        session.sending = Delivery(request, self._clock, over)
        session.sending.begin()

    def send_home(self) -> None:
        """Make the page sign out, by the 204 that it takes for that."""
        self._stop()
        self._session.forced = True
        write_nothing(self._request)

    def drop(self) -> None:
        """Close the connection: a page that has begun another one does not look at this any more."""
        self._stop()
        self._request.loseConnection()

    def detach(self) -> None:
        """Be no page's wait any more, and hang on for a while: its page would take an answer amiss."""
        self._stop()
        Lingering(self._session, self._request, self._clock).begin()

    def _broke_off(self, reason: Failure) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._session.waiting is not self:
            return
        self._session.waiting = None
        if _is_current(self._gateway, self._session):
            self._gateway.leave(self._session.agent.id)


class Lingering:
    """
    A ``wait`` of an SSID that is not its page's any more.

    Nothing is ever said, because the page has a new session, which an answer would end: older pages do not compare.
    One hangs at a time, for a minute at most; then its connection is closed.
    """

    __slots__ = ("_request", "_session", "_timer")

    def __init__(self, session: PageSession, request: Request, clock: IReactorTime) -> None:
        self._session = session
        self._request = request
        self._timer = clock.callLater(LINGER, self.drop)

    def begin(self) -> int:
        """Hang in place of an older one."""
        if isinstance(self._session.lingering, Lingering):
            self._session.lingering.drop()
        self._session.lingering = self
        self._request.notifyFinish().addErrback(lambda _: self._stop())
        return NOT_DONE_YET

    def drop(self) -> None:
        """Close the connection."""
        self._stop()
        self._request.loseConnection()

    def _stop(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        if self._session.lingering is self:
            self._session.lingering = None


def _is_current(gateway: Gateway, session: PageSession) -> bool:
    try:
        return gateway.agent(session.agent.id) is session.agent
    except NotSignedIn:
        return False
