"""Pages that are loaded again in a call through Asterisk get their sound back: REST with ROAP, and our own library."""

from functools import partial

from twisted.internet import reactor

from tests.interop.chromium import Tab
from tests.interop.gateway import Gateway
from tests.interop.library_page import PAGE, SETUP
from tests.interop.page_cases import PageCase
from tests.interop.relay import Relay
from tests.interop.servers import PASSWORD


class DeskReloads(PageCase):
    """A page that speaks the ROAP form of REST."""

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx; pages of our origin may call it."""
        return self.behind_nginx()

    @property
    def api(self) -> str:
        """Return nginx's address."""
        return f"https://127.0.0.1:{self.environment.ports.nginx}"

    async def signed_in(self) -> Tab:
        """Open the page, and sign in."""
        await self.connected(self.gateway())
        tab = await self.open("desk.html")
        await self.sign_in(tab)
        return tab

    async def sign_in(self, tab: Tab) -> None:
        """Sign in at a page that knows nothing yet."""
        self.assertEqual(await tab.evaluate("desk.signIn", "desk", "5002", PASSWORD), 200)

    async def reloaded(self, tab: Tab) -> None:
        """Load the page again in its call; it is asked for an offer, and hears and is heard again."""
        channels = self.environment.asterisk.channels()
        await tab.reload()
        await self.sign_in(tab)
        await self.told(tab, "ANSWER")
        await self.hears(tab, "desk.pc")
        self.assertIsNone(await tab.evaluate("() => desk.failure"))
        self.assertEqual(self.environment.asterisk.channels(), channels)

    async def over(self, tab: Tab) -> None:
        """End the call, and sign out."""
        self.assertEqual(await tab.evaluate("desk.verb", "hangup"), 200)
        await self.quiet()
        self.assertEqual(await tab.evaluate("desk.verb", "sign_out"), 200)

    async def test_placed(self) -> None:
        """A call that the page placed, twice; then it can be held and taken up."""
        tab = await self.signed_in()
        await tab.evaluate("desk.offer", "1003")
        await self.hears(tab, "desk.pc")
        for _ in range(2):
            await self.reloaded(tab)
        self.assertEqual(await tab.evaluate("desk.verb", "hold"), 200)
        await self.falls_silent(tab, "desk.pc")
        await self.reloaded_on_hold(tab)
        self.assertEqual(await tab.evaluate("desk.verb", "resume"), 200)
        await self.hears(tab, "desk.pc")
        await self.over(tab)

    async def reloaded_on_hold(self, tab: Tab) -> None:
        """Load the page again while its call is held."""
        await tab.reload()
        await self.sign_in(tab)
        await self.told(tab, "ANSWER")
        self.assertIsNone(await tab.evaluate("() => desk.failure"))

    async def test_called(self) -> None:
        """A call that came, where Asterisk left the roles to the page."""
        tab = await self.signed_in()
        originated = self.originate(5002)
        await self.told(tab, "OK")
        await originated
        await self.hears(tab, "desk.pc")
        for _ in range(2):
            await self.reloaded(tab)
        await self.over(tab)


class LibraryReloads(PageCase):
    """A page with our own library."""

    async def phone(self, gateway: Gateway) -> Tab:
        """Open a page of a gateway, and sign its phone in."""
        await self.connected(gateway)
        tab = await (await self.open("desk.html")).chromium.open(f"{gateway.url}{PAGE}", bypass_csp=True)
        await tab.evaluate(SETUP, {})
        await tab.evaluate("async (dn, password) => { await phone.signIn({ dn, password }) }", "5001", PASSWORD)
        return tab

    async def reloaded(self, tab: Tab) -> None:
        """Load the page again; the phone resumes, and its call has sound again."""
        await tab.reload()
        await tab.evaluate(SETUP, {})
        self.assertTrue(await tab.evaluate("() => phone.resume()"))
        for _ in range(60):
            if await tab.evaluate("() => window.call?.state === 'established' && Boolean(call.connection)"):
                break
            await self.pause(0.25)
        await self.hears(tab, "call.connection")

    def invites(self, gateway: Gateway) -> int:
        """Return how many INVITEs a gateway has sent or received."""
        return gateway.server.log.read_text().count("\tINVITE sip:")

    def more_invites(self, gateway: Gateway, than: int) -> bool:
        """Return whether there are more by now."""
        return self.invites(gateway) > than

    async def test_resumed(self) -> None:
        """The call goes on, twice; also after the gateway has got a new connection and repeated its description."""
        relay = Relay(reactor, self.environment.ports.kamailio_ws)
        gateway = await self.own_gateway("reloads", f"ws://127.0.0.1:{await relay.start()}")
        self.addCleanup(relay.stop)
        tab = await self.phone(gateway)
        await tab.evaluate("async () => { await phone.call('1003') }")
        await self.hears(tab, "call.connection")
        channels = self.environment.asterisk.channels()
        for _ in range(2):
            await self.reloaded(tab)
            sent = self.invites(gateway)
            relay.cut()
            await self.eventually("a re-INVITE", partial(self.more_invites, gateway, sent))
            await self.hears(tab, "call.connection")
        self.assertEqual(self.environment.asterisk.channels(), channels)
        await tab.evaluate("async () => { await call.hangup(); await phone.signOut() }")
        await self.quiet()
