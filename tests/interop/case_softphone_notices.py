"""What the softphone says, when, and for how long: notices, questions, and the words of both languages."""

from typing import cast

from playwright.sync_api import Page

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.softphone_page import CONNECTION, SoftphoneCase

NO_NOTICE = "() => document.querySelectorAll('.notice').length === 0"
FIELD = "() => document.querySelector('.dial input').value"
LISTEN_TO_DIGITS = """() => { window.sent = []; const call = softphone.desk.selected; const dtmf = call.dtmf.bind(call);
    call.dtmf = (digits) => dtmf(digits).then(() => sent.push(digits)); }"""
SILENT = """(name) => { const call = softphone.desk.selected; call.emit(name, { code: "mic_silent", call }); }"""


class SayingCase(SoftphoneCase):
    """A case that is played in both languages, one after the other with the same number."""

    async def leave(self, *tabs: Tab) -> None:
        """Sign pages out, so that their numbers are free."""
        for tab in tabs:
            tab.console.expect(r"404 .*/api/webrtc/message\?from=")  # what this sign-out overtakes is refused
            await tab.evaluate("() => softphone.phone.signOut()")


class Notices(SayingCase):
    """A notice belongs to its call, and says what is."""

    async def test_transfer(self) -> None:
        """A failed transfer names who is busy; the notice goes with the next try, and with the call."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.connect(caller, agent, 5001)
        await self.transfer(agent, 1005, "Transfer now")
        await self.sees(agent, "Transfer failed. You are still connected to 5002: 1005 is busy.", ".notice")
        await self.press(agent, "Hang up")
        await self.calls(agent, 0)
        await self.until(agent, NO_NOTICE)

    async def test_consulted_hangs_up(self) -> None:
        """Who was consulted and hangs up is told, with the way back to who waits, in both languages."""
        caller = await self.agent(5002)
        for locale, how, told, back in (
            ("en-US", "Consult first", "5003 hung up. 5002 is still on hold.", "Back to 5002"),
            ("de-DE", "Rückfrage", "5003 hat aufgelegt. 5002 wird noch gehalten.", "Zurück zu 5002"),
        ):
            agent, asked = await self.agent(5001, locale=locale), await self.agent(5003)
            await self.dial(caller, 5001)
            await self.do(agent, lambda page: page.locator(".incoming .answer").click())
            await self.state(agent, "established")
            await self.consult(agent, 5003, how)
            await self.press(asked, "Answer")
            for tab in (asked, agent):
                await self.state(tab, "established")
            await self.press(asked, "Hang up")
            await self.sees(agent, told, ".notice")
            await check_accessible(agent)
            await self.press(agent, back)
            await self.state(agent, "established")
            await self.until(agent, NO_NOTICE)
            await self.hears(agent, CONNECTION)
            await self.do(agent, lambda page: page.locator("[data-control=end]").click())
            await self.calls(agent, 0)
            await self.leave(agent, asked)

    async def consult(self, tab: Tab, number: int, how: str) -> None:
        """Call somebody before a transfer."""
        await self.do(tab, lambda page: page.locator("[data-control=transfer]").click())
        await self.do(tab, lambda page: page.locator(".transfer input").fill(str(number)))
        await self.press(tab, how)

    async def test_second_call_fails(self) -> None:
        """When a second call comes to nothing, it is told that the first is still on hold."""
        tab = await self.agent()
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        await self.dial(tab, 1005)
        await self.sees(tab, "1005 is busy. 1003 is still on hold.", ".notice")
        await self.press(tab, "Back to 1003")
        await self.state(tab, "established")
        await self.until(tab, NO_NOTICE)

    async def test_bad_number(self) -> None:
        """What is no number is told once, in the page's language, and stays in the field to be put right."""
        for locale, words in (
            ("en-US", "“{}” is not a number that can be called. Check the number."),
            ("de-DE", "„{}“ ist keine Rufnummer, die man anrufen kann. Prüfen Sie die Nummer."),
        ):
            tab = await self.agent(5001, locale=locale)
            tab.console.expect("400")
            for number in ("abc def", "<5002>", "5002, 5003"):
                await self.dial(tab, number)
                await self.sees(tab, words.format(number), ".notice, .ended")
                shown = "() => document.querySelectorAll('.notice, .ended').length"
                self.assertEqual(await tab.evaluate(shown), 1)
                self.assertEqual(await tab.evaluate(FIELD), number)
            await self.leave(tab)

    async def test_unknown_number(self) -> None:
        """A number that nobody has is put back into the field, with a button that leads there."""
        for locale, correct in (("en-US", "Correct the number"), ("de-DE", "Nummer berichtigen")):
            tab = await self.agent(5001, locale=locale)
            await self.dial(tab, 7777)
            await self.until(tab, "() => document.querySelector('.dial input').value === '7777'")
            await self.press(tab, correct)
            self.assertEqual(await tab.evaluate("() => document.activeElement.className"), "number")
            await self.leave(tab)

    async def test_hold_unreachable(self) -> None:
        """An order that does not reach the gateway says which, and promises nothing."""
        for locale, words in (
            ("en-US", "The call is not on hold: the gateway cannot be reached. Check your network, then try again."),
            ("de-DE", "Das Gespräch wird nicht gehalten: Das Gateway ist nicht erreichbar."),
        ):
            tab = await self.agent(5001, locale=locale)
            tab.console.expect("ERR_")
            await self.dial(tab, 1003)
            await self.state(tab, "established")
            await self.do(tab, lambda page: page.route("**/api/webrtc/hold?*", lambda route: route.abort()))
            await self.do(tab, lambda page: page.locator("[data-control=hold]").click())
            await self.sees(tab, words, ".notice")
            await self.leave(tab)

    async def test_silent_microphone(self) -> None:
        """A microphone that the library finds silent is told in words and in the call's line, until it is heard."""
        for locale, line, words in (
            ("en-US", "Connected · Microphone is silent", "Your microphone sends no sound: 1003 cannot hear you."),
            ("de-DE", "Verbunden · Mikrofon ohne Ton", "Ihr Mikrofon sendet keinen Ton: 1003 kann Sie nicht hören."),
        ):
            tab = await self.agent(5001, locale=locale)
            await self.dial(tab, 1003)
            await self.state(tab, "established")
            await tab.evaluate(SILENT, "warning")
            await self.sees(tab, line, ".call .what")
            await self.sees(tab, words, ".notice")
            await check_accessible(tab)
            await tab.evaluate(SILENT, "warningcleared")
            await self.until(tab, NO_NOTICE)
            await self.leave(tab)

    async def test_quality_on_hold(self) -> None:
        """On hold nothing is called very good, and no advice is given."""
        tab = await self.agent()
        await self.dial(tab, 1003)
        await self.sees(tab, "good", ".quality .word")
        await self.press(tab, "Hold")
        await self.sees(tab, "not measured on hold", ".quality .word")


