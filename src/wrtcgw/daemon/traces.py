"""
Subscribes to the stream of events, and makes spans of it: what a call costs whom, from the page's click on.

A call is one trace. It begins with the request of the page that places it (which may say in ``traceparent`` to what it
belongs), or with the INVITE that brings it::

    POST /api/webrtc/message             the page's OFFER
      |- INVITE local                    answered with 401
      |- INVITE local                    again, with credentials: 180, 200
      |- write state                     where a store is to have it first
      '- deliver ANSWER                  from when it is queued until a poll or stream has it
    POST /api/webrtc/hangup              joined to the call by the gateway
      '- BYE local                       200

Of SIP the names and attributes are those that OpenSIPS has made up (``modules/opentelemetry/semantic-convention``):
``request`` is what comes, ``local`` what the gateway begins. Each transaction is one span, its provisional responses
are events of it. Outside of calls each is a trace of its own, but for a REGISTER: it belongs to the sign_in
that waits for it.

No span has a number, a name, an address of a person, a message or an identity: Call-ID and ``wrtcgw.call_id`` lead to
the log, which has what operators may see. Requests that ask whether there is something new have no span, unless they
bring a ``traceparent``.

What is not kept costs a look into a dictionary for each SIP message, and two for each request of a page.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import getrandbits
from secrets import token_bytes
from typing import Any, cast

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorFromThreads, IReactorTCP, IReactorTime

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import CallState, Direction
from wrtcgw.capture.recorder import call_id_of
from wrtcgw.config import Settings
from wrtcgw.daemon.hep import Parts, ends_of
from wrtcgw.daemon.span_export import SpanExport
from wrtcgw.daemon.spans import Context, Kind, Sampler, Span, Value, context_of, read_context
from wrtcgw.events import catalogue as events
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway import Gateway
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.parser import parse
from wrtcgw.sip_service import UserAgentService
from wrtcgw.transport.flow import Flow
from wrtcgw.transport.websocket import WebSocketURL

FINAL, SERVER_ERROR = 200, 500
LONGEST_INVITE, LONGEST = 300.0, 40.0
"""Seconds after which a transaction that has no response counts as given up; timers B and F are shorter (32 s)."""
AFTER_END = 60.0
"""Seconds that a call is still followed which is over: its BYE may be under way."""
WAITING = 20
"""Messages of one call that wait for its page, and get a span."""
PROVISIONAL = 32
"""Provisional responses of one transaction that are told; who sends more says nothing new by them."""

_FROM_USER = re.compile(r"\r\n(?:From|f)[ \t]*:[^\r\n]*?sips?:([^@>;\r\n]+)@", re.IGNORECASE)

Key = tuple[str, str, bool]
"""Of a transaction: branch, method, and whether the request came from there."""


@define(eq=False)
class Asked:
    """A request of a page that has no response yet; ``span`` is None when it is not kept."""

    agent_id: str
    dn: str
    span: Span | None
    call_id: str


@define(eq=False)
class Followed:
    """
    The messages of one Call-ID that are kept.

    :ivar root: what its spans are below, unless a request of the page is being carried out.
    :ivar call_id: the gateway's name of the call; empty outside of calls.
    :ivar asked: the newest request of the page about it.
    :ivar open: transactions under way.
    :ivar waiting: messages for the page.
    """

    root: Context
    account: str
    call_id: str = ""
    asked: Asked | None = None
    open: set[Key] = field(factory=set)
    waiting: deque[Span] = field(factory=lambda: deque(maxlen=WAITING))
    ended: float | None = None


class Traces:
    """
    Makes the spans, and keeps what of a trace has to outlive the process.

    :param keep: takes each span that has ended.
    :param connection: returns the attributes of a connection to a proxy.
    :param store: what kind of store there is.
    :param wall: seconds since the epoch.
    """

    def __init__(
        self,
        sampler: Sampler,
        keep: Callable[[Span], object],
        connection: Callable[[int], Mapping[str, Value]],
        store: str,
        wall: Callable[[], float],
    ) -> None:
        self._sampler = sampler
        self._keep = keep
        self._connection = connection
        self._store = store
        self._wall = wall
        self._asked: dict[object, Asked] = {}
        self._newest: dict[str, Asked] = {}
        """Of each DN the newest request that has no response."""
        self._followed: dict[str, Followed] = {}
        """By Call-ID."""
        self._calls: dict[str, Followed] = {}
        """By the gateway's name of the call."""
        self._transactions: dict[Key, tuple[Span, str]] = {}
        """The span of each, and its Call-ID."""
        self._open: dict[Span, str] = {}
        """All spans that have not ended, each with the account that it is about."""
        self._restored: dict[str, Context] = {}

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on; before the gateway does, so that what is queued is known before it is delivered."""
        subscribe = stream.subscribe
        subscribe(events.PageAsked, self._page_asked)
        subscribe(events.PageAnswered, self._page_answered)
        subscribe(events.PageHungUp, self._page_hung_up)
        subscribe(events.RequestServed, self._served)
        subscribe(events.CallBegan, self._call_began)
        subscribe(events.CallDialled, self._call_dialled)
        subscribe(events.CallRestored, self._call_restored)
        subscribe(events.CallChanged, self._call_changed)
        subscribe(events.AgentLetGo, self._let_go)
        subscribe(events.MessageQueued, self._queued)
        subscribe(events.MessageDelivered, self._delivered)
        subscribe(events.SIPMessageSent, self._sent)
        subscribe(events.SIPMessageReceived, self._received)
        subscribe(events.StoreWrote, self._store_wrote)

    # -- spans

    def _begin(self, name: str, kind: Kind, under: Context, account: str) -> Span:
        span = self._sampler.span(name, kind, under, self._wall())
        self._open[span] = account
        return span

    def _end(self, span: Span, error: str = "") -> None:
        span.end, span.error = max(self._wall(), span.start), error
        if error:
            span.attributes["error.type"] = error
        self._open.pop(span, None)
        self._keep(span)

    # -- HTTP

    def _page_asked(self, event: events.PageAsked) -> None:
        given = context_of(event.headers)
        followed = self._calls.get(event.call_id) if event.call_id else None
        under, links = self._place_of(event, given, followed)
        span = None
        if under is not None:
            span = self._begin("HTTP", Kind.SERVER, under, event.dn)
            span.links = links
        asked = Asked(event.agent_id, event.dn, span, event.call_id)
        self._asked[event.request] = self._newest[event.dn] = asked
        if followed is not None:
            followed.asked = asked

    def _place_of(
        self, event: events.PageAsked, given: Context | None, followed: Followed | None
    ) -> tuple[Context | None, tuple[Context, ...]]:
        """Return what the span of a request is below, None when it is not kept, and what else it has to do with."""
        if followed is not None:
            if given is None or given.trace == followed.root.trace:
                return given or followed.root, ()
            return followed.root, (given,)
        if given is not None:
            return (given if self._sampler.keeps(given.trace) else None), ()
        return (None if event.call_id else self._sampler.begin()), ()

    def _page_answered(self, event: events.PageAnswered) -> None:
        asked = self._asked.get(event.request)
        if asked is not None:
            asked.call_id = event.call_id

    def _page_hung_up(self, event: events.PageHungUp) -> None:
        asked = self._answered(event.request)
        if asked is not None and asked.span is not None:
            self._end(asked.span, "cancelled")

    def _answered(self, request: object) -> Asked | None:
        asked = self._asked.pop(request, None)
        if asked is not None and self._newest.get(asked.dn) is asked:
            del self._newest[asked.dn]
        return asked

    def _served(self, event: events.RequestServed) -> None:
        asked = self._answered(event.request)
        if asked is None:
            given = context_of(event.headers)
            if given is None or not self._sampler.keeps(given.trace):
                return
            asked = Asked("", "", self._begin("HTTP", Kind.SERVER, given, ""), "")
        span = asked.span
        if span is None:
            return
        method = event.method.decode("ascii", "replace")
        span.name = f"{method} {event.route}"
        span.start = self._wall() - event.seconds
        span.attributes |= {
            "http.request.method": method,
            "http.route": event.route,
            "http.response.status_code": event.code,
        }
        if asked.call_id:
            span.attributes["wrtcgw.call_id"] = asked.call_id
        self._end(span, str(event.code) if event.code >= SERVER_ERROR else "")

    # -- calls

    def _call_began(self, event: events.CallBegan) -> None:
        if not event.sip_call_id:
            return  # an application has ordered it; it begins when it is dialled
        if event.call.direction is Direction.OUTBOUND:
            self._follow(event.sip_call_id, event.call.id, event.agent.dn, self._newest.get(event.agent.dn))
        elif (followed := self._followed.get(event.sip_call_id)) is not None:
            self._name(followed, event.call.id, event.agent.account)

    def _call_dialled(self, event: events.CallDialled) -> None:
        asked = next((each for each in self._asked.values() if each.agent_id == event.call.agent_id), None)
        self._follow(event.sip_call_id, event.call.id, asked.dn if asked else "", asked)

    def _follow(self, sip_call_id: str, call_id: str, account: str, asked: Asked | None) -> None:
        """Follow a call that is placed, if the request that places it is kept; one that nobody asks for is its own."""
        place = None if asked is None or asked.span is None else asked.span.context
        root = place if asked is not None else self._sampler.begin()
        if root is not None:
            followed = self._followed[sip_call_id] = Followed(root, account, asked=asked)
            self._name(followed, call_id, account)

    def _name(self, followed: Followed, call_id: str, account: str) -> None:
        followed.call_id, followed.account = call_id, account
        self._calls[call_id] = followed
        for key in followed.open:
            span, _ = self._transactions[key]
            span.attributes["wrtcgw.call_id"], self._open[span] = call_id, account

    def _call_restored(self, event: events.CallRestored) -> None:
        root = self._restored.pop(event.call.id, None)
        if root is not None:
            followed = self._followed[event.sip_call_id] = Followed(root, event.agent.account)
            self._name(followed, event.call.id, event.agent.account)

    def _call_changed(self, event: events.CallChanged) -> None:
        if event.after is CallState.ENDED:
            followed = self._calls.get(event.call.id)
            if followed is not None:
                followed.ended = self._wall()

    def _let_go(self, event: events.AgentLetGo) -> None:
        for call in event.calls:
            followed = self._calls.get(call.id)
            if followed is not None:
                followed.ended = self._wall() - AFTER_END

    # -- messages for pages

    def _queued(self, event: events.MessageQueued) -> None:
        followed = self._calls.get(event.message.call_id)
        if followed is not None:
            name = f"deliver {event.message.type.value}"
            span = self._sampler.span(name, Kind.PRODUCER, followed.root, self._wall())
            span.attributes["wrtcgw.call_id"] = followed.call_id
            followed.waiting.append(span)

    def _delivered(self, event: events.MessageDelivered) -> None:
        followed = self._calls.get(event.call_id)
        if followed is None:
            return
        name = f"deliver {event.kind}"
        span = next((each for each in followed.waiting if not event.kind or each.name == name), None)
        if span is not None:
            followed.waiting.remove(span)
            span.attributes |= {"wrtcgw.delivery": event.how, "http.response.status_code": event.code}
            self._end(span)

    # -- SIP

    def _sent(self, event: events.SIPMessageSent) -> None:
        self._message(event.flow, event.text, received=False, carried=event.carried)

    def _received(self, event: events.SIPMessageReceived) -> None:
        self._message(event.flow, event.text, received=True)

    def _message(self, flow: int, text: str, *, received: bool, carried: bool = True) -> None:
        call_id = call_id_of(text)
        followed = self._followed.get(call_id)
        if followed is None:
            followed = self._first(text, received=received)
            if followed is None:
                return
        try:
            message = parse(text)
            if isinstance(message, Response):
                self._responded(message, received=received)
            elif isinstance(message, Request) and (call_id in self._followed or not message.to_tag):
                self._requested(message, flow, followed, received=received, carried=carried)
        except RemoteViolation:
            return  # what cannot be read is told by who had to read it

    def _first(self, text: str, *, received: bool) -> Followed | None:
        """Begin to follow a Call-ID with a request that is the first of it, if it is kept."""
        method = text[: text.find(" ", 0, 32)]
        if method in ("SIP/2.0", "ACK", "CANCEL", "BYE", "") or (method == "INVITE" and not received):
            return None
        if method == "REGISTER":
            user = _FROM_USER.search(text)
            asked = self._newest.get(user[1]) if user else None
            if asked is not None:
                return None if asked.span is None else Followed(asked.span.context, asked.dn)
        root = self._sampler.begin()
        return None if root is None else Followed(root, "")

    def _requested(self, request: Request, flow: int, followed: Followed, *, received: bool, carried: bool) -> None:
        key = (request.via.branch, request.method, received)
        if request.method == "ACK" or key in self._transactions:
            return
        kind, target = (Kind.SERVER, "request") if received else (Kind.CLIENT, "local")
        asked = followed.asked
        acting = asked.span if asked is not None and not received else None
        under = acting.context if acting is not None and acting in self._open else followed.root
        span = self._begin(f"{request.method} {target}", kind, under, followed.account)
        span.attributes |= {
            "network.protocol.name": "sip",
            "network.protocol.version": "2.0",
            **self._connection(flow),
            "sip.message.type": "request",
            "sip.request.method": request.method,
            "sip.call_id": request.call_id,
            "sip.cseq": f"{request.cseq.number} {request.cseq.method}",
        }
        agent = request.headers.get("User-Agent") if received else None
        if agent:
            span.attributes["user_agent.original"] = agent
        if followed.call_id:
            span.attributes["wrtcgw.call_id"] = followed.call_id
        if not carried:
            self._end(span, "not_sent")
            return
        self._transactions[key] = span, request.call_id
        self._followed[request.call_id] = followed
        followed.open.add(key)
        if not followed.root.span:
            followed.root = span.context

    def _responded(self, response: Response, *, received: bool) -> None:
        key = (response.via.branch, response.cseq.method, not received)
        found = self._transactions.get(key)
        if found is None:
            return
        span, call_id = found
        status: dict[str, Value] = {"sip.response.status_code": response.status}
        if response.status < FINAL:
            if len(span.events) < PROVISIONAL:
                span.events.append((self._wall(), f"SIP {response.status}", status))
            return
        span.attributes |= status
        self._close(key, call_id, str(response.status) if SERVER_ERROR <= response.status < 600 else "")

    def _close(self, key: Key, call_id: str, error: str) -> None:
        span, _ = self._transactions.pop(key)
        self._end(span, error)
        followed = self._followed.get(call_id)
        if followed is not None:
            followed.open.discard(key)
            if not followed.call_id and not followed.open:
                del self._followed[call_id]

    # -- the store

    def _store_wrote(self, event: events.StoreWrote) -> None:
        """Add to each trace that has waited for this what it has waited for."""
        told: set[int] = set()
        for waiting, account in tuple(self._open.items()):
            if account in event.keys and waiting.context.trace not in told:
                told.add(waiting.context.trace)
                span = self._begin("write state", Kind.CLIENT, waiting.context, "")
                span.start -= event.seconds
                span.attributes |= {
                    "db.system.name": self._store,
                    "db.operation.name": "write",
                    "db.operation.batch.size": event.count,
                }
                self._end(span)

    # -- what has to be looked after

    def sweep(self) -> None:
        """Let go of what nothing more comes of; to be called now and then."""
        now = self._wall()
        self._restored.clear()  # of records that could not be taken up; others are asked for at once
        for key, (span, call_id) in tuple(self._transactions.items()):
            if now - span.start > (LONGEST_INVITE if key[1] == "INVITE" else LONGEST):
                self._close(key, call_id, "timeout")
        for call_id, followed in tuple(self._followed.items()):
            if followed.ended is not None and now - followed.ended >= AFTER_END:
                del self._followed[call_id]
                if self._calls.get(followed.call_id) is followed:
                    del self._calls[followed.call_id]

    def close(self) -> None:
        """End all that is open: the gateway stops."""
        for span in tuple(self._open):
            self._end(span, "stopped")
        self._transactions.clear()

    # -- after a restart, or at another gateway

    def snapshot(self, agent: Agent) -> object:
        """Return where in their traces an agent's calls are."""
        places = {call: str(self._calls[call].root) for call in agent.calls if call in self._calls}
        return places or None

    def restore(self, agent: Agent, data: Any, shift: float) -> None:
        """Take that back."""
        for call_id, text in data.items():
            place = read_context(text.encode("ascii", "replace"))
            if place is not None:
                self._restored[call_id] = place


