"""
Pages written for the vendor's library, and one in the shape of the project's first document, with our ``/grtc.js``.

They are in ``data/``: a visitor who clicks to call, the desktop of an agent, and the first document's lines. Each lies
at an origin of its own, as such pages do, and loads the library from the gateway.
"""

import functools
import json
import pathlib
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.request import urlopen

from playwright.sync_api import Request
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase
from tests.interop.processes import free_ports
from tests.interop.servers import PASSWORD, PROJECT

ECHO, TONE, BUSY, FOREVER = "1003", "1004", "1005", "1006"
CONNECTION = "grtcSession.call.connection"
TIMES = "(name) => shown.filter((each) => (Array.isArray(each) ? each[0] : each) === name).length"


class CustomerSite(ThreadingHTTPServer):
    """The web server of who has such pages."""

    daemon_threads = True
    gateway = ""

    @property
    def origin(self) -> str:
        """Return its address; by another name than the gateway's."""
        return f"http://localhost:{self.server_address[1]}"


class CustomerPages(BaseHTTPRequestHandler):
    """Serves the pages of ``data/``, with the gateway's address in them."""

    def do_GET(self) -> None:
        """Answer with a page."""
        path = PROJECT / "tests" / "interop" / "data" / pathlib.PurePosixPath(self.path).name
        found = path.suffix == ".html" and path.is_file()
        gateway = cast(CustomerSite, self.server).gateway
        body = path.read_text("utf-8").replace("@GATEWAY@", gateway).encode() if found else b""
        self.send_response(200 if found else 204)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@functools.cache
def customer_site() -> CustomerSite:
    """Return the web server, started; it ends with the run."""
    site = CustomerSite(("127.0.0.1", 0), CustomerPages)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    return site


class VendorCase(DemoCase):
    """What the cases share: a gateway that lets guests in, and the pages at an origin of their own."""

    def setUp(self) -> None:
        """Let every page sign out when the case ends, so that no call is left for the next."""
        super().setUp()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._sign_out()))

    async def _sign_out(self) -> None:
        clients = "[globalThis.grtcClient ?? null, globalThis.client ?? null]"
        for tab in self.tabs:
            if not tab.page.is_closed():
                await tab.evaluate(f"() => Promise.all({clients}.map((each) => each?.disconnect()))")

    def wanted(self) -> Mapping[str, object]:
        """Return the keys of ``wrtcgw.toml``."""
        return {
            "allowed_origins": [customer_site().origin],
            "guest_mode": "unregistered",
            "guest_dn": "5008",
            "guest_password": PASSWORD,
            "guest_destinations": ["1*", "50*"],
        }

    async def load(self, name: str) -> Tab:
        """Load one of the pages."""
        site = customer_site()
        site.gateway = self.gateway.url
        return await self.open(f"{site.origin}/{name}")

    async def click(self, tab: Tab, button: str) -> None:
        """Click a button."""
        await tab.chromium.run(lambda: tab.page.click(f"#{button}"))

    async def shows(self, tab: Tab, name: str, count: int = 1) -> Any:
        """Wait until the page has shown something so many times, and return what with."""
        await self.until(tab, f"(name, count) => ({TIMES})(name) >= count", name, count)
        return await tab.evaluate(
            "(name, count) => shown.filter((each) => each[0] === name)[count - 1]?.[1] ?? null", name, count
        )

    async def times(self, tab: Tab, name: str) -> int:
        """Return how often a page has shown something."""
        return int(await tab.evaluate(TIMES, name))

    async def agent(self, dn: int, password: str = PASSWORD) -> Tab:
        """Load an agent's desktop, and sign it in."""
        tab = await self.load("vendor_agent.html")
        await tab.evaluate("(dn, password) => start(dn, password)", str(dn), password)
        await self.shows(tab, "registered" if password == PASSWORD else "refused")
        return tab

    async def gone(self, what: str) -> None:
        """Wait until the gateway has none of these any more: ``agents`` or ``calls/active``."""

        def ask() -> list[object]:
            with urlopen(f"{self.gateway.url}/api/{what}", timeout=5) as response:
                found: list[object] = json.load(response)[what.partition("/")[0]]
                return found

        for _ in range(60):
            left = await deferToThread(ask)
            if not left:
                return
            await self.pause(0.25)
        self.fail(f"still there: {left}")


