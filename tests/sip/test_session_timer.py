"""Session timers (RFC 4028): who refreshes, how, what happens when it fails, and when a session ends by itself."""

from itertools import product

from tests.support.corecase import HELD, THEIRS, CoreCase, FarCall
from tests.support.corepair import ANSWER, OFFER, CorePair
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import CallAnswered, CallEnded, CallReceived, EndCause, OfferAnswered, SessionRefreshed
from wrtcgw.sip.uri import URI

UPDATES = ("Allow", "INVITE, ACK, BYE, UPDATE")
NO_UPDATES = ("Allow", "INVITE, ACK, BYE")
TIMER = ("Supported", "timer")


def expires(seconds: int, refresher: str = "") -> tuple[str, str]:
    """Make a Session-Expires field."""
    return "Session-Expires", f"{seconds};refresher={refresher}" if refresher else str(seconds)


class TimerCase(CoreCase):
    """Calls with a session timer."""

    def timed_out(self) -> FarCall:
        """Establish a call that we placed and refresh every 900 s."""
        return self.call_out((UPDATES, expires(1800, "uac")))

    def refreshes(self, since: int = 0) -> list[Request]:
        """Return the UPDATEs and re-INVITEs of ours, those of the call's beginning left out."""
        return [
            request
            for request in self.requests[since:]
            if request.method == "UPDATE" or (request.method == "INVITE" and request.to_tag)
        ]

    def accept(self, request: Request, *fields: tuple[str, str]) -> None:
        """Answer a refresh with 200."""
        self.respond(request, 200, ANSWER if request.method == "INVITE" else "", fields)


class CallerTests(TimerCase):
    """What an INVITE of ours asks for, and what we make of the answer."""

    def test_asked(self) -> None:
        """Our INVITE asks for the interval of the settings, and leaves it open who refreshes."""
        self.call_out()
        invite = self.last("INVITE")
        self.assertEqual(invite.headers.get("Session-Expires"), "1800")
        self.assertEqual(invite.headers.get("Min-SE"), "90")
        self.assertTrue(invite.headers.has_option("Supported", "timer"))

    def test_refresher(self) -> None:
        """We refresh at half the interval unless the answer says that the peer does; then we end the call in time."""
        for refresher, ours in (("uac", True), ("", True), ("UAC", True), ("uas", False)):
            with self.subTest(refresher=refresher):
                self.start()
                self.call_out((UPDATES, expires(600, refresher)))
                self.advance(299)
                self.assertEqual(self.refreshes(), [])
                self.advance(2)
                self.assertEqual(len(self.refreshes()), 1 if ours else 0)
                if not ours:
                    self.advance(600 - 32 - 301 - 0.1)
                    self.assertEqual(self.sent("BYE"), [])
                    self.advance(0.2)
                    self.assertEqual(len(self.sent("BYE")), 1)

    def test_not_agreed(self) -> None:
        """Without Session-Expires in the answer, or with one of 0 or without sense, the session never expires."""
        for fields in ((), (expires(0),), (("Session-Expires", "soon"),), (("Session-Expires", "600;refresher=me"),)):
            with self.subTest(fields=fields):
                self.start()
                self.call_out(fields)
                self.assertEqual(len(self.of(CallAnswered)), 1)
                self.advance(10_000)
                self.assertEqual(self.refreshes() + self.sent("BYE"), [])

    def test_too_small(self) -> None:
        """422 is answered with an INVITE that asks for what its Min-SE says, and repeats it (RFC 4028, 7.3, 7.4)."""
        _, outputs = self.core.invite("alice", URI.parse("sip:far@example.org"), OFFER, self.now)
        self.take(outputs)
        first = self.last("INVITE")
        self.respond(first, 422, "", [("Min-SE", "3600")])
        second = self.last("INVITE")
        self.assertEqual(second.headers.get("Session-Expires"), "3600")
        self.assertEqual(second.headers.get("Min-SE"), "3600")
        self.assertEqual((second.call_id, second.from_tag), (first.call_id, first.from_tag))
        self.assertEqual(second.cseq.number, first.cseq.number + 1)
        self.respond(second, 486)

    def test_too_small_without_use(self) -> None:
        """422 that asks for no more than we did, or for nothing, is a refusal."""
        for fields in ([("Min-SE", "1800")], [("Min-SE", "x")], []):
            with self.subTest(fields=fields):
                self.start()
                _, outputs = self.core.invite("alice", URI.parse("sip:far@example.org"), OFFER, self.now)
                self.take(outputs)
                self.respond(self.last("INVITE"), 422, "", fields)
                self.assertEqual(self.of(CallEnded)[0].code, 422)

    def test_switched_off(self) -> None:
        """A site without session timers asks for none, but takes part when the peer wants one."""
        self.start(session_expires=0)
        self.call_out()
        self.assertNotIn("Session-Expires", self.last("INVITE").headers)
        call = self.call_in(OFFER, (UPDATES, expires(600, "uas"), TIMER))
        self.advance(301)
        update = self.last("UPDATE")
        self.assertEqual(update.call_id, call.call_id)
        self.assertEqual(update.headers.get("Session-Expires"), "600;refresher=uac")


