"""What the cases of the library share: a page of the gateway with a phone in it, and what the phone has told."""

from typing import Any

from twisted.internet.defer import Deferred

from tests.interop.chromium import Audio, Tab
from tests.interop.demo import DemoCase
from tests.interop.servers import PASSWORD

PAGE = "/grtc.d.ts"
"""A page of the gateway's own origin that does nothing by itself."""

SETUP = """async (options) => {
    const { Phone } = await import("/grtc/phone.js");
    const phone = new Phone(options);
    const told = [];
    const shown = (details) => details?.code ?? details?.state ?? details?.reason ?? null;
    for (const name of ["registration", "connection", "incoming", "callended", "error"]) {
        phone.on(name, (details) => told.push([name, shown(details), details?.hint ?? ""]));
    }
    phone.on("signedout", ({ reason, code }) => told.push(["signedout", reason, code]));
    const follow = (call) => {
        window.call = call;
        if (call.followed) return;
        call.followed = true;
        for (const name of ["state", "hold", "transfer", "lint", "quality", "info", "ended", "way", "dtmf", "media"]) {
            call.on(name, (details) => told.push([name, shown(details) ?? details, ""]));
        }
    };
    phone.on("call", follow);
    Object.assign(window, { phone, told });
}"""

SILENT = """() => {
    window.asked = 0;
    navigator.mediaDevices.getUserMedia = async () => {
        asked += 1;
        const context = new AudioContext();
        const out = context.createMediaStreamDestination();
        window.gain = new GainNode(context, { gain: 0 });
        const oscillator = new OscillatorNode(context);
        oscillator.connect(gain).connect(out);
        oscillator.start();
        return out.stream;
    };
}"""
"""A microphone that gives nothing, until its gain is set."""


class LibraryCase(DemoCase):
    """A case of the library against the demo PBX."""

    def setUp(self) -> None:
        """Let every phone be signed out when the case ends, so that no call is left for the next."""
        super().setUp()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._sign_out()))

    async def open(self, path: str = PAGE, **options: Any) -> Tab:
        """Open a page; one that is no page, such as the default, has a policy that would forbid every script."""
        return await super().open(path, **{"bypass_csp": True, **options})

    async def _sign_out(self) -> None:
        for tab in self.tabs:
            if not tab.page.is_closed():
                await tab.evaluate("async () => { await window.phone?.signOut().catch(() => {}) }")

    async def page(self, path: str = PAGE, options: dict[str, object] | None = None, **context: Any) -> Tab:
        """Open a page with a phone that nobody has signed in at."""
        tab = await self.open(path, **context)
        await tab.evaluate(SETUP, options or {})
        return tab

    async def phone(self, dn: int, options: dict[str, object] | None = None, **context: Any) -> Tab:
        """Open a page with a phone, and sign a number in."""
        tab = await self.page(options=options, **context)
        await self.sign_in(tab, dn)
        return tab

    async def sign_in(self, tab: Tab, dn: int) -> None:
        """Sign a number in at a page's phone, and out again when the case ends."""
        await tab.evaluate("async (dn, password) => { await phone.signIn({ dn, password }) }", str(dn), PASSWORD)

    async def call(self, tab: Tab, to: int | str) -> None:
        """Call a number."""
        await tab.evaluate("async (to) => { await phone.call(to) }", str(to))

    async def is_(self, tab: Tab, state: str) -> None:
        """Wait until the page's call is in a state."""
        await self.until(tab, "(state) => window.call?.state === state", state)

    async def answer(self, tab: Tab) -> None:
        """Wait for a call at a page, and answer it."""
        await self.is_(tab, "incoming")
        await tab.evaluate("async () => { await call.answer() }")

    async def connect(self, caller: Tab, called: Tab, number: int) -> None:
        """Let one page call the other, and wait until both hear something."""
        await self.call(caller, number)
        await self.answer(called)
        await self.is_(caller, "established")
        for tab in (caller, called):
            await self.hears(tab, "call.connection")

    async def do(self, tab: Tab, action: str, *arguments: object) -> Any:
        """Let a method of the page's call be done; returns ``{code, hint}`` when it fails."""
        code = f"""async (...given) => {{
            try {{ return await call.{action}(...given) ?? null; }}
            catch (error) {{ return {{ code: error.code, hint: error.hint }}; }}
        }}"""
        return await tab.evaluate(code, *arguments)

    async def told(self, tab: Tab, name: str) -> list[Any]:
        """Return what the phone and its calls have told under one name."""
        return [each[1] for each in await tab.evaluate("() => told") if each[0] == name]

    async def reload(self, tab: Tab) -> None:
        """Load a page again, and let its phone resume."""
        await tab.chromium.run(tab.page.reload)
        await tab.evaluate(SETUP, {})
        self.assertTrue(await tab.evaluate("() => phone.resume()"))

    async def is_back(self, tab: Tab) -> None:
        """Wait until a page is in its call again."""
        await self.is_(tab, "established")
        await self.until(tab, "() => Boolean(call.connection)")
        await self.hears(tab, "call.connection")

    async def falls_silent(self, tab: Tab, connection: str = "call.connection") -> None:
        """Wait until a while passes in which no sound comes in."""
        before = await tab.audio(connection)
        now: Audio = before
        for _ in range(40):
            await self.pause(0.5)
            now = await tab.audio(connection)
            if now.heard - before.heard < 1e-6:
                return
            before = now
        self.fail(f"sound still comes in: {now}")
