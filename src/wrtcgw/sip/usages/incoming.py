"""The callee's side of a call: an INVITE of a peer until we have answered or refused it (:rfc:`3261#section-13.3`)."""

from collections.abc import Iterable, Mapping
from typing import Any

from wrtcgw.sip.deadlines import TimerOwner
from wrtcgw.sip.delta import seconds_of
from wrtcgw.sip.dialog import Dialog, DialogState
from wrtcgw.sip.headers import RAck, auto_answer_delay
from wrtcgw.sip.identity import called_of, caller_of, diversions_of, identity_of
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import NO_ANSWER_IN_ACK, AnswerReceived, CallConfirmed, CallReceived, EndCause
from wrtcgw.sip.saving import Restoring, Saving
from wrtcgw.sip.settings import ALLOW, ALLOW_EVENTS, Account
from wrtcgw.sip.transaction_layer import ServerRequest
from wrtcgw.sip.usages.ack_wait import UnackedAnswer
from wrtcgw.sip.usages.headers_of_interest import NOTHING, Told, extensions_of, source_of, told_by
from wrtcgw.sip.usages.leg import Leg, LegState
from wrtcgw.sip.user_agent import UserAgent

RING_INTERVAL = 60.0
"""Seconds between two provisional responses that keep proxies from giving up (:rfc:`3261#section-13.3.1.1`)."""


