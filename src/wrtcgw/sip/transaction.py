"""
The four transaction machines of :rfc:`3261#section-17` with the Accepted states of :rfc:`6026`, as tables.

The transport is reliable (:rfc:`7118#section-5`): timers A, E and G, which retransmit, are never armed and have no row;
D, I, J and K have zero seconds, so that the states in which they run are passed through at once. Retransmissions that a
peer sends all the same are answered as the figures say.

Each table is total over its states and inputs. A row is an arrow of the figure above it, or it is in the second half of
the table with its reason: it adds an arrow, it absorbs (no action, same state), or it refuses what only a bug of ours
can cause (:class:`~wrtcgw.sip.errors.LocalViolation`, same state). A terminated transaction refuses everything, because
it has to be destroyed at once (:rfc:`6026#section-8.4`, 8.7).
"""

from collections.abc import Mapping
from typing import ClassVar, cast

from attrs import define

from wrtcgw.sip.headers import CSeq
from wrtcgw.sip.machine import (
    Action,
    ClientTransaction,
    Effect,
    Input,
    Outcome,
    ServerTransaction,
    State,
    Table,
    Transaction,
    refuse,
)
from wrtcgw.sip.message import Headers, Request, Response

__all__ = [
    "ClientTransaction",
    "Effect",
    "Input",
    "InviteClient",
    "InviteServer",
    "NonInviteClient",
    "NonInviteServer",
    "Outcome",
    "ServerTransaction",
    "State",
    "Transaction",
]


