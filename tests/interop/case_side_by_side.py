"""The gadget in the page of a desktop, and the softphone of the same agent beside it: they behave as one phone."""

from collections.abc import Mapping

from tests.interop.a11y import check_accessible
from tests.interop.case_gadget import CONNECTION as GADGET
from tests.interop.case_gadget import REGISTERED, TOO_WIDE, GadgetCase
from tests.interop.chromium import Tab
from tests.interop.moves import RING_ALL
from tests.interop.screenshots import Look, screenshots
from tests.interop.servers import PASSWORD
from tests.interop.softphone_page import CONNECTION as SOFTPHONE
from tests.interop.softphone_page import SoftphoneCase

ELSEWHERE = "The sound of this call is on another page."
BELOW = """() => [...document.querySelectorAll(".call .button")].filter((e) => e.checkVisibility())
    .filter((e) => e.getBoundingClientRect().bottom > innerHeight).map((e) => e.innerText)"""
"""Tells which buttons of a call are only to be seen when one scrolls."""
LOOKS = tuple(Look(scheme, width, 740) for width in (320, 768, 1440) for scheme in ("light", "dark"))


class SideBySide(SoftphoneCase, GadgetCase):
    """What an agent and a desktop do at both."""

    async def _sign_out(self) -> None:
        await SoftphoneCase._sign_out(self)
        await GadgetCase._sign_out(self)

    async def both(self) -> tuple[Tab, Tab, Tab]:
        """Sign a softphone in, and beside it a gadget; return the softphone, the desktop, and the gadget in it."""
        softphone = await self.agent()
        desktop, gadget = await self.signed_in()
        return softphone, desktop, gadget

    async def established(self, *tabs: Tab) -> None:
        """Wait until pages show a call that is up."""
        for tab in tabs:
            await self.state(tab, "established")


