"""What operators and monitoring see, the pages beside the API, and the listener itself."""

from typing import cast

from twisted.web.resource import Resource
from twisted.web.static import Data

from tests.web.harness import LOCAL, PASSWORD, SDP, WebTestCase
from wrtcgw import __version__
from wrtcgw.daemon.composition import http_surface
from wrtcgw.gateway import Gateway
from wrtcgw.web import GatewaySite, WebSettings


class Views(WebTestCase):
    """Health, agents, calls."""

    settings = WebSettings(operator_loopback=True)

    def test_health(self) -> None:
        """Health has the seed's keys for everybody, and more for operators and for this machine."""
        self.sign_in()
        wire = self.wire("192.0.2.7")
        wire.get("/api/health")
        public = {"status", "service", "uptime", "registered_agents", "active_calls"}
        self.assertEqual(set(wire.answer().json), public)
        self.assertEqual(set(self.ask("GET", "/api/health").json), public)
        self.configure(WebSettings(operator_token="0perat0r"))
        self.assertEqual(set(self.ask("GET", "/api/health", headers={"Authorization": "Bearer x"}).json), public)
        told = self.ask("GET", "/api/health", headers={"Authorization": "Bearer 0perat0r"}).json
        answer = self.ask("GET", "/api/health", base=LOCAL)
        self.assertEqual(set(told), set(answer.json))
        self.assertEqual(answer.code, 200)
        self.assertEqual(
            answer.json,
            {
                "status": "ok",
                "service": "webrtc-gateway",
                "version": __version__,
                "uptime": 3600,
                "registered_agents": 1,
                "active_calls": 0,
                "sip": {"connections_up": 1, "connections_total": 1},
                "pages": {"polls": 0, "streams": 0, "dropped_messages": 0},
            },
        )

    def test_health_without_sip(self) -> None:
        """Without a SIP connection the process is alive, and says what it lacks."""
        self.gateway.connections_up = 0
        answer = self.ask("GET", "/api/health")
        self.assertEqual((answer.code, answer.json["status"], answer.json["registered_agents"]), (200, "down", 0))

    def test_ready(self) -> None:
        """A balancer is told whether new agents may come, and if not, why."""
        answer = self.ask("GET", "/api/ready")
        self.assertEqual((answer.code, answer.json), (200, {"ready": True, "obstacles": []}))
        self.gateway.obstacles = ("draining", "store_unavailable")
        answer = self.ask("GET", "/api/ready")
        self.assertEqual((answer.code, answer.json["obstacles"]), (503, ["draining", "store_unavailable"]))
        self.assertEqual(self.ask("HEAD", "/api/ready").code, 503)

    def test_agents(self) -> None:
        """Operators see who is signed in and how the registration is."""
        self.sign_in()
        self.clock.advance(10)
        expected = {
            "id": "agent123",
            "dn": "5001",
            "node": "here",
            "displayName": "",
            "registration": "REGISTERED",
            "expires": 590.0,
            "sipCode": 0,
            "reason": "",
            "signedIn": 10.0,
            "lastSeen": None,
            "pageAlive": False,
            "pageResponds": True,
            "visibility": "",
            "doNotDisturb": False,
            "undelivered": 0,
            "dropped": 0,
            "calls": 0,
            "pages": [{"page": "1", "since": 10.0, "lastSeen": None, "alive": False, "sound": []}],
        }
        self.assertEqual(self.ask("GET", "/api/agents", base=LOCAL).json, {"agents": [expected]})
        self.ask("GET", "/api/webrtc/message?id=agent123")
        self.assertEqual(self.ask("GET", "/api/agents", base=LOCAL).json["agents"][0]["lastSeen"], 0.0)
        poll = self.wire()
        poll.get("/api/webrtc/message?id=agent123&wait=25")
        self.assertTrue(self.ask("GET", "/api/agents", base=LOCAL).json["agents"][0]["pageAlive"])
        poll.lose()
        self.assertFalse(self.ask("GET", "/api/agents", base=LOCAL).json["agents"][0]["pageAlive"])

    def test_active_calls(self) -> None:
        """Operators see all calls, without their descriptions."""
        self.sign_in()
        self.gateway.add_call("agent123", "c1")
        answer = self.ask("GET", "/api/calls/active", base=LOCAL)
        (call,) = answer.json["calls"]
        self.assertEqual((call["callId"], call["state"], call["duration"]), ("c1", "DIALLING", None))
        self.assertNotIn("v=0", answer.text)


