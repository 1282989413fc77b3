"""Header fields that each response has, whatever was asked, and by which method; and no page of Twisted's own."""

from typing import ClassVar, cast

from tests.web.harness import WebTestCase, Wire
from wrtcgw.browser.pages import PageSettings, browser_pages
from wrtcgw.daemon.composition import http_surface
from wrtcgw.gateway import Gateway
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.genesys import GenesysSettings

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "F00")
PATHS = (
    "/",
    "/?x",
    "/none",
    "//host/x",
    "/softphone/",
    "/softphone",
    "/softphone/none.html",
    "/softphone/index.html/below",
    "/softphone/.git/config",
    "/softphone/%2e%2e/%2e%2e/etc/passwd",
    "/softphone/\xff",
    "/ops/",
    "/ops/none",
    "/api/docs/",
    "/api/docs/none",
    "/api/openapi.json",
    "/gadget/",
    "/gadget/none/none",
    "/grtc.js",
    "/grtc.js/below",
    "/grtc/none.js",
    "/favicon.ico",
    "/favicon.ico/below",
    "/extension/",
    "/vendor/",
    "/api/",
    "/api/none",
    "/api/health",
    "/api/agents",
    "/api/openapi.json",
    "/api/webrtc/message?id=nobody",
    "/api/webrtc/calls?id=nobody",
    "/api/webrtc/none",
    "/api/ops/calls",
    "/api/ops/ladder.txt",
    "/softphone-api/",
    "/softphone-api/none",
    "/wait?id=none",
    "/sign_out?id=none",
    "/message?from=none",
    "/metrics",
    "*",
)


class EveryResponse(WebTestCase):
    """All of it, page and API, over a bare connection."""

    settings = WebSettings(operator_token="for-operators")
    OF_TWISTED: ClassVar[tuple[bytes, ...]] = (b"No Such Resource", b"Method Not Allowed</", b"bgcolor", b"twisted")

    def configure(self, settings: WebSettings) -> None:
        """Put the surface up with all that there is."""
        pages = browser_pages(PageSettings())
        gateway = cast(Gateway, self.gateway)
        self.surface = http_surface(gateway, settings, self.clock, pages=pages, genesys=GenesysSettings())
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def fields(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, header fields and all bytes of a response."""
        wire = self.wire()
        wire.raw(f"{method} {path} HTTP/1.1\r\nHost: gateway.example\r\n\r\n".encode("latin-1"))
        received = wire.received
        self.wires.remove(wire)
        wire.lose()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        return int(lines[0].split()[1]), fields, body

    def test_everywhere(self) -> None:
        """Types are not guessed, a policy is set, frames are allowed by name only, and no page is a framework's."""
        for path in PATHS:
            for method in METHODS:
                where = f"{method} {path}"
                if path.startswith("/wait") and method == "GET":
                    continue
                code, fields, body = self.fields(method, path)
                self.assertEqual(fields.get("x-content-type-options"), "nosniff", where)
                self.assertIn("frame-ancestors", fields.get("content-security-policy", ""), where)
                self.assertEqual(fields.get("server"), "wrtcgw", where)
                for mark in self.OF_TWISTED:
                    self.assertNotIn(mark, body, where)
                self.assertIn(code, (200, 204, 302, 400, 401, 403, 404, 405, 415, 501), where)

    def test_api(self) -> None:
        """Answers of the API cannot be framed, by nobody, and load nothing."""
        for path in PATHS:
            api = path.startswith(("/api/", "/sign", "/message", "/none", "/metrics"))
            if api and not path.startswith("/api/docs/"):
                _, fields, _ = self.fields("GET", path)
                self.assertEqual(fields["content-security-policy"], "default-src 'none'; frame-ancestors 'none'", path)

    def test_pages(self) -> None:
        """The console keeps no window that opened it, and pages ask the browser for a microphone at most."""
        for path, microphone, opener in (
            ("/softphone/", "(self)", "same-origin"),
            ("/ops/", "()", "same-origin"),
            ("/api/docs/", "()", "same-origin"),
            ("/gadget/", "(self)", None),
        ):
            code, fields, _ = self.fields("GET", path)
            self.assertEqual((code, fields.get("cross-origin-opener-policy")), (200, opener), path)
            self.assertIn(f"microphone={microphone}", fields["permissions-policy"])
            self.assertIn(f"hid={microphone}", fields["permissions-policy"])
            for feature in ("geolocation", "payment", "usb", "display-capture"):
                self.assertIn(f"{feature}=()", fields["permissions-policy"])

    def test_missing_page(self) -> None:
        """What is not there is told in both languages, in a page that can do nothing, and HEAD gets no body."""
        code, fields, body = self.fields("GET", "/softphone/none")
        self.assertEqual((code, fields["content-type"]), (404, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", fields["content-security-policy"])
        self.assertNotIn("unsafe", fields["content-security-policy"])
        self.assertIn(b"There is no such page here", body)
        self.assertIn(b"gibt es hier nicht", body)
        self.assertEqual(self.fields("HEAD", "/softphone/none")[2], b"")
        code, fields, _ = self.fields("POST", "/softphone/")
        self.assertEqual((code, fields["allow"]), (405, "GET, HEAD"))

    def test_no_request(self) -> None:
        """Nor is what is no request answered by a framework, or without these fields."""
        for raw in (b"\x16\x03\x01\x02\x00\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
            wire: Wire = self.wire()
            wire.raw(raw)
            answer = wire.answer()
            self.assertEqual((answer.code, answer.json["code"]), (400, "bad_request"))
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertTrue(wire.transport.disconnecting)

    def test_plain_http(self) -> None:
        """Over plain HTTP nothing is promised about TLS (RFC 6797 section 7.2)."""
        self.assertNotIn("strict-transport-security", self.fields("GET", "/softphone/")[1])