class CalleeTests(TimerCase):
    """What we make of an INVITE's Session-Expires."""

    def test_refresher(self) -> None:
        """Who refreshes is as table 2 of RFC 4028 says, and Require tells a peer that knows timers."""
        table = (
            # supported by the caller, its refresher parameter, ours, Require
            (False, "", "uas", False),
            (True, "", "uac", True),
            (True, "uac", "uac", True),
            (True, "uas", "uas", True),
            (False, "uac", "uas", False),  # "shouldn't happen": who does not know timers cannot refresh
            (False, "uas", "uas", False),
        )
        for supported, asked, expected, required in table:
            with self.subTest(supported=supported, asked=asked):
                self.start()
                call = self.call_in(OFFER, (UPDATES, expires(600, asked), *((TIMER,) if supported else ())))
                assert call.invite is not None
                response = self.answer_to(call.invite)
                self.assertEqual(response.headers.get("Session-Expires"), f"600;refresher={expected}")
                self.assertEqual(response.headers.has_option("Require", "timer"), required)
                self.advance(301)
                self.assertEqual(len(self.refreshes()), 1 if expected == "uas" else 0)

    def test_too_small(self) -> None:
        """An interval below our minimum gets 422 with the minimum, before the phone rings."""
        call = FarCall(self, "far-small", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        invite = call.reinvite(OFFER, (expires(60), TIMER))
        response = self.answer_to(invite)
        self.assertEqual((response.status, response.headers.get("Min-SE")), (422, "90"))
        call.remote = response.headers.get("To") or ""
        call.ack_refusal()
        self.assertEqual(self.of(CallReceived), [])
        self.assertEqual(self.core.legs, 0)
        call.remote = "<sip:alice@example.org>"
        call.call_id = "far-large"
        again = call.reinvite(OFFER, (expires(90), TIMER))
        call.remote, call.leg = self.answer_to(again).headers.get("To") or "", self.of(CallReceived)[0].leg
        self.calls.append(call)

    def test_too_small_of_one_who_knows_no_timers(self) -> None:
        """What a proxy asks on behalf of a caller that knows no timers is taken: that one could not ask again."""
        call = self.call_in(OFFER, (UPDATES, expires(60)))
        assert call.invite is not None
        self.assertEqual(self.answer_to(call.invite).headers.get("Session-Expires"), "60;refresher=uas")

    def test_unreadable(self) -> None:
        """A request with a Session-Expires that cannot be read gets 400; the call goes on."""
        call = self.call_in()
        for method in ("INVITE", "UPDATE"):
            request = call.send(method, THEIRS, [("Session-Expires", "soon")])
            self.assertEqual(self.answers(request), [400])
            if method == "INVITE":
                call.ack_refusal(request)

    def test_compact_form(self) -> None:
        """Session-Expires has the compact form x (RFC 4028 section 4)."""
        call = self.call_in(OFFER, (UPDATES, ("x", "600"), ("k", "timer")))
        assert call.invite is not None
        self.assertEqual(self.answer_to(call.invite).headers.get("Session-Expires"), "600;refresher=uac")

    def test_minimum_of_the_peer(self) -> None:
        """The Min-SE that the peer sent stands in our refreshes from then on (RFC 4028 section 7.4)."""
        self.call_in(OFFER, (UPDATES, expires(600, "uas"), ("Min-SE", "400"), TIMER))
        self.advance(301)
        update = self.last("UPDATE")
        self.assertEqual(update.headers.get("Min-SE"), "400")
        self.assertEqual(update.headers.get("Session-Expires"), "600;refresher=uac")


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
        self.assertEqual(self.answers(invite), [487])
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
        """100 refreshes change nothing: the last description is the first, and each has a CSeq of its own (A13)."""
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


class TheirRefreshTests(TimerCase):
    """Refreshes of the peer."""

    def test_update(self) -> None:
        """An UPDATE without a body is answered by the core and puts the expiry off."""
        call = self.call_in(OFFER, (UPDATES, expires(600, "uac"), TIMER))
        for _ in range(10):
            self.advance(300)
            update = call.send("UPDATE", "", (expires(600, "uac"), TIMER))
            response = self.answer_to(update)
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers.get("Session-Expires"), "600;refresher=uac")
            self.assertEqual(response.body, "")
        self.assertEqual(self.sent("BYE") + self.refreshes(), [])

    def test_update_too_small(self) -> None:
        """An UPDATE below our minimum gets 422, and the session goes on as agreed."""
        call = self.call_in(OFFER, (UPDATES, expires(600, "uac"), TIMER))
        self.advance(300)
        update = call.send("UPDATE", "", (expires(30, "uac"), TIMER))
        self.assertEqual(self.answer_to(update).headers.get("Min-SE"), "90")
        self.advance(267)
        self.assertEqual(self.sent("BYE"), [])
        self.advance(2)
        self.assertEqual(len(self.sent("BYE")), 1)

    def test_invite(self) -> None:
        """A re-INVITE puts the expiry off when we answer it."""
        call = self.call_in(OFFER, (UPDATES, expires(600, "uac"), TIMER))
        self.advance(300)
        invite = call.reinvite(OFFER, (expires(600, "uac"), TIMER))
        self.answer_offer(call)
        self.assertEqual(self.answer_to(invite).headers.get("Session-Expires"), "600;refresher=uac")
        call.ack()
        self.advance(560)
        self.assertEqual(self.sent("BYE"), [])

    def test_dropped(self) -> None:
        """A refresh without Session-Expires ends the timer."""
        call = self.call_in(OFFER, (UPDATES, expires(600, "uac"), TIMER))
        self.assertNotIn("Session-Expires", self.answer_to(call.send("UPDATE")).headers)
        self.advance(10_000)
        self.assertEqual(self.sent("BYE") + self.refreshes(), [])

    def test_zero(self) -> None:
        """One of 0 from a peer that knows no timers does too."""
        call = self.call_in(OFFER, (UPDATES, expires(600, "uac"), TIMER))
        self.assertNotIn("Session-Expires", self.answer_to(call.send("UPDATE", "", [expires(0)])).headers)
        self.advance(10_000)
        self.assertEqual(self.sent("BYE"), [])

    def test_target(self) -> None:
        """The Contact of an UPDATE is where our requests go from then on (RFC 3311 section 5.2)."""
        call = self.call_in()
        request = call.request("UPDATE")
        request.headers.set("Contact", "<sip:moved@192.0.2.8>")
        self.receive(request)
        self.assertEqual(self.reoffer(call).uri, "sip:moved@192.0.2.8")


