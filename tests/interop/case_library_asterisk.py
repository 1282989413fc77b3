"""
The library of our own on a page of another origin, through nginx, the gateway and Kamailio, with Asterisk as far side.

What the demo PBX cannot do is played here: early media, digits in the media, a far side that makes offers of its own.
"""

from twisted.internet.defer import Deferred

from tests.interop.chromium import Tab
from tests.interop.gateway import Gateway
from tests.interop.page_cases import PageCase
from tests.interop.servers import PASSWORD
from wrtcgw.sip.message import Response


class LibraryPageCase(PageCase):
    """What a page that has loaded ``/grtc.js`` is made to do."""

    async def phone(self, dn: int, beside: Tab | None = None) -> Tab:
        """Open a page, in the browser of another one if there is one, and sign a number in."""
        await self.connected(self.gateway())
        if beside is None:
            tab = await self.open("library.html")
        else:
            tab = await beside.chromium.open(await beside.evaluate("() => location.href"))
        await self.sign_in(tab, dn)
        return tab

    async def sign_in(self, tab: Tab, dn: int) -> None:
        """Sign a number in; it is signed out when the case ends, which had nothing to complain about."""
        code = "async (dn, password) => { await ready; await phone.signIn({ dn, password }) }"
        await tab.evaluate(code, str(dn), PASSWORD)
        self.addCleanup(self.leave, tab)

    async def leave(self, tab: Tab) -> None:
        """Sign out, and look at what the page said meanwhile."""
        await tab.evaluate("async () => { await phone.signOut() }")
        errors = await tab.evaluate("() => told.filter(([name]) => name === 'error').map(String)")
        self.assertEqual(errors, [])
        tab.console.check()

    async def call(self, tab: Tab, to: int) -> None:
        """Call a number."""
        await tab.evaluate("async (to) => { await phone.call(to) }", str(to))

    async def is_(self, tab: Tab, state: str) -> None:
        """Wait until the page's call is in a state."""
        for _ in range(60):
            if await tab.evaluate("(state) => call?.state === state", state):
                return
            await self.pause(0.25)
        self.fail(f"the call is not {state}: {await tab.evaluate('() => [call?.state, told.map(String)]')}")

    async def do(self, tab: Tab, action: str, *arguments: object) -> None:
        """Let a method of the page's call be done."""
        await tab.evaluate(f"async (...given) => {{ await call.{action}(...given) }}", *arguments)

    async def reload(self, tab: Tab) -> None:
        """Load a page again, and wait until its call has a connection again."""
        await tab.chromium.run(tab.page.reload)
        self.assertTrue(await tab.evaluate("async () => { await ready; return phone.resume() }"))
        await self.is_(tab, "established")
        await tab.evaluate("async () => { while (!call.connection) await new Promise((done) => setTimeout(done, 50)) }")

    async def connect(self, caller: Tab, called: Tab, number: int) -> None:
        """Let one page call the other until both hear something."""
        await self.call(caller, number)
        await self.is_(called, "incoming")
        await self.do(called, "answer")
        await self.is_(caller, "established")
        for tab in (caller, called):
            await self.hears(tab, "call.connection")


