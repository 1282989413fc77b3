"""Registrations: signing in and out, refreshes, refusals of every kind, and many accounts after a reconnect."""

from collections import Counter
from itertools import pairwise

from tests.support.corecase import CoreCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import Output, Registered, RegistrationFailed, Unregistered
from wrtcgw.sip.uri import URI

CONTACT = "<sip:bob@gw.invalid;transport=ws>"
CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n1", qop="auth", algorithm=MD5')
AGAIN = ("WWW-Authenticate", 'Digest realm="r", nonce="n2", qop="auth", algorithm=MD5')


class RegisterCase(CoreCase):
    """An account that registers."""

    def sign_in(self, password: str = "secret", key: str = "bob") -> Request:
        """Sign in; return the newest REGISTER."""
        self.do(self.core.register, Account(key, key, password))
        return self.last("REGISTER")

    def sign_out(self, key: str = "bob") -> Request:
        """Sign out; return the newest REGISTER."""
        self.do(self.core.unregister, key)
        return self.last("REGISTER")

    def grant(self, request: Request | None = None, seconds: int = 600, *fields: tuple[str, str]) -> None:
        """Let the registrar agree."""
        request = request or self.last("REGISTER")
        contact = ("Contact", f"{CONTACT.replace('bob', request.to.uri.user or '')};expires={seconds}")
        self.respond(request, 200, "", fields or [contact], contact=False)

    def registered(self, seconds: int = 600) -> None:
        """Have an account registered."""
        self.sign_in()
        self.grant(None, seconds)

    def wait_for_refresh(self) -> float:
        """Let time pass until the next REGISTER; return how long that took."""
        started, sent = self.now, len(self.sent("REGISTER"))
        while len(self.sent("REGISTER")) == sent:
            deadline = self.core.next_deadline()
            assert deadline is not None, "no refresh is to come"
            self.advance(deadline - self.now)
        return self.now - started

    def failure(self) -> RegistrationFailed:
        """Return the newest failure that was told."""
        return self.of(RegistrationFailed)[-1]

    def end_all(self) -> None:
        """Sign out too."""
        super().end_all()
        for key in {request.to.uri.user or "" for request in self.sent("REGISTER")}:
            self.do(self.core.unregister, key)
            if self.last("REGISTER").headers.get("Expires") == "0":
                self.respond(self.last("REGISTER"), 200)


