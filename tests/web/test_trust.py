"""Who may do what over HTTP."""

from ipaddress import ip_network

from twisted.internet.defer import Deferred

from tests.web.harness import BASE, PASSWORD, SDP, Answer, WebTestCase
from wrtcgw.calls.messages import MessageType
from wrtcgw.web import Binding, WebSettings
from wrtcgw.web.auth import cookie_name

POLL = "/api/webrtc/message?id=agent123"
ELSEWHERE = "192.0.2.7"
DESKTOP = "https://desktop.example.org"
HERE = {"X-Real-IP": "192.0.2.1"}
THERE = {"X-Real-IP": "192.0.2.2"}


class Tokens(WebTestCase):
    """The session token, with ``session_binding = address``."""

    def far(self, path: str = POLL, method: str = "GET", **headers: str) -> Answer:
        """Ask from another address than that of the sign_in."""
        wire = self.wire(ELSEWHERE)
        wire.send(method, path, b"", **headers)
        return wire.answer()

    def test_handed_out_three_ways(self) -> None:
        """sign_in hands the same random token out as header field, JSON field and cookie."""
        path = f"/api/webrtc/sign_in?id=agent123&dn=5001&password={PASSWORD}"
        answer = self.ask("GET", path, headers={"Accept": "application/json"})
        token = answer.headers["x-wrtc-session"]
        self.assertGreaterEqual(len(token), 43)
        self.assertEqual(answer.json["session"], token)
        self.assertEqual(
            answer.headers["set-cookie"],
            f"{cookie_name('agent123')}={token}; Path=/api/; HttpOnly; SameSite=Lax",
        )
        self.assertNotEqual(self.sign_in(), token)

    def test_cookie_under_tls(self) -> None:
        """Under TLS the cookie is good for pages of other origins, and for TLS only."""
        self.configure(WebSettings(trusted_proxies=(ip_network("127.0.0.1"),)))
        headers = {"X-Real-IP": ELSEWHERE, "X-Forwarded-Proto": "https"}
        answer = self.ask("GET", f"/api/webrtc/sign_in?id=a&dn=1&password={PASSWORD}", headers=headers)
        self.assertIn("; HttpOnly; SameSite=None; Secure", answer.headers["set-cookie"])

    def test_cookie_under_our_own_tls(self) -> None:
        """The same holds when the gateway itself speaks TLS."""
        path = f"/api/webrtc/sign_in?id=a&dn=1&password={PASSWORD}"
        pending = self.begin("GET", path, base=BASE.replace("http:", "https:"))
        self.assertIn("SameSite=None; Secure", pending.answer().headers["set-cookie"])

    def test_accepted_three_ways(self) -> None:
        """The token is taken as Bearer, as header field and as cookie, from any address."""
        token = self.sign_in()
        self.assertEqual(self.far().error, (401, "session_required"))
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"Authorization": f"bearer {token}"},
            {"X_WRTC_Session": token},
            {"Cookie": f"other=1; {cookie_name('agent123')}={token}"},
            {"Authorization": "Basic eDp5", "X_WRTC_Session": token},
            {"X_WRTC_Session": "", "Cookie": f"{cookie_name('agent123')}={token}"},
        ):
            self.assertEqual(self.far(**headers).code, 204, headers)

    def test_every_call_of_an_agent_needs_it(self) -> None:
        """No call of an agent works for a stranger."""
        self.sign_in()
        self.gateway.asked.clear()
        reads = ["message", "events", "calls", "sign_out"]
        verbs = ["hangup", "answer", "reject", "hold", "resume", "dtmf", "transfer", "info", "sign_out"]
        for method, names in (("GET", reads), ("POST", verbs)):
            for name in names:
                answer = self.far(f"/api/webrtc/{name}?id=agent123&digits=1&to=2", method)
                self.assertEqual(answer.error, (401, "session_required"), name)
                self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="wrtcgw"')
        self.assertEqual(self.far("/api/webrtc/message?from=agent123&to=1", "POST").code, 401)
        self.assertEqual(self.gateway.asked, [])

    def test_address_stands_for_the_token(self) -> None:
        """A request without any token passes from the address that signed in: the seed's curl lines."""
        self.sign_in()
        self.assertEqual(self.ask("GET", POLL).code, 204)

    def test_wrong_token_is_not_saved_by_the_address(self) -> None:
        """A wrong token is refused also from the right address."""
        self.sign_in()
        self.assertEqual(self.ask("GET", POLL, headers={"X-WRTC-Session": "x"}).error, (403, "foreign_session"))

    def test_replaced_token(self) -> None:
        """A later sign_in makes the earlier token worthless."""
        old = self.sign_in()
        self.sign_in()
        self.assertEqual(self.far(X_WRTC_Session=old).error, (403, "foreign_session"))

    def test_another_agents_messages(self) -> None:
        """An agent with another's id cannot read its messages, not even from its own good session."""
        self.sign_in()
        other = self.sign_in("other", "5002")
        self.gateway.put("agent123", type=MessageType.ANSWER, call_id="c1", sdp=SDP)
        answer = self.far(X_WRTC_Session=other)
        self.assertEqual(answer.error, (403, "foreign_session"))
        self.assertEqual(self.ask("GET", POLL).text, SDP)

    def test_two_agents_in_one_browser(self) -> None:
        """Two agents of one browser have a cookie each."""
        mine, other = self.sign_in(), self.sign_in("other", "5002")
        cookies = f"{cookie_name('agent123')}={mine}; {cookie_name('other')}={other}"
        self.assertEqual(self.far(Cookie=cookies).code, 204)
        self.assertEqual(self.far("/api/webrtc/message?id=other", Cookie=cookies).code, 204)

    def test_session_ends_with_its_agent(self) -> None:
        """When the id has gone to another agent object, the old session is worth nothing."""
        token = self.sign_in()
        self.gateway.registry.remove_agent(self.gateway.agent("agent123"))
        self.successResultOf(Deferred.fromCoroutine(self.gateway.sign_in(agent_id="agent123", dn="5001", password="x")))
        self.assertEqual(self.far(X_WRTC_Session=token).error, (403, "foreign_session"))
        self.assertEqual(self.ask("GET", POLL).error, (401, "session_required"))

    def test_current_page(self) -> None:
        """The gateway learns whether a new sign_in comes from the page that has the session."""
        token = self.sign_in()
        self.sign_in(headers={"X-WRTC-Session": token})
        self.sign_in(headers={"X-WRTC-Session": token})
        self.assertEqual([asked[-1] for asked in self.gateway.asked], [False, True, False])


