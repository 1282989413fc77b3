"""Pages of the Genesys dialect through nginx as ``conf/nginx`` sets it up: by https, with HTTP/2 for browsers."""

import re
import signal

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorTime
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tests.interop import case_dialect, dialect_page_cases
from tests.interop.gateway import Gateway
from tests.interop.servers import PASSWORD
from tests.support.grtcpage import CallState, GrtcPage
from tests.support.grtcversions import V34, V102, Version
from tests.support.grtcwire import BrowserWire, TextBody

LONGER_THAN_ANY_LIMIT = 65.0
"""Seconds: more than the 30 s after which pages poll again, and than the 60 s after which nginx gives up by itself."""
LONG = 40_000
"""Characters of a message with video, many candidates and data."""
TOO_LONG = 300_000


class ThroughNginx(case_dialect.DialectCase):
    """Pages that were told ``webrtc_gateway: "https://<nginx>"``."""

    timeout = 180

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx."""
        return self.behind_nginx()

    def load(self, version: Version = V34) -> GrtcPage:
        """Load a page."""
        self.gateway()
        wire = BrowserWire(self.https_agent(), case_dialect.ORIGIN)
        page = GrtcPage(wire, IReactorTime(reactor), self.https_url, version)
        self._loaded.append(page)
        return page

    def exchanged(self, page: GrtcPage, path: str) -> list[IResponse]:
        """Return the responses that a page has got from a path so far."""
        wire = page.line.wire
        assert isinstance(wire, BrowserWire)
        return [response for url, response in wire.responses if url.startswith(f"{self.https_url}{path}")]

    async def status(self, method: str, path: str, body: str = "") -> int:
        """Send a request of a page, see to it that the page may read the response, and return its status."""
        headers = Headers({"Origin": [case_dialect.ORIGIN], "Content-Type": ["application/x-www-form-urlencoded"]})
        url = f"{self.https_url}{path}".encode()
        response = await self.https_agent().request(method.encode(), url, headers, TextBody(body) if body else None)
        found = {
            name: response.headers.getRawHeaders(f"Access-Control-Allow-{name}") for name in ("Origin", "Credentials")
        }
        self.assertEqual(found, {"Origin": [case_dialect.ORIGIN], "Credentials": ["true"]}, path)
        code: int = response.code
        return code

    async def test_calls(self) -> None:
        """Registering, calling and hanging up pass nginx, whose log has neither the password nor the session's id."""
        page = await self.registered(5001)
        ssid = page.line.ssid
        assert ssid is not None
        await self.speaking(page, "1003")
        page.close_session()
        await self.quiet()
        page.disconnect()
        await self.unbound(5001)
        log = (self.environment.folder / "nginx.access.log").read_text()
        for path in ("POST /sign_in", "GET /wait", "POST /message", "GET /sign_out"):
            self.assertIn(path, log)
        self.assertNotIn(ssid, log)
        self.assertNotIn(PASSWORD, log)

    async def test_long_wait(self) -> None:
        """A poll that no page aborts hangs for more than a minute and then brings a call; so does one after aborts."""
        oldest, youngest = await self.registered(5001, V102), await self.registered(5002)
        await self.pause(LONGER_THAN_ANY_LIMIT)
        self.assertEqual([self.exchanged(page, "/wait") for page in (oldest, youngest)], [[], []])
        for dn, page in ((5001, oldest), (5002, youngest)):
            originated = self.originate(dn)
            await page.event("onIncomingCall")
            page.reject_call()
            await originated
        self.assertNotIn("onConnectionError", [*oldest.events(), *youngest.events()])

    async def test_peer(self) -> None:
        """Every message has its peer in Pragma: the page knows who calls, and whom it has called."""
        caller, callee = [await self.registered(dn) for dn in (5001, 5002)]
        caller.make_offer("5002")
        self.assertEqual((await callee.event("onIncomingCall"))["peer"], "5001")
        callee.accept_call()
        await caller.event("onRemoteStream")
        self.assertEqual({peer for _, peer in caller.heard}, {"5002"})
        self.assertEqual({peer for _, peer in callee.heard}, {"5001"})

    async def test_stickiness(self) -> None:
        """sign_in sets the cookie of the node, fit for pages of other sites, and the page sends it from then on."""
        page = await self.registered(5001)
        (response,) = self.exchanged(page, "/sign_in")
        (cookie,) = response.headers.getRawHeaders("Set-Cookie", [])
        attributes = {each.strip() for each in cookie.split(";")}
        self.assertLessEqual({"wrtcgw_node=one", "Path=/", "SameSite=None", "Secure", "HttpOnly"}, attributes)
        await self.speaking(page, "1003")

    async def test_errors(self) -> None:
        """A page of another origin may read every error, be it the gateway's or nginx's own."""
        page = await self.registered(5001)
        self.assertEqual(await self.status("POST", "/sign_in", "5002:wrong"), 401)
        self.assertEqual(await self.status("GET", "/message?from=x&to=y"), 405)
        self.assertEqual(await self.status("GET", "/wait?id=unknown"), 204)
        address = f"/message?from={page.line.ssid}&to=1003"
        self.assertEqual(await self.status("POST", address, "RSMP {"), 400)
        self.assertEqual(await self.status("POST", address, "RSMP " + "x" * TOO_LONG), 413)

    async def test_gateway_is_gone(self) -> None:
        """While there is no gateway nginx says so, to be read by pages; the youngest library tries until it is told."""
        page = await self.registered(5001)
        server = self.gateway().server
        server.signal(signal.SIGKILL)  # stopped in peace it sends its pages home at once
        await self.blocking(server.stop)
        try:
            await page.event("onConnectionError")
            self.assertEqual(await self.status("GET", "/wait?id=any"), 502)
            self.assertEqual(await self.status("POST", "/sign_in", "5001:any"), 502)
        finally:
            await self.blocking(server.start)
        # the new gateway does not know the session, and sends the page home
        await page.event("onPeerClosing")
        self.assertIsNone(page.line.ssid)
        again = await self.registered(5001)
        await self.speaking(again, "1003")

    async def test_long_messages(self) -> None:
        """A description with 40 kB around it is one message, and so is what the far page gets of it."""
        page = await self.registered(5001)
        page.data = [{"key": "no header's name", "value": "x" * LONG}]
        await self.speaking(page, "1003")
        self.assertIs(page.call_state, CallState.CONNECTED)

    async def test_register_again(self) -> None:
        """disconnect() and register() at once leave one registration that works, whatever overtakes what."""
        page = await self.registered(5001)
        for _ in range(3):
            page.register("5001", PASSWORD)
            await page.event("onRegister")
        await self.pause(0.5)
        self.assertEqual(len(self.environment.asterisk.contacts("5001")), 1)
        await self.speaking(page, "1003")


