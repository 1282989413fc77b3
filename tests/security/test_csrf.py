"""Attack 14: pages of other sites make an agent's browser act in the agent's name, over plain HTTP too."""

from twisted.internet.defer import Deferred

from tests.web.harness import PASSWORD, SDP, Answer, WebTestCase
from wrtcgw.calls.messages import MessageType
from wrtcgw.web import Binding, WebSettings
from wrtcgw.web.auth import cookie_name

HOST = "198.51.100.1:8082"
OWN = f"http://{HOST}"
AGENT = "192.0.2.7"
MOZILLA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
BROWSER = {
    "Host": HOST,
    "User-Agent": MOZILLA,
    "Accept-Language": "en-US,en;q=0.9",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}
IMAGE = {"Accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"}
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Upgrade-Insecure-Requests": "1"}
WAYS: dict[str, dict[str, str]] = {
    "img": {**IMAGE, "Referer": "http://evil.example/"},
    "img without referrer": IMAGE,
    "script": {"Accept": "*/*", "Referer": "http://evil.example/"},
    "script without referrer": {"Accept": "*/*"},
    "css": {"Accept": "text/css,*/*;q=0.1", "Referer": "http://evil.example/"},
    "iframe, form, window.open": {**NAVIGATION, "Referer": "http://evil.example/"},
    "link without referrer": NAVIGATION,
    "prefetch": {"Accept": "*/*", "Purpose": "prefetch", "Sec-Purpose": "prefetch"},
    "no-cors fetch": {"Accept": "*/*", "Referer": "http://evil.example/"},
    "name that begins like ours": {"Accept": "*/*", "Referer": f"http://{HOST}.evil.example/"},
    "name with ours as user": {"Accept": "*/*", "Referer": f"http://{HOST}@evil.example/"},
    "other port of ours": {"Accept": "*/*", "Referer": "http://198.51.100.1:9999/"},
    "other scheme": {"Accept": "*/*", "Referer": f"https://{HOST}/"},
    "page in a path": {"Accept": "*/*", "Referer": f"http://evil.example/{OWN}/"},
    "typed, or a link in a mail": {**NAVIGATION, "Sec-Fetch-Site": "none"},
    "only an agent name": {"Accept-Language": "", "Accept": "*/*"},
}
"""What Chromium and Firefox send to a foreign site over plain HTTP, beside :data:`BROWSER`."""
CHANGES = ("sign_out?id=vic", "message?id=vic", "message?id=vic&wait=0&after=0", "events?id=vic")


