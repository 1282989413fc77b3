"""Attacks 4 and 26: JSON that is a bomb, or not what it seems, and HTML in what SIP and pages say."""

import json
import pathlib
import re
from collections.abc import Iterator

from tests.web.harness import WebTestCase
from wrtcgw import browser

ROUTES = ("sign_in", "sign_out", "message", "answer", "check", "stats", "hangup", "reject", "dtmf", "transfer", "info")
BOMBS: dict[str, bytes] = {
    "lists in lists": b"[" * 32_000,
    "closed lists in lists": b"[" * 20_000 + b"]" * 20_000,
    "objects in objects": b'{"id":' * 8_000 + b"1" + b"}" * 8_000,
    "number of 5,000 digits": b'{"id": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"id": NaN}',
    "infinity": b'{"id": -Infinity}',
    "beyond a double": b'{"id": 1e400}',
    "small exponent": b'{"id": 1e-999999999}',
    "the same name twice": b'{"id": "vic", "id": "other"}',
    "the same name, spelled otherwise": b'{"id": "vic", "\\u0069d": "other"}',
    "half a character": b'{"id": "\\ud800"}',
    "not UTF-8": b'{"id": "\xff"}',
    "overlong UTF-8": b'{"id": "\xc0\xae"}',
    "UTF-16": '{"id": "vic"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"id": "vic"',
    "NUL": b'{"id": "v\x00ic"}',
    "two values": b'{"id": "vic"}{"id": "other"}',
    "comment": b'{"id": /* x */ "vic"}',
    "list for a text": b'{"id": ["vic"]}',
    "object for a text": b'{"id": {"$ne": ""}}',
    "many names": b"{" + b",".join(b'"%d": 1' % number for number in range(5_000)) + b"}",
    "long name": b'{"' + b"x" * 50_000 + b'": 1}',
    "prototype": b'{"__proto__": {"id": "vic"}}',
}
HTML = '<img src=x onerror=alert(1)></script><script>alert(2)</script>"\u202e\x1b[2J'
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\(|srcdoc|javascript:|DOMParser"
)


def sources() -> Iterator[pathlib.Path]:
    """Iterate over the scripts and pages that are ours."""
    for path in sorted(pathlib.Path(str(browser.__file__)).parent.rglob("*")):
        if path.suffix in (".js", ".html", ".mjs") and "vendor" not in path.parts:
            yield path


class Bombs(WebTestCase):
    """Each route, each bomb."""

    def test_every_route(self) -> None:
        """They are refused with what was expected; nobody is signed out, nothing is a bug of ours."""
        token = self.sign_in("vic")
        for route in ROUTES:
            for name, body in BOMBS.items():
                wire = self.wire("192.0.2.7")
                wire.send("POST", f"/api/webrtc/{route}", body, Content_Type="application/json")
                answer = wire.answer()
                self.assertIn(answer.code, (400, 401, 403, 413, 415), (route, name, answer.text))
                self.assertIn("code", answer.json, (route, name))
                wire.lose()
                self.wires.remove(wire)
        self.assertEqual([agent.id for agent in self.gateway.agents()], ["vic"])
        self.assertTrue(token)

    def test_with_a_session(self) -> None:
        """The same holds for an agent that is signed in: neither of two names that are the same wins silently."""
        token = self.sign_in("vic")
        for name, body in BOMBS.items():
            answer = self.ask("POST", "/api/webrtc/stats", data=body, headers=self._headers(token))
            self.assertIn(answer.code, (400, 413), (name, answer.text))
            self.assertEqual(answer.headers["content-type"].partition(";")[0], "application/json")

    def _headers(self, token: str) -> dict[str, str]:
        return {"Content-Type": "application/json", "X-WRTC-Session": token}


class Markup(WebTestCase):
    """HTML in fields comes back as JSON alone, and pages have no way to make nodes of a text."""

    def test_errors(self) -> None:
        """An error that shows what was found is JSON, with nothing in it that commands a terminal."""
        for route in ROUTES:
            body = json.dumps({"id": HTML, "dn": HTML, "password": HTML, "to": HTML, "digits": HTML}).encode()
            answer = self.ask("POST", f"/api/webrtc/{route}", data=body, headers={"Content-Type": "application/json"})
            kind = "text/plain" if answer.code == 200 else "application/json"
            self.assertEqual(answer.headers["content-type"].partition(";")[0], kind, route)
            self.assertNotIn("\x1b", answer.text, route)

    def test_pages_make_text(self) -> None:
        """No script or page of ours makes HTML, or code, of a text."""
        found = [f"{path.name}: {match[0]}" for path in sources() for match in MARKUP.finditer(path.read_text())]
        self.assertGreater(len(list(sources())), 20)
        self.assertEqual(found, [])