class Strict(WebTestCase):
    """``session_binding = strict``."""

    settings = WebSettings(session_binding=Binding.STRICT)

    def test_token_only(self) -> None:
        """No address stands for the token."""
        token = self.sign_in()
        self.assertEqual(self.ask("GET", POLL).error, (401, "session_required"))
        self.assertEqual(self.ask("GET", POLL, headers={"X-WRTC-Session": token}).code, 204)


class BehindProxy(WebTestCase):
    """Addresses behind a proxy."""

    settings = WebSettings(trusted_proxies=(ip_network("127.0.0.1"),))

    def test_trusted(self) -> None:
        """A trusted proxy's word tells one client from the other."""
        self.sign_in(headers=HERE)
        self.assertEqual(self.ask("GET", POLL, headers=HERE).code, 204)
        self.assertEqual(self.ask("GET", POLL, headers=THERE).error, (401, "session_required"))
        self.assertEqual(self.ask("GET", POLL).error, (401, "session_required"))

    def test_page_address(self) -> None:
        """The gateway is told the page's address, not the proxy's."""
        self.sign_in(headers=HERE)
        headers = {**HERE, "Content-Type": "text/plain"}
        self.ask("POST", "/api/webrtc/message?from=agent123&to=1", data=SDP.encode(), headers=headers)
        self.assertEqual(self.gateway.asked[-1][-1], "192.0.2.1")

    def test_forgotten_setting(self) -> None:
        """A forwarding field from a peer that is no trusted proxy counts as strict, at sign_in and later."""
        self.configure(WebSettings())
        token = self.sign_in(headers=HERE)
        self.assertEqual(self.ask("GET", POLL, headers=HERE).error, (401, "session_required"))
        self.assertEqual(self.ask("GET", POLL).error, (401, "session_required"))
        headers = {**HERE, "X-WRTC-Session": token}
        self.assertEqual(self.ask("GET", POLL, headers=headers).code, 204)


