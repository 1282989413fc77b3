"""Session timers (RFC 4028): who refreshes, what a peer may ask for, and when a session ends by itself."""

from tests.support.corecase import THEIRS, FarCall
from tests.support.corepair import OFFER
from tests.support.timercase import NO_UPDATES, TIMER, UPDATES, TimerCase, expires
from wrtcgw.sip.outputs import CallAnswered, CallEnded, CallReceived, EndCause
from wrtcgw.sip.uri import URI


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

    def test_floor(self) -> None:
        """However short the interval that a peer wants, it is not refreshed more often than every 5 s."""
        for interval in (1, 2, 9):
            with self.subTest(interval=interval):
                self.start()
                self.call_out((UPDATES, expires(interval, "uac")))
                self.advance(4.9)
                self.assertEqual(self.refreshes(), [])
                for refresh in range(1, 5):
                    self.advance(0.1 if refresh == 1 else 5)
                    self.assertEqual(len(self.refreshes()), refresh)
                    self.accept(self.refreshes()[-1], expires(interval, "uac"))
                self.assertEqual(self.sent("BYE"), [])

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
        """A request with a Session-Expires that cannot be read has none (RFC 3261 section 8.2.2)."""
        call = self.call_in()
        for method in ("UPDATE", "INVITE"):
            request = call.send(method, THEIRS, [("Session-Expires", "soon")])
            self.answer_offer(call)
            self.assertEqual(self.answers(request), [200])
            self.assertNotIn("Session-Expires", self.answer_to(request).headers)
        call.ack(invite=request)

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
