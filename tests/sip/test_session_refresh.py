"""Session timers (RFC 4028): the refreshes of ours and what becomes of them."""

from itertools import product

from tests.support.corecase import HELD, THEIRS
from tests.support.corepair import ANSWER, OFFER, CorePair
from tests.support.timercase import NO_UPDATES, TIMER, UPDATES, TimerCase, expires
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import CallEnded, CallReceived, OfferAnswered, SessionRefreshed


class RefreshTests(TimerCase):
    """Refreshes of ours."""

    def test_update(self) -> None:
        """A peer that allows UPDATE gets one without a body, which names us as refresher."""
        self.timed_out()
        self.advance(900)
        update = self.last("UPDATE")
        self.assertEqual(update.body, "")
        self.assertEqual(update.headers.get("Session-Expires"), "1800;refresher=uac")
        self.assertIn("Contact", update.headers)
        self.assertTrue(update.headers.has_option("Supported", "timer"), "RFC 4028 section 7.1")
        self.assertIn("Allow", update.headers)
        self.accept(update, expires(1800, "uac"))
        self.advance(899)
        self.assertEqual(len(self.refreshes()), 1)
        self.advance(1)
        self.assertEqual(len(self.refreshes()), 2)

    def test_invite(self) -> None:
        """Any other peer gets a re-INVITE with the description as it is, and its answer is told."""
        call = self.call_out((NO_UPDATES, expires(1800, "uac")))
        self.advance(900)
        invite = self.last("INVITE")
        self.assertEqual(invite.body, OFFER)
        self.assertEqual(invite.headers.get("Session-Expires"), "1800;refresher=uac")
        self.accept(invite, expires(1800, "uac"))
        self.assertEqual(self.of(SessionRefreshed), [SessionRefreshed(call.leg, ANSWER)])
        self.assertEqual(self.of(OfferAnswered), [])
        self.advance(900)
        self.assertEqual(len(self.refreshes()), 2)

    def test_matrix(self) -> None:
        """No outcome of a refresh but 481 ends the call before it expires; all others are followed by another try."""
        outcomes = (200, 408, 422, 481, 488, 491, 500, 501, 503, 405, 0)
        for refresher, method, outcome in product(("uac", "uas", ""), ("UPDATE", "INVITE"), outcomes):
            with self.subTest(refresher=refresher, method=method, outcome=outcome):
                self.start()
                allow = UPDATES if method == "UPDATE" else NO_UPDATES
                if refresher == "uas":
                    self.call_in(OFFER, (allow, expires(1800, "uas"), TIMER))
                else:
                    self.call_out((allow, expires(1800, refresher)))
                self.advance(900)
                (refresh,) = self.refreshes()
                self.assertEqual(refresh.method, method)
                self.check_outcome(refresh, outcome)
                self.end_all()
                self.check_nothing_left()

    def check_outcome(self, refresh: Request, outcome: int) -> None:
        """Give a refresh its outcome, and check what follows."""
        if outcome == 200:
            self.accept(refresh, expires(1800, "uac"))
            self.advance(899)
            self.assertEqual(len(self.refreshes()), 1)
            self.advance(2)
        elif outcome:
            self.respond(refresh, outcome)
        if outcome == 481:
            self.assertEqual(self.of(CallEnded)[0].code, 481)
            return
        self.advance(15 if outcome else 45)
        self.assertEqual(len(self.refreshes()), 2)
        self.assertEqual(self.of(CallEnded) + self.sent("BYE"), [])
        if outcome == 200:
            return
        again = self.refreshes()[1]
        persists = outcome in (491, 500, 503) or refresh.method == "INVITE"
        self.assertEqual(again.method, refresh.method if persists else "INVITE")
        self.accept(again, expires(1800, "uac"))
        self.advance(890)
        self.assertEqual(self.sent("BYE"), [])

    def test_interval_too_small(self) -> None:
        """A refresh that gets 422 is repeated at once with what was asked for, by whichever method."""
        for allow in (UPDATES, NO_UPDATES):
            with self.subTest(allow=allow):
                self.start()
                self.call_out((allow, expires(1800, "uac")))
                self.advance(900)
                self.respond(self.refreshes()[0], 422, "", [("Min-SE", "3600")])
                self.advance(0)
                again = self.refreshes()[1]
                self.assertEqual(again.headers.get("Session-Expires"), "3600;refresher=uac")
                self.assertEqual(again.headers.get("Min-SE"), "3600")
                self.accept(again, expires(3600, "uac"))
                self.advance(1799)
                self.assertEqual(len(self.refreshes()), 2)
                self.advance(1)
                self.assertEqual(len(self.refreshes()), 3)

    def test_interval_too_small_for_ever(self) -> None:
        """A peer that wants more each time is not followed for ever; the refresh is tried again later."""
        for allow in (UPDATES, NO_UPDATES):
            with self.subTest(allow=allow):
                self.start()
                self.call_out((allow, expires(1800, "uac")))
                self.advance(900)
                for minimum in range(1801, 1820):
                    if len(self.refreshes()) < minimum - 1800:
                        break
                    self.respond(self.refreshes()[-1], 422, "", [("Min-SE", str(minimum))])
                    self.advance(0)
                self.assertLess(len(self.refreshes()), 10)
                self.advance(15)
                self.accept(self.refreshes()[-1], expires(1806, "uac"))
                self.advance(800)
                self.assertEqual(self.sent("BYE"), [])

    def test_dropped(self) -> None:
        """A 2xx without Session-Expires ends the timer (RFC 4028 section 7.2)."""
        for allow in (UPDATES, NO_UPDATES):
            with self.subTest(allow=allow):
                self.start()
                self.call_out((allow, expires(1800, "uac")))
                self.advance(900)
                self.accept(self.refreshes()[0])
                self.advance(20_000)
                self.assertEqual(len(self.refreshes()), 1)
                self.assertEqual(self.sent("BYE"), [])

    def test_twice(self) -> None:
        """Of two Session-Expires in a 2xx the first counts, and the call goes on with it."""
        for second in (expires(600, "uac"), expires(600, "uas"), ("Session-Expires", ";")):
            with self.subTest(second=second):
                self.start()
                self.call_out((UPDATES, expires(1800, "uac"), second))
                self.advance(899)
                self.assertEqual(self.refreshes(), [])
                self.advance(1)
                self.assertEqual(len(self.refreshes()), 1)
                self.accept(self.refreshes()[0], expires(1800, "uac"))
                self.assertEqual(self.sent("BYE"), [])

    def test_between_two_cores(self) -> None:
        """With one of us on each side the caller is let refresh, by UPDATE, and stays the refresher."""
        pair = CorePair(session_expires=600)
        leg = pair.call()
        received = pair.b.last(CallReceived)
        assert isinstance(received, CallReceived)
        pair.take(pair.b, pair.b.core.answer(received.leg, ANSWER, pair.now))
        pair.advance(6000)
        updates = [[text for text in side.sent if text.startswith("UPDATE ")] for side in (pair.a, pair.b)]
        self.assertIn(len(updates[0]), (19, 20))
        self.assertEqual(updates[1], [])
        self.assertEqual(pair.a.of(CallEnded) + pair.b.of(CallEnded), [])
        pair.take(pair.a, pair.a.core.hangup(leg, pair.now))
        pair.advance(100)
        self.assertEqual((pair.a.core.legs, pair.b.core.legs), (0, 0))

    def test_handed_over(self) -> None:
        """A 2xx to our refresh can make the peer the refresher."""
        self.timed_out()
        self.advance(900)
        self.accept(self.last("UPDATE"), expires(600, "uas"))
        self.advance(567)
        self.assertEqual(len(self.refreshes()), 1)
        self.assertEqual(self.sent("BYE"), [])
        self.advance(2)
        self.assertEqual(len(self.sent("BYE")), 1)

    def test_blocked(self) -> None:
        """A refresh that another exchange blocks is made as soon as that is over (report A12)."""
        call = self.timed_out()
        self.advance(890)
        call.reinvite(THEIRS)
        self.advance(25)
        self.assertEqual(self.refreshes(), [])
        self.do(self.core.reject_offer, call.leg, 488)
        call.ack_refusal()
        self.advance(10)
        self.assertEqual(len(self.refreshes()), 1)

    def test_blocked_until_the_end(self) -> None:
        """A peer that blocks for ever does not keep the session from expiring."""
        call = self.timed_out()
        invite = call.reinvite(THEIRS)
        self.advance(1770)
        self.assertEqual(len(self.sent("BYE")), 1)
        self.assertEqual(self.answers(invite), [100, 487])
        call.ack_refusal()

    def test_offer_refreshes(self) -> None:
        """An offer of ours that is accepted refreshes the session too (RFC 4028 section 7.2)."""
        call = self.timed_out()
        self.advance(800)
        self.accept(self.reoffer(call, HELD), expires(1800, "uac"))
        self.advance(899)
        self.assertEqual(self.sent("UPDATE"), [])
        self.advance(2)
        self.assertEqual(len(self.sent("UPDATE")), 1)

    def test_refused_offer_does_not(self) -> None:
        """An offer of ours that is refused leaves the timer as it was."""
        call = self.timed_out()
        self.advance(800)
        self.respond(self.reoffer(call, HELD), 488)
        self.advance(101)
        self.assertEqual(len(self.sent("UPDATE")), 1)

    def test_many(self) -> None:
        """100 refreshes change nothing: the last description is the first, and each has a CSeq of its own."""
        call = self.call_out((NO_UPDATES, expires(1800, "uac")))
        for _ in range(100):
            self.advance(900)
            self.accept(self.last("INVITE"), expires(1800, "uac"))
        invites = self.refreshes()
        self.assertEqual(len(invites), 100)
        self.assertEqual({invite.body for invite in invites}, {OFFER})
        self.assertEqual(len({invite.cseq.number for invite in invites}), 100)
        self.assertEqual({event.sdp for event in self.of(SessionRefreshed)}, {ANSWER})
        self.assertEqual(self.core.transactions, 1)
        self.assertEqual(self.of(CallEnded), [])
        self.assertEqual(self.local_sdp(call), OFFER)

    def test_without_connection(self) -> None:
        """While the connection is down a refresh is tried again and again; after it, the recovery is one."""
        self.timed_out()
        self.disconnect()
        self.advance(950)
        self.assertEqual(self.of(CallEnded), [])
        self.connect()
        self.advance(0)
        self.accept(self.last("INVITE"), expires(1800, "uac"))
        self.advance(899)
        self.assertEqual(self.sent("UPDATE"), [])
        self.advance(2)
        self.assertEqual(len(self.sent("UPDATE")), 1)

    def test_role_changes_meanwhile(self) -> None:
        """A refresh that fails is not repeated when a re-INVITE has made it the peer's business meanwhile."""
        call = self.timed_out()
        self.advance(900)
        update = self.last("UPDATE")
        call.reinvite(OFFER, (expires(1800, "uac"), TIMER))
        self.answer_offer(call)
        call.ack()
        self.respond(update, 500)
        self.advance(1000)
        self.assertEqual(len(self.refreshes()), 1)

    def test_call_ends_meanwhile(self) -> None:
        """The outcome of a refresh of a call that has ended meanwhile is of no interest."""
        for outcome in (200, 481, 500):
            with self.subTest(outcome=outcome):
                call = self.timed_out()
                self.advance(900)
                update = self.last("UPDATE")
                call.bye()
                ended = len(self.of(CallEnded))
                self.respond(update, outcome, "", [expires(1800, "uac")])
                self.assertEqual(len(self.of(CallEnded)), ended)
                self.assertEqual(self.core.legs, 0)

    def test_provisional(self) -> None:
        """A provisional response to an UPDATE says nothing."""
        self.timed_out()
        self.advance(900)
        self.respond(self.last("UPDATE"), 100)
        self.accept(self.last("UPDATE"), expires(1800, "uac"))
        self.advance(910)
        self.assertEqual(len(self.refreshes()), 2)
