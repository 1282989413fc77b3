"""
A leg: one INVITE usage (:rfc:`5057#section-4.1`), the SIP side of one call of one agent.

This class is what the caller's and the callee's side have in common once there is a dialog; how an INVITE of ours is
answered is in :mod:`~wrtcgw.sip.usages.outgoing`, how we answer one in :mod:`~wrtcgw.sip.usages.incoming`.

A lost connection never ends a leg: the dialog outlives it, and a re-INVITE over the next connection tells the peer the
new way. What cannot be sent meanwhile (a BYE) is sent then.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from wrtcgw.sip.deadlines import TimerOwner
from wrtcgw.sip.dialog import Dialog, DialogState
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.grammar import check_value, escape
from wrtcgw.sip.headers import Event
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import CallEnded, ControlReceived, EndCause, InfoReceived, NotFollowed, RequestAnswered
from wrtcgw.sip.saving import Restoring, Saving
from wrtcgw.sip.settings import ALLOW, ALLOW_EVENTS, Account
from wrtcgw.sip.transaction_layer import ClientRequest, LocalResponse, ServerRequest, Use
from wrtcgw.sip.usages.headers_of_interest import NOTHING, Told, told_by
from wrtcgw.sip.usages.message_method import receive_text
from wrtcgw.sip.usages.modification import Modification
from wrtcgw.sip.usages.peer import Peer
from wrtcgw.sip.usages.session_timer import SessionTimer
from wrtcgw.sip.usages.transfer import Transfer, TransferRequest
from wrtcgw.sip.user_agent import UserAgent

UNESCAPED_IN_HEADER = "-_.!~*'()[]/?:+$"
"""What a header value inside a URI may hold besides letters and digits (hnv-unreserved, :rfc:`3261#section-25.1`)."""
BYE_PATIENCE = 120.0
"""Seconds for which a BYE waits for a connection."""


class LegState(Enum):
    """How far a leg has come."""

    CALLING = "calling"
    """Our INVITE is out, nothing came back."""
    PROCEEDING = "proceeding"
    """A provisional response came."""
    CANCELLING = "cancelling"
    """We do not want the call any more, and wait for the final response."""
    RINGING = "ringing"
    """The peer's INVITE waits for our final response."""
    ANSWERED = "answered"
    """Our 2xx waits for its ACK."""
    CLOSING = "closing"
    """As ANSWERED, but the call is not wanted any more: BYE follows the ACK."""
    ESTABLISHED = "established"
    ENDING = "ending"
    """Our BYE is out, or waits for a connection."""
    ENDED = "ended"


SPEAKING = frozenset((LegState.ANSWERED, LegState.ESTABLISHED))
"""The states in which the dialog is confirmed and the call wanted."""


