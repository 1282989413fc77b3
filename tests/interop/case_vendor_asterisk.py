"""A page written for the vendor's library, and the gadget in a page of another origin, with Kamailio and Asterisk."""

from collections.abc import Callable, Coroutine
from typing import Any, cast
from urllib.parse import quote

from playwright.sync_api import Page, Request
from twisted.internet.defer import Deferred

from tests.interop import ears
from tests.interop.chromium import Chromium, Tab
from tests.interop.gateway import Gateway
from tests.interop.host_pages import host_pages
from tests.interop.page_cases import PageCase
from tests.interop.servers import PASSWORD
from tests.interop.vendor_page import CONNECTION, ShownCase, customer_site

GADGET_CONNECTION = "gadget.desk.selected.connection"
SIGNS_OUT = "async () => { await gadget.phone.signOut() }"


class CustomersCase(ShownCase, PageCase):
    """A case with one page at an origin of its own, which the gateway allows."""

    def gateway(self) -> Gateway:
        """Return the gateway that the customers' pages may use."""
        return self.environment.gateway("customers", self.environment.ways["ws"], self.allowed)

    @property
    def allowed(self) -> dict[str, object]:
        """The keys of ``wrtcgw.toml`` that let those pages in."""
        return {"allowed_origins": [customer_site().origin, host_pages().origin]}

    async def load(self, url: str) -> Tab:
        """Open a page; it must have had nothing to complain about when the case ends."""
        await self.connected(self.gateway())
        chromium = Chromium()
        self.addCleanup(self.asterisk, "channel request hangup all")
        self.addCleanup(chromium.stop)
        await chromium.start()
        tab = await chromium.open(url)
        self.addCleanup(tab.console.check)
        return tab

    def finally_(self, action: Callable[[], Coroutine["Deferred[Any]", Any, Any]]) -> None:
        """Let something be done when the case ends, before the browser does."""
        self.addCleanup(lambda: Deferred.fromCoroutine(action()))

    async def desktop(self, dn: int) -> Tab:
        """Load the agent's desktop, and register it with the password of its number."""
        site = customer_site()
        site.gateway = self.gateway().url
        tab = await self.load(f"{site.origin}/vendor_agent.html")
        await tab.evaluate("(dn, password) => start(dn, password)", str(dn), PASSWORD)
        self.finally_(lambda: self._leave_desk(tab))
        await self.shows(tab, "registered")
        return tab

    async def _leave_desk(self, tab: Tab) -> None:
        await tab.evaluate("() => grtcClient.disconnect()")
        self.assertEqual(await tab.evaluate("() => shown.filter(([name]) => name.includes('error'))"), [])


class VendorAgent(CustomersCase):
    """The agent's desktop."""

    async def calls(self, number: int) -> Tab:
        """Load the desktop, and let it call a number that answers."""
        tab = await self.desktop(5001)
        await tab.evaluate("(number) => { grtcSession.makeOffer(number, true, false) }", str(number))
        await self.shows(tab, "talking")
        return tab

    async def test_echo(self) -> None:
        """A call of Echo() is heard back, held to silence, heard again when resumed, and hung up."""
        tab = await self.calls(1003)
        await self.hears(tab, CONNECTION)
        await self.click(tab, "hold")
        await self.falls_silent(tab, CONNECTION)
        self.assertTrue(await tab.evaluate("() => grtcClient.onHold"))
        await self.click(tab, "resume")
        await self.hears(tab, CONNECTION)
        self.assertFalse(await tab.evaluate("() => grtcClient.onHold"))
        await self.click(tab, "end")
        await self.quiet()
        self.assertEqual(await tab.evaluate("() => [grtcClient.callState, grtcSession.state]"), [0, "new"])

    async def test_digits(self) -> None:
        """Digits go in the media (:rfc:`4733`), not by way of the gateway; Asterisk reads them."""
        read = self.environment.asterisk.digits_read
        before = len(read())
        tab = await self.calls(1007)
        orders: list[str] = []

        def note(request: Request) -> None:
            if request.method == "POST":
                orders.append(request.url)

        await tab.chromium.run(lambda: tab.page.on("request", note))
        await self.pause(1.0)  # digits before DTLS is up are lost, as in every WebRTC call
        await tab.evaluate("() => grtcSession.sendDTMF('2468', { duration: 100, tonegap: 70 })")
        await self.eventually("Asterisk to read the digits", lambda: read()[before:] == ["2468"])
        self.assertEqual([url for url in orders if "/dtmf" in url], [])

    async def test_inbound(self) -> None:
        """A call from Asterisk is accepted, has audio both ways, and its end by the caller is told."""
        tab = await self.desktop(5002)
        originated = self.originate(5002)
        self.assertTrue(await self.shows(tab, "call from"))
        await originated
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        await self.asterisk("channel request hangup all")
        await self.shows(tab, "closed")


