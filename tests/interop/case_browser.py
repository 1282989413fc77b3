"""
Real Chromium, real audio: page, nginx, gateway, Kamailio over wss, Asterisk's Echo(), and the media straight between.

The page comes from another origin than the API, as a gadget in somebody's desktop does, and reaches it through nginx
over https. Chromium's microphone is a fake one that beeps: what comes back from Echo() is heard as audio energy.
"""

from urllib.parse import quote

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.web.server import Site
from twisted.web.static import File

from tests.interop import base
from tests.interop.chromium import Audio, Chromium, Tab
from tests.interop.gateway import Gateway
from tests.interop.servers import PASSWORD, PROJECT

PAGES = PROJECT / "tests/interop/data"


class BrowserCalls(base.InteropCase):
    """Calls of pages."""

    timeout = 180

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx; pages of our origin may call it."""
        return self.behind_nginx()

    async def open(self, page: str) -> Tab:
        """Serve the pages, start the browser and open one."""
        self.gateway()
        site = Site(File(str(PAGES)))
        site.displayTracebacks = False
        endpoint = TCP4ServerEndpoint(reactor, self.environment.page_port, interface="127.0.0.1")
        listening = await endpoint.listen(site)
        self.addCleanup(listening.stopListening)
        chromium = Chromium()
        self.addCleanup(self.asterisk, "channel request hangup all")
        self.addCleanup(chromium.stop)
        await chromium.start()
        api = f"https://127.0.0.1:{self.environment.ports.nginx}"
        return await chromium.open(f"{self.environment.origin}/{page}?api={quote(api, safe='')}")

    async def hears(self, tab: Tab, connection: str) -> Audio:
        """Wait until there is sound both ways, and return how much there was by then."""
        before = await tab.audio(connection)
        for _ in range(60):
            await self.pause(0.25)
            now = await tab.audio(connection)
            if now.grown(before):
                return now
        state = await tab.evaluate(f"() => [{connection}.iceConnectionState, {connection}.connectionState]")
        self.fail(f"no sound both ways: {now}, before {before}, {state}")

    async def falls_silent(self, tab: Tab, connection: str) -> None:
        """Wait until a second passes in which nothing comes in, while our side goes on."""
        before = await tab.audio(connection)
        for _ in range(10):
            await self.pause(1.0)
            now = await tab.audio(connection)
            if now.received - before.received <= 2:
                return
            before = now
        self.fail(f"sound still comes in: {now}")

    async def test_gadget(self) -> None:
        """The gadget's flow gets audio both ways from Echo(), through hold and resume, until it hangs up."""
        tab = await self.open("gadget.html")
        self.assertEqual(await tab.evaluate("gadget.init", "gadget", "5001", PASSWORD), "OK")
        self.assertEqual(await tab.evaluate("gadget.placeCall", "1003"), "OK")
        self.assertIn("a=ice-ufrag:", await tab.evaluate("gadget.answered"))
        await self.hears(tab, "gadget.pc")
        self.assertEqual(await tab.evaluate("gadget.verb", "hold"), 200)
        await self.falls_silent(tab, "gadget.pc")
        self.assertEqual(await tab.evaluate("gadget.verb", "resume"), 200)
        await self.hears(tab, "gadget.pc")
        self.assertEqual(await tab.evaluate("gadget.verb", "hangup"), 200)
        await tab.evaluate("gadget.close")
        await self.quiet()
        self.assertEqual(await tab.evaluate("gadget.verb", "sign_out"), 200)

    async def test_inbound(self) -> None:
        """A call that comes in as an event is answered by the page, has audio both ways, and ends with the caller."""
        tab = await self.open("desk.html")
        self.assertEqual(await tab.evaluate("desk.signIn", "desk", "5002", PASSWORD), 200)
        originated = self.originate(5002)
        for _ in range(60):
            if await tab.evaluate("() => desk.told.some((each) => each.messageType === 'OK')"):
                break
            await self.pause(0.25)
        self.assertIsNone(await tab.evaluate("() => desk.failure"))
        await originated
        await self.hears(tab, "desk.pc")
        self.assertEqual(await tab.evaluate("desk.verb", "hold"), 200)
        await self.falls_silent(tab, "desk.pc")
        self.assertEqual(await tab.evaluate("desk.verb", "resume"), 200)
        await self.hears(tab, "desk.pc")
        await self.asterisk("channel request hangup all")
        for _ in range(40):
            if await tab.evaluate("() => desk.told.some((each) => each.messageType === 'SHUTDOWN')"):
                break
            await self.pause(0.25)
        else:
            self.fail(f"the page was not told of the end: {await tab.evaluate('() => desk.told')}")
        self.assertEqual(await tab.evaluate("desk.verb", "sign_out"), 200)
