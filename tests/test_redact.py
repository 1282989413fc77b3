"""No secret comes through, in any of the texts that are logged, and the rest stays readable."""

import json
import pathlib
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.redact import hide_data, redact, redact_uri

SECRET = "Genesys2024!WebRTC"

REGISTER = (
    "REGISTER sip:example.org SIP/2.0\r\n"
    "Via: SIP/2.0/WS abc.invalid;branch=z9hG4bKx\r\n"
    'Authorization: Digest username="5001", realm="siplab", nonce="n1", uri="sip:example.org",\r\n'
    ' response="{0}", qop=auth\r\n'
    'proxy-authorization : Digest username="5001", response="{0}"\r\n'
    "Call-ID: 1\r\nContent-Length: 0\r\n\r\n"
)


class TextTests(SynchronousTestCase):
    """SIP, SDP, JSON, forms, URLs and heads."""

    def test_sip(self) -> None:
        """Credentials go, with folded lines; the scheme and the other headers stay."""
        text = redact(REGISTER.format(SECRET))
        self.assertNotIn(SECRET, text)
        self.assertIn("Authorization: Digest ***\r\n", text)
        self.assertIn("proxy-authorization : Digest ***\r\n", text)
        self.assertTrue(text.endswith("Call-ID: 1\r\nContent-Length: 0\r\n\r\n"))
        self.assertIn("Via: SIP/2.0/WS abc.invalid;branch=z9hG4bKx\r\n", text)

    def test_challenge_is_no_secret(self) -> None:
        """What a registrar asks is worth reading in a trace."""
        text = 'WWW-Authenticate: Digest realm="siplab", nonce="n1", algorithm=MD5\r\n'
        self.assertEqual(redact(text), text)

    def test_sdp(self) -> None:
        """ICE passwords and SRTP keys go, every other line stays."""
        sample = (pathlib.Path(__file__).parent / "data" / "sdp" / "chromium-early.sdp").read_text()
        crypto = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SECRET}|2^20\r\n"
        text = redact(sample + crypto)
        self.assertEqual(text.replace("a=crypto:***\r\n", ""), sample.replace("bP+XJMM09aR8AiX1jdukzR6Y", "***"))

    def test_json(self) -> None:
        """Members with secrets go whatever their type, also in nested text; the document stays JSON."""
        value = {
            "id": "a1",
            "password": SECRET + '"\\,}',
            "PIN": 1,
            "token": 12345678,
            "sdp": f"v=0\r\na=ice-pwd:{SECRET}\r\na=ice-ufrag:uf\r\n",
            "head": f'Authorization: Digest response="{SECRET}"\r\nX: 1',
            "inner": json.dumps({"password": SECRET, "dn": "5001"}),
        }
        text = redact(json.dumps(value))
        self.assertNotIn(SECRET, text)
        self.assertNotIn("12345678", text)
        self.assertIn('"id": "a1", "password": "***", "PIN": 1, "token": "***"', text)
        self.assertIn("a=ice-ufrag:uf", text)
        self.assertIn("\\r\\nX: 1", text)
        self.assertIn("5001", text)

    def test_queries_and_forms(self) -> None:
        """Only the value goes, up to the next field."""
        self.assertEqual(
            redact(f"GET /api/webrtc/sign_in?id=a1&dn=5001&password={SECRET}&x=1 HTTP/1.1"),
            "GET /api/webrtc/sign_in?id=a1&dn=5001&password=***&x=1 HTTP/1.1",
        )
        self.assertEqual(
            redact(f'Authenticator(username="5001", password="{SECRET} x")'),
            'Authenticator(username="5001", password=***)',
        )
        self.assertEqual(redact(f"password='{SECRET} x'"), "password=***")

    def test_http_heads(self) -> None:
        """Bearer tokens, cookies and our own session header go."""
        head = (
            f"Authorization: Bearer {SECRET}\r\nCookie: wrtc={SECRET}; b=c\r\nX-WRTC-Session: {SECRET}\r\nHost: a\r\n"
        )
        self.assertEqual(redact(head), "Authorization: Bearer ***\r\nCookie: ***\r\nX-WRTC-Session: ***\r\nHost: a\r\n")
        self.assertEqual(redact(f'{{"Authorization": "Bearer {SECRET}", "a": 1}}'), '{"Authorization": "***", "a": 1}')

    def test_user_information_in_urls(self) -> None:
        """A password in a SIP or WebSocket URL goes, user and host stay; a port is no password."""
        self.assertEqual(redact(f"<sip:5001:{SECRET}@example.org;lr>"), "<sip:5001:***@example.org;lr>")
        self.assertEqual(redact(f"wss://u:{SECRET}@example.org:8443/ws"), "wss://u:***@example.org:8443/ws")
        for text in ("sip:5001@example.org:5060", "ws://example.org:8080/x@y", "http://example.org:80/"):
            self.assertEqual(redact(text), text)

    def test_plain_text_stays(self) -> None:
        """Words that only look like it are left alone."""
        for text in ("the session is over", "password", "a=setup:active", "passport=1", "compass=3", ""):
            self.assertEqual(redact(text), text)

    def test_attached_data(self) -> None:
        """Values of attached data, also folded ones, and bodies of INFO and MESSAGE show their size; the rest stays."""
        head = "INVITE sip:1003@example.org SIP/2.0\r\nVia: x\r\n"
        data = "x-data-Name: a%20b\r\n c\r\nX-Data-Empty:\r\nUser-to-User: 48656c;encoding=hex\r\nX-Database: y"
        shown = "x-data-Name: (9 bytes)\r\nX-Data-Empty:(0 bytes)\r\nUser-to-User: (19 bytes)\r\nX-Database: y"
        body = "\r\n\r\nv=0\r\nX-Data-Name: is no header here\r\n"
        self.assertEqual(hide_data(head + data + body), head + shown + body)
        for method in ("INFO", "MESSAGE"):
            request = f"{method} sip:1003@example.org SIP/2.0\r\nVia: x\r\n\r\n"
            self.assertEqual(hide_data(request + "Signal=\u00fc"), request + "(9 bytes)")
            self.assertEqual(hide_data(request), request)
        self.assertEqual(hide_data("\r\n\r\n"), "\r\n\r\n")