class ForeignPages(WebTestCase):
    """The Origin check, and CORS."""

    settings = WebSettings(allowed_origins=frozenset({DESKTOP + "/"}))

    def test_foreign_origin_changes_nothing(self) -> None:
        """A page of another origin is refused on each call that changes state, whatever it shows."""
        token = self.sign_in()
        self.gateway.asked.clear()
        headers = {"Origin": "https://evil.example", "Authorization": f"Bearer {token}"}
        calls = {
            "GET": ["sign_in", "sign_out", "message", "events"],
            "POST": ["sign_in", "sign_out", "message", "hangup", "answer", "reject", "hold", "dtmf", "transfer"],
        }
        for method, names in calls.items():
            for name in names:
                answer = self.ask(method, f"/api/webrtc/{name}?id=agent123", headers=headers)
                self.assertEqual(answer.error, (403, "foreign_origin"), name)
                self.assertEqual(answer.headers["vary"], "Origin")
        self.assertEqual(self.gateway.asked, [])
        self.assertEqual(self.ask("GET", POLL, headers={"Origin": "null"}).error, (403, "foreign_origin"))

    def test_foreign_origin_is_told(self) -> None:
        """A foreign page can read why it is refused, and nothing else: no other answer, no preflight, no header."""
        evil = "https://evil.example"
        refused = self.ask("POST", "/api/webrtc/sign_in", data={"id": "a"}, headers={"Origin": evil})
        self.assertEqual(refused.error, (403, "foreign_origin"))
        self.assertIn(evil, refused.json["error"])
        self.assertIn("allowed_origins", refused.json["error"])
        self.assertEqual(refused.headers["access-control-allow-origin"], evil)
        for name in ("access-control-allow-credentials", "access-control-expose-headers", "set-cookie"):
            self.assertNotIn(name, refused.headers)
        for method, path in (
            ("OPTIONS", "/api/webrtc/sign_in"),
            ("GET", "/api/health"),
            ("GET", "/api/agents"),
            ("GET", "/api/calls/active"),
            ("GET", "/nothing"),
        ):
            answer = self.ask(method, path, headers={"Origin": evil})
            self.assertNotIn("access-control-allow-origin", answer.headers, path)

    def test_simple_cross_site_request(self) -> None:
        """An image or link of another site carries no Origin, and is refused all the same."""
        token = self.sign_in()
        for site in ("cross-site", "same-site"):
            headers = {"Sec-Fetch-Site": site}
            answer = self.ask("GET", "/api/webrtc/sign_out?id=agent123", headers=headers)
            self.assertEqual(answer.error, (403, "foreign_origin"))
        for site in ("none", "same-origin"):
            headers = {"Sec-Fetch-Site": site, "X-WRTC-Session": token}
            self.assertEqual(self.ask("GET", POLL, headers=headers).code, 204)

    def test_allowed_origin(self) -> None:
        """A page of an allowed origin may call, and read the response with credentials."""
        self.sign_in(headers={"Origin": DESKTOP})
        answer = self.ask("GET", POLL, headers={"Origin": DESKTOP, "Sec-Fetch-Site": "cross-site"})
        self.assertEqual(answer.code, 204)
        self.assertEqual(answer.headers["access-control-allow-origin"], DESKTOP)
        self.assertEqual(answer.headers["access-control-allow-credentials"], "true")
        self.assertEqual(answer.headers["vary"], "Origin")
        exposed = answer.headers["access-control-expose-headers"]
        for name in ("X-WRTC-Session", "X-WRTC-Call", "X-WRTC-Message", "X-WRTC-From", "X-WRTC-Seq"):
            self.assertIn(name, exposed)

    def test_errors_are_shared_too(self) -> None:
        """Each error of each kind can be read by an allowed page."""
        self.sign_in()
        self.gateway.failure = ZeroDivisionError()
        for method, path, code in (
            ("GET", "/api/webrtc/message?id=nobody", 401),
            ("GET", "/api/webrtc/message", 400),
            ("GET", "/api/nothing", 404),
            ("GET", "/nothing", 404),
            ("GET", "/%FF", 404),
            ("PUT", "/api/webrtc/message", 405),
            ("PUT", "/api/webrtc/hold", 405),
            ("POST", "/api/webrtc/hold?id=agent123", 500),
            ("POST", "/api/webrtc/message?from=agent123&to=1", 500),
        ):
            answer = self.ask(method, path, headers={"Origin": DESKTOP})
            self.assertEqual((answer.code, answer.headers["access-control-allow-origin"]), (code, DESKTOP))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_preflight(self) -> None:
        """An allowed page's preflight learns what it may send; a foreign one learns nothing."""
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
        for path in ("/api/webrtc/message", "/api/webrtc/hold", "/api/health", "/nothing"):
            answer = self.ask("OPTIONS", path, headers={"Origin": DESKTOP, **asked})
            self.assertEqual((answer.code, answer.body), (204, b""))
            self.assertEqual(answer.headers["access-control-allow-origin"], DESKTOP)
            self.assertEqual(answer.headers["access-control-allow-credentials"], "true")
            self.assertIn("POST", answer.headers["access-control-allow-methods"])
            for name in ("Authorization", "Content-Type", "X-WRTC-Session", "Last-Event-ID"):
                self.assertIn(name, answer.headers["access-control-allow-headers"])
            self.assertEqual(answer.headers["access-control-allow-private-network"], "true")
            self.assertEqual(answer.headers["vary"], "Origin")
        for headers in ({"Origin": "https://evil.example"}, {}):
            answer = self.ask("OPTIONS", "/api/webrtc/message", headers={**headers, **asked})
            self.assertEqual(answer.code, 204)
            self.assertFalse([name for name in answer.headers if name.startswith("access-control")])

    def test_preflight_without_private_network(self) -> None:
        """Nothing is said of private networks unless it was asked."""
        answer = self.ask("OPTIONS", "/api/webrtc/message", headers={"Origin": DESKTOP})
        self.assertNotIn("access-control-allow-private-network", answer.headers)

    def test_same_origin(self) -> None:
        """Our own pages may call: told by Origin and Host, or by the browser's word where a proxy changed Host."""
        token = {"X-WRTC-Session": self.sign_in()}
        for headers in (
            {"Origin": BASE},
            {"Origin": BASE.upper()},
            {"Origin": "https://public.example:8084", "Sec-Fetch-Site": "same-origin"},
        ):
            self.assertEqual(self.ask("GET", POLL, headers={**headers, **token}).code, 204, headers)
        for origin in ("https://gateway.example:8082", "http://gateway.example", "http://gateway.example:8082.evil"):
            self.assertEqual(self.ask("GET", POLL, headers={"Origin": origin}).code, 403, origin)

    def test_same_origin_behind_a_proxy(self) -> None:
        """A trusted proxy tells under which name and scheme the page knows us; anybody else does not."""
        forwarded = {"X-Real-IP": ELSEWHERE, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "public.example"}
        self.configure(WebSettings(trusted_proxies=(ip_network("127.0.0.1"),)))
        token = self.sign_in()
        headers = {**forwarded, "Origin": "https://public.example", "X-WRTC-Session": token}
        self.assertEqual(self.ask("GET", POLL, headers=headers).code, 204)
        self.configure(WebSettings())
        self.assertEqual(self.ask("GET", POLL, headers=headers).code, 403)


