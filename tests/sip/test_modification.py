"""re-INVITEs of ours, and the figure of the offer/answer states walked event by event."""

from collections.abc import Callable
from itertools import product

from tests.support.corecase import HELD, THEIRS, CoreCase, FarCall
from tests.support.corepair import ANSWER, OFFER
from wrtcgw.sip.outputs import (
    CallEnded,
    EndCause,
    OfferAcceptedLate,
    OfferAnswered,
    OfferRefused,
    PeerFault,
    SessionRefreshed,
)
from wrtcgw.sip.usages.modification import MAX_LATE, OfferState

IDLE, LOCAL, WAIT, REMOTE, UNACKED = OfferState

FIGURE = {
    # event: the state after it, from IDLE, LOCAL_OFFER, GLARE_WAIT, REMOTE_OFFER, UNACKED
    "ours": (LOCAL, LOCAL, WAIT, REMOTE, UNACKED),
    "100": (IDLE, LOCAL, WAIT, REMOTE, UNACKED),
    "200": (IDLE, IDLE, WAIT, REMOTE, UNACKED),
    "488": (IDLE, IDLE, WAIT, REMOTE, UNACKED),
    "491": (IDLE, WAIT, WAIT, REMOTE, UNACKED),
    "422 of use": (IDLE, LOCAL, WAIT, REMOTE, UNACKED),
    "422 of no use": (IDLE, IDLE, WAIT, REMOTE, UNACKED),
    "no answer": (IDLE, IDLE, LOCAL, REMOTE, None),
    "connection lost": (IDLE, IDLE, WAIT, REMOTE, UNACKED),
    "wait over": (IDLE, LOCAL, LOCAL, REMOTE, UNACKED),
    "theirs": (REMOTE, LOCAL, REMOTE, REMOTE, REMOTE),
    "theirs without offer": (REMOTE, LOCAL, REMOTE, REMOTE, REMOTE),
    "their UPDATE": (REMOTE, LOCAL, REMOTE, REMOTE, REMOTE),
    "their refresh": (IDLE, LOCAL, WAIT, REMOTE, UNACKED),
    "our answer": (IDLE, LOCAL, WAIT, UNACKED, UNACKED),
    "our refusal": (IDLE, LOCAL, WAIT, IDLE, UNACKED),
    "their CANCEL": (IDLE, LOCAL, WAIT, IDLE, UNACKED),
    "ACK": (IDLE, LOCAL, WAIT, REMOTE, IDLE),
    "their BYE": (None, None, None, None, None),
    "our BYE": (None, None, None, None, None),
}
"""A hand-made copy of the figure in the module, row by row; None is the end of the call."""