class OnePhone(SideBySide):
    """Where several pages ring."""

    def wanted(self) -> Mapping[str, object]:
        """Let both be there."""
        return {**super().wanted(), **RING_ALL}

    async def test_incoming(self) -> None:
        """A call rings at both, is answered at one, controlled at the other, and brought there and back."""
        caller = await self.agent(5002)
        softphone, desktop, gadget = await self.both()
        await self.dial(caller, 5001)
        rings = await self.told(desktop, "incoming", peer="5002")
        await self.calls(softphone, 1)
        await self.order(desktop, "answer", call=rings["call"])
        await self.established(softphone, gadget)
        await self.hears(gadget, GADGET)
        await self.told(desktop, "callState", state="established", sound="here")
        await self.sees(softphone, ELSEWHERE, ".elsewhere")
        await check_accessible(softphone)
        await screenshots(softphone, "side-by-side-softphone", LOOKS)
        await self.press(softphone, "Hold", ".controls:visible")
        await self.told(desktop, "callState", held=True)
        await self.state(gadget, "held")
        await self.press(gadget, "Resume", ".controls:visible")
        await self.established(softphone, gadget)
        await self.press(softphone, "Mute", ".controls:visible")
        await self.until(gadget, f"() => {GADGET.rpartition('.')[0]}.muted")
        await self.told(desktop, "callState", muted=True)
        await self.order(desktop, "mute", on=False)
        await self.until(softphone, f"() => !{SOFTPHONE.rpartition('.')[0]}.muted")
        await self.press(softphone, "Use here")
        await self.hears(softphone, SOFTPHONE)
        await self.told(desktop, "callState", sound="elsewhere")
        await self.sees(gadget, ELSEWHERE, ".elsewhere")
        await screenshots(desktop, "side-by-side-desktop", LOOKS)
        await self.order(desktop, "init", language="de")
        await self.sees(gadget, "Der Ton dieses Gesprächs ist auf einer anderen Seite.", ".elsewhere")
        await screenshots(desktop, "side-by-side-desktop-de", LOOKS[:1])
        self.assertEqual(await gadget.evaluate(TOO_WIDE), [])
        self.assertEqual(await gadget.evaluate(BELOW), [])
        await self.order(desktop, "init", language="en")
        await self.order(desktop, "useHere")
        await self.hears(gadget, GADGET)
        await self.sees(softphone, ELSEWHERE, ".elsewhere")
        await self.press(softphone, "Use here")
        await self.hears(softphone, SOFTPHONE)
        await self.press(gadget, "Use here")
        await self.hears(gadget, GADGET)
        self.assertEqual(await self.refused(desktop, "useHere"), "unknown_call")
        await self.press(softphone, "Hang up", ".controls:visible")
        await self.told(desktop, "callEnded", peer="5002", cause="local")
        for tab in (caller, softphone, gadget):
            await self.calls(tab, 0)

    async def test_outgoing(self) -> None:
        """A call that one places is there for the other, which holds and ends it; and one that is a check's is not."""
        softphone, desktop, gadget = await self.both()
        await self.order(desktop, "call", to="1003")
        await self.established(softphone, gadget)
        await self.hears(gadget, GADGET)
        await self.sees(softphone, ELSEWHERE, ".elsewhere")
        await self.press(softphone, "Hang up", ".controls:visible")
        await self.told(desktop, "callEnded", peer="1003")
        await self.dial(softphone, 1003)
        await self.established(softphone, gadget)
        await self.hears(softphone, SOFTPHONE)
        await self.told(desktop, "callState", state="established", sound="elsewhere", direction="outbound")
        await self.order(desktop, "hold")
        await self.state(softphone, "held")
        await self.order(desktop, "resume")
        await self.established(softphone, gadget)
        await self.order(desktop, "hangup")
        for tab in (softphone, gadget):
            await self.calls(tab, 0)
        before = await desktop.evaluate("() => told.length")
        check = """async () => {
            const report = await softphone.phone.check({ only: ["echo"], echoNumber: "1003", echoSeconds: 1 });
            return report.checks.map(({ name, state }) => [name, state]);
        }"""
        self.assertEqual(await softphone.evaluate(check), [["echo", "passed"]])
        heard = await desktop.evaluate("(before) => told.slice(before).map(({ type }) => type)", before)
        self.assertEqual([each for each in heard if each.startswith(("call", "incoming"))], [])

    async def test_sign_out(self) -> None:
        """One that signs out leaves the other its call and its registration."""
        softphone, desktop, gadget = await self.both()
        await self.dial(softphone, 1003)
        await self.established(softphone, gadget)
        await self.order(desktop, "signOut")
        await self.told(desktop, "signedOut")
        await self.hears(softphone, SOFTPHONE)
        await self.order(desktop, "init", dn="5001", id="ada", password=PASSWORD)
        await self.until(gadget, REGISTERED)
        await self.sees(gadget, ELSEWHERE, ".elsewhere")
        await self.order(desktop, "useHere")
        await self.hears(gadget, GADGET)
        await self.sign_out(softphone)
        await self.until(softphone, "() => Boolean(document.querySelector('.sign-in'))")
        await self.hears(gadget, GADGET)
        await self.order(desktop, "hangup")
        await self.calls(gadget, 0)


class Successor(SideBySide):
    """Where the one that signs in takes everything over."""

    async def test_takes_over(self) -> None:
        """The gadget asks before it takes the softphone's call; the softphone says what has become of it."""
        softphone = await self.agent()
        await self.dial(softphone, 1003)
        await self.established(softphone)
        await self.hears(softphone, SOFTPHONE)
        gadget = await self.open("/gadget/?lang=en")
        gadget.console.expect("409")
        await self.do(gadget, lambda page: page.get_by_label("Your number (DN)").fill("5001"))
        await self.do(gadget, lambda page: page.get_by_label("Password", exact=True).fill(PASSWORD))
        await self.press(gadget, "Sign in")
        await self.press(gadget, "Use here")
        await self.established(gadget)
        await self.hears(gadget, GADGET)
        await self.until(softphone, "() => Boolean(document.querySelector('.sign-in'))")
        await self.sees(softphone, "another page")
        await self.press(gadget, "Hang up", ".controls:visible")
        await self.calls(gadget, 0)
