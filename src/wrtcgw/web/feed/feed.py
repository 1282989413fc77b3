"""The newest notices, in order, and who hears of further ones."""

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import MessageType
from wrtcgw.events import catalogue as events
from wrtcgw.events.stream import EventStream
from wrtcgw.redact import redact
from wrtcgw.web.feed.notices import BY_STATE, Notice, agent_view, call_view

KEPT = 2000
"""So many notices can be fetched later."""

Listener = Callable[[Notice], object]


class Feed:
    """
    Makes notices of events, from the first moment on at which somebody wants them.

    :param seconds: the clock of the calls' times.
    :param wall: seconds since the epoch.
    """

    def __init__(self, stream: EventStream, seconds: Callable[[], float], wall: Callable[[], float]) -> None:
        self._stream = stream
        self._seconds = seconds
        self._wall = wall
        self._run = secrets.token_hex(4)
        self._last = 0
        self._notices: deque[Notice] = deque(maxlen=KEPT)
        self._listeners: list[Listener] = []
        self._dns: dict[str, str] = {}
        """The DN of each call's agent, which may have left before the call is over."""
        self._is_on = False

    def begin(self) -> None:
        """Listen from now on, if it is not so already."""
        if self._is_on:
            return
        self._is_on = True
        subscribe = self._stream.subscribe
        subscribe(events.AgentSignedIn, lambda it: self._of_agent("agent.signed_in", it.agent, again=it.again))
        subscribe(events.AgentSignedOut, lambda it: self._of_agent("agent.signed_out", it.agent, cause=it.cause))
        subscribe(events.RegistrationChanged, lambda it: self._of_agent("agent.registration", it.agent))
        subscribe(events.PageLost, lambda it: self._of_agent("agent.page_lost", it.agent))
        subscribe(events.PageBack, lambda it: self._of_agent("agent.page_back", it.agent, away=round(it.away, 1)))
        subscribe(events.PageRespondsChanged, self._page_responds)
        subscribe(events.DoNotDisturbChanged, lambda it: self._of_agent("agent.do_not_disturb", it.agent))
        subscribe(events.CallBegan, self._call_began)
        subscribe(events.CallRestored, self._call_restored)
        subscribe(events.AgentLetGo, self._let_go)
        subscribe(events.CallChanged, self._call_changed)
        subscribe(events.CallHandedOver, self._handed_over)
        subscribe(events.HoldChanged, self._hold_changed)
        subscribe(events.MessageQueued, self._queued)
        subscribe(events.AlarmRaised, self._alarm)
        subscribe(events.ConnectionUp, lambda it: self._tell("connection.up", {"flow": it.flow}))
        subscribe(events.ConnectionDown, lambda it: self._tell("connection.down", {"flow": it.flow}))

    # -- who wants to hear of it

    @property
    def last(self) -> str:
        """Return the id of the newest notice; what comes after it is what comes from now on."""
        return self._id(self._last)

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` with each notice from now on."""
        self.begin()
        self._listeners.append(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Stop calling ``listener``."""
        self._listeners.remove(listener)

    def after(self, place: str) -> Iterable[Notice]:
        """
        Return the notices after the one with that id.

        Where some of them are not known any more, or the id is none of this run, a ``feed.reset`` comes first.
        """
        run, _, number = place.rpartition("-")
        known = run == self._run and number.isascii() and number.isdigit() and len(number) < 16
        missed, kept = self._last - int(number) if known else -1, len(self._notices)
        if not 0 <= missed <= kept:
            missed = kept
            yield Notice(id=self._id(self._last - kept), kind="feed.reset", time=self._now(), view={})
        yield from [self._notices[-back] for back in range(missed, 0, -1)]

    # -- what happens

    def _of_agent(self, kind: str, agent: Agent, **more: object) -> None:
        self._tell(kind, {"agent": agent_view(agent), **more}, dn=agent.dn, subject=agent.id)

    def _page_responds(self, event: events.PageRespondsChanged) -> None:
        kind = "agent.page_awake" if event.responds else "agent.page_silent"
        more: dict[str, object] = {"silent": round(event.silent, 1)} if event.responds else {}
        self._of_agent(kind, event.agent, why=event.why.value, **more)

    def _call_began(self, event: events.CallBegan) -> None:
        self._dns[event.call.id] = event.agent.dn
        self._of_call("call.began", event.call)

    def _call_restored(self, event: events.CallRestored) -> None:
        self._dns[event.call.id] = event.agent.dn

    def _let_go(self, event: events.AgentLetGo) -> None:
        for call in event.calls:
            self._dns.pop(call.id, None)

    def _call_changed(self, event: events.CallChanged) -> None:
        self._of_call(BY_STATE[event.after], event.call, state=event.after.value)
        if event.call.ended is not None:
            self._dns.pop(event.call.id, None)

    def _handed_over(self, event: events.CallHandedOver) -> None:
        self._of_call("call.handed_over", event.call, before=event.before.id)

    def _hold_changed(self, event: events.HoldChanged) -> None:
        self._of_call("call.held" if event.on_hold else "call.resumed", event.call, by=event.by)

    def _queued(self, event: events.MessageQueued) -> None:
        message = event.message
        call = event.agent.calls.get(message.call_id)
        is_first = event.page is event.agent.pages[0]  # each page hears of it
        if message.type is MessageType.TRANSFER and call is not None and is_first:
            told = {"state": message.state, "sipCode": message.code, "reason": message.reason}
            self._of_call("call.transfer", call, transfer=told)

    def _alarm(self, event: events.AlarmRaised) -> None:
        told = {"alarm": event.kind.value, "text": redact(event.text), "setting": event.setting, "dn": event.dn}
        self._tell("alarm.raised", {"alarm": {**told, "callId": event.call_id, "address": event.address}})

    def _of_call(self, kind: str, call: Call, *, state: str = "", **more: object) -> None:
        dn = self._dns.get(call.id, "")
        view = call_view(call, dn, self._wall() - self._seconds())
        if state:
            view["state"] = state  # the call may be in a newer one already
        self._tell(kind, {"call": view, **more}, dn=dn, subject=call.id)

    def _tell(self, kind: str, view: Mapping[str, object], *, dn: str = "", subject: str = "") -> None:
        self._last += 1
        notice = Notice(id=self.last, kind=kind, time=self._now(), dn=dn, subject=subject, view=view)
        self._notices.append(notice)
        for listener in tuple(self._listeners):
            listener(notice)

    def _id(self, number: int) -> str:
        return f"{self._run}-{number}"

    def _now(self) -> int:
        return round(self._wall() * 1000)