class VisitorPage(VendorCase):
    """Click-to-call from an anonymous visitor."""

    async def talking(self) -> Tab:
        """Load the page, and let it call the echo."""
        tab = await self.load("vendor_visitor.html")
        await self.click(tab, "call")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        return tab

    async def test_call(self) -> None:
        """A visitor hears the echo; what the page's filter dropped was not sent; hanging up ends the call."""
        tab = await self.load("vendor_visitor.html")
        sent: list[Request] = []

        def note(request: Request) -> None:
            sent.append(request)

        await tab.chromium.run(lambda: tab.page.on("request", note))
        await self.click(tab, "call")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        await self.until(tab, "() => document.getElementById('remoteAudio').currentTime > 0")
        offers = await tab.chromium.run(lambda: [each.post_data or "" for each in sent if "/message?" in each.url])
        offer = json.loads(offers[0])["sdp"]
        asked = await tab.evaluate("() => offered")
        self.assertIn(" udp ", "".join(asked))
        self.assertEqual([each for each in asked if " tcp " in each and each in offer], [])
        self.assertTrue(all(each in offer for each in asked if " tcp " not in each and " 192.168." not in each))
        await self.click(tab, "hangUp")
        await self.gone("calls/active")
        self.assertEqual(await tab.evaluate("() => [grtcClient.callState, grtcSession.state]"), [0, "new"])

    async def test_data(self) -> None:
        """What the page attaches arrives at the agent as it is: commas, quotes, UTF-8, a long token; and back."""
        agent, visitor = await self.agent(5002), await self.load("vendor_visitor.html")
        await visitor.evaluate("() => { document.getElementById('number').value = '5002' }")
        await self.click(visitor, "call")
        await self.shows(visitor, "talking")
        for tab in (visitor, agent):
            await self.hears(tab, CONNECTION)
        data = await agent.evaluate("() => grtcSession.getData()")
        self.assertEqual([each["key"] for each in data], ["customer", "token"])
        self.assertEqual(json.loads(data[0]["value"])["name"], 'Grüße, "Ann" O\'Neil')
        self.assertEqual(json.loads(data[0]["value"])["顧客"], "🐦 100 %")
        self.assertGreater(len(data[1]["value"]), 2000)
        reply = [{"key": "agent", "value": 'Jürgen, team "B"'}]
        self.assertEqual(await visitor.evaluate("() => grtcSession.getData()"), reply)
        await self.click(agent, "end")
        await self.shows(visitor, "idle")

    async def test_nobody_answers(self) -> None:
        """After noanswer_timeout the page is told, and ends the call."""
        tab = await self.load("vendor_visitor.html")
        await tab.evaluate("() => { document.getElementById('number').value = '1006' }")
        await self.click(tab, "call")
        await self.until(tab, "() => grtcSession.state === 'offer-sent'")
        await self.shows(tab, "nobody answers")
        await self.gone("calls/active")
        self.assertEqual(await self.times(tab, "idle"), 0)

    async def test_busy(self) -> None:
        """A refused call is told as an error and as the peer's end."""
        tab = await self.load("vendor_visitor.html")
        await tab.evaluate("() => { document.getElementById('number').value = '1005' }")
        await self.click(tab, "call")
        await self.shows(tab, "idle")
        self.assertEqual(await self.times(tab, "error: REFUSED"), 1)

    async def test_ice_disconnected(self) -> None:
        """The page's own offer when its media are lost is answered, and the call goes on."""
        tab = await self.talking()
        before = await tab.evaluate(f"() => {CONNECTION}.localDescription.sdp")
        await tab.evaluate("() => { grtcClient.onIceDisconnected.fire({ status: 'failed' }) }")
        await self.shows(tab, "reconnecting")
        await self.until(tab, f"(before) => {CONNECTION}.localDescription.sdp !== before", before)
        await self.until(tab, f"() => {CONNECTION}.signalingState === 'stable'")
        await self.hears(tab, CONNECTION)
        self.assertTrue(await tab.evaluate("() => grtcSession.isEstablished()"))

    async def test_page_goes(self) -> None:
        """A page that is left signs out and ends its call."""
        tab = await self.talking()
        await tab.chromium.run(lambda: tab.page.goto("about:blank"))
        await self.gone("calls/active")
        await self.gone("agents")

    async def test_begins_on_hold(self) -> None:
        """A call may begin on hold: nothing is heard until it is resumed."""
        tab = await self.load("vendor_visitor.html")
        held = "(make) => (to) => make.call(grtcSession, to, true, false, true)"
        await tab.evaluate(f"() => {{ grtcSession.makeOffer = ({held})(grtcSession.makeOffer) }}")
        await self.click(tab, "call")
        await self.until(tab, "() => grtcSession.isEstablished()")
        self.assertTrue(await tab.evaluate("() => grtcClient.onHold"))
        await self.pause(1.0)
        before = await tab.audio(CONNECTION)
        await self.pause(1.0)
        self.assertEqual((await tab.audio(CONNECTION)).heard, before.heard)
        await tab.evaluate("() => { grtcSession.resumeCall() }")
        await self.hears(tab, CONNECTION)
        self.assertFalse(await tab.evaluate("() => grtcClient.onHold"))