class IncomingLeg(Leg):
    """A call that comes to us."""

    def __init__(self, ua: UserAgent, account: Account, leg_id: str, server: ServerRequest) -> None:
        super().__init__(ua, account, leg_id, server.flow, LegState.RINGING)
        self._server = server
        self._offer = server.request.sdp()
        self._replaced = ""
        self._ringing: ReliableRinging | None = None
        self._unacked: UnackedAnswer | None = None

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data, from which :meth:`take_up` makes the same leg."""
        return {
            "kind": "incoming",
            **super().snapshot(saving),
            "server": saving.servers.of(self._server),
            "replaced": self._replaced,
            "ringing": None if self._ringing is None else self._ringing.snapshot(),
            "unacked": None if self._unacked is None else self._unacked.snapshot(saving),
        }

    def take_up(self, data: Mapping[str, Any], restoring: Restoring) -> None:
        """Take over what :meth:`snapshot` gave."""
        super().take_up(data, restoring)
        self._replaced = data["replaced"]
        if data["ringing"] is not None:
            self._ringing = ReliableRinging.restore(self, self._server, data["ringing"])
        if data["unacked"] is not None:
            layer = self.ua.layer
            self._unacked = UnackedAnswer.restore(layer, data["unacked"], restoring, self._acknowledged, self.ack_lost)

    @property
    def timed(self) -> dict[str, TimerOwner | None]:
        """Return what of the leg has deadlines, by name."""
        return {**super().timed, "ringing": self._ringing, "unacked": self._unacked}

    def start(self, replaced: Leg | None) -> bool:
        """
        Offer the call to the user of the core, who lets it ring, answers or refuses it at once: nothing is sent here.

        :param replaced: the leg that this call takes the place of once it is answered (:rfc:`3891#section-3`).
        :returns: False when the call was refused.
        :raises RemoteViolation: when it has to be; there is nothing to clean up then.
        """
        server = self._server
        request = server.request
        self._replaced = replaced.id if replaced is not None else ""
        if self.timer.refuses(server):
            return False
        server.to_tag = self.ua.tokens.token(64)
        dialog = Dialog.as_uas(request, server.to_tag, server.flow)
        self._dialog = dialog
        self.ua.add_dialog(self, dialog)
        self.ua.layer.arm(self, "ring", self.ua.settings.ring_timeout)
        self._arm_expires(request)
        self.ua.emit(
            CallReceived(
                account=self.account.key,
                leg=self.id,
                caller=caller_of(request),
                called=request.to,
                offer=self._offer,
                replaces=self._replaced or None,
                auto_answer=auto_answer_delay(request),
                uuid=request.headers.get("X-Genesys-CallUUID") or "",
                referred_by=request.headers.get("Referred-By") or "",
                headers=extensions_of(request),
                identity=identity_of(request),
                number=called_of(request),
                diversions=diversions_of(request),
                fields=tuple(request.headers.items()),
                source=source_of(request),
            )
        )
        return True

    def proceed(self) -> None:
        """Send 100: a proxy gives up after some seconds without any response (:rfc:`3261#section-17.2.1`)."""
        if self.state is LegState.RINGING:
            self._server.respond(100)

    def ring(self) -> None:
        """Send 180, each minute again: proxies cancel a call of which they hear nothing for three."""
        if self.state is not LegState.RINGING:
            return
        request = self._server.request
        ringing = self._server.response(180)
        ringing.headers.add("Contact", self.ua.contact(self.account))
        ringing.headers.add("Allow", ALLOW)
        ringing.headers.add("Allow-Events", ALLOW_EVENTS)
        for route in request.headers.get_all("Record-Route"):
            ringing.headers.add("Record-Route", route)
        if not request.headers.has_option("Require", "100rel"):
            self._server.send(ringing)
        else:
            if self._ringing is None:
                self._ringing = ReliableRinging(self, self._server, int(self.ua.tokens.uniform(1, 2**30)))
            self._ringing.send(ringing)
        self.ua.layer.arm(self, "again", RING_INTERVAL)

    def _arm_expires(self, request: Request) -> None:
        """Let the invitation end when it says so (:rfc:`3261#section-13.3.1`)."""
        expires = seconds_of(request.headers.get("Expires"))
        if expires is not None:
            self.ua.layer.arm(self, "expires", expires)

    def on_timer(self, name: str) -> None:
        """Ring on, or end an invitation that has expired, or that no one takes."""
        match name:
            case "again":
                self.ring()
            case "expires":
                self._refuse(487, "", EndCause.FAILED, "invitation expired")
            case "ring":
                self._refuse(480, "", EndCause.FAILED, "no answer")
            case _:
                super().on_timer(name)

    # -- our answer

    def answer(self, sdp: str, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Accept with ``sdp``: the answer, or the offer when the INVITE had none; ``fields`` go into the 2xx."""
        if self.state is not LegState.RINGING:
            return
        self.state = LegState.ANSWERED
        self.local_sdp = sdp
        self.needs_recovery = not self.ua.layer.is_connected(self.flow)
        self._stop_ringing()
        self.dialog.state = DialogState.CONFIRMED
        response = self._server.response(200)
        for route in self._server.request.headers.get_all("Record-Route"):
            response.headers.add("Record-Route", route)
        self.complete_2xx(response, (*self.timer.response_fields(self._server.request), *fields), sdp)
        # An ACK that brings the answer of a third party may come when that party's own 64·T1 have just passed.
        grace = self.ua.layer.timers.t4 if self._offer is None else 0.0
        self._unacked = UnackedAnswer(
            self.ua.layer, self._server, response, self._acknowledged, self.ack_lost, grace=grace
        )
        replaced = self.ua.legs.get(self._replaced)
        if replaced is not None:
            self.ua.layer.touched.add(replaced.account_key)
            replaced.hang_up(('SIP;cause=200;text="replaced"',))

    def reject(self, code: int, reason: str, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Refuse the invitation; ``fields`` go into the response."""
        self._refuse(code, reason, EndCause.LOCAL, reason, fields)

    def _refuse(
        self, code: int, reason: str, cause: EndCause, told: str, fields: Iterable[tuple[str, str]] = ()
    ) -> None:
        if self.state is LegState.RINGING:
            self._stop_ringing()
            self._server.respond(code, reason or None, *fields)
            self.finish(cause, code, told)

    def prack_lost(self) -> None:
        """Refuse the call of a peer that never acknowledged the 180 it wanted to be reliable."""
        self._refuse(500, "No PRACK", EndCause.FAILED, "no PRACK came")

    def _stop_ringing(self) -> None:
        for name in ("expires", "ring", "again"):
            self.ua.layer.disarm(self, name)
        if self._ringing is not None:
            self._ringing.stop()

    def _acknowledged(self, ack: Request) -> None:
        self._unacked = None
        if self.state is LegState.CLOSING:
            self.say_bye(*self._ending, self._reasons)
            return
        self.state = LegState.ESTABLISHED
        sdp = ack.answer()
        if self._offer is None and sdp is None:
            reason = NO_ANSWER_IN_ACK
            self.terminate(EndCause.FAILED, 488, reason, f'SIP;cause=488;text="{reason}"')
            return
        self.ua.emit(CallConfirmed(self.id))
        if self._offer is None and sdp is not None:
            self.ua.emit(AnswerReceived(self.id, sdp))
        self.modification.proceed()

    def ack_lost(self) -> None:
        """
        End the call, or look whether the peer holds it all the same.

        When the connection was lost between our 2xx and its ACK, a re-INVITE tells which.
        """
        self._unacked = None
        if self.state is LegState.CLOSING:
            self.say_bye(*self._ending, self._reasons)
        elif self.state is LegState.ANSWERED and self.needs_recovery:
            self.state = LegState.ESTABLISHED
            self.ua.emit(CallConfirmed(self.id))
            self.recover()
        else:
            super().ack_lost()

    # -- the peer

    @property
    def awaits_answer(self) -> bool:
        """Return whether the answer to the offer in our 2xx is still to come, with the ACK."""
        return self._offer is None and self._unacked is not None

    def receive_ack(self, request: Request, dialog: Dialog) -> None:
        """Take the ACK to our 2xx, by the CSeq number of its INVITE."""
        if self._unacked is None or not self._unacked.receive(request):
            super().receive_ack(request, dialog)

    def receive_cancel(self, server: ServerRequest, cancel: Request) -> None:
        """Take the CANCEL of the invitation (:rfc:`3261#section-9.2`); it has no effect once we have answered."""
        if server is not self._server:
            super().receive_cancel(server, cancel)
        elif self.state is LegState.RINGING:
            self._stop_ringing()
            server.respond(487)
            self.finish(EndCause.REMOTE, 0, "", told_by(cancel))

    def receive_prack(self, server: ServerRequest) -> None:
        """Take the PRACK of our reliable 180 (:rfc:`3262#section-3`)."""
        if self._ringing is None or not self._ringing.acknowledged(server):
            server.respond(481)

    def receive_bye(self, server: ServerRequest) -> None:
        """Take a BYE, by which a caller may end an early dialog as well (:rfc:`3261#section-15`)."""
        if self.state is LegState.RINGING:
            self._stop_ringing()
            self._server.respond(487)
        super().receive_bye(server)

    # -- the end and the connection

    def hang_up(self, reasons: Iterable[str] = ()) -> None:
        """Refuse, or end what is answered; a BYE has to wait for the ACK (:rfc:`3261#section-15`)."""
        if self.state is LegState.RINGING:
            self.reject(486, "")
        elif self.state is LegState.ANSWERED:
            self.state = LegState.CLOSING
            self._reasons = tuple(reasons)
        else:
            super().hang_up(reasons)

    def finish(self, cause: EndCause, code: int = 0, reason: str = "", told: Told = NOTHING) -> None:
        """Stop repeating our 2xx, then end."""
        if self._unacked is not None:
            self._unacked.stop()
        super().finish(cause, code, reason, told)

    def recover(self) -> None:
        """Tell the peer the new way; when its ACK is missing, not before that has had its time over the new one."""
        if self.state is LegState.ANSWERED and self._unacked is not None and not self.awaits_answer:
            self._unacked.hurry()
        super().recover()

    def reconnected(self) -> None:
        """Send our 2xx again over the new connection."""
        if self._unacked is not None:
            self._unacked.resend()
        super().reconnected()


class ReliableRinging:
    """A 180 that the caller requires to be reliable: repeated until its PRACK comes (:rfc:`3262#section-3`)."""

    def __init__(self, leg: IncomingLeg, server: ServerRequest, rseq: int) -> None:
        self._leg = leg
        self._server = server
        self._layer = leg.ua.layer
        self._next_rseq = rseq
        self._rseq = 0
        self._response: Response | None = None
        self._pending = False
        self._interval = 0.0

    @property
    def account_key(self) -> str:
        """Return the key of the account."""
        return self._leg.account.key

    def snapshot(self) -> dict[str, object]:
        """Return plain data for :meth:`restore`."""
        return {
            "next_rseq": self._next_rseq,
            "rseq": self._rseq,
            "response": None if self._response is None else self._response.snapshot(),
            "pending": self._pending,
            "interval": self._interval,
        }

    @classmethod
    def restore(cls, leg: IncomingLeg, server: ServerRequest, data: Mapping[str, Any]) -> "ReliableRinging":
        """Return what :meth:`snapshot` was taken of; its deadlines are still to come."""
        ringing = cls(leg, server, data["next_rseq"])
        ringing._rseq, ringing._pending, ringing._interval = data["rseq"], data["pending"], data["interval"]
        ringing._response = None if data["response"] is None else Response.restore(data["response"])
        return ringing

    def send(self, response: Response) -> None:
        """Send a 180, unless the one before is still repeated (:rfc:`3262#section-3`)."""
        if self._pending:
            return
        self._rseq, self._next_rseq = self._next_rseq, self._next_rseq + 1
        response.headers.add("Require", "100rel")
        response.headers.add("RSeq", str(self._rseq))
        self._response = response
        self._pending = True
        self._interval = self._layer.timers.t1
        self._server.send(response)
        self._layer.arm(self, "resend", self._interval)
        self._layer.arm(self, "lost", 64 * self._layer.timers.t1)

    def acknowledged(self, server: ServerRequest) -> bool:
        """Take a PRACK, also one that comes behind our final response; False when no response waits for it."""
        rack = RAck.parse(server.request.headers.get("RAck") or "")
        invite = self._server.request.cseq
        if not self._pending or (rack.rseq, rack.cseq, rack.method) != (self._rseq, invite.number, "INVITE"):
            return False
        self._pending = False
        self.stop()
        server.respond(200)
        return True

    def stop(self) -> None:
        """End the repetition."""
        self._layer.disarm(self, "resend")
        self._layer.disarm(self, "lost")

    def on_timer(self, name: str) -> None:
        """Repeat the 180, or refuse the call of a peer that never acknowledges it."""
        if name == "lost":
            self._layer.disarm(self, "resend")
            self._leg.prack_lost()
            return
        if self._response is not None:
            self._server.send(self._response)
        self._interval *= 2
        self._layer.arm(self, "resend", self._interval)
