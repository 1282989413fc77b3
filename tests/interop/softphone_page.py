"""What the cases of the softphone share: how an agent uses it, and where a case looks."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from playwright.sync_api import Locator, Page
from twisted.internet.defer import Deferred

from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase

CONNECTION = "softphone.desk.selected.connection"


class SoftphoneCase(DemoCase):
    """A case of ``/softphone/`` against the demo PBX; buttons and fields are found as a screen reader finds them."""

    def setUp(self) -> None:
        """Let every page sign out when the case ends, so that no call is left for the next."""
        super().setUp()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._sign_out()))

    async def _sign_out(self) -> None:
        for tab in self.tabs:
            if not tab.page.is_closed():
                await tab.chromium.run(partial(tab.page.context.set_offline, False))
                tab.console.check()
                tab.console.expect(r"404 .*/api/webrtc/message\?from=")  # what this sign-out overtakes is refused
                await tab.evaluate("async () => { await window.softphone?.phone.signOut().catch(() => {}) }")

    # -- what an agent does

    async def agent(self, dn: int = 5001, **context: Any) -> Tab:
        """Open the page and sign a number in; the demo has filled in the password."""
        tab = await self.open(**context)
        await self.sign_in(tab, dn)
        return tab

    async def sign_in(self, tab: Tab, dn: int) -> None:
        """Sign a number in."""
        await self.until(tab, "() => Boolean(document.querySelector('.sign-in'))")
        await self.do(tab, lambda page: page.locator("input[name=dn]").fill(str(dn)))
        await self.do(tab, lambda page: page.locator(".sign-in button[type=submit]").click())
        await self.until(tab, "() => document.querySelector('.status')?.dataset.level === 'ok'")

    def do(self, tab: Tab, action: "Callable[[Page], object]") -> "Deferred[object]":
        """Use Playwright's page."""
        return tab.chromium.run(lambda: action(tab.page))

    async def press(self, tab: Tab, name: str, within: str = "body") -> None:
        """Press the button of that name."""
        await self.do(tab, lambda page: button(page, name, within).click())

    async def open_menu(self, tab: Tab) -> None:
        """Open the menu of language, theme and devices, if it is not open."""
        await self.do(tab, open_settings)

    async def sign_out(self, tab: Tab) -> None:
        """Press the button that signs out, in the menu."""
        await self.open_menu(tab)
        await self.do(tab, lambda page: page.locator("#sign-out").click())

    async def dial(self, tab: Tab, number: int | str) -> None:
        """Call a number by the dial pad."""
        await self.do(tab, lambda page: page.locator(".dial input").fill(str(number)))
        await self.do(tab, lambda page: page.locator(".dial button[type=submit]").click())

    async def connect(self, caller: Tab, called: Tab, number: int) -> None:
        """Let one page call the other, which answers, and wait until both hear something."""
        await self.dial(caller, number)
        await self.press(called, "Answer")
        for tab in (caller, called):
            await self.state(tab, "established")
            await self.hears(tab, CONNECTION)

    async def transfer(self, tab: Tab, number: int, how: str) -> None:
        """Transfer the call in hand."""
        await self.press(tab, "Transfer", ".controls:visible")
        await self.do(tab, lambda page: page.get_by_label("To number").fill(str(number)))
        await self.press(tab, how)

    # -- what a case sees

    async def state(self, tab: Tab, state: str) -> None:
        """Wait until the call in hand is in a state, and shown so."""
        shown = "(state) => document.querySelector('.call[data-selected]')?.dataset.state === state"
        await self.until(tab, shown, state)

    async def calls(self, tab: Tab, count: int) -> None:
        """Wait until so many calls are shown, those that ring among them."""
        await self.until(tab, "(count) => document.querySelectorAll('.call, .incoming').length === count", count)

    async def sees(self, tab: Tab, text: str, within: str = "body") -> None:
        """Wait until a text is to be seen."""
        found = "(text, within) => [...document.querySelectorAll(within)].some((e) => e.innerText.includes(text))"
        try:
            await self.until(tab, found, text, within)
        except AssertionError:
            shown = await tab.evaluate("() => document.body.innerText")
            self.fail(f"{text!r} is not to be seen: {shown}")

    async def falls_silent(self, tab: Tab) -> None:
        """Wait until a while passes in which no sound comes in."""
        before = await tab.audio(CONNECTION)
        for _ in range(40):
            await self.pause(0.5)
            now = await tab.audio(CONNECTION)
            if now.heard - before.heard < 1e-6:
                return
            before = now
        self.fail(f"sound still comes in: {before}")

    async def focused(self, tab: Tab) -> str:
        """Return the name of what has the focus."""
        code = "() => { const e = document.activeElement; return (e.ariaLabel || e.innerText || e.id).trim(); }"
        return str(await tab.evaluate(code))


def open_settings(page: Page) -> None:
    """Open the menu of the softphone's bar, and in it the devices of who is signed in."""
    if page.locator(".menu-box").is_hidden():
        page.locator(".menu-button").click()
    devices = page.locator(".menu-box details.audio")
    if devices.count() and devices.get_attribute("open") is None:
        devices.locator("summary").click()


def button(page: Page, name: str, within: str = "body") -> Locator:
    """Return the button of that name that can be seen."""
    exact = re.compile(rf"^{re.escape(name)}$")
    return page.locator(within).get_by_role("button", name=exact).locator("visible=true").first