class FigureTests(CoreCase):
    """Each event in each state."""

    def bring_to(self, state: OfferState) -> FarCall:
        """Establish a call and bring it into that state."""
        call = self.call_out()
        match state:
            case OfferState.LOCAL_OFFER:
                self.reoffer(call)
            case OfferState.GLARE_WAIT:
                self.respond(self.reoffer(call), 491)
            case OfferState.REMOTE_OFFER:
                call.reinvite(THEIRS)
            case OfferState.UNACKED:
                call.reinvite(THEIRS)
                self.answer_offer(call)
        self.assertIs(self.offer_state(call), state)
        return call

    def happen(self, event: str, call: FarCall) -> None:
        """Let an event happen."""
        if event in ("100", "200", "488", "491"):
            self.respond(self.last("INVITE"), int(event), ANSWER if event == "200" else "")
            return
        leg, core = call.leg, self.core
        events: dict[str, Callable[[], object]] = {
            "ours": lambda: self.do(core.reoffer, leg, OFFER),
            "422 of use": lambda: self.respond(self.last("INVITE"), 422, "", [("Min-SE", "3600")]),
            "422 of no use": lambda: self.respond(self.last("INVITE"), 422, "", [("Min-SE", "60")]),
            "no answer": lambda: self.advance(32),
            "connection lost": self.disconnect,
            "wait over": lambda: self.advance(4),
            "theirs": lambda: call.send("INVITE", THEIRS),
            "theirs without offer": lambda: call.send("INVITE"),
            "their UPDATE": lambda: call.send("UPDATE", THEIRS),
            "their refresh": lambda: call.send("UPDATE"),
            "our answer": lambda: self.answer_offer(call),
            "our refusal": lambda: self.do(core.reject_offer, leg, 488),
            "their CANCEL": lambda: call.cancel() if call.invite is not None else None,
            "ACK": lambda: call.ack() if call.invite is not None else None,
            "their BYE": call.bye,
            "our BYE": lambda: self.do(core.hangup, leg),
        }
        events[event]()

    def test_all_pairs(self) -> None:
        """Every event in every state leads where the figure says, and the call can be ended after it."""
        for event, state in product(FIGURE, OfferState):
            with self.subTest(event=event, state=state.value):
                self.start()
                expected = FIGURE[event][list(OfferState).index(state)]
                call = self.bring_to(state)
                self.happen(event, call)
                if event == "our BYE":
                    self.answer_byes()
                leg = self.core._legs.get(call.leg)
                if event == "no answer" and state is UNACKED:
                    self.assertEqual(len(self.sent("BYE")), 1)
                elif expected is None:
                    self.assertIsNone(leg)
                else:
                    self.assertIs(self.offer_state(call), expected)
                self.end_all()
                self.check_nothing_left()