class Pages(WebTestCase):
    """Pages beside the API."""

    def setUp(self) -> None:
        super().setUp()
        folder = Resource()
        folder.putChild(b"", Data(b"phone", "text/html"))
        folder.putChild(b"app.js", Data(b"code", "text/javascript"))
        pages = {b"softphone": folder, b"": Data(b"root", "text/html")}
        self.resource = http_surface(cast(Gateway, self.gateway), WebSettings(), self.clock, pages=pages).resource()

    def test_served(self) -> None:
        """Pages are served at their first path segment, the API stays where it is."""
        for path, text in (("/softphone/", "phone"), ("/softphone/app.js", "code"), ("/", "root")):
            self.assertEqual(self.ask("GET", path).text, text)
        self.assertEqual(self.ask("GET", "/softphone/nothing").code, 404)
        for path in ("/softphone/%00", "/softphone/%ff"):
            self.assertEqual(self.ask("GET", path).error, (404, "not_found"))
        self.assertEqual(self.ask("GET", "/api/health").code, 200)
        self.assertEqual(self.ask("GET", "/other").error, (404, "not_found"))


class Listener(WebTestCase):
    """The site: bounded bodies, and logs without secrets."""

    settings = WebSettings(body_limit=1000)

    def test_bounded_bodies(self) -> None:
        """No more of a body than the limit is kept, and the connection lives on."""
        self.sign_in()
        wire = self.wire()
        wire.send("POST", "/api/webrtc/message?from=agent123&to=1", b"x" * 200_000, Content_Type="text/plain")
        self.assertEqual(wire.answer().error, (413, "body_too_large"))
        wire.send("POST", "/api/webrtc/message?from=agent123&to=1", SDP.encode(), Content_Type="text/plain")
        self.assertEqual(wire.answer().code, 200)

    def test_chunked_body(self) -> None:
        """A body without a length is bounded as well."""
        self.sign_in()
        wire = self.wire()
        wire.get("/api/webrtc/hold?id=agent123")
        wire.transport.clear()
        head = "POST /api/webrtc/sign_in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.raw(head.encode() + b"400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n")
        self.assertEqual(wire.answer().error, (413, "body_too_large"))

    def test_form_is_parsed_once(self) -> None:
        """A form posted to the real listener is read by our own rules."""
        wire = self.wire()
        form = f"id=a&dn=1&password={PASSWORD};x%2By".encode()
        wire.send("POST", "/api/webrtc/sign_in", form, Content_Type="application/x-www-form-urlencoded")
        self.assertEqual(wire.answer().code, 200)
        self.assertEqual(self.gateway.asked[0][3], f"{PASSWORD};x+y")

    def test_access_log(self) -> None:
        """A line of the access log tells the request without the password."""
        lines: list[str] = []
        self.site = GatewaySite(self.surface, access_log=lines.append, reactor=self.clock)
        wire = self.wire("192.0.2.7")
        wire.get(f"/api/webrtc/sign_in?id=a&dn=1&password={PASSWORD}")
        wire.answer()
        (line,) = lines
        self.assertTrue(line.startswith("192.0.2.7 GET /api/webrtc/sign_in?id=a&dn=1&password="), line)
        self.assertTrue(line.endswith(" 200 2"), line)
        self.assertNotIn(PASSWORD, line)

    def test_repr_of_a_request(self) -> None:
        """A request that gets into a log or an error shows its path only."""
        wire = self.wire()
        wire.get("/api/webrtc/events?id=nobody")
        request = self.site.requestFactory(wire.protocol)
        request.method, request.path = b"GET", b"/api/webrtc/sign_in"
        request.uri = request.path + b"?password=secret"
        self.assertEqual(repr(request), "<GatewayRequest b'GET' b'/api/webrtc/sign_in'>")

    def test_lengths(self) -> None:
        """Responses tell their length, so that a connection can be used again without chunks."""
        self.sign_in()
        wire = self.wire()
        for path in ("/api/health", "/api/webrtc/sign_out?id=x", "/api/webrtc/calls?id=agent123", "/nothing"):
            wire.get(path)
            answer = wire.answer()
            self.assertEqual(answer.headers["content-length"], str(len(answer.body)))

    def test_server_name(self) -> None:
        """Responses do not tell versions."""
        self.assertEqual(self.ask("GET", "/api/health").headers["server"], "wrtcgw")
