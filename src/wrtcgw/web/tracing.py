"""
What goes over HTTP for an agent or a call, for the recorder.

A request is recorded from the moment at which it is known whose it is, so that it stands before all that it brings
about; to which call it belongs may turn out later. That is up to the few places that know agents and calls; requests of
any other class than :class:`TracedRequest` are not recorded.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any, ParamSpec

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from wrtcgw.calls.agent import Agent
from wrtcgw.capture.entries import Asked
from wrtcgw.capture.recorder import Recorder

log = Logger()

P = ParamSpec("P")

TOO_MANY_REQUESTS = 429
"""What is refused so is not recorded: it could push out what matters."""


class TracedRequest(Request):
    """A request that can be recorded; its site has the recorder as ``recorder``."""

    asked: Asked | None = None
    _said: bytes = b""

    @property
    def recorder(self) -> Recorder | None:
        """Return the recorder, None when nothing is recorded now."""
        recorder: Recorder | None = getattr(self.site, "recorder", None)
        return recorder if recorder is not None and recorder.on else None

    def write(self, data: bytes) -> None:
        """Write to the page; of a recorded request it is remembered."""
        if self.asked is not None:
            self._said = data
        super().write(data)

    def finish(self) -> None:
        """End the response, and record it."""
        asked, self.asked = self.asked, None
        if asked is not None:
            recorder = self.recorder
            named = self.responseHeaders.getRawHeaders(b"x-wrtc-call")
            if named:
                asked.call_id = _text(named[-1])
            if recorder is not None and self.code != TOO_MANY_REQUESTS:
                _safely(recorder.answered, asked, self.code, self.responseHeaders, self._said)
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        """Note that the page went before the response."""
        asked, self.asked = self.asked, None
        recorder = self.recorder if asked is not None else None
        if asked is not None and recorder is not None:
            _safely(recorder.broke_off, asked)
        super().connectionLost(reason)


def trace(request: Request, agent: Agent, call_id: str | None = None) -> None:
    """
    Have a request of an agent's page recorded, with its response.

    :param call_id: the call that it names; None for the agent's only one, if there is one.
    """
    if call_id is None:
        call_id = next(iter(agent.calls)) if len(agent.calls) == 1 else ""
    trace_as(request, agent.dn, agent.id, call_id if call_id in agent.calls else "")


def trace_as(request: Request, dn: str, agent_id: str, call_id: str = "") -> None:
    """Have a request recorded whose agent is not signed in yet."""
    if not isinstance(request, TracedRequest) or request.asked is not None:
        return
    recorder = request.recorder
    if recorder is not None:
        body = request.content.getvalue() if isinstance(request.content, BytesIO) else b""
        request.asked = recorder.asked(dn, agent_id, request.method, request.uri, request.requestHeaders, body)
        request.asked.call_id = call_id


def hand_over(request: Request, agent: Agent) -> None:
    """Note whose a recorded request turned out to be."""
    if isinstance(request, TracedRequest) and request.asked is not None:
        request.asked.dn, request.asked.agent_id = agent.dn, agent.id


def about(request: Request, call_id: str) -> None:
    """Note the call that a recorded request turned out to be about."""
    if isinstance(request, TracedRequest) and request.asked is not None and call_id:
        request.asked.call_id = call_id


def told(request: Request, agent: Agent, call_id: str, how: str, body: bytes, kind: str = "") -> None:
    """Have a message recorded that was written to an agent's page."""
    recorder = request.recorder if isinstance(request, TracedRequest) else None
    if recorder is not None:
        _safely(recorder.told, agent.dn, agent.id, call_id, how, kind, request.code, body)


def _safely(record: Callable[P, None], *args: P.args, **more: P.kwargs) -> None:
    """Record something; a response goes out, whatever goes wrong here."""
    try:
        record(*args, **more)
    except Exception:
        log.failure("a request could not be recorded; it is answered all the same")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value, "ascii", "replace")