def _send(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    return [(Effect.SEND, message)]


def _respond(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    cast(ServerTransaction, transaction).last_response = cast(Response, message)
    return [(Effect.SEND, message)]


def _respond_again(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    response = cast(ServerTransaction, transaction).last_response
    return [(Effect.SEND, response)] if response else []


def _pass_up(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    return [(Effect.PASS_UP, message)]


def _acknowledge(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    return [(Effect.SEND, _ack(transaction.request, message))]


def _acknowledge_and_pass_up(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    return [(Effect.SEND, _ack(transaction.request, message)), (Effect.PASS_UP, message)]


def _time_out(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    return [(Effect.TIMEOUT, transaction.request)]


def _fail(transaction: Transaction, message: Request | Response) -> list[Outcome]:
    return [(Effect.TRANSPORT_ERROR, transaction.request)]


def _ack(invite: Request, response: Request | Response) -> Request:
    """
    Build the ACK to a final response other than 2xx (:rfc:`3261#section-17.1.1.3`).

    The credentials of the INVITE go along, as each ACK has to carry them (:rfc:`3261#section-22.1`).
    """
    headers = Headers([("Via", str(invite.via)), ("Max-Forwards", "70")])
    for name in ("Route", "From", "Call-ID", "Authorization", "Proxy-Authorization"):
        for value in invite.headers.get_all(name):
            headers.add(name, value)
    headers.add("To", response.headers.get("To") or "")
    headers.add("CSeq", str(CSeq(invite.cseq.number, "ACK")))
    return Request("ACK", invite.uri, headers)


def _absorb(state: State, *inputs: Input) -> dict[tuple[State, Input], tuple[Action | None, State]]:
    """Return rows in which nothing happens."""
    return {(state, given): (None, state) for given in inputs}


def _refuse(state: State, *inputs: Input) -> dict[tuple[State, Input], tuple[Action | None, State]]:
    """Return rows that raise :class:`~wrtcgw.sip.errors.LocalViolation`."""
    return {(state, given): (refuse, state) for given in inputs}


#                  | INVITE from TU: send INVITE
#                  v
#            +------------+  Timer B or transport error: inform TU
#      +-----|  CALLING   |--------------------------------------------+
#      |     +------------+----------------------------+               |
#      |           | 1xx: to TU                        | 2xx: to TU    |
#      |           v                                   |               |
#      |     +------------+ 2xx: to TU                 |               |
#      |     | PROCEEDING |--------------------------->|               |
#      |     +------------+<-- 1xx: to TU              |               |
#      |           | 300-699: send ACK, to TU          |               |
#      | 300-699: send ACK, to TU                      |               |
#      v           v                                   v               |
#     +-------------+                           +------------+         |
#     |  COMPLETED  |<-- 300-699: send ACK      |  ACCEPTED  |<-- 2xx: to TU
#     +-------------+                           +------------+         |
#       |         | transport error: inform TU         | Timer M       |
#       | Timer D |                                    |               |
#       v         v                                    v               v
#     +----------------------------------------------------------------+
#     |                           TERMINATED                           |
#     +----------------------------------------------------------------+
#
# RFC 6026 section 8.4, figure 5.
_INVITE_CLIENT: Table = {
    (State.NEW, Input.START): (_send, State.CALLING),
    (State.CALLING, Input.RECEIVE_1XX): (_pass_up, State.PROCEEDING),
    (State.CALLING, Input.RECEIVE_2XX): (_pass_up, State.ACCEPTED),
    (State.CALLING, Input.RECEIVE_300_699): (_acknowledge_and_pass_up, State.COMPLETED),
    (State.CALLING, Input.TIMER_B): (_time_out, State.TERMINATED),
    (State.CALLING, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    (State.PROCEEDING, Input.RECEIVE_1XX): (_pass_up, State.PROCEEDING),
    (State.PROCEEDING, Input.RECEIVE_2XX): (_pass_up, State.ACCEPTED),
    (State.PROCEEDING, Input.RECEIVE_300_699): (_acknowledge_and_pass_up, State.COMPLETED),
    (State.COMPLETED, Input.RECEIVE_300_699): (_acknowledge, State.COMPLETED),
    (State.COMPLETED, Input.TIMER_D): (None, State.TERMINATED),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    (State.ACCEPTED, Input.RECEIVE_2XX): (_pass_up, State.ACCEPTED),
    (State.ACCEPTED, Input.TIMER_M): (None, State.TERMINATED),
    # Added: responses come back on the connection of the request (RFC 3261 section 18.2.2), so with it they are lost.
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    # Absorbed: other answers, out of order or from other branches of a fork, after the one that decided.
    **_absorb(State.COMPLETED, Input.RECEIVE_1XX, Input.RECEIVE_2XX),
    **_absorb(State.ACCEPTED, Input.RECEIVE_1XX, Input.RECEIVE_300_699),
    # Absorbed: nothing is sent here any more, and the dialog hears of the loss by itself.
    **_absorb(State.ACCEPTED, Input.TRANSPORT_ERROR),
    # Refused: started twice.
    **_refuse(State.CALLING, Input.START),
    **_refuse(State.PROCEEDING, Input.START),
    **_refuse(State.COMPLETED, Input.START),
    **_refuse(State.ACCEPTED, Input.START),
    # Refused: these timers do not run here.
    **_refuse(State.CALLING, Input.TIMER_D, Input.TIMER_M),
    **_refuse(State.PROCEEDING, Input.TIMER_B, Input.TIMER_D, Input.TIMER_M),
    **_refuse(State.COMPLETED, Input.TIMER_B, Input.TIMER_M),
    **_refuse(State.ACCEPTED, Input.TIMER_B, Input.TIMER_D),
    # Refused: not begun, or over.
    **_refuse(State.NEW, Input.RECEIVE_1XX, Input.RECEIVE_2XX, Input.RECEIVE_300_699, Input.TRANSPORT_ERROR),
    **_refuse(State.NEW, Input.TIMER_B, Input.TIMER_D, Input.TIMER_M),
    **_refuse(State.TERMINATED, Input.START, Input.RECEIVE_1XX, Input.RECEIVE_2XX, Input.RECEIVE_300_699),
    **_refuse(State.TERMINATED, Input.TRANSPORT_ERROR, Input.TIMER_B, Input.TIMER_D, Input.TIMER_M),
}


@define(eq=False)
class InviteClient(ClientTransaction):
    """
    The INVITE client transaction (:rfc:`3261#section-17.1.1`, :rfc:`6026#section-8.4`).

    It acknowledges 300-699 itself. The ACK to a 2xx is made by the TU, which gets each 2xx until timer M fires. No
    timer runs in Proceeding: how long it may ring is for the TU to say, and so is giving up after a CANCEL that no
    final response follows (:rfc:`3261#section-9.1`); to give up is to drop the object.
    """

    TABLE: ClassVar[Table] = _INVITE_CLIENT
    WAITS: ClassVar[Mapping[State, str]] = {State.CALLING: "B", State.COMPLETED: "D", State.ACCEPTED: "M"}


#                  | request from TU: send request
#                  v
#            +------------+  Timer F or transport error: inform TU
#      +-----|   TRYING   |--------------------------------------------+
#      |     +------------+                                            |
#      |           | 1xx: to TU                                        |
#      |           v                                                   |
#      |     +------------+  Timer F or transport error: inform TU     |
#      |     | PROCEEDING |------------------------------------------->|
#      |     +------------+<-- 1xx: to TU                              |
#      |           | 200-699: to TU                                    |
#      | 200-699: to TU                                                |
#      v           v                                                   v
#     +-------------+  Timer K                                  +--------------+
#     |  COMPLETED  |------------------------------------------>|  TERMINATED  |
#     +-------------+                                           +--------------+
#
# RFC 3261 section 17.1.2.2, figure 6.
_NON_INVITE_CLIENT: Table = {
    (State.NEW, Input.START): (_send, State.TRYING),
    (State.TRYING, Input.RECEIVE_1XX): (_pass_up, State.PROCEEDING),
    (State.TRYING, Input.RECEIVE_2XX): (_pass_up, State.COMPLETED),
    (State.TRYING, Input.RECEIVE_300_699): (_pass_up, State.COMPLETED),
    (State.TRYING, Input.TIMER_F): (_time_out, State.TERMINATED),
    (State.TRYING, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    (State.PROCEEDING, Input.RECEIVE_1XX): (_pass_up, State.PROCEEDING),
    (State.PROCEEDING, Input.RECEIVE_2XX): (_pass_up, State.COMPLETED),
    (State.PROCEEDING, Input.RECEIVE_300_699): (_pass_up, State.COMPLETED),
    (State.PROCEEDING, Input.TIMER_F): (_time_out, State.TERMINATED),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    (State.COMPLETED, Input.TIMER_K): (None, State.TERMINATED),
    # Absorbed: Completed exists to buffer retransmissions of responses; nothing is sent there.
    **_absorb(State.COMPLETED, Input.RECEIVE_1XX, Input.RECEIVE_2XX, Input.RECEIVE_300_699, Input.TRANSPORT_ERROR),
    # Refused: started twice, or with a timer that does not run here.
    **_refuse(State.TRYING, Input.START, Input.TIMER_K),
    **_refuse(State.PROCEEDING, Input.START, Input.TIMER_K),
    **_refuse(State.COMPLETED, Input.START, Input.TIMER_F),
    # Refused: not begun, or over.
    **_refuse(State.NEW, Input.RECEIVE_1XX, Input.RECEIVE_2XX, Input.RECEIVE_300_699),
    **_refuse(State.NEW, Input.TRANSPORT_ERROR, Input.TIMER_F, Input.TIMER_K),
    **_refuse(State.TERMINATED, Input.START, Input.RECEIVE_1XX, Input.RECEIVE_2XX, Input.RECEIVE_300_699),
    **_refuse(State.TERMINATED, Input.TRANSPORT_ERROR, Input.TIMER_F, Input.TIMER_K),
}


@define(eq=False)
class NonInviteClient(ClientTransaction):
    """
    The client transaction of each method but INVITE and ACK (:rfc:`3261#section-17.1.2`).

    Timer F runs on through Proceeding: a provisional response buys the server no time.
    """

    TABLE: ClassVar[Table] = _NON_INVITE_CLIENT
    WAITS: ClassVar[Mapping[State, str]] = {State.TRYING: "F", State.PROCEEDING: "F", State.COMPLETED: "K"}


#                       | INVITE: to TU
#                       v
#     INVITE:     +------------+ 101-199 from TU: send response
#     send resp.  |            |<--+
#     +---------->| PROCEEDING |   | transport error: inform TU
#                 |            |<--+
#                 +------------+
#                   |        |
#       300-699     |        |  2xx from TU: send response
#       from TU:    |        +-----------------------+
#       send resp.  v                                v
#     INVITE:     +-----------+                +------------+<-- INVITE: nothing
#     send resp.  |           |                |            |<-- ACK: to TU
#     +---------->| COMPLETED |                |  ACCEPTED  |<-- 2xx from TU: send response
#                 |           |                |            |<-- transport error: inform TU
#                 +-----------+                +------------+
#                   |   |   ^ transport error:       |
#     Timer H:      |   |   +-- inform TU            |
#     inform TU     |   | ACK                        | Timer L
#                   |   v                            |
#                   | +-----------+                  |
#                   | | CONFIRMED |                  |
#                   | +-----------+                  |
#                   v   v Timer I                    v
#     +-----------------------------------------------------------------+
#     |                           TERMINATED                            |
#     +-----------------------------------------------------------------+
#
# RFC 6026 section 8.6, figure 7. Timer H informs the TU although the figure does not say so any more, because the text
# of RFC 3261 section 17.2.1 still does.
_INVITE_SERVER: Table = {
    (State.NEW, Input.START): (_pass_up, State.PROCEEDING),
    (State.PROCEEDING, Input.RECEIVE_REQUEST): (_respond_again, State.PROCEEDING),
    (State.PROCEEDING, Input.SEND_1XX): (_respond, State.PROCEEDING),
    (State.PROCEEDING, Input.SEND_2XX): (_respond, State.ACCEPTED),
    (State.PROCEEDING, Input.SEND_300_699): (_respond, State.COMPLETED),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (_fail, State.PROCEEDING),
    (State.COMPLETED, Input.RECEIVE_REQUEST): (_respond_again, State.COMPLETED),
    (State.COMPLETED, Input.RECEIVE_ACK): (None, State.CONFIRMED),
    (State.COMPLETED, Input.TIMER_H): (_time_out, State.TERMINATED),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (_fail, State.COMPLETED),
    (State.CONFIRMED, Input.TIMER_I): (None, State.TERMINATED),
    (State.ACCEPTED, Input.RECEIVE_REQUEST): (None, State.ACCEPTED),
    (State.ACCEPTED, Input.RECEIVE_ACK): (_pass_up, State.ACCEPTED),
    (State.ACCEPTED, Input.SEND_2XX): (_respond, State.ACCEPTED),
    (State.ACCEPTED, Input.TIMER_L): (None, State.TERMINATED),
    (State.ACCEPTED, Input.TRANSPORT_ERROR): (_fail, State.ACCEPTED),
    # Absorbed: an ACK to nothing is the peer's fault, and an ACK is never answered.
    **_absorb(State.PROCEEDING, Input.RECEIVE_ACK),
    # Absorbed: Confirmed exists to take more ACKs, and an INVITE that was overtaken by its ACK; nothing is sent there.
    **_absorb(State.CONFIRMED, Input.RECEIVE_ACK, Input.RECEIVE_REQUEST, Input.TRANSPORT_ERROR),
    # Refused: started twice.
    **_refuse(State.PROCEEDING, Input.START),
    **_refuse(State.COMPLETED, Input.START),
    **_refuse(State.CONFIRMED, Input.START),
    **_refuse(State.ACCEPTED, Input.START),
    # Refused: the TU has given its final response.
    **_refuse(State.COMPLETED, Input.SEND_1XX, Input.SEND_2XX, Input.SEND_300_699),
    **_refuse(State.CONFIRMED, Input.SEND_1XX, Input.SEND_2XX, Input.SEND_300_699),
    **_refuse(State.ACCEPTED, Input.SEND_1XX, Input.SEND_300_699),
    # Refused: these timers do not run here.
    **_refuse(State.PROCEEDING, Input.TIMER_H, Input.TIMER_I, Input.TIMER_L),
    **_refuse(State.COMPLETED, Input.TIMER_I, Input.TIMER_L),
    **_refuse(State.CONFIRMED, Input.TIMER_H, Input.TIMER_L),
    **_refuse(State.ACCEPTED, Input.TIMER_H, Input.TIMER_I),
    # Refused: not begun, or over.
    **_refuse(State.NEW, Input.RECEIVE_REQUEST, Input.RECEIVE_ACK, Input.SEND_1XX, Input.SEND_2XX, Input.SEND_300_699),
    **_refuse(State.NEW, Input.TRANSPORT_ERROR, Input.TIMER_H, Input.TIMER_I, Input.TIMER_L),
    **_refuse(State.TERMINATED, Input.START, Input.RECEIVE_REQUEST, Input.RECEIVE_ACK, Input.SEND_1XX),
    **_refuse(State.TERMINATED, Input.SEND_2XX, Input.SEND_300_699, Input.TRANSPORT_ERROR),
    **_refuse(State.TERMINATED, Input.TIMER_H, Input.TIMER_I, Input.TIMER_L),
}


@define(eq=False)
class InviteServer(ServerTransaction):
    """
    The INVITE server transaction (:rfc:`3261#section-17.2.1`, :rfc:`6026#section-8.6`).

    A lost connection does not end it, so that an INVITE that comes again is not taken for a new one.
    """

    TABLE: ClassVar[Table] = _INVITE_SERVER
    WAITS: ClassVar[Mapping[State, str]] = {State.COMPLETED: "H", State.CONFIRMED: "I", State.ACCEPTED: "L"}


#                  | request: to TU
#                  v
#            +------------+
#      +-----|   TRYING   |
#      |     +------------+
#      |           | 1xx from TU: send response
#      |           v
#      |     +------------+<-- 1xx from TU: send response
#      |     | PROCEEDING |<-- request: send response
#      |     +------------+-------------------------------------------+
#      |           | 200-699 from TU: send response                   |
#      | 200-699 from TU: send response                               |
#      v           v                                                  | transport error:
#     +-------------+<-- request: send response                       | inform TU
#     |  COMPLETED  |------------------------------------------------>|
#     +-------------+                                                 |
#            | Timer J                                                |
#            v                                                        v
#     +----------------------------------------------------------------+
#     |                           TERMINATED                           |
#     +----------------------------------------------------------------+
#
# RFC 3261 section 17.2.2, figure 8.
_NON_INVITE_SERVER: Table = {
    (State.NEW, Input.START): (_pass_up, State.TRYING),
    (State.TRYING, Input.SEND_1XX): (_respond, State.PROCEEDING),
    (State.TRYING, Input.SEND_2XX): (_respond, State.COMPLETED),
    (State.TRYING, Input.SEND_300_699): (_respond, State.COMPLETED),
    (State.PROCEEDING, Input.SEND_1XX): (_respond, State.PROCEEDING),
    (State.PROCEEDING, Input.SEND_2XX): (_respond, State.COMPLETED),
    (State.PROCEEDING, Input.SEND_300_699): (_respond, State.COMPLETED),
    (State.PROCEEDING, Input.RECEIVE_REQUEST): (_respond_again, State.PROCEEDING),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    (State.COMPLETED, Input.RECEIVE_REQUEST): (_respond_again, State.COMPLETED),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    (State.COMPLETED, Input.TIMER_J): (None, State.TERMINATED),
    # Added: there is no way back for a response on another connection, so waiting for one is in vain.
    (State.TRYING, Input.TRANSPORT_ERROR): (_fail, State.TERMINATED),
    # Absorbed, by the text of section 17.2.2: a retransmission that there is no response to yet, and more responses of
    # the TU after the final one.
    **_absorb(State.TRYING, Input.RECEIVE_REQUEST),
    **_absorb(State.COMPLETED, Input.SEND_2XX, Input.SEND_300_699),
    # Refused: started twice, a timer that does not run here, a provisional response after the final one.
    **_refuse(State.TRYING, Input.START, Input.TIMER_J),
    **_refuse(State.PROCEEDING, Input.START, Input.TIMER_J),
    **_refuse(State.COMPLETED, Input.START, Input.SEND_1XX),
    # Refused: an ACK matches INVITE transactions only (section 17.2.3).
    **_refuse(State.TRYING, Input.RECEIVE_ACK),
    **_refuse(State.PROCEEDING, Input.RECEIVE_ACK),
    **_refuse(State.COMPLETED, Input.RECEIVE_ACK),
    # Refused: not begun, or over.
    **_refuse(State.NEW, Input.RECEIVE_REQUEST, Input.RECEIVE_ACK, Input.SEND_1XX, Input.SEND_2XX, Input.SEND_300_699),
    **_refuse(State.NEW, Input.TRANSPORT_ERROR, Input.TIMER_J),
    **_refuse(State.TERMINATED, Input.START, Input.RECEIVE_REQUEST, Input.RECEIVE_ACK, Input.SEND_1XX),
    **_refuse(State.TERMINATED, Input.SEND_2XX, Input.SEND_300_699, Input.TRANSPORT_ERROR, Input.TIMER_J),
}


@define(eq=False)
class NonInviteServer(ServerTransaction):
    """
    The server transaction of each method but INVITE and ACK (:rfc:`3261#section-17.2.2`).

    It waits for the TU without limit; the TU has to answer soon, and never with 408 (:rfc:`4320#section-4.2`).
    """

    TABLE: ClassVar[Table] = _NON_INVITE_SERVER
    WAITS: ClassVar[Mapping[State, str]] = {State.COMPLETED: "J"}