class SignInTests(RegisterCase):
    """The first REGISTER of an account."""

    def test_request(self) -> None:
        """A REGISTER names the domain, the address of record twice, our Contact and how long we want it."""
        request = self.sign_in()
        self.assertEqual(request.uri, "sip:example.org")
        self.assertEqual(request.headers.get("To"), "<sip:bob@example.org>")
        self.assertEqual(str(request.from_.uri), "sip:bob@example.org")
        self.assertNotEqual(request.from_tag, "")
        self.assertEqual(request.headers.get("Contact"), f"{CONTACT};expires=600")
        self.assertEqual(request.headers.get("Expires"), "600")
        self.assertTrue(request.headers.has_option("Supported", "path"))
        self.assertTrue(request.headers.has_option("Supported", "outbound"))
        self.assertIn("Allow-Events", request.headers)
        self.assertNotIn("Route", request.headers)
        self.grant(request)
        self.assertEqual(self.of(Registered), [Registered("bob", 600)])

    def test_instance(self) -> None:
        """With an instance URN the registrar can tell a new binding of ours from another's (RFC 5626 section 4.1)."""
        self.start(instance_urn="urn:uuid:00000000-0000-4000-8000-000000000000")
        contact = self.sign_in().contact
        assert contact is not None
        self.assertEqual(contact.param("+sip.instance"), "<urn:uuid:00000000-0000-4000-8000-000000000000>")
        self.assertIn('+sip.instance="<urn:uuid:', self.last("REGISTER").headers.get("Contact") or "")
        self.assertEqual(contact.param("reg-id"), "1")

    def test_challenged(self) -> None:
        """A challenge is answered once, in the same Call-ID with the next CSeq number; refreshes carry credentials."""
        first = self.sign_in()
        self.respond(first, 401, "", [CHALLENGE])
        second = self.last("REGISTER")
        self.assertIn("Authorization", second.headers)
        self.assertEqual((second.call_id, second.from_tag), (first.call_id, first.from_tag))
        self.assertEqual(second.cseq.number, first.cseq.number + 1)
        self.grant(second)
        self.wait_for_refresh()
        third = self.last("REGISTER")
        self.assertEqual(third.cseq.number, second.cseq.number + 1)
        self.assertIn("nc=00000002", third.headers.get("Authorization") or "")

    def test_wrong_password(self) -> None:
        """A wrong password is given up after the second 401, at most the third when the nonce went stale."""
        self.respond(self.sign_in(), 401, "", [CHALLENGE])
        self.respond(self.last("REGISTER"), 401, "", [AGAIN])
        self.assertEqual(len(self.sent("REGISTER")), 2)
        self.assertEqual(self.of(RegistrationFailed), [RegistrationFailed("bob", 401, "Unauthorized")])
        self.assertIsNone(self.core.account("bob"))
        self.start()
        stale = (AGAIN[0], AGAIN[1] + ", stale=true")
        self.respond(self.sign_in(), 401, "", [CHALLENGE])
        for _ in range(2):
            self.respond(self.last("REGISTER"), 401, "", [stale])
        self.assertEqual(len(self.sent("REGISTER")), 3)
        self.assertEqual(self.failure().code, 401)

    def test_two_challenges(self) -> None:
        """One challenge of a proxy and one of the registrar are both answered (report A23)."""
        self.respond(self.sign_in(), 407, "", [("Proxy-Authenticate", CHALLENGE[1])])
        self.respond(self.last("REGISTER"), 401, "", [AGAIN])
        third = self.last("REGISTER")
        self.assertIn("Proxy-Authorization", third.headers)
        self.assertIn("Authorization", third.headers)
        self.grant(third)
        self.assertEqual(len(self.of(Registered)), 1)

    def test_refused(self) -> None:
        """A sign-in that is refused, for whatever reason, is told once, not tried again, and leaves nothing."""
        for code in (400, 401, 403, 404, 407, 423, 480, 500, 503, 603):
            with self.subTest(code=code):
                self.start()
                self.respond(self.sign_in(), code, "", [("Retry-After", "1")])
                self.assertEqual(
                    [(event.code, event.retry_in) for event in self.of(RegistrationFailed)], [(code, None)]
                )
                self.assertIsNone(self.core.account("bob"))
                self.advance(1000)
                self.assertEqual(len(self.sent("REGISTER")), 1)

    def test_silence(self) -> None:
        """A registrar that says nothing counts as a time-out after 64·T1, also when it has said 100."""
        self.respond(self.sign_in(), 100)
        self.advance(32)
        self.assertEqual(self.of(RegistrationFailed), [RegistrationFailed("bob", 408, "Request Timeout", None, True)])

    def test_408_of_a_proxy(self) -> None:
        """A 408 that someone sent is no time-out of ours."""
        self.respond(self.sign_in(), 408)
        self.assertFalse(self.failure().timeout)

    def test_connection_lost(self) -> None:
        """A sign-in whose connection is lost fails with 503."""
        self.sign_in()
        self.disconnect()
        self.assertEqual((self.failure().code, self.failure().retry_in), (503, None))
        self.connect()
        self.advance(100)
        self.assertEqual(len(self.sent("REGISTER")), 1)

    def test_without_connection(self) -> None:
        """A sign-in without a connection fails at once, and nothing is sent later."""
        self.disconnect()
        self.do(self.core.register, Account("bob", "bob", "secret"))
        self.assertEqual(self.failure().code, 503)
        self.connect()
        self.advance(100)
        self.assertEqual(self.sent("REGISTER"), [])
        self.registered()
        self.assertEqual(len(self.of(Registered)), 1)

    def test_connection_told_twice(self) -> None:
        """A connection that is said to be up once more does not bring a refused sign-in back."""
        request = self.sign_in()
        self.connect()
        self.advance(1)
        self.respond(request, 403)
        self.advance(100)
        self.assertEqual(len(self.sent("REGISTER")), 1)

    def test_interval_too_brief(self) -> None:
        """423 is answered with the interval that it names, which refreshes keep (RFC 3261 section 10.2.8)."""
        self.respond(self.sign_in(), 423, "", [("Min-Expires", "1200")])
        again = self.last("REGISTER")
        self.assertEqual(again.headers.get("Expires"), "1200")
        self.assertEqual(again.headers.get("Contact"), f"{CONTACT};expires=1200")
        self.grant(again, 1200)
        self.wait_for_refresh()
        self.assertEqual(self.last("REGISTER").headers.get("Expires"), "1200")

    def test_interval_without_use(self) -> None:
        """A 423 without Min-Expires, or with one that is no more than we asked for, is a refusal."""
        for fields in ([], [("Min-Expires", "600")], [("Min-Expires", "x")]):
            with self.subTest(fields=fields):
                self.start()
                self.respond(self.sign_in(), 423, "", fields)
                self.assertEqual(self.failure().code, 423)
                self.assertEqual(len(self.sent("REGISTER")), 1)