class ReboundPages(WebTestCase):
    """A page whose name was made to point to this gateway is of our own origin, but not ours."""

    EVIL = "evil.example:8082"
    OURS = "http://gateway.example:8082"

    def from_page(self, host: str, path: str = POLL, method: str = "GET", **headers: str) -> Answer:
        """Ask from the agent's own machine as a browser's page does that was loaded under ``host``."""
        wire = self.wire()
        fields = {"Host": host, "Accept_Language": "en-US,en;q=0.9", **headers}
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        wire.raw("\r\n".join([*lines, "", ""]).encode())
        return wire.answer()

    def test_address_is_not_enough(self) -> None:
        """A browser under a foreign name needs the token, also where it sends no Origin; the text tells why."""
        token = self.sign_in()
        for headers in (
            {},
            {"Accept_Language": ""},
            {"Origin": f"http://{self.EVIL}"},
            {"Sec_Fetch_Site": "same-origin"},
            {"Referer": f"http://{self.EVIL}/"},
            {"X_Forwarded_Host": "localhost"},
        ):
            answer = self.from_page(self.EVIL, **headers)
            self.assertEqual(answer.error, (401, "session_required"), headers)
        self.assertIn("allowed_origins", self.from_page(self.EVIL).json["error"])
        self.assertEqual(self.from_page(self.EVIL, X_WRTC_Session=token).code, 204)
        answer = self.from_page(self.EVIL, "/api/webrtc/hangup?id=agent123", "POST", Origin=f"http://{self.EVIL}")
        self.assertEqual(answer.error, (401, "session_required"))

    def test_names_that_cannot_be_rebound(self) -> None:
        """An address and localhost cannot be made to point elsewhere: pages from there go on as before."""
        self.sign_in()
        for host in (
            *("127.0.0.1:8082", "192.0.2.1", "[::1]:8082", "[2001:db8::1]"),
            *("localhost", "localhost:8082", "LOCALHOST:8082", "gw.localhost:8082", "localhost.:8082"),
        ):
            self.assertEqual(self.from_page(host, Origin=f"http://{host}").code, 204, host)
        for host in ("localhost.evil.example", "127.0.0.1.evil.example", "evil-localhost", "", "[::1].evil:80"):
            self.assertEqual(self.from_page(host).code, 401, host)

    def test_configured_name(self) -> None:
        """An origin that is configured is not a stranger's, also for a GET that names it only as Referer."""
        self.configure(WebSettings(allowed_origins=frozenset({self.OURS, DESKTOP})))
        self.sign_in()
        self.assertEqual(self.from_page("gateway.example:8082", Origin=DESKTOP).code, 204)
        own = "http://gateway.example:8082/page"
        self.assertEqual(self.from_page("gateway.example:8082", Referer=own).code, 204)
        self.assertEqual(self.from_page("gateway.example", Referer=own.replace(":8082", "")).code, 401)

    def test_programs(self) -> None:
        """Requests of programs are served under any name, as the seed's curl lines are."""
        self.sign_in()
        wire = self.wire()
        wire.raw(f"GET {POLL} HTTP/1.1\r\nHost: {self.EVIL}\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n".encode())
        self.assertEqual(wire.answer().code, 204)

    def test_behind_proxy(self) -> None:
        """Behind a trusted proxy the Host that it passes on counts, not X-Forwarded-Host, which a page can set."""
        self.configure(WebSettings(trusted_proxies=(ip_network("127.0.0.1"),)))
        self.sign_in(headers=HERE)
        forged = {"X_Forwarded_Host": "localhost", "X_Real_IP": HERE["X-Real-IP"]}
        self.assertEqual(self.from_page(self.EVIL, **forged).error, (401, "session_required"))
        forged["Referer"] = "http://192.0.2.9/page"
        self.assertEqual(self.from_page("192.0.2.9", **forged).error, (401, "session_required"))
        del forged["X_Forwarded_Host"]
        self.assertEqual(self.from_page("192.0.2.9", **forged).code, 204)

    def test_operators(self) -> None:
        """Loopback is not enough either."""
        self.configure(WebSettings(operator_loopback=True))
        for path in Operators.PATHS:
            answer = self.from_page(self.EVIL, path)
            self.assertEqual(answer.error, (401, "operator_token_required"))
            self.assertIn("localhost", answer.json["error"])
            self.assertEqual(self.from_page("localhost:8082", path).code, 200)
        self.configure(WebSettings(operator_token="0perat0r"))
        self.assertEqual(self.from_page(self.EVIL, "/api/agents", Authorization="Bearer 0perat0r").code, 200)