class ExpiryTests(TimerCase):
    """Sessions that no one refreshed (RFC 4028 section 10)."""

    def test_early_end(self) -> None:
        """The BYE leaves before the session expires: by 32 s, or a third of the interval when that is less."""
        for seconds, at in ((1800, 1768), (96, 64), (90, 60)):
            for refresher in ("uac", "uas"):
                with self.subTest(seconds=seconds, refresher=refresher):
                    self.start()
                    call = self.call_out((NO_UPDATES, expires(seconds, refresher)))
                    self.advance(at - 0.1)
                    self.assertEqual(self.sent("BYE"), [])
                    self.advance(0.2)
                    (bye,) = self.sent("BYE")
                    self.assertIn("session expired", bye.headers.get("Reason") or "")
                    self.respond(bye, 200)
                    (end,) = self.of(CallEnded)
                    self.assertEqual((end.leg, end.cause, end.code), (call.leg, EndCause.FAILED, 408))

    def test_both_roles_as_callee(self) -> None:
        """The same for a call that came to us."""
        for refresher in ("uac", "uas"):
            with self.subTest(refresher=refresher):
                self.start()
                self.call_in(OFFER, (NO_UPDATES, expires(600, refresher), TIMER))
                self.advance(569)
                self.respond(self.last("BYE"), 200)
                self.assertEqual(self.of(CallEnded)[0].cause, EndCause.FAILED)

    def test_without_connection(self) -> None:
        """A session that expires while the connection is down ends, and its BYE follows later."""
        self.call_out((UPDATES, expires(600, "uas")))
        self.disconnect()
        self.advance(570)
        self.assertEqual(self.of(CallEnded)[0].code, 408)
        self.assertEqual(self.sent("BYE"), [])
        self.connect()
        self.assertIn("session expired", self.last("BYE").headers.get("Reason") or "")
        self.respond(self.last("BYE"), 200)
        self.assertEqual(len(self.of(CallEnded)), 1)

    def test_unanswered_refresh(self) -> None:
        """A refresh that is out when the session expires does not survive it."""
        self.call_out((NO_UPDATES, expires(90, "uac")))
        self.advance(45)
        invite = self.last("INVITE")
        self.respond(invite, 100)
        self.advance(16)
        self.respond(self.last("BYE"), 200)
        self.respond(invite, 487)
        self.assertEqual(len(self.of(CallEnded)), 1)
