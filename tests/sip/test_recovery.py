"""Calls and a connection that is lost (report A3): none ends for that alone, and each peer learns the new way to us."""

from tests.support.corecase import HELD, THEIRS, CoreCase, FarCall
from tests.support.corepair import ANSWER, OFFER
from wrtcgw.sip.core import Account
from wrtcgw.sip.delta import FLOOR
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import (
    CallEnded,
    EndCause,
    OfferAnswered,
    OfferRefused,
    Registered,
    RequestAnswered,
    SessionRefreshed,
)
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.modification import LONGEST_WAIT, MAX_GLARE, MAX_PUT_OFF, MAX_SILENCE


class RecoveryCase(CoreCase):
    """A registered account with a call."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()
        self.grant()

    def sign_in(self) -> None:
        """Sign alice in."""
        self.do(self.core.register, Account("alice", "alice", "secret"))

    def grant(self) -> None:
        """Let the registrar agree to the newest REGISTER."""
        self.respond(self.last("REGISTER"), 200, "", [("Expires", "600")], contact=False)

    def lose_and_restore(self, seconds: float = 5) -> None:
        """Cut the connection, bring it up again after a while, and register."""
        self.disconnect()
        self.advance(seconds)
        self.connect()
        self.register_again()

    def register_again(self) -> None:
        """Let the REGISTER over the new connection come, and agree to it."""
        seen = len(self.sent("REGISTER"))
        self.advance(0.1)
        self.assertEqual(len(self.sent("REGISTER")), seen + 1)
        self.grant()

    def recoveries(self, call: FarCall) -> list[Request]:
        """Return the re-INVITEs of that call."""
        return [request for request in self.sent("INVITE") if request.call_id == call.call_id and request.to_tag]

    def end_all(self) -> None:
        """Sign out too."""
        super().end_all()
        self.do(self.core.unregister, "alice")
        self.respond(self.last("REGISTER"), 200)


class EstablishedTests(RecoveryCase):
    """Calls that are up when the connection is lost."""

    def test_order(self) -> None:
        """REGISTER comes first; only after its 200 one re-INVITE goes out, with the description as it is."""
        call = self.call_out()
        self.disconnect()
        self.advance(5)
        sent = len(self.requests)
        self.connect()
        self.advance(0.1)
        self.assertEqual([request.method for request in self.requests[sent:]], ["ACK", "REGISTER"])
        self.assertEqual(self.requests[sent].to_text(), self.requests[sent - 1].to_text(), "the last one may be lost")
        self.advance(3)
        self.assertEqual(len(self.requests), sent + 2)
        self.grant()
        (invite,) = self.recoveries(call)
        self.assertEqual(invite.body, OFFER)
        self.assertEqual(invite.headers.get("Contact"), "<sip:alice@gw.invalid;transport=ws;ob>")
        self.respond(invite, 200, THEIRS)
        self.assertEqual(self.of(SessionRefreshed), [SessionRefreshed(call.leg, THEIRS)])
        self.assertEqual(self.of(OfferAnswered) + self.of(OfferRefused) + self.of(CallEnded), [])
        self.advance(200)
        self.assertEqual(len(self.recoveries(call)), 1)

    def test_several_calls(self) -> None:
        """Each call of the account gets exactly one."""
        calls = [self.call_out(), self.call_in(), self.call_in()]
        self.lose_and_restore()
        for call in calls:
            (invite,) = self.recoveries(call)
            self.respond(invite, 200, ANSWER)
        self.assertEqual(len(self.of(SessionRefreshed)), 3)

    def test_held(self) -> None:
        """A call on hold is recovered with the description that holds it."""
        call = self.call_out()
        self.respond(self.reoffer(call, HELD), 200, THEIRS)
        self.lose_and_restore()
        self.assertEqual(self.recoveries(call)[-1].body, HELD)
        self.respond(self.recoveries(call)[-1], 200, THEIRS)
        self.assertEqual(len(self.recoveries(call)), 2)

    def test_held_by_the_peer(self) -> None:
        """So is a call that the peer has put on hold: with our last answer."""
        call = self.call_in()
        call.reinvite(THEIRS)
        self.answer_offer(call, HELD)
        call.ack()
        self.lose_and_restore()
        (invite,) = self.recoveries(call)
        self.assertEqual(invite.body, HELD)
        self.respond(invite, 200, THEIRS)

    def test_bye_of_the_peer(self) -> None:
        """The peer's BYE after the recovery arrives, and ends the call."""
        call = self.call_out()
        self.lose_and_restore()
        self.respond(self.last("INVITE"), 200, ANSWER)
        bye = call.bye()
        self.assertEqual(self.answers(bye), [200])
        self.assertEqual(self.of(CallEnded)[0].cause, EndCause.REMOTE)

    def test_bye_of_the_peer_before(self) -> None:
        """So does one before it."""
        call = self.call_out()
        self.disconnect()
        self.connect()
        self.assertEqual(self.answers(call.bye()), [200])
        self.register_again()
        self.assertEqual(self.recoveries(call), [])

    def test_call_is_gone(self) -> None:
        """481 to the recovery ends the call: the peer gave it up meanwhile."""
        call = self.call_out()
        self.lose_and_restore()
        self.respond(self.last("INVITE"), 481)
        (end,) = self.of(CallEnded)
        self.assertEqual((end.leg, end.cause, end.code), (call.leg, EndCause.FAILED, 481))
        self.assertEqual(self.of(OfferRefused), [])

    def test_refused(self) -> None:
        """Any other refusal leaves the call alone, and is not repeated before the next loss."""
        for code in (400, 403, 488, 501, 606):
            with self.subTest(code=code):
                call = self.call_out()
                self.lose_and_restore()
                for invite in self.recoveries(call):
                    self.respond(invite, code)
                self.advance(540)
                self.grant()
                self.assertEqual(len(self.recoveries(call)), 1)
                self.assertEqual([event for event in self.of(CallEnded) if event.leg == call.leg], [])
                self.do(self.core.hangup, call.leg)
                self.respond(self.last("BYE"), 200)

    def test_refused_for_the_moment(self) -> None:
        """A refusal that says nothing about the call is followed by another try soon."""
        for code in (408, 480, 500, 503, 504, 0):
            with self.subTest(code=code):
                call = self.call_out()
                self.lose_and_restore()
                if code:
                    self.respond(self.recoveries(call)[0], code)
                else:
                    self.advance(32)
                self.assertEqual(len(self.recoveries(call)), 1)
                self.advance(FLOOR)
                self.assertEqual(len(self.recoveries(call)), 2)
                self.respond(self.recoveries(call)[1], 200, ANSWER)
                self.assertEqual([event for event in self.of(CallEnded) if event.leg == call.leg], [])
                self.do(self.core.hangup, call.leg)
                self.respond(self.last("BYE"), 200)

    def test_put_off(self) -> None:
        """The peer says for how long, and one that never agrees is tried again after each REGISTER."""
        call = self.call_out()
        self.lose_and_restore()
        self.respond(self.last("INVITE"), 503, fields=[("Retry-After", "9 (busy)")])
        self.advance(8.9)
        self.assertEqual(len(self.recoveries(call)), 1)
        self.advance(0.1)
        self.assertEqual(len(self.recoveries(call)), 2)
        for times in range(2, MAX_PUT_OFF + 1):
            self.respond(self.last("INVITE"), 503)
            self.advance(min(max(FLOOR, 2**times), LONGEST_WAIT))
        self.assertEqual(len(self.recoveries(call)), 1 + MAX_PUT_OFF)
        self.respond(self.last("INVITE"), 503)
        registers = len(self.sent("REGISTER"))
        while len(self.sent("REGISTER")) == registers:
            self.advance(10)
        self.assertEqual(len(self.recoveries(call)), 1 + MAX_PUT_OFF)
        self.grant()
        self.assertEqual(len(self.recoveries(call)), 2 + MAX_PUT_OFF)
        self.assertEqual(self.of(CallEnded), [])

    def test_nobody_answers(self) -> None:
        """A peer that is not found several times in a row has gone: the call ends, and a BYE says so."""
        call = self.call_out()
        self.lose_and_restore()
        for times in range(1, MAX_SILENCE):
            self.respond(self.last("INVITE"), 408)
            self.advance(max(FLOOR, 2**times))
            self.assertEqual(self.of(CallEnded), [])
        self.respond(self.last("INVITE"), 408)
        (end,) = self.of(CallEnded)
        self.assertEqual((end.leg, end.cause, end.code), (call.leg, EndCause.FAILED, 408))
        self.respond(self.last("BYE"), 481)

    def test_overloaded_before(self) -> None:
        """Refusals of who is there do not count for a peer that is not found."""
        call = self.call_out()
        self.lose_and_restore()
        for times, code in enumerate((503, 500, 408, 408, 503), 1):
            self.respond(self.last("INVITE"), code)
            self.advance(min(max(FLOOR, 2**times), LONGEST_WAIT))
            self.assertEqual(len(self.recoveries(call)), 1 + times)
        self.assertEqual(self.of(CallEnded), [])
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(len(self.of(SessionRefreshed)), 1)

    def test_accepted_late(self) -> None:
        """A recovery that is accepted when it was given up is acknowledged, or the peer would end the call."""
        call = self.call_out()
        self.lose_and_restore()
        acks = len(self.sent("ACK"))
        self.advance(32)
        self.respond(self.recoveries(call)[0], 200, ANSWER)
        self.assertEqual(len(self.sent("ACK")), acks + 1)
        self.assertEqual(self.last("ACK").cseq.number, self.recoveries(call)[0].cseq.number)
        self.advance(FLOOR)
        self.respond(self.recoveries(call)[1], 200, ANSWER)
        self.assertEqual(self.of(CallEnded), [])

    def test_glare(self) -> None:
        """A recovery that meets 491 is repeated after the wait, and given up after some of them."""
        call = self.call_out()
        self.lose_and_restore()
        self.respond(self.last("INVITE"), 491)
        self.advance(4)
        self.assertEqual(len(self.recoveries(call)), 2)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(len(self.of(SessionRefreshed)), 1)
        self.lose_and_restore()
        for _ in range(MAX_GLARE + 1):
            self.respond(self.last("INVITE"), 491)
            self.advance(4)
        self.assertEqual(len(self.recoveries(call)), 2 + MAX_GLARE + 1)
        self.assertEqual(self.of(CallEnded), [])

    def test_interrupted(self) -> None:
        """A recovery that another loss interrupts is done again, once."""
        call = self.call_out()
        self.lose_and_restore()
        self.assertEqual(len(self.recoveries(call)), 1)
        self.lose_and_restore()
        self.assertEqual(len(self.recoveries(call)), 2)
        self.assertEqual(self.recoveries(call)[1].body, OFFER)
        self.respond(self.recoveries(call)[1], 200, ANSWER)
        self.assertEqual(len(self.of(SessionRefreshed)), 1)
        self.assertEqual(self.of(OfferRefused) + self.of(CallEnded), [])

    def test_interrupted_while_waiting(self) -> None:
        """A recovery that waits after a glare is not doubled by the next one."""
        call = self.call_out()
        self.lose_and_restore()
        self.respond(self.last("INVITE"), 491)
        self.disconnect()
        self.connect()
        self.register_again()
        self.advance(10)
        self.assertEqual(len(self.recoveries(call)), 2)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(len(self.recoveries(call)), 2)

    def test_interrupted_registration(self) -> None:
        """A loss during the REGISTER before the recovery leads to one recovery all the same."""
        call = self.call_out()
        for _ in range(20):
            self.disconnect()
            self.advance(0.5)
            self.connect()
            self.advance(0.1)
        self.grant()
        self.assertEqual(len(self.recoveries(call)), 1)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(len(self.recoveries(call)), 1)

    def test_registration_refused(self) -> None:
        """A call is recovered also when the registrar does not want us any more."""
        call = self.call_out()
        self.disconnect()
        self.connect()
        self.advance(0.1)
        self.respond(self.last("REGISTER"), 403)
        (invite,) = self.recoveries(call)
        self.respond(invite, 200, ANSWER)
        self.assertEqual(self.of(CallEnded), [])

    def test_registration_delayed(self) -> None:
        """While the registrar refuses for the moment, the recovery waits for it."""
        call = self.call_out()
        self.disconnect()
        self.connect()
        self.advance(0.1)
        self.respond(self.last("REGISTER"), 503, "", [("Retry-After", "20")])
        self.advance(19)
        self.assertEqual(self.recoveries(call), [])
        self.advance(2)
        self.grant()
        self.assertEqual(len(self.recoveries(call)), 1)
        self.respond(self.last("INVITE"), 200, ANSWER)

    def test_account_without_registration(self) -> None:
        """A call of an account that never registers is recovered with the connection."""
        self.core.add_account(Account("trunk", "trunk", ""))
        leg, outputs = self.core.invite("trunk", URI.parse("sip:far@example.org"), OFFER, self.now)
        self.take(outputs)
        invite = self.last("INVITE")
        self.respond(invite, 200, ANSWER)
        self.disconnect()
        self.connect()
        again = self.last("INVITE")
        self.assertIsNot(again, invite)
        self.respond(again, 200, ANSWER)
        self.do(self.core.hangup, leg)
        self.answer_byes()
        self.register_again()

    def test_other_connection(self) -> None:
        """A call over another connection is left alone."""
        call = self.call_out()
        self.take(self.core.connected(1, self.now))
        self.take(self.core.disconnected(1, self.now))
        self.take(self.core.connected(1, self.now))
        self.advance(400)
        self.assertEqual(self.recoveries(call), [])
        self.grant()

    def test_nothing_stays_behind(self) -> None:
        """A call that ends while the connection is down leaves nothing, also when its account never comes back."""
        call = self.call_out((("Session-Expires", "600;refresher=uas"),))
        self.disconnect()
        self.do(self.core.hangup, call.leg)
        self.advance(121)
        self.assertEqual(self.core.legs, 0)
        self.assertEqual(self.core._interrupted, {})


