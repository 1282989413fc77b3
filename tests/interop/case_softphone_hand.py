"""What lies at hand around the softphone: headset, keyboard, mini phone, notifications, links, switches, favourites."""

from collections.abc import Mapping
from typing import Any, ClassVar

from playwright.sync_api import Page, Worker

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.servers import PROJECT
from tests.interop.softphone_page import CONNECTION, SoftphoneCase

NUMBER = "() => document.querySelector('.dial input').value"
HEADSET = """async () => {
    const { FakeDevice, FakeHid, LINK_380 } = await import("%s");
    window.headset = new FakeDevice(LINK_380);
    window.hid = new FakeHid();
    Object.defineProperty(navigator, "hid", { value: window.hid, configurable: true });
}"""
SAID = "(...report) => window.headset.tell(...report)"
SHOWN = "(lamps) => window.headset.sent.at(-1)?.[1] === lamps"
RINGING, OFF_HOOK, MUTED = 0b1000_1000, 0b1, 0b100
INSTALLABLE = """async () => {
    const { active, scope } = await navigator.serviceWorker.ready;
    const { controller } = navigator.serviceWorker;
    return { script: active.scriptURL, scope, caches: await caches.keys(), controller };
}"""
PRESSED = """async (action) => {
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action }));
}"""
NOTES = "() => navigator.serviceWorker.ready.then((worker) => worker.getNotifications()).then((all) => all.length)"
ELSEWHERE = "() => { Document.prototype.hasFocus = () => false; }"
MINI = "() => documentPictureInPicture.window?.document"


