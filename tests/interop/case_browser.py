"""
Real Chromium, real audio: page, nginx, gateway, Kamailio over wss, Asterisk's Echo(), and the media straight between.

The page comes from another origin than the API, as a gadget in somebody's desktop does, and reaches it through nginx
over https. Chromium's microphone is a fake one that beeps: what comes back from Echo() is heard as audio energy.
"""

from tests.interop.gateway import Gateway
from tests.interop.page_cases import PageCase
from tests.interop.servers import PASSWORD


class BrowserCalls(PageCase):
    """Calls of pages."""

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx; pages of our origin may call it."""
        return self.behind_nginx()

    @property
    def api(self) -> str:
        """Return nginx's address."""
        return f"https://127.0.0.1:{self.environment.ports.nginx}"

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
        await self.told(tab, "OK")
        self.assertIsNone(await tab.evaluate("() => desk.failure"))
        await originated
        await self.hears(tab, "desk.pc")
        self.assertEqual(await tab.evaluate("desk.verb", "hold"), 200)
        await self.falls_silent(tab, "desk.pc")
        self.assertEqual(await tab.evaluate("desk.verb", "resume"), 200)
        await self.hears(tab, "desk.pc")
        await self.asterisk("channel request hangup all")
        await self.told(tab, "SHUTDOWN")
        self.assertEqual(await tab.evaluate("desk.verb", "sign_out"), 200)
