"""
Subscribes to the stream of events, and counts: the one place where anything is counted.

The console's rates and charts and the series of ``/metrics`` are two ways to read the same numbers.
"""

from collections.abc import Callable

from attrs import define, field

from wrtcgw.calls.call import Call, CallState, Direction
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.page_life import Silence
from wrtcgw.calls.stats import PAGE_VERDICTS, Verdict
from wrtcgw.events import catalogue as events
from wrtcgw.events.stream import EventStream
from wrtcgw.meters.histogram import Buckets
from wrtcgw.meters.meters import FAULTS, SERVER_ERROR, Meters
from wrtcgw.sip import outputs as sip

HARMLESS = frozenset({404, 410, 480, 484, 486, 487, 600, 603, 604, 607, 608})
"""Ends of calls that come of numbers and people, not of a fault."""
SUCCESS, CLIENT_ERROR = "success", "client_error"
DEAF = {Verdict.PAGE_DEAF: "page", Verdict.FAR_SIDE_DEAF: "far_side"}
HANGING = (b"/message", b"/events")
"""The ends of the paths of GET requests that wait for something."""
METHODS = frozenset({b"GET", b"POST", b"HEAD", b"OPTIONS"})
OK = 200


def result_of(call: Call) -> str:
    """
    Return how a call that is over has ended: as its parties wished, for want of them, or by a fault.

    ``success``: it was answered, and somebody hung up. ``client_error``: it was not answered, as nobody was there or
    nobody wanted to. ``server_error``: anything else.
    """
    if call.cause in FAULTS:
        return SERVER_ERROR
    if call.answered is not None:
        return SUCCESS
    return SERVER_ERROR if call.code >= 400 and call.code not in HARMLESS else CLIENT_ERROR


