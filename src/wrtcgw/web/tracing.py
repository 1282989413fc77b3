"""
What goes over HTTP for an agent or a call, as events.

A request is told of from the moment at which it is known whose it is, so that it stands before all that it brings
about; to which call it belongs may turn out later. That is up to the few places that know agents and calls; requests of
any other class than :class:`TracedRequest` are not told of.
"""

from io import BytesIO
from typing import Any

from attrs import define
from twisted.python.failure import Failure
from twisted.web.server import Request

from wrtcgw.calls.agent import Agent
from wrtcgw.events.catalogue import MessageDelivered, PageAnswered, PageAsked, PageHungUp
from wrtcgw.events.stream import EventStream


@define
class Subject:
    """Whose a request is, and which call it is about, as far as that is known."""

    dn: str
    agent_id: str
    call_id: str


class TracedRequest(Request):
    """A request that is told of; its site has the stream as ``events``."""

    subject: Subject | None = None
    _said: bytes = b""

    @property
    def events(self) -> EventStream | None:
        """Return the stream, None for a site without one."""
        return getattr(self.site, "events", None)

    def write(self, data: bytes) -> None:
        """Write to the page; of a request that is told of it is remembered."""
        if self.subject is not None:
            self._said = data
        super().write(data)

    def finish(self) -> None:
        """End the response, and let it be known."""
        subject, self.subject = self.subject, None
        if subject is not None and self.events is not None:
            named = self.responseHeaders.getRawHeaders(b"x-wrtc-call")
            self.events.publish(
                PageAnswered(
                    request=self,
                    dn=subject.dn,
                    agent_id=subject.agent_id,
                    call_id=_text(named[-1]) if named else subject.call_id,
                    code=self.code,
                    headers=self.responseHeaders,
                    body=self._said,
                )
            )
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        """Let it be known that the page went before the response."""
        subject, self.subject = self.subject, None
        if subject is not None and self.events is not None:
            gone = PageHungUp(request=self, dn=subject.dn, agent_id=subject.agent_id, call_id=subject.call_id)
            self.events.publish(gone)
        super().connectionLost(reason)


def trace(request: Request, agent: Agent, call_id: str | None = None) -> None:
    """
    Let a request of an agent's page be known, and its response.

    :param call_id: the call that it names; None for the agent's only one, if there is one.
    """
    if call_id is None:
        call_id = next(iter(agent.calls)) if len(agent.calls) == 1 else ""
    trace_as(request, agent.dn, agent.id, call_id if call_id in agent.calls else "")


def trace_as(request: Request, dn: str, agent_id: str, call_id: str = "") -> None:
    """Let a request be known whose agent is not signed in yet."""
    if not isinstance(request, TracedRequest) or request.subject is not None:
        return
    events = request.events
    if events is not None and events.wants(PageAsked):
        request.subject = Subject(dn, agent_id, call_id)
        events.publish(
            PageAsked(
                request=request,
                dn=dn,
                agent_id=agent_id,
                call_id=call_id,
                method=request.method,
                uri=request.uri,
                headers=request.requestHeaders,
                body=request.content.getvalue() if isinstance(request.content, BytesIO) else b"",
            )
        )


def hand_over(request: Request, agent: Agent) -> None:
    """Note whose a request turned out to be."""
    if isinstance(request, TracedRequest) and request.subject is not None:
        request.subject.dn, request.subject.agent_id = agent.dn, agent.id


def about(request: Request, call_id: str) -> None:
    """Note the call that a request turned out to be about."""
    if isinstance(request, TracedRequest) and request.subject is not None and call_id:
        request.subject.call_id = call_id


def told(request: Request, agent: Agent, call_id: str, how: str, body: bytes, kind: str = "") -> None:
    """Let it be known that a message was written to an agent's page."""
    events = request.events if isinstance(request, TracedRequest) else None
    if events is not None and events.wants(MessageDelivered):
        events.publish(MessageDelivered(agent=agent, call_id=call_id, how=how, kind=kind, code=request.code, body=body))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value, "ascii", "replace")
