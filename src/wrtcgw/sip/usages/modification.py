"""
Changing an established session: re-INVITE and UPDATE, ours and the peer's (:rfc:`3261#section-14`, :rfc:`3311`).

At most one offer is under way in a dialog (:rfc:`3264#section-4`, :rfc:`6337#section-3`); what has to wait, waits in a
queue. The states::

    IDLE --ours--> LOCAL_OFFER --2xx, refusal--> IDLE
                      |    ^ 422 that can be met: sent again at once
        491, a recovery  |    |
        that is put off  v    | timer
                    GLARE_WAIT
    IDLE, GLARE_WAIT --theirs--> REMOTE_OFFER --our 2xx to a re-INVITE--> UNACKED --ACK, no ACK--> IDLE
                                  |   ^                                      | theirs, when our 2xx was an answer
                                  |   +--------------------------------------+
                                  | our refusal, their CANCEL, our 2xx to an UPDATE
                                  v
                                 IDLE

    theirs in LOCAL_OFFER, or in UNACKED when our 2xx was an offer: 491
    theirs in REMOTE_OFFER: 500
    ours in any state but IDLE: waits in the queue
    2xx to one of ours that was given up, in any state: acknowledged, and told if nothing else is under way
    the end of the call, in any state: IDLE, for good

Whenever IDLE is reached the next offer of the queue is sent. After a refusal of ours that is before its ACK has come,
which :rfc:`3261#section-14.1` would have us wait for: on one ordered connection the refusal arrives first.
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import define, field

from wrtcgw.sip.deadlines import TimerOwner
from wrtcgw.sip.delta import floored, seconds_of
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import (
    NO_ANSWER_IN_ACK,
    AnswerReceived,
    OfferAcceptedLate,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    OfferWithdrawn,
    SessionRefreshed,
)
from wrtcgw.sip.saving import Restoring, Saving
from wrtcgw.sip.transaction_layer import ClientRequest, LocalResponse, ServerRequest, Use
from wrtcgw.sip.usages.ack_wait import UnackedAnswer
from wrtcgw.sip.usages.headers_of_interest import told_by, why_no_answer
from wrtcgw.sip.usages.part import PartOf

if TYPE_CHECKING:
    from wrtcgw.sip.usages.leg import Leg

MAX_GLARE = 5
"""How often one offer of ours may meet 491 before it counts as refused."""

MAX_LATE = 3
"""How often in a row the peer may accept an offer when it was given up before the two sides are left at odds."""


class OfferState(Enum):
    """Whose offer is under way in the dialog."""

    IDLE = "idle"
    LOCAL_OFFER = "local offer"
    GLARE_WAIT = "glare wait"
    REMOTE_OFFER = "remote offer"
    UNACKED = "unacked"


class Purpose(Enum):
    """What a re-INVITE of ours is for: this decides who hears of its outcome."""

    REOFFER = "reoffer"
    """Asked for by the user of the core: a new description."""
    REFRESH = "refresh"
    """The session timer's: the description as it is."""
    RECOVERY = "recovery"
    """After a new connection: the description as it is, so that the peer learns the new way to us."""


TRYING = 0.2
"""Seconds after which an INVITE without an answer gets 100 (:rfc:`3261#section-17.2.1`)."""
TRANSIENT = frozenset((408, 480, 500, 503, 504))
"""Refusals of a recovery that say nothing about the call: it is tried again, and at last after the next REGISTER."""
MAX_PUT_OFF = 6
"""How often a recovery is tried again by itself."""
MAX_SILENCE = 3
"""
How often in a row a recovery may find nobody (408) before the call counts as lost (:rfc:`3261#section-12.2.1.2`): a
peer that has hung up meanwhile may answer no INVITE of that dialog any more.
"""
LONGEST_WAIT = 60
"""Seconds before it is tried again, at most, whatever the peer asks for."""


