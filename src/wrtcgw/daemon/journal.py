"""Subscribes to the stream of events: a line in the log for each that an operator may look for later."""

from collections.abc import Callable, Mapping
from typing import cast

from attrs import field, frozen
from twisted.logger import Logger

from wrtcgw.calls.call import CallState
from wrtcgw.calls.stats import Media, Reports, Worst
from wrtcgw.events.catalogue import (
    AgentLetGo,
    AgentsTakenOver,
    CallBegan,
    CallChanged,
    CallRestored,
    MessageDropped,
    StoreFault,
    StoreLost,
    StoreReached,
)
from wrtcgw.events.stream import EventStream
from wrtcgw.sip.identity import ANONYMOUS
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    CallProgress,
    CallReceived,
    InviteRefused,
    OfferRefused,
    Output,
    PeerFault,
    Registered,
    RegistrationFailed,
    TransferProgress,
    TransferRequested,
    Unregistered,
)

log = Logger()

WRITTEN = (
    Registered,
    RegistrationFailed,
    Unregistered,
    PeerFault,
    CallReceived,
    CallProgress,
    CallAnswered,
    OfferRefused,
    TransferProgress,
    TransferRequested,
    CallEnded,
)
"""The events of the core that get a line."""


@frozen
class Known:
    """What is known of the call of an event: ``fields`` are what lines of JSON have of it beside their text."""

    uuid: str = ""
    reports: Reports = field(factory=Reports)
    fields: Mapping[str, str] = field(factory=dict)


UNKNOWN = Known()


def record(event: Output, known: Known = UNKNOWN) -> None:
    """Log an event of the core: calls at ``info``, refreshes and ringing at ``debug``, faults of peers at ``warn``."""
    match event:
        case Registered(account, expires):
            log.debug("{dn} is registered for {expires:.0f} s", **{**known.fields, "dn": account}, expires=expires)
        case RegistrationFailed(account, code, reason, detail=detail):
            words = _words(code, reason, f"({detail})" if detail else "")
            log.warn("registration of {dn} failed: {words}", **{**known.fields, "dn": account}, words=words)
        case Unregistered(account, code):
            log.info("{dn} is not registered any more ({code})", dn=account, code=code)
        case InviteRefused():
            pass  # of a flood that an alarm sums up
        case PeerFault(flow, detail):
            log.warn("flow {flow}: {detail}", flow=flow, detail=detail)
        case _:
            _record_call(event, known)


class Journal:
    """
    Writes the lines, and knows the calls that are up: who has them stands in the lines, and what was heard in them.

    :param sip_call_id: returns the Call-ID of a leg, '' when it is over.
    :param agent_of: returns the id of the agent who has a DN, '' for nobody.
    """

    def __init__(
        self, sip_call_id: Callable[[str], str] = lambda leg: "", agent_of: Callable[[str], str] = lambda dn: ""
    ) -> None:
        self._sip_call_id = sip_call_id
        self._agent_of = agent_of
        self._calls: dict[str, CallBegan | CallRestored] = {}

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on."""
        for kind in WRITTEN:
            stream.subscribe(cast(type[Output], kind), self._record)
        stream.subscribe(CallBegan, self._call_began)
        stream.subscribe(CallRestored, self._call_began)
        stream.subscribe(AgentsTakenOver, _record_take_over)
        stream.subscribe(AgentLetGo, self._let_go)
        stream.subscribe(StoreLost, _record_store_lost)
        stream.subscribe(StoreReached, _record_store_reached)
        stream.subscribe(StoreFault, _record_store_fault)
        stream.subscribe(CallChanged, self._call_changed)
        stream.subscribe(MessageDropped, _record_loss)

    def _call_began(self, event: CallBegan | CallRestored) -> None:
        self._calls[event.call.id] = event

    def _call_changed(self, event: CallChanged) -> None:
        if event.after is CallState.ENDED:
            self._calls.pop(event.call.id, None)

    def _let_go(self, event: AgentLetGo) -> None:
        for call in event.calls:
            self._calls.pop(call.id, None)
        log.info(
            "agent {agent} and {calls} calls go on at another gateway", agent=event.agent.id, calls=len(event.calls)
        )

    def _record(self, event: Output) -> None:
        record(event, self._known(event))

    def _known(self, event: Output) -> Known:
        """Return what is known of an event's call; that it has come is told before the call itself is."""
        leg, dn = getattr(event, "leg", ""), getattr(event, "account", "")
        begun = self._calls.get(leg)
        if begun is None:
            uuid, fields = getattr(event, "uuid", ""), {"dn": dn, "agent": self._agent_of(dn) if dn else ""}
            return Known(
                uuid, Reports(), {**fields, "uuid": uuid, "sip_call_id": self._sip_call_id(leg) if leg else ""}
            )
        call = begun.call
        fields = {"dn": begun.agent.dn, "agent": call.agent_id, "uuid": call.uuid, "sip_call_id": begun.sip_call_id}
        return Known(call.uuid, call.reports, fields)