class GrantTests(RegisterCase):
    """What a 200 says, and when we refresh."""

    def granted(self, *fields: tuple[str, str]) -> float:
        """Sign in, with these fields in the 200; return the seconds granted."""
        self.start()
        self.respond(self.sign_in(), 200, "", fields, contact=False)
        return self.of(Registered)[0].expires

    def test_where_it_stands(self) -> None:
        """The seconds of our own Contact count, else those of Expires, else what we asked for."""
        own, other = f"{CONTACT};expires=300", "<sip:bob@other.invalid>;expires=20"
        self.assertEqual(self.granted(("Contact", own), ("Expires", "900")), 300)
        self.assertEqual(self.granted(("Contact", f"{other}, {own}")), 300)
        self.assertEqual(self.granted(("Contact", other), ("Contact", own), ("Expires", "900")), 300)
        self.assertEqual(self.granted(("Contact", CONTACT), ("Expires", "900")), 900)
        self.assertEqual(self.granted(("Contact", f"{CONTACT};expires=x"), ("Expires", "900")), 900)
        self.assertEqual(self.granted(("Expires", "900")), 900)
        self.assertEqual(self.granted(("Expires", "900 ; later")), 900)
        self.assertEqual(self.granted(), 600)

    def test_contact_of_another(self) -> None:
        """What the registrar granted to another binding of the same address of record is not for us."""
        self.assertEqual(self.granted(("Contact", "<sip:bob@other.invalid>;expires=20")), 600)
        self.assertEqual(self.granted(("Contact", "<sip:carol@gw.invalid>;expires=20")), 600)

    def test_contact_in_other_letters(self) -> None:
        """Hosts are compared without regard to case (RFC 3261 section 19.1.4)."""
        self.assertEqual(self.granted(("Contact", "<sip:bob@GW.Invalid;transport=ws>;expires=300")), 300)

    def test_malformed_contact(self) -> None:
        """A list of bindings that cannot be read does not cost us ours."""
        self.assertEqual(self.granted(("Contact", "<<<"), ("Expires", "300")), 300)
        self.assertLess(self.wait_for_refresh(), 300)

    def test_refresh_time(self) -> None:
        """A refresh comes after 0.5 to 0.9 of the time granted, as the dice show."""
        for granted in (60, 600, 3600):
            for share in (0.0, 0.3, 1.0):
                with self.subTest(granted=granted, share=share):
                    self.start()
                    self.tokens.share = share
                    self.registered(granted)
                    self.assertAlmostEqual(self.wait_for_refresh(), granted * (0.5 + 0.4 * share))

    def test_refreshes(self) -> None:
        """Refreshes go on for ever, one at a time, in one Call-ID with rising numbers."""
        self.registered()
        for _ in range(50):
            self.wait_for_refresh()
            self.grant()
        requests = self.sent("REGISTER")
        self.assertEqual(len(requests), 51)
        self.assertEqual(len({request.call_id for request in requests}), 1)
        self.assertTrue(all(b.cseq.number == a.cseq.number + 1 for a, b in pairwise(requests)))
        self.assertEqual(len(self.of(Registered)), 51)

    def test_nothing_granted(self) -> None:
        """A 200 that grants nothing does not make us register without pause."""
        self.registered(0)
        self.assertGreaterEqual(self.wait_for_refresh(), 0.5)

    def test_service_route(self) -> None:
        """The Service-Route of the 200 is the Route of our INVITEs, in order, and of no REGISTER (RFC 3608, 5)."""
        routes = (
            ("Service-Route", "<sip:p1.example.org;lr>, <sip:p2.example.org;lr>"),
            ("Service-Route", "<sip:p3;lr>"),
        )
        self.sign_in()
        self.grant(None, 600, *routes)
        _, outputs = self.core.invite("bob", URI.parse("sip:x@example.org"), "v=0\r\n", self.now)
        self.take(outputs)
        invite = self.last("INVITE")
        self.assertEqual(
            invite.headers.get_all("Route"), ["<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>", "<sip:p3;lr>"]
        )
        self.respond(invite, 486)
        self.assertEqual(self.last("ACK").headers.get_all("Route"), invite.headers.get_all("Route"))
        self.wait_for_refresh()
        self.assertNotIn("Route", self.last("REGISTER").headers)
        self.grant()
        _, outputs = self.core.invite("bob", URI.parse("sip:x@example.org"), "v=0\r\n", self.now)
        self.take(outputs)
        self.assertNotIn("Route", self.last("INVITE").headers)
        self.respond(self.last("INVITE"), 486)


