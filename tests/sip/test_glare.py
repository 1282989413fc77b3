"""Offers that cross, and offers that a lost connection interrupts."""

from itertools import product

from tests.support.corecase import HELD, THEIRS, CoreCase, FarCall
from tests.support.corepair import ANSWER, OFFER, CorePair, Side
from wrtcgw.sip.outputs import (
    CallEnded,
    CallReceived,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    PeerFault,
    SessionRefreshed,
)
from wrtcgw.sip.usages.modification import MAX_GLARE, OfferState

IDLE, LOCAL, WAIT, REMOTE, UNACKED = OfferState


class GlareTests(CoreCase):
    """Offers that cross (RFC 3261 section 14.1)."""

    def wait_of(self, call: FarCall, share: float) -> float:
        """Return how long a refused offer waits when the dice show ``share``."""
        self.tokens.share = share
        self.respond(self.reoffer(call), 491)
        started, sent = self.now, len(self.sent("INVITE"))
        deadline = self.core.next_deadline()
        assert deadline is not None
        self.advance(deadline - self.now)
        self.assertEqual(len(self.sent("INVITE")), sent + 1)
        self.respond(self.last("INVITE"), 200, THEIRS)
        return self.now - started

    def test_wait_of_the_owner(self) -> None:
        """The side that made the Call-ID waits 2.1 to 4 s in steps of 10 ms."""
        call = self.call_out()
        self.assertAlmostEqual(self.wait_of(call, 0), 2.1)
        self.assertAlmostEqual(self.wait_of(call, 1), 4.0)
        wait = self.wait_of(call, 0.12345)
        self.assertAlmostEqual(wait, round(wait, 2))

    def test_wait_of_the_other(self) -> None:
        """The other side waits 0 to 2 s."""
        call = self.call_in()
        self.assertAlmostEqual(self.wait_of(call, 0), 0.0)
        self.assertAlmostEqual(self.wait_of(call, 1), 2.0)
        wait = self.wait_of(call, 0.98765)
        self.assertAlmostEqual(wait, round(wait, 2))

    def test_limit(self) -> None:
        """An offer that meets 491 again and again is given up as refused."""
        call = self.call_out()
        self.reoffer(call)
        for _ in range(MAX_GLARE):
            self.respond(self.last("INVITE"), 491)
            self.advance(4)
        self.assertEqual(self.of(OfferRefused), [])
        self.respond(self.last("INVITE"), 491)
        self.assertEqual(self.of(OfferRefused)[0].code, 491)
        self.assertEqual(len(self.sent("INVITE")), 1 + 1 + MAX_GLARE)
        self.assertIs(self.offer_state(call), IDLE)

    def test_hang_up_while_waiting(self) -> None:
        """An offer that waits is not made once the call is hung up."""
        call = self.call_out()
        self.respond(self.reoffer(call), 491)
        self.do(self.core.hangup, call.leg)
        self.respond(self.last("BYE"), 200)
        sent = len(self.sent("INVITE"))
        self.advance(10)
        self.assertEqual(len(self.sent("INVITE")), sent)

    def test_theirs_while_waiting(self) -> None:
        """The peer's offer is served while ours waits, and ours follows it."""
        call = self.call_out()
        self.respond(self.reoffer(call), 491)
        sent = len(self.sent("INVITE"))
        call.reinvite(THEIRS)
        self.advance(5)
        self.assertEqual(len(self.sent("INVITE")), sent)
        self.answer_offer(call)
        call.ack()
        self.assertEqual(self.last("INVITE").body, HELD)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(self.of(OfferAnswered), [OfferAnswered(call.leg, ANSWER)])

    def test_refused_update_while_waiting(self) -> None:
        """An offer of theirs that cannot be taken (422) does not end our wait."""
        call = self.call_out()
        self.respond(self.reoffer(call), 491)
        fields = [("Supported", "timer"), ("Session-Expires", "30")]
        update = call.send("UPDATE", THEIRS, fields)
        self.assertEqual(self.answers(update), [422])
        self.assertIs(self.offer_state(call), WAIT)

    def test_their_offers_meet_ours(self) -> None:
        """While our offer is out, an INVITE and an UPDATE with an offer get 491 and are not looked at."""
        call = self.call_out()
        ours = self.reoffer(call)
        for method in ("INVITE", "UPDATE"):
            request = call.send(method, THEIRS)
            self.assertEqual(self.answers(request), [491])
            if method == "INVITE":
                call.ack_refusal(request)
        self.assertEqual(self.of(OfferReceived), [])
        self.respond(ours, 200, THEIRS)
        self.assertEqual(len(self.of(OfferAnswered)), 1)

    def test_their_refresh_meets_our_offer(self) -> None:
        """An UPDATE without an offer is no glare."""
        call = self.call_out()
        self.reoffer(call)
        self.assertEqual(self.answers(call.send("UPDATE")), [200])

    def test_refresh_after_glare(self) -> None:
        """A refresh that lost to the peer's offer repeats the new description, not the one of before."""
        call = self.call_out((("Session-Expires", "1800;refresher=uac"),))
        self.advance(900)
        refresh = self.last("INVITE")
        self.assertEqual(refresh.body, OFFER)
        self.respond(refresh, 491)
        call.reinvite(THEIRS)
        self.answer_offer(call, HELD)
        call.ack()
        again = self.last("INVITE")
        self.assertIsNot(again, refresh)
        self.assertEqual(again.body, HELD)
        self.respond(again, 200, THEIRS, [("Session-Expires", "1800;refresher=uac")])
        self.assertEqual(self.of(SessionRefreshed), [SessionRefreshed(call.leg, THEIRS)])


