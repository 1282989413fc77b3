"""Pages without a password: guests and their limits, and DNs whose registrar asks for none."""

from tests.web.genesys.dialectcase import PBX_SDP, DialectCase, Page
from wrtcgw.calls.abilities import ONE_CALL
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import Allowance, GatewaySite, WebSettings
from wrtcgw.web.genesys import GenesysSettings


class Guests(DialectCase):
    """How many there may be."""

    def test_limited(self) -> None:
        """An address gets so many guests at once, then 429 with the time to wait; other addresses and DNs go on."""
        self.start(guest_mode="unregistered")
        web = WebSettings(sign_in_per_address=Allowance(burst=2, per_second=0.5))
        self.surface = http_surface(self.gateway, web, self.clock, genesys=GenesysSettings())
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)
        codes = [self.get("/sign_in?anon0123").code for _ in range(3)]
        self.assertEqual(codes, [200, 200, 429])
        refused = self.get("/sign_in?anon0123")
        self.assertEqual((refused.headers["retry-after"], refused.headers["content-type"][:10]), ("2", "text/plain"))
        self.page("5001")
        wire = self.wire("192.0.2.9")
        wire.get("/sign_in?anon0123")
        self.run_for()
        self.assertEqual(wire.answer().code, 200)
        self.run_for(2)
        self.assertEqual(self.get("/sign_in?anon0123").code, 200)

    def test_so_many(self) -> None:
        """Beyond guest_limit a guest is told so, until another has left."""
        self.start(guest_mode="unregistered", guest_limit=1)
        first = Page(self, self.get("/sign_in?anon01").text.partition("=")[2])
        refused = self.get("/sign_in?anon02")
        self.assertEqual(refused.code, 503)
        self.assertIn("guest_limit", refused.text)
        self.get(f"/sign_out?id={first.ssid}")
        self.run_for()
        self.assertEqual(self.get("/sign_in?anon02").code, 200)

    def test_page_that_goes_at_once(self) -> None:
        """A guest whose page has gone before it was let in does not count."""
        self.start(guest_mode="registered", guest_dn="5003", guest_password="third", guest_limit=1)
        wire = self.wire()
        wire.get("/sign_in?anon01")
        wire.lose()
        self.run_for(1)
        self.assertEqual(list(self.gateway.agents()), [])
        self.assertEqual(self.get("/sign_in?anon02").code, 200)


class WithoutPassword(DialectCase):
    """A DN without a password, where the site says that it is registered all the same."""

    settings = GenesysSettings(no_password="register")

    def test_registrar_that_never_challenges(self) -> None:
        """All three forms register the DN, as a page with a password would."""
        for number, form in enumerate(("GET", "5001", "5001:", "5001:undefined")):
            self.far.script("REGISTER", *[200] * (number + 1))
            answer = self.get("/sign_in?5001") if form == "GET" else self.sign_in_raw(form)
            self.assertEqual((answer.code, answer.text[:3]), (200, "id="))
            agent = self.agent_of("5001")
            self.assertEqual((agent.dn, agent.abilities), ("5001", ONE_CALL))
        page = Page(self, answer.text.partition("=")[2])
        page.offer()
        self.assertEqual(self.far.calls[-1].request("INVITE").from_.uri.user, "5001")

    def test_registrar_that_challenges(self) -> None:
        """It refuses, and the page hears of it; whoever has the DN by its password keeps it."""
        page = self.page("5001")
        for answer in (self.get("/sign_in?5001"), self.sign_in_raw("5001:undefined"), self.get("/sign_in?5002")):
            self.assertEqual(answer.code, 401, answer.text)
        self.assertTrue(page.silent())
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")

    def test_anonymous(self) -> None:
        """The ids that connect() makes are guests' as ever."""
        self.assertEqual(self.get("/sign_in?anon01ab").code, 403)
        self.start(guest_mode="unregistered")
        self.assertEqual(self.get("/sign_in?anon01ab").code, 200)
        self.assertTrue(next(self.gateway.agents()).guest)