class RefreshFailureTests(RegisterCase):
    """Refreshes that fail (report A7)."""

    def test_for_the_moment(self) -> None:
        """Each refusal but the permanent ones is told with the time of the next try, which comes."""
        for code in (400, 408, 420, 423, 480, 486, 500, 502, 503, 504, 600, 603):
            with self.subTest(code=code):
                self.start()
                self.registered()
                self.wait_for_refresh()
                self.respond(self.last("REGISTER"), code)
                retry_in = self.failure().retry_in
                assert retry_in is not None
                self.assertEqual(self.failure().code, code)
                self.assertAlmostEqual(self.wait_for_refresh(), retry_in)
                self.grant()
                self.assertEqual(len(self.of(Registered)), 2)

    def test_retry_after(self) -> None:
        """Retry-After is obeyed, with or without what may follow the number; 0 does not mean without pause."""
        for code in (480, 500, 503):
            for value, expected in (
                ("300", 300),
                ("18000;duration=3600", 18000),
                ("120 (in a meeting)", 120),
                ("0", 1),
            ):
                with self.subTest(code=code, value=value):
                    self.start()
                    self.registered()
                    self.wait_for_refresh()
                    self.respond(self.last("REGISTER"), code, "", [("Retry-After", value)])
                    self.assertEqual(self.failure().retry_in, expected)
                    self.assertAlmostEqual(self.wait_for_refresh(), expected)

    def test_growing_waits(self) -> None:
        """The waits grow, up to a cap, with full jitter; a success begins anew."""
        for share in (0.0, 1.0):
            with self.subTest(share=share):
                self.start()
                self.tokens.share = share
                self.registered()
                self.wait_for_refresh()
                waits = []
                for _ in range(8):
                    self.respond(self.last("REGISTER"), 503)
                    waits.append(self.wait_for_refresh())
                expected = [1.0] * 8 if share == 0 else [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]
                self.assertEqual([round(wait, 6) for wait in waits], expected)
                self.grant()
                self.wait_for_refresh()
                self.respond(self.last("REGISTER"), 503)
                self.assertAlmostEqual(self.wait_for_refresh(), expected[0])

    def test_silence(self) -> None:
        """A refresh without an answer is a time-out, and tried again for ever."""
        self.registered()
        self.wait_for_refresh()
        self.advance(3600)
        self.assertTrue(all(event.timeout for event in self.of(RegistrationFailed)))
        self.assertGreater(len(self.of(RegistrationFailed)), 3600 / (32 + 60) - 1)
        self.wait_for_refresh()
        self.grant()
        self.assertEqual(len(self.of(Registered)), 2)

    def test_for_good(self) -> None:
        """403, 404 and a password that is wrong now end the refreshes; the account is kept, and can sign in again."""
        for code in (403, 404, 401, 407):
            with self.subTest(code=code):
                self.start()
                self.registered()
                self.wait_for_refresh()
                self.respond(self.last("REGISTER"), code)
                self.assertEqual((self.failure().code, self.failure().retry_in), (code, None))
                sent = len(self.sent("REGISTER"))
                self.advance(10_000)
                self.assertEqual(len(self.sent("REGISTER")), sent)
                self.assertIsNotNone(self.core.account("bob"))
                self.sign_in("other")
                self.grant()
                self.assertEqual(len(self.of(Registered)), 2)
                self.wait_for_refresh()

    def test_sign_in_fails_after_that(self) -> None:
        """A sign-in that fails after a refusal for good leaves the account as it was."""
        self.registered()
        self.wait_for_refresh()
        self.respond(self.last("REGISTER"), 403)
        self.respond(self.sign_in("other"), 503)
        self.assertEqual((self.failure().code, self.failure().retry_in), (503, None))
        self.assertIsNotNone(self.core.account("bob"))

    def test_reconnect_after_refusal(self) -> None:
        """A new connection is a new chance, also after a refusal for good."""
        self.registered()
        self.wait_for_refresh()
        self.respond(self.last("REGISTER"), 403)
        self.disconnect()
        self.connect()
        self.wait_for_refresh()
        self.grant()
        self.assertEqual(len(self.of(Registered)), 2)

    def test_stale_nonce(self) -> None:
        """A refresh on an old nonce is challenged anew, and answered, with stale=true or without it."""
        self.respond(self.sign_in(), 401, "", [CHALLENGE])
        self.grant()
        self.wait_for_refresh()
        self.respond(self.last("REGISTER"), 401, "", [AGAIN])
        self.assertIn('nonce="n2"', self.last("REGISTER").headers.get("Authorization") or "")
        self.grant()
        self.assertEqual(self.of(RegistrationFailed), [])

    def test_connection_lost(self) -> None:
        """A refresh whose connection is lost is told, and made again over the next one."""
        self.registered()
        self.wait_for_refresh()
        self.disconnect()
        self.assertEqual(self.failure().code, 503)
        sent = len(self.sent("REGISTER"))
        self.advance(5000)
        self.assertEqual(len(self.sent("REGISTER")), sent, "nothing is tried without a connection")
        self.connect()
        self.assertLess(self.wait_for_refresh(), 0.03)
        self.grant()
        self.assertEqual(len(self.of(Registered)), 2)