class URITests(SynchronousTestCase):
    """The URI of a request, for the access log."""

    def test_sign_in(self) -> None:
        """The password goes however its name and value are written."""
        for name in ("password", "PASSWORD", "pass%77ord", "pass%77%6frd"):
            self.assertEqual(
                redact_uri(f"/api/webrtc/sign_in?id=a1&{name}={quote(SECRET)}&dn=1"),
                f"/api/webrtc/sign_in?id=a1&{name}=***&dn=1",
            )

    def test_genesys_token(self) -> None:
        """At the root the id of a session is its token."""
        self.assertEqual(redact_uri("/wait?id=abc"), "/wait?id=***")
        self.assertEqual(redact_uri("/gateway/message?from=abc&to=1003"), "/gateway/message?from=***&to=1003")
        self.assertEqual(redact_uri("/message?from=abc&to=1003"), "/message?from=***&to=1003")
        self.assertEqual(redact_uri("/api/webrtc/message?from=abc&to=1003"), "/api/webrtc/message?from=abc&to=1003")

    def test_others(self) -> None:
        """A path without a query and a field without a value come back as they are."""
        for uri in ("/api/health", "/sign_in?agent1", "/x?", "*"):
            self.assertEqual(redact_uri(uri), uri)

    @settings(deadline=None, derandomize=True)
    @given(st.text())
    def test_any_password(self, password: str) -> None:
        """No encoded password comes through the query."""
        encoded = quote("<" + password + ">", safe="")
        self.assertEqual(redact_uri(f"/s?password={encoded}"), "/s?password=***")
