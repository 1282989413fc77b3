"""Every state of the softphone as people see and hear it: no barriers, and pictures that are kept to be looked at."""

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.screenshots import screenshots
from tests.interop.softphone_page import SoftphoneCase

NARROWEST = 320
ELSEWHERE = """(peer) => softphone.desk.history.add({ direction: "inbound", peer, name: "Ada Lovelace",
    at: Date.now() - 9e7, duration: 0, outcome: "elsewhere", cause: "answered-elsewhere" })"""
WORSE = """() => {
    const bad = { mos: 2.1, loss: 14.2, jitter: 93, rtt: 512, codec: "opus", relayed: true, bad: true };
    softphone.desk.qualityOf = (call) => (call.isUp && !call.held ? bad : null);
    softphone.desk.select(softphone.desk.selected);
}"""
REFUSE = """() => {
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); };
}"""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".unseen"))
    .map((e) => e.outerHTML.slice(0, 120))"""
CUT_OFF = """() => [...document.querySelectorAll(".button .label, .choice, .status")]
    .filter((e) => e.checkVisibility() && getComputedStyle(e).display !== "inline" && e.scrollWidth > e.clientWidth + 1)
    .filter((e) => getComputedStyle(e).clipPath === "none").map((e) => e.outerHTML.slice(0, 120))"""


class Looks(SoftphoneCase):
    """In English and German, light and dark, wide and narrow."""

    timeout = 300

    async def look(self, tab: Tab, name: str) -> None:
        """Look for barriers and for what does not fit, and save pictures."""
        await check_accessible(tab)
        await screenshots(tab, f"softphone-{name}")
        size = tab.page.viewport_size or {"width": 1280, "height": 720}
        await tab.resize(NARROWEST, 640)
        self.assertEqual(await tab.evaluate(TOO_WIDE), [], f"{name}: wider than {NARROWEST} pixels")
        self.assertEqual(await tab.evaluate(CUT_OFF), [], f"{name}: words are cut off")
        await tab.resize(size["width"], size["height"])

    async def test_signed_out(self) -> None:
        """The form to sign in, and what it says of a wrong password."""
        for locale in ("en-US", "de-DE"):
            tab = await self.open(locale=locale)
            tab.console.expect("401")
            await self.until(tab, "() => Boolean(document.querySelector('.sign-in'))")
            await self.look(tab, f"signed-out-{locale[:2]}")
            await self.do(tab, lambda page: page.locator("[name=password]").fill("x"))
            await self.do(tab, lambda page: page.locator(".sign-in [type=submit]").click())
            await self.until(tab, "() => Boolean(document.querySelector('.notice'))")
            await self.look(tab, f"refused-{locale[:2]}")

    async def test_calls(self) -> None:
        """Nothing to do, a call that rings, one in hand with all its parts, two of them, and their ends."""
        agent, other = await self.agent(5001), await self.agent(5002)
        await self.press(agent, "Dial pad")
        await self.look(agent, "idle-en")
        await self.open_menu(agent)
        await self.look(agent, "settings-en")
        await self.do(agent, lambda page: page.keyboard.press("Escape"))
        await self.dial(other, 5001)
        await self.calls(agent, 1)
        await self.look(agent, "incoming-en")
        await self.press(agent, "Answer")
        await self.state(agent, "established")
        await self.sees(agent, "good", ".quality .word")
        await self.look(agent, "call-en")
        await self.press(agent, "Mute")
        await self.press(agent, "Keypad")
        await self.do(agent, lambda page: page.keyboard.type("12*"))
        await self.look(agent, "keypad-en")
        await self.press(agent, "Transfer", ".controls:visible")
        await self.do(agent, lambda page: page.locator(".quality summary").click())
        await agent.evaluate(WORSE)
        await self.sees(agent, "The sound is bad", ".quality")
        await self.look(agent, "transfer-en")
        await self.do(agent, lambda page: page.get_by_label("To number").fill("1003"))
        await self.press(agent, "Consult first")
        await self.sees(agent, "Consulting 1003.", ".consult")
        await self.look(agent, "consult-en")
        await self.look(other, "held-en")
        await self.press(agent, "Complete transfer")
        await self.calls(agent, 0)
        await self.look(agent, "transferred-en")

    async def test_german(self) -> None:
        """The same states in German, whose words are longer."""
        agent, other = await self.agent(5001, locale="de-DE"), await self.agent(5002)
        await agent.evaluate(ELSEWHERE, "5007")
        await self.dial(other, 5001)
        await self.calls(agent, 1)
        await self.press(other, "Hang up")
        await self.calls(agent, 0)
        await self.dial(agent, 1005)
        await self.sees(agent, "1005 ist besetzt.", ".ended")
        await self.do(agent, lambda page: page.locator(".offers summary").click())
        await self.look(agent, "ended-de")
        await self.open_menu(agent)
        await self.look(agent, "settings-de")
        await self.dial(agent, 1003)
        await self.state(agent, "established")
        await self.dial(other, 5001)
        await self.calls(agent, 2)
        await self.look(agent, "second-incoming-de")
        await self.press(agent, "Annehmen")
        await self.until(agent, "() => document.querySelectorAll('.call').length === 2")
        await self.state(agent, "established")
        await self.press(agent, "Weiterleiten", ".controls:visible")
        await self.look(agent, "two-calls-de")

    async def test_troubles(self) -> None:
        """The gateway is gone, the microphone refused."""
        for locale, name in (("en-US", "en"), ("de-DE", "de")):
            tab = await self.agent(5001, locale=locale)
            await tab.evaluate(REFUSE)
            await self.dial(tab, 1003)
            await self.until(tab, "() => Boolean(document.querySelector('.notice.error'))")
            tab.console.expect("ERR_INTERNET_DISCONNECTED|ERR_NETWORK|Failed to fetch|ERR_INCOMPLETE_CHUNKED")
            await self.do(tab, lambda page: page.context.set_offline(True))
            await self.until(tab, "() => document.querySelector('.status').dataset.level === 'busy'")
            await self.look(tab, f"trouble-{name}")
            await self.do(tab, lambda page: page.context.set_offline(False))
            await self.until(tab, "() => document.querySelector('.status').dataset.level === 'ok'")
            await self.sign_out(tab)
