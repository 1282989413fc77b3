"""Subscribes to the stream of events: a line in the log for each that an operator may look for later."""

from collections.abc import Callable
from typing import cast

from twisted.logger import Logger

from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.stats import Media, Reports, Worst
from wrtcgw.events.catalogue import (
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


def _unknown(call_id: str) -> str:
    return ""


def _unreported(call_id: str) -> Reports:
    return Reports()


def record(
    event: Output,
    uuid_of: Callable[[str], str] = _unknown,
    reports_of: Callable[[str], Reports] = _unreported,
) -> None:
    """
    Log an event of the core: calls at ``info``, refreshes and ringing at ``debug``, faults of peers at ``warn``.

    :param uuid_of: returns the X-Genesys-CallUUID of a call, or ''; every line of the call has it.
    :param reports_of: returns what the page has told of a call's media; the line of the call's end has it.
    """
    match event:
        case Registered(account, expires):
            log.debug("{dn} is registered for {expires:.0f} s", dn=account, expires=expires)
        case RegistrationFailed(account, code, reason, detail=detail):
            words = _words(code, reason, f"({detail})" if detail else "")
            log.warn("registration of {dn} failed: {words}", dn=account, words=words)
        case Unregistered(account, code):
            log.info("{dn} is not registered any more ({code})", dn=account, code=code)
        case InviteRefused():
            pass  # of a flood that an alarm sums up
        case PeerFault(flow, detail):
            log.warn("flow {flow}: {detail}", flow=flow, detail=detail)
        case _:
            _record_call(event, uuid_of, reports_of)


class Journal:
    """Writes the lines, and knows the calls that are up: their UUIDs stand in the lines, and what was heard in them."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on."""
        for kind in WRITTEN:
            stream.subscribe(cast(type[Output], kind), self._record)
        stream.subscribe(CallBegan, self._call_began)
        stream.subscribe(CallRestored, self._call_began)
        stream.subscribe(StoreLost, _record_store_lost)
        stream.subscribe(StoreReached, _record_store_reached)
        stream.subscribe(StoreFault, _record_store_fault)
        stream.subscribe(CallChanged, self._call_changed)
        stream.subscribe(MessageDropped, _record_loss)

    def _call_began(self, event: CallBegan | CallRestored) -> None:
        self._calls[event.call.id] = event.call

    def _call_changed(self, event: CallChanged) -> None:
        if event.after is CallState.ENDED:
            self._calls.pop(event.call.id, None)

    def _record(self, event: Output) -> None:
        record(event, self._uuid_of, self._reports_of)

    def _uuid_of(self, call_id: str) -> str:
        call = self._calls.get(call_id)
        return "" if call is None else call.uuid

    def _reports_of(self, call_id: str) -> Reports:
        call = self._calls.get(call_id)
        return Reports() if call is None else call.reports


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


def _record_call(event: Output, uuid_of: Callable[[str], str], reports_of: Callable[[str], Reports]) -> None:
    leg = getattr(event, "leg", "")
    uuid = getattr(event, "uuid", "") or uuid_of(leg)
    call = f"{leg} [{uuid}]" if uuid else leg
    match event:
        case CallReceived(account=account, caller=caller, identity=identity):
            shown = ANONYMOUS if identity.private else caller.uri
            log.info("call {call}: {words}", call=call, call_id=leg, words=_words(shown, "calls", account))
        case CallProgress(_, code, reason):
            log.debug("call {call}: {words}", call=call, call_id=leg, words=_words(code, reason))
        case CallAnswered():
            log.info("call {call}: {words}", call=call, call_id=leg, words="answered")
        case OfferRefused(_, code, reason):
            log.info("call {call}: offer refused: {words}", call=call, call_id=leg, words=_words(code, reason))
        case TransferProgress(_, code, reason):
            log.info("call {call}: transfer: {words}", call=call, call_id=leg, words=_words(code, reason))
        case TransferRequested(target=target):
            log.info("call {call}: asked to call {target}", call=call, call_id=leg, target=str(target))
        case CallEnded(_, cause, code, reason, said=said):
            words = _words(f"ended ({cause.value})", code, reason, *said)
            quality = _quality(reports_of(leg))
            log.info("call {call}: {words}{quality}", call=call, call_id=leg, words=words, quality=quality)
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