class LibraryCalls(LibraryPageCase):
    """Calls of such pages to and from Asterisk."""

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx; pages of our origin may call it."""
        return self.behind_nginx()

    @property
    def api(self) -> str:
        """Return nginx's address."""
        return f"https://127.0.0.1:{self.environment.ports.nginx}"

    async def test_echo(self) -> None:
        """A call of Echo() is heard back, held to silence, resumed, given another way, and hung up."""
        tab = await self.phone(5001)
        await self.call(tab, 1003)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        await self.do(tab, "hold")
        await self.falls_silent(tab, "call.connection")
        await self.do(tab, "resume")
        await self.hears(tab, "call.connection")
        await self.do(tab, "restartIce")
        await self.hears(tab, "call.connection")
        self.assertEqual((await tab.evaluate("() => call.quality()"))["codec"], "opus")
        await self.do(tab, "hangup")
        await self.quiet()

    async def test_digits(self) -> None:
        """Digits go in the media where the far side takes them there, else by INFO; Asterisk reads both."""
        read = self.environment.asterisk.digits_read
        before = len(read())
        tab = await self.phone(5001)
        await self.call(tab, 1007)
        await self.is_(tab, "established")
        await self.pause(1.0)  # digits before DTLS is up are lost, as in every WebRTC call
        await self.do(tab, "dtmf", "2468", {"by": "rtp"})
        await self.eventually("Asterisk to read the digits", lambda: read()[before:] == ["2468"])
        await self.do(tab, "hangup")

    async def test_early_media(self) -> None:
        """What the far side plays before it answers is heard; then both ways, over the same connection."""
        tab = await self.phone(5001)
        await self.call(tab, 1010)
        await self.is_(tab, "early")
        await tab.evaluate("() => { window.first = call.connection }")
        for _ in range(20):
            if (await tab.audio("call.connection")).heard > 0:
                break
            await self.pause(0.1)
        self.assertEqual(await tab.evaluate("() => call.state"), "early")
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        self.assertTrue(await tab.evaluate("() => call.connection === first"))
        await self.do(tab, "hangup")

    async def test_reload(self) -> None:
        """After a reload it is the same call for Asterisk, and there is sound again."""
        tab = await self.phone(5001)
        await self.call(tab, 1003)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        channels = self.environment.asterisk.channels()
        await self.reload(tab)
        await self.hears(tab, "call.connection")
        self.assertEqual(self.environment.asterisk.channels(), channels)
        await self.do(tab, "hangup")

    async def test_inbound(self) -> None:
        """A call from Asterisk is answered, has audio both ways, and ends with the caller."""
        tab = await self.phone(5002)
        originated = self.originate(5002)
        await self.is_(tab, "incoming")
        await self.do(tab, "answer")
        await originated
        await self.hears(tab, "call.connection")
        await self.asterisk("channel request hangup all")
        await self.is_(tab, "ended")

    async def test_two_pages(self) -> None:
        """Two pages hear each other; one holds and resumes; the other calls a third number and connects the two."""
        first = await self.phone(5001)
        second = await self.phone(5002, first)
        await self.connect(first, second, 5002)
        await self.do(first, "hold")
        await self.do(first, "resume")
        for tab in (first, second):
            await self.hears(tab, "call.connection")
        third = await self.phone(5003, first)
        await second.evaluate("async () => { window.before = call; await before.hold() }")
        await self.connect(second, third, 5003)
        await second.evaluate("async () => { await before.transferTo(call) }")
        for tab in (first, third):
            await self.hears(tab, "call.connection")
        self.assertEqual(await second.evaluate("() => [...phone.calls.values()].map(({ state }) => state)"), [])
        await self.do(first, "hangup")
        await self.is_(third, "ended")

    async def test_blind(self) -> None:
        """A blind transfer to the echo: who is transferred hears himself."""
        first = await self.phone(5001)
        second = await self.phone(5002, first)
        await self.connect(first, second, 5002)
        await self.do(second, "transfer", "1003")
        await self.is_(second, "ended")
        await self.hears(first, "call.connection")
        await self.do(first, "hangup")


PICTURES = """async () => {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, autoplay: true, srcObject: call.remoteStream });
    document.body.append(video);
    const frames = async () => {
        const stats = [...(await call.connection.getStats()).values()];
        return stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "video")?.framesDecoded ?? 0;
    };
    const picture = async () => {
        await new Promise((done) => video.requestVideoFrameCallback(done));
        const { videoWidth: width, videoHeight: height } = video;
        const canvas = Object.assign(document.createElement("canvas"), { width, height });
        const context = canvas.getContext("2d");
        context.drawImage(video, 0, 0);
        return { width, pixels: context.getImageData(0, 0, width, height).data };
    };
    const [before, first] = [await frames(), await picture()];
    for (let each = 0; each < 10; each += 1) await picture();
    const last = await picture();
    const differing = last.pixels.reduce((sum, value, at) => sum + (Math.abs(value - first.pixels[at]) > 32), 0);
    video.remove();
    return { width: first.width, sameSize: first.width === last.width, differing, decoded: await frames() - before };
}"""
"""Tells of the far side's pictures: their width, in how many values the twelfth differs, how many were decoded."""


class Video(LibraryPageCase):
    """Pictures of two agents, by way of Asterisk."""

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx."""
        return self.behind_nginx()

    @property
    def api(self) -> str:
        """Return nginx's address."""
        return f"https://127.0.0.1:{self.environment.ports.nginx}"

    async def test_both_ways(self) -> None:
        """Each agent sees the other's camera move, and hears the other."""
        first = await self.phone(5051)
        second = await self.phone(5052, first)
        await first.evaluate("async () => { await phone.call('5052', { video: true }) }")
        await self.is_(second, "incoming")
        await self.do(second, "answer", {"video": True})
        await self.is_(first, "established")
        for tab in (first, second):
            await self.hears(tab, "call.connection")
        for tab in (first, second):
            seen = await tab.evaluate(PICTURES)
            self.assertGreater(seen["width"], 100, seen)
            self.assertGreater(seen["decoded"], 10, seen)
            if seen["sameSize"]:
                self.assertGreater(seen["differing"], 100, seen)
        await self.do(first, "hangup")
        await self.is_(second, "ended")


