"""The one chain: each route of each dialect goes through it, and each dialect's policy is held."""

from typing import Any

from attrs import frozen

from tests.web.harness import Answer
from tests.web.ops.opscase import OpsCase
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.chain import STEPS, Dialect
from wrtcgw.web.genesys import GenesysSettings

FOREIGN = "https://foreign.example.net"
ALLOWED = "https://desktop.example.org"
LIMIT = 2000


@frozen
class Expected:
    """What a dialect does with requests that no handler has to see."""

    form: str
    """The media type of its errors."""
    too_large: str
    foreign: int
    """The status for a POST of a foreign page; 0: this dialect takes pages of any origin."""
    stranger: int
    """The status for a browser's GET that shows nothing; 0: not refused before the handler."""


TABLE = {
    "genesys": Expected("text/plain; charset=utf-8", "the body is too large", 403, 0),
    "agents": Expected("application/json", "body_too_large", 403, 401),
    "softphone": Expected("application/json", "body_too_large", 0, 0),
    "applications": Expected("application/json", "body_too_large", 401, 401),
    "ops": Expected("application/json", "body_too_large", 401, 401),
    "metrics": Expected("application/json", "body_too_large", 401, 401),
    "description": Expected("application/json", "body_too_large", 0, 0),
    "operators": Expected("application/json", "body_too_large", 401, 401),
    "everybody": Expected("application/json", "body_too_large", 0, 0),
    "files": Expected("application/json", "body_too_large", 0, 0),
}


