"""Attacks 17, 18 and 20: sessions of others, ids that can be told apart, guests who take all places."""

from ipaddress import ip_network

from twisted.internet.defer import Deferred

from tests.support.gatewaycase import GatewayCase
from tests.web.genesys.dialectcase import DialectCase
from tests.web.harness import Answer, WebTestCase
from wrtcgw.calls.agent import Agent
from wrtcgw.daemon.composition import http_surface
from wrtcgw.errors import AgentInUse, RegistrationRefused
from wrtcgw.web import Binding, GatewaySite, WebSettings
from wrtcgw.web.auth import cookie_name
from wrtcgw.web.sessions import TOKEN_BYTES

CALLS = (
    ("GET", "calls"),
    ("GET", "message"),
    ("GET", "events"),
    ("GET", "ice"),
    ("GET", "sign_out"),
    ("POST", "sign_out"),
    ("POST", "hangup"),
    ("POST", "hold"),
    ("POST", "stats"),
)
HERE = "127.0.0.1"


class Sessions(WebTestCase):
    """What the cases share."""

    def of(self, agent_id: str, method: str, name: str, address: str = HERE, **headers: str) -> Answer:
        """Send a call of an agent."""
        wire = self.wire(address)
        wire.send(method, f"/api/webrtc/{name}?id={agent_id}", b"", **headers)
        return wire.answer()


