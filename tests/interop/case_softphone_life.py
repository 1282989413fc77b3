"""The softphone in real Chromium: reloads, the keyboard, what goes wrong, microphones and loudspeakers."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from tests.interop.chromium import Tab
from tests.interop.softphone_page import CONNECTION, SoftphoneCase, button


class Reloads(SoftphoneCase):
    """A page that is loaded again."""

    async def test_call(self) -> None:
        """A call goes on, with its time and its history; who is asked before a transfer is known still."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.connect(caller, agent, 5001)
        began = await agent.evaluate("() => softphone.desk.selected.answeredAt")
        await agent.reload()
        await self.state(agent, "established")
        await self.hears(agent, CONNECTION)
        again = await agent.evaluate("() => softphone.desk.selected.answeredAt")
        self.assertLess(abs(again - began), 1500)
        await self.transfer(agent, 1003, "Consult first")
        await self.sees(agent, "Consulting 1003.", ".consult")
        await agent.reload()
        await self.calls(agent, 2)
        await self.sees(agent, "Consulting 1003. 5002 is on hold.", ".consult")
        agent.console.expect(r"404 .*/api/webrtc/message\?from=")  # the call of an offer under way ends
        await self.press(agent, "Complete transfer")
        await self.calls(agent, 0)
        await self.hears(caller, CONNECTION)

    async def test_gateway_away(self) -> None:
        """While the gateway cannot be reached after a reload the page says so, and goes on when it can."""
        tab = await self.agent()
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        tab.console.expect("net::ERR_FAILED")
        await self.do(tab, lambda page: page.route("**/webrtc/calls?*", lambda route: route.abort()))
        await tab.reload()
        await self.sees(tab, "Gateway not reachable, trying again", "header")
        await self.do(tab, lambda page: page.unroute("**/webrtc/calls?*"))
        await self.sees(tab, "Ready · 5001", "header")
        await self.state(tab, "established")
        await self.hears(tab, CONNECTION)

    async def test_registration(self) -> None:
        """A page that is loaded while the registration has failed says so, not what was true before."""
        tab = await self.agent()
        told = {"calls": [], "registration": {"state": "FAILED", "sipCode": 503, "reason": "Service Unavailable"}}
        await self.do(tab, lambda page: page.route("**/webrtc/calls?*", lambda route: route.fulfill(json=told)))
        await tab.reload()
        await self.sees(tab, "5001 is not registered: 503 Service Unavailable", "header")
        self.assertEqual(await tab.evaluate("() => document.querySelector('.status').dataset.level"), "bad")
        await self.sees(tab, "No calls can come in at present: see the state above.", ".stage")

    async def test_ringing(self) -> None:
        """A call that rings does so again, and can be answered."""
        agent, caller = await self.agent(5001), await self.agent(5002)
        await self.dial(caller, 5001)
        await self.calls(agent, 1)
        await agent.reload()
        await self.press(agent, "Answer")
        await self.state(agent, "established")
        await self.hears(agent, CONNECTION)

    async def test_long_history(self) -> None:
        """A long list of calls scrolls by itself: its labels for screen readers make no page of empty space."""
        tab = await self.agent(5001)
        await tab.evaluate(
            """() => localStorage.setItem("softphone-history 5001", JSON.stringify(Array.from({ length: 60 }, (_, at) =>
                ({ direction: "outbound", peer: "1003", name: "", at, duration: 0, outcome: "failed", cause: "" }))))"""
        )
        await tab.chromium.run(tab.page.reload)
        await self.until(tab, "() => document.querySelectorAll('.entry').length === 60")
        below = """() => document.documentElement.scrollHeight
            - document.querySelector(".phone-panel").getBoundingClientRect().bottom"""
        self.assertLessEqual(await tab.evaluate(below), 24)

    async def test_kept(self) -> None:
        """History, language, colours and the number of the last sign-in outlive the session."""
        tab = await self.agent(5003, locale="de-DE")
        await self.dial(tab, 1005)
        await self.sees(tab, "1005 ist besetzt.", ".ended")
        await self.open_menu(tab)
        await self.do(tab, lambda page: page.get_by_label("Darstellung").select_option("dark"))
        await self.do(tab, lambda page: page.get_by_label("Sprache").select_option("en"))
        await self.sees(tab, "1005 is busy.", ".ended")
        await self.sign_out(tab)
        await self.sees(tab, "Signed out", "header")
        await tab.reload()
        await self.until(tab, "() => document.documentElement.lang === 'en'")
        await self.until(tab, "() => document.querySelector('[name=dn]')?.value === '5003'")
        self.assertEqual(await tab.evaluate("() => document.documentElement.dataset.theme"), "dark")
        await self.press(tab, "Sign in")
        await self.sees(tab, "1005", ".recents .entry")


