"""
Subscribes to the stream of events, and hands what happens to the recorder and the history.

It has no part in any call, and none fails because of it.
"""

from collections.abc import Callable

from attrs import define, evolve, field

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.stats import Worst, graded
from wrtcgw.capture.entries import Asked
from wrtcgw.capture.history import CallRecord, History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.events import catalogue as events
from wrtcgw.events.stream import EventStream
from wrtcgw.sip import outputs as sip
from wrtcgw.sip.core import UACore

STATES = {
    CallState.RINGING: "ringing",
    CallState.ESTABLISHED: "established",
    CallState.ENDING: "ending",
}
"""How a change of state is noted; the end has a note of its own."""
FLAGS = {
    (False, True): "on hold",
    (False, False): "resumed",
    (True, True): "put on hold by the far side",
    (True, False): "resumed by the far side",
}
"""How a hold is noted: whether by the far side, and whether it begins."""
LONGEST = 256
"""Characters of a far side's words that the history keeps."""
TOO_MANY_REQUESTS = 429
"""What is refused so is not recorded: it could push out what matters."""


def grade(mos: float) -> str:
    """Return in words how audio of a mean opinion score is heard."""
    return graded(mos).value if mos else "of unknown quality"


@define(eq=False)
class EventRecorder:
    """
    What the recorder and the history make of events.

    :param seconds: the clock of all times.
    :param wall: seconds since the epoch.
    """

    core: UACore
    recorder: Recorder
    history: History
    seconds: Callable[[], float]
    wall: Callable[[], float]
    _begun: dict[str, events.CallBegan | events.CallRestored] = field(factory=dict, init=False)
    _heard: dict[str, str] = field(factory=dict, init=False)
    _asked: dict[object, Asked] = field(factory=dict, init=False)
    _stream: EventStream | None = field(default=None, init=False)
    _of_pages: list[Callable[[], None]] = field(factory=list, init=False)
    """What ends the subscriptions to what pages ask and are told."""

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on."""
        subscribe = stream.subscribe
        subscribe(events.SIPMessageSent, self._sent)
        subscribe(events.SIPMessageReceived, self._received)
        subscribe(events.ConnectionUp, self._connection_up)
        subscribe(events.ConnectionDown, self._connection_down)
        subscribe(events.CallBegan, self._call_began)
        subscribe(events.CallRestored, self._call_restored)
        subscribe(events.CallDialled, self._call_dialled)
        subscribe(events.CallChanged, self._call_changed)
        subscribe(events.AgentLetGo, self._let_go)
        subscribe(events.CallHandedOver, self._handed_over)
        subscribe(events.HoldChanged, self._hold_changed)
        subscribe(events.QualityReported, self._quality_reported)
        subscribe(events.PageBack, self._page_back)
        subscribe(events.SoundMoved, self._sound_moved)
        subscribe(sip.RegistrationFailed, self._registration_failed)
        subscribe(sip.OfferRefused, self._offer_refused)
        subscribe(sip.OfferWithdrawn, self._offer_withdrawn)
        subscribe(sip.TransferProgress, self._transfer_progress)
        subscribe(sip.SessionRefreshed, self._session_refreshed)
        subscribe(sip.InviteRefused, self._invite_refused)
        self._stream = stream
        self.switch(self.recorder.on)

    def switch(self, on: bool) -> None:
        """Begin or stop to record; while nothing is recorded, nobody makes events of what pages ask and are told."""
        self.recorder.on = on
        while self._of_pages:
            self._of_pages.pop()()
        if on and self._stream is not None:
            subscribe = self._stream.subscribe
            self._of_pages += (
                subscribe(events.PageAsked, self._page_asked),
                subscribe(events.PageAnswered, self._page_answered),
                subscribe(events.PageHungUp, self._page_hung_up),
                subscribe(events.MessageDelivered, self._delivered),
            )
        elif not on:
            self._asked.clear()

    # -- SIP

    def _sent(self, event: events.SIPMessageSent) -> None:
        self.recorder.sip(event.flow, event.text, sent=True, carried=event.carried)

    def _received(self, event: events.SIPMessageReceived) -> None:
        self.recorder.sip(event.flow, event.text, sent=False)

    def _connection_up(self, event: events.ConnectionUp) -> None:
        self.recorder.note_flow(event.flow, "connection to the proxy is back")

    def _connection_down(self, event: events.ConnectionDown) -> None:
        self.recorder.note_flow(event.flow, "connection to the proxy lost")

    # -- calls

    def _call_began(self, event: events.CallBegan) -> None:
        self._open(event)

    def _call_restored(self, event: events.CallRestored) -> None:
        self._open(event)
        self.recorder.note(event.call.id, f"taken up here; before, gateway {event.node} had the call")

    def _let_go(self, event: events.AgentLetGo) -> None:
        for call in event.calls:
            self._begun.pop(call.id, None)
            self._heard.pop(call.id, None)
            self.recorder.closed(call.id, "goes on at another gateway")

    def _open(self, event: events.CallBegan | events.CallRestored) -> None:
        self._begun[event.call.id] = event
        self.recorder.opened(event.call.id, event.agent.dn, event.sip_call_id)

    def _call_dialled(self, event: events.CallDialled) -> None:
        begun = self._begun.get(event.call.id)
        if begun is not None:
            self._begun[event.call.id] = evolve(begun, sip_call_id=event.sip_call_id)
        self.recorder.dialled(event.call.id, event.sip_call_id)

    def _call_changed(self, event: events.CallChanged) -> None:
        if event.after is CallState.ENDED:
            self._call_ended(event.call)
        elif event.after in STATES:
            self.recorder.note(event.call.id, STATES[event.after])

    def _handed_over(self, event: events.CallHandedOver) -> None:
        self.recorder.note(event.call.id, f"goes over to agent {event.after.id}")

    def _hold_changed(self, event: events.HoldChanged) -> None:
        self.recorder.note(event.call.id, FLAGS[event.by == "peer", event.on_hold])

    def _quality_reported(self, event: events.QualityReported) -> None:
        """Note what the page hears, the first time and when that has become clearly better or worse."""
        call = event.call
        media, worst = event.stats.audio, call.reports.worst.get("audio", Worst())
        heard = grade(media.mos)
        if self._heard.get(call.id) == heard:
            return
        self._heard[call.id] = heard
        words = [f"audio is {heard}", media.codec, f"rtt {media.rtt:.0f} ms", f"jitter {media.rx.jitter:.0f} ms"]
        words += [f"worst loss {worst.loss:.1f} %", f"MOS {media.mos:.1f}" if media.mos else ""]
        self.recorder.note(call.id, ", ".join(filter(None, words)))

    def _call_ended(self, call: Call) -> None:
        begun = self._begun.pop(call.id, None)
        self._heard.pop(call.id, None)
        words = " ".join(str(word) for word in (call.cause, call.code, call.reason) if word)
        self.recorder.closed(call.id, f"ended: {words}")
        ended = self.seconds() if call.ended is None else call.ended
        offset = self.wall() - self.seconds()
        self.history.add(
            CallRecord(
                call_id=call.id,
                sip_call_id=begun.sip_call_id if begun is not None else "",
                agent_id=call.agent_id,
                dn=begun.agent.dn if begun is not None else "",
                direction=call.direction.value,
                peer=call.peer[:LONGEST],
                display_name=call.display_name[:LONGEST],
                uuid=call.uuid[:LONGEST],
                started=round((call.created + offset) * 1000),
                answered=None if call.answered is None else round((call.answered + offset) * 1000),
                ended=round((ended + offset) * 1000),
                cause=call.cause,
                code=call.code,
                reason=call.reason[:LONGEST],
                reports=call.reports,
            )
        )

    def take_up(self, agent: Agent, call: Call) -> None:
        """Record a call from now on that began while nothing was recorded."""
        self.recorder.opened(call.id, agent.dn, self.core.sip_call_id(call.id))
        self.recorder.note(call.id, "capture is on from here")

    def _page_back(self, event: events.PageBack) -> None:
        """Note in all calls of an agent that its page was away."""
        for call_id in tuple(event.agent.calls):
            self.recorder.note(call_id, "page away", ago=event.away)
            self.recorder.note(call_id, f"page is back after {event.away:.1f} s")

    def _sound_moved(self, event: events.SoundMoved) -> None:
        """Note that another page of the agent has the sound."""
        self.recorder.note(event.call.id, f"sound moved from page {event.before or 1} to page {event.after or 1}")

    def _offer_refused(self, event: sip.OfferRefused) -> None:
        self.recorder.note(event.leg, f"offer refused: {event.code} {event.reason}".strip())

    def _offer_withdrawn(self, event: sip.OfferWithdrawn) -> None:
        self.recorder.note(event.leg, "the far side has withdrawn its offer")

    def _transfer_progress(self, event: sip.TransferProgress) -> None:
        self.recorder.note(event.leg, f"transfer: {event.code} {event.reason}".strip())

    def _session_refreshed(self, event: sip.SessionRefreshed) -> None:
        self.recorder.note(event.leg, "session refreshed")

    def _invite_refused(self, event: sip.InviteRefused) -> None:
        self.recorder.drop(event.sip_call_id)

    def _registration_failed(self, event: sip.RegistrationFailed) -> None:
        self.recorder.note_agent(event.account, f"registration failed: {event.code} {event.reason}".strip())

    # -- HTTP

    def _page_asked(self, event: events.PageAsked) -> None:
        if self.recorder.on:
            self._asked[event.request] = self.recorder.asked(
                event.dn, event.agent_id, event.method, event.uri, event.headers, event.body
            )

    def _page_answered(self, event: events.PageAnswered) -> None:
        asked = self._whose(event)
        if asked is not None and event.code != TOO_MANY_REQUESTS:
            self.recorder.answered(asked, event.code, event.headers, event.body)

    def _page_hung_up(self, event: events.PageHungUp) -> None:
        asked = self._whose(event)
        if asked is not None:
            self.recorder.broke_off(asked)

    def _whose(self, event: events.PageAnswered | events.PageHungUp) -> Asked | None:
        """Return a request that is to be kept, with what is known of it by now."""
        asked = self._asked.pop(event.request, None)
        if asked is None or not self.recorder.on:
            return None
        asked.dn, asked.agent_id, asked.call_id = event.dn, event.agent_id, event.call_id
        return asked

    def _delivered(self, event: events.MessageDelivered) -> None:
        if self.recorder.on:
            agent = event.agent
            self.recorder.told(agent.dn, agent.id, event.call_id, event.how, event.kind, event.code, event.body)