class AgentPage(VendorCase):
    """The desktop of an agent, and a colleague's."""

    async def connected(self) -> tuple[Tab, Tab]:
        """Load two desktops; the second accepts the first one's call."""
        caller, called = await self.agent(5001), await self.agent(5002)
        await caller.evaluate("() => { grtcSession.makeOffer('5002', true, false) }")
        for tab in (caller, called):
            await self.shows(tab, "talking")
            await self.hears(tab, CONNECTION)
        self.assertEqual(await self.shows(called, "call from"), "5001")
        return caller, called

    async def test_refused(self) -> None:
        """A wrong password is told."""
        tab = await self.load("vendor_agent.html")
        tab.console.expect("401")
        await tab.evaluate("() => start('5001', 'wrong')")
        await self.shows(tab, "refused")

    async def test_reject(self) -> None:
        """A rejected call ends for the caller, with the reason."""
        caller, called = await self.agent(5001), await self.agent(5002)
        await called.evaluate("() => { accepts = false }")
        await caller.evaluate("() => { grtcSession.makeOffer('5002') }")
        await self.shows(caller, "closed")
        self.assertEqual(await self.shows(caller, "error"), "REFUSED")
        self.assertEqual(await self.times(called, "closed"), 0)

    async def test_hold(self) -> None:
        """Hold silences both and tells the peer; resume brings the sound back, told as the remote stream."""
        caller, called = await self.connected()
        await self.click(caller, "hold")
        self.assertIs(await self.shows(called, "held by the peer"), True)
        await self.until(caller, "() => grtcClient.onHold")
        talking = await self.times(called, "talking")
        await self.click(caller, "resume")
        await self.shows(called, "talking", talking + 1)
        for tab in (caller, called):
            await self.hears(tab, CONNECTION)
        await self.click(called, "end")
        await self.shows(caller, "closed")
        self.assertEqual(await self.times(called, "held by the peer"), 1)

    async def test_info(self) -> None:
        """Data go to the other page both ways, whole: signs of forms, UTF-8, nested values."""
        caller, called = await self.connected()
        data = {"note": "a=b&c, Grüße", "cart": {"id": 7, "of": ["x", "y"]}}
        await caller.evaluate("(data) => grtcSession.sendInfo(data, false)", data)
        told = await self.shows(called, "info")
        self.assertEqual(told, {"note": "a=b&c, Grüße", "cart[id]": "7", "cart[of][]": "y"})
        await called.evaluate("() => grtcSession.sendInfo({ answer: '100 % + more' }, false)")
        self.assertEqual(await self.shows(caller, "info"), {"answer": "100 % + more"})
        self.assertEqual(await self.times(caller, "error"), 0)

    async def test_mute(self) -> None:
        """A page mutes without signalling, also through a hold; the other page hears silence, then sound."""
        caller, called = await self.connected()
        await self.click(caller, "mute")
        self.assertFalse(await caller.evaluate("() => grtcSession.hasAudioEnabled()"))
        await self.click(caller, "hold")
        await self.until(caller, "() => grtcClient.onHold")
        await self.click(caller, "resume")
        await self.until(caller, "() => !grtcClient.onHold")
        await self.pause(1.0)
        before = await called.audio(CONNECTION)
        await self.pause(1.0)
        now = await called.audio(CONNECTION)
        self.assertGreater(now.received, before.received)
        self.assertLess(now.heard - before.heard, 1e-6)
        await self.click(caller, "unmute")
        await self.hears(called, CONNECTION)
        self.assertTrue(await caller.evaluate("() => grtcSession.hasAudioEnabled()"))

    async def test_digits_and_statistics(self) -> None:
        """Digits are sent, whichever way the far side takes them; the gateway's numbers of the call come back."""
        tab = await self.agent(5001)
        await tab.evaluate("() => { grtcSession.makeOffer('1003') }")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        await tab.evaluate("() => grtcSession.sendDTMF('12#', { duration: 10, tonegap: 10 })")
        await tab.evaluate("() => { grtcSession.getServerStats() }")
        stats = await self.shows(tab, "stats")
        self.assertEqual(set(stats), {"timestamp", "duration", "audio"})
        self.assertEqual(set(stats["audio"]), {"rtt", "rtt_max", "rtt_average", "rx", "tx"})
        self.assertGreater(stats["audio"]["rx"]["packets"], 0)
        self.assertGreater(stats["duration"], 0)
        self.assertEqual(await self.times(tab, "error"), 0)

    async def test_desktop_answers(self) -> None:
        """EVENT-TALK answers the call that rings with the constraints that were set before, and is told."""
        caller, called = await self.agent(5001), await self.agent(5002)
        await called.evaluate("() => { asks = false }")
        await caller.evaluate("() => { grtcSession.makeOffer('5002') }")
        await self.shows(called, "call from")
        state = await called.evaluate("() => [grtcClient.callState, grtcSession.state]")
        self.assertEqual(state, [0, "offer-received"])
        await called.evaluate("() => { grtcSession.call.take({ messageType: 'TALK', callId: grtcSession.call.id }) }")
        for tab in (caller, called):
            await self.shows(tab, "talking")
            await self.hears(tab, CONNECTION)
        self.assertEqual(await self.shows(called, "desktop says"), "talk")

    async def test_second_call(self) -> None:
        """A page knows one call: another caller hears busy, and the call goes on."""
        caller, called = await self.connected()
        other = await self.agent(5003)
        await other.evaluate("() => { grtcSession.makeOffer('5002') }")
        self.assertEqual(await self.shows(other, "error"), "REFUSED")
        for tab in (caller, called):
            await self.hears(tab, CONNECTION)

    async def test_reload(self) -> None:
        """The call of a page that was lost without a word is offered to the next one, and goes on when accepted."""
        caller, called = await self.connected()
        await called.evaluate("() => { window.onbeforeunload = null }")
        await called.chromium.run(called.page.close)
        called = await self.agent(5002)
        await self.shows(called, "talking")
        self.assertEqual(await self.shows(called, "call from"), "5001")
        for tab in (caller, called):
            await self.hears(tab, CONNECTION)

    async def test_renewed_connection(self) -> None:
        """With setRenewSessionOnNeed an offer inside the call is one of a new connection."""
        tab = await self.agent(5001)
        await tab.evaluate("() => { grtcClient.setRenewSessionOnNeed(true); grtcSession.makeOffer('1003') }")
        await self.shows(tab, "talking")
        await tab.evaluate(f"() => {{ window.before = {CONNECTION}; grtcSession.makeOffer() }}")
        await self.until(tab, f"() => {CONNECTION} !== before && {CONNECTION}.connectionState === 'connected'")
        await self.hears(tab, CONNECTION)

    async def test_fail_over(self) -> None:
        """Of several gateways the next one is taken when the first cannot be reached."""
        tab = await self.load("vendor_agent.html")
        tab.console.expect("ERR_CONNECTION_REFUSED")
        code = """(gateways, password) => {
            grtcClient = new Grtc.Client({ webrtc_gateway: gateways, sip_password: password });
            grtcClient.onRegister.add(() => show("here", grtcClient.phone.wire.api));
            grtcClient.register("5004");
        }"""
        gateways = f"http://127.0.0.1:{free_ports(1)[0]}, {self.gateway.url}"
        await tab.evaluate(code, gateways, PASSWORD)
        self.assertEqual(await self.shows(tab, "here"), f"{self.gateway.url}/api/webrtc/")


class FirstDocumentPage(VendorCase):
    """The lines of the project's first document."""

    async def test_call(self) -> None:
        """The client becomes ready, the session tells offer and answer, and there is sound."""
        tab = await self.load("seed_page.html")
        await self.shows(tab, "ready")
        await tab.evaluate("() => { call('1003') }")
        await self.until(tab, "() => session.call?.state === 'established'")
        await self.hears(tab, "session.call.connection")
        self.assertEqual(await tab.evaluate("() => shown"), ["ready", "offer v=0", "answer v=0"])
        await tab.evaluate("() => session.hangup()")
        await self.shows(tab, "ended local")

    async def test_incoming(self) -> None:
        """A call that comes in is a session, too."""
        tab, agent = await self.load("seed_page.html"), await self.agent(5002)
        await self.shows(tab, "ready")
        await agent.evaluate("() => { grtcSession.makeOffer('5001') }")
        await self.shows(tab, "incoming 5002")
        await self.shows(agent, "talking")
        await self.hears(agent, CONNECTION)