class OtherPasswordTests(RegisterCase):
    """A sign-in beside a binding that exists."""

    def test_good(self) -> None:
        """Another password that the registrar accepts takes the place of the first; its challenges are its own."""
        self.respond(self.sign_in(), 401, "", [CHALLENGE])
        self.grant()
        before = self.core.account("bob")
        request = self.sign_in("other")
        self.assertNotIn("Authorization", request.headers)
        self.assertIs(self.core.account("bob"), before)
        self.respond(request, 401, "", [AGAIN])
        self.grant()
        account = self.core.account("bob")
        assert account is not None
        self.assertEqual(account.password, "other")
        self.wait_for_refresh()
        self.assertIn('nonce="n2"', self.last("REGISTER").headers.get("Authorization") or "")

    def test_bad(self) -> None:
        """Another password that is refused leaves the binding, its credentials and its refreshes as they were."""
        for code in (401, 403, 503, 0):
            with self.subTest(code=code):
                self.start()
                self.respond(self.sign_in(), 401, "", [CHALLENGE])
                self.grant()
                before = self.core.account("bob")
                self.advance(10)
                request = self.sign_in("other")
                if code:
                    self.respond(request, code)
                else:
                    self.advance(32)
                self.assertEqual(self.failure().retry_in, None)
                self.assertIs(self.core.account("bob"), before)
                self.assertLess(self.wait_for_refresh(), 0.9 * 600)
                self.assertIn('nonce="n1"', self.last("REGISTER").headers.get("Authorization") or "")

    def test_while_a_refresh_is_out(self) -> None:
        """A sign-in waits for a refresh that is out: there is one REGISTER at a time (RFC 3261 section 10.2)."""
        self.registered()
        self.wait_for_refresh()
        refresh = self.last("REGISTER")
        self.assertIs(self.sign_in("other"), refresh)
        self.respond(refresh, 503)
        second = self.last("REGISTER")
        self.assertIsNot(second, refresh)
        self.grant(second)
        account = self.core.account("bob")
        assert account is not None
        self.assertEqual(account.password, "other")
        self.assertGreater(self.wait_for_refresh(), 299)

    def test_refresh_falls_due_meanwhile(self) -> None:
        """A refresh that falls due while a sign-in is out is made up for when that one fails, and only then."""
        for code, expected in ((403, 1), (200, 0)):
            with self.subTest(code=code):
                self.start()
                self.registered(60)
                self.advance(41)
                request = self.sign_in("other")
                self.advance(5)
                self.assertIs(self.last("REGISTER"), request)
                if code == 200:
                    self.grant(request)
                else:
                    self.respond(request, code)
                sent = self.sent("REGISTER")
                self.assertEqual(len(sent) - sent.index(request) - 1, expected)
                self.grant()
                self.assertLess(self.wait_for_refresh(), 600)

    def test_several_wait(self) -> None:
        """Sign-ins that wait are tried one after the other, and each is told its outcome."""
        first = self.sign_in("one")
        self.sign_in("two")
        self.sign_in("three")
        self.assertEqual(self.sent("REGISTER"), [first])
        self.respond(first, 403)
        self.respond(self.last("REGISTER"), 403)
        self.grant()
        self.assertEqual(len(self.of(RegistrationFailed)), 2)
        account = self.core.account("bob")
        assert account is not None
        self.assertEqual(account.password, "three")

    def test_refresh_falls_due_while_several_wait(self) -> None:
        """The same when there are more of them than one."""
        self.registered(60)
        self.advance(41)
        self.sign_in("one")
        self.sign_in("two")
        self.advance(5)
        self.respond(self.last("REGISTER"), 403)
        self.respond(self.last("REGISTER"), 403)
        self.assertEqual(len(self.sent("REGISTER")), 4)
        self.grant()
        self.assertEqual(len(self.of(Registered)), 2)