class Leg(ABC):
    """What an outgoing and an incoming leg have in common; the owner of the confirmed dialog."""

    owns_call_id = False

    def __init__(self, ua: UserAgent, account: Account, leg_id: str, flow: int, state: LegState) -> None:
        self.ua = ua
        self.account = account
        self.id = leg_id
        self.flow = flow
        self.state = state
        self.local_sdp = ""
        self.needs_recovery = False
        self.is_confirmed = True
        """The peer has confirmed the call since a connection of it was lost, if one was."""
        self.timer = SessionTimer(self)
        self.modification = Modification(self)
        self._dialog: Dialog | None = None
        self._transfer: Transfer | None = None
        self._transfer_request: TransferRequest | None = None
        self.peer = Peer(self)
        self._told = False
        self._not_followed: NotFollowed | None = None
        self._ending = (EndCause.LOCAL, 0, "")
        self._reasons: tuple[str, ...] = ()
        self._on_release: Callable[[Leg], None] = lambda leg: None

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data, from which :meth:`take_up` makes the same leg; the connection is not in it."""
        cause, code, reason = self._ending
        transfer, request = self._transfer, self._transfer_request
        return {
            "id": self.id,
            "state": self.state.value,
            "local_sdp": self.local_sdp,
            "needs_recovery": self.needs_recovery,
            "dialog": saving.dialogs.of(self._dialog),
            "timer": self.timer.snapshot(),
            "modification": self.modification.snapshot(saving),
            "transfer": None if transfer is None else transfer.snapshot(saving),
            "transfer_request": None if request is None else request.snapshot(saving),
            "peer": self.peer.snapshot(),
            "told": self._told,
            "not_followed": None if self._not_followed is None else self._not_followed.value,
            "ending": [cause.value, code, reason],
            "reasons": list(self._reasons),
        }

    def take_up(self, data: Mapping[str, Any], restoring: Restoring) -> None:
        """Take over what :meth:`snapshot` gave; the deadlines are still to come."""
        self.state = LegState(data["state"])
        self.local_sdp, self.needs_recovery = data["local_sdp"], data["needs_recovery"]
        self._dialog = restoring.dialog(data["dialog"])
        self.timer.restore(data["timer"])
        self.modification.restore(data["modification"], restoring)
        if data["transfer"] is not None:
            self._transfer = Transfer.restore(self, data["transfer"], restoring)
        if data["transfer_request"] is not None:
            self._transfer_request = TransferRequest.restore(self, data["transfer_request"], restoring)
        self.peer.restore(data["peer"])
        self._told = data["told"]
        self._not_followed = None if data["not_followed"] is None else NotFollowed(data["not_followed"])
        cause, code, reason = data["ending"]
        self._ending, self._reasons = (EndCause(cause), code, reason), tuple(data["reasons"])

    @property
    def timed(self) -> dict[str, TimerOwner | None]:
        """Return what of the leg has deadlines, by name."""
        return {"": self, "session": self.timer, "transfer": self._transfer, **self.modification.timed}

    def when_released(self, callback: "Callable[[Leg], None]") -> None:
        """Have ``callback`` called when nothing is left of the leg."""
        self._on_release = callback

    @property
    def account_key(self) -> str:
        """Return the key of the account."""
        return self.account.key

    @property
    def dialog(self) -> Dialog:
        """
        Return the dialog; there is one from the first response with a To tag on.

        :raises LocalViolation: when there is none.
        """
        if self._dialog is None:
            raise LocalViolation(f"leg {self.id} is {self.state.value}: it has no dialog")
        return self._dialog

    @property
    def has_confirmed_dialog(self) -> bool:
        """Return whether there is a confirmed dialog."""
        return self._dialog is not None and self._dialog.state is DialogState.CONFIRMED

    @property
    def sip_call_id(self) -> str:
        """Return the Call-ID of its messages, '' when there is none yet."""
        return "" if self._dialog is None else self._dialog.call_id

    def replaces(self) -> str:
        """
        Return the Replaces value that names this dialog to its peer, escaped for a URI (:rfc:`3891#section-6.1`).

        The tags are the peer's view: its local tag is our remote one.
        """
        dialog = self.dialog
        value = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
        return escape(value, UNESCAPED_IN_HEADER)

    @property
    def told(self) -> bool:
        """Return whether the end was reported: no event may follow it."""
        return self._told

    @property
    def established(self) -> bool:
        """Return whether both sides hold the session."""
        return self.state is LegState.ESTABLISHED

    # -- requests of ours

    def send(
        self,
        method: str,
        use: Use,
        fields: Iterable[tuple[str, str]] = (),
        body: str = "",
        content_type: str = "",
        *,
        ticket: int = 0,
    ) -> ClientRequest:
        """Send a request inside the dialog."""
        return self.ua.send_in_dialog(self, self.dialog, method, use, fields, body, content_type, ticket=ticket)

    def skip_numbers(self) -> None:
        """Leave out the numbers that the process before may have used since this was kept."""
        if self._dialog is not None:
            self._dialog.skip_numbers()

    def next_cseq(self) -> int:
        """Return the number of the next request in the dialog."""
        return self.dialog.next_cseq()

    def take_response(self, client: ClientRequest, response: Response) -> None:
        """Take a response to a request of ours, by what that was for."""
        match client.use:
            case Use.OFFER:
                self.modification.take_response(client, response)
            case Use.REFRESH:
                self.timer.updated(response)
            case Use.BYE:
                self._bye_answered(response)
            case Use.INFO | Use.REFER:
                self._request_answered(client, response)

    def info(self, ticket: int, content_type: str, body: str) -> None:
        """Send an INFO (:rfc:`6086`, legacy usage); its final response comes as RequestAnswered."""
        self.send("INFO", Use.INFO, (), body, check_value(content_type), ticket=ticket)

    def _request_answered(self, client: ClientRequest, response: Response) -> None:
        """Tell the outcome of an INFO or a REFER."""
        if response.status < 200 or self.told:
            return
        self.ua.emit(RequestAnswered(self.id, client.ticket, response.status, response.reason, *told_by(response)))
        if self._transfer is not None and client.ticket == self._transfer.ticket:
            self._transfer.answered(response)
        self.check_gone(response)

    def transfer(self, ticket: int) -> Transfer:
        """Return a fresh transfer of this call; an earlier one is forgotten."""
        if self._transfer is not None:
            self._transfer.stop()
        self._transfer = Transfer(self, ticket, self._transfer)
        return self._transfer

    @property
    def transfer_request(self) -> TransferRequest | None:
        """Return the REFER that the peer sent last."""
        return self._transfer_request

    def add_capabilities(self, fields: list[tuple[str, str]]) -> None:
        """Add what a re-INVITE tells of us."""
        fields += [("Supported", "timer, replaces, outbound"), ("Allow", ALLOW), ("Allow-Events", ALLOW_EVENTS)]

    def complete_2xx(self, response: Response, fields: Iterable[tuple[str, str]], sdp: str) -> None:
        """Fill a 2xx to an INVITE or UPDATE (:rfc:`3261#section-13.3.1.4`)."""
        headers = response.headers
        headers.add("Contact", self.ua.contact(self.account))
        self.ua.capabilities(headers)
        for name, value in fields:
            headers.add(name, value)
        if sdp:
            headers.add("Content-Type", "application/sdp")
            response.body = sdp

    # -- the end

    def hang_up(self, reasons: Iterable[str] = ()) -> None:
        """End the established call with a BYE; in other states see the sub-classes."""
        if self.state in SPEAKING:
            self.say_bye(EndCause.LOCAL, 0, "", reasons)

    def terminate(self, cause: EndCause, code: int, reason: str, reason_field: str = "") -> None:
        """End a call that cannot go on, with a BYE to whoever may still be there."""
        if self.state in SPEAKING or self.state is LegState.CLOSING:
            self.say_bye(cause, code, reason, (reason_field,) if reason_field else ())

    def say_bye(self, cause: EndCause, code: int, reason: str, reasons: Iterable[str] = ()) -> None:
        """Send the BYE, now or when the connection is back, and report the end when it is answered."""
        self.state = LegState.ENDING
        self._ending = (cause, code, reason)
        self._reasons = tuple(reasons)
        self.timer.stop()
        self.modification.stop()
        self.ua.layer.arm(self, "patience", BYE_PATIENCE)
        if not self.ua.layer.is_connected(self.dialog.flow):
            self._tell(*self._ending)
            return
        self._send_bye()

    def _send_bye(self, use: Use = Use.BYE) -> None:
        self.send("BYE", use, [("Reason", value) for value in self._reasons])

    def _bye_answered(self, response: Response) -> None:
        if response.status < 200 or self.state is not LegState.ENDING:
            return
        cause, code, reason = self._ending
        if isinstance(response, LocalResponse) and not self.ua.layer.is_connected(self.dialog.flow):
            self._tell(cause, code, reason)  # and once more when the connection is back
            return
        self.finish(cause, code or response.status, reason or response.reason)

    def dialog_gone(self, response: Response) -> None:
        """
        End a call whose dialog the peer does not know any more (:rfc:`3261#section-12.2.1.2`).

        A BYE goes out all the same, for a peer that only missed the request; nothing waits for its answer.
        """
        if self.state in SPEAKING:
            self._send_bye(Use.NOTICE)
            self.finish(EndCause.FAILED, response.status, response.reason, told_by(response))

    def check_gone(self, response: Response) -> None:
        """End the call if the final response to a request inside it says that there is no such dialog."""
        if response.status == 481:
            self.dialog_gone(response)

    def ack_lost(self) -> None:
        """End a call whose ACK never came (:rfc:`3261#section-13.3.1.4`)."""
        self.terminate(EndCause.FAILED, 408, "no ACK came", 'SIP;cause=408;text="no ACK"')

    def finish(self, cause: EndCause, code: int = 0, reason: str = "", told: Told = NOTHING) -> None:
        """Report the end, if that was not done before, and let go of everything."""
        if self.state is LegState.ENDED:
            return
        self.state = LegState.ENDED
        self._tell(cause, code, reason, told)
        self.local_sdp = ""  # what is left of the leg stays for what may still come; nothing is offered any more
        self.timer.stop()
        self.modification.stop()
        if self._transfer is not None:
            self._transfer.stop()
        if self._transfer_request is not None:
            self._transfer_request.stop()
        for name in ("patience", "ring", "expires"):
            self.ua.layer.disarm(self, name)
        if self._dialog is not None:
            self._dialog.state = DialogState.TERMINATED
            self.ua.drop_dialog(self._dialog)
        self._on_release(self)
        self._let_go()

    def request_over(self) -> None:
        """Note that a request of ours has no transaction any more."""
        if self.state is LegState.ENDED:
            self._let_go()

    def _let_go(self) -> None:
        """Forget the requests of a leg that has ended, but for those to which something can still come."""
        self.modification.let_go()
        if self._transfer is not None:
            self._transfer.let_go()

    def _tell(self, cause: EndCause, code: int = 0, reason: str = "", told: Told = NOTHING) -> None:
        if not self._told:
            self._told = True
            after_loss = not self.is_confirmed
            self.ua.emit(CallEnded(self.id, cause, code, reason, *told, self._not_followed, self._reasons, after_loss))

    def on_timer(self, name: str) -> None:
        """Give up on a BYE that found no connection."""
        self.finish(*self._ending)

    # -- the connection

    def reconnected(self) -> None:
        """Do what could not be done while the connection was down."""
        if self.state is LegState.ENDING:
            self._send_bye()
        elif self.established:
            self.modification.reconnected()

    def disconnected(self) -> None:
        """Note that the peer does not know the way to us any more."""
        self.needs_recovery = True
        self.is_confirmed = False

    def recover(self) -> None:
        """Tell the peer the new way by a re-INVITE with the description as it is."""
        if self.needs_recovery and self.established:
            self.needs_recovery = False
            self.modification.recover()

    # -- requests of the peer

    def receive_request(self, server: ServerRequest, dialog: Dialog) -> None:
        """Take a request inside the dialog (:rfc:`3261#section-12.2.2`)."""
        if self.state not in SPEAKING:
            self._dialog = dialog  # of several early ones, the branch that speaks
        method = server.request.method
        receiver = _RECEIVERS.get(method)
        if receiver is None:
            server.respond(405, None, ("Allow", ALLOW))
        elif self._told and method != "BYE":
            server.respond(481)
        else:
            receiver(self, server)

    def receive_ack(self, request: Request, dialog: Dialog) -> None:
        """Take the ACK to a 2xx to a re-INVITE."""
        self.modification.receive_ack(request)

    def receive_cancel(self, server: ServerRequest, cancel: Request) -> None:
        """Take the CANCEL of a re-INVITE of the peer; it has no effect on one that is answered."""
        self.modification.cancelled(server)

    def receive_bye(self, server: ServerRequest) -> None:
        """Take the BYE of the peer (:rfc:`3261#section-15.1.2`)."""
        server.respond(200)
        told = told_by(server.request)
        cause, code, reason = self._ending
        if self.state is LegState.ENDING and cause is not EndCause.LOCAL:
            self.finish(cause, code, reason, told)
        else:
            self.finish(EndCause.REMOTE, 0, "", told)

    @property
    @abstractmethod
    def awaits_answer(self) -> bool:
        """Return whether an offer of ours in the INVITE or its 2xx has no answer yet (:rfc:`3311#section-5.2`)."""

    def _receive_invite(self, server: ServerRequest) -> None:
        if self.awaits_answer:
            server.respond(491)
        elif self.state in SPEAKING:
            self.modification.receive_offer(server)
        elif self.state is LegState.RINGING:
            # RFC 3261 section 14.2
            server.respond(500, None, ("Retry-After", str(int(self.ua.tokens.uniform(0, 10)))))
        else:
            server.respond(481)

    def _receive_update(self, server: ServerRequest) -> None:
        if server.request.sdp() is not None:
            self._receive_invite(server)  # the same cases: RFC 3311 section 5.2
        else:
            self.timer.receive_update(server)

    def _receive_info(self, server: ServerRequest) -> None:
        request = server.request
        if "Info-Package" in request.headers:
            server.respond(469, "Bad Info Package", ("Recv-Info", ""))  # RFC 6086 section 4.2.2
            return
        server.respond(200)
        self.ua.emit(InfoReceived(self.id, request.headers.get("Content-Type") or "", request.body))

    def _receive_notify(self, server: ServerRequest) -> None:
        """
        Take a NOTIFY: of a transfer, or third-party call control.

        Unsolicited talk and hold need no subscription: the SIP Server sends none, and the answer must not wait for the
        page (docs/third-party-call-control.md).
        """
        event = server.request.read("Event", Event)
        package = event.package if event is not None else ""
        if package == "refer" and self._transfer is not None:
            self._transfer.receive_notify(server)
        elif package in ("talk", "hold"):
            server.respond(200, None, ("Contact", self.ua.contact(self.account)))
            self.ua.emit(ControlReceived(self.id, package))
        else:
            server.respond(481 if package == "refer" else 489, None, ("Allow-Events", ALLOW_EVENTS))

    def _receive_refer(self, server: ServerRequest) -> None:
        if not self.established:
            server.respond(403)
            return
        earlier = self._transfer_request
        if earlier is not None and earlier.open:
            server.respond(491)
            return
        request = TransferRequest(self, server, first=earlier is None)
        request.announce()
        self._transfer_request = request

    def _receive_options(self, server: ServerRequest) -> None:
        response = server.response(200)
        self.complete_2xx(response, [("Accept", "application/sdp")], "")
        server.send(response)

    def receive_prack(self, server: ServerRequest) -> None:
        """Refuse a PRACK where no reliable provisional response of ours is pending (:rfc:`3262#section-3`)."""
        server.respond(481)

    def _receive_message(self, server: ServerRequest) -> None:
        receive_text(self.ua, self.account, server)


_RECEIVERS: dict[str, Callable[[Leg, ServerRequest], None]] = {
    "BYE": lambda leg, server: leg.receive_bye(server),
    "INVITE": Leg._receive_invite,
    "UPDATE": Leg._receive_update,
    "INFO": Leg._receive_info,
    "NOTIFY": Leg._receive_notify,
    "REFER": Leg._receive_refer,
    "OPTIONS": Leg._receive_options,
    "PRACK": lambda leg, server: leg.receive_prack(server),
    "MESSAGE": Leg._receive_message,
}