class Hand(SoftphoneCase):
    """Each way to a call does the same as the buttons of the page."""

    async def test_headset(self) -> None:
        """A headset that was allowed by a click rings, answers, mutes and hangs up, and shows what the page does."""
        caller, agent = await self.agent(5002), await self.with_headset()
        await self.dial(caller, 5001)
        await self.until(agent, SHOWN, RINGING)
        await agent.evaluate(SAID, 2, OFF_HOOK, 0)
        for tab in (caller, agent):
            await self.state(tab, "established")
        await self.hears(agent, CONNECTION)
        await agent.evaluate(SAID, 2, 0b1001, 0)
        await self.sees(agent, "Muted", ".call")
        await self.until(agent, SHOWN, OFF_HOOK | MUTED)
        await self.press(agent, "Unmute")
        await self.until(agent, SHOWN, OFF_HOOK)
        await agent.evaluate(SAID, 2, 0, 0)
        for tab in (caller, agent):
            await self.calls(tab, 0)
        await self.until(agent, SHOWN, 0)

    async def with_headset(self) -> Tab:
        """Return a page with a headset, a fake one as its browser would show a Jabra Link 380."""
        tab = await self.open(locale="en-US")
        fake = (PROJECT / "tests/browser/fake_hid.mjs").read_text()

        def serve(page: Page) -> None:
            page.route("**/fake_hid.js", lambda route: route.fulfill(body=fake, content_type="text/javascript"))

        await self.do(tab, serve)
        await tab.evaluate(HEADSET % "/softphone/fake_hid.js")
        await self.sign_in(tab, 5001)
        await self.unfold(tab)
        await check_accessible(tab)
        asked = "() => [hid.asked.length, hid.chosen.length]"
        self.assertEqual(await tab.evaluate(asked), [0, 0])
        await tab.evaluate("() => { hid.chosen = [headset]; }")
        await self.press(tab, "Connect a headset")
        await self.sees(tab, "Jabra Link 380: connected", ".headsets")
        return tab

    async def unfold(self, tab: Tab) -> None:
        """Open the menu, and what is at hand in it."""
        await self.do(tab, lambda page: page.locator(".menu-button").click())
        await self.do(tab, lambda page: page.locator("details.hand summary").click())

    async def test_keys(self) -> None:
        """The keyboard answers, mutes, holds, opens the pad and hangs up, but not from a field; ``?`` lists it."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.key(agent, "?")
        await self.sees(agent, "Keyboard shortcuts", "dialog")
        await check_accessible(agent)
        await self.do(agent, lambda page: page.keyboard.press("Escape"))
        await self.dial(caller, 5001)
        await self.calls(agent, 1)
        await self.do(agent, lambda page: page.locator(".dial input").fill(""))
        for name in ("Alt+a", "?"):
            await self.do(agent, lambda page, name=name: page.locator(".dial input").press(name))  # type: ignore[misc]
        self.assertEqual(await agent.evaluate(NUMBER), "?")
        left = "() => [softphone.desk.incoming.length, document.querySelectorAll('dialog').length]"
        self.assertEqual(await agent.evaluate(left), [1, 0])
        await self.key(agent, "Alt+a")
        await self.state(agent, "established")
        await self.key(agent, "Alt+m")
        await self.until(agent, "() => softphone.desk.selected.muted")
        await self.key(agent, "Alt+k")
        await self.until(agent, "() => document.querySelector('.keys').checkVisibility()")
        await self.key(agent, "Alt+h")
        await self.state(agent, "held")
        await self.key(agent, "Alt+u")
        for tab in (caller, agent):
            await self.calls(tab, 0)
        await self.key(agent, "Alt+n")
        self.assertTrue(await agent.evaluate("() => document.activeElement.matches('.dial input')"))

    async def key(self, tab: Tab, name: str) -> None:
        """Press a key with the focus in no field."""
        await tab.evaluate("() => document.activeElement.blur()")
        await self.do(tab, lambda page: page.keyboard.press(name))

    async def test_mini(self) -> None:
        """The mini phone shows who calls and answers; its keys count; it goes with the session."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.unfold(agent)
        await self.press(agent, "Mini phone")
        mini = await self.mini(agent)
        await self.dial(caller, 5001)
        await self.do(agent, lambda _: mini.get_by_role("button", name="Answer").click())
        await self.state(agent, "established")
        await self.do(agent, lambda _: mini.get_by_text("Connected").wait_for())
        await self.do(agent, lambda _: mini.keyboard.press("Alt+m"))
        await self.do(agent, lambda _: mini.get_by_role("button", name="Unmute").wait_for())
        styled = "() => getComputedStyle(document.querySelector('.mini')).display"
        self.assertEqual(await self.do(agent, lambda _: mini.evaluate(styled)), "grid")
        await self.do(agent, lambda _: mini.get_by_role("button", name="Hang up").click())
        await self.calls(caller, 0)
        await self.do(agent, lambda _: mini.get_by_text("No call").wait_for())
        await agent.evaluate("() => softphone.phone.signOut()")
        await self.until(agent, f"() => !({MINI})()")

    async def mini(self, tab: Tab) -> Page:
        """Return the window of the mini phone."""
        await self.until(tab, f"() => ({MINI})()?.querySelector('.mini')?.textContent")
        return await tab.chromium.run(lambda: next(each for each in tab.page.context.pages if each is not tab.page))

    async def test_installable(self) -> None:
        """The page can be installed; its worker keeps nothing, controls nothing, and may ask nobody for anything."""
        tab = await self.agent(5001)
        about = await tab.evaluate(INSTALLABLE)
        home = f"{self.gateway.url}/softphone/"
        self.assertEqual(about, {"script": f"{home}sw.js", "scope": home, "caches": [], "controller": None})

        def looked(page: Page) -> list[Any]:
            session = page.context.new_cdp_session(page)
            manifest = session.send("Page.getAppManifest")
            reasons = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
            return [manifest["url"], manifest["errors"], [each["errorId"] for each in reasons]]

        self.assertEqual(await self.do(tab, looked), [f"{home}manifest.webmanifest", [], ["in-incognito"]])

        def asks(page: Page) -> object:
            code = "() => fetch('/api/health').then(({ status }) => status, (error) => error.name)"
            return worker(page).evaluate(code)

        self.assertEqual(await self.do(tab, asks), "TypeError")

    async def test_notifications(self) -> None:
        """A notification's Answer answers, and its Reject rejects; it goes when the call is over."""
        caller = await self.agent(5002)
        agent = await self.agent(5001, permissions=["notifications", "microphone"])
        await tab_away(self, agent)
        await self.dial(caller, 5001)
        await self.until(agent, f"() => ({NOTES})().then((count) => count === 1)")
        await self.notice(agent, "answer")
        for tab in (caller, agent):
            await self.state(tab, "established")
        await self.press(caller, "Hang up")
        await self.calls(agent, 0)
        await self.dial(caller, 5001)
        await self.until(agent, f"() => ({NOTES})().then((count) => count === 1)")
        await self.notice(agent, "reject")
        await self.sees(caller, "5001 is busy")
        await self.until(agent, f"() => ({NOTES})().then((count) => count === 0)")

    async def notice(self, tab: Tab, action: str) -> None:
        """Press a button of the notification, as the browser tells the worker of it."""
        await self.do(tab, lambda page: worker(page).evaluate(PRESSED, action))

    async def test_links(self) -> None:
        """A link fills a number in and calls nobody; after a reload it is gone; another tab hands it to the phone."""
        tab = await self.open("/softphone/?number=tel%3A%2B49-30-1234")
        await self.sign_in(tab, 5001)
        self.assertEqual(await tab.evaluate(NUMBER), "+49301234")
        self.assertEqual(await tab.evaluate("() => [location.search, softphone.desk.calls.length]"), ["", 0])
        await self.do(tab, lambda page: page.locator(".dial input").fill(""))

        def opened(page: Page) -> str:
            other = page.context.new_page()
            other.goto(f"{self.gateway.url}/softphone/?number=web%2Btel%3A1003")
            other.get_by_text("The number is in your softphone").wait_for()
            other.close()
            return other.url

        self.assertNotIn("number", str(await self.do(tab, opened)))
        await self.sees(tab, "A link has filled in 1003.", ".notice")
        self.assertEqual(await tab.evaluate(NUMBER), "1003")
        self.assertEqual(await tab.evaluate("() => softphone.desk.calls.length"), 0)
        asked = "() => { window.asked = []; navigator.registerProtocolHandler = (...given) => asked.push(given); }"
        await tab.evaluate(asked)
        await self.unfold(tab)
        await self.press(tab, "Open phone links here")
        handler = f"{self.gateway.url}/softphone/?number=%s"
        self.assertEqual(await tab.evaluate("() => asked"), [["tel", handler], ["web+tel", handler]])

    async def test_instead(self) -> None:
        """A second call takes the first one's place, which is hung up; a favourite is kept for transfers."""
        caller, agent, other = await self.agent(5002), await self.agent(5001), await self.agent(5003)
        await self.connect(caller, agent, 5001)
        await self.press(agent, "Transfer", ".controls:visible")
        await self.do(agent, lambda page: page.get_by_label("To number").fill("1003"))
        await self.press(agent, "Keep this number")
        await self.do(agent, lambda page: page.get_by_label("To number").fill(""))
        await check_accessible(agent)
        await self.press(agent, "1003", ".favourites")
        self.assertEqual(await self.do(agent, lambda page: page.get_by_label("To number").input_value()), "1003")
        await self.dial(other, 5001)
        await self.press(agent, "Hang up and answer")
        await self.state(other, "established")
        await self.calls(caller, 0)
        await self.calls(agent, 1)
        await self.hears(agent, CONNECTION)


