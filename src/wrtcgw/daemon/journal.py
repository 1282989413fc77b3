"""One line in the log for each event of a call or registration that an operator may look for later."""

from twisted.logger import Logger

from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    CallProgress,
    CallReceived,
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


def record(event: Output) -> None:
    """Log an event of the core: calls at ``info``, refreshes and ringing at ``debug``, faults of peers at ``warn``."""
    match event:
        case Registered(account, expires):
            log.debug("{dn} is registered for {expires:.0f} s", dn=account, expires=expires)
        case RegistrationFailed(account, code, reason):
            log.warn("registration of {dn} failed: {words}", dn=account, words=_words(code, reason))
        case Unregistered(account, code):
            log.info("{dn} is not registered any more ({code})", dn=account, code=code)
        case PeerFault(flow, detail):
            log.warn("flow {flow}: {detail}", flow=flow, detail=detail)
        case _:
            _record_call(event)


def _record_call(event: Output) -> None:
    match event:
        case CallReceived(account=account, leg=leg, caller=caller, uuid=uuid):
            log.info("call {call_id}: {words}", call_id=leg, words=_words(caller.uri, "calls", account, uuid))
        case CallProgress(leg, code, reason):
            log.debug("call {call_id}: {words}", call_id=leg, words=_words(code, reason))
        case CallAnswered(leg, uuid=uuid):
            log.info("call {call_id}: {words}", call_id=leg, words=_words("answered", uuid))
        case OfferRefused(leg, code, reason):
            log.info("call {call_id}: offer refused: {words}", call_id=leg, words=_words(code, reason))
        case TransferProgress(leg, code, reason):
            log.info("call {call_id}: transfer: {words}", call_id=leg, words=_words(code, reason))
        case TransferRequested(leg=leg, target=target):
            log.info("call {call_id}: asked to call {target}", call_id=leg, target=str(target))
        case CallEnded(leg, cause, code, reason):
            log.info("call {call_id}: {words}", call_id=leg, words=_words(f"ended ({cause.value})", code, reason))
        case _:
            pass


def _words(*parts: object) -> str:
    """Return in one text what an event says, without what it does not: 0 and nothing."""
    return " ".join(str(part) for part in parts if part)