class Keyboard(SoftphoneCase):
    """Without a mouse."""

    async def test_call(self) -> None:
        """One signs in, calls, holds, sends digits, hangs up and calls again by the keyboard alone."""
        tab = await self.open()
        await self.until(tab, "() => Boolean(document.querySelector('.sign-in'))")
        await self.keys(tab, "Enter")
        await self.sees(tab, "Ready · 5001", "header")
        self.assertEqual(await tab.evaluate("() => document.activeElement.className"), "number")
        await self.keys(tab, "Control+A", "1", "0", "0", "7", "Enter")
        await self.state(tab, "established")
        self.assertEqual(await self.focused(tab), "1007")
        await self.keys(tab, "5")
        self.assertEqual(await tab.evaluate("() => document.querySelector('.sent').textContent"), "5")
        await self.tab_to(tab, "Hold")
        await self.keys(tab, "Space")
        await self.state(tab, "held")
        await self.keys(tab, "Space")
        await self.state(tab, "established")
        await self.tab_to(tab, "Hang up")
        await self.keys(tab, "Enter")
        await self.calls(tab, 0)
        self.assertEqual(await self.focused(tab), "Calls")
        await self.tab_to(tab, "Call 1007")
        await self.keys(tab, "Enter")
        await self.state(tab, "established")

    async def test_answer(self) -> None:
        """A call that comes in does not take the focus from a field, and is answered by Tab and Enter."""
        agent, caller = await self.agent(5001), await self.agent(5002)
        await self.do(agent, lambda page: page.locator(".dial input").focus())
        await self.dial(caller, 5001)
        await self.calls(agent, 1)
        self.assertEqual(await agent.evaluate("() => document.activeElement.className"), "number")
        await self.tab_to(agent, "Answer", "Shift+Tab")
        await self.keys(agent, "Enter")
        await self.state(agent, "established")
        self.assertEqual(await self.focused(agent), "5002")

    async def keys(self, tab: Tab, *names: str) -> None:
        """Press keys."""
        for name in names:
            await tab.chromium.run(partial(tab.page.keyboard.press, name))

    async def tab_to(self, tab: Tab, name: str, key: str = "Tab") -> None:
        """Go from element to element until one of that name has the focus, which has to be seen."""
        for _ in range(60):
            await self.keys(tab, key)
            if await self.focused(tab) == name:
                outline = await tab.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                self.assertEqual(outline, "solid")
                return
        self.fail(f"{name} cannot be reached by {key}")


class Troubles(SoftphoneCase):
    """What goes wrong is said, with what to do."""

    async def test_wrong_password(self) -> None:
        """A refused sign-in says what is wrong, and the password has the focus."""
        tab = await self.open()
        tab.console.expect("401")
        await self.until(tab, "() => Boolean(document.querySelector('.sign-in'))")
        await self.do(tab, lambda page: page.get_by_label("Password", exact=True).fill("wrong"))
        await self.press(tab, "Sign in")
        await self.sees(tab, "Number or password is wrong. Check both, then try again.", ".notice")
        self.assertEqual(await tab.evaluate("() => document.activeElement.name"), "password")
        await self.sees(tab, "Signed out", "header")

    async def test_no_number(self) -> None:
        """Without a number nothing is called, and the field says so."""
        tab = await self.agent()
        await self.dial(tab, "")
        await self.sees(tab, "The number is missing.", ".notice")
        self.assertEqual(await tab.evaluate("() => document.activeElement.ariaInvalid"), "true")
        await self.do(tab, lambda page: page.keyboard.type("1"))
        await self.until(tab, "() => !document.querySelector('.notice')")

    async def test_unreachable(self) -> None:
        """While the gateway cannot be reached the page says so, and when it can, it is registered again."""
        tab = await self.agent()
        tab.console.expect("ERR_INTERNET_DISCONNECTED|ERR_NETWORK|Failed to fetch|ERR_INCOMPLETE_CHUNKED")
        await self.do(tab, lambda page: page.context.set_offline(True))
        await self.dial(tab, 1003)
        await self.sees(tab, "The call to 1003 was not placed: the gateway cannot be reached.", ".ended")
        self.assertEqual(await tab.evaluate("() => document.querySelectorAll('.notice').length"), 0)
        await self.do(tab, lambda page: page.context.set_offline(False))
        await self.sees(tab, "Ready · 5001", "header")
        await self.press(tab, "Close this message")
        await self.sees(tab, "Ready", ".stage")
        await self.dial(tab, 1003)
        await self.state(tab, "established")

    async def test_playback(self) -> None:
        """Where the browser plays no sound before a click, the page says so, and the click lets it be heard."""
        tab = await self.agent()
        await tab.evaluate(
            """() => { window.played = 0; let used = false; const { play } = HTMLMediaElement.prototype;
            document.addEventListener("pointerdown", (event) => { used = event.target.tagName === "H1"; }, true);
            HTMLMediaElement.prototype.play = function () {
                if (!used) return Promise.reject(new DOMException("", "NotAllowedError"));
                played += 1;
                return play.call(this);
            }; }"""
        )
        await self.dial(tab, 1003)
        await self.sees(tab, "The browser does not play the sound yet. Click anywhere on this page.", ".notice")
        self.assertEqual(await tab.evaluate("() => played"), 0)
        await self.do(tab, lambda page: page.locator("h1").click())
        await self.until(tab, "() => played === 1 && !document.querySelector('.notice')")

    async def test_other_page(self) -> None:
        """The page whose number another one takes says that."""
        tab, other = await self.agent(5004), await self.open()
        other.console.expect("409")
        await self.until(other, "() => Boolean(document.querySelector('.sign-in'))")
        await self.do(other, lambda page: page.locator("input[name=dn]").fill("5004"))
        await self.do(other, lambda page: page.locator(".sign-in button[type=submit]").click())
        await self.sees(other, "5004 is in use on another page", "dialog")
        await self.press(other, "Use here", "dialog")
        await self.until(other, "() => document.querySelector('.status')?.dataset.level === 'ok'")
        await self.sees(tab, "another page or tab has signed in with your number", ".notice")
        await self.sees(tab, "Signed out", "header")
        tab.console.expect("403|404")

    async def test_not_placed(self) -> None:
        """Why a call does not come about is said in words."""
        tab = await self.agent()
        for number, words in ((1005, "1005 is busy. Try again later."), (1009, "1009 cannot be reached."), (7, "7")):
            await self.dial(tab, number)
            await self.sees(tab, words, ".ended.failure")
        for why in ("busy", "not reachable", "no such number"):
            await self.sees(tab, f"Not connected: {why}", ".recents")


