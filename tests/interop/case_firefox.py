"""Firefox: the library in Debian's firefox-esr, against the demo PBX and against Asterisk."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.interop import base, ears
from tests.interop.demo import DemoCase, demo_folder
from tests.interop.firefox import Firefox, FirefoxTab
from tests.interop.library_page import SILENT
from tests.interop.screenshots import picture
from tests.interop.servers import PASSWORD

SIGN_IN = """async (dn, password) => {
    const { Phone } = await import("/grtc/phone.js");
    globalThis.phone = new Phone();
    phone.on("incoming", (call) => { globalThis.call = call; });
    phone.on("error", (error) => console.error(String(error)));
    await phone.signIn({ dn, password });
    return phone.registration.state;
}"""
BLANK = "/extension/"
"""A page of the gateway whose policy lets its own scripts in, and that has none."""
HIDDEN: Mapping[str, object] = {
    "media.peerconnection.ice.obfuscate_host_addresses": True,
    "media.peerconnection.ice.loopback": False,
}
"""Firefox as it comes: a page that has no microphone does not learn the machine's addresses."""
LISTEN = "async (to) => { globalThis.call = await phone.call(to, { audio: false }) }"
CANDIDATES = "() => call.connection.localDescription.sdp.match(/^a=candidate:.*$/gm)"
HEARD = """async () => {
    const reports = [...(await call.connection.getStats()).values()];
    return reports.some(({ type, totalAudioEnergy }) => type === "inbound-rtp" && totalAudioEnergy > 0);
}"""
CREDENTIALS = "() => call.connection.localDescription.sdp.match(/^a=ice-ufrag:.*$/m)[0]"
CALL = "async (to) => { globalThis.call = await phone.call(to) }"
UP = "() => globalThis.call?.state === 'established' && call.connection?.connectionState === 'connected'"
ENGLISH: Mapping[str, object] = {"intl.accept_languages": "en"}
SOUND = "[...softphone.phone.calls.values()][0]?.connection"
CONNECTED = f"() => {SOUND}?.connectionState === 'connected'"
LOUD = "() => call.level() > 0 && phone.microphoneLevel() > 0"
VERB = "(verb) => call[verb]()"


class FirefoxPages(TestCase):
    """Cases with pages in Firefox; a case fails when one complained in its console."""

    timeout = 180

    @property
    def home(self) -> str:
        """The origin that serves the library."""
        raise NotImplementedError

    async def visit(self, path: str = BLANK, preferences: Mapping[str, object] | None = None) -> FirefoxTab:
        """Start Firefox and open a page of the gateway."""
        firefox = Firefox(Path(tempfile.mkdtemp(prefix="firefox-", dir=demo_folder())), preferences or {})
        self.addCleanup(firefox.stop)
        await firefox.start()
        return await self.another(firefox, path)

    async def another(self, firefox: Firefox, path: str = BLANK) -> FirefoxTab:
        """Open one more page, for another user."""
        tab = await firefox.open(f"{self.home}{path}")
        self.addCleanup(tab.console.check)
        return tab

    async def walk(self, tab: FirefoxTab) -> None:
        """Go through hold and resume in a call that is up, and hang up."""
        await ears.hears(tab, "call.connection")
        await ears.until(tab, LOUD)
        await tab.evaluate(VERB, "hold")
        await ears.falls_silent(tab, "call.connection")
        self.assertEqual(await tab.evaluate("() => call.level()"), 0)
        await tab.evaluate(VERB, "resume")
        await ears.hears(tab, "call.connection")
        await ears.until(tab, LOUD)
        await tab.evaluate(VERB, "hangup")
        await ears.until(tab, "() => call.state === 'ended'")

    async def test_call(self) -> None:
        """An agent registers, calls the echo, hears it, holds, resumes, and hangs up."""
        tab = await self.visit()
        self.assertEqual(await tab.evaluate(SIGN_IN, "5001", PASSWORD), "REGISTERED")
        await tab.evaluate(CALL, "1003")
        await ears.until(tab, UP)
        await self.walk(tab)
        await tab.evaluate("() => phone.signOut()")

    async def test_restart(self) -> None:
        """When the network changes the sound finds another way: the demo PBX has other keys then."""
        tab = await self.visit()
        await tab.evaluate(SIGN_IN, "5005", PASSWORD)
        await tab.evaluate(CALL, "1003")
        await ears.until(tab, UP)
        await ears.hears(tab, "call.connection")
        before = await tab.evaluate(CREDENTIALS)
        await tab.evaluate("() => call.restartIce()")
        await ears.until(tab, f"(before) => ({UP})() && ({CREDENTIALS})() !== before", before)
        await self.walk(tab)
        await tab.evaluate("() => phone.signOut()")

    async def test_hidden_addresses(self) -> None:
        """A page without a microphone, whose candidates are names that only its own machine knows, hears a tone."""
        tab = await self.visit(preferences=HIDDEN)
        await tab.evaluate(SIGN_IN, "5004", PASSWORD)
        await tab.evaluate(LISTEN, "1004")
        await ears.until(tab, UP)
        await ears.until(tab, HEARD)
        self.assertEqual([one for one in await tab.evaluate(CANDIDATES) if ".local " not in one], [])
        for verb in ("hold", "resume", "hangup"):
            await tab.evaluate(VERB, verb)
        await tab.evaluate("() => phone.signOut()")

    async def test_softphone(self) -> None:
        """The softphone by mouse and keyboard: sign in, call the echo, hold, take back, hang up."""
        tab = await self.visit("/softphone/", ENGLISH)
        await self.fills_in(tab)
        await self.clicks(tab, "Call")
        await ears.until(tab, CONNECTED)
        await ears.hears(tab, SOUND)
        await self.clicks(tab, "Hold")
        await ears.falls_silent(tab, SOUND)
        await self.clicks(tab, "Resume")
        await ears.hears(tab, SOUND)
        await tab.screenshot(picture("softphone-firefox"))
        await self.clicks(tab, "Hang up")
        await ears.until(tab, "() => softphone.phone.calls.size === 0")
        await self.clicks(tab, "Profile and settings")
        await self.clicks(tab, "Sign out")
        await ears.until(tab, "() => !softphone.phone.isSignedIn")

    async def fills_in(self, tab: FirefoxTab) -> None:
        """Sign in, and have the number of the echo typed."""
        raise NotImplementedError

    async def clicks(self, tab: FirefoxTab, name: str) -> None:
        """Click on a button as soon as it is there."""
        there = "(name) => [...document.querySelectorAll('button')].some((each) => each.textContent.trim() === name)"
        await ears.until(tab, there, name)
        await tab.click("button", name)


