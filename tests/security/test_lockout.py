"""Attack 19: guessing is slow, and nobody can lock a rightful agent out."""

from ipaddress import ip_network
from typing import Any

from tests.web.harness import PASSWORD, Answer, WebTestCase
from wrtcgw.calls.agent import Agent
from wrtcgw.errors import RegistrationRefused
from wrtcgw.networks import place_of
from wrtcgw.web import WebSettings
from wrtcgw.web.limits import FAMILIAR, SignInLimit
from wrtcgw.web.settings import Allowance

PER_ADDRESS, PER_ID = Allowance(100, 1.0), Allowance(10, 0.1)


class Guessing(WebTestCase):
    """A registrar that knows passwords, and many addresses behind one proxy."""

    settings = WebSettings(trusted_proxies=(ip_network("127.0.0.1"),))

    def setUp(self) -> None:
        super().setUp()
        ours = self.gateway.sign_in

        async def sign_in(**wanted: Any) -> Agent:
            if wanted["password"] != PASSWORD:
                raise RegistrationRefused(wanted["dn"], 403, "Forbidden", credentials=True)
            return await ours(**wanted)

        self.gateway.sign_in = sign_in  # type: ignore[method-assign]

    def attempt(
        self, address: str, dn: str = "5007", password: str = PASSWORD, agent_id: str = "", **more: str
    ) -> Answer:
        """Try to sign in; wait as long as the gateway makes a try wait."""
        fields = {"id": agent_id or f"a{dn}", "dn": dn, "password": password}
        pending = self.begin("POST", "/api/webrtc/sign_in", json=fields, headers={"X-Real-IP": address, **more})
        for _ in range(6):
            if not pending.hangs:
                break
            self.clock.advance(1)
        return pending.answer()

    def guess(self, address: str, dn: str = "5007", times: int = 12) -> list[int]:
        """Guess a password wrongly, again and again."""
        return [self.attempt(address, dn, "wrong").code for _ in range(times)]

    def test_guessing_is_slow(self) -> None:
        """From one address, and from all: so many at once, then one in ten seconds."""
        self.assertEqual(self.guess("192.0.2.1").count(401), 10)
        for number in range(2, 100):
            self.guess(f"192.0.2.{number}", times=2)
        self.assertEqual({self.attempt(f"198.51.100.{number}", password="wrong").code for number in range(20)}, {429})
        self.clock.advance(10)
        codes = [self.attempt(f"198.51.100.{number}", password="wrong").code for number in range(30, 40)]
        self.assertEqual(codes.count(401), 1)

    def test_few_guessers(self) -> None:
        """Guessers with some addresses do not keep the agent out that comes from a fresh one, however long."""
        for number in range(7):
            self.guess(f"192.0.2.{number}")
        for _ in range(20):
            self.attempt("192.0.2.1", password="wrong")
            self.assertEqual(self.attempt("198.51.100.1", agent_id="vic").code, 200)
            self.clock.advance(10)
            self.gateway.registry.remove_agent(self.gateway.agent("vic"))

    def test_many_guessers(self) -> None:
        """Not even guessers from everywhere keep an agent out where it has signed in before."""
        self.assertEqual(self.attempt("203.0.113.9").code, 200)
        for round_ in range(5):
            for number in range(60):
                self.attempt(f"198.51.{round_}.{number}", password="wrong")
            self.assertEqual(self.attempt("198.51.100.200", password="wrong").code, 429)
            self.assertEqual(self.attempt("203.0.113.9").code, 200)
            self.clock.advance(1)

    def test_old_token(self) -> None:
        """Nor one that shows a token it had before, wherever it is now; that of another DN is no help."""
        old = self.attempt("203.0.113.9").headers["x-wrtc-session"]
        other = self.attempt("203.0.113.9", "5008").headers["x-wrtc-session"]
        newer = self.attempt("203.0.113.9").headers["x-wrtc-session"]
        for number in range(60):
            self.attempt(f"198.51.100.{number}", password="wrong")
        self.guess("192.0.2.99")
        self.assertEqual(self.attempt("192.0.2.99", **{"X-WRTC-Session": other}).code, 429)
        for token in (old, newer):
            self.assertEqual(self.attempt("192.0.2.99", **{"X-WRTC-Session": token}).code, 200)

    def test_old_token_is_no_licence(self) -> None:
        """Who has one guesses no faster than others."""
        token = self.attempt("203.0.113.9").headers["x-wrtc-session"]
        codes = [
            self.attempt(f"192.0.2.{number}", password="wrong", **{"X-WRTC-Session": token}).code
            for number in range(30)
        ]
        self.assertEqual(codes.count(401), 10)

    def test_one_nat(self) -> None:
        """Guesses at other DNs behind the agent's address do not block it: not at its first sign_in, not later."""
        for begin in (1000, 2000):
            for number in range(begin, begin + 150):
                self.attempt("192.0.2.1", str(number), "wrong")
            self.assertEqual(self.attempt("192.0.2.1").code, 200)

    def test_one_nat_under_steady_fire(self) -> None:
        """Nor while the guessing goes on."""
        for number in range(120):
            self.attempt("192.0.2.1", str(number), "wrong")
        for number in range(120, 140):
            self.clock.advance(1)
            self.attempt("192.0.2.1", str(number), "wrong")
            answer = self.attempt("192.0.2.1", str(6000 + number))
            self.assertEqual(answer.code, 200)

    def test_flood_is_refused(self) -> None:
        """A flood from one address still ends in 429, and asks the registrar no more than the address may."""
        pending = [
            self.begin(
                "POST",
                "/api/webrtc/sign_in",
                json={"id": f"a{number}", "dn": str(number), "password": "wrong"},
                headers={"X-Real-IP": "192.0.2.1"},
            )
            for number in range(300)
        ]
        self.clock.pump([1.0] * 6)
        codes = [one.answer().code for one in pending]
        self.assertEqual((codes.count(401), codes.count(429)), (105, 195))

    def test_whole_networks(self) -> None:
        """An IPv6 customer has 2^64 addresses, and counts once."""
        codes = [self.attempt(f"2001:db8:0:7::{number:x}", password="wrong").code for number in range(1, 13)]
        self.assertEqual(codes.count(401), 10)
        self.assertEqual(self.attempt("2001:db8:0:8::1", password="wrong").code, 401)

    def test_retry_after_is_true(self) -> None:
        """After Retry-After seconds, and not before, a try is let through."""
        for address, dn in (("192.0.2.1", "5007"), ("2001:db8::1", "5009")):
            self.guess(address, dn)
            answer = self.attempt(address, dn)
            self.assertEqual(answer.error, (429, "too_many_tries"))
            wait = int(answer.headers["retry-after"])
            self.clock.advance(wait - 1)
            self.assertEqual(self.attempt(address, dn).code, 429)
            self.clock.advance(1)
            self.assertEqual(self.attempt(address, dn).code, 200)

    def test_equal_answers(self) -> None:
        """A wrong password and a DN that nobody has are told alike, and so are ids that are taken and free."""
        self.attempt("203.0.113.9", "5001", agent_id="vic")
        answers = {
            self.attempt("192.0.2.1", "5002", "wrong", agent_id=agent_id).text.replace("5002", "-")
            for agent_id in ("vic", "free")
        }
        self.assertEqual(len(answers), 1)


class Memory(WebTestCase):
    """What is remembered is bounded."""

    def test_familiar(self) -> None:
        """The oldest pair of DN and address is forgotten first."""
        limit = SignInLimit(PER_ADDRESS, PER_ID, self.clock.seconds)
        for number in range(FAMILIAR + 5):
            limit.enter("192.0.2.1", "a", str(number), known=False).succeed()
        self.assertEqual(len(limit._familiar), FAMILIAR)

    def test_blocks(self) -> None:
        """IPv4 counts by address, IPv6 by 64 bits, and what is no address by itself."""
        self.assertEqual(place_of("192.0.2.1"), "192.0.2.1")
        self.assertEqual(place_of("2001:db8::1"), place_of("2001:db8::ffff:1"))
        self.assertNotEqual(place_of("2001:db8::1"), place_of("2001:db8:0:1::1"))
        self.assertEqual(place_of(""), "")