class Pages(WebTestCase):
    """An agent who signed in from its machine, and the requests that pages in its browser make there."""

    def page(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Send a request of a page, from the agent's machine."""
        wire = self.wire(AGENT)
        fields = {name: value for name, value in {**BROWSER, **headers}.items() if value}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        wire.raw(f"{method} /api/webrtc/{path} HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n".encode())
        return wire.answer()

    def come(self) -> str:
        """Sign the agent in from its machine, by a program that never shows the token."""
        wire = self.wire(AGENT)
        wire.get(f"/api/webrtc/sign_in?id=vic&dn=5001&password={PASSWORD}", Host=HOST)
        return wire.answer().headers["x-wrtc-session"]


class Foreign(Pages):
    """What pages of other sites try."""

    def test_address(self) -> None:
        """None of them speaks for the agent by its address."""
        for name, way in WAYS.items():
            for path in CHANGES:
                self.come()
                self.gateway.asked.clear()
                self.gateway.put("vic", type=MessageType.OFFER, call_id="c1", sdp=SDP)
                self.assertEqual(self.page(path, **way).error, (401, "session_required"), (name, path))
                self.assertEqual(len(self.gateway.agent("vic").mailbox), self.gateway.agent("vic").mailbox.last_seq)
            self.assertEqual(self.gateway.asked, [])

    def test_cookie(self) -> None:
        """Nor by its cookie, which a browser sends along."""
        cookie = f"{cookie_name('vic')}={self.come()}"
        self.gateway.asked.clear()
        for name, way in WAYS.items():
            for path in CHANGES:
                self.assertEqual(self.page(path, Cookie=cookie, **way).error, (401, "session_required"), (name, path))
        self.assertEqual(self.gateway.asked, [])

    def test_sign_in(self) -> None:
        """None signs the browser in as somebody else, and none uses the agent's tries up."""
        for name, way in WAYS.items():
            answer = self.page("sign_in?id=vic&dn=5001&password=of-mallory", **way)
            self.assertEqual(answer.error, (401, "session_required"), name)
            self.assertEqual(self.page("sign_in?guest=1", **way).code, 401, name)
        self.assertEqual(self.gateway.asked, [])

    def test_other_methods(self) -> None:
        """POST, and methods that are none, do no more."""
        self.come()
        self.gateway.asked.clear()
        for way in WAYS.values():
            self.assertEqual(self.page("hangup?id=vic", "POST", **way).code, 401)
        for method in ("PUT", "DELETE", "get", "PATCH"):
            self.assertIn(self.page("sign_out?id=vic", method, **WAYS["img"]).code, (401, 405), method)
        self.assertEqual(self.gateway.asked, [])

    def test_the_text_helps(self) -> None:
        """The answer says what would do."""
        error = self.page("sign_in?id=vic&dn=5001&password=x", **WAYS["img"]).json["error"]
        for hint in ("POST", "allowed_origins", "X-WRTC-Session"):
            self.assertIn(hint, error)


class Own(Pages):
    """What has to go on."""

    def test_gadget_as_printed(self) -> None:
        """fetch() of a page of our own, without any token: sign_in, a call, a poll, sign_out, all GET but the call."""
        fetch = {"Accept": "*/*", "Referer": f"{OWN}/wwe/gadget.html"}
        self.assertEqual(self.page(f"sign_in?id=vic&dn=5001&password={PASSWORD}", **fetch).text, "OK")
        self.assertEqual(self.page("message?id=vic", **fetch).code, 204)
        self.gateway.put("vic", type=MessageType.ANSWER, call_id="c1", sdp=SDP)
        self.assertEqual(self.page("message?id=vic", **fetch).text, SDP)
        self.assertEqual(self.page("sign_out?id=vic", **fetch).text, "OK")

    def test_gadget_in_the_desktop(self) -> None:
        """The same from an origin that is configured: fetch() then always tells it."""
        desk = "http://desk.example.org"
        self.configure(WebSettings(allowed_origins=frozenset({desk})))
        fetch = {"Accept": "*/*", "Referer": f"{desk}/", "Origin": desk}
        for path in (f"sign_in?id=vic&dn=5001&password={PASSWORD}", "sign_out?id=vic"):
            self.assertEqual(self.page(path, **fetch).text, "OK")

    def test_token_in_a_header(self) -> None:
        """A token in a header field is proof enough: no foreign page can set one."""
        token = self.come()
        for way in WAYS.values():
            for name, value in (("X-WRTC-Session", token), ("Authorization", f"Bearer {token}")):
                self.assertEqual(self.page("message?id=vic", **way, **{name: value}).code, 204)
        self.assertEqual(self.page("message?id=vic", **{"X-WRTC-Session": "x"}).error, (403, "foreign_session"))

    def test_browsers_that_tell(self) -> None:
        """Over HTTPS and on localhost browsers tell by themselves that a page is ours; a cookie does then."""
        cookie = f"{cookie_name('vic')}={self.come()}"
        self.assertEqual(self.page("message?id=vic", Cookie=cookie, **{"Sec-Fetch-Site": "same-origin"}).code, 204)

    def test_reading(self) -> None:
        """What changes nothing may be asked for: a foreign page cannot read the answer."""
        self.come()
        answer = self.page("calls?id=vic", **WAYS["img"])
        self.assertEqual(answer.code, 200)
        self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_programs(self) -> None:
        """Programs send none of a browser's fields, and go on as before."""
        self.come()
        for agent in ("curl/7.88.1", "python-requests/2.31", "Wget/1.21", "Java/17"):
            wire = self.wire(AGENT)
            wire.get("/api/webrtc/message?id=vic", Host=HOST, User_Agent=agent, Accept="*/*")
            self.assertEqual(wire.answer().code, 204, agent)

    def test_posts_go_on(self) -> None:
        """A page of ours that posts tells its origin."""
        self.come()
        self.gateway.waiting = Deferred()
        self.gateway.waiting.callback(None)
        self.gateway.add_call("vic", "c1")
        self.assertEqual(self.page("hangup?id=vic", "POST", Origin=OWN).code, 200)


class PasswordInAddresses(Pages):
    """``sign_in_get = false``."""

    settings = WebSettings(sign_in_get=False, session_binding=Binding.STRICT)

    def test_refused(self) -> None:
        """A password in an address is refused by GET and POST; in a body it is taken, and guests need none."""
        query = f"/api/webrtc/sign_in?id=vic&dn=5001&password={PASSWORD}"
        self.assertEqual(self.ask("GET", query).error, (405, "wrong_method"))
        answer = self.ask("POST", query)
        self.assertEqual((answer.error, answer.json["field"]), ((400, "bad_input"), "password"))
        self.assertNotIn(PASSWORD, answer.text)
        self.assertEqual(self.gateway.asked, [])
        fields = {"id": "vic", "dn": "5001", "password": PASSWORD}
        self.assertEqual(self.ask("POST", "/api/webrtc/sign_in", json=fields).code, 200)
        self.assertEqual(self.ask("POST", "/api/webrtc/sign_in", data=fields).code, 200)
        self.assertEqual(self.ask("GET", "/api/webrtc/sign_in?id=vic&dn=5001").error, (400, "bad_input"))

    def test_reload(self) -> None:
        """It can change while the gateway runs."""
        self.surface.reconfigure(WebSettings())
        self.assertEqual(self.ask("GET", f"/api/webrtc/sign_in?id=vic&dn=5001&password={PASSWORD}").code, 200)
