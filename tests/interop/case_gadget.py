"""The gadget in real Chromium: in the page of another origin, as in a desktop, and ordered about by it."""

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from playwright.sync_api import Frame, Page
from twisted.internet.defer import Deferred

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase
from tests.interop.host_pages import host_pages
from tests.interop.screenshots import Look, screenshot, screenshots
from tests.interop.servers import PASSWORD

CONNECTION = "gadget.desk.selected.connection"
SIZES = (Look("light", 340, 520), Look("dark", 340, 520))
REGISTERED = "() => document.querySelector('.status')?.dataset.level === 'ok'"
SIGN_OUT = "async () => { await globalThis.gadget?.phone?.signOut?.().catch(() => {}); }"
STATE = "() => document.querySelector('.call[data-selected]')?.dataset.state"
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".unseen"))
    .map((e) => e.outerHTML.slice(0, 120))"""
BROKEN = """() => [...document.querySelectorAll(".button .label")].filter((e) => e.checkVisibility())
    .filter((e) => !e.innerText.includes(" ") && e.getClientRects()[0].height > 30).map((e) => e.outerHTML)"""


class GadgetCase(DemoCase):
    """A case of ``/gadget/`` against the demo PBX."""

    def setUp(self) -> None:
        """Let every gadget sign out when the case ends, so that no call is left for the next."""
        self.hosts = host_pages()
        super().setUp()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._sign_out()))

    def wanted(self) -> Mapping[str, object]:
        """Allow the host its messages and its frame."""
        return {"allowed_origins": [self.hosts.origin]}

    async def _sign_out(self) -> None:
        for tab in self.tabs:
            for frame in await self._frames(tab):
                if frame.url.startswith(self.gateway.url):
                    await Tab(tab.chromium, cast(Page, frame), tab.console).evaluate(SIGN_OUT)

    def _frames(self, tab: Tab) -> "Deferred[list[Frame]]":
        return tab.chromium.run(lambda: [] if tab.page.is_closed() else tab.page.frames)

    async def host(self, query: str = "lang=en", *, origin: str = "", allow: str | None = None, **context: Any) -> Tab:
        """Open a page with the gadget in it."""
        address = quote(f"{self.gateway.url}/gadget/?{query}", safe="")
        more = "" if allow is None else f"&allow={quote(allow)}"
        where = f"{origin or self.hosts.origin}/gadget_host.html?gadget={address}{more}"
        return await self.open(where, **context)

    async def framed(self, tab: Tab) -> Tab:
        """Return the gadget in a page, as a tab, when it is there."""
        for _ in range(80):
            await tab.evaluate("() => 0")  # Playwright hears of frames only while it is asked for something
            frame = await tab.chromium.run(lambda: self._frame(tab.page))
            if frame is not None:
                return Tab(tab.chromium, cast(Page, frame), tab.console)
            await self.pause(0.1)
        raise AssertionError("there is no gadget")

    def _frame(self, page: Page) -> Frame | None:
        return next((each for each in page.frames if each.url.startswith(f"{self.gateway.url}/gadget/")), None)

    async def order(self, tab: Tab, command: str, **fields: object) -> dict[str, Any]:
        """Let the host give an order, and return the result."""
        reply = await tab.evaluate("(type, fields) => order(type, fields)", command, fields)
        self.assertTrue(reply["ok"], reply)
        return cast(dict[str, Any], reply["result"])

    async def refused(self, tab: Tab, command: str, **fields: object) -> str:
        """Let the host give an order that is refused, and return the code of the error."""
        reply = await tab.evaluate("(type, fields) => order(type, fields)", command, fields)
        self.assertFalse(reply["ok"], reply)
        self.assertTrue(reply["error"]["hint"])
        return cast(str, reply["error"]["code"])

    async def told(self, tab: Tab, kind: str, **fields: object) -> dict[str, Any]:
        """Wait until the host was told something, and return it."""
        condition = """(type, wanted) => told.findLast((each) => each.type === type
            && Object.entries(wanted).every(([name, value]) => each[name] === value))"""
        try:
            return cast(dict[str, Any], await self.until(tab, condition, kind, fields))
        except AssertionError:
            self.fail(f"never told {kind} {fields}, but {json.dumps(await tab.evaluate('() => told'))}")

    async def signed_in(self, dn: int = 5001, query: str = "lang=en", **options: Any) -> tuple[Tab, Tab]:
        """Open a page, let it sign the gadget in, and return both."""
        tab = await self.host(query, **options)
        await self.told(tab, "ready")
        await self.order(tab, "init", dn=str(dn), password=PASSWORD)
        frame = await self.framed(tab)
        await self.until(frame, REGISTERED)
        return tab, frame

    async def caller(self, dn: int = 5002) -> Tab:
        """Open another gadget, without a host, and sign it in by hand."""
        tab = await self.open("/gadget/?lang=en")
        await self.sign_in(tab, dn)
        return tab

    async def sign_in(self, tab: Tab, dn: int) -> None:
        """Sign in by hand."""

        def fill() -> None:
            tab.page.get_by_label("Your number (DN)").fill(str(dn))
            tab.page.get_by_label("Password", exact=True).fill(PASSWORD)
            tab.page.get_by_role("button", name="Sign in").click()

        await tab.chromium.run(fill)
        await self.until(tab, REGISTERED)

    async def press(self, tab: Tab, name: str, within: str = "body") -> None:
        """Press a button of a gadget."""
        await tab.chromium.run(lambda: tab.page.locator(within).get_by_role("button", name=name).click())


class Orders(GadgetCase):
    """What the page around it can have done, and is told."""

    async def test_call(self) -> None:
        """Signed in and made to call by the host, with sound; and the host is told each step, in order."""
        tab, frame = await self.signed_in()
        placed = await self.order(tab, "call", to="1003", data={"CaseId": "42"})
        self.assertTrue(placed["callId"])
        await self.told(tab, "callState", state="established")
        await self.hears(frame, CONNECTION)
        await self.order(tab, "mute")
        await self.told(tab, "callState", muted=True)
        await self.order(tab, "mute", on=False)
        await self.order(tab, "hold")
        await self.told(tab, "callState", held=True)
        self.assertEqual(await self.refused(tab, "hold"), "unknown_call")
        await self.order(tab, "resume", call=placed["call"])
        await self.hears(frame, CONNECTION)
        await self.order(tab, "dtmf", digits="12#")
        state = await self.order(tab, "getState")
        self.assertEqual([each["callId"] for each in state["calls"]], [placed["callId"]])
        await self.order(tab, "hangup")
        ended = await self.told(tab, "callEnded", cause="local")
        self.assertEqual((ended["peer"], ended["call"], ended["missed"]), ("1003", placed["call"], False))
        await self.order(tab, "signOut")
        await self.told(tab, "signedOut")
        steps = await tab.evaluate("() => told.filter((e) => e.type !== 'reply').map((e) => [e.type, e.state ?? ''])")
        kinds = [kind if kind == "state" else f"{kind} {state}".strip() for kind, state in steps]
        order = ["ready", "signedIn", "callState calling", "callState established", "callEnded ended", "signedOut"]
        self.assertEqual([each for each in dict.fromkeys(kinds) if each in order], order)

    async def test_incoming(self) -> None:
        """A call that comes in is told, and answered or rejected by the host; nothing twice."""
        tab, frame = await self.signed_in()
        caller = await self.caller()
        for ends in ("hangup", "reject"):
            rings = await self.ring(caller, tab)
            if ends == "hangup":
                await self.order(tab, "answer", call=rings["call"])
                await self.hears(frame, CONNECTION)
                self.assertEqual(await self.refused(tab, "answer"), "unknown_call")
            await self.order(tab, ends, call=rings["call"])
            await self.told(tab, "callEnded", call=rings["call"], cause="local")
            await self.until(caller, "() => !document.querySelector('.call')")
        incoming = await tab.evaluate("() => told.filter((each) => each.type === 'incoming').length")
        self.assertEqual(incoming, 2)

    async def ring(self, caller: Tab, tab: Tab) -> dict[str, Any]:
        """Call 5001 by hand from another gadget, and return what the host is told."""
        before = await tab.evaluate("() => told.length")
        await caller.chromium.run(lambda: caller.page.get_by_label("Number or address").fill("5001"))
        await caller.chromium.run(lambda: caller.page.get_by_role("button", name="Call", exact=True).click())
        found = "(before) => told.slice(before).find((each) => each.type === 'incoming')"
        rings = cast(dict[str, Any], await self.until(tab, found, before))
        self.assertEqual((rings["peer"], rings["direction"], rings["state"]), ("5002", "inbound", "incoming"))
        return rings

    async def test_transfer(self) -> None:
        """A call is transferred; one that cannot be is told so, and goes on."""
        tab, frame = await self.signed_in()
        await self.ring(await self.caller(), tab)
        await self.order(tab, "answer")
        await self.hears(frame, CONNECTION)
        self.assertEqual(await self.refused(tab, "transfer", to="1005"), "transfer_failed")
        await self.hears(frame, CONNECTION)
        await self.order(tab, "transfer", to="1008")
        await self.told(tab, "callEnded", cause="transferred")

    async def test_refused(self) -> None:
        """Orders that cannot be carried out are answered with a code and words; nothing is thrown."""
        tab = await self.host()
        tab.console.expect("401|403|404")
        await self.told(tab, "ready")
        self.assertEqual(await self.refused(tab, "call", to="1003"), "not_signed_in")
        self.assertEqual(await self.refused(tab, "dance"), "unknown_command")
        self.assertEqual(await self.refused(tab, "init", dn="5001", password="wrong"), "registration_refused")
        await self.told(tab, "error", code="registration_refused")
        self.assertEqual(await self.refused(tab, "init", dn="5001", token="none"), "not_signed_in")
        await self.order(tab, "init", dn="5001", password=PASSWORD)
        self.assertEqual(await self.refused(tab, "call"), "bad_input")
        self.assertEqual(await self.refused(tab, "answer"), "unknown_call")

    async def test_token(self) -> None:
        """A host that has signed in by itself gives the session to the gadget."""
        tab = await self.host()
        await self.told(tab, "ready")
        sign_in = """async (url, password) => {
            const body = new URLSearchParams({ id: "desk", dn: "5001", password });
            return (await fetch(url, { method: "POST", headers: { Accept: "application/json" }, body })).json();
        }"""
        session = await tab.evaluate(sign_in, f"{self.gateway.url}/api/webrtc/sign_in", PASSWORD)
        await self.order(tab, "init", dn="5001", id="desk", token=session["session"])
        await self.told(tab, "signedIn", id="desk")
        await self.order(tab, "call", to="1003")
        await self.hears(await self.framed(tab), CONNECTION)

    async def test_reload(self) -> None:
        """The host is loaded again amid a call: the call goes on, and the host is told of it."""
        tab, _ = await self.signed_in()
        await self.order(tab, "call", to="1003")
        await self.told(tab, "callState", state="established")
        await tab.reload()
        ready = await self.told(tab, "ready")
        self.assertEqual([(each["peer"], each["state"]) for each in ready["calls"]], [("1003", "established")])
        await self.hears(await self.framed(tab), CONNECTION)
        await self.order(tab, "hangup")
        await self.told(tab, "callEnded", cause="local")


class Surroundings(GadgetCase):
    """Who may be around it, and what it says when something is wrong there."""

    async def test_foreign_messages(self) -> None:
        """Another frame of the host, and a page that opened the gadget, are not listened to; that is said once."""
        tab, frame = await self.signed_in()
        frame.console.expect(f"does not listen to {self.hosts.foreign}")
        await tab.evaluate(
            """(src) => new Promise((done) => {
                const other = Object.assign(document.createElement("iframe"), { src, name: "other", onload: done });
                document.body.append(other);
            })""",
            f"{self.hosts.foreign}/gadget_foreign.html",
        )
        frames = await tab.chromium.run(lambda: tab.page.frames)
        other = Tab(tab.chromium, cast(Page, next(f for f in frames if f.name == "other")), tab.console)
        for _ in range(2):
            await other.evaluate("() => say(parent.frames.gadget)")
        await self.until(frame, "() => performance.now() > 0")
        self.assertEqual((await self.order(tab, "getState"))["calls"], [])
        complaints = [each for each in frame.console.complaints if "does not listen to" in each]
        self.assertEqual(len(complaints), 1, complaints)
        opener = await self.open(f"{self.hosts.foreign}/gadget_foreign.html")
        await opener.evaluate("(url) => { window.child = open(url); }", f"{self.gateway.url}/gadget/?lang=en")
        child = await self.popup(opener)
        child.console.expect(f"does not listen to {self.hosts.foreign}: it is not the page around")
        await self.until(child, "() => Boolean(document.querySelector('.sign-in'))")
        await opener.evaluate("() => say(child)")
        for _ in range(40):
            await child.evaluate("() => 0")
            if child.console.complaints:
                break
            await self.pause(0.1)
        self.assertEqual(len(child.console.complaints), 1)

    async def popup(self, opener: Tab) -> Tab:
        """Return the page that another one has opened."""

        def find() -> Tab | None:
            for page in opener.page.context.pages:
                if page is not opener.page:
                    tab = Tab(opener.chromium, page)
                    tab.console.attach(page)
                    return tab
            return None

        for _ in range(80):
            await opener.evaluate("() => 0")
            tab = await opener.chromium.run(find)
            if tab is not None:
                return tab
            await self.pause(0.1)
        raise AssertionError("no page was opened")

    async def test_foreign_frame(self) -> None:
        """A page that is not allowed to cannot frame the gadget: the browser shows nothing."""
        tab = await self.host(origin=self.hosts.foreign)
        tab.console.expect("frame-ancestors")
        await self.until(tab, "() => Boolean(frame)")
        await self.pause(1)
        self.assertEqual(await tab.evaluate("() => told"), [])
        texts = await tab.chromium.run(lambda: [each.locator("body").inner_text() for each in tab.page.frames[1:]])
        self.assertFalse(any("DN" in text for text in texts), texts)

    async def test_placeholders(self) -> None:
        """What the desktop fills in is used; what it left as it was is no number, and is said."""
        tab = await self.host("dn=5003&id=ada&number=1003&lang=en&name=$Agent.FirstName$")
        frame = await self.framed(tab)
        await self.told(tab, "error", code="placeholder_not_filled")
        self.assertEqual(await frame.evaluate("() => document.querySelector('[name=dn]').value"), "5003")
        seen = await frame.evaluate("() => document.querySelector('#problems').innerText")
        self.assertIn("name was not filled in: the desktop does not know $Agent.FirstName$.", seen)
        await self.order(tab, "init", password=PASSWORD)
        await self.told(tab, "signedIn", dn="5003", id="ada")
        await self.until(frame, "() => document.querySelector('.dial input')?.value === '1003'")

    async def test_password_in_address(self) -> None:
        """A password in the address is not used, taken away, and said."""
        tab = await self.open(f"/gadget/?lang=en&dn=5001&password={quote(PASSWORD)}")
        await self.until(tab, "() => document.querySelector('[data-code=secret_in_address]')")
        self.assertNotIn("password", await tab.evaluate("() => location.href"))

    async def test_no_microphone(self) -> None:
        """A host that forgot to let the frame have the microphone is told so, and so is the agent."""
        tab = await self.host(allow="autoplay")
        tab.console.expect("Permissions policy violation|permissions policy")
        error = await self.told(tab, "error", code="microphone_policy")
        self.assertIn('allow="microphone', error["hint"])
        frame = await self.framed(tab)
        seen = await frame.evaluate("() => document.querySelector('#problems').innerText")
        self.assertIn("does not let it use the microphone", seen)
        await self.order(tab, "init", dn="5001", password=PASSWORD)
        self.assertEqual(await self.refused(tab, "call", to="1003"), "microphone_refused")
        notice = await frame.evaluate("() => document.querySelector('.phone-panel .notice').innerText")
        self.assertIn("Its iframe needs", notice)
        await screenshot(tab, "gadget-no-microphone")


class Examples(GadgetCase):
    """What is offered for copying works as it is printed."""

    async def test_embed(self) -> None:
        """The lines of the example page, pasted into a page of another origin, are a phone."""
        example = await self.open("/gadget/embed.html")
        await self.until(example, "() => document.querySelector('#events').innerText.includes('ready')")
        await check_accessible(example)
        await screenshots(example, "gadget-embed")
        lines = await example.evaluate("() => document.querySelector('#snippet').textContent")
        page = '<!doctype html><html lang="en"><title>x</title><link rel="icon" href="data:,">'
        tab = await self.open(self.hosts.make("pasted.html", f"{page}<body>{lines}</body></html>"))
        order = "(type, fields) => document.querySelector('#phone').phone.order(type, fields)"
        await tab.evaluate(
            "() => place.addEventListener('wrtcgw-callEnded', ({ detail }) => { window.over = detail; })"
        )
        await tab.evaluate(order, "init", {"dn": "5001", "password": PASSWORD})
        await tab.evaluate(order, "call", {"to": "1003", "data": {"CaseId": "42"}})
        await self.hears(await self.framed(tab), CONNECTION)
        await tab.evaluate(order, "hangup", {})
        await self.until(tab, "() => window.over?.cause === 'local'")
        refused = await tab.evaluate(f"(type) => ({order})(type).catch((error) => error.code)", "dance")
        self.assertEqual(refused, "unknown_command")

    async def test_seed(self) -> None:
        """A page written for ``webrtcGadget`` of the integration document signs in, calls, hangs up, signs out."""
        script = quote(f"{self.gateway.url}/gadget/wwe-webrtc-gadget.js", safe="")
        tab = await self.open(f"{self.hosts.origin}/gadget_seed.html?script={script}")
        tab.console.expect("401")
        await self.until(tab, "() => Boolean(window.webrtcGadget)")
        self.assertEqual((await tab.evaluate("() => signIn('wrong')"))[:2], [False, 401])
        self.assertEqual(await tab.evaluate("() => signIn(" + json.dumps(PASSWORD) + ")"), [True, 200, "OK"])
        await tab.evaluate("() => { webrtcGadget.placeCall('1003'); webrtcGadget.pollForAnswer(); }")
        await self.hears(tab, "webrtcGadget.call?.connection")
        await tab.evaluate("() => webrtcGadget.hangup()")
        await self.until(tab, "() => webrtcGadget.call === null")
        await tab.evaluate("() => webrtcGadget.signOut()")
        self.assertFalse(await tab.evaluate("() => webrtcGadget.phone.isSignedIn"))


class Looks(GadgetCase):
    """As people see it: small, in both languages and both schemes of colours."""

    timeout = 240

    async def look(self, tab: Tab, name: str) -> None:
        """Look for barriers and for what does not fit, and save pictures."""
        await check_accessible(tab)
        await screenshots(tab, f"gadget-{name}", SIZES)
        for width in (340, 280):
            await tab.resize(width, 520)
            self.assertEqual(await tab.evaluate(TOO_WIDE), [], f"{name}: wider than {width} pixels")
        await tab.resize(340, 520)
        self.assertEqual(await tab.evaluate(BROKEN), [], f"{name}: words are broken")

    async def test_looks(self) -> None:
        """Signed out, idle, a call that comes in, one that is up, one that failed."""
        caller = await self.caller()
        for language, words in (("en", ("Sign in", "Answer")), ("de", ("Anmelden", "Annehmen"))):
            tab = await self.open(f"/gadget/?lang={language}&dn=$Agent.DN$", viewport={"width": 340, "height": 520})
            await self.until(tab, "() => Boolean(document.querySelector('.sign-in'))")
            await self.look(tab, f"signed-out-{language}")
            await self.press(tab, words[0])
            await self.until(tab, REGISTERED)
            await self.look(tab, f"idle-{language}")
            await caller.evaluate("() => { gadget.desk.dial('5001'); }")
            await self.until(tab, "() => Boolean(document.querySelector('.incoming'))")
            await self.look(tab, f"incoming-{language}")
            await self.press(tab, words[1])
            await self.until(tab, f"() => ({STATE})() === 'established'")
            await self.look(tab, f"call-{language}")
            await caller.evaluate("() => gadget.desk.selected.hangup()")
            await self.until(tab, "() => !document.querySelector('.call')")
            await tab.evaluate("() => gadget.desk.dial('1005')")
            await self.until(tab, "() => Boolean(document.querySelector('.ended'))")
            await self.look(tab, f"busy-{language}")
            await tab.evaluate("() => gadget.phone.signOut()")
