"""Registrations that are kept: what is granted, refreshes and their failures, many accounts after a reconnect."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from uuid import UUID

from tests.support.registercase import AGAIN, CHALLENGE, CONTACT, RegisterCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import Output, Registered, RegistrationFailed
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.register import MAX_REFUSED

URN = "urn:uuid:00000000-0000-4000-8000-000000000001"


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

    def test_whose_is_whose(self) -> None:
        """A binding is known by instance-id and reg-id, else by URI, else as the only one; else the least counts."""
        ids = f'+sip.instance="<{URN}>";reg-id=1'
        own, moved = f"{CONTACT};expires=8", f"<sip:bob@192.0.2.9:5060>;{ids};expires=8"
        far, flow = "<sip:x@192.0.2.4>;expires=390", f"<sip:bob@192.0.2.9>;{ids[:-1]}2;expires=99"
        for contacts in (
            ["<sip:bob@127.0.0.1:54321;transport=ws>;expires=8"],
            ["<sip:bob@127.0.0.1:54321;transport=ws>;expires=8;"],
            [f"{far},: {own}"],
            [f"<<, {far}", f'"open <sip:y@z>;expires=70, {own};'],
            [far, own, "<sip:bob@192.0.2.5>;expires=7"],
            [f"{far}, {moved}, {flow}"],
            [f"{CONTACT.replace('transport', 'Transport').replace('gw', 'GW')};expires=8, {far}"],
            [f"{CONTACT.replace(';transport=ws', ';transport=ws;x=y')};expires=8, {far}"],
            [f"{CONTACT.replace(';transport=ws', '')};expires=8, {far}"],
            [far, "<sip:x@192.0.2.5>;expires=8", "<sip:x@192.0.2.6>"],
            [f"{CONTACT.replace('bob', '%62ob')};expires=8.9 , {far}"],
        ):
            with self.subTest(contacts=contacts):
                self.start(instance_urn=URN)
                self.respond(self.sign_in(), 200, "", [("Contact", value) for value in contacts], contact=False)
                self.assertEqual(self.of(Registered)[0].expires, 8)
                self.assertLess(self.wait_for_refresh(), 8)

    def test_stable_instance(self) -> None:
        """Each account has an instance-id of its own, the same in each program of the same place (RFC 5626, 4.1)."""
        seen = []
        for space in (UUID(int=1), UUID(int=1), UUID(int=2)):
            self.start(instance_space=space)
            for key in ("bob", "carol"):
                contact = self.sign_in(key=key).contact
                assert contact is not None
                self.assertEqual(contact.param("reg-id"), "1")
                seen.append(contact.param("+sip.instance"))
                self.grant()
        self.assertEqual(seen[:2], seen[2:4])
        self.assertEqual(len({*seen}), 4)

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

    def test_absurd_time(self) -> None:
        """However long a registrar says that it keeps the binding, it is asked again within a day."""
        for granted in (2**32 - 1, 10**14):
            with self.subTest(granted=granted):
                self.start()
                self.registered(granted)
                self.assertLess(self.wait_for_refresh(), 86400)

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
        """A 200 that grants nothing registers nobody; it is told, and tried again with growing waits."""
        for field in (("Contact", f"{CONTACT};expires=0"), ("Expires", "0"), ("Contact", "<sip:y@z>;expires=0")):
            with self.subTest(field=field):
                self.start()
                self.tokens.share = 1.0
                self.sign_in()
                self.grant(None, 0, field)
                waits = []
                for _ in range(5):
                    waits.append(self.wait_for_refresh())
                    self.grant(None, 0, field)
                self.assertEqual([round(wait, 3) for wait in waits], [10, 20, 40, 60, 60])
                self.assertEqual(self.of(Registered), [])
                failures = self.of(RegistrationFailed)
                self.assertEqual({(failure.code, "0 seconds" in failure.detail) for failure in failures}, {(200, True)})
                self.wait_for_refresh()
                self.grant()
                self.assertEqual(len(self.of(Registered)), 1)

    def test_floor(self) -> None:
        """However little is granted, a registrar is not asked more often than every 5 s."""
        for granted in (1, 2, 5):
            for share in (0.0, 1.0):
                self.start()
                self.tokens.share = share
                self.registered(granted)
                self.assertGreaterEqual(self.wait_for_refresh(), 5)

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
                ("4294967295", 86400),
                ("120 (in a meeting)", 120),
                ("0", 5),
                ("1", 5),
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

    def refused_for_good(self) -> None:
        """Reconnect again and again, with a registrar that knows another password now."""
        for _ in range(MAX_REFUSED):
            self.wait_for_refresh()
            self.respond(self.last("REGISTER"), 403)
            self.disconnect()
            self.connect()

    def test_reconnects_lock_nobody_out(self) -> None:
        """Each new connection is a new chance, but not for ever; then a sign-in decides, and all is as before."""
        self.registered()
        for again in (False, True):
            self.refused_for_good()
            sent = len(self.sent("REGISTER"))
            for _ in range(20):
                self.advance(100)
                self.disconnect()
                self.connect()
            self.assertEqual(len(self.sent("REGISTER")), sent)
            self.respond(self.sign_in("wrong"), 403)
            self.advance(100)
            self.assertEqual(len(self.sent("REGISTER")), sent + 1)
            self.sign_in(f"new {again}")
            self.grant()
            self.disconnect()
            self.connect()
            self.wait_for_refresh()
            self.grant()
        self.assertEqual(len(self.of(Registered)), 5)

    def test_calls_of_who_was_refused(self) -> None:
        """The calls of an account that is not tried any more go on over a new connection."""
        self.registered()
        self.refused_for_good()
        leg, outputs = self.core.invite("bob", URI.parse("sip:far@example.org"), "v=0\r\n", self.now)
        self.take(outputs)
        self.respond(self.last("INVITE"), 200, "v=0\r\nm=audio 9 RTP/AVP 0\r\n")
        self.disconnect()
        self.connect()
        self.advance(1)
        first, again = self.sent("INVITE")
        self.assertEqual((again.to_tag != "", again.call_id), (True, first.call_id))
        self.respond(again, 200, "v=0\r\nm=audio 9 RTP/AVP 0\r\n")
        self.do(self.core.hangup, leg)
        self.respond(self.last("BYE"), 200)

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


class ManyTests(RegisterCase):
    """Many accounts on one connection (report A6)."""

    COUNT = 1000
    flows = 1

    def start(self, **settings: object) -> None:
        """Begin, with 50 a second."""
        super().start(register_rate=50.0, **settings)

    def receive(self, message: Request | Response) -> None:
        """Let a message arrive over the connection of the account that it is for."""
        flow = int((message.to.uri.user or "")[1:]) % self.flows if self.flows > 1 else 0
        self.take(self.core.receive(flow, message.to_text(), self.now))

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

    def test_paced_over_all_flows(self) -> None:
        """Several connections that come back together have the rate that is set between them, those in a call first."""
        self.flows = 4
        for flow in range(4):
            self.do(self.core.connected, flow)
        for number in range(self.COUNT):
            self.do(self.core.register, Account(f"u{number}", f"u{number}", "secret", number % 4))
            self.grant()
        self.requests.clear()
        for flow in range(4):
            self.do(self.core.disconnected, flow)
        started = self.now
        for flow in range(4):
            self.do(self.core.connected, flow)
        seen = self.run_for(30)
        self.assertEqual(Counter(Counter(key for _, key in seen).values()), {1: self.COUNT})
        self.assertLessEqual(max(Counter(int(when - started) for when, _ in seen).values()), 51)
        self.assertLess(seen[-1][0] - started, self.COUNT / 50 + 0.1)

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
            self.respond(self.last("INVITE"), 200, "v=0\r\nm=audio 9 RTP/AVP 0\r\n")
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

    def test_little_granted_to_many(self) -> None:
        """What is granted 0 or 1 s is asked for at the rate that is set, by all accounts together."""
        for field in ("1", "0"):
            self.start()
            for number in range(self.COUNT):
                self.sign_in(key=f"u{number}")
                self.respond(self.last("REGISTER"), 200, "", [("Expires", field)], contact=False)
            self.tokens.share = 0.0
            seen = self.run_for(30)
            peak = max(Counter(int(when) for when, _ in seen).values())
            self.assertLessEqual(peak, 51)
            self.assertGreater(len(seen), 900)

    def test_stall(self) -> None:
        """A process that stands still for a while does not make up for it in one burst."""
        self.many()
        self.disconnect()
        self.connect()
        seen = self.run_for(3)
        for _ in range(3):
            self.now += 1.5  # nothing is looked at meanwhile
            seen += self.take_and_grant(self.core.tick(self.now))
            seen += self.run_for(3)
        seen += self.run_for(30)
        self.assertEqual(Counter(Counter(key for _, key in seen).values()), {1: self.COUNT})
        self.assertLessEqual(self.busiest(when for when, _ in seen), 50 * 1.1 + 1)
        self.assertLess(seen[-1][0] - seen[0][0], self.COUNT / 50 + 3 * 1.5)

    def busiest(self, times: Iterable[float]) -> int:
        """Return how many of some times, in order, lie within a second that begins with one of them."""
        known = list(times)
        return max(bisect_left(known, when + 1.0) - at for at, when in enumerate(known))

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