class Operators(WebTestCase):
    """Operator calls."""

    PATHS = ("/api/agents", "/api/calls/active")

    def test_token(self) -> None:
        """With an operator token it has to be shown, also on this machine; an agent's session is none."""
        session = self.sign_in()
        self.configure(WebSettings(operator_token="0perat0r"))
        for path in self.PATHS:
            self.assertEqual(self.ask("GET", path).error, (401, "operator_token_required"))
            headers = {"Authorization": f"Bearer {session}"}
            self.assertEqual(self.ask("GET", path, headers=headers).error, (401, "operator_token_required"))
            wire = self.wire(ELSEWHERE)
            wire.get(path, Authorization="Bearer 0perat0r")
            self.assertEqual(wire.answer().code, 200)

    def test_reconfigured(self) -> None:
        """Whom the surface trusts can change while agents are signed in."""
        self.sign_in(headers=HERE)
        self.surface.reconfigure(
            WebSettings(
                session_binding=Binding.STRICT,
                trusted_proxies=(ip_network("127.0.0.1"),),
                allowed_origins=frozenset({DESKTOP}),
                operator_token="0perat0r",
            )
        )
        self.assertEqual(self.ask("GET", "/api/agents").error, (401, "operator_token_required"))
        answer = self.ask("GET", POLL, headers={"Origin": DESKTOP})
        self.assertEqual(answer.error, (401, "session_required"))
        self.assertEqual(answer.headers["access-control-allow-origin"], DESKTOP)
        self.surface.reconfigure(WebSettings(trusted_proxies=(ip_network("127.0.0.1"),)))
        self.sign_in(headers=HERE)
        self.assertEqual(self.ask("GET", POLL, headers=HERE).code, 204)
        self.assertEqual(self.ask("GET", POLL, headers={"Origin": DESKTOP}).error, (403, "foreign_origin"))

    def test_secrets_in_reprs(self) -> None:
        """No secret is in the repr of settings or sessions."""
        self.assertNotIn("0perat0r", repr(WebSettings(operator_token="0perat0r")))
