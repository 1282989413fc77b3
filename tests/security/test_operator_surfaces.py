"""Attacks 24 and 32: strangers reach what is for operators: by a local proxy, a forged address, a page, a token."""

import hashlib
import io
from ipaddress import ip_network
from typing import cast

from tests.web.harness import LOCAL, Answer, WebTestCase
from wrtcgw.browser.pages import PageSettings, browser_pages
from wrtcgw.clientlib.hashing import TokenTooShortError, hash_token
from wrtcgw.daemon.composition import http_surface
from wrtcgw.gateway import Gateway
from wrtcgw.web import GatewaySite, HTTPSurface, WebSettings
from wrtcgw.web.settings import OperatorToken, Role

SURFACES = ("/api/agents", "/api/calls/active", "/api/calls/none", "/api/ops/summary", "/api/ops/none", "/ops/", "/ops")
DESK = "https://desk.example.org"
CLOSED = (401, "operator_token_required")


def named(name: str, role: Role) -> OperatorToken:
    """Return an operator whose token is its name, doubled."""
    return OperatorToken(name, role, hashlib.sha256((2 * name).encode()).digest())


class Surfaces(WebTestCase):
    """All that is for operators, the console's page among it."""

    def configure(self, settings: WebSettings) -> None:
        """Put the surface up, with the pages."""
        before: HTTPSurface | None = vars(self).get("surface")
        if before is not None:
            before.close()
        pages = browser_pages(PageSettings())
        self.surface = http_surface(cast(Gateway, self.gateway), settings, self.clock, pages=pages)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def over(self, head: str, address: str = "127.0.0.1") -> Answer:
        """Send the head of a request as it is."""
        wire = self.wire(address)
        wire.raw(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        return wire.answer()

    def assert_closed(self, *fields: str, version: str = "1.1", address: str = "127.0.0.1") -> None:
        """Expect 401 of every surface, for GET, HEAD and POST."""
        for path in SURFACES:
            for method in ("GET", "POST"):
                head = "\n".join((f"{method} {path} HTTP/{version}", *fields, "Content-Length: 0"))
                answer = self.over(head, address)
                self.assertEqual(answer.error, CLOSED, (path, method, fields))
                self.assertIn("Bearer", answer.headers["www-authenticate"])


class Closed(Surfaces):
    """Without a token and without operator_loopback."""

    def test_everybody(self) -> None:
        """Nobody is an operator, on this machine neither."""
        for host in ("127.0.0.1:8082", "localhost:8082", "[::1]:8082", "gateway.example"):
            self.assert_closed(f"Host: {host}")
        self.assert_closed("Host: 127.0.0.1:8082", version="1.0")
        self.assert_closed("Host: localhost", "Authorization: Bearer ", "X-Real-IP: 127.0.0.1")

    def test_empty_token(self) -> None:
        """An empty token is none, however it is shown."""
        for shown in ("Bearer", "Bearer  ", "bearer x", "Basic Og=="):
            self.assert_closed("Host: localhost", f"Authorization: {shown}")

    def test_spelling(self) -> None:
        """Other spellings of their paths lead nowhere."""
        for path in ("//api/agents", "/api//agents", "/API/agents", "/api/agents/", "/api/agents%20", "/./api/agents"):
            self.assertNotEqual(self.over(f"GET {path} HTTP/1.1\nHost: localhost").code, 200, path)
        for path in (
            "/ops/index.html",
            "/ops/main.js",
            "/%6fps/",
            "/ops%2f",
            "/softphone/../ops/",
            "/softphone/%2e%2e/ops/",
        ):
            self.assertNotEqual(self.over(f"GET {path} HTTP/1.1\nHost: localhost").code, 200, path)

    def test_health(self) -> None:
        """Health has what the seed document prints for everybody, and no more for those who come through a proxy."""
        seed = {"status", "service", "uptime", "registered_agents", "active_calls"}
        for head in (
            "HTTP/1.0\nHost: 127.0.0.1:8082",
            "HTTP/1.1\nHost: gw.example",
            "HTTP/1.1\nHost: localhost\nVia: x",
        ):
            self.assertEqual(set(self.over(f"GET /api/health {head}").json), seed, head)
        self.assertIn("version", self.over("GET /api/health HTTP/1.1\nHost: localhost:8082").json)


class Loopback(Surfaces):
    """With operator_loopback."""

    settings = WebSettings(
        operator_loopback=True, trusted_proxies=(ip_network("127.0.0.9"),), allowed_origins=frozenset({DESK})
    )

    def test_this_machine(self) -> None:
        """A program on this machine is an operator, and so is the console's page in a browser there."""
        for host in ("127.0.0.1:8082", "localhost:8082", "LOCALHOST", "[::1]:8082", "127.0.0.77"):
            for more in ("", "\nSec-Fetch-Site: same-origin", f"\nOrigin: http://{host.lower()}"):
                answer = self.over(f"GET /api/agents HTTP/1.1\nHost: {host}{more}")
                self.assertEqual(answer.code, 200, (host, more))
        self.assertEqual(self.over("GET /ops/ HTTP/1.1\nHost: localhost").code, 200)

    def test_elsewhere(self) -> None:
        """Nobody else is, whatever Host is claimed."""
        for address in ("192.0.2.7", "10.0.0.1"):
            self.assert_closed("Host: localhost", address=address)

    def test_bare_proxy(self) -> None:
        """What a proxy on this machine passes on without a header is told by its version or its Host."""
        self.assert_closed("Host: 127.0.0.1:8082", version="1.0")
        for host in ("gateway.example", "wrtcgw", "localhost.evil.example", "127.0.0.1.evil.example"):
            self.assert_closed(f"Host: {host}")

    def test_proxy_that_tells(self) -> None:
        """A forwarded address never counts as this machine, from a trusted proxy or from another."""
        for peer in ("127.0.0.1", "127.0.0.9"):
            for field in (
                "X-Real-IP: 127.0.0.5",
                "X-Forwarded-For: 127.0.0.1",
                "Forwarded: for=127.0.0.1",
                "Via: 1.1 x",
            ):
                self.assert_closed("Host: localhost", field, address=peer)

    def test_pages_of_others(self) -> None:
        """A page in a browser on this machine is no operator, one of an allowed origin neither."""
        for field in (f"Origin: {DESK}", "Origin: null", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site"):
            self.assert_closed("Host: localhost:8082", field)
        self.assert_closed("Host: localhost:8082", "Origin: http://localhost:3000", "Sec-Fetch-Site: same-site")

    def test_wrong_token(self) -> None:
        """A token that is shown has to be right, here too."""
        self.assert_closed("Host: localhost", "Authorization: Bearer wrong")


class Hosts(Surfaces):
    """Attack 13: it has to be clear for which host a request is."""

    def test_two_hosts_or_none(self) -> None:
        """Two Host fields, equal ones as well, or none in HTTP/1.1, are 400; HTTP/1.0 needs none."""
        for fields in ("Host: evil\nHost: 127.0.0.1", "Host: a\nHost: a", "host: a\nHOST: b", ""):
            for path in ("/api/health", "/api/agents", "/softphone/", "/wait?id=x"):
                head = f"GET {path} HTTP/1.1" + (f"\n{fields}" if fields else "")
                self.assertEqual(self.over(head).error, (400, "bad_input"), head)
        self.assertEqual(self.over("GET /api/health HTTP/1.0").code, 200)


class Roles(Surfaces):
    """Named operators."""

    settings = WebSettings(
        operator_token="of-the-admin",
        operator_tokens=(named("vera", Role.VIEWER), named("sue", Role.SUPERVISOR), named("ada", Role.ADMIN)),
    )

    def test_named(self) -> None:
        """Each token opens what is for all operators; a hash is no token, and a name neither."""
        for token in ("of-the-admin", "veravera", "suesue", "adaada"):
            self.assertEqual(self.ask("GET", "/api/agents", headers={"Authorization": f"Bearer {token}"}).code, 200)
        for token in ("vera", named("vera", Role.VIEWER).digest.hex(), "veraver", "VERAVERA"):
            answer = self.ask("GET", "/api/agents", headers={"Authorization": f"Bearer {token}"})
            self.assertEqual(answer.error, CLOSED)

    def test_page_is_there(self) -> None:
        """Where there is a token to type, the console's page is served to everybody."""
        self.assertEqual(self.over("GET /ops/ HTTP/1.1\nHost: gateway.example", "192.0.2.7").code, 200)

    def test_secrets(self) -> None:
        """Neither token nor hash is in a repr."""
        text = repr(self.settings)
        self.assertNotIn("of-the-admin", text)
        self.assertNotIn(str(named("vera", Role.VIEWER).digest), text)

    def test_no_agent(self) -> None:
        """An agent's session is no operator's, and an operator's token no agent's."""
        token = self.sign_in()
        answer = self.ask("GET", "/api/agents", base=LOCAL, headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(answer.error, CLOSED)
        headers = {"Authorization": "Bearer adaada"}
        self.assertEqual(
            self.ask("GET", "/api/webrtc/calls?id=agent123", headers=headers).error, (403, "foreign_session")
        )


class Hashing(WebTestCase):
    """``wrtcgw-client --hash-token``."""

    def test_given(self) -> None:
        """A token from standard input is hashed and not shown again."""
        text = hash_token(io.StringIO("a-token-of-some-length\nmore\n"))
        self.assertIn(hashlib.sha256(b"a-token-of-some-length").hexdigest(), text)
        self.assertNotIn("a-token-of-some-length", text)

    def test_made(self) -> None:
        """Without one a new token is made, another one each time."""
        first, second = (hash_token(io.StringIO("")).splitlines() for _ in range(2))
        token = first[0].partition(":")[2].strip()
        self.assertIn(hashlib.sha256(token.encode()).hexdigest(), first[1])
        self.assertNotEqual(first, second)

    def test_short(self) -> None:
        """One that could be guessed from its hash is refused."""
        self.assertRaises(TokenTooShortError, hash_token, io.StringIO("short"))