class VendorOrdered(CustomersCase):
    """A far side that orders what is done, as Genesys SIP Server does, behind rtpengine."""

    def setUp(self) -> None:
        """Start the PBX and what stands in front of it."""
        super().setUp()
        self.pbx, self.way_there = self.plain_pbx()
        self.addCleanup(self.environment.dismiss, "controlled-customers")

    def gateway(self) -> Gateway:
        """Return a gateway in front of that PBX."""
        return self.environment.gateway("controlled-customers", self.way_there, self.allowed)

    async def test_talk(self) -> None:
        """NOTIFY talk answers the ringing call with the constraints set before, hold and talk hold and resume it."""
        tab = await self.desktop(5031)
        await tab.evaluate("() => { asks = false }")
        ringing = self.pbx.ringing()
        answered = self.pbx.invite(offer=True)
        await ringing
        await self.shows(tab, "call from")
        self.assertEqual(await tab.evaluate("() => grtcSession.state"), "offer-received")
        for count, event in enumerate(("talk", "hold", "talk"), 1):
            self.assertEqual((await self.pbx.notify(event)).status, 200)
            self.assertEqual(await self.shows(tab, "desktop says", count), event)
            if count == 1:
                self.assertEqual((await answered).status, 200)
                self.pbx.acknowledge(answer=False)
            held = event == "hold"
            await ears.until(tab, "(held) => Boolean(grtcClient.onHold) === held", held)
            if held:
                await self.hears_nothing(tab, CONNECTION)
            else:
                await self.hears(tab, CONNECTION)
        await self.click(tab, "end")
        await self.eventually("BYE", lambda: self.pbx.ended)


class Gadget(CustomersCase):
    """The gadget in a page of another origin."""

    async def order(self, tab: Tab, command: str, **fields: object) -> None:
        """Let the host give an order, which is carried out."""
        reply = await tab.evaluate("(type, fields) => order(type, fields)", command, fields)
        self.assertTrue(reply["ok"], reply)

    async def test_echo(self) -> None:
        """Signed in by a message of the page around it and told to call Echo(), it is heard back, then hangs up."""
        gadget = quote(f"{self.gateway().url}/gadget/?lang=en", safe="")
        tab = await self.load(f"{host_pages().origin}/gadget_host.html?gadget={gadget}")
        await ears.until(tab, "() => told.some(({ type }) => type === 'ready')")
        frame = Tab(tab.chromium, cast(Page, await tab.chromium.run(lambda: tab.page.frame("gadget"))), tab.console)
        self.finally_(lambda: self._sign_out(frame))
        await self.order(tab, "init", dn="5003", password=PASSWORD)
        await self.order(tab, "call", to="1003")
        await ears.hears(frame, GADGET_CONNECTION)
        await self.order(tab, "hangup")
        await ears.until(tab, "() => told.some(({ type, cause }) => type === 'callEnded' && cause === 'local')")
        await self.quiet()

    async def _sign_out(self, frame: Tab) -> None:
        await frame.evaluate(SIGNS_OUT)
