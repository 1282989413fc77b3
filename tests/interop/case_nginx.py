"""The API through nginx as ``conf/nginx`` sets it up: what passes, what does not, and whose address counts."""

from twisted.internet import reactor

from tests.interop import base
from tests.interop.descriptions import chromium_offer
from tests.interop.desk import Browser, Desk
from tests.interop.gateway import Gateway


class ThroughNginx(base.InteropCase):
    """A page that reaches the gateway by https."""

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx."""
        return self.behind_nginx()

    def over_https(self, address: str = "127.0.0.1") -> Browser:
        """Return an HTTP client of nginx, which verifies its certificate."""
        self.gateway()
        return Browser.over(self.https_agent(address), self.https_url)

    async def test_call(self) -> None:
        """Signing in, calling, waiting for the answer and hanging up pass nginx; its log has no query."""
        desk = Desk(self.over_https(), reactor, "proxied", "5001")
        self.assertEqual((await desk.sign_in()).code, 200)
        await desk.do("hangup", await desk.established("1003"))
        self.assertEqual((await desk.sign_out()).code, 200)
        log = (self.environment.folder / "nginx.access.log").read_text()
        self.assertIn("POST /api/webrtc/sign_in", log)
        self.assertNotIn("Genesys2024", log)

    async def test_health_only(self) -> None:
        """The health check passes nginx, the operators' surfaces do not."""
        browser = self.over_https()
        self.assertEqual((await browser.get("/api/health")).code, 200)
        for path in ("/api/agents", "/api/calls/active", "/metrics", "/ops/", "/"):
            self.assertEqual((await browser.get(path)).code, 404, path)

    async def test_address_cannot_be_forged(self) -> None:
        """A session is bound to the address that nginx saw, whatever a client writes into forwarding headers."""
        desk = Desk(self.over_https(), reactor, "victim", "5001")
        self.assertEqual((await desk.sign_in()).code, 200)
        without_token = self.over_https()
        self.assertEqual((await without_token.get("/api/webrtc/calls", id="victim")).code, 200)
        thief = self.over_https("127.0.0.2")
        self.assertEqual((await thief.get("/api/webrtc/calls", id="victim")).code, 401)
        for name in ("X-Real-IP", "X-Forwarded-For", "Forwarded"):
            thief.headers = {name: "for=127.0.0.1" if name == "Forwarded" else "127.0.0.1"}
            self.assertEqual((await thief.get("/api/webrtc/calls", id="victim")).code, 401, name)
        self.assertEqual((await desk.sign_out()).code, 200)

    async def test_large_offer(self) -> None:
        """What is too large for the gateway passes nginx, so that the page gets the gateway's own answer."""
        desk = Desk(self.over_https(), reactor, "large", "5001")
        self.assertEqual((await desk.sign_in()).code, 200)
        padding = "a=x-padding:" + "x" * 1000 + "\r\n"
        reply = await desk.browser.describe(chromium_offer() + padding * 100, "large", to="1003")
        self.assertEqual(reply.code, 413)
        self.assertEqual(reply.json["code"], "body_too_large")
        self.assertEqual((await desk.sign_out()).code, 200)