class OurOfferTests(CoreCase):
    """re-INVITEs of ours."""

    def test_accepted(self) -> None:
        """A re-INVITE carries the description, our Contact and what we can do; its answer is told, and acknowledged."""
        call = self.call_out()
        first = self.last("INVITE")
        invite = self.reoffer(call)
        self.assertEqual(invite.body, HELD)
        self.assertEqual(invite.cseq.number, first.cseq.number + 1)
        self.assertEqual(invite.uri, "sip:far@192.0.2.7")
        self.assertEqual(invite.headers.get("Contact"), "<sip:alice@gw.invalid;transport=ws;ob>")
        for name in ("Supported", "Allow", "Allow-Events", "Session-Expires", "Min-SE"):
            self.assertIn(name, invite.headers)
        self.respond(invite, 100)
        self.respond(invite, 200, THEIRS)
        self.assertEqual(self.of(OfferAnswered), [OfferAnswered(call.leg, THEIRS)])
        ack = self.last("ACK")
        self.assertEqual(ack.cseq.number, invite.cseq.number)
        self.assertNotEqual(ack.via.branch, invite.via.branch)

    def test_new_target(self) -> None:
        """The Contact of a 2xx is where the ACK and all that follows goes (RFC 3261 section 12.2.1.2)."""
        call = self.call_out()
        invite = self.reoffer(call)
        self.respond(invite, 200, THEIRS, [("Contact", "<sip:moved@192.0.2.8>")], contact=False)
        self.assertEqual(self.last("ACK").uri, "sip:moved@192.0.2.8")
        self.assertEqual(self.reoffer(call, OFFER).uri, "sip:moved@192.0.2.8")

    def test_retransmitted_2xx(self) -> None:
        """Each copy of a 2xx gets the same ACK, byte for byte, and is told of once (RFC 3261 section 13.2.2.4)."""
        call = self.call_out()
        invite = self.reoffer(call)
        for _ in range(3):
            self.respond(invite, 200, THEIRS)
        acks = [ack.to_text() for ack in self.sent("ACK") if ack.cseq.number == invite.cseq.number]
        self.assertEqual(len(acks), 3)
        self.assertEqual(len(set(acks)), 1)
        self.assertEqual(len(self.of(OfferAnswered)), 1)

    def test_retransmitted_2xx_during_the_next_offer(self) -> None:
        """A copy of an old 2xx is no answer to the offer that is out now, and gets its own ACK."""
        call = self.call_out()
        first = self.reoffer(call)
        self.respond(first, 200, THEIRS)
        second = self.reoffer(call, OFFER)
        self.respond(first, 200, THEIRS)
        self.assertEqual(self.last("ACK").cseq.number, first.cseq.number)
        self.assertEqual(len(self.of(OfferAnswered)), 1)
        self.assertIs(self.offer_state(call), LOCAL)
        self.respond(second, 200, ANSWER)
        self.assertEqual(self.last("ACK").cseq.number, second.cseq.number)
        self.assertEqual(self.of(OfferAnswered)[-1], OfferAnswered(call.leg, ANSWER))

    def test_retransmitted_2xx_to_the_first_invite(self) -> None:
        """A copy of the 2xx that made the call is acknowledged as before while a re-INVITE is out."""
        call = self.call_out()
        first = self.last("INVITE")
        self.reoffer(call)
        self.respond(first, 200, ANSWER)
        self.assertEqual(self.last("ACK").cseq.number, first.cseq.number)
        self.assertIs(self.offer_state(call), LOCAL)

    def test_2xx_without_description(self) -> None:
        """A 2xx without an answer is acknowledged, and counts as a refusal."""
        call = self.call_out()
        self.respond(self.reoffer(call), 200)
        self.assertEqual(len(self.sent("ACK")), 2)
        self.assertEqual(self.of(OfferRefused)[0].code, 488)
        self.assertEqual(self.local_sdp(call), OFFER)

    def test_refresh_without_description(self) -> None:
        """Nothing is told of a 2xx without a description to a refresh."""
        self.call_out((("Session-Expires", "1800;refresher=uac"),))
        self.advance(900)
        self.respond(self.last("INVITE"), 200)
        self.assertEqual(len(self.sent("ACK")), 2)
        self.assertEqual(self.of(SessionRefreshed) + self.of(OfferRefused), [])

    def test_malformed_contact(self) -> None:
        """A 2xx whose Contact cannot be read is acknowledged all the same, and the dialog stays usable."""
        call = self.call_out()
        invite = self.reoffer(call)
        self.respond(invite, 200, THEIRS, [("Contact", "<<<")], contact=False)
        self.assertEqual(self.last("ACK").cseq.number, invite.cseq.number)
        self.assertIs(self.offer_state(call), IDLE)
        self.assertEqual(len(self.of(OfferAnswered)) + len(self.of(OfferRefused)), 1)

    def test_malformed_interval(self) -> None:
        """A 2xx whose Session-Expires cannot be read is an answer like any other."""
        call = self.call_out()
        self.respond(self.reoffer(call), 200, THEIRS, [("Session-Expires", "soon")])
        self.assertEqual(len(self.of(OfferAnswered)), 1)

    def test_refused(self) -> None:
        """A refusal is told with its code, and the description stays what it was (RFC 3261 section 14.1)."""
        for code in (400, 403, 408, 415, 480, 488, 500, 503, 603):
            with self.subTest(code=code):
                call = self.call_out()
                self.respond(self.reoffer(call), code)
                self.assertEqual(self.of(OfferRefused)[-1].code, code)
                self.assertEqual(self.local_sdp(call), OFFER)
                self.assertEqual(self.of(CallEnded), [])
                self.respond(self.reoffer(call), 200, THEIRS)
                self.assertEqual(self.local_sdp(call), HELD)

    def test_no_such_dialog(self) -> None:
        """481 to a re-INVITE ends the call, after the refusal was told (RFC 3261 section 12.2.1.2)."""
        call = self.call_out()
        self.respond(self.reoffer(call), 481)
        self.assertEqual([type(event) for event in self.events[-2:]], [OfferRefused, CallEnded])
        self.assertEqual(self.of(CallEnded)[0].cause, EndCause.FAILED)
        self.assertEqual(self.core.legs, 0)

    def test_challenged(self) -> None:
        """A challenge to a re-INVITE is answered, and the ACK carries the credentials and the new CSeq number."""
        call = self.call_out()
        challenge = ("Proxy-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
        first = self.reoffer(call)
        self.respond(first, 407, "", [challenge])
        second = self.last("INVITE")
        self.assertEqual(second.cseq.number, first.cseq.number + 1)
        self.respond(second, 200, THEIRS)
        ack = self.last("ACK")
        self.assertEqual(ack.cseq.number, second.cseq.number)
        self.assertIn("Proxy-Authorization", ack.headers)

    def test_silence(self) -> None:
        """A re-INVITE that gets no response at all is refused with 408 after 64·T1; the call goes on (report A12)."""
        call = self.call_out()
        self.reoffer(call)
        self.advance(31.9)
        self.assertEqual(self.of(OfferRefused), [])
        self.advance(0.2)
        self.assertEqual(self.of(OfferRefused)[0].code, 408)
        self.assertEqual(self.of(CallEnded), [])

    def test_silence_after_100(self) -> None:
        """A proxy's 100 does not make the wait endless: the re-INVITE is cancelled, and 487 is the answer."""
        call = self.call_out()
        invite = self.reoffer(call)
        self.advance(1)
        self.respond(invite, 100)
        self.advance(20)
        self.respond(invite, 180)
        self.advance(11.9)
        self.assertEqual(self.sent("CANCEL"), [])
        self.advance(0.2)
        cancel = self.last("CANCEL")
        self.assertEqual(cancel.via.branch, invite.via.branch)
        self.assertEqual(cancel.cseq.number, invite.cseq.number)
        self.respond(cancel, 200)
        self.respond(invite, 487)
        self.assertEqual(self.of(OfferRefused)[0].code, 487)
        self.assertIs(self.offer_state(call), IDLE)

    def test_answer_crosses_cancel(self) -> None:
        """A 2xx that comes after our CANCEL is an answer like any other (RFC 3261 section 9.1)."""
        call = self.call_out()
        invite = self.reoffer(call)
        self.respond(invite, 100)
        self.advance(33)
        self.respond(invite, 200, THEIRS)
        self.assertEqual(self.of(OfferAnswered), [OfferAnswered(call.leg, THEIRS)])
        self.respond(self.last("CANCEL"), 200)

    def test_silence_after_cancel(self) -> None:
        """A far side that does not even answer the CANCEL does not block the call for ever."""
        call = self.call_out()
        self.respond(self.reoffer(call), 100)
        self.advance(65)
        self.assertEqual(self.of(OfferRefused)[0].code, 408)
        self.respond(self.reoffer(call), 200, THEIRS)
        self.assertEqual(len(self.of(OfferAnswered)), 1)

    def test_accepted_late(self) -> None:
        """A 2xx to an offer that was given up is acknowledged, each copy with the same ACK, and told once."""
        for provisional, wait in ((False, 33), (True, 65)):
            self.start()
            call = self.call_out()
            invite = self.reoffer(call)
            if provisional:
                self.respond(invite, 100)
            self.advance(wait)
            self.assertEqual(self.of(OfferRefused)[0].code, 408)
            acks = len(self.sent("ACK"))
            for _ in range(2):
                self.respond(invite, 200, THEIRS)
            first, second = self.sent("ACK")[acks:]
            self.assertEqual((first.to_text(), first.cseq.number), (second.to_text(), invite.cseq.number))
            self.assertEqual(self.of(OfferAcceptedLate), [OfferAcceptedLate(call.leg)])
            self.assertEqual((self.local_sdp(call), self.of(PeerFault)), (OFFER, []))
            self.end_all()
            self.check_nothing_left()

    def test_accepted_late_for_ever(self) -> None:
        """A far side that is late each time is not offered the same each time: after a few it is only reported."""
        call = self.call_out()
        for _ in range(MAX_LATE + 2):
            invite = self.reoffer(call)
            self.advance(33)
            self.respond(invite, 200, THEIRS)
        self.assertEqual(len(self.of(OfferAcceptedLate)), MAX_LATE)
        self.assertEqual([call.leg in fault.detail for fault in self.of(PeerFault)], [True, True])
        self.respond(self.reoffer(call), 200, THEIRS)
        invite = self.reoffer(call)
        self.advance(33)
        self.respond(invite, 200, THEIRS)
        self.assertEqual(len(self.of(OfferAcceptedLate)), MAX_LATE + 1)

    def test_accepted_late_behind_another(self) -> None:
        """While another offer is under way nothing is told: that one settles it; a refusal that is late is dropped."""
        call = self.call_out()
        first = self.reoffer(call)
        self.advance(33)
        self.respond(first, 488)
        self.assertEqual(len(self.of(PeerFault)), 1)
        second = self.reoffer(call)
        self.respond(first, 200, THEIRS)
        self.assertEqual(self.last("ACK").cseq.number, first.cseq.number)
        self.respond(second, 200, THEIRS)
        self.assertEqual((self.of(OfferAcceptedLate), len(self.of(OfferAnswered))), ([], 1))

    def test_connection_lost(self) -> None:
        """An offer whose connection is lost counts as refused, and the description stays what it was."""
        call = self.call_out()
        self.reoffer(call)
        self.disconnect()
        self.assertEqual(self.of(OfferRefused)[0].code, 503)
        self.assertEqual(self.local_sdp(call), OFFER)
        self.assertEqual(self.of(CallEnded), [])

    def test_while_disconnected(self) -> None:
        """An offer while there is no connection is refused at once."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.reoffer, call.leg, HELD)
        self.assertEqual(self.of(OfferRefused)[0].code, 503)

    def test_queue(self) -> None:
        """Offers that come while one is out go out one after the other, in order."""
        call = self.call_out()
        first = self.reoffer(call, HELD)
        self.do(self.core.reoffer, call.leg, OFFER)
        self.do(self.core.reoffer, call.leg, THEIRS)
        self.assertIs(self.last("INVITE"), first)
        self.respond(first, 488)
        second = self.last("INVITE")
        self.assertEqual(second.body, OFFER)
        self.respond(second, 200, ANSWER)
        third = self.last("INVITE")
        self.assertEqual(third.body, THEIRS)
        self.respond(third, 200, ANSWER)
        self.assertEqual(len(self.of(OfferAnswered)), 2)
        self.assertEqual(self.local_sdp(call), THEIRS)

    def test_before_the_call_is_answered(self) -> None:
        """An offer for a call that still rings waits for its answer."""
        call = self.ring_in()
        self.do(self.core.reoffer, call.leg, HELD)
        self.do(self.core.answer, call.leg, ANSWER)
        self.assertEqual(self.sent("INVITE"), [])
        call.ack()
        self.assertEqual(self.last("INVITE").body, HELD)
        self.respond(self.last("INVITE"), 200, OFFER)
        self.assertEqual(len(self.of(OfferAnswered)), 1)

    def test_hang_up_meanwhile(self) -> None:
        """A BYE of ours ends an offer that is out; its late answer is acknowledged and otherwise ignored."""
        call = self.call_out()
        invite = self.reoffer(call)
        self.respond(invite, 100)
        self.do(self.core.hangup, call.leg)
        self.respond(self.last("BYE"), 200)
        self.respond(invite, 200, THEIRS)
        self.assertEqual(self.last("ACK").cseq.number, invite.cseq.number)
        self.assertEqual(self.of(OfferAnswered), [])
        self.assertIsInstance(self.events[-1], CallEnded)

    def test_their_bye_meanwhile(self) -> None:
        """The peer's BYE ends an offer that is out, also when no final response ever follows."""
        for response in (0, 100, 487):
            with self.subTest(response=response):
                call = self.call_out()
                invite = self.reoffer(call)
                if response == 100:
                    self.respond(invite, 100)
                bye = call.bye()
                self.assertEqual(self.answers(bye), [200])
                if response == 487:
                    self.respond(invite, 487)
                self.advance(40)
                self.assertEqual(self.core.transactions, 0)
                self.assertIsInstance(self.events[-1], CallEnded)