def connection_attributes(flows: Sequence[Flow], flow: int) -> dict[str, Value]:
    """Return what spans say of a connection to a proxy."""
    target, (_, there) = flows[flow].target, ends_of(flows, flow)
    url = WebSocketURL.parse(target.name)
    return {
        "network.transport": "wss" if target.secure else "ws",
        "server.address": url.host,
        "server.port": url.port,
        "network.peer.address": str(there.address),
        "network.peer.port": there.port,
    }


@frozen
class Tracing:
    """What makes the spans, and what takes them to the collector."""

    traces: Traces
    export: SpanExport

    def run_with(self, gateway: Gateway, parts: Parts) -> None:
        """Deliver as long as the parts run, and keep with each agent where in their traces its calls are."""
        gateway.persistence.join("traces", self.traces)
        self.export.setServiceParent(parts.running)
        parts.exposition.add(self.export.series)


def traces(reactor: IReactorTCP, settings: Settings, agent: UserAgentService, events: EventStream) -> Tracing | None:
    """
    Return what makes spans of all that is told from now on; None where there are to be none.

    :raises ImportError: when packages are missing for it, which reading the settings has looked after.
    """
    if not settings.traces_endpoint:
        return None
    from wrtcgw.daemon.otlp import OTLPThread  # noqa: PLC0415 (an extra)

    threads = cast(IReactorFromThreads, reactor)
    headers, ca_file = dict(settings.traces_headers), settings.traces_ca_file
    line = OTLPThread(threads, settings.traces_endpoint, headers, settings.node, ca_file)
    export = SpanExport(line.deliver, cast(IReactorTime, reactor))
    spans = Traces(
        Sampler(settings.traces_ratio, getrandbits, token_bytes()),
        export.add,
        partial(connection_attributes, agent.flows),
        settings.store_address.kind,
        time.time,
    )
    spans.subscribe_to(events)
    export.each_time, export.at_end = spans.sweep, spans.close
    return Tracing(spans, export)
