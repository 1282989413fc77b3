"""How often sign_in may be tried."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.web.harness import PASSWORD, Answer, WebTestCase
from wrtcgw.errors import NoSIPConnection, RegistrationRefused
from wrtcgw.web import Allowance, WebSettings
from wrtcgw.web.limits import PRUNE_AT, Buckets

REFUSED = RegistrationRefused("5001", 403, "Forbidden", credentials=True)


class Bucket(SynchronousTestCase):
    """Token buckets in virtual time."""

    def setUp(self) -> None:
        self.now = 0.0
        self.buckets = Buckets(Allowance(2, 0.5), lambda: self.now)

    def test_burst_then_rate(self) -> None:
        """A burst is free, then tokens come back at their rate."""
        self.buckets.take("a")
        self.assertEqual(self.buckets.wait("a"), 0)
        self.buckets.take("a")
        self.assertEqual(self.buckets.wait("a"), 2.0)
        self.assertEqual(self.buckets.wait("b"), 0)
        self.now = 1.5
        self.assertEqual(self.buckets.wait("a"), 0.5)
        self.now = 100.0
        self.assertEqual(self.buckets.wait("a"), 0)

    def test_given_back(self) -> None:
        """A full bucket is forgotten."""
        self.buckets.take("a")
        self.buckets.give_back("a")
        self.assertEqual(len(self.buckets), 0)

    def test_pruned(self) -> None:
        """Buckets that filled up again do not pile up."""
        for key in range(PRUNE_AT):
            self.buckets.take(key)
        self.now = 10.0
        self.buckets.take("last")
        self.assertEqual(len(self.buckets), 1)


class SignInLimits(WebTestCase):
    """429 for who tries too often."""

    settings = WebSettings(sign_in_per_address=Allowance(5, 0.1), sign_in_per_id=Allowance(3, 0.1))

    def attempt(self, agent_id: str = "agent123", dn: str = "5001", **more: object) -> Answer:
        """Try to sign in."""
        return self.ask("GET", f"/api/webrtc/sign_in?id={agent_id}&dn={dn}&password={PASSWORD}", **more)

    def test_per_id(self) -> None:
        """An id has its tries; then it is 429 with Retry-After, and the registrar is not asked."""
        self.gateway.failure = REFUSED
        codes = [self.attempt(dn=str(5000 + number)).code for number in range(4)]
        self.assertEqual(codes, [401, 401, 401, 429])
        answer = self.attempt(dn="5009")
        self.assertEqual((answer.error, answer.headers["retry-after"]), ((429, "too_many_tries"), "10"))
        self.assertEqual(len(self.gateway.asked), 3)
        self.clock.advance(10)
        self.gateway.failure = None
        self.assertEqual(self.attempt().code, 200)

    def test_per_dn(self) -> None:
        """A DN's password is not guessed faster under several ids."""
        self.gateway.failure = REFUSED
        codes = [self.attempt(agent_id=f"a{number}").code for number in range(4)]
        self.assertEqual(codes, [401, 401, 401, 429])

    def test_per_address(self) -> None:
        """An address has its tries, whatever it tries."""
        self.gateway.failure = REFUSED
        codes = [self.attempt(f"a{number}", str(number)).code for number in range(6)]
        self.assertEqual(codes, [401] * 5 + [429])
        self.gateway.failure = None
        wire = self.wire("192.0.2.7")
        wire.get(f"/api/webrtc/sign_in?id=b&dn=1&password={PASSWORD}")
        self.assertEqual(wire.answer().code, 200)

    def attempt_from(self, address: str, agent_id: str = "agent123", dn: str = "5001") -> int:
        """Try to sign in from an address; return the status."""
        wire = self.wire(address)
        wire.get(f"/api/webrtc/sign_in?id={agent_id}&dn={dn}&password={PASSWORD}")
        return wire.answer().code

    def test_rightful_user_is_not_locked_out(self) -> None:
        """Who guesses at an id or DN uses up the tries of the own address, not those of its rightful user."""
        self.gateway.failure = REFUSED
        codes = [self.attempt_from("192.0.2.66") for _ in range(5)]
        self.assertEqual(codes, [401, 401, 401, 429, 429])
        self.gateway.failure = None
        self.assertEqual(self.attempt_from("192.0.2.1"), 200)

    def test_distributed_guesses(self) -> None:
        """Guesses from many addresses at one DN, or for one id, share a wider limit; it fills up no faster."""
        self.gateway.failure = REFUSED
        by_dn = [self.attempt_from(f"192.0.2.{number}", agent_id=f"a{number}") for number in range(16)]
        self.assertEqual(by_dn, [401] * 15 + [429])
        by_id = [self.attempt_from(f"192.0.2.{number}", dn=str(6000 + number)) for number in range(16)]
        self.assertEqual(by_id, [401] * 15 + [429])
        self.clock.advance(10)
        self.assertEqual([self.attempt_from(f"192.0.2.{number}", dn="7001") for number in (50, 51)], [401, 429])

    def test_success_costs_nothing(self) -> None:
        """Any number of agents may sign in properly."""
        for number in range(20):
            self.assertEqual(self.attempt(f"a{number}", str(number)).code, 200)

    def test_outage_costs_nothing(self) -> None:
        """Agents who try during an outage are not locked out after it."""
        for failure in (NoSIPConnection(), RegistrationRefused("5001", 503, "Later", credentials=False)):
            self.gateway.failure = failure
            for _ in range(10):
                self.assertNotEqual(self.attempt().code, 429)

    def test_parallel_guesses(self) -> None:
        """Tries in progress count: guessing all at once is no way around."""
        self.gateway.waiting = Deferred()
        path = f"/api/webrtc/sign_in?id=agent123&dn=5001&password={PASSWORD}"
        pending = [self.begin("GET", path) for _ in range(4)]
        self.assertEqual([one.hangs for one in pending], [True, True, True, False])
        self.assertEqual(pending[3].answer().code, 429)
        self.gateway.failure = REFUSED
        self.gateway.waiting.callback(None)
        self.assertEqual([one.answer().code for one in pending[:3]], [401] * 3)

    def test_known_page(self) -> None:
        """Strangers' guesses do not keep the agent's own page from renewing its session."""
        token = self.sign_in()
        self.gateway.failure = REFUSED
        for _ in range(3):
            self.attempt()
        self.assertEqual(self.attempt().code, 429)
        self.gateway.failure = None
        self.assertEqual(self.attempt(headers={"X-WRTC-Session": token}).code, 200)
