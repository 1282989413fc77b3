"""re-INVITEs and UPDATEs of the peer."""

from tests.support.corecase import HELD, THEIRS, CoreCase
from tests.support.corepair import ANSWER, OFFER
from wrtcgw.sip.outputs import AnswerReceived, CallEnded, EndCause, OfferReceived, OfferRefused, OfferWithdrawn
from wrtcgw.sip.usages.modification import OfferState

IDLE, LOCAL, WAIT, REMOTE, UNACKED = OfferState


class TheirOfferTests(CoreCase):
    """re-INVITEs and UPDATEs of the peer."""

    def test_answered(self) -> None:
        """An offer of the peer is told, and our answer goes out in the 200 with our Contact."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.assertEqual(self.of(OfferReceived), [OfferReceived(call.leg, THEIRS)])
        self.answer_offer(call, HELD)
        response = self.answer_to(invite)
        self.assertEqual((response.status, response.body), (200, HELD))
        self.assertEqual(response.headers.get("Contact"), "<sip:alice@gw.invalid;transport=ws;ob>")
        self.assertEqual(self.local_sdp(call), HELD)
        call.ack()
        self.assertIs(self.offer_state(call), IDLE)

    def test_trying(self) -> None:
        """A re-INVITE without an answer within 200 ms gets 100 (RFC 3261 section 17.2.1); an UPDATE none (RFC 4320)."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.advance(0.19)
        self.assertEqual(self.answers(invite), [])
        self.advance(5)
        self.assertEqual(self.answers(invite), [100])
        self.answer_offer(call)
        call.ack()
        self.assertEqual(self.answers(invite), [100, 200])
        for method, code in (("INVITE", 200), ("INVITE", 488)):
            request = call.send(method, THEIRS)
            if code == 200:
                self.answer_offer(call)
                call.ack(invite=request)
            else:
                self.do(self.core.reject_offer, call.leg, code)
                call.ack_refusal(request)
            self.advance(1)
            self.assertEqual(self.answers(request), [code])
        refused = call.reinvite(THEIRS)
        self.do(self.core.reject_offer, call.leg, 488)
        call.ack_refusal()
        update = call.send("UPDATE", THEIRS)
        self.advance(1)
        self.assertEqual((self.answers(refused), self.answers(update)), ([488], []))

    def test_repeated_2xx(self) -> None:
        """Our 2xx is repeated at T1, 2·T1, … T2, unchanged, until its ACK comes (RFC 3261 section 13.3.1.4)."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.answer_offer(call)
        times = []
        for _ in range(40):
            seen = len(self.answers(invite))
            self.advance(0.25)
            times += [self.now - 1000] * (len(self.answers(invite)) - seen)
        self.assertEqual(times, [0.5, 1.5, 3.5, 7.5])
        call.ack()
        seen = len(self.answers(invite))
        self.advance(40)
        self.assertEqual(len(self.answers(invite)), seen)
        self.assertEqual(len({response.to_text() for response in self._responses(invite)}), 1)

    def test_no_ack(self) -> None:
        """A call whose re-INVITE is never acknowledged ends with a BYE."""
        call = self.call_out()
        call.reinvite(THEIRS)
        self.answer_offer(call)
        self.advance(32.1)
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.of(CallEnded)[0].cause, EndCause.FAILED)
        self.assertIn("no ACK", self.last("BYE").headers.get("Reason") or "")

    def test_rejected(self) -> None:
        """A refused offer leaves the session as it was."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.do(self.core.reject_offer, call.leg, 488)
        call.ack_refusal()
        self.assertEqual(self.answers(invite), [488])
        self.assertEqual(self.local_sdp(call), OFFER)
        self.assertEqual(self.core.transactions, 1, "the first INVITE")

    def test_without_offer(self) -> None:
        """To a re-INVITE without an offer we make one; its answer comes with the first ACK, later ones do nothing."""
        call = self.call_out()
        invite = call.reinvite()
        self.assertEqual(self.of(OfferReceived), [OfferReceived(call.leg, None)])
        self.answer_offer(call, OFFER)
        self.assertEqual(self.answer_to(invite).body, OFFER)
        for answer in (ANSWER, THEIRS, ""):
            call.ack(answer)
        self.assertEqual(self.of(AnswerReceived), [AnswerReceived(call.leg, ANSWER)])

    def test_without_offer_right_after_the_ack(self) -> None:
        """A SIP Server asks for an offer 12 ms after the ACK of the call (third-party call control)."""
        call = self.call_in()
        self.advance(0.012)
        invite = call.reinvite()
        self.answer_offer(call, OFFER)
        self.assertEqual(self.answer_to(invite).status, 200)
        call.ack(ANSWER)
        self.assertEqual(self.of(AnswerReceived), [AnswerReceived(call.leg, ANSWER)])

    def test_ack_without_answer(self) -> None:
        """An ACK that owes an answer and has none leaves the session as it was, and the user is told."""
        call = self.call_out()
        call.reinvite()
        self.answer_offer(call, HELD)
        call.ack()
        self.assertEqual(self.of(OfferRefused), [OfferRefused(call.leg, 488, "the ACK brought no answer")])
        self.assertEqual(self.local_sdp(call), OFFER)
        self.assertIs(self.offer_state(call), IDLE)

    def test_offer_while_our_offer_is_unanswered(self) -> None:
        """While our offer in a 2xx has no answer yet, another offer of the peer gets 491."""
        call = self.call_out()
        call.reinvite()
        self.answer_offer(call, HELD)
        first = call.invite
        for method, body in (("INVITE", THEIRS), ("INVITE", ""), ("UPDATE", THEIRS)):
            request = call.send(method, body)
            self.assertEqual(self.answers(request), [491])
            if method == "INVITE":
                call.ack_refusal(request)
        call.ack(ANSWER, invite=first)
        self.assertEqual(len(self.of(AnswerReceived)), 1)

    def test_offer_while_our_answer_is_unacknowledged(self) -> None:
        """A re-INVITE that overtakes the ACK of the last one is served; the late ACK does no harm (RFC 5407, 3.1.4)."""
        call = self.call_out()
        first = call.reinvite(THEIRS)
        self.answer_offer(call)
        second = call.reinvite(OFFER)
        call.ack(invite=first)
        self.assertIs(self.offer_state(call), REMOTE)
        self.answer_offer(call, HELD)
        self.assertEqual(self.answer_to(second).body, HELD)
        call.ack(invite=first)
        self.assertIs(self.offer_state(call), UNACKED)
        call.ack(invite=second)
        self.assertIs(self.offer_state(call), IDLE)
        self.advance(60)
        self.assertEqual(self.sent("BYE"), [])
        self.assertEqual(self.of(CallEnded), [])

    def test_lost_ack_before_the_next_offer(self) -> None:
        """The same when the first ACK never comes: the second one is enough."""
        call = self.call_out()
        call.reinvite(THEIRS)
        self.answer_offer(call)
        call.reinvite(OFFER)
        self.answer_offer(call)
        call.ack()
        self.advance(60)
        self.assertEqual(self.sent("BYE"), [])

    def test_offer_before_the_ack_of_the_call(self) -> None:
        """A re-INVITE before the ACK of the call itself is served when the call had an offer, else 491."""
        call = self.ring_in()
        first = call.invite
        self.do(self.core.answer, call.leg, ANSWER)
        second = call.reinvite(THEIRS)
        self.answer_offer(call, HELD)
        self.assertEqual(self.answer_to(second).body, HELD)
        call.ack(invite=first)
        self.assertIs(self.offer_state(call), UNACKED)
        call.ack(invite=second)
        self.assertIs(self.offer_state(call), IDLE)
        other = self.ring_in("")
        first = other.invite
        self.do(self.core.answer, other.leg, OFFER)
        refused = other.reinvite(THEIRS)
        self.assertEqual(self.answers(refused), [491])
        other.ack_refusal()
        other.ack(ANSWER, invite=first)

    def test_second_offer(self) -> None:
        """A second offer before the first has its answer gets 500 and a short random Retry-After."""
        call = self.call_out()
        call.reinvite(THEIRS)
        for method, share in (("INVITE", 0.0), ("UPDATE", 0.5), ("INVITE", 0.999)):
            self.tokens.share = share
            request = call.send(method, OFFER)
            response = self.answer_to(request)
            self.assertEqual(response.status, 500)
            self.assertEqual(response.headers.get("Retry-After"), str(int(10 * share)))
            if method == "INVITE":
                call.ack_refusal(request)
        self.assertEqual(len(self.of(OfferReceived)), 1)

    def test_cancelled(self) -> None:
        """The CANCEL of a re-INVITE gets 200, the re-INVITE 487; the user is told, and a late answer is not sent."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        call.cancel()
        self.assertEqual(self.of(OfferWithdrawn), [OfferWithdrawn(call.leg)])
        self.assertEqual(self.answers(invite), [487])
        call.ack_refusal()
        self.answer_offer(call)
        self.do(self.core.reject_offer, call.leg, 488)
        self.assertEqual(self.answers(invite), [487])
        self.assertEqual(self.of(CallEnded), [])
        self.assertEqual(self.local_sdp(call), OFFER)

    def test_cancelled_too_late(self) -> None:
        """The CANCEL of a re-INVITE that is answered has no effect (RFC 3261 section 9.2)."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.answer_offer(call)
        call.cancel()
        self.assertEqual(self.answers(invite), [200])
        call.ack()
        self.assertIs(self.offer_state(call), IDLE)
        self.assertEqual(self.of(OfferWithdrawn), [])

    def test_cancelled_after_a_glare(self) -> None:
        """The CANCEL of a re-INVITE that was refused does nothing to the one that is open."""
        call = self.call_out()
        open_ = call.reinvite(THEIRS)
        refused = call.reinvite(OFFER)
        call.cancel()
        self.assertEqual(self.answers(refused), [500])
        self.assertEqual(self.answers(open_), [])
        call.ack_refusal(refused)
        self.answer_offer(call)
        call.ack(invite=open_)

    def test_malformed_contact(self) -> None:
        """A re-INVITE whose Contact cannot be read is taken, and the remote target stays what it was."""
        call = self.call_out()
        request = call.request("INVITE", THEIRS)
        request.headers.set("Contact", "<<<")
        self.receive(request)
        self.answer_offer(call)
        self.assertEqual(self.answers(request), [200])
        call.ack(invite=request)
        self.assertIs(self.offer_state(call), IDLE)
        self.assertEqual(self.reoffer(call).uri, "sip:far@192.0.2.7")

    def test_bye_meanwhile(self) -> None:
        """With the call a re-INVITE that waits for its answer ends: 487 (RFC 3261 section 15.1.2)."""
        for ours in (True, False):
            with self.subTest(ours=ours):
                call = self.call_out()
                invite = call.reinvite(THEIRS)
                if ours:
                    self.do(self.core.hangup, call.leg)
                    self.respond(self.last("BYE"), 200)
                else:
                    call.bye()
                self.assertEqual(self.answers(invite), [487])
                call.ack_refusal()

    def test_bye_while_unacknowledged(self) -> None:
        """A BYE in place of an ACK ends the repetition of our 2xx."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.answer_offer(call)
        call.bye()
        self.advance(40)
        self.assertEqual(self.answers(invite), [200])
        self.assertEqual(self.sent("BYE"), [])

    def test_update(self) -> None:
        """An UPDATE with an offer is answered at once in its 200, and needs no ACK."""
        call = self.call_in()
        update = call.send("UPDATE", THEIRS)
        self.assertEqual(self.of(OfferReceived), [OfferReceived(call.leg, THEIRS)])
        self.answer_offer(call, HELD)
        self.assertEqual((self.answer_to(update).status, self.answer_to(update).body), (200, HELD))
        self.assertIs(self.offer_state(call), IDLE)
        refused = call.send("UPDATE", THEIRS)
        self.do(self.core.reject_offer, call.leg, 504)
        self.assertEqual(self.answers(refused), [504])
        self.assertEqual(self.local_sdp(call), HELD)

    def test_update_before_another_is_answered(self) -> None:
        """An UPDATE before an earlier one has its answer gets 500 (RFC 3311 section 5.2), with an offer or without."""
        call = self.call_in()
        call.send("UPDATE", THEIRS)
        for body in (THEIRS, ""):
            response = self.answer_to(call.send("UPDATE", body))
            self.assertEqual(response.status, 500)
            self.assertIn("Retry-After", response.headers)
        self.answer_offer(call)

    def test_bye_before_an_update_is_answered(self) -> None:
        """The end of the call answers an UPDATE that waits."""
        call = self.call_in()
        update = call.send("UPDATE", THEIRS)
        call.bye()
        self.assertEqual(self.answers(update), [487])

    def test_update_in_the_early_dialog(self) -> None:
        """While the call's own offer has no answer, an UPDATE may refresh the target, but not offer (RFC 3311, 5.2)."""
        call = self.ring_in()
        refresh = call.send("UPDATE", "", [("Contact", "<sip:moved@192.0.2.9>")])
        self.assertEqual(self.answers(refresh), [200])
        offer = call.send("UPDATE", THEIRS)
        self.assertEqual(self.answers(offer), [500])
        self.do(self.core.answer, call.leg, ANSWER)
        call.ack()
        self.assertEqual(self.of(OfferReceived), [])

    def test_new_target(self) -> None:
        """The Contact of a re-INVITE is where our requests go from then on."""
        call = self.call_in()
        request = call.request("INVITE", THEIRS)
        request.headers.set("Contact", "<sip:moved@192.0.2.8>")
        self.receive(request)
        self.answer_offer(call)
        call.ack(invite=request)
        self.assertEqual(self.reoffer(call).uri, "sip:moved@192.0.2.8")

    def test_lower_cseq(self) -> None:
        """A request with a CSeq number that was used already gets 500 and changes nothing (NOTES, pitfall 2)."""
        call = self.call_in()
        invite = call.send("INVITE", THEIRS, cseq=50)
        self.assertEqual(self.answers(invite), [500])
        call.ack_refusal(invite)
        self.assertEqual(self.of(OfferReceived), [])

    def test_after_our_bye(self) -> None:
        """What comes after our BYE gets 481."""
        call = self.call_in()
        self.do(self.core.hangup, call.leg)
        for method in ("INVITE", "UPDATE"):
            request = call.send(method, THEIRS)
            self.assertEqual(self.answers(request), [481])
            if method == "INVITE":
                call.ack_refusal(request)
        self.assertEqual(self.of(OfferReceived), [])

    def test_answer_to_nothing(self) -> None:
        """An answer when nothing was offered does nothing."""
        call = self.call_in()
        sent = len(self.responses)
        self.answer_offer(call)
        self.do(self.core.reject_offer, call.leg, 488)
        self.assertEqual(len(self.responses), sent)

    def test_ours_waits_for_theirs(self) -> None:
        """An offer of ours while one of theirs is open goes out when theirs is refused, answered or taken back."""
        for end in ("refused", "cancelled", "acknowledged"):
            with self.subTest(end=end):
                call = self.call_out()
                call.reinvite(THEIRS)
                before = len(self.sent("INVITE"))
                self.do(self.core.reoffer, call.leg, HELD)
                self.assertEqual(len(self.sent("INVITE")), before)
                if end == "refused":
                    self.do(self.core.reject_offer, call.leg, 488)
                elif end == "cancelled":
                    call.cancel()
                else:
                    self.answer_offer(call)
                    self.assertEqual(len(self.sent("INVITE")), before)
                    call.ack()
                if end != "acknowledged":
                    call.ack_refusal()
                self.assertEqual(len(self.sent("INVITE")), before + 1)
                self.respond(self.last("INVITE"), 200, THEIRS)