class Bound(Sessions):
    """A token that was shown once is needed from then on (``session_binding = "address"``)."""

    def test_neighbour(self) -> None:
        """Another program behind the agent's address is refused as soon as the agent's page has shown its token."""
        for shown in (
            {"X_WRTC_Session": "{}"},
            {"Authorization": "Bearer {}"},
            {"Cookie": f"{cookie_name('vic')}={{}}"},
        ):
            token = self.sign_in("vic")
            self.assertEqual(self.of("vic", "GET", "calls").code, 200)
            headers = {name: value.format(token) for name, value in shown.items()}
            self.assertEqual(self.of("vic", "GET", "calls", **headers).code, 200)
            for method, name in CALLS:
                self.assertEqual(self.of("vic", method, name).error, (401, "session_required"), name)
            answer = self.ask("POST", "/api/webrtc/message?from=vic&to=1003", data=b"v=0")
            self.assertEqual(answer.error, (401, "session_required"))

    def test_wrong_token_binds_nothing(self) -> None:
        """A stranger cannot bind a session by showing nonsense."""
        self.sign_in("vic")
        self.assertEqual(self.of("vic", "GET", "calls", X_WRTC_Session="nonsense").error, (403, "foreign_session"))
        self.assertEqual(self.of("vic", "GET", "calls").code, 200)

    def test_renewed(self) -> None:
        """A page that renews its session by its token is bound at once; one that never shows one is not."""
        token = self.sign_in("vic")
        self.sign_in("vic", headers={"X-WRTC-Session": token})
        self.assertEqual(self.of("vic", "GET", "calls").error, (401, "session_required"))
        self.sign_in("vic")
        self.assertEqual(self.of("vic", "GET", "calls").code, 200)

    def test_softphone_api(self) -> None:
        """The desktop that shows the token binds it as well."""
        token = self.sign_in("vic")
        self.ask("GET", "/softphone-api/GetDnSIP", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(self.of("vic", "GET", "calls").error, (401, "session_required"))

    def test_curl_lines(self) -> None:
        """Clients that never show a token go on, a sign_out and what follows it included."""
        self.sign_in("vic")
        for _ in range(3):
            self.assertEqual(self.of("vic", "GET", "message").code, 204)
        self.assertEqual(self.of("vic", "GET", "sign_out").text, "OK")
        self.assertEqual(self.of("vic", "GET", "message").error, (404, "not_signed_in"))
        self.assertEqual(self.of("vic", "GET", "sign_out").text, "OK")


class DialectSessions(DialectCase):
    """Sessions of the vendor's dialect, and of guests."""

    def test_always_bound(self) -> None:
        """The address of a page does not stand for its secret SSID in the other dialect."""
        page = self.page()
        for path in ("calls?id=5001", "message?id=5001", "ice?id=5001", "sign_out?id=5001"):
            self.assertEqual(self.get(f"/api/webrtc/{path}", headers={}).error, (401, "session_required"), path)
        answer = self.get("/api/webrtc/calls?id=5001", headers={"X-WRTC-Session": page.ssid})
        self.assertEqual(answer.code, 200)
        self.assertTrue(page.silent())

    def test_wrong_sign_in_mutes_nobody(self) -> None:
        """While a stranger's sign_in for the DN waits for the registrar, the page hears of a call at once."""
        page = self.page()
        self.assertTrue(page.silent())
        self.far.silent.add("REGISTER")
        stranger = self.request("POST", "/sign_in", data=b"5001:guess")
        self.assertTrue(stranger.hangs)
        self.far.call("5001", None)
        self.run_for(0.2)
        self.assertEqual(page.told().text, "INVITE")


class Enumeration(Sessions):
    """Whether an id is signed in is nobody's business."""

    def test_without_credential(self) -> None:
        """An agent's id and one that nobody has are answered alike, from anywhere."""
        self.sign_in("vic")
        self.configure(WebSettings(session_binding=Binding.STRICT))
        self.gateway.asked.clear()
        for address in (HERE, "192.0.2.7"):
            for method, name in CALLS:
                answers = [self.of(agent_id, method, name, address) for agent_id in ("vic", "nob")]
                texts = [answer.text.replace("nob", "vic") for answer in answers]
                self.assertEqual((answers[0].code, texts[0]), (answers[1].code, texts[1]), name)
                self.assertEqual(set(answers[0].headers), set(answers[1].headers))
                self.assertEqual(answers[0].error, (401, "session_required"))

    def test_with_a_credential(self) -> None:
        """So they are with a wrong token, one of another agent, and one that looks as if it were of an earlier run."""
        other = self.sign_in("other", "5002")
        earlier = "A" * len(other)
        self.sign_in("vic")
        for shown in ("x", other, earlier, f"{other}x"):
            for method, name in CALLS:
                told = [self.of(each, method, name, X_WRTC_Session=shown) for each in ("vic", "nob")]
                first, second = ((answer.code, answer.text.replace("nob", "vic")) for answer in told)
                self.assertEqual(first, second, (shown, name))
        self.assertEqual([asked for asked in self.gateway.asked if asked[0] != "sign_in"], [])

    def test_own_page_is_told(self) -> None:
        """The page that was signed out hears so: by its token, or by the address that never showed one."""
        token = self.sign_in("vic")
        self.successResultOf(Deferred.fromCoroutine(self.gateway.sign_out("vic")))
        for headers in ({"X_WRTC_Session": token}, {}):
            answer = self.of("vic", "GET", "message", **headers)
            self.assertEqual(answer.error, (404, "not_signed_in") if headers else (401, "session_required"))

    def test_restart(self) -> None:
        """A page whose gateway was started anew hears that it has to sign in."""
        token = self.sign_in("vic")
        self.gateway.registry.remove_agent(self.gateway.agent("vic"))
        self.configure(WebSettings())
        self.assertEqual(self.of("vic", "GET", "message", X_WRTC_Session=token).error, (404, "not_signed_in"))

    def test_tokens(self) -> None:
        """Tokens of one run begin alike, and have enough that nobody can guess."""
        tokens = {self.sign_in("vic") for _ in range(20)}
        self.assertEqual(len({token[8:] for token in tokens}), 20)
        self.assertEqual(len({token[:8] for token in tokens}), 1)
        self.assertGreaterEqual(TOKEN_BYTES * 8, 128)


class IdsInUse(GatewayCase):
    """``agent_in_use`` is for those who have the DN's password."""

    def test_wrong_password(self) -> None:
        """Who cannot register the DN hears of that alone, whatever id is named."""
        self.sign_in("ann", "5001")
        self.passwords["5002"] = "right"
        for agent_id in ("ann", "nobody"):
            failure = self.failureResultOf(self.signing_in(agent_id, "5002", "wrong"), RegistrationRefused)
            self.assertTrue(failure.value.credentials)

    def test_right_password(self) -> None:
        """Who can hears it, and the DN is not left registered."""
        self.sign_in("ann", "5001")
        self.passwords["5002"] = "right"
        self.failureResultOf(self.signing_in("ann", "5002", "right"), AgentInUse)
        self.assertNotIn("5002", self.far.contacts)
        self.assertIn("5001", self.far.contacts)

    def signing_in(self, agent_id: str, dn: str, password: str) -> "Deferred[Agent]":
        """Begin a sign_in, and let the registrar answer."""
        work = Deferred.fromCoroutine(self.gateway.sign_in(agent_id=agent_id, dn=dn, password=password))
        self.run_for(1)
        return work


class Ends(Sessions):
    """Sessions end by themselves."""

    settings = WebSettings(session_lifetime=7200.0, session_idle=1800.0)

    def ended(self) -> bool:
        """Return whether the agent was signed out because its session was over."""
        return ("sign_out", "vic", "expired") in self.gateway.asked

    def test_idle(self) -> None:
        """Without a call and without a page it ends after session_idle; a request counts as a page."""
        token = self.sign_in("vic")
        for _ in range(3):
            self.clock.advance(1700)
            self.assertFalse(self.ended())
            self.of("vic", "GET", "calls", X_WRTC_Session=token)
        self.clock.advance(1860)
        self.assertTrue(self.ended())
        self.assertEqual(self.of("vic", "GET", "calls", X_WRTC_Session=token).error, (404, "not_signed_in"))

    def test_page_that_listens(self) -> None:
        """A poll or stream that hangs is a page; its end begins the time anew."""
        token = self.sign_in("vic")
        stream = self.wire()
        stream.get("/api/webrtc/events?id=vic", X_WRTC_Session=token)
        self.clock.pump([60.0] * 60)
        self.assertFalse(self.ended())

    def test_call(self) -> None:
        """One with a call ends neither for idleness nor for age, but right after the call."""
        self.sign_in("vic")
        call = self.gateway.add_call("vic", "c1")
        self.clock.advance(9000)
        self.assertFalse(self.ended())
        self.gateway.registry.remove_call(self.gateway.agent("vic"), call)
        self.clock.advance(60)
        self.assertTrue(self.ended())

    def test_lifetime(self) -> None:
        """A page that always listens is signed out when its session is old, and another sign_in begins anew."""
        token = self.sign_in("vic")
        stream = self.wire()
        stream.get("/api/webrtc/events?id=vic", X_WRTC_Session=token)
        self.clock.advance(7000)
        self.assertFalse(self.ended())
        token = self.sign_in("vic", headers={"X-WRTC-Session": token})
        stream = self.wire()
        stream.get("/api/webrtc/events?id=vic", X_WRTC_Session=token)
        self.clock.advance(7000)
        self.assertFalse(self.ended())
        self.clock.advance(300)
        self.assertTrue(self.ended())

    def test_off(self) -> None:
        """0 switches both off; a reload counts."""
        self.sign_in("vic")
        self.surface.reconfigure(WebSettings(session_lifetime=0.0, session_idle=0.0))
        self.clock.advance(1_000_000)
        self.assertFalse(self.ended())


class GuestPlaces(DialectCase):
    """One address does not take all places of guests."""

    def start(self, **changes: object) -> None:
        """Let guests in."""
        super().start(guest_mode="unregistered", guest_destinations=("8000",), guest_limit=100, **changes)

    def enter(self, address: str) -> Answer:
        """Come as a guest from an address behind the proxy."""
        return self.get("/api/webrtc/sign_in?guest=1", headers={"X-Real-IP": address})

    def test_per_address(self) -> None:
        """Five from one address, in both dialects together, and of an IPv6 network as of one; others still get in."""
        self.surface.close()
        settings = WebSettings(trusted_proxies=(ip_network("127.0.0.1"),))
        self.surface = http_surface(self.gateway, settings, self.clock, genesys=self.settings)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)
        for kind in ("192.0.2.{}", "2001:db8:0:1::{}"):
            same = [kind.format(7) if "." in kind else kind.format(number) for number in range(1, 8)]
            codes = [self.enter(address).code for address in same]
            self.assertEqual(codes, [200] * 5 + [429] * 2, kind)
            answer = self.ask("POST", "/sign_in", data=b"anon1:", headers={"X-Real-IP": same[0]})
            self.assertEqual(answer.code, 429)
        self.assertEqual(self.enter("192.0.2.8").code, 200)
        self.assertEqual(self.enter("2001:db8:0:2::1").code, 200)
        answer = self.enter("192.0.2.7")
        self.assertEqual(answer.error, (429, "too_many_guests_here"))
        self.assertIn("guest_limit_per_address", answer.json["error"])

    def test_place_of_who_left(self) -> None:
        """A guest who leaves makes room."""
        guests = [
            self.get("/api/webrtc/sign_in?guest=1", headers={"Accept": "application/json"}).json for _ in range(5)
        ]
        self.assertEqual(self.get("/api/webrtc/sign_in?guest=1", headers={}).code, 429)
        first = guests[0]
        self.get(f"/api/webrtc/sign_out?id={first['id']}", headers={"X-WRTC-Session": first["session"]})
        self.assertEqual(self.get("/api/webrtc/sign_in?guest=1", headers={}).code, 200)


class Waits(DialectCase):
    """Attack 12: waits of sessions that are over."""

    def test_bounded(self) -> None:
        """One hangs for each SSID that has signed out, the newest; and it ends within a minute."""
        page = self.page()
        self.get(f"/sign_out?id={page.ssid}")
        self.run_for()
        waits = [page.wait() for _ in range(20)]
        self.run_for(1)
        self.assertEqual([wait.hangs for wait in waits], [False] * 19 + [True])
        self.run_for(60)
        self.assertFalse(waits[-1].hangs)

    def test_wait_that_hung_already(self) -> None:
        """That holds for a wait that hung when its page signed out, or in again."""
        for again in (False, True):
            page = self.page()
            hanging = page.wait()
            self.run_for(1)
            if again:
                self.page()
            else:
                self.get(f"/sign_out?id={page.ssid}")
            self.run_for(5)
            self.assertTrue(hanging.hangs)
            self.run_for(60)
            self.assertFalse(hanging.hangs)