class PendingTests(RecoveryCase):
    """What was under way when the connection was lost."""

    def test_our_offer(self) -> None:
        """An offer of ours fails with 503; the recovery tells the peer, who may have taken it, what we stand by."""
        call = self.call_out()
        self.reoffer(call, HELD)
        self.lose_and_restore()
        self.assertEqual([event.code for event in self.of(OfferRefused)], [503])
        self.assertEqual([request.body for request in self.recoveries(call)], [HELD, OFFER])
        self.respond(self.last("INVITE"), 200, ANSWER)

    def test_their_offer(self) -> None:
        """An offer of the peer that is answered over the new connection comes before the recovery."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.lose_and_restore()
        self.assertEqual(self.recoveries(call), [])
        self.answer_offer(call, HELD)
        self.assertEqual(self.answers(invite), [200])
        call.ack()
        (recovery,) = self.recoveries(call)
        self.assertEqual(recovery.body, HELD)
        self.respond(recovery, 200, THEIRS)

    def test_info(self) -> None:
        """An INFO fails with 503, and the call is recovered."""
        call = self.call_out()
        ticket, outputs = self.core.info(call.leg, "application/dtmf-relay", "Signal=1\r\n", self.now)
        self.take(outputs)
        self.lose_and_restore()
        self.assertEqual(self.of(RequestAnswered), [RequestAnswered(call.leg, ticket, 503, "Service Unavailable")])
        self.assertEqual(len(self.recoveries(call)), 1)
        self.respond(self.last("INVITE"), 200, ANSWER)

    def test_our_bye(self) -> None:
        """A BYE is sent again over the new connection, with its reasons; the end is told once, at once."""
        for answer in (200, 481):
            with self.subTest(answer=answer):
                call = self.call_out()
                before = len(self.sent("BYE"))
                self.do(self.core.hangup, call.leg, reasons=["SIP;cause=200"])
                self.disconnect()
                ended = [event for event in self.of(CallEnded) if event.leg == call.leg]
                self.assertEqual([event.cause for event in ended], [EndCause.LOCAL])
                self.connect()
                self.register_again()
                first, second = self.sent("BYE")[before:]
                self.assertEqual(second.headers.get("Reason"), "SIP;cause=200")
                self.assertGreater(second.cseq.number, first.cseq.number)
                self.respond(second, answer)
                self.assertEqual(len([event for event in self.of(CallEnded) if event.leg == call.leg]), 1)
                self.assertEqual(self.recoveries(call), [])
                self.assertEqual(self.core.legs, 0)

    def test_bye_without_connection(self) -> None:
        """A call that is hung up while the connection is down ends at once; its BYE follows, if that is soon."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, call.leg)
        self.assertEqual(len(self.of(CallEnded)), 1)
        self.assertEqual(self.sent("BYE"), [])
        self.connect()
        self.register_again()
        self.respond(self.last("BYE"), 200)
        late = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, late.leg)
        self.advance(121)
        self.connect()
        self.register_again()
        self.assertEqual(len(self.sent("BYE")), 1)

    def test_bye_interrupted_again(self) -> None:
        """A BYE that a second loss interrupts is sent a third time."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg)
        for _ in range(2):
            self.disconnect()
            self.advance(1)
            self.connect()
        self.assertEqual(len(self.sent("BYE")), 3)
        self.register_again()
        self.answer_byes()
        self.assertEqual(len(self.of(CallEnded)), 1)
        self.assertEqual(self.core.legs, 0)

    def test_transfer(self) -> None:
        """A call that is being transferred is recovered as any other."""
        call = self.call_out()
        _, outputs = self.core.refer(call.leg, URI.parse("sip:1004@example.org"), self.now)
        self.take(outputs)
        self.respond(self.last("REFER"), 202)
        self.lose_and_restore()
        self.assertEqual(len(self.recoveries(call)), 1)
        self.respond(self.last("INVITE"), 200, ANSWER)

    def test_ringing(self) -> None:
        """A call that rings goes on ringing, and is answered over the new connection; nothing needs recovery then."""
        call = self.ring_in()
        self.lose_and_restore()
        self.do(self.core.answer, call.leg, ANSWER)
        call.ack()
        self.advance(540)
        self.grant()
        self.assertEqual(self.recoveries(call), [])
        self.assertEqual(self.of(CallEnded), [])

    def test_answered_but_unacknowledged(self) -> None:
        """Our 2xx to the call is sent again over the new connection; without an ACK a re-INVITE asks (report A11)."""
        call = self.ring_in()
        self.do(self.core.answer, call.leg, ANSWER)
        assert call.invite is not None
        self.disconnect()
        self.advance(2)
        sent = len(self.answers(call.invite))
        self.connect()
        self.assertEqual(len(self.answers(call.invite)), sent + 1)
        self.register_again()
        self.advance(31)
        self.assertEqual(self.sent("BYE"), [])
        (recovery,) = self.recoveries(call)
        self.assertEqual(recovery.body, ANSWER)
        self.respond(recovery, 200, OFFER)
        self.advance(60)
        self.assertEqual(self.of(CallEnded), [])


class WithoutConnectionTests(CoreCase):
    """What is asked for while there is no connection."""

    def test_call(self) -> None:
        """A call that is placed then fails at once, and leaves nothing to be sent later."""
        self.disconnect()
        leg, outputs = self.core.invite("alice", URI.parse("sip:far@example.org"), OFFER, self.now)
        self.take(outputs)
        (end,) = self.of(CallEnded)
        self.assertEqual((end.leg, end.cause, end.code), (leg, EndCause.FAILED, 503))
        self.assertEqual(self.core.legs, 0)
        self.connect()
        self.advance(200)
        self.assertEqual(self.requests, [])

    def test_requests(self) -> None:
        """INFO, REFER and an offer fail with 503, and the call stays."""
        call = self.call_out()
        self.disconnect()
        self.take(self.core.info(call.leg, "text/plain", "x", self.now)[1])
        self.take(self.core.refer(call.leg, URI.parse("sip:1004@example.org"), self.now)[1])
        self.do(self.core.reoffer, call.leg, HELD)
        self.assertEqual([event.code for event in self.of(RequestAnswered)], [503, 503])
        self.assertEqual([event.code for event in self.of(OfferRefused)], [503])
        self.assertEqual(self.of(CallEnded), [])
        self.connect()
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(len(self.of(SessionRefreshed)), 1)

    def test_registration(self) -> None:
        """A sign-in fails at once; one over the next connection works."""
        self.disconnect()
        self.do(self.core.register, Account("bob", "bob", "secret"))
        self.connect()
        self.assertEqual(self.sent("REGISTER"), [])
        self.do(self.core.register, Account("bob", "bob", "secret"))
        self.respond(self.last("REGISTER"), 200, "", [("Expires", "600")], contact=False)
        self.assertEqual(self.of(Registered), [Registered("bob", 600)])
        self.do(self.core.unregister, "bob")
        self.respond(self.last("REGISTER"), 200)