class SignOutTests(RegisterCase):
    """Removing a binding."""

    def test_request(self) -> None:
        """A sign-out asks for 0 seconds in the same Call-ID, and nothing is refreshed after it."""
        self.registered()
        first = self.last("REGISTER")
        request = self.sign_out()
        self.assertEqual(request.headers.get("Expires"), "0")
        self.assertEqual(request.headers.get("Contact"), f"{CONTACT};expires=0")
        self.assertEqual(request.call_id, first.call_id)
        self.respond(request, 200)
        self.assertEqual(self.of(Unregistered), [Unregistered("bob", 200)])
        self.assertIsNone(self.core.account("bob"))
        self.assertIsNone(self.core.next_deadline())

    def test_challenged(self) -> None:
        """Its challenge is answered too."""
        self.registered()
        self.respond(self.sign_out(), 401, "", [CHALLENGE])
        self.assertIn("Authorization", self.last("REGISTER").headers)
        self.respond(self.last("REGISTER"), 200)
        self.assertEqual(self.of(Unregistered), [Unregistered("bob", 200)])

    def test_fails(self) -> None:
        """Whatever becomes of it, the account is signed out; also without an answer or a connection."""
        for code in (403, 423, 503, 0, -1):
            with self.subTest(code=code):
                self.start()
                self.registered()
                if code == -1:
                    self.disconnect()
                request = self.sign_out()
                if code > 0:
                    self.respond(request, code, "", [("Min-Expires", "60")])
                else:
                    self.advance(32)
                expected = {0: 408, -1: 503}.get(code, code)
                self.assertEqual(self.of(Unregistered), [Unregistered("bob", expected)])
                self.assertIsNone(self.core.account("bob"))
                if code == -1:
                    self.connect()
                sent = len(self.sent("REGISTER"))
                self.advance(1000)
                self.assertEqual(len(self.sent("REGISTER")), sent)

    def test_unknown(self) -> None:
        """Signing out who is not signed in does nothing."""
        self.do(self.core.unregister, "nobody")
        self.assertEqual(self.sent("REGISTER"), [])

    def test_while_a_sign_in_is_out(self) -> None:
        """A sign-out during a sign-in waits for its answer, and undoes it whatever that is."""
        for code in (200, 403):
            with self.subTest(code=code):
                self.start()
                first = self.sign_in()
                self.assertIs(self.sign_out(), first)
                if code == 200:
                    self.grant(first)
                else:
                    self.respond(first, code)
                last = self.last("REGISTER")
                self.assertEqual(last.headers.get("Expires"), "0")
                self.respond(last, 200)
                self.assertEqual(len(self.of(Unregistered)), 1)
                self.assertIsNone(self.core.account("bob"))
                self.assertIsNone(self.core.next_deadline())

    def test_while_a_refresh_is_out(self) -> None:
        """The same during a refresh, also when that fails for the moment."""
        for code in (200, 503):
            with self.subTest(code=code):
                self.start()
                self.registered()
                self.wait_for_refresh()
                refresh = self.last("REGISTER")
                self.sign_out()
                if code == 200:
                    self.grant(refresh)
                else:
                    self.respond(refresh, code)
                self.respond(self.last("REGISTER"), 200)
                self.assertEqual(len(self.sent("REGISTER")), 3)
                self.assertIsNone(self.core.next_deadline())

    def test_sign_ins_that_wait(self) -> None:
        """A sign-out drops sign-ins that wait, and says so."""
        first = self.sign_in("one")
        self.sign_in("two")
        self.sign_out()
        self.assertEqual(self.of(RegistrationFailed), [RegistrationFailed("bob", 487, "signed out")])
        self.grant(first)
        self.respond(self.last("REGISTER"), 200)
        self.assertEqual(len(self.sent("REGISTER")), 2)

    def test_twice_while_a_sign_in_is_out(self) -> None:
        """So does a second sign-out while the first still waits."""
        first = self.sign_in()
        self.sign_out()
        self.sign_out()
        self.grant(first)
        self.respond(self.last("REGISTER"), 200)
        self.assertEqual(len(self.sent("REGISTER")), 2)
        self.assertEqual(len(self.of(Unregistered)), 1)

    def test_twice(self) -> None:
        """Signing out again while the sign-out is out sends nothing more, and drops a sign-in that came between."""
        self.registered()
        request = self.sign_out()
        self.assertIs(self.sign_out(), request)
        self.assertIs(self.sign_in(), request)
        self.assertIs(self.sign_out(), request)
        self.respond(request, 200)
        self.assertEqual(len(self.of(Unregistered)), 1)
        self.assertIsNone(self.core.account("bob"))
        self.assertEqual(self.failure().code, 487)

    def test_sign_in_right_after(self) -> None:
        """A sign-in right after a sign-out waits for it, and then registers anew."""
        self.registered()
        out = self.sign_out()
        self.assertIs(self.sign_in("other"), out)
        self.respond(out, 200)
        again = self.last("REGISTER")
        self.assertEqual(again.headers.get("Expires"), "600")
        self.grant(again)
        self.assertEqual(len(self.of(Registered)), 2)
        account = self.core.account("bob")
        assert account is not None
        self.assertEqual(account.password, "other")
        self.wait_for_refresh()