class Controlled(LibraryPageCase):
    """A far side that orders what is done, as Genesys SIP Server does, behind rtpengine."""

    def setUp(self) -> None:
        """Start the PBX and what stands in front of it."""
        super().setUp()
        self.pbx, self.way_there = self.plain_pbx()
        self.addCleanup(self.environment.dismiss, "controlled-library")

    def gateway(self) -> Gateway:
        """Return a gateway in front of that PBX; pages of our origin may call it."""
        settings = {"allowed_origins": [self.environment.origin], "auto_answer": "headers"}
        return self.environment.gateway("controlled-library", self.way_there, settings)

    async def is_silent(self, tab: Tab) -> None:
        """Wait until the echo of what the page sends is silence: what the microphone hears does not go out."""
        before = await tab.audio("call.connection")
        for _ in range(20):
            await self.pause(0.5)
            now = await tab.audio("call.connection")
            if now.heard - before.heard < 1e-6:
                return
            before = now
        self.fail(f"sound still comes in: {now}")

    async def ordered(self, event: str) -> None:
        """Let the PBX send an event, which is to be taken at once."""
        self.assertEqual((await self.pbx.notify(event)).status, 200)

    async def test_orders(self) -> None:
        """NOTIFY talk answers the call, hold and talk hold and resume it; a re-INVITE without SDP does no harm."""
        tab = await self.phone(5031)
        await tab.evaluate("() => { phone.options.answerOnTalk = true }")
        ringing = self.pbx.ringing()
        answered = self.pbx.invite(offer=True)
        await ringing
        await self.ordered("talk")
        self.assertEqual((await answered).status, 200)
        self.pbx.acknowledge(answer=False)
        await self.pause(0.012)
        self.assertIn("RTP/AVP", (await self.pbx.invite()).body)
        self.pbx.acknowledge()
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        await self.ordered("hold")
        await self.is_silent(tab)
        self.assertTrue(await tab.evaluate("() => call.held"))
        await self.ordered("talk")
        await self.hears(tab, "call.connection")
        self.assertFalse(await tab.evaluate("() => call.held"))
        await self.do(tab, "hangup")
        await self.eventually("BYE", lambda: self.pbx.ended)

    async def asked(self, *, obeys: bool) -> tuple[Tab, "Deferred[Response]"]:
        """Let a call come whose caller wants to be answered without a click; a page obeys only if it has said so."""
        tab = await self.phone(5031)
        await tab.evaluate("(obeys) => { phone.options.autoAnswer = obeys }", obeys)
        ringing = self.pbx.ringing()
        answered = self.pbx.invite(offer=True, **{"Call-Info": "<sip:x@example.com>;answer-after=0"})
        await ringing
        await self.is_(tab, "established" if obeys else "incoming")
        self.assertEqual(await tab.evaluate("() => call.autoAnswer"), 0)
        return tab, answered

    async def test_answered_unasked(self) -> None:
        """A page that obeys such callers answers, and has audio both ways."""
        tab, answered = await self.asked(obeys=True)
        self.assertEqual((await answered).status, 200)
        self.pbx.acknowledge(answer=False)
        await self.hears(tab, "call.connection")
        await self.do(tab, "hangup")

    async def test_only_told(self) -> None:
        """Any other page is told what the caller wants, and goes on ringing until somebody decides."""
        tab, answered = await self.asked(obeys=False)
        await self.pause(0.5)
        self.assertEqual(await tab.evaluate("() => call.state"), "incoming")
        await self.do(tab, "reject")
        self.assertEqual((await answered).status, 486)

    async def test_without_offer(self) -> None:
        """A call that comes without a description is answered with an offer of the page's, and has audio both ways."""
        tab = await self.phone(5031)
        ringing = self.pbx.ringing()
        answered = self.pbx.invite()
        await ringing
        await self.is_(tab, "incoming")
        await self.do(tab, "answer")
        self.assertEqual((await answered).status, 200)
        self.pbx.acknowledge()
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        await self.do(tab, "restartIce")
        await self.hears(tab, "call.connection")
        await self.do(tab, "hangup")

    async def test_reload(self) -> None:
        """After a reload the call has sound again: rtpengine takes the new page's way."""
        tab = await self.phone(5031)
        ringing = self.pbx.ringing()
        answered = self.pbx.invite(offer=True)
        await ringing
        await self.is_(tab, "incoming")
        await self.do(tab, "answer")
        await answered
        self.pbx.acknowledge(answer=False)
        await self.hears(tab, "call.connection")
        await self.reload(tab)
        await self.hears(tab, "call.connection")
        await self.do(tab, "hangup")