class CrossingTests(CoreCase):
    """Two cores that offer at the same time."""

    def crossing(self, share_a: float, share_b: float) -> tuple[CorePair, str, str]:
        """Establish a call between two cores; return it with the legs of both."""
        pair = CorePair()
        for side, share in ((pair.a, share_a), (pair.b, share_b)):
            side.tokens.share = share
        leg = pair.call()
        received = pair.b.last(CallReceived)
        assert isinstance(received, CallReceived)
        pair.take(pair.b, pair.b.core.answer(received.leg, ANSWER, pair.now))
        return pair, leg, received.leg

    def answer_all(self, pair: CorePair, side: Side, leg: str, done: int) -> int:
        """Answer the offers that have come since."""
        offers = side.of(OfferReceived)
        for _ in offers[done:]:
            pair.take(side, side.core.answer_offer(leg, ANSWER, pair.now))
        return len(offers)

    def test_both_at_once(self) -> None:
        """Crossing re-INVITEs both get 491, and both are made in the end, whatever the dice show."""
        for share_a, share_b in product((0.0, 0.5, 1.0), repeat=2):
            with self.subTest(a=share_a, b=share_b):
                pair, leg_a, leg_b = self.crossing(share_a, share_b)
                pair.held = True
                pair.take(pair.a, pair.a.core.reoffer(leg_a, HELD, pair.now))
                pair.take(pair.b, pair.b.core.reoffer(leg_b, THEIRS, pair.now))
                pair.release()
                done_a = done_b = 0
                for _ in range(100):
                    pair.advance(0.1)
                    done_a = self.answer_all(pair, pair.a, leg_a, done_a)
                    done_b = self.answer_all(pair, pair.b, leg_b, done_b)
                self.assertEqual(len(pair.a.of(OfferAnswered)), 1)
                self.assertEqual(len(pair.b.of(OfferAnswered)), 1)
                self.assertEqual(pair.a.of(OfferRefused) + pair.b.of(OfferRefused), [])
                pair.take(pair.a, pair.a.core.hangup(leg_a, pair.now))
                pair.advance(100)
                self.assertEqual((pair.a.core.transactions, pair.b.core.transactions), (0, 0))


class ConnectionTests(CoreCase):
    """Offers and a connection that is lost."""

    def test_unacknowledged_2xx(self) -> None:
        """Over the new connection our 2xx is sent again at once (report A11)."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.answer_offer(call)
        self.disconnect()
        self.advance(3)
        sent = len(self.answers(invite))
        self.connect()
        self.assertEqual(len(self.answers(invite)), sent + 1)
        call.ack()
        self.assertEqual(self.of(CallEnded), [])

    def test_lost_ack(self) -> None:
        """When an ACK may have gone with the connection, a re-INVITE tells whether the peer holds the call."""
        call = self.call_out()
        call.reinvite(THEIRS)
        self.answer_offer(call, HELD)
        self.disconnect()
        self.advance(5)
        self.connect()
        self.advance(30)
        self.assertEqual(self.sent("BYE"), [])
        self.assertEqual(self.last("INVITE").body, HELD)
        self.respond(self.last("INVITE"), 200, THEIRS)
        self.assertEqual(self.of(SessionRefreshed), [SessionRefreshed(call.leg, THEIRS)])

    def test_lost_ack_and_no_connection(self) -> None:
        """The same when the connection stays away for longer than an ACK is waited for."""
        call = self.call_out()
        call.reinvite(THEIRS)
        self.answer_offer(call, HELD)
        self.disconnect()
        self.advance(60)
        self.assertEqual(self.of(CallEnded), [])
        self.connect()
        self.respond(self.last("INVITE"), 200, THEIRS)
        self.assertEqual(len(self.of(SessionRefreshed)), 1)

    def test_offer_that_waits(self) -> None:
        """A recovery behind an offer that waits repeats the description that this one brought."""
        call = self.call_out()
        self.respond(self.reoffer(call, HELD), 491)
        self.disconnect()
        self.connect()
        self.advance(5)
        self.assertEqual(self.last("INVITE").body, HELD)
        self.respond(self.last("INVITE"), 200, THEIRS)
        self.assertEqual(self.last("INVITE").body, HELD)
        self.respond(self.last("INVITE"), 200, THEIRS)
        self.assertEqual(self.of(SessionRefreshed), [SessionRefreshed(call.leg, THEIRS)])

    def test_answer_over_the_new_connection(self) -> None:
        """An offer of the peer that was open when the connection was lost is answered over the next one."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.disconnect()
        self.answer_offer(call)
        self.assertEqual(self.answers(invite), [])
        self.connect()
        self.assertEqual(self.answers(invite), [200])
        call.ack()
        self.assertEqual(self.of(CallEnded), [])
        self.assertEqual(self.of(PeerFault), [])