@define(eq=False)
class PendingOffer:
    """A re-INVITE of ours that is out, or waits."""

    purpose: Purpose
    sdp: str = field(default="", repr=False)
    """What to offer; but for a REOFFER, it is the description that is valid when the INVITE goes out."""
    glare: int = 0
    put_off: int = 0
    """How often a recovery was refused for the time being."""
    silence: int = 0
    """How often in a row that was because nobody was found (408)."""
    client: ClientRequest | None = None
    """None while it waits, and while it is being sent."""
    proceeding: bool = False
    """Whether a provisional response has come."""

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data for :meth:`restore`."""
        return {
            "purpose": self.purpose.value,
            "sdp": self.sdp,
            "glare": self.glare,
            "put_off": self.put_off,
            "silence": self.silence,
            "client": saving.clients.of(self.client),
            "proceeding": self.proceeding,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], restoring: Restoring) -> "PendingOffer":
        """Return the offer that :meth:`snapshot` was taken of."""
        client = restoring.client(data["client"])
        counts = data["glare"], data["put_off"], data["silence"]
        return cls(Purpose(data["purpose"]), data["sdp"], *counts, client, data["proceeding"])


class Modification(PartOf["Leg"]):
    """The offer/answer exchanges of one established leg."""

    def __init__(self, leg: "Leg") -> None:
        super().__init__(leg)
        self.state = OfferState.IDLE
        self._queue: deque[PendingOffer] = deque()
        self._current: PendingOffer | None = None
        self._given_up: ClientRequest | None = None
        self._late = 0
        self._server: ServerRequest | None = None
        self._unacked: UnackedAnswer | None = None
        self._before = ""

    @property
    def account_key(self) -> str:
        """Return the key of the account."""
        return self._leg.account.key

    def let_go(self) -> None:
        """Forget an offer that was given up, when nothing more comes for it; the call is over."""
        if self._given_up is not None and self._given_up.transaction is None:
            self._given_up = None

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data for :meth:`restore`: whose offer is open, what waits, and what may still be answered."""
        return {
            "state": self.state.value,
            "queue": [offer.snapshot(saving) for offer in self._queue],
            "current": None if self._current is None else self._current.snapshot(saving),
            "given_up": saving.clients.of(self._given_up),
            "late": self._late,
            "server": saving.servers.of(self._server),
            "unacked": None if self._unacked is None else self._unacked.snapshot(saving),
            "before": self._before,
        }

    def restore(self, data: Mapping[str, Any], restoring: Restoring) -> None:
        """Take what :meth:`snapshot` gave; the deadlines are still to come."""
        self.state = OfferState(data["state"])
        self._queue.extend(PendingOffer.restore(offer, restoring) for offer in data["queue"])
        if data["current"] is not None:
            self._current = PendingOffer.restore(data["current"], restoring)
        self._given_up = restoring.client(data["given_up"])
        self._late, self._before = data["late"], data["before"]
        self._server = restoring.server(data["server"])
        if data["unacked"] is not None:
            layer = self._leg.ua.layer
            self._unacked = UnackedAnswer.restore(layer, data["unacked"], restoring, self._acknowledged, self._ack_lost)

    @property
    def timed(self) -> dict[str, TimerOwner | None]:
        """Return what has deadlines, by name."""
        return {"offers": self, "offer unacked": self._unacked}

    @property
    def busy(self) -> bool:
        """Return whether an offer is under way or waiting."""
        return self.state is not OfferState.IDLE or bool(self._queue)

    @property
    def update_pending(self) -> bool:
        """Return whether an UPDATE of the peer waits for its answer."""
        return self._pending("UPDATE") is not None

    def _pending(self, method: str) -> ServerRequest | None:
        """Return the request with the peer's offer if it waits for its answer and is of that method."""
        server = self._server if self.state is OfferState.REMOTE_OFFER else None
        return server if server is not None and server.request.method == method else None

    @property
    def recovers(self) -> bool:
        """Return whether a recovery is under way or to come."""
        current = self._current
        return self._recovers or (current is not None and current.purpose is Purpose.RECOVERY)

    @property
    def _recovers(self) -> bool:
        """Return whether a recovery is to come."""
        return self._leg.needs_recovery or any(offer.purpose is Purpose.RECOVERY for offer in self._queue)

    # -- ours

    def reoffer(self, sdp: str) -> None:
        """Offer a new description, as soon as nothing else is under way."""
        self._enqueue(PendingOffer(Purpose.REOFFER, sdp))

    def refresh(self) -> None:
        """Repeat the present description for the session timer."""
        self._enqueue(PendingOffer(Purpose.REFRESH))

    def recover(self) -> None:
        """Repeat the present description over a new connection (once, however often the connection came back)."""
        if not any(offer.purpose is Purpose.RECOVERY for offer in self._queue):
            self._enqueue(PendingOffer(Purpose.RECOVERY))
        if self._unacked is not None and not self._awaits_answer_in_ack:
            self._unacked.hurry()

    def _enqueue(self, offer: PendingOffer) -> None:
        self._queue.append(offer)
        self.proceed()

    def proceed(self) -> None:
        """Send the next waiting offer if the dialog is free for it."""
        if self.state is OfferState.IDLE and self._queue and self._leg.established:
            self._send(self._queue.popleft())

    def _send(self, offer: PendingOffer) -> None:
        leg = self._leg
        self.state = OfferState.LOCAL_OFFER
        self._current = offer
        if offer.purpose is not Purpose.REOFFER:
            offer.sdp = leg.local_sdp
        if offer.purpose is Purpose.RECOVERY:
            self._acknowledge_unheard()
        fields = leg.timer.request_fields()
        leg.add_capabilities(fields)
        offer.client = None
        client = leg.send("INVITE", Use.OFFER, fields, offer.sdp, "application/sdp")
        offer.client = client

    def _acknowledge_unheard(self) -> None:
        """
        Acknowledge a 2xx that may have gone the way that was lost.

        A peer that has accepted our last offer takes no other one (500) before that has its ACK, and ends the call
        when none comes. Who has not accepted it drops an ACK that it does not expect.
        """
        client, leg = self._given_up, self._leg
        if client is not None and client.ack is None:
            leg.ua.acknowledge(leg.dialog, client.request, leg.account_key)

    def take_response(self, client: ClientRequest, response: Response) -> None:
        """Take a response to a re-INVITE, which may be one of earlier."""
        current = self._current
        offer = current if current is not None and current.client in (None, client) else None
        if response.status < 200:
            self._provisional(offer)
            return
        if response.status < 300:
            self._acknowledge(client, response)
        if offer is None:
            return
        self.state = OfferState.IDLE
        self._current = None
        self._leg.ua.layer.disarm(self, "answer")
        if response.status < 300:
            self._accepted(offer, response)
        elif response.status == 491 and offer.glare < MAX_GLARE:
            self._wait_after_glare(offer)
            return
        elif _is_put_off(offer, response):
            offer.silence = offer.silence + 1 if response.status == 408 else 0
            if offer.silence == MAX_SILENCE:
                self._leg.dialog_gone(response)
            else:
                self._put_off(offer, client, response)
            return
        elif response.status == 422 and self._leg.timer.too_small(response):
            self._queue.appendleft(offer)
        else:
            self._refused(offer, client, response)
        self.proceed()

    def _provisional(self, offer: PendingOffer | None) -> None:
        """Wait for an answer as long as without a provisional response; a proxy's 100 must not make it for ever."""
        layer = self._leg.ua.layer
        if offer is not None and not offer.proceeding:
            offer.proceeding = True
            layer.arm(self, "answer", 64 * layer.timers.t1)

    def _acknowledge(self, client: ClientRequest, response: Response) -> None:
        """Acknowledge a 2xx, each copy of it with the same ACK (:rfc:`3261#section-13.2.2.4`)."""
        leg = self._leg
        if client.ack is not None:
            leg.ua.layer.send(leg.dialog.flow, client.ack, leg.account_key)
        else:
            leg.dialog.learn(response)
            client.ack = leg.ua.acknowledge(leg.dialog, client.request, leg.account_key)

    def _accepted(self, offer: PendingOffer, response: Response) -> None:
        leg = self._leg
        leg.timer.refreshed(response)
        leg.peer.heed(response)
        sdp = response.answer()
        if sdp is None:
            if offer.purpose is Purpose.REOFFER:
                leg.ua.emit(OfferRefused(leg.id, 488, why_no_answer(response)))
        elif offer.purpose is Purpose.REOFFER:
            leg.local_sdp, self._late = offer.sdp, 0
            leg.ua.emit(OfferAnswered(leg.id, sdp))
        else:
            after_loss = offer.purpose is Purpose.RECOVERY
            leg.is_confirmed = leg.is_confirmed or after_loss
            leg.ua.emit(SessionRefreshed(leg.id, sdp, after_loss))

    def accepted_late(self, response: Response) -> bool:
        """
        Take a 2xx to the last offer that was given up: without an ACK the peer would end the call.

        :returns: False when the response is none.
        """
        client, leg = self._given_up, self._leg
        if client is None or response.status // 100 != 2 or response.cseq != client.request.cseq:
            return False
        first = client.ack is None
        self._acknowledge(client, response)
        if first and leg.established and not self.busy:
            self._late += 1
            if self._late <= MAX_LATE:
                leg.ua.emit(OfferAcceptedLate(leg.id))
            else:
                detail = (
                    f"call {leg.id}: accepts every re-INVITE too late; what the call is now is left to the next one"
                )
                leg.ua.layer.fault(leg.dialog.flow, detail)
        return True

    def _refused(self, offer: PendingOffer, client: ClientRequest, response: Response) -> None:
        leg = self._leg
        if isinstance(response, LocalResponse):
            self._given_up = client
        if offer.purpose is Purpose.REOFFER:
            leg.ua.emit(OfferRefused(leg.id, response.status, response.reason, *told_by(response)))
        if response.status == 481:
            leg.dialog_gone(response)
        elif offer.purpose is Purpose.REFRESH:
            leg.timer.refreshed(response)
        elif offer.purpose is Purpose.RECOVERY and response.status in TRANSIENT:
            leg.needs_recovery = True

    def _wait_after_glare(self, offer: PendingOffer) -> None:
        """Wait as :rfc:`3261#section-14.1` says: longer for the owner of the Call-ID, in steps of 10 ms."""
        offer.glare += 1
        low, high = (2.1, 4.0) if self._leg.owns_call_id else (0.0, 2.0)
        self.state = OfferState.GLARE_WAIT
        self._queue.appendleft(offer)
        self._leg.ua.layer.arm(self, "glare", round(self._leg.ua.tokens.uniform(low, high), 2))

    def _put_off(self, offer: PendingOffer, client: ClientRequest, response: Response) -> None:
        """Wait for as long as the peer asks, or each time longer, before a recovery is tried again."""
        if isinstance(response, LocalResponse):
            self._given_up = client
        offer.put_off += 1
        asked = seconds_of(response.headers.get("Retry-After"))
        wait = floored(2.0**offer.put_off if asked is None else float(asked))
        self.state = OfferState.GLARE_WAIT
        self._queue.appendleft(offer)
        self._leg.ua.layer.arm(self, "glare", min(wait, LONGEST_WAIT))

    def on_timer(self, name: str) -> None:
        """End the wait after a glare, take back an offer that no one answers, or say that ours takes some time."""
        if name == "trying":
            invite = self._pending("INVITE")
            if invite is not None:
                invite.respond(100)
        elif name == "answer":
            if self._current is not None and self._current.client is not None:
                self._current.client.cancel()
        else:
            self.state = OfferState.IDLE
            self.proceed()

    # -- theirs

    def receive_offer(self, server: ServerRequest) -> None:
        """Take a re-INVITE, or an UPDATE with a description (:rfc:`3261#section-14.2`, :rfc:`3311#section-5.2`)."""
        leg = self._leg
        if self.state is OfferState.LOCAL_OFFER or self._awaits_answer_in_ack:
            server.respond(491)
            return
        if self.state is OfferState.REMOTE_OFFER:
            server.respond(500, None, ("Retry-After", str(int(leg.ua.tokens.uniform(0, 10)))))
            return
        if leg.timer.refuses(server):
            return
        leg.dialog.learn(server.request)
        leg.ua.layer.disarm(self, "glare")
        self._stop_repeating()  # who sends the next INVITE has got our 2xx to the last one, its ACK is late or lost
        self.state = OfferState.REMOTE_OFFER
        self._server = server
        if server.request.method == "INVITE":
            leg.ua.layer.arm(self, "trying", TRYING)
        leg.peer.heed(server.request)
        leg.ua.emit(OfferReceived(leg.id, server.request.sdp()))

    @property
    def _awaits_answer_in_ack(self) -> bool:
        return self.state is OfferState.UNACKED and self._server is not None and self._server.request.sdp() is None

    def answer(self, sdp: str) -> None:
        """Accept the peer's offer with ``sdp``; nothing happens when it was withdrawn meanwhile."""
        server = self._server
        if self.state is not OfferState.REMOTE_OFFER or server is None:
            return
        leg = self._leg
        response = server.response(200)
        leg.complete_2xx(response, leg.timer.response_fields(server.request), sdp)
        self._before, leg.local_sdp = leg.local_sdp, sdp
        if server.request.method == "UPDATE":
            self.state = OfferState.IDLE
            server.send(response)
            self.proceed()
            return
        self.state = OfferState.UNACKED
        self._unacked = UnackedAnswer(leg.ua.layer, server, response, self._acknowledged, self._ack_lost)

    def reject(self, code: int) -> None:
        """Refuse the peer's offer; the session goes on as it was."""
        if self.state is OfferState.REMOTE_OFFER and self._server is not None:
            self.state = OfferState.IDLE
            self._server.respond(code)
            self.proceed()

    def cancelled(self, server: ServerRequest) -> None:
        """Take the CANCEL of a re-INVITE; it has no effect on one that is answered (:rfc:`3261#section-9.2`)."""
        if self._server is server and self.state is OfferState.REMOTE_OFFER:
            self._leg.ua.emit(OfferWithdrawn(self._leg.id))
            self.reject(487)

    def receive_ack(self, request: Request) -> bool:
        """Take an ACK; False when it is not for our last 2xx."""
        return self._unacked is not None and self._unacked.receive(request)

    def _acknowledged(self, ack: Request) -> None:
        leg = self._leg
        offered = self._awaits_answer_in_ack
        self.state = OfferState.IDLE
        self._unacked = None
        sdp = ack.answer()
        if offered and sdp is not None:
            leg.ua.emit(AnswerReceived(leg.id, sdp))
        elif offered:
            leg.local_sdp = self._before
            leg.ua.emit(OfferRefused(leg.id, 488, NO_ANSWER_IN_ACK))
        self._before = ""
        self.proceed()

    def _ack_lost(self) -> None:
        """End the call, unless the connection was lost meanwhile: then the recovery tells whether the peer holds it."""
        self.state = OfferState.IDLE
        self._unacked = None
        if self._recovers:
            self.proceed()
        else:
            self._leg.ack_lost()

    def _stop_repeating(self) -> None:
        if self._unacked is not None:
            self._unacked.stop()
            self._unacked = None

    # -- the connection and the end

    def reconnected(self) -> None:
        """Send an unacknowledged 2xx again over the new connection."""
        if self._unacked is not None:
            self._unacked.resend()

    def stop(self) -> None:
        """Let go of everything: the leg is over. A re-INVITE that waits for its answer gets 487."""
        self._queue.clear()
        for name in ("glare", "answer", "trying"):
            self._leg.ua.layer.disarm(self, name)
        self._stop_repeating()
        if self.state is OfferState.REMOTE_OFFER and self._server is not None:
            self._server.respond(487)
        if self._current is not None and self._current.client is not None:
            self._current.client.expire()
        self._current = None
        self._before = ""
        self.state = OfferState.IDLE


def _is_put_off(offer: PendingOffer, response: Response) -> bool:
    """Return whether a recovery is to be tried again over the connection that is up."""
    lost = isinstance(response, LocalResponse) and response.status != 408
    transient = response.status in TRANSIENT and not lost
    return offer.purpose is Purpose.RECOVERY and transient and offer.put_off < MAX_PUT_OFF