class Digits(SoftphoneCase):
    """Digits in a call are for the call."""

    async def test_typed_elsewhere(self) -> None:
        """The large pad is away while one talks; digits typed with the focus elsewhere are sent, and shown."""
        tab = await self.agent()
        await self.dial(tab, 1007)
        await self.state(tab, "established")
        await tab.evaluate(LISTEN_TO_DIGITS)
        pad = "() => document.querySelector('.dial .keypad').checkVisibility()"
        self.assertFalse(await tab.evaluate(pad))
        await tab.evaluate("() => document.activeElement.blur()")
        await self.do(tab, lambda page: page.keyboard.type("47"))
        await self.do(tab, lambda page: page.locator(".call [data-control=mute]").focus())
        await self.do(tab, lambda page: page.keyboard.type("1"))
        await self.until(tab, "() => sent.join('') === '471'")
        await self.sees(tab, "471", ".sent")
        await self.do(tab, lambda page: page.locator(".dial input").focus())
        await self.do(tab, lambda page: page.keyboard.type("9"))
        self.assertEqual(await tab.evaluate("() => sent.length"), 3)
        self.assertTrue(await tab.evaluate("() => document.querySelector('.dial [aria-expanded]').hidden"))
        await self.press(tab, "Hold")
        await self.press(tab, "Dial pad")
        await self.until(tab, pad)

    async def test_filled_in(self) -> None:
        """The number that the demo has filled in is replaced by what is typed, by the keys as well."""
        tab = await self.agent()
        await self.do(tab, lambda page: page.keyboard.type("1007"))
        self.assertEqual(await tab.evaluate(FIELD), "1007")
        other = await self.agent(5002)
        await self.press(other, "Dial pad")
        for key in "10":
            await self.press(other, key, ".dial")
        self.assertEqual(await other.evaluate(FIELD), "10")


