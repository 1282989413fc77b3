"""
A page of the Genesys dialect in a real browser, written once for all ways to Asterisk.

This module is no ``case_*``: :mod:`tests.interop.case_dialect_browser` has the classes that trial runs.
"""

from typing import Any, ClassVar

from tests.interop.chromium import Tab
from tests.interop.page_cases import PageCase
from tests.interop.servers import PASSWORD

HOLDING_BACK = """(what) => {
    window.wired ??= window.fetch;
    window.fetch = async (url, options) => {
        if (`${url} ${options?.body}`.includes(what)) await new Promise((resolve) => setTimeout(resolve, 700));
        return wired(url, options);
    };
}"""
"""Lets the page's requests with a word in address or body go out later than those that it makes after them."""


class DialectPageCase(PageCase):
    """
    What the page is made to do.

    :cvar dn: the agent of this way.
    :cvar colleague: another one.
    """

    dn: ClassVar[int]
    colleague: ClassVar[int]

    async def registered(self) -> Tab:
        """Open the page and register; when the case ends, the page must have had nothing to complain about."""
        await self.connected(self.gateway())
        return await self.register(await self.open("dialect.html"), self.dn)

    async def register(self, tab: Tab, dn: int) -> Tab:
        """Register the page of a tab."""
        self.addCleanup(self.content, tab)
        await tab.evaluate("page.register", str(dn), PASSWORD)
        await self.event(tab, "registered")
        return tab

    async def colleagues(self, tab: Tab) -> Tab:
        """Open a page for the other agent in the same browser, and register."""
        address = await tab.evaluate("() => location.href")
        return await self.register(await tab.chromium.open(address), self.colleague)

    async def content(self, tab: Tab) -> None:
        """See to it that a page was told nothing that it should not have been told."""
        bad = ["problem", "connection error", "error"]
        code = "(bad) => page.events.filter((each) => bad.includes(each.event))"
        self.assertEqual(await tab.evaluate(code, bad), [])

    async def event(self, tab: Tab, name: str, count: int = 1) -> Any:
        """Wait until the page's programmer was told something so many times, and return what was said with it."""
        code = "(name) => page.events.filter((each) => each.event === name).map((each) => [each.detail])"
        for _ in range(60):
            found = await tab.evaluate(code, name)
            if len(found) >= count:
                return found[count - 1][0]
            await self.pause(0.25)
        self.fail(f"the page was not told {name}: {await tab.evaluate('() => [page.state, page.events, page.log]')}")


