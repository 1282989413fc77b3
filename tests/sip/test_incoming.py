"""Calls that come to us: ringing, our answer, our refusal, the peer's CANCEL."""

from tests.support.corecase import FarCall
from tests.support.corepair import ANSWER, OFFER
from tests.support.script import LIMIT, IncomingCase
from wrtcgw.sip.headers import Reason
from wrtcgw.sip.outputs import (
    CallConfirmed,
    CallEnded,
    CallReceived,
    ControlReceived,
    EndCause,
    InfoReceived,
)


class RingTests(IncomingCase):
    """From the INVITE to the answer."""

    def test_received(self) -> None:
        """180 goes out with our tag, our Contact and the Record-Routes; the event tells all there is to know."""
        fields = [
            ("Record-Route", "<sip:p1;lr>"),
            ("Record-Route", "<sip:p2;lr>"),
            ("P-Asserted-Identity", '"Boss" <sip:boss@example.org>, <tel:+1>'),
            ("X-Genesys-CallUUID", "u1"),
            ("Referred-By", "<sip:r@example.org>"),
            ("Call-Info", "<sip:x>;answer-after=3"),
        ]
        call = self.ring_in(fields=fields)
        assert call.invite is not None
        ringing = self.answer_to(call.invite)
        self.assertEqual(
            (ringing.status, ringing.headers.get_all("Record-Route")), (180, ["<sip:p1;lr>", "<sip:p2;lr>"])
        )
        self.assertEqual(ringing.headers.get("Contact"), "<sip:alice@gw.invalid;transport=ws;ob>")
        event = self.received()
        self.assertEqual((event.account, event.leg, event.offer), ("alice", call.leg, OFFER))
        self.assertEqual(event.caller.display_name, "Boss")
        self.assertEqual(str(event.called.uri), "sip:alice@example.org")
        self.assertEqual((event.auto_answer, event.uuid, event.referred_by), (3.0, "u1", "<sip:r@example.org>"))
        self.assertIsNone(event.replaces)

    def test_refused_before_it_rings(self) -> None:
        """A call that is refused in place of ringing has one response, the refusal, with the tag of no dialog left."""
        self.rings = False
        for fields in ([], [("Require", "100rel")]):
            call = FarCall(self, f"busy{len(fields)}", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
            invite = call.reinvite(OFFER, fields)
            self.assertEqual(self.answers(invite), [])
            self.do(self.core.reject, self.received().leg, 486, "")
            self.assertEqual(self.answers(invite), [486])
            call.remote = self.answer_to(invite).headers.get("To") or ""
            call.ack_refusal()
            self.assertEqual(self.answers(call.send("NOTIFY", "", [("Event", "talk")])), [481])

    def test_answered_without_ringing(self) -> None:
        """A call may be answered at once; ringing after that, or for a call that we placed, sends nothing."""
        self.rings = False
        call = FarCall(self, "quick", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        invite = call.reinvite(OFFER)
        call.leg = self.received().leg
        self.calls.append(call)
        self.answer(call)
        self.assertEqual(self.answers(invite), [200])
        call.remote = self.answer_to(invite).headers.get("To") or ""
        call.ack()
        self.silent(lambda: self.do(self.core.ring, call.leg))
        placed = self.place()
        self.silent(lambda: self.do(self.core.ring, placed.leg))

    def test_caller(self) -> None:
        """Without an asserted identity, or with one that cannot be read, From tells who calls."""
        for fields in ([], [("P-Asserted-Identity", "<<")]):
            self.ring_in(fields=fields)
            self.assertEqual(str(self.received().caller.uri), "sip:far@example.org")

    def test_answered(self) -> None:
        """200 has the answer and the Record-Routes; the ACK confirms; the peer's BYE ends it with its reasons."""
        call = self.ring_in(fields=[("Record-Route", "<sip:p1;lr>")])
        self.answer(call)
        assert call.invite is not None
        answer = self.answer_to(call.invite)
        self.assertEqual((answer.status, answer.body, answer.headers.get("Record-Route")), (200, ANSWER, "<sip:p1;lr>"))
        self.assertEqual(answer.to_tag, call.remote.rpartition("tag=")[2])
        self.assertEqual(self.of(CallConfirmed), [])
        call.ack()
        self.assertEqual(self.of(CallConfirmed), [CallConfirmed(call.leg)])
        self.assertEqual(self.answers(call.bye([("Reason", 'SIP;cause=200;text="a;b"'), ("Reason", "x y")])), [200])
        self.assertEnded(EndCause.REMOTE)
        self.assertEqual(self.ended().reasons, (Reason("SIP", 200, "a;b"),))

    def test_answered_twice(self) -> None:
        """Only the first answer counts, and a rejection after it does nothing."""
        call = self.ring_in()
        for _ in range(2):
            self.answer(call)
            self.do(self.core.reject, call.leg, 486, "")
        self.assertEqual(self.final(call), [180, 200])

    def test_entries_of_the_other_kind(self) -> None:
        """Answering and rejecting a call that we placed does nothing."""
        placed = self.place()
        self.silent(lambda: self.do(self.core.answer, placed.leg, ANSWER))
        self.silent(lambda: self.do(self.core.reject, placed.leg, 486, ""))

    def test_rejected(self) -> None:
        """A rejection goes out with its code and phrase and ends the leg; the ACK ends the transaction."""
        for code, reason, told in ((486, "", "486 Busy Here"), (603, "Not Now", "603 Not Now")):
            call = self.ring_in()
            self.do(self.core.reject, call.leg, code, reason)
            assert call.invite is not None
            self.assertEqual(self.answer_to(call.invite).start_line, f"SIP/2.0 {told}")
            self.assertEqual(self.of(CallEnded)[-1].code, code)
            self.assertEqual((self.core.legs, self.core.transactions), (0, 1))
            call.ack_refusal()
            self.assertEqual(self.core.transactions, 0)

    def test_refusal_never_acknowledged(self) -> None:
        """Without an ACK the transaction of a refusal ends by timer H; the INVITE again gets the refusal again."""
        call = self.ring_in()
        self.do(self.core.hangup, call.leg)
        assert call.invite is not None
        self.receive(call.invite)
        self.assertEqual(self.final(call), [180, 486, 486])
        self.advance(LIMIT)
        self.assertEqual((self.core.transactions, self.core.next_deadline()), (0, None))

    def test_retransmitted(self) -> None:
        """The INVITE again gets the 180 again and makes no second call."""
        call = self.ring_in()
        assert call.invite is not None
        self.receive(call.invite)
        self.assertEqual((self.final(call), len(self.of(CallReceived))), ([180, 180], 1))

    def test_rings_on(self) -> None:
        """The 180 is repeated each minute, so that no proxy gives up, and after the limit the call is refused."""
        call = self.ring_in()
        self.advance(299)
        self.assertEqual(self.final(call), [180] * 5)
        self.advance(1)
        self.assertEqual(self.final(call)[-1], 480)
        self.assertEnded(EndCause.FAILED, 480)

    def test_expires(self) -> None:
        """An invitation that has expired gets 487; one that was answered in time lives on."""
        call = self.ring_in(fields=[("Expires", "20")])
        self.advance(19)
        self.assertEqual(self.final(call), [180])
        self.advance(1)
        self.assertEqual(self.final(call), [180, 487])
        self.assertEnded(EndCause.FAILED, 487)
        call = self.call_in(fields=[("Expires", "20")])
        self.advance(60)
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_senseless_expires(self) -> None:
        """Expires that is no number does not matter; 0 ends the call at once."""
        self.ring_in(fields=[("Expires", "soon")])
        call = self.ring_in(fields=[("Expires", "0")])
        self.advance(0)
        self.assertEqual(self.final(call), [180, 487])

    def test_interval_too_small(self) -> None:
        """A session interval below our minimum gets 422, and no call is made of it."""
        far = FarCall(self, "short", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        invite = far.reinvite(OFFER, [("Session-Expires", "30"), ("Supported", "timer")])
        self.assertEqual(self.answers(invite), [422])
        self.assertEqual(self.answer_to(invite).headers.get("Min-SE"), "90")
        self.assertEqual((self.core.legs, self.of(CallReceived)), (0, []))

    def test_malformed_details(self) -> None:
        """A field that cannot be read does not cost the call (RFC 3261 section 8.2.2); the log names it."""
        for name, value in (("Session-Expires", "x"), ("Record-Route", "<<"), ("Contact", "<nonsense>")):
            call = self.ring_in(fields=[(name, value)])
            assert call.invite is not None
            self.assertEqual(self.answers(call.invite), [180])
            self.assertIn(f"INVITE, Call-ID {call.call_id}: {name}: ", self.faults()[-1])
        self.assertEqual(len(self.faults()), 3)

    def test_in_dialog_while_ringing(self) -> None:
        """INVITE 1, NOTIFY 2, INFO 3, 200, ACK 1: each in its turn, and the ACK counts."""
        call = self.ring_in()
        assert call.invite is not None
        self.assertEqual(self.answers(call.send("NOTIFY", "", [("Event", "talk")])), [200])
        self.assertEqual(self.answers(call.send("INFO", "Signal=1")), [200])
        self.answer(call)
        call.ack()
        kinds = [type(event) for event in self.events]
        self.assertEqual(kinds, [CallReceived, ControlReceived, InfoReceived, CallConfirmed])

    def test_offers_while_ringing(self) -> None:
        """A further offer has to wait for the answer to the first; an UPDATE without one has not."""
        call = self.ring_in()
        for method in ("UPDATE", "INVITE"):
            request = call.send(method, OFFER)
            self.assertEqual(self.answers(request), [500])
            self.assertEqual(self.answer_to(request).headers.get("Retry-After"), "5")
        self.assertEqual(self.answers(call.send("UPDATE")), [200])
        self.assertEqual(self.answers(call.send("REFER", "", [("Refer-To", "<sip:x@example.org>")])), [403])

    def test_bye_in_early_dialog(self) -> None:
        """A caller may end its call by BYE before the answer: 200 to that, 487 to the INVITE."""
        call = self.ring_in()
        self.assertEqual(self.answers(call.bye()), [200])
        self.assertEqual(self.final(call), [180, 487])
        self.assertEnded(EndCause.REMOTE)


class CancelTests(IncomingCase):
    """The peer's CANCEL (RFC 3261 section 9.2)."""

    def test_ringing(self) -> None:
        """200 to the CANCEL with the tag of the call, 487 to the INVITE, and the reasons are told (report A20)."""
        for values, reasons in (
            (['SIP;cause=200;text="Call completed elsewhere"'], (Reason("SIP", 200, "Call completed elsewhere"),)),
            (["Q.850;cause=26"], (Reason("Q.850", 26),)),
            (["SIP;cause=200, Q.850;cause=26"], (Reason("SIP", 200), Reason("Q.850", 26))),
            (["SIP;cause=200", ";cause=1"], (Reason("SIP", 200),)),
            ([], ()),
        ):
            call = self.ring_in()
            assert call.invite is not None
            via = ("Via", call.invite.headers.get("Via") or "")
            fields = [via, *(("Reason", value) for value in values)]
            cancel = FarCall(self, call.call_id, call.local, "<sip:alice@example.org>")
            request = cancel.send("CANCEL", "", fields, cseq=call.invite.cseq.number)
            statuses = [(response.cseq.method, response.status) for response in self.responses[-2:]]
            self.assertEqual(statuses, [("CANCEL", 200), ("INVITE", 487)])
            self.assertEqual(self.answer_to(request).to_tag, call.remote.rpartition("tag=")[2])
            self.assertEqual(self.of(CallEnded)[-1], CallEnded(call.leg, EndCause.REMOTE, 0, "", reasons))
            self.assertEqual(self.core.legs, 0)

    def test_answered(self) -> None:
        """A CANCEL that crosses our 200 is answered and changes nothing."""
        call = self.ring_in()
        self.answer(call)
        call.cancel()
        self.assertEqual(self.responses[-1].status, 200)
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_refused(self) -> None:
        """A CANCEL that crosses our refusal is answered and changes nothing."""
        call = self.ring_in()
        self.do(self.core.reject, call.leg, 486, "")
        call.cancel()
        self.assertEqual((self.responses[-1].status, len(self.of(CallEnded))), (200, 1))

    def test_of_a_reinvite(self) -> None:
        """The CANCEL of a re-INVITE ends that one only."""
        call = self.call_in()
        request = call.reinvite(OFFER)
        call.cancel()
        self.assertEqual([response.status for response in self.responses[-2:]], [200, 487])
        call.ack_refusal(request)
        self.assertEqual(self.of(CallEnded), [])

    def test_unknown(self) -> None:
        """A CANCEL that matches no INVITE gets 481."""
        self.assertEqual(self.answers(self.outside("CANCEL")), [481])
