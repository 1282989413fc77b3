"""Calls that come to us: ringing, our answer and its ACK, refusals, PRACK, Replaces, and lost connections."""

from tests.support.corecase import FarCall
from tests.support.corepair import ANSWER, OFFER
from tests.support.script import LIMIT, ScriptCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.headers import Reason
from wrtcgw.sip.outputs import (
    AnswerReceived,
    CallConfirmed,
    CallEnded,
    CallReceived,
    ControlReceived,
    EndCause,
    InfoReceived,
    OfferReceived,
    SessionRefreshed,
)

RELIABLE = [("Require", "100rel")]


class IncomingCase(ScriptCase):
    """Tests of calls to the core."""

    def answer(self, call: FarCall) -> None:
        """Let our side accept the call."""
        self.do(self.core.answer, call.leg, ANSWER)

    def final(self, call: FarCall) -> list[int]:
        """Return the status codes with which the call's INVITE was answered."""
        assert call.invite is not None
        return self.answers(call.invite)


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
        """A field that the call cannot do without and that cannot be read refuses it with 400, and leaves nothing."""
        for name, value in (("Session-Expires", "x"), ("Record-Route", "<<"), ("Contact", "<nonsense>")):
            far = FarCall(self, f"bad-{name}", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
            request = far.request("INVITE", OFFER, [(name, value)])
            self.receive(request)
            self.assertEqual(self.answers(request), [400])
            self.assertEqual((self.core.legs, self.core._ua.dialogs), (0, {}))
        self.assertEqual((self.of(CallReceived), len(self.faults())), ([], 3))

    def test_in_dialog_while_ringing(self) -> None:
        """INVITE 1, NOTIFY 2, INFO 3, 200, ACK 1: each in its turn, and the ACK counts (user report A11)."""
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

    def test_unknown(self) -> None:
        """A CANCEL that matches no INVITE gets 481."""
        self.assertEqual(self.answers(self.outside("CANCEL")), [481])


class AckTests(IncomingCase):
    """Our 2xx until its ACK (RFC 3261 section 13.3.1.4)."""

    def test_repeated_until_acknowledged(self) -> None:
        """The 200 is repeated at T1, doubled up to T2, and no more after the ACK."""
        call = self.ring_in()
        self.answer(call)
        times = []
        for _ in range(5):
            deadline = self.core.next_deadline()
            assert deadline is not None
            times.append(deadline - 1000)
            self.advance(deadline - self.now)
        self.assertEqual(times, [0.5, 1.5, 3.5, 7.5, 11.5])
        self.assertEqual(self.final(call), [180] + [200] * 6)
        call.ack()
        self.silent(lambda: self.advance(60))
        self.assertEqual(self.of(CallEnded), [])

    def test_late(self) -> None:
        """An ACK after 31 s is in time (third-party call control)."""
        call = self.ring_in()
        self.answer(call)
        self.advance(31)
        call.ack()
        self.advance(60)
        self.assertEqual((len(self.of(CallConfirmed)), self.sent("BYE")), (1, []))

    def test_never(self) -> None:
        """Without an ACK the call is ended by BYE after 64·T1, for that reason."""
        call = self.ring_in()
        self.answer(call)
        self.advance(LIMIT)
        bye = self.last("BYE")
        self.assertIn("cause=408", bye.headers.get("Reason") or "")
        self.respond(bye, 200)
        self.assertEnded(EndCause.FAILED, 408)
        call.ack()
        self.assertEqual(self.of(CallConfirmed), [])

    def test_twice(self) -> None:
        """A second ACK, on the branch of the INVITE or on one of its own, does nothing."""
        call = self.ring_in()
        self.answer(call)
        call.ack()
        call.ack()
        call.ack_refusal()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_on_the_branch_of_the_invite(self) -> None:
        """An ACK on the branch of the INVITE, as some peers send it, counts too."""
        call = self.ring_in()
        self.answer(call)
        call.ack_refusal()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_of_another_number(self) -> None:
        """An ACK with another CSeq number is not for this INVITE."""
        call = self.ring_in()
        self.answer(call)
        call.send("ACK", cseq=55)
        self.assertEqual(self.of(CallConfirmed), [])

    def test_stray(self) -> None:
        """An ACK to nothing is dropped without an answer, with or without a To tag, or before we answered."""
        call = self.ring_in()
        self.silent(call.ack)
        self.silent(call.ack_refusal)
        self.silent(lambda: self.outside("ACK"))
        far = FarCall(self, "nowhere", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>;tag=x")
        self.silent(lambda: far.send("ACK"))

    def test_hang_up_before_it(self) -> None:
        """The BYE of a hang-up waits for the ACK, and keeps its reason."""
        call = self.ring_in()
        self.answer(call)
        self.do(self.core.hangup, call.leg, reasons=["SIP;cause=200"])
        self.do(self.core.hangup, call.leg)
        self.assertEqual(self.sent("BYE"), [])
        refused = call.send("INVITE", OFFER)
        self.assertEqual(self.answers(refused), [481])
        call.ack_refusal(refused)
        call.ack()
        self.assertEqual(self.last("BYE").headers.get("Reason"), "SIP;cause=200")
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.of(CallConfirmed), [])
        self.assertEnded(EndCause.LOCAL, 200)

    def test_hang_up_and_never(self) -> None:
        """A hang-up that waits for an ACK that never comes sends its BYE after 64·T1."""
        call = self.ring_in()
        self.answer(call)
        self.do(self.core.hangup, call.leg)
        self.advance(LIMIT)
        self.assertEqual(len(self.sent("BYE")), 1)
        self.respond(self.last("BYE"), 200)
        self.assertEnded(EndCause.LOCAL, 200)

    def test_bye_instead(self) -> None:
        """The peer's BYE ends a call whose ACK is missing, wanted or not."""
        for hung_up in (False, True):
            call = self.ring_in()
            self.answer(call)
            if hung_up:
                self.do(self.core.hangup, call.leg)
            self.assertEqual(self.answers(call.bye()), [200])
            self.assertEqual(self.of(CallEnded)[-1].cause, EndCause.REMOTE)
            self.advance(LIMIT)
            self.assertEqual(self.final(call), [180, 200])

    def test_offer_before_it(self) -> None:
        """A re-INVITE that overtakes the ACK is taken; our answer to it waits for no one."""
        call = self.ring_in()
        first = call.invite
        self.answer(call)
        second = call.reinvite(OFFER)
        self.assertEqual(len(self.of(OfferReceived)), 1)
        self.do(self.core.answer_offer, call.leg, ANSWER)
        self.assertEqual(self.answers(second), [200])
        call.ack(invite=first)
        call.ack(invite=second)
        self.assertEqual(len(self.of(CallConfirmed)), 1)
        self.silent(lambda: self.advance(60))


class OfferlessTests(IncomingCase):
    """INVITEs without a description: our 2xx offers, the ACK answers (RFC 3261 section 13.2.1)."""

    def test_answer_in_ack(self) -> None:
        """The answer of the ACK is told once the call is confirmed."""
        call = self.ring_in("")
        self.assertIsNone(self.received().offer)
        self.do(self.core.answer, call.leg, OFFER)
        assert call.invite is not None
        self.assertEqual(self.answer_to(call.invite).body, OFFER)
        call.ack(ANSWER)
        self.assertEqual(self.events[-2:], [CallConfirmed(call.leg), AnswerReceived(call.leg, ANSWER)])

    def test_no_answer_in_ack(self) -> None:
        """An ACK without the answer ends the call by BYE."""
        call = self.ring_in("")
        self.answer(call)
        call.ack()
        self.assertIn("cause=488", self.last("BYE").headers.get("Reason") or "")
        self.respond(self.last("BYE"), 200)
        self.assertEnded(EndCause.FAILED, 488)

    def test_offer_before_the_ack(self) -> None:
        """While our offer waits for its answer an offer of the peer gets 491 (RFC 3311 section 5.2)."""
        call = self.ring_in("")
        first = call.invite
        self.answer(call)
        self.assertEqual(self.answers(call.send("UPDATE", OFFER)), [491])
        self.assertEqual(self.answers(call.reinvite(OFFER)), [491])
        call.ack_refusal()
        call.ack(ANSWER, invite=first)
        self.assertEqual(len(self.of(AnswerReceived)), 1)
        call.send("UPDATE", OFFER)
        self.assertEqual(len(self.of(OfferReceived)), 1)

    def test_multipart(self) -> None:
        """An offer inside a multipart body is found."""
        body = f"--x\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--x\r\nContent-Type: a/b\r\n\r\nc\r\n--x--\r\n"
        self.ring_in(body, [("Content-Type", "multipart/mixed;boundary=x")])
        self.assertEqual((self.received().offer or "").rstrip(), OFFER.rstrip())


class ReliableTests(IncomingCase):
    """180 that the caller requires to be reliable (RFC 3262 section 3)."""

    def rack(self, call: FarCall, *, rseq: int = 0, number: int = 0, method: str = "INVITE") -> str:
        """Return the RAck of the newest 180, or one that is off by something."""
        assert call.invite is not None
        ringing = self.answer_to(call.invite)
        return f"{int(ringing.headers.get('RSeq') or 0) + rseq} {call.invite.cseq.number + number} {method}"

    def prack(self, call: FarCall, rack: str) -> list[int]:
        """Send a PRACK; return what it was answered with."""
        return self.answers(call.send("PRACK", "", [("RAck", rack)]))

    def test_acknowledged(self) -> None:
        """The 180 is repeated until its PRACK, whose answer is 200; the same PRACK again matches nothing."""
        call = self.ring_in(fields=RELIABLE)
        assert call.invite is not None
        self.assertTrue(self.answer_to(call.invite).headers.has_option("Require", "100rel"))
        self.advance(2)
        self.assertEqual(self.final(call), [180, 180, 180])
        rack = self.rack(call)
        self.assertEqual(self.prack(call, rack), [200])
        self.assertEqual(self.prack(call, rack), [481])
        self.advance(40)
        self.assertEqual(self.final(call), [180, 180, 180])
        self.answer(call)
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_wrong(self) -> None:
        """A PRACK for another response gets 481, a malformed one 400, and the 180 is still repeated."""
        call = self.ring_in(fields=RELIABLE)
        for rack in (self.rack(call, rseq=1), self.rack(call, number=1), self.rack(call, method="UPDATE")):
            self.assertEqual(self.prack(call, rack), [481])
        self.assertEqual(self.prack(call, "1 x"), [400])
        self.advance(1)
        self.assertEqual(self.final(call), [180, 180])

    def test_where_none_is_due(self) -> None:
        """A PRACK to an ordinary 180, or inside an established call, gets 481."""
        self.assertEqual(self.prack(self.ring_in(), "1 101 INVITE"), [481])
        self.assertEqual(self.prack(self.call_out(), "1 101 INVITE"), [481])

    def test_never(self) -> None:
        """Without any PRACK the call is refused with 500 after 64·T1."""
        call = self.ring_in(fields=RELIABLE)
        self.advance(LIMIT)
        self.assertEqual(self.final(call)[-1], 500)
        self.assertEnded(EndCause.FAILED, 500)

    def test_answered_before(self) -> None:
        """Our answer ends the repetition; a PRACK that comes behind it still gets 200."""
        call = self.ring_in(fields=RELIABLE)
        rack = self.rack(call)
        self.answer(call)
        self.assertEqual(self.prack(call, rack), [200])
        call.ack()
        self.advance(60)
        self.assertEqual(self.of(CallEnded), [])

    def test_rings_on(self) -> None:
        """The 180 of the next minute has the next RSeq."""
        call = self.ring_in(fields=RELIABLE)
        first = self.rack(call)
        self.prack(call, first)
        self.advance(60)
        second = self.rack(call)
        self.assertEqual(int(second.split()[0]), int(first.split()[0]) + 1)
        self.assertEqual(self.prack(call, second), [200])

    def test_slow_timers(self) -> None:
        """While a 180 waits for its PRACK, no further one is sent."""
        call = self.ring_in(fields=RELIABLE)
        assert call.invite is not None
        before = self.rack(call)
        leg = self.core._legs[call.leg]
        leg.on_timer("again")
        self.take(self.core.tick(self.now))
        self.assertEqual((self.rack(call), self.final(call)), (before, [180]))

    def test_cancelled(self) -> None:
        """A CANCEL ends the repetition."""
        call = self.ring_in(fields=RELIABLE)
        call.cancel()
        self.assertEqual([response.status for response in self.responses[-2:]], [200, 487])
        self.silent(lambda: self.advance(20))


class ReplacesTests(IncomingCase):
    """INVITE with Replaces (RFC 3891 section 3)."""

    def replacing(self, call_id: str, to_tag: str, from_tag: str, more: str = "", user: str = "alice") -> FarCall:
        """Send an INVITE that replaces the dialog which we know by these tags."""
        call = FarCall(self, f"new-{len(self.calls)}", "<sip:far@example.org>;tag=new", f"<sip:{user}@example.org>")
        call.target = f"sip:{user}@gw.invalid"
        self.calls.append(call)
        value = f"{call_id};to-tag={to_tag};from-tag={from_tag}{more}"
        invite = call.reinvite(OFFER, [("Replaces", value), ("Require", "replaces")])
        call.remote = self.answer_to(invite).headers.get("To") or ""
        if self.of(CallReceived) and self.final(call) == [180]:
            call.leg = self.received().leg
        return call

    def replacing_call(self, old: FarCall, more: str = "", user: str = "alice") -> FarCall:
        """Send an INVITE that replaces ``old``."""
        return self.replacing(old.call_id, old.remote.rpartition("tag=")[2], "far", more, user)

    def test_established(self) -> None:
        """The new call names the old one; when it is answered, the old one is hung up."""
        for old in (self.call_in(), self.call_out()):
            new = self.replacing_call(old)
            self.assertEqual(self.received().replaces, old.leg)
            self.answer(new)
            self.assertIn("replaced", self.last("BYE").headers.get("Reason") or "")
            self.respond(self.last("BYE"), 200)
            self.assertEqual(self.of(CallEnded)[-1], CallEnded(old.leg, EndCause.LOCAL, 200, "OK"))
            new.ack()

    def test_rejected(self) -> None:
        """A new call that is not answered leaves the old one as it was."""
        old = self.call_in()
        new = self.replacing_call(old)
        self.do(self.core.reject, new.leg, 486, "")
        self.assertEqual(self.answers(old.send("INFO")), [200])

    def test_old_ends_first(self) -> None:
        """When the old call ends before the answer, the new one is an ordinary call."""
        old = self.call_in()
        new = self.replacing_call(old)
        old.bye()
        self.answer(new)
        new.ack()
        self.assertEqual((len(self.of(CallConfirmed)), self.sent("BYE")), (2, []))

    def test_ours_early(self) -> None:
        """A call of ours that rings can be replaced, also with early-only: its INVITE is cancelled."""
        placed = self.place()
        placed.respond(180)
        new = self.replacing(placed.invite.call_id, placed.invite.from_tag, "far", ";early-only")
        self.answer(new)
        self.assertEqual(len(self.sent("CANCEL")), 1)
        new.ack()

    def test_theirs_early(self) -> None:
        """A call to us that rings cannot be replaced: 481."""
        self.assertEqual(self.final(self.replacing_call(self.ring_in())), [481])

    def test_early_only(self) -> None:
        """A confirmed dialog is not replaced by early-only: 486."""
        self.assertEqual(self.final(self.replacing_call(self.call_in(), ";early-only")), [486])

    def test_over(self) -> None:
        """A call that is ending, cancelled, or waits for its ACK to end, gives 603; one that is gone 481."""
        old = self.call_in()
        self.do(self.core.hangup, old.leg)
        self.assertEqual(self.final(self.replacing_call(old)), [603])
        self.answer_byes()
        self.assertEqual(self.final(self.replacing_call(old)), [481])
        old = self.ring_in()
        self.answer(old)
        self.do(self.core.hangup, old.leg)
        self.assertEqual(self.final(self.replacing_call(old)), [603])
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.final(self.replacing(placed.invite.call_id, placed.invite.from_tag, "far")), [603])

    def test_unknown_or_malformed(self) -> None:
        """An unknown dialog gives 481, a malformed field and two of them 400."""
        self.assertEqual(self.final(self.replacing("c", "a", "b")), [481])
        self.assertEqual(self.final(self.replacing("c", "a", "b", ";to-tag=c")), [400])
        far = FarCall(self, "two", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        value = ("Replaces", "c;to-tag=a;from-tag=b")
        self.assertEqual(self.answers(far.reinvite(OFFER, [value, value])), [400])
        self.assertEqual(self.answers(far.send("OPTIONS", "", [value])), [400])

    def test_of_another_account(self) -> None:
        """A call to one agent does not take the place of another agent's, unless all are one party."""
        for allowed in (False, True):
            self.start(replaces_across_accounts=allowed)
            self.core.add_account(Account("bob", "bob", "secret"))
            old = self.call_in()
            new = self.replacing_call(old, user="bob")
            self.assertEqual(self.final(new), [180] if allowed else [481])


class ConnectionTests(IncomingCase):
    """A connection lost, in each state of the call."""

    def test_ringing(self) -> None:
        """The call rings on; our answer goes out over the next connection."""
        call = self.ring_in()
        self.disconnect()
        self.advance(2)
        self.connect()
        self.answer(call)
        self.assertEqual(self.final(call), [180, 200])
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_ringing_never_back(self) -> None:
        """Without a connection the call rings until the limit and is over then."""
        self.ring_in()
        self.disconnect()
        self.advance(300)
        self.assertEnded(EndCause.FAILED, 480)
        self.assertEqual(self.core.legs, 0)

    def test_answered_meanwhile(self) -> None:
        """An answer given without a connection is sent as soon as there is one."""
        call = self.ring_in()
        self.disconnect()
        self.answer(call)
        self.assertEqual(self.final(call), [180])
        self.connect()
        self.assertEqual(self.final(call), [180, 200])
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_lost_before_the_ack(self) -> None:
        """Our 200 is sent again at once over the new connection."""
        call = self.ring_in()
        self.answer(call)
        self.disconnect()
        self.advance(1)
        self.connect()
        self.assertEqual(self.final(call), [180, 200, 200])
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_ack_lost_with_it(self) -> None:
        """When the ACK went down with the connection, a re-INVITE asks the peer instead of a BYE (report A11)."""
        call = self.ring_in()
        self.answer(call)
        self.disconnect()
        self.connect()
        self.advance(LIMIT)
        self.assertEqual((self.sent("BYE"), len(self.sent("INVITE"))), ([], 1))
        self.respond(self.last("INVITE"), 200, OFFER)
        self.assertEqual(self.of(SessionRefreshed), [SessionRefreshed(call.leg, OFFER)])
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_ack_lost_and_gone(self) -> None:
        """A peer that does not know the call says so to the re-INVITE, and the call ends."""
        call = self.ring_in()
        self.answer(call)
        self.disconnect()
        self.connect()
        self.advance(LIMIT)
        self.respond(self.last("INVITE"), 481)
        self.assertEnded(EndCause.FAILED, 481)

    def test_closing(self) -> None:
        """A hang-up that waits for the ACK goes on over the new connection."""
        call = self.ring_in()
        self.answer(call)
        self.do(self.core.hangup, call.leg)
        self.disconnect()
        self.connect()
        call.ack()
        self.assertEqual(len(self.sent("BYE")), 1)

    def test_closing_without_connection(self) -> None:
        """A hang-up whose ACK never comes sends its BYE over whatever connection there is later."""
        call = self.ring_in()
        self.answer(call)
        self.do(self.core.hangup, call.leg)
        self.disconnect()
        self.advance(LIMIT + 1)
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.core.legs, 0)

    def test_established(self) -> None:
        """The call goes on and is recovered by a re-INVITE, which the callee may send as well."""
        call = self.call_in()
        self.disconnect()
        self.connect()
        self.respond(self.last("INVITE"), 200, OFFER)
        self.assertEqual(self.of(CallEnded), [])
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_refused_meanwhile(self) -> None:
        """A refusal that cannot be sent ends the leg all the same."""
        call = self.ring_in()
        self.disconnect()
        self.do(self.core.reject, call.leg, 486, "")
        self.assertEnded(EndCause.LOCAL, 486)
        self.assertEqual(self.core.legs, 0)
