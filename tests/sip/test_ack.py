"""Our 2xx until its ACK, and offers that the ACK answers."""

from tests.support.corecase import FarCall
from tests.support.corepair import ANSWER, OFFER
from tests.support.script import LIMIT, IncomingCase
from wrtcgw.sip.outputs import (
    AnswerReceived,
    CallConfirmed,
    CallEnded,
    EndCause,
    OfferReceived,
)


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
