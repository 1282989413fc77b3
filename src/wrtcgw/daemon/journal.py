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
            log.warn("registration of {dn} failed: {code} {reason}", dn=account, code=code, reason=reason)
        case Unregistered(account, code):
            log.info("{dn} is not registered any more ({code})", dn=account, code=code)
        case PeerFault(flow, detail):
            log.warn("flow {flow}: {detail}", flow=flow, detail=detail)
        case _:
            _record_call(event)


def _record_call(event: Output) -> None:
    match event:
        case CallReceived(account=account, leg=leg, caller=caller, uuid=uuid):
            line = "call {call_id}: {caller} calls {dn} {uuid}"
            log.info(line, call_id=leg, caller=str(caller.uri), dn=account, uuid=uuid)
        case CallProgress(leg, code, reason):
            log.debug("call {call_id}: {code} {reason}", call_id=leg, code=code, reason=reason)
        case CallAnswered(leg, uuid=uuid):
            log.info("call {call_id}: answered {uuid}", call_id=leg, uuid=uuid)
        case OfferRefused(leg, code, reason):
            log.info("call {call_id}: offer refused: {code} {reason}", call_id=leg, code=code, reason=reason)
        case TransferProgress(leg, code, reason):
            log.info("call {call_id}: transfer: {code} {reason}", call_id=leg, code=code, reason=reason)
        case TransferRequested(leg=leg, target=target):
            log.info("call {call_id}: asked to call {target}", call_id=leg, target=str(target))
        case CallEnded(leg, cause, code, reason):
            line = "call {call_id}: ended ({cause}) {code} {reason}"
            log.info(line, call_id=leg, cause=cause.value, code=code or "", reason=reason)
        case _:
            pass