class ManyTests(RegisterCase):
    """Many accounts on one connection (report A6)."""

    COUNT = 1000

    def many(self) -> None:
        """Register many accounts."""
        for number in range(self.COUNT):
            self.sign_in(key=f"u{number}")
            self.grant()
        self.requests.clear()
        self.events.clear()

    def take_and_grant(self, outputs: list[Output]) -> list[tuple[float, str]]:
        """Grant each REGISTER among ``outputs``; return when they came and whose they were."""
        seen = len(self.requests)
        self.take(outputs)
        fresh = [request for request in self.requests[seen:] if request.method == "REGISTER"]
        for request in fresh:
            self.grant(request)
        return [(self.now, request.to.uri.user or "") for request in fresh]

    def run_for(self, seconds: float) -> list[tuple[float, str]]:
        """Let time pass with a registrar that grants all; return the REGISTERs."""
        until, seen = self.now + seconds, []
        while (deadline := self.core.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            seen += self.take_and_grant(self.core.tick(self.now))
        self.now = until
        return seen

    def end_all(self) -> None:
        """Sign all out."""
        self.answer_byes()
        for number in range(self.COUNT):
            self.respond(self.sign_out(f"u{number}"), 200)

    def test_paced(self) -> None:
        """After a reconnect they register at the rate that is set, each once, those in a call first."""
        self.many()
        busy = ["u900", "u17", "u555"]
        for key in busy:
            _, outputs = self.core.invite(key, URI.parse("sip:far@example.org"), "v=0\r\n", self.now)
            self.take(outputs)
            self.respond(self.last("INVITE"), 200, "v=0\r\n")
        self.disconnect()
        self.assertEqual(self.run_for(30), [])
        started = self.now
        self.connect()
        seen = self.run_for(30)
        self.assertEqual({key for _, key in seen[:3]}, set(busy))
        self.assertEqual(Counter(key for _, key in seen).most_common(1)[0][1], 1)
        self.assertEqual(len(seen), self.COUNT)
        peak = max(Counter(int(when - started) for when, _ in seen).values())
        self.assertLessEqual(peak, 51)
        self.assertAlmostEqual(seen[-1][0] - started, self.COUNT / 50 - 0.01)
        self.assertEqual(len(self.sent("INVITE")), 2 * len(busy), "one recovery for each call")
        for invite in self.sent("INVITE")[len(busy) :]:
            self.respond(invite, 200, "v=0\r\n")
            self.do(self.core.hangup, self.leg_of(invite))

    def leg_of(self, invite: Request) -> str:
        """Return the name of the leg of that INVITE."""
        return next(name for name, leg in self.core._legs.items() if leg.dialog.call_id == invite.call_id)

    def test_storm(self) -> None:
        """A connection that comes and goes 20 times ends with each account registered once more, at the same rate."""
        self.many()
        for _ in range(20):
            self.disconnect()
            self.run_for(0.3)
            self.connect()
            self.assertLessEqual(len(self.run_for(0.5)), 26)
        before = self.now
        seen = self.run_for(25)
        counts = Counter(key for _, key in seen)
        self.assertEqual(set(counts.values()), {1})
        peak = max(Counter(int(when - before) for when, _ in seen).values())
        self.assertLessEqual(peak, 51)
        self.assertEqual(self.core.transactions, 0)