class Questions(SayingCase):
    """What is asked before calls are lost."""

    async def test_sign_out(self) -> None:
        """Signing out in a call asks first; without one it does not."""
        for locale, question, stay, go in (
            ("en-US", "You are talking with 1003. Hang up and sign out?", "Stay signed in", "Hang up and sign out"),
            ("de-DE", "Sie sprechen mit 1003. Auflegen und abmelden?", "Angemeldet bleiben", "Auflegen und abmelden"),
        ):
            tab = await self.agent(5001, locale=locale)
            await self.dial(tab, 1003)
            await self.state(tab, "established")
            await self.sign_out(tab)
            await self.sees(tab, question, "dialog")
            await check_accessible(tab)
            await self.press(tab, stay, "dialog")
            await self.state(tab, "established")
            await self.sign_out(tab)
            await self.press(tab, go, "dialog")
            await self.until(tab, "() => Boolean(document.querySelector('.sign-in'))")

    async def test_closing(self) -> None:
        """Closing the page in a call lets the browser ask; without a call it does not."""
        tab = await self.agent()
        asks = """() => { const event = new Event("beforeunload", { cancelable: true });
            dispatchEvent(event); return event.defaultPrevented; }"""
        self.assertFalse(await tab.evaluate(asks))
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        self.assertTrue(await tab.evaluate(asks))

    async def test_other_tab(self) -> None:
        """A second tab asks before it takes a number over; the call then goes on in it."""
        first = await self.agent(5001)
        await self.dial(first, 1003)
        await self.state(first, "established")
        first.console.expect("403|404")
        page = cast(Page, await first.chromium.run(first.page.context.new_page))
        second = Tab(first.chromium, page)
        self.tabs.append(second)
        second.console.expect("409")
        await self.do(second, lambda page: page.goto(f"{self.gateway.url}/softphone/"))
        await self.until(second, "() => Boolean(document.querySelector('.sign-in form'))")
        await self.press(second, "Sign in")
        await self.sees(second, "Use it here? The call there moves here, and the other page is signed out.", "dialog")
        await self.press(second, "Cancel", "dialog")
        self.assertTrue(await first.evaluate("() => softphone.phone.isSignedIn"))
        await self.press(second, "Sign in")
        await self.press(second, "Use here", "dialog")
        await self.state(second, "established")
        await self.sees(first, "another page or tab has signed in", ".notice")

    async def test_shared_computer(self) -> None:
        """Who has chosen so leaves no list of calls behind."""
        tab = await self.agent(5001)
        await self.dial(tab, 1005)
        await self.sees(tab, "1005 is busy.", ".ended")
        kept = "() => JSON.parse(localStorage.getItem('softphone-history 5001')).length"
        await self.sign_out(tab)
        self.assertEqual(await tab.evaluate(kept), 1)
        await self.sign_in(tab, 5001)
        await self.do(tab, lambda page: page.get_by_label("Delete this list when I sign out").check())
        await self.sign_out(tab)
        await self.until(tab, "() => Boolean(document.querySelector('.sign-in'))")
        self.assertEqual(await tab.evaluate(kept), 0)