def _record_take_over(event: AgentsTakenOver) -> None:
    log.info("{count} agents taken over from {nodes}", count=event.count, nodes=", ".join(event.nodes))


def _record_store_lost(event: StoreLost) -> None:
    log.error("calls go on, and nothing new is begun, since it would not survive the gateway: {text}", text=event.text)


def _record_store_reached(event: StoreReached) -> None:
    log.info("the store has everything again, of {count} agents", count=event.count)


def _record_store_fault(event: StoreFault) -> None:
    log.error("{key}: {text}", key=event.key, text=event.text)


def _record_loss(event: MessageDropped) -> None:
    """Log a message that had to go before an agent's page fetched it: texts at ``info``, others at ``warn``."""
    agent, message = event.agent, event.message
    tell = log.warn if message.call_id else log.info
    tell(
        "agent {agent}: {kind} of call {call} was dropped: its page does not fetch (mailbox_limit, mailbox_bytes)",
        agent=agent.id,
        kind=message.type.value,
        call=message.call_id or "none",
    )


def _record_call(event: Output, known: Known) -> None:
    leg = getattr(event, "leg", "")
    uuid = getattr(event, "uuid", "") or known.uuid
    call = f"{leg} [{uuid}]" if uuid else leg
    fields = {**known.fields, "call_id": leg}
    match event:
        case CallReceived(account=account, caller=caller, identity=identity):
            shown = ANONYMOUS if identity.private else caller.uri
            log.info("call {call}: {words}", call=call, **fields, words=_words(shown, "calls", account))
        case CallProgress(_, code, reason):
            log.debug("call {call}: {words}", call=call, **fields, words=_words(code, reason))
        case CallAnswered():
            log.info("call {call}: {words}", call=call, **fields, words="answered")
        case OfferRefused(_, code, reason):
            log.info("call {call}: offer refused: {words}", call=call, **fields, words=_words(code, reason))
        case TransferProgress(_, code, reason):
            log.info("call {call}: transfer: {words}", call=call, **fields, words=_words(code, reason))
        case TransferRequested(target=target):
            log.info("call {call}: asked to call {target}", call=call, **fields, target=str(target))
        case CallEnded(_, cause, code, reason, said=said):
            words = _words(f"ended ({cause.value})", code, reason, *said)
            quality = _quality(known.reports)
            log.info("call {call}: {words}{quality}", call=call, **fields, words=words, quality=quality)
        case _:
            pass


def _words(*parts: object) -> str:
    """Return in one text what an event says, without what it does not: 0 and nothing."""
    return " ".join(str(part) for part in parts if part)


def _quality(reports: Reports) -> str:
    """Return what a page has reported of a call's media, for the line of its end."""
    media = reports.last.media if reports.count else ()
    return "".join(f"; {name}: {_medium(medium, reports.worst[name])}" for name, medium in media)


def _medium(media: Media, worst: Worst) -> str:
    parts = (
        media.codec,
        f"rtt {media.rtt:.0f} ms (worst {worst.rtt:.0f})",
        f"jitter {media.rx.jitter:.0f} ms (worst {worst.jitter:.0f})",
        f"received {media.rx.packets}, lost {media.rx.lost}",
        f"sent {media.tx.packets}, lost {media.tx.lost}",
        f"worst loss {worst.loss:.1f} %",
        f"MOS {media.mos:.1f} (worst {worst.mos:.1f})" if worst.mos else "",
    )
    return ", ".join(filter(None, parts))