class Switches(SoftphoneCase):
    """What is switched on is to be seen, and does what it says."""

    settings: ClassVar[Mapping[str, object]] = {"auto_answer": "headers"}

    async def test_signs(self) -> None:
        """Do not disturb lets callers hear busy; it and auto-answer outlast a reload, each with a sign that ends it."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.do(agent, lambda page: page.locator(".menu-button").click())
        for name in ("quiet", "auto"):
            await self.do(agent, lambda page, name=name: page.locator(f"[data-switch={name}]").check())  # type: ignore[misc]
        await self.sees(agent, "Do not disturb is on", ".sign")
        await self.sees(agent, "Auto-answer is on", ".sign")
        for width in (320, 1440):
            await agent.resize(width, 900)
            await check_accessible(agent)
            self.assertLessEqual(await agent.evaluate("() => document.documentElement.scrollWidth"), width)
        await self.dial(caller, 5001)
        await self.sees(caller, "5001 is busy")
        await agent.reload()
        await self.sees(agent, "Do not disturb is on", ".sign")
        await self.sees(agent, "Auto-answer is on", ".sign")
        await self.do(agent, lambda page: page.locator(".sign[data-sign=quiet]").click())
        await self.until(agent, "() => !softphone.phone.doNotDisturb")
        self.assertTrue(await agent.evaluate("() => softphone.phone.options.autoAnswer"))
        await self.do(agent, lambda page: page.locator(".sign[data-sign=auto]").click())
        self.assertFalse(await agent.evaluate("() => softphone.phone.options.autoAnswer"))
        await self.until(agent, "() => !document.querySelector('.signs').checkVisibility()")


def worker(page: Page) -> Worker:
    """Return the softphone's service worker, which a browser lets sleep when nobody needs it; in Chromium's thread."""
    wake = "() => navigator.serviceWorker.ready.then(({ active }) => active.postMessage(null))"
    if page.context.service_workers:
        page.evaluate(wake)
    else:
        with page.context.expect_event("serviceworker"):
            page.evaluate(wake)
    return page.context.service_workers[0]


async def tab_away(case: SoftphoneCase, tab: Tab) -> None:
    """Have a page whose agent looks elsewhere, with its worker ready."""
    await tab.evaluate(ELSEWHERE)
    await case.until(tab, "() => navigator.serviceWorker.ready.then(({ active }) => active.state === 'activated')")
