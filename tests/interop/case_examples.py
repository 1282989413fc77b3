"""The pages that the documents print, as they print them, in Chromium against the demo PBX; and ``<wrtc-phone>``."""

import re
from typing import Any

from playwright.sync_api import Error as PlaywrightError

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase
from tests.interop.ears import pause
from tests.interop.host_pages import host_pages
from tests.interop.servers import PASSWORD, PROJECT

DOCUMENT = PROJECT / "docs" / "browser-examples.md"
GATEWAY = "https://gateway.example.com"
CALL = "() => document.querySelector('wrtc-phone').phone?.calls.size === 1"
PARTS = """(wanted) => [...document.querySelector('wrtc-phone').shadowRoot.querySelectorAll('button')]
    .filter((each) => each.checkVisibility() && (!wanted || each.part.contains(wanted)))
    .map((each) => each.textContent)"""
SAYS = "() => document.querySelector('wrtc-phone').shadowRoot.querySelector('[part=status]').textContent"
CONNECTION = "[...document.querySelector('wrtc-phone').phone.calls.values()][0].connection"


def printed() -> list[str]:
    """Return the pages of the document."""
    return re.findall(r"(?s)```html\n(.*?)```", DOCUMENT.read_text("utf-8"))


class ExampleCase(DemoCase):
    """Pages of another origin."""

    def wanted(self) -> dict[str, object]:
        host_pages().make("favicon.ico", "")
        return {
            "allowed_origins": [host_pages().origin],
            "guest_mode": "registered",
            "guest_dn": "5010",
            "guest_password": PASSWORD,
            "guest_destinations": ["1003"],
        }

    async def load(self, name: str, text: str, **options: Any) -> Tab:
        """Serve a page whose gateway is ours, and open it."""
        return await self.open(host_pages().make(name, text.replace(GATEWAY, self.gateway.url)), **options)

    async def press(self, tab: Tab, selector: str) -> None:
        """Click what a person would click; selectors of Playwright see through shadow trees."""
        try:
            await tab.chromium.run(lambda: tab.page.click(selector, timeout=15_000))
        except PlaywrightError as error:
            shown = await tab.evaluate("() => document.body.innerHTML.replace(/<script[^]*?<.script>/g, '')")
            raise AssertionError(f"{selector}: {error}\n{shown}") from None

    async def fill(self, tab: Tab, selector: str, text: str) -> None:
        """Type into a field."""
        await tab.chromium.run(lambda: tab.page.fill(selector, text, timeout=15_000))

    async def shows(self, tab: Tab, text: str) -> None:
        """Wait until the page says something."""
        await self.until(tab, "(text) => document.body.innerText.includes(text)", text)


class Printed(ExampleCase):
    """The three pages of the document."""

    async def test_visitor(self) -> None:
        """A visitor calls, is connected, and hangs up; the microphone is not asked for before the click."""
        tab = await self.load("visitor.html", printed()[0])
        await self.press(tab, "text=Call us")
        await self.until(tab, "() => document.querySelector('#told').value === 'You are connected.'")
        await check_accessible(tab)
        await self.press(tab, "text=Hang up")
        await self.until(tab, "() => !document.querySelector('#call').hidden")

    async def test_panel(self) -> None:
        """An agent signs in, talks to two, and connects them; the first is on hold meanwhile."""
        tab = await self.load("panel.html", printed()[1])
        await self.fill(tab, "[name=dn]", "5004")
        await self.fill(tab, "[name=password]", PASSWORD)
        await self.press(tab, "text=Sign in")
        other = await self.load("panel2.html", printed()[1])
        await self.fill(other, "[name=dn]", "5005")
        await self.fill(other, "[name=password]", PASSWORD)
        await self.press(other, "text=Sign in")
        await self.fill(tab, "[name=number]", "5005")
        await self.press(tab, "#dial button")
        await self.press(other, "text=Answer")
        await self.shows(tab, "5005: established")
        await self.fill(tab, "[name=number]", "1003")
        await self.press(tab, "#dial button")
        await self.shows(tab, "1003: established")
        await self.shows(tab, "5005: on hold")
        await check_accessible(tab)
        await self.press(tab, "li:first-child >> text=Connect with 1003")
        await self.until(tab, "() => !document.querySelectorAll('li').length")
        await self.shows(other, "established")
        await self.press(other, "text=Hang up")
        await self.until(other, "() => !document.querySelectorAll('li').length")

    async def test_element(self) -> None:
        """An agent signs in by the property, calls, mutes, holds and hangs up; the page hears the end."""
        tab = await self.load("element.html", printed()[2])
        await self.fill(tab, "#signin input", PASSWORD)
        await self.press(tab, "text=Sign in")
        await self.until(tab, "() => document.querySelector('#signin').hidden")
        self.assertEqual(await tab.evaluate(SAYS), "Ready.")
        self.assertNotIn(PASSWORD, await tab.evaluate("() => document.documentElement.outerHTML"))
        await self.fill(tab, "wrtc-phone input", "1003")
        await self.press(tab, "wrtc-phone >> text=Call")
        await self.until(tab, CALL)
        await self.hears(tab, CONNECTION)
        await self.press(tab, "wrtc-phone >> text=Mute")
        await self.until(tab, f"() => ({PARTS})('mute')[0] === 'Unmute'")
        await self.press(tab, "wrtc-phone >> text=Hold")
        await self.until(tab, f"() => ({PARTS})('hold')[0] === 'Resume'")
        await check_accessible(tab)
        await self.press(tab, "wrtc-phone >> text=Hang up")
        await self.until(tab, "() => document.querySelector('#last').value === '1003: local'")