class Refused(SoftphoneCase):
    """A browser that does not let the page have the microphone."""

    without: ClassVar[Sequence[str]] = ("--use-fake-ui-for-media-stream",)

    async def test_microphone(self) -> None:
        """The page says what to do; a call that comes in goes on ringing, and can be rejected."""
        agent = await self.agent(5001)
        await self.dial(agent, 1003)
        await self.sees(agent, "The microphone is blocked.", ".notice")
        self.assertEqual(await agent.evaluate("() => document.querySelector('.dial input').value"), "1003")
        await self.press(agent, "Close this message")
        caller = await self.agent(5002, permissions=["microphone"])
        await self.dial(caller, 5001)
        await self.press(agent, "Answer")
        await self.sees(agent, "The microphone is blocked.", ".notice")
        await self.calls(agent, 1)
        await self.press(agent, "Reject")
        await self.calls(agent, 0)


class Devices(SoftphoneCase):
    """Microphones and loudspeakers."""

    async def test_choice(self) -> None:
        """Another microphone is used at once, and kept; the test shows how loud it is."""
        tab = await self.agent()
        await self.open_menu(tab)
        await self.press(tab, "Test microphone")
        await self.until(tab, "() => Number(document.querySelector('.test .level').ariaValueNow) > 0")
        await self.press(tab, "End test")
        other = "() => document.querySelectorAll('.audio select')[0].options.length > 1"
        await self.until(tab, other)
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        await self.open_menu(tab)
        await self.do(tab, lambda page: page.get_by_label("Microphone", exact=True).select_option(index=2))
        chosen = await tab.evaluate("() => document.querySelectorAll('.audio select')[0].value")
        self.assertTrue(chosen)
        track = "softphone.desk.selected.localStream?.getAudioTracks()[0].getSettings().deviceId ?? ''"
        await self.until(tab, f"(chosen) => {track} === chosen", chosen)
        await self.hears(tab, CONNECTION)
        await tab.reload()
        await self.state(tab, "established")
        await self.until(tab, f"(chosen) => {track} === chosen", chosen)

    async def test_levels(self) -> None:
        """In a call the meters move, and the microphone's lies still while it is muted."""
        tab = await self.agent()
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        mine, theirs = (f"document.querySelectorAll('.levels .level')[{index}].ariaValueNow" for index in (0, 1))
        await self.until(tab, f"() => Number({mine}) > 0")
        await self.until(tab, f"() => Number({theirs}) > 0")
        await self.do(tab, lambda page: button(page, "Mute").click())
        await self.until(tab, f"() => Number({mine}) === 0")