class WithDemo(FirefoxPages, DemoCase):
    """Against the demo PBX."""

    @property
    def home(self) -> str:
        """The demo gateway."""
        return self.gateway.url

    async def fills_in(self, tab: FirefoxTab) -> None:
        """All is filled in for the demo."""
        await self.clicks(tab, "Sign in")

    async def test_incoming(self) -> None:
        """An agent answers another one; both hear each other through hold and resume, and both learn of the end."""
        caller = await self.visit()
        callee = await self.another(caller.firefox)
        await caller.evaluate(SIGN_IN, "5001", PASSWORD)
        await callee.evaluate(SIGN_IN, "5002", PASSWORD)
        await caller.evaluate(CALL, "5002")
        await ears.until(callee, "() => globalThis.call?.state === 'incoming'")
        await callee.evaluate(VERB, "answer")
        for tab in (caller, callee):
            await ears.until(tab, UP)
        await ears.hears(callee, "call.connection")
        await self.walk(caller)
        await ears.until(callee, "() => call.state === 'ended'")

    async def test_silent_microphone(self) -> None:
        """A microphone that gives nothing is told, and that it speaks again; Firefox has no statistics of that."""
        tab = await self.visit()
        await tab.evaluate(SIGN_IN, "5006", PASSWORD)
        await tab.evaluate(SILENT)
        await tab.evaluate(CALL, "1003")
        await ears.until(tab, UP)
        await ears.until(tab, "() => call.warnings.includes('mic_silent')")
        await tab.evaluate("() => { gain.gain.value = 0.5 }")
        await ears.until(tab, "() => call.warnings.length === 0")
        await tab.evaluate(VERB, "hangup")
        await tab.evaluate("() => phone.signOut()")


class WithAsterisk(FirefoxPages, base.InteropCase):
    """Against Asterisk, through Kamailio."""

    @property
    def home(self) -> str:
        """The gateway on the way to it."""
        return self.gateway().url

    async def fills_in(self, tab: FirefoxTab) -> None:
        """Type everything."""
        await ears.until(tab, "() => document.activeElement.name === 'dn'")
        await tab.type("5007\ue004" + PASSWORD + "\ue007")
        await ears.until(tab, "() => document.activeElement.type === 'tel'")
        await tab.type("1003")

    async def test_incoming(self) -> None:
        """A call from Asterisk is answered, has sound through hold and resume, and is hung up."""
        tab = await self.visit()
        await tab.evaluate(SIGN_IN, "5003", PASSWORD)
        originated = self.originate(5003)
        await ears.until(tab, "() => globalThis.call?.state === 'incoming'")
        await tab.evaluate(VERB, "answer")
        await originated
        await ears.until(tab, UP)
        await self.walk(tab)
        await tab.evaluate("() => phone.signOut()")


del FirefoxPages  # it has tests of its own, which only its heirs can run
