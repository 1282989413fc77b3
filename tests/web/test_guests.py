"""Pages of the REST dialect that sign in without a password: guests, and DNs whose registrar asks for none."""

from tests.support.farside import SDP
from tests.web.genesys.dialectcase import DialectCase
from tests.web.harness import Answer
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import Allowance, GatewaySite, WebSettings
from wrtcgw.web.genesys import GenesysSettings

SIGN_IN = "/api/webrtc/sign_in"
JSON = {"Accept": "application/json"}
GUEST = {"guest": "1"}


class RESTGuestCase(DialectCase):
    """Requests of such pages."""

    def come(self, **fields: str) -> Answer:
        """Sign in with these fields."""
        return self.ask("POST", SIGN_IN, data=fields, headers=JSON)

    def call(self, answer: Answer, to: str) -> Answer:
        """Place a call for who got this answer."""
        headers = {**JSON, "Authorization": f"Bearer {answer.json['session']}"}
        offer = {"messageType": "OFFER", "to": to, "sdp": SDP}
        return self.ask("POST", f"/api/webrtc/message?from={answer.json['id']}", json=offer, headers=headers)


class Guests(RESTGuestCase):
    """guest=1."""

    def test_not_without_a_setting(self) -> None:
        """Unless guest_mode says so there are none."""
        self.assertEqual(self.come(**GUEST).error, (403, "guests_not_allowed"))

    def test_guest(self) -> None:
        """A guest gets an id of its own that cannot be guessed, and may call one at a time of what guests may call."""
        self.start(guest_mode="unregistered", guest_destinations=("8000",))
        first, second = self.come(**GUEST), self.come(**GUEST, id="agent123", dn="5001")
        self.assertEqual((first.code, second.code), (200, 200))
        self.assertRegex(first.json["id"], r"^guest-[0-9a-f]{16}$")
        self.assertNotEqual(first.json["id"], second.json["id"])
        self.assertTrue(all(agent.guest for agent in self.gateway.agents()))
        self.assertEqual(self.call(first, "1003").code, 403)
        self.assertEqual(self.call(first, "8000").code, 200)
        self.assertTrue(self.far.calls[-1].request("INVITE").uri.startswith("sip:8000@"))
        self.assertEqual(self.call(first, "8000").error, (409, "wrong_state"))
        self.assertEqual(self.call(second, "8000").code, 200)

    def test_asks_before_the_microphone(self) -> None:
        """A page learns that a number may not be called, or is none, from the request for ICE servers already."""
        self.start(guest_mode="unregistered", guest_destinations=("8000", "90*"))
        guest = self.come(**GUEST)
        headers = {**JSON, "Authorization": f"Bearer {guest.json['session']}"}

        def asked(to: str) -> Answer:
            return self.ask("GET", f"/api/webrtc/ice?id={guest.json['id']}&to={to}", headers=headers)

        self.assertIn("iceServers", asked("8000").json)
        self.assertEqual(asked("9012").code, 200)
        for to in ("1003", "sip:8000@elsewhere.example", "80001", "self"):
            self.assertEqual((to, asked(to).code), (to, self.call(guest, to).code))
            self.assertIn(asked(to).code, (400, 403))
        self.assertEqual(asked("abc%20def").error, (400, "bad_input"))
        self.assertEqual(asked("abc%20def").json["field"], "to")
        self.assertEqual(asked("").code, 200)
        self.assertEqual(self.far.calls, [])

    def test_json(self) -> None:
        """The field may come as JSON; one that says no asks for the other fields."""
        self.start(guest_mode="unregistered")
        self.assertEqual(self.ask("POST", SIGN_IN, json={"guest": True}, headers=JSON).code, 200)
        self.assertEqual(self.ask("POST", SIGN_IN, json={"guest": False}, headers=JSON).code, 400)
        self.assertEqual(self.ask("POST", SIGN_IN, json={"guest": "perhaps"}, headers=JSON).code, 400)

    def test_limits(self) -> None:
        """An address gets so many guests at once, by this dialect and the other together; there are so many at all."""
        self.start(guest_mode="unregistered", guest_limit=2)
        web = WebSettings(sign_in_per_address=Allowance(burst=3, per_second=0.5))
        self.surface = http_surface(self.gateway, web, self.clock, genesys=GenesysSettings())
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)
        self.assertEqual(self.get("/sign_in?anon01").code, 200)
        self.assertEqual(self.come(**GUEST).code, 200)
        self.assertEqual(self.come(**GUEST).error, (503, "too_many_guests"))
        self.assertEqual(self.come(**GUEST).code, 503)  # a refusal of that kind is forgiven
        first = next(iter(self.gateway.agents())).id
        self.done(self.gateway.sign_out(first))
        self.assertEqual(self.come(**GUEST).code, 200)
        refused = self.come(**GUEST)
        self.assertEqual(refused.error, (429, "too_many_tries"))
        self.assertIn("retry-after", refused.headers)

    def test_self(self) -> None:
        """Who calls "self" hears an echo, from the number that is set for it."""
        self.start(guest_mode="unregistered", guest_destinations=("1003",))
        self.configure(GenesysSettings(self_destination="1003"))
        self.assertEqual(self.call(self.come(**GUEST), "self").code, 200)
        self.assertTrue(self.far.calls[-1].request("INVITE").uri.startswith("sip:1003@"))

    def test_lost(self) -> None:
        """A guest whose page is gone is signed out, as in the other dialect."""
        self.start(guest_mode="unregistered", page_grace=30.0)
        self.come(**GUEST)
        self.run_for(31)
        self.assertEqual(list(self.gateway.agents()), [])

    def test_foreign_origin(self) -> None:
        """A page of an origin that is not allowed cannot make guests."""
        self.start(guest_mode="unregistered")
        headers = {**JSON, "Origin": "https://elsewhere.example"}
        self.assertEqual(self.ask("POST", SIGN_IN, data=GUEST, headers=headers).error, (403, "foreign_origin"))
        self.assertEqual(list(self.gateway.agents()), [])


class WithoutPassword(RESTGuestCase):
    """A DN without a password, where genesys_no_password says that it is registered all the same."""

    settings = GenesysSettings(no_password="register")

    def test_registered(self) -> None:
        """The DN that is named is registered, and is no guest."""
        self.far.script("REGISTER", 200)
        self.assertEqual(self.come(**GUEST, dn="5001").json["id"], "5001")
        agent = self.agent_of("5001")
        self.assertEqual((agent.dn, agent.guest), ("5001", False))

    def test_registrar_that_challenges(self) -> None:
        """It refuses, and the page hears of it."""
        self.assertEqual(self.come(**GUEST, dn="5001").error, (401, "registration_refused"))

    def test_guest(self) -> None:
        """Who names no DN is a guest."""
        self.assertEqual(self.come(**GUEST).error, (403, "guests_not_allowed"))