class ChainTests(OpsCase):
    """All dialects at once."""

    settings = WebSettings(body_limit=LIMIT, allowed_origins=frozenset({ALLOWED}), operator_token="a-long-token")

    def serve(self, settings: WebSettings) -> None:
        """Put all dialects up; the vendor's takes pages of one origin only."""
        super().serve(settings)
        genesys = GenesysSettings(path="/vendor", origins=frozenset({ALLOWED}), body_limit=LIMIT)
        self.surface = http_surface(
            self.gateway,
            settings,
            self.clock,
            genesys=genesys,
            ops=self.parts,
            metrics=lambda accept: (b"text/plain", b""),
            wall=self.wall,
        )
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def routes(self) -> list[tuple[Dialect, str, str]]:
        """Return a dialect, a method and a path for every route."""
        found = []
        for chain in self.surface.chains:
            for route in chain.dialect.routes.all:
                path = route.path.replace("<name>", "Ping").replace("<dn>", "5001").replace("<call>", "abc")
                if chain.dialect is self.dialect_of(path):
                    found += [(chain.dialect, method, path) for method in route.methods]
        return found

    def dialect_of(self, path: str) -> Dialect:
        """Return who serves a path."""
        return next(chain.dialect for chain in self.surface.chains if chain.dialect.serves(path.encode()))

    def stranger(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> Answer:
        """Send a request from elsewhere."""
        return self.ask(method, path, body, address="203.0.113.9", Host="gateway.example:8082", **headers)

    def told(self, answer: Answer, dialect: Dialect) -> str:
        """Return what an error says, which has to be in the dialect's form."""
        expected = TABLE[dialect.policy.name]
        self.assertEqual(answer.headers["content-type"], expected.form)
        return str(answer.json["code"]) if expected.form == "application/json" else answer.text

    def test_table(self) -> None:
        """Each dialect is in the table, each route is a dialect's, and Klein has every route, hot ones too."""
        names = [chain.dialect.policy.name for chain in self.surface.chains]
        self.assertEqual(names, list(TABLE))
        routes = self.routes()
        self.assertEqual({dialect.policy.name for dialect, _, _ in routes}, set(TABLE) - {"files"})
        self.assertGreater(len(routes), 40)
        for chain in self.surface.chains:
            rules = {rule.rule for rule in chain.dialect.routes.app.url_map.iter_rules()}
            self.assertEqual(rules, {route.path for route in chain.dialect.routes.all})

    def test_limits(self) -> None:
        """A body over the limit is refused on each route, in the dialect's form, before anything else is looked at."""
        for dialect, method, path in self.routes():
            body = b"x" * (dialect.policy.body_limit + 1)
            answer = self.stranger(method, path, body, Origin=ALLOWED)
            self.assertEqual(answer.code, 413, (method, path))
            self.assertIn(TABLE[dialect.policy.name].too_large, self.told(answer, dialect), path)
            self.assertEqual(answer.headers["access-control-allow-origin"], ALLOWED, path)

    def test_compressed(self) -> None:
        """So is a body that is compressed."""
        for dialect, method, path in self.routes():
            answer = self.stranger(method, path, b"x", Content_Encoding="gzip")
            self.assertEqual(answer.code, 415, (method, path))
            self.told(answer, dialect)

    def test_origins(self) -> None:
        """A foreign page is refused on each route of a dialect that asks for the origin, in the dialect's form."""
        for dialect, _, path in self.routes():
            expected = TABLE[dialect.policy.name]
            if expected.foreign:
                answer = self.stranger("POST", path, Origin=FOREIGN)
                self.assertEqual(answer.code, expected.foreign, path)
                self.told(answer, dialect)

    def test_preflights(self) -> None:
        """Each route answers an allowed page that asks first; a foreign one gets no leave, but for the softphone's."""
        for dialect, method, path in self.routes():
            asked = {"Access_Control_Request_Method": method}
            answer = self.stranger("OPTIONS", path, Origin=ALLOWED, **asked)
            self.assertEqual((answer.code, answer.headers.get("content-length")), (204, None), path)
            self.assertEqual(answer.headers["access-control-allow-origin"], ALLOWED, path)
            answer = self.stranger("OPTIONS", path, Origin=FOREIGN, **asked)
            may = dialect.policy.name in ("softphone", "description")
            self.assertEqual("access-control-allow-origin" in answer.headers, may, path)
            if dialect.policy.name != "softphone":  # one route for commands of both methods
                self.assertIn(method, answer.headers["allow"].split(", "), path)

    def test_allow(self) -> None:
        """OPTIONS names the methods of the path, and no others."""
        for path, allow in (
            ("/api/health", "GET, OPTIONS"),
            ("/api/webrtc/message", "GET, POST, OPTIONS"),
            ("/api/ops/drain", "POST, OPTIONS"),
            ("/softphone-api/Ping", "GET, OPTIONS"),
            ("/softphone-api/RegisterDn/", "POST, OPTIONS"),
            ("/softphone-api/SetVolume", "GET, POST, OPTIONS"),
            ("/softphone-api/Nothing", "OPTIONS"),
            ("/api/nothing", "OPTIONS"),
            ("/vendor/wait", "GET, POST, OPTIONS"),
            ("/softphone/", "GET, HEAD, OPTIONS"),
        ):
            self.assertEqual(self.stranger("OPTIONS", path).headers["allow"], allow, path)

    def test_trust(self) -> None:
        """A browser that shows nothing is refused on each route that asks for trust."""
        for dialect, _, path in self.routes():
            if TABLE[dialect.policy.name].stranger and not path.endswith(("/calls", "/ice")):
                answer = self.stranger("GET", path, User_Agent="Mozilla/5.0")
                self.assertEqual(answer.code, TABLE[dialect.policy.name].stranger, path)
                self.told(answer, dialect)

    def test_bugs(self) -> None:
        """What nobody foresaw is told with an incident id, in the dialect's form, wherever it happens."""

        def fail(*_: Any, **__: Any) -> bytes:
            raise RuntimeError("unforeseen")

        assert self.surface.genesys is not None
        self.patch(self.surface.genesys._pages, "page", fail)
        self.patch(self.gateway, "health", fail)
        for path in ("/vendor/wait", "/api/health"):
            answer = self.stranger("GET", path)
            self.assertEqual(answer.code, 500, path)
            self.assertIn("incident", answer.text)
            self.assertNotIn("unforeseen", answer.text)
            self.told(answer, self.dialect_of(path))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_steps(self) -> None:
        """The steps, in their order: what comes first decides what a request that is wrong twice is told."""
        self.assertEqual([step.__name__ for step in STEPS], ["share", "limit", "judge_origin", "trust"])
        long = b"x" * (LIMIT + 1)
        path = "/api/webrtc/hangup"
        self.assertEqual(self.stranger("POST", path, long, Origin=FOREIGN).code, 413)
        self.assertEqual(self.stranger("POST", path, b"{}", Origin=FOREIGN).error, (403, "foreign_origin"))
        self.assertEqual(self.stranger("POST", path, b"{}", Referer=FOREIGN).error, (401, "session_required"))
        self.assertEqual(self.stranger("POST", path, b"{}", Content_Type="application/json").error, (400, "bad_input"))


class HotTests(OpsCase):
    """Routes that pass Klein by are the same routes: whichever way, the answer is one."""

    def cool(self) -> None:
        """Let everything pass through Klein."""
        for chain in self.surface.chains:
            chain.dialect.routes._hot.clear()
            chain.dialect.routes._exact.clear()

    def test_same_answers(self) -> None:
        """A request of a hot route is answered through Klein as it is past it."""
        token = self.page_sign_in()
        auth = {"Authorization": f"Bearer {token}"}
        roap = b'{"messageType": "OK", "from": "ann"}'
        cases: tuple[tuple[str, str, bytes, dict[str, str]], ...] = (
            ("GET", "/api/webrtc/message?id=ann", b"", auth),
            ("GET", "/api/webrtc/message?id=bob", b"", {}),
            ("GET", "/api/webrtc/events", b"", auth),
            ("POST", "/api/webrtc/message?from=ann", b"no description", auth),
            ("POST", "/api/webrtc/message", roap, {**auth, "Content_Type": "application/json"}),
        )
        past = [self.ask(method, path, body, **headers) for method, path, body, headers in cases]
        self.cool()
        through = [self.ask(method, path, body, **headers) for method, path, body, headers in cases]
        for one, other, case in zip(past, through, cases, strict=True):
            self.assertEqual((one.code, one.body), (other.code, other.body), case)
        self.assertEqual([answer.code for answer in past], [204, 401, 400, 404, 200])

    def test_hanging_through_klein(self) -> None:
        """A poll and a stream that hang can come through Klein as well, and break off."""
        token = self.page_sign_in()
        for clear in (False, True):
            if clear:
                self.cool()
            for path in ("message?id=ann&wait=5", "events?id=ann"):
                wire = self.wire()
                wire.get(f"/api/webrtc/{path}", Authorization=f"Bearer {token}", Host="localhost:8082")
                self.assertEqual(sum(self.surface.hanging), 1, (path, clear))
                wire.lose()
                self.wires.remove(wire)
                self.assertEqual(self.surface.hanging, (0, 0), (path, clear))
            answer = self.ask("GET", "/api/webrtc/message?id=ann&wait=0.5", Authorization=f"Bearer {token}")
            self.assertEqual(answer.code, 204)