@define(eq=False)
class Counting:
    """
    What the meters make of events.

    :param seconds: the clock of all times.
    :param wall: seconds since the epoch.
    """

    meters: Meters
    seconds: Callable[[], float]
    wall: Callable[[], float]
    _answers: dict[str, float] = field(factory=dict, init=False)
    """Since when answers wait for their pages, by the call."""

    def __attrs_post_init__(self) -> None:
        """Let what can happen be there from the beginning: Prometheus sees no increase from nothing to 1."""
        calls = self.meters.calls
        for tally, kinds in ((calls.recovered, events.Failure), (calls.lost, events.Failure)):
            tally.extend(((kind.value,), 0) for kind in kinds)
        self.meters.pages.silent.extend(((why.value,), 0) for why in Silence)
        self.meters.sip.losses.extend(((loss.value,), 0) for loss in events.Loss)
        usual = [(SUCCESS, "local"), (SUCCESS, "remote"), *((SERVER_ERROR, cause) for cause in sorted(FAULTS))]
        calls.ended.extend(((way.value, result, cause), 0) for way in Direction for result, cause in usual)
        calls.verdicts.extend(((code,), 0) for code in PAGE_VERDICTS)
        results = ("done", "failed", "unknown")
        calls.transfers.extend(((kind, result), 0) for kind in ("blind", "attended") for result in results)

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on."""
        meters, subscribe = self.meters, stream.subscribe
        messages = meters.sip.messages.add
        subscribe(events.SIPMessageSent, lambda event: messages("out"))
        subscribe(events.SIPMessageReceived, lambda event: messages("in"))
        subscribe(sip.CallAnswered, self._answered)
        subscribe(sip.CallEnded, lambda event: self._answers.pop(event.leg, None))
        subscribe(sip.PeerFault, lambda event: meters.sip.faults.add())
        subscribe(sip.Registered, self._registered)
        subscribe(sip.RegistrationFailed, self._registration_failed)
        subscribe(events.ConnectionUp, lambda event: meters.connected(event.flow, self.wall()))
        subscribe(events.ConnectionDown, self._connection_down)
        subscribe(events.AgentLetGo, self._let_go)
        subscribe(events.CallBegan, lambda event: meters.calls.begun.add(event.call.direction.value))
        subscribe(events.CallChanged, self._call_changed)
        subscribe(events.CallRecovered, lambda event: meters.calls.recovered.add(event.after.value))
        subscribe(events.CallLost, lambda event: meters.calls.lost.add(event.after.value))
        subscribe(events.TransferEnded, self._transfer_ended)
        subscribe(events.AgentRestored, lambda event: meters.store.restored.add("agent"))
        subscribe(events.CallRestored, lambda event: meters.store.restored.add("call"))
        subscribe(events.StoreWrote, lambda event: meters.store.writes.add(event.seconds))
        subscribe(events.StoreLost, self._store_lost)
        subscribe(events.StoreReached, self._store_reached)
        subscribe(events.MessageDelivered, self._delivered)
        subscribe(events.MessageDropped, lambda event: meters.pages.dropped.add())
        subscribe(events.PageRespondsChanged, self._page_responds)
        subscribe(events.PageLost, lambda event: meters.pages.lost.add())
        subscribe(events.SignInRefused, lambda event: meters.pages.refused.add(event.why))
        subscribe(events.RequestServed, self._served)

    # -- the store

    def _store_lost(self, event: events.StoreLost) -> None:
        self.meters.store.up = False
        self.meters.store.losses.add()

    def _store_reached(self, event: events.StoreReached) -> None:
        self.meters.store.up = True

    # -- SIP

    def _registered(self, event: sip.Registered) -> None:
        self.meters.sip.registers.add("200")
        if event.took is not None:
            self.meters.sip.register.add(event.took)

    def _registration_failed(self, event: sip.RegistrationFailed) -> None:
        code = "timeout" if event.timeout else "unbound" if event.code < 300 else str(event.code)
        self.meters.sip.registers.add(code)

    def _connection_down(self, event: events.ConnectionDown) -> None:
        self.meters.disconnected(event.flow, self.wall())
        self.meters.sip.losses.add(event.why.value)

    # -- calls

    def _call_changed(self, event: events.CallChanged) -> None:
        call, after = event.call, event.after
        if after is CallState.ENDED:
            self._ended(call)
        elif call.direction is Direction.OUTBOUND:
            milliseconds = (self.seconds() - call.created) * 1000
            if event.before is CallState.DIALLING and after in (CallState.RINGING, CallState.ESTABLISHED):
                self.meters.calls.setup.add(milliseconds)
            if after is CallState.ESTABLISHED:
                self.meters.calls.answer.add(milliseconds)
        elif after is CallState.ESTABLISHED:
            self.meters.calls.answered_here.add(self.seconds() - call.created)

    def _ended(self, call: Call) -> None:
        calls = self.meters.calls
        calls.ended.add(call.direction.value, result_of(call), call.cause)
        if call.answered is not None and call.ended is not None:
            duration = call.ended - call.answered
            calls.durations.add(duration)
            self._heard(call, duration)

    def _heard(self, call: Call, duration: float) -> None:
        """Count what the page has reported of the call's audio."""
        calls, mos = self.meters.calls, call.reports.last.audio.mos
        if mos:
            calls.mos.add(mos)
        told = call.reports.last.verdict
        if told is not None:
            calls.verdicts.add(told.code)
        verdict = call.reports.verdict(duration)
        if verdict is Verdict.SILENT:
            calls.silent.add()
        elif verdict in DEAF:
            calls.one_way.add(DEAF[verdict])

    def _transfer_ended(self, event: events.TransferEnded) -> None:
        self.meters.calls.transfers.add("attended" if event.other else "blind", event.result.value.lower())

    # -- pages

    def _page_responds(self, event: events.PageRespondsChanged) -> None:
        if not event.responds:
            self.meters.pages.silent.add(event.why.value)

    def _let_go(self, event: events.AgentLetGo) -> None:
        for call in event.calls:
            self._answers.pop(call.id, None)

    def _answered(self, event: sip.CallAnswered) -> None:
        """Note when the far side has answered: its message may be with the page before this hears that it is queued."""
        self._answers[event.leg] = self.seconds()

    def _delivered(self, event: events.MessageDelivered) -> None:
        """Measure the delivery of an answer; the vendor's dialect does not tell of what kind a message is."""
        if event.kind in ("", MessageType.ANSWER.value):
            since = self._answers.pop(event.call_id, None)
            if since is not None:
                self.meters.calls.delivery.add(self.seconds() - since)

    def _served(self, event: events.RequestServed) -> None:
        """Count a request; how long it took counts unless it may hang."""
        meters, path = self.meters, event.path
        method = event.method.decode("ascii") if event.method in METHODS else "other"
        meters.pages.requests.add(event.route, method, str(event.code))
        if path.endswith(b"/sign_in"):
            if event.code == OK:
                meters.register.add(event.seconds * 1000)
        elif event.method == b"POST" or (path.startswith(b"/api/") and not path.endswith(HANGING)):
            meters.http.add(event.seconds * 1000)
        else:
            return
        buckets = meters.pages.by_route.get(event.route)
        if buckets is None:
            buckets = meters.pages.by_route[event.route] = Buckets()
        buckets.add(event.seconds)
