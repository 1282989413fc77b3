"""Attacks 14 and 24 by other spellings of a path: who may pass is decided by the path that is served."""

from collections.abc import Iterator

from tests.security.test_csrf import IMAGE, Pages
from tests.web.harness import Answer
from wrtcgw.web import WebSettings
from wrtcgw.web.request_target import read_target

OPERATORS = ("/api/agents", "/api/calls/active", "/api/ops/summary")
CHANGES = ("/api/webrtc/sign_out", "/api/webrtc/message", "/api/webrtc/events", "/api/webrtc/sign_in")


def spellings(path: str) -> Iterator[str]:
    """Return other ways to write a path: each character in hexadecimal, all of them, twice, and odd segments."""
    for at, letter in enumerate(path[1:], 1):
        for code in (f"%{ord(letter):02x}", f"%{ord(letter):02X}", f"%25{ord(letter):02x}"):
            yield path[:at] + code + path[at + 1 :]
    yield "/" + "".join(f"%{ord(letter):02x}" for letter in path[1:])
    yield "/" + path[1:].replace("/", "%2f")
    yield path.replace("/", "/./")
    yield "/x/.." + path
    yield "/x/%2e%2e" + path
    yield "http://10.0.0.1:8082" + path.replace("a", "%61")
    yield path.replace("/", "//") + "/"
    yield path + ";x"
    yield path + "%20"
    yield path + "%00"
    yield path.upper()


class Spellings(Pages):
    """Strangers and foreign pages who write a path in another way."""

    settings = WebSettings(operator_token="sesame")

    def ask_raw(self, path: str, **headers: str) -> Answer:
        """Send a GET from the agent's machine."""
        wire = self.wire("192.0.2.7")
        fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        wire.raw(f"GET {path} HTTP/1.1\r\nHost: 198.51.100.1:8082\r\n{fields}\r\n".encode())
        answer = wire.answer()
        wire.lose()
        self.wires.remove(wire)
        return answer

    def test_operators(self) -> None:
        """No spelling of an operators' call is served to a stranger."""
        for path in OPERATORS:
            for spelling in spellings(path):
                self.assertIn(self.ask_raw(spelling).code, (400, 401, 404), spelling)

    def test_foreign_pages(self) -> None:
        """No spelling of an agent's call is served to a page of another site; the agent stays."""
        self.come()
        for path in CHANGES:
            for spelling in spellings(path):
                for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Accept_Language": "en", "Accept": IMAGE["Accept"]}):
                    answer = self.ask_raw(f"{spelling}?id=vic&dn=5001&password=x", **headers)
                    self.assertIn(answer.code, (400, 401, 403, 404), spelling)
        self.assertEqual([agent.id for agent in self.gateway.agents()], ["vic"])

    def test_equivalent(self) -> None:
        """A letter in hexadecimal is the letter (RFC 3986 section 6.2.2.2); what divides a path stays as it is."""
        for target, path in (
            (b"/%61pi/%77ebrtc/sign%5Fout?id=%61", b"/api/webrtc/sign_out"),
            (b"/api%2Fwebrtc/%2561", b"/api%2Fwebrtc/%2561"),
            (b"/%7euser/%41%2d%2E%30", b"/~user/A-.0"),
            (b"/%c3%a4/%3f/%23/%00/%zz/%6", b"/%c3%a4/%3f/%23/%00/%zz/%6"),
        ):
            self.assertEqual(read_target(target).path, path)
        self.assertEqual(read_target(b"/%61?b=%61").uri, b"/a?b=%61")
        self.assertEqual(self.ask_raw("/%61pi/%68ealth").code, 200)
