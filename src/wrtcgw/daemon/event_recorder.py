"""
The event_recorder: sees what passes and what happens, and hands it to the recorder, the history and the meters.

It has no part in any call, and none fails because of it: what goes wrong here is logged, and the message goes its way.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from attrs import define, field
from twisted.logger import Logger

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Direction
from wrtcgw.calls.stats import Worst
from wrtcgw.capture.history import CallRecord, History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.meters.meters import Meters
from wrtcgw.sip import outputs as sip
from wrtcgw.sip.core import UACore

log = Logger()

STATES = {
    CallState.RINGING: "ringing",
    CallState.ESTABLISHED: "established",
    CallState.ENDING: "ending",
}
"""How a change of state is noted; the end has a note of its own."""
FLAGS = {
    ("held", True): "on hold",
    ("held", False): "resumed",
    ("held_by_peer", True): "put on hold by the far side",
    ("held_by_peer", False): "resumed by the far side",
}
HARMLESS = frozenset({404, 410, 480, 484, 486, 487, 600, 603, 604, 607, 608})
"""Ends of calls that come of numbers and people, not of a fault."""

LONGEST = 256
"""Characters of a far side's words that the history keeps."""
GRADES = ((3.1, "poor"), (4.0, "fair"))
"""Mean opinion scores, and what audio below them is called."""


def grade(mos: float) -> str:
    """Return in a word how audio of a mean opinion score is heard; 0 is a score that the page does not tell."""
    return next((word for bound, word in GRADES if mos < bound), "good") if mos else "of unknown quality"


P = ParamSpec("P")
C = TypeVar("C")


def harmless(note: Callable[Concatenate[C, P], None]) -> Callable[Concatenate[C, P], None]:
    """Let a method of the event_recorder never fail: who calls it has more important things to do."""

    @wraps(note)
    def guarded(event_recorder: C, /, *args: P.args, **more: P.kwargs) -> None:
        try:
            note(event_recorder, *args, **more)
        except Exception:
            log.failure("something could not be recorded; everything else goes on")

    return guarded


@define(eq=False)
class EventRecorder:
    """
    Witness of SIP (:class:`wrtcgw.sip_service.Witness`) and watcher of calls (:class:`wrtcgw.calls.registry.Watcher`).

    :param seconds: the clock of all times.
    :param wall: seconds since the epoch.
    """

    core: UACore
    recorder: Recorder
    history: History
    meters: Meters
    seconds: Callable[[], float]
    wall: Callable[[], float]
    _dns: dict[str, str] = field(factory=dict, init=False)
    _sip_ids: dict[str, str] = field(factory=dict, init=False)
    _heard: dict[str, str] = field(factory=dict, init=False)

    # -- SIP

    def sip_sent(self, flow: int, text: str, *, carried: bool) -> None:
        """See a message of ours."""
        self.meters.counters.sip_out += 1
        if self.recorder.on:
            self._record(flow, text, sent=True, carried=carried)

    def sip_received(self, flow: int, text: str) -> None:
        """See a message that came."""
        self.meters.counters.sip_in += 1
        if self.recorder.on:
            self._record(flow, text, sent=False)

    @harmless
    def _record(self, flow: int, text: str, *, sent: bool, carried: bool = True) -> None:
        self.recorder.sip(flow, text, sent=sent, carried=carried)

    @harmless
    def flow_up(self, flow: int) -> None:
        """See that a connection is up."""
        self.meters.connected(flow, self.wall())
        self.recorder.note_flow(flow, "connection to the proxy is back")

    @harmless
    def flow_down(self, flow: int) -> None:
        """See that a connection is lost."""
        self.meters.disconnected(flow, self.wall())
        self.recorder.note_flow(flow, "connection to the proxy lost")

    # -- calls

    @harmless
    def call_added(self, agent: Agent, call: Call) -> None:
        """Take notice of a new call."""
        self.meters.counters.calls += 1
        self._dns[call.id] = agent.dn
        self._sip_ids[call.id] = self.core.sip_call_id(call.id)
        call.watch = self._changes
        self.recorder.opened(call.id, agent.dn, self._sip_ids[call.id])

    @harmless
    def _changes(self, call: Call, name: str, value: object) -> None:
        """Note a change of a call."""
        if name == "agent_id":
            self.recorder.note(call.id, f"goes over to agent {value}")
        elif name == "reports":
            self._note_media(call)
        elif name == "state":
            assert isinstance(value, CallState)
            self._measure(call, value)
            if value in STATES and value is not call.state:
                self.recorder.note(call.id, STATES[value])
        else:
            self.recorder.note(call.id, FLAGS[name, bool(value)])

    def _note_media(self, call: Call) -> None:
        """Note what the page hears, the first time and when that has become clearly better or worse."""
        media, worst = call.reports.last.audio, call.reports.worst.get("audio", Worst())
        heard = grade(media.mos)
        if self._heard.get(call.id) == heard:
            return
        self._heard[call.id] = heard
        words = [f"audio is {heard}", media.codec, f"rtt {media.rtt:.0f} ms", f"jitter {media.rx.jitter:.0f} ms"]
        words += [f"worst loss {worst.loss:.1f} %", f"MOS {media.mos:.1f}" if media.mos else ""]
        self.recorder.note(call.id, ", ".join(filter(None, words)))

    def _measure(self, call: Call, state: CallState) -> None:
        if call.direction is not Direction.OUTBOUND:
            return
        milliseconds = (self.seconds() - call.created) * 1000
        if state in (CallState.RINGING, CallState.ESTABLISHED) and call.state is CallState.DIALLING:
            self.meters.setup.add(milliseconds)
        if state is CallState.ESTABLISHED:
            self.meters.answer.add(milliseconds)

    @harmless
    def call_removed(self, call: Call) -> None:
        """Take notice that a call is over."""
        self._heard.pop(call.id, None)
        words = " ".join(str(word) for word in (call.cause, call.code, call.reason) if word)
        self.recorder.closed(call.id, f"ended: {words}")
        if call.answered is None and call.code >= 400 and call.code not in HARMLESS:
            self.meters.counters.failures += 1
        ended = self.seconds() if call.ended is None else call.ended
        offset = self.wall() - self.seconds()
        self.history.add(
            CallRecord(
                call_id=call.id,
                sip_call_id=self._sip_ids.pop(call.id, ""),
                agent_id=call.agent_id,
                dn=self._dns.pop(call.id, ""),
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

    @harmless
    def page_back(self, agent: Agent, away: float) -> None:
        """Note in all calls of an agent that its page was away."""
        for call_id in tuple(agent.calls):
            self.recorder.note(call_id, "page away", ago=away)
            self.recorder.note(call_id, f"page is back after {away:.1f} s")

    # -- events of the core

    @harmless
    def observe(self, event: sip.Output) -> None:
        """Note what no message shows by itself."""
        match event:
            case sip.RegistrationFailed(account, code, reason):
                self.meters.counters.failures += 1
                self.recorder.note_agent(account, f"registration failed: {code} {reason}".strip())
            case sip.OfferRefused(leg, code, reason):
                self.recorder.note(leg, f"offer refused: {code} {reason}".strip())
            case sip.OfferWithdrawn(leg):
                self.recorder.note(leg, "the far side has withdrawn its offer")
            case sip.TransferProgress(leg, code, reason):
                self.recorder.note(leg, f"transfer: {code} {reason}".strip())
            case sip.InviteRefused(_, sip_call_id):
                self.recorder.drop(sip_call_id)
            case sip.SessionRefreshed(leg):
                self.recorder.note(leg, "session refreshed")
            case _:
                pass