class DialectPageCases(DialectPageCase):
    """Calls of the page to and from Asterisk."""

    async def over(self, tab: Tab) -> None:
        """Wait for the end of the call in Asterisk and let the page sign out."""
        await self.quiet()
        self.assertEqual(await tab.evaluate("page.disconnect"), 200)
        await self.eventually("the binding to go", lambda: not self.environment.asterisk.contacts(str(self.dn)))

    async def test_wrong_password(self) -> None:
        """A wrong password fails, with a status that the page can tell from success."""
        await self.connected(self.gateway())
        tab = await self.open("dialect.html")
        await tab.evaluate("page.register", str(self.dn), "wrong")
        self.assertGreaterEqual(await self.event(tab, "failed"), 400)

    async def test_echo(self) -> None:
        """A call to Echo() has audio both ways; held with a=inactive it is silent, and audio is back after resume."""
        tab = await self.registered()
        await tab.evaluate("page.call", "1003")
        await self.event(tab, "established")
        await self.hears(tab, "page.pc")
        await tab.evaluate("page.hold")
        await self.event(tab, "established", 2)
        await self.falls_silent(tab, "page.pc")
        await tab.evaluate("page.resume")
        await self.event(tab, "established", 3)
        await self.hears(tab, "page.pc")
        await tab.evaluate("page.hangUp")
        await self.over(tab)

    async def test_digits(self) -> None:
        """Digits that the browser sends in its media (RFC 4733) arrive in Asterisk."""
        before = len(self.environment.asterisk.digits_read())
        tab = await self.registered()
        await tab.evaluate("page.call", "1007")
        await self.event(tab, "established")
        await self.pause(1.0)  # digits before DTLS is up are lost, as in every WebRTC call
        await tab.evaluate("page.digits", "2468")
        read = self.environment.asterisk.digits_read
        await self.eventually("Asterisk to read the digits", lambda: read()[before:] == ["2468"])
        await tab.evaluate("page.hangUp")
        await self.over(tab)

    async def test_inbound(self) -> None:
        """A call that comes in is accepted by the page, has audio both ways, and ends when the caller hangs up."""
        tab = await self.registered()
        originated = self.originate(self.dn)
        await self.event(tab, "incoming")
        await tab.evaluate("page.accept")
        await originated
        await self.hears(tab, "page.pc")
        await self.asterisk("channel request hangup all")
        await self.event(tab, "peer closing")
        await self.over(tab)

    async def test_cancelled_by_the_caller(self) -> None:
        """A caller who gives up ends the ringing; the page can place a call after that."""
        tab = await self.registered()
        originated = self.originate(self.dn)
        await self.event(tab, "incoming")
        await self.asterisk("channel request hangup all")
        await self.event(tab, "peer closing")
        await originated
        await tab.evaluate("page.call", "1003")
        await self.event(tab, "established")
        await tab.evaluate("page.hangUp")
        await self.over(tab)

    async def test_agent_to_agent(self) -> None:
        """Two pages hear each other, and after one has held the call and resumed; in between neither hears anything."""
        caller = await self.registered()
        callee = await self.colleagues(caller)
        await caller.evaluate("page.call", str(self.colleague))
        self.assertEqual(await self.event(callee, "incoming"), str(self.dn))
        await callee.evaluate("page.accept")
        await self.event(caller, "established")
        for tab in (caller, callee):
            await self.hears(tab, "page.pc")
        await caller.evaluate("page.hold")
        await self.event(caller, "established", 2)
        # Asterisk answers a=inactive with the same, and still sends the holder the held side's packets: the browser
        # drops them
        await self.hears_nothing(caller, "page.pc")
        await self.falls_silent(callee, "page.pc")
        await caller.evaluate("page.resume")
        await self.event(caller, "established", 3)
        for tab in (caller, callee):
            await self.hears(tab, "page.pc")
        await callee.evaluate("page.hangUp")
        await self.event(caller, "peer closing")
        self.assertEqual(await callee.evaluate("page.disconnect"), 200)
        await self.over(caller)

    async def reload(self, tab: Tab, dn: int, peer: int | str) -> None:
        """Load a page again, register, and take its call up; it has sound both ways."""
        await tab.reload()
        await self.register(tab, dn)
        self.assertEqual(await self.event(tab, "incoming"), str(peer))
        await tab.evaluate("page.accept")
        await self.event(tab, "established")
        await self.hears(tab, "page.pc")

    async def test_reload_in_a_call(self) -> None:
        """A page that is loaded again takes up its call with new ICE and DTLS; it is the same call for Asterisk."""
        tab = await self.registered()
        await tab.evaluate("page.call", "1003")
        await self.event(tab, "established")
        await self.hears(tab, "page.pc")
        channels = self.environment.asterisk.channels()
        for _ in range(2):
            await self.reload(tab, self.dn, 1003)
        await tab.evaluate("page.hold")
        await self.event(tab, "established", 2)
        await self.falls_silent(tab, "page.pc")
        await tab.evaluate("page.resume")
        await self.event(tab, "established", 3)
        await self.hears(tab, "page.pc")
        self.assertEqual(self.environment.asterisk.channels(), channels)
        await tab.evaluate("page.hangUp")
        await self.over(tab)

    async def test_reload_of_both(self) -> None:
        """Each of two pages that talk may be loaded again, and both hear each other after it."""
        caller = await self.registered()
        callee = await self.colleagues(caller)
        await caller.evaluate("page.call", str(self.colleague))
        await self.event(callee, "incoming")
        await callee.evaluate("page.accept")
        await self.event(caller, "established")
        for tab in (caller, callee):
            await self.hears(tab, "page.pc")
        for tab, dn, peer in ((caller, self.dn, self.colleague), (callee, self.colleague, self.dn)):
            await self.reload(tab, dn, peer)
            for other in (caller, callee):
                await self.hears(other, "page.pc")
        await callee.evaluate("page.hangUp")
        await self.event(caller, "peer closing")
        self.assertEqual(await callee.evaluate("page.disconnect"), 200)
        await self.over(caller)

    async def test_register_again(self) -> None:
        """disconnect() and register() at once, in a call: whichever overtakes the other, one registration is left."""
        tab = await self.registered()
        for count, late in enumerate(("/sign_out", "/sign_in", "BYE"), start=2):
            await tab.evaluate("page.call", "1003")
            await self.event(tab, "established", count - 1)
            await tab.evaluate(HOLDING_BACK, late)
            await tab.evaluate("page.register", str(self.dn), PASSWORD)
            await self.event(tab, "registered", count)
            await self.quiet()
            await self.pause(1.0)  # for what was held back
            self.assertEqual(len(self.environment.asterisk.contacts(str(self.dn))), 1, late)
        await tab.evaluate("page.call", "1003")
        await self.event(tab, "established", 4)
        await self.hears(tab, "page.pc")
        await tab.evaluate("page.hangUp")
        await self.over(tab)

    async def test_rejected(self) -> None:
        """A page that hangs up while it rings ends the call for the caller."""
        tab = await self.registered()
        originated = self.originate(self.dn)
        await self.event(tab, "incoming")
        await tab.evaluate("page.hangUp")
        await originated
        await self.over(tab)