class Element(ExampleCase):
    """``<wrtc-phone>`` where pages are strict."""

    async def test_visitor_in_german(self) -> None:
        """A page that allows no inline style and no script but the gateway's has a button that calls; all in German."""
        policy = f"default-src 'none'; script-src {GATEWAY}; connect-src {GATEWAY}; img-src 'self'"
        page = f"""<!doctype html><html lang="de"><meta charset="utf-8"><title>Kontakt</title>
            <meta http-equiv="Content-Security-Policy" content="{policy}">
            <script type="module" src="{GATEWAY}/grtc/element.js"></script>
            <main><h1>Kontakt</h1><wrtc-phone guest to="1003" label="Rufen Sie uns an"></wrtc-phone></main></html>"""
        tab = await self.load("strict.html", page)
        await self.until(tab, f"() => ({PARTS})().length === 1")
        self.assertEqual(await tab.evaluate(PARTS), ["Rufen Sie uns an"])
        await check_accessible(tab)
        await self.press(tab, "wrtc-phone >> text=Rufen Sie uns an")
        await self.until(tab, f"() => ({PARTS})('hangup')[0] === 'Auflegen'")
        await self.until(tab, f"() => ({PARTS})('mute')[0] === 'Stumm schalten'")
        await self.hears(tab, CONNECTION)
        await self.press(tab, "wrtc-phone >> text=Wähltastatur")
        self.assertEqual(len(await tab.evaluate(PARTS, "key")), 12)
        await self.press(tab, "wrtc-phone >> text=Auflegen")
        await self.until(tab, f"() => ({SAYS})() === 'Der Anruf ist beendet.'")
        await tab.evaluate("() => document.querySelector('wrtc-phone').remove()")

    async def test_incoming(self) -> None:
        """Two elements of two agents: one rings, is answered by the keyboard, and the far side's end is told."""
        page = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Phone</title>
            <script type="module" src="{GATEWAY}/grtc/element.js"></script><wrtc-phone dn="%s"></wrtc-phone></html>"""
        called, caller = [await self.load(f"{dn}.html", page % dn) for dn in (5002, 5003)]
        for tab in (called, caller):
            code = "(password) => document.querySelector('wrtc-phone').signIn({ password })"
            await tab.evaluate(code, PASSWORD)
        await caller.evaluate("async () => { await document.querySelector('wrtc-phone').dial('5002') }")
        await self.until(called, f"() => ({PARTS})('answer')[0] === 'Answer'")
        await called.chromium.run(lambda: called.page.press("wrtc-phone >> text=Answer", "Enter"))
        for tab in (called, caller):
            await self.until(tab, f"() => ({PARTS})('mute')[0] === 'Mute'")
            await self.hears(tab, CONNECTION)
        await self.press(caller, "wrtc-phone >> text=Hang up")
        await self.until(called, f"() => ({SAYS})() === '5003 has hung up.'")
        await pause(0.1)
        for tab in (called, caller):
            await tab.evaluate("() => document.querySelector('wrtc-phone').signOut()")