class BrowserThroughNginx(dialect_page_cases.DialectPageCase):
    """Chromium, with HTTP/2 to nginx."""

    dn = 5008

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx."""
        return self.behind_nginx()

    @property
    def api(self) -> str:
        """The address of nginx."""
        self.gateway()
        return self.https_url

    async def test_many_tabs(self) -> None:
        """Eight pages of one browser poll at once, more than HTTP/1.1 connections to one host, and one can call."""
        tab = await self.registered()
        others = """async (dns, password) => {
            const waits = [];
            for (const dn of dns) {
                const post = { method: "POST", body: `${dn}:${password}`, credentials: "include" };
                const text = await (await fetch(`${api}/sign_in`, post)).text();
                const abort = new AbortController();
                waits.push(abort);
                fetch(`${api}/wait?${text}`, { credentials: "include", signal: abort.signal }).catch(() => null);
                window.leave = [...(window.leave ?? []), async () => {
                    abort.abort();
                    await fetch(`${api}/sign_out?${text}`, { credentials: "include" });
                }];
            }
        }"""
        await tab.evaluate(others, [str(dn) for dn in range(5001, 5008)], PASSWORD)
        await tab.evaluate("page.call", "1003")
        await self.event(tab, "established")
        await self.hears(tab, "page.pc")
        await tab.evaluate("page.hangUp")
        await self.quiet()
        await tab.evaluate("async () => { for (const each of window.leave) await each(); }")
        self.assertEqual(await tab.evaluate("page.disconnect"), 200)
        log = (self.environment.folder / "nginx.access.log").read_text()
        self.assertTrue(re.search(r'"POST /message HTTP/2\.0" 200', log))
