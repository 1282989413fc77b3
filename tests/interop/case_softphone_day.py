"""The rarer hours of an agent's day: several calls at once, a network that is away, a page that sleeps, silence."""

import os
import signal
from typing import Any, cast

from tests.interop.case_softphone_notices import SayingCase
from tests.interop.chromium import Tab
from tests.interop.screenshots import screenshot
from tests.interop.softphone_page import CONNECTION

ENGLISH_AWAY, GERMAN_AWAY = "Gateway not reachable, trying again", "Gateway nicht erreichbar, neuer Versuch"
SOON = 3_000
"""Milliseconds in which a page is back when the network is."""


class DayCase(SayingCase):
    """One agent's page is in English, the other's in German."""

    timeout = 240

    async def picture(self, tab: Tab, name: str) -> None:
        """Keep a picture, to be looked at."""
        await screenshot(tab, f"day-{name}")

    async def offline(self, tab: Tab, off: bool) -> None:
        """Take the network away from a page, or give it back; media are not touched."""
        tab.console.expect("ERR_INTERNET_DISCONNECTED|ERR_NETWORK|Failed to fetch|ERR_INCOMPLETE_CHUNKED")
        await self.do(tab, lambda page: page.context.set_offline(off))

    def signal(self, pids: set[int], what: signal.Signals) -> None:
        """Send a signal to processes."""
        for pid in pids:
            os.kill(pid, what)

    async def renderers(self, tab: Tab) -> set[int]:
        """Return the processes that run pages."""

        def ask() -> set[int]:
            browser = tab.page.context.browser
            assert browser is not None
            told = cast(Any, browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo"))
            return {each["id"] for each in told["processInfo"] if each["type"] == "renderer"}

        return await tab.chromium.run(ask)


class Day(DayCase):
    """What happens now and then."""

    async def test_three_at_once(self) -> None:
        """Three calls ring at once: each can be answered, and those that give up are in the list and counted."""
        agent = await self.agent(5001, locale="de-DE")
        callers = [await self.agent(5002), await self.agent(5003), await self.agent(5004)]
        for caller in callers:
            await self.dial(caller, 5001)
        await self.calls(agent, 3)
        await self.picture(agent, "three-de")
        for caller in callers[:2]:
            await self.press(caller, "Hang up")
        await self.calls(agent, 1)
        await self.sees(agent, "Verpasster Anruf von 5003.")
        await self.sees(agent, "2 verpasst")
        await self.picture(agent, "three-missed-de")
        await self.press(agent, "Annehmen")
        await self.state(agent, "established")
        await self.hears(agent, CONNECTION)
        await self.picture(agent, "three-answered-de")
        await self.press(agent, "Auflegen")
        await self.calls(agent, 0)
        await self.sees(agent, "Gespräch mit 5004 beendet.", ".ended")
        await self.picture(agent, "three-after-de")

    async def test_offline(self) -> None:
        """The network is away for 10 s, then for 40 s: the call goes on, and the page says so."""
        english, german = await self.agent(5001), await self.agent(5002, locale="de-DE")
        await self.dial(english, 5002)
        await self.press(german, "Annehmen")
        for tab in (english, german):
            await self.state(tab, "established")
            await self.hears(tab, CONNECTION)
        for seconds in (10, 40):
            for tab in (english, german):
                await self.offline(tab, True)
            await self.pause(seconds - 3)
            await self.sees(english, ENGLISH_AWAY, "header")
            await self.sees(german, GERMAN_AWAY, "header")
            await self.picture(german, f"offline-{seconds}-de")
            for tab in (english, german):
                await self.hears(tab, CONNECTION)
                await self.offline(tab, False)
                began = await tab.evaluate("() => performance.now()")
                await self.until(tab, "() => document.querySelector('.status').dataset.level === 'ok'")
                self.assertLess(await tab.evaluate("() => performance.now()") - began, SOON)
                await self.state(tab, "established")
                await self.hears(tab, CONNECTION)
        await self.press(german, "Halten")
        await self.sees(english, "Held by the other side", ".call")

    async def test_asleep(self) -> None:
        """A page sleeps: who calls is told soon; in a call the far side is told, and all is well afterwards."""
        caller = await self.agent(5002)
        before = await self.renderers(caller)
        agent = await self.agent(5001, locale="de-DE")
        pids = await self.renderers(caller) - before
        self.signal(pids, signal.SIGSTOP)
        try:
            await self.dial(caller, 5001)
            await self.calls(caller, 1)
            await self.state(caller, "calling")
            await self.pause(5)
            await self.calls(caller, 0)
            await self.sees(caller, "5001 cannot be reached.", ".ended")
            await self.picture(caller, "asleep-caller-en")
        finally:
            self.signal(pids, signal.SIGCONT)
        await self.sees(agent, "Verpasster Anruf von 5002, während diese Seite schlief.")
        await self.picture(agent, "awake-de")
        await self.dial(caller, 5001)
        await self.press(agent, "Annehmen")
        for tab in (caller, agent):
            await self.state(tab, "established")
            await self.hears(tab, CONNECTION)
        self.signal(pids, signal.SIGSTOP)
        try:
            await self.pause(14)
            await self.state(caller, "established")
            await self.picture(caller, "asleep-in-call-en")
        finally:
            self.signal(pids, signal.SIGCONT)
        await self.pause(7)
        await self.picture(caller, "awake-in-call-en")
        await self.picture(agent, "awake-in-call-de")
        for tab in (caller, agent):
            await self.hears(tab, CONNECTION)

    async def test_no_sound(self) -> None:
        """No sound comes from the far side."""
        english, german = await self.agent(5001), await self.agent(5002, locale="de-DE")
        await self.dial(english, 5002)
        await self.press(german, "Annehmen")
        for tab in (english, german):
            await self.state(tab, "established")
            await self.hears(tab, CONNECTION)
        pids = {self.gateway.server.pid}
        for tab in (english, german):
            tab.console.expect("Failed to fetch|ERR_|504")
        self.signal(pids, signal.SIGSTOP)
        try:
            await self.pause(16)
            await self.sees(english, "No incoming audio from the other side.", ".quality")
            await self.sees(german, "Von der Gegenseite kommt kein Ton an.", ".quality")
            await self.picture(german, "silent-de")
        finally:
            self.signal(pids, signal.SIGCONT)
        for tab in (english, german):
            await self.hears(tab, CONNECTION)
            await self.until(tab, "() => !document.querySelector('.quality').innerText.includes('audio from')")
