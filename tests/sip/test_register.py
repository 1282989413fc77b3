"""Registrations: signing in and out, also with another password."""

from tests.support.registercase import AGAIN, CHALLENGE, CONTACT, RegisterCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.outputs import PeerFault, Registered, RegistrationFailed, Unregistered


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

    def test_no_use(self) -> None:
        """A challenge that nobody can answer is told as what it is; a legal one is answered (RFC 3261, 25.1)."""
        digest = 'realm="r", nonce="n1", qop="auth"'
        for values, told in (
            ([], "no challenge"),
            (['Basic realm="r"'], "Basic"),
            (["Negotiate", 'Basic realm="r"'], "Negotiate, Basic"),
            ([f"Digest {digest}, algorithm=SHA-999"], "algorithm SHA-999"),
            (['Digest realm="r"'], "no nonce"),
            (['Digest realm="r", nonce="n", qop="other"'], "other"),
            (["Digest"], "no realm"),
            (["<<"], "cannot be read"),
            ([f"Digest\t{digest}"], ""),
            ([f"Digest \t {digest},"], ""),
            ([f"digest {digest.replace(', ', ',, ')};"], ""),
            (['Basic realm="r"', f"Digest {digest}"], ""),
            ([f'Basic realm="a, Digest b=c", Digest {digest}'], ""),
            ([f"NTLM,Digest {digest}, Basic realm=r"], ""),
            (['Basic realm="r", Bearer scope = "x"'], "Basic, Bearer"),
        ):
            for code, name in ((401, "WWW-Authenticate"), (407, "Proxy-Authenticate")):
                with self.subTest(values=values, code=code):
                    self.start()
                    self.respond(self.sign_in(), code, "", [(name, value) for value in values])
                    if not told:
                        (credentials,) = [
                            value for key, value in self.last("REGISTER").headers.items() if "Auth" in key
                        ]
                        self.assertIn('realm="r", nonce="n1"', credentials)
                        self.grant()
                        continue
                    self.assertIn(told, self.failure().detail)
                    self.assertEqual((self.failure().code, len(self.sent("REGISTER"))), (code, 1))
                    (fault,) = [event.detail for event in self.of(PeerFault)]
                    self.assertIn(f"{code} to REGISTER, Call-ID {self.last('REGISTER').call_id}: {name}: ", fault)
                    self.assertIn(told, fault)

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

    def test_interval_ever_longer(self) -> None:
        """A registrar that names a longer interval each time is not asked for ever."""
        self.sign_in()
        for minimum in range(1000, 1010):
            self.respond(self.last("REGISTER"), 423, "", [("Min-Expires", str(minimum))])
        self.assertEqual(self.failure().code, 423)
        self.assertEqual(len(self.sent("REGISTER")), 6)

    def test_interval_without_use(self) -> None:
        """A 423 without Min-Expires, or with one that is no more than we asked for, is a refusal."""
        for fields in ([], [("Min-Expires", "600")], [("Min-Expires", "x")]):
            with self.subTest(fields=fields):
                self.start()
                self.respond(self.sign_in(), 423, "", fields)
                self.assertEqual(self.failure().code, 423)
                self.assertEqual(len(self.sent("REGISTER")), 1)


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

    def test_while_a_refresh_is_refused(self) -> None:
        """A refresh that is refused for good is not the outcome of the sign-in that waits behind it."""
        self.registered()
        self.wait_for_refresh()
        refresh = self.last("REGISTER")
        self.sign_in("other")
        self.respond(refresh, 403)
        self.assertEqual((self.failure().code, self.failure().retry_in), (403, 0))
        self.grant()
        self.assertEqual(len(self.of(RegistrationFailed)), 1)
        self.assertEqual(len(self.of(Registered)), 2)

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

    def test_connection_lost(self) -> None:
        """A sign-out whose connection is lost is told with 503, and a sign-in that waits for it fails too."""
        self.registered()
        self.sign_out()
        self.sign_in("other")
        self.disconnect()
        self.assertEqual(self.of(Unregistered), [Unregistered("bob", 503)])
        self.assertEqual(self.of(RegistrationFailed)[-1].code, 503)
        self.assertIsNone(self.core.account("bob"))
        self.connect()
        self.advance(1000)
        self.assertEqual(len(self.sent("REGISTER")), 2)

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
