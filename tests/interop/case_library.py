"""
The library of our own (``/grtc/``, ``/grtc.js``) in real Chromium, against the gateway and its demo PBX.

Chromium's microphone is a fake one that beeps: sound is what ``getStats`` says of it.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar
from urllib.request import urlopen

from twisted.internet.threads import deferToThread

from tests.interop.chromium import Tab
from tests.interop.library_page import PAGE, SETUP, LibraryCase
from tests.interop.servers import PASSWORD

REFUSE = """() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
}"""
WITHOUT_CODECS = """() => {
    const real = window.fetch;
    window.fetch = async (url, options) => {
        const response = await real(url, options);
        if (response.status !== 200 || !String(url).includes("/message?id=")) return response;
        const text = await response.text();
        const other = text.replace(/SAVPF [0-9 ]+/, "SAVPF 120");
        return new Response(other.replace(/rtpmap:[0-9]+ [^\\\\]+/g, "rtpmap:120 speex/16000"));
    };
}"""
"""What the far side says of itself comes to the page without a codec that a browser knows."""
KEEP_SOURCES = """() => {
    window.sources = [];
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await real(constraints);
        sources.push(stream.getAudioTracks()[0]);
        return stream;
    };
}"""
"""Keeps what the microphone gave, so that it can end as if it had been unplugged."""
STRANGE_KEYS = r"""() => {
    window.wired = window.fetch;
    window.fetch = async (url, options) => {
        const response = await wired(url, options);
        if (response.status !== 200 || !String(url).includes("/message?id=")) return response;
        return new Response((await response.text()).replace(/a=ice-pwd:[^\\]+/g, "a=ice-pwd:0123456789012345678901"));
    };
}"""
"""What the far side says of itself comes with a password that is not its own: no check of connectivity succeeds."""
RESTARTS = """() => {
    const later = (time) => new Promise((resolve) => setTimeout(resolve, time));
    const times = [0, 200, 400, 700, 1000, 1500];
    window.restarts = Promise.allSettled(times.map((time) => later(time).then(() => call.restartIce())));
}"""
TONE, BUSY, RINGS, DIGITS, ECHO = 1004, 1005, 1006, 1007, 1003


class Calls(LibraryCase):
    """What a phone does every day."""

    async def test_echo(self) -> None:
        """A call of 1003 is heard back, held, taken up, gets digits, and ends; its quality is told and reported."""
        tab = await self.phone(5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        self.assertIsNone(await self.do(tab, "hold"))
        self.assertTrue(await tab.evaluate("() => call.held"))
        await self.falls_silent(tab)
        self.assertIsNone(await self.do(tab, "resume"))
        await self.hears(tab, "call.connection")
        self.assertIsNone(await self.do(tab, "dtmf", "12#"))
        quality = await self.until(tab, "() => told.find(([name]) => name === 'quality')?.[1]")
        self.assertEqual((quality["codec"], quality["relayed"]), ("opus", False))
        self.assertGreater(quality["mos"], 3)
        self.assertGreater(min(quality["sent"], quality["received"]), 50)
        reported = "async () => (await (await fetch('/api/calls/active')).json()).calls[0]?.quality?.audio?.codec"
        self.assertEqual(await self.until(tab, reported), "opus")
        self.assertIsNone(await self.do(tab, "hangup"))
        self.assertEqual(
            await tab.evaluate("() => [call.state, call.ended.cause, phone.calls.size]"), ["ended", "local", 0]
        )
        self.assertEqual(await tab.evaluate("() => call.localStream"), None)

    async def test_two_pages(self) -> None:
        """Two pages call each other; each can hold, and the other is told; each can mute; the called one hangs up."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        for one, other in ((caller, called), (called, caller)):
            self.assertIsNone(await self.do(one, "hold"))
            await self.until(other, "() => call.heldByPeer")
            self.assertFalse(await other.evaluate("() => call.held"))
            await self.falls_silent(other)
            self.assertIsNone(await self.do(one, "resume"))
            await self.until(other, "() => !call.heldByPeer")
            await self.hears(one, "call.connection")
            await self.hears(other, "call.connection")
        await self.do(caller, "mute", True)
        await self.falls_silent(called)
        await self.do(caller, "mute", False)
        await self.hears(called, "call.connection")
        await self.do(called, "hangup")
        await self.is_(caller, "ended")
        self.assertEqual(await caller.evaluate("() => call.ended.cause"), "remote")

    async def test_both_hold(self) -> None:
        """When both hold and take up again, in either order, both hear each other."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        for first, second in ((caller, called), (called, caller)):
            for tab in (caller, called):
                self.assertIsNone(await self.do(tab, "hold"))
            await self.until(caller, "() => call.held && call.heldByPeer")
            for tab in (first, second):
                self.assertIsNone(await self.do(tab, "resume"))
            for tab in (first, second):
                await self.until(tab, "() => !call.held && !call.heldByPeer")
                await self.hears(tab, "call.connection")

    async def test_ends(self) -> None:
        """How a call ends is told by cause, SIP code and words: busy, cancelled, missed, rejected."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.call(caller, BUSY)
        await self.is_(caller, "ended")
        ended = await caller.evaluate("() => call.ended")
        self.assertEqual((ended["cause"], ended["sipCode"]), ("busy", 486))
        await self.call(caller, 5002)
        await self.is_(called, "incoming")
        await self.is_(caller, "ringing")
        await self.do(caller, "hangup")
        await self.is_(called, "ended")
        self.assertEqual(await called.evaluate("() => [call.ended.cause, call.ended.missed]"), ["cancelled", True])
        await self.call(caller, 5002)
        await self.is_(called, "incoming")
        await self.do(called, "reject", 603)
        await self.is_(caller, "ended")
        self.assertEqual(await caller.evaluate("() => call.ended.sipCode"), 603)
        self.assertEqual(await called.evaluate("() => [call.ended.cause, call.ended.missed]"), ["local", False])

    async def test_several(self) -> None:
        """One phone has two calls at a time, each with its own sound and hold."""
        tab = await self.phone(5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await tab.evaluate("() => { window.first = call }")
        await self.do(tab, "hold")
        await self.call(tab, TONE)
        await tab.evaluate("() => { window.second = [...phone.calls.values()].find((each) => each !== first) }")
        await self.until(tab, "() => second.state === 'established'")
        await self.until(tab, "async () => (await second.quality()).received > 50")
        self.assertEqual(await tab.evaluate("() => [first.held, second.held, phone.calls.size]"), [True, False, 2])
        await tab.evaluate("async () => { await second.hangup(); await first.resume() }")
        await self.hears(tab, "first.connection")
        await tab.evaluate("async () => { await first.hangup() }")

    async def test_script(self) -> None:
        """``/grtc.js`` is the same library as one script of another origin's page."""
        other = self.gateway.url.replace("127.0.0.1", "localhost")
        tab = await self.open(f"{other}{PAGE}")
        await tab.chromium.run(lambda: tab.page.add_script_tag(url=f"{self.gateway.url}/grtc.js"))
        self.assertEqual(await tab.evaluate("() => new Grtc.Phone().options.gateway"), f"{self.gateway.url}/")

    async def test_attached(self) -> None:
        """Data that are attached to a call come with it, and those of the answer go back."""
        caller, called = await self.phone(5001), await self.phone(5002)
        data = [{"key": "customer", "value": "Müller & Söhne"}, {"key": "case", "value": "7"}]
        await caller.evaluate("async (data) => { await phone.call('5002', { data }) }", data)
        await self.is_(called, "incoming")
        by_key = "() => Object.fromEntries(call.data.map(({ key, value }) => [key.toLowerCase(), value]))"
        wanted = {each["key"]: each["value"] for each in data}
        self.assertEqual(await called.evaluate(by_key), wanted)
        await self.do(called, "answer", {"data": [{"key": "agent", "value": "Erika"}]})
        await self.is_(caller, "established")
        self.assertEqual((await caller.evaluate(by_key))["agent"], "Erika")
        await self.reload(called)
        await self.is_back(called)
        self.assertEqual(await called.evaluate(by_key), wanted)

    async def test_data_and_info(self) -> None:
        """Data sent by INFO arrives at the other page, and digits by signalling where media take none."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        await self.do(caller, "sendInfo", '{"a": 1}', "application/json")
        await self.until(called, "() => told.some(([name]) => name === 'info')")
        self.assertEqual((await self.told(called, "info"))[0], {"contentType": "application/json", "body": '{"a": 1}'})
        self.assertIn("telephone-event", str(await self.told(caller, "lint")))


class Sound(LibraryCase):
    """Microphones and loudspeakers."""

    async def test_devices(self) -> None:
        """Another microphone and loudspeaker take over within the call; a device that is not there changes nothing."""
        tab = await self.phone(5001)
        self.assertEqual(await tab.evaluate("() => phone.microphoneLevel()"), 0)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        await self.until(tab, "() => phone.microphoneLevel() > 0.01")
        await self.until(tab, "() => call.level() > 0.01")
        found = await tab.evaluate("() => phone.devices()")
        labels = "() => call.localStream.getAudioTracks().map(({ label }) => label)"
        before = await tab.evaluate(labels)
        other = next(
            each for each in found["microphones"] if each["label"] not in before and "Default" not in each["label"]
        )
        await tab.evaluate("(id) => phone.setMicrophone(id)", other["deviceId"])
        self.assertEqual(await tab.evaluate(labels), [other["label"]])
        await self.hears(tab, "call.connection")
        await tab.evaluate("(id) => phone.setSpeaker(id)", found["speakers"][-1]["deviceId"])
        failed = await tab.evaluate("() => phone.setMicrophone('none').catch(({ code }) => code)")
        self.assertEqual(failed, "no_microphone")
        self.assertEqual(await tab.evaluate(labels), [other["label"]])
        await self.hears(tab, "call.connection")
        await self.do(tab, "hangup")
        self.assertEqual(await tab.evaluate("() => phone.microphoneLevel()"), 0)

    async def test_unplugged(self) -> None:
        """When the microphone is taken away, the call goes on with the one that is left."""
        tab = await self.phone(5001)
        await tab.evaluate(KEEP_SOURCES)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        await tab.evaluate("() => { sources[0].stop(); sources[0].dispatchEvent(new Event('ended')) }")
        await self.until(tab, "() => sources.length > 1")
        await self.hears(tab, "call.connection")


class Transfers(LibraryCase):
    """Calls that go on without us."""

    async def test_blind(self) -> None:
        """A transfer to a busy number is told as failed, and the call goes on; the next one succeeds."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        failure = await self.do(called, "transfer", str(BUSY))
        self.assertEqual(failure["code"], "transfer_failed")
        self.assertIn("busy", failure["hint"])
        await self.hears(called, "call.connection")
        self.assertIsNone(await self.do(called, "transfer", str(ECHO)))
        await self.is_(called, "ended")
        self.assertEqual(await called.evaluate("() => call.ended.cause"), "transferred")
        self.assertIn("DONE", await self.told(called, "transfer"))
        await self.hears(caller, "call.connection")
        await self.do(caller, "hangup")

    async def test_crossing(self) -> None:
        """Offers of the page that cross those of the far side do no harm: in the end there is sound."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        await caller.evaluate(RESTARTS)
        self.assertIsNone(await self.do(called, "transfer", str(ECHO)))
        await caller.evaluate("async () => { await restarts }")
        await self.hears(caller, "call.connection")
        self.assertIsNone(await self.do(caller, "restartIce"))
        await self.hears(caller, "call.connection")
        self.assertEqual(await self.told(caller, "error"), [])

    async def test_attended(self) -> None:
        """The far sides of two calls are connected, and hear each other."""
        first, middle, last = [await self.phone(dn) for dn in (5001, 5002, 5003)]
        await self.connect(first, middle, 5002)
        await middle.evaluate("async () => { window.before = call; await before.hold() }")
        await self.connect(middle, last, 5003)
        await middle.evaluate("async () => { await before.transferTo(call) }")
        await self.until(middle, "() => phone.calls.size === 0")
        for tab in (first, last):
            await self.hears(tab, "call.connection")
        await self.do(first, "hangup")
        await self.is_(last, "ended")


class Reloads(LibraryCase):
    """A page that is loaded again goes on with what its predecessor had."""

    async def test_established(self) -> None:
        """A call goes on after a reload of either page, its times too; on hold it waits until it is taken up."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        began = await caller.evaluate("() => call.answeredAt")
        for tab in (caller, called):
            await self.reload(tab)
            await self.is_back(tab)
        await self.hears(caller, "call.connection")
        self.assertLess(abs(await caller.evaluate("() => call.answeredAt") - began), 1500)
        await self.do(caller, "hold")
        await self.reload(caller)
        await self.until(caller, "() => call?.held")
        self.assertIsNone(await self.do(caller, "resume"))
        for tab in (caller, called):
            await self.hears(tab, "call.connection")
        await self.do(called, "hangup")
        await self.is_(caller, "ended")

    async def test_ringing(self) -> None:
        """A call that rings does so again after a reload of either side, and can then be answered."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.call(caller, 5002)
        await self.is_(called, "incoming")
        await self.is_(caller, "ringing")
        await self.reload(called)
        await self.reload(caller)
        await self.is_(caller, "ringing")
        await self.answer(called)
        for tab in (caller, called):
            await self.is_back(tab)

    async def test_muted(self) -> None:
        """Who was muted before a reload is muted after it."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        await self.do(caller, "mute")
        await self.falls_silent(called)
        await self.reload(caller)
        await self.until(caller, "() => call?.connection?.connectionState === 'connected'")
        self.assertEqual(
            await caller.evaluate("() => [call.muted, call.localStream.getTracks()[0].enabled]"), [True, False]
        )
        await self.falls_silent(called)
        await self.do(caller, "mute", False)
        await self.hears(called, "call.connection")

    async def test_copied_tab(self) -> None:
        """A copy of a tab, with all that the tab has stored, does not take its session away."""
        tab = await self.phone(5001)
        stored = await tab.evaluate("() => JSON.stringify(sessionStorage)")
        copy = await tab.chromium.run(lambda: self._copy(tab, stored))
        self.assertFalse(copy)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")

    @staticmethod
    def _copy(tab: Tab, stored: str) -> bool:
        page = tab.page.context.new_page()
        page.goto(tab.page.url)
        page.evaluate("(stored) => Object.assign(sessionStorage, JSON.parse(stored))", stored)
        page.evaluate(f"({SETUP})({{}})")
        return bool(page.evaluate("() => phone.resume()"))

    async def test_lost_page(self) -> None:
        """A call whose page is gone for good comes back to the page that signs the number in next."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        await called.chromium.run(called.page.close)
        called = await self.phone(5002)
        for tab in (called, caller):
            await self.is_back(tab)

    async def test_signed_in_twice(self) -> None:
        """A call that is told again, because its page signs in again while it rings, is not answered by that."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.call(caller, 5002)
        await self.is_(called, "incoming")
        await self.sign_in(called, 5002)
        await self.pause(1.0)
        self.assertEqual(await called.evaluate("() => [call.state, phone.calls.size]"), ["incoming", 1])
        await self.do(called, "answer")
        for tab in (caller, called):
            await self.is_back(tab)

    async def test_nothing_kept(self) -> None:
        """A new tab, and one that has signed out, has nothing to resume."""
        tab = await self.page()
        self.assertFalse(await tab.evaluate("() => phone.resume()"))
        await self.sign_in(tab, 5001)
        await tab.evaluate("async () => { await phone.signOut() }")
        self.assertEqual(await tab.evaluate("() => [phone.isSignedIn, sessionStorage.length]"), [False, 0])
        self.assertEqual(await self.told(tab, "signedout"), ["signed out"])


class Troubles(LibraryCase):
    """What goes wrong is told, and got over where that can be."""

    async def test_wrong_password(self) -> None:
        """A refused sign-in has the gateway's own words."""
        tab = await self.page()
        tab.console.expect("401")
        sign_in = "() => phone.signIn({ dn: '5001', password: 'wrong' }).catch(({ code, status }) => [code, status])"
        self.assertEqual(await tab.evaluate(sign_in), ["registration_refused", 401])
        self.assertFalse(await tab.evaluate("() => phone.isSignedIn"))

    async def test_microphone_refused(self) -> None:
        """No call is made without the microphone; one that comes goes on ringing and can be rejected."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await called.evaluate(REFUSE)
        failed = await called.evaluate("() => phone.call('1003').catch(({ code, hint }) => [code, hint])")
        self.assertEqual(failed[0], "microphone_refused")
        self.assertIn("allow it for this page", failed[1])
        self.assertEqual(await called.evaluate("() => phone.calls.size"), 0)
        await self.call(caller, 5002)
        await self.is_(called, "incoming")
        self.assertEqual((await self.do(called, "answer"))["code"], "microphone_refused")
        self.assertEqual(await called.evaluate("() => call.state"), "incoming")
        self.assertIsNone(await self.do(called, "reject"))
        await self.is_(caller, "ended")

    async def test_stream_refused(self) -> None:
        """Where event streams are cut off, polls carry the messages."""
        caller = await self.phone(5001)
        called = await self.page()
        called.console.expect("net::ERR_FAILED")
        await called.chromium.run(lambda: called.page.route("**/events?*", lambda route: route.abort()))
        await self.sign_in(called, 5002)
        await self.connect(caller, called, 5002)
        self.assertEqual(await called.evaluate("() => [phone.way, phone.connection]"), ["poll", "online"])

    async def test_stream_swallowed(self) -> None:
        """Where something on the way keeps a stream to itself, polls carry the messages, none is lost."""
        caller = await self.phone(5001)
        called = await self.page()
        await called.chromium.run(lambda: called.page.route("**/events?*", lambda route: None))
        await self.sign_in(called, 5002)
        await self.connect(caller, called, 5002)
        self.assertEqual(await called.evaluate("() => phone.way"), "poll")

    async def test_polls_only(self) -> None:
        """A phone that is told to poll does."""
        caller, called = await self.phone(5001), await self.phone(5002, {"events": "poll"})
        await self.connect(caller, called, 5002)
        await self.do(caller, "hangup")
        await self.is_(called, "ended")

    async def test_network_change(self) -> None:
        """When the network changes, media of which nothing arrives find another way; others are left alone."""
        caller, called = await self.phone(5001), await self.phone(5002)
        await self.connect(caller, called, 5002)
        user = "() => /a=ice-ufrag:(.*)/.exec(call.connection.localDescription.sdp)[1]"
        before = await caller.evaluate(user)
        await caller.evaluate("() => { window.dispatchEvent(new Event('online')) }")
        await self.pause(6.0)
        self.assertEqual(await caller.evaluate(user), before)
        await caller.evaluate("() => { call.connection.getStats = async () => new Map() }")
        await caller.evaluate("() => { window.dispatchEvent(new Event('online')) }")
        await self.until(caller, f"(before) => ({user})() !== before", before)
        await caller.evaluate("() => { delete call.connection.getStats }")
        await self.until(caller, "() => call.connection.signalingState === 'stable'")
        await self.until(caller, "() => call.connection.connectionState === 'connected'")
        for tab in (caller, called):
            await self.hears(tab, "call.connection")

    async def test_no_common_codec(self) -> None:
        """An answer or an offer without a codec that the browser has ends the call with that reason."""
        caller, called = await self.page(options={"events": "poll"}), await self.page(options={"events": "poll"})
        for tab, dn in ((caller, 5001), (called, 5002)):
            await tab.evaluate(WITHOUT_CODECS)
            await self.sign_in(tab, dn)
        await self.call(caller, ECHO)
        await self.is_(caller, "ended")
        self.assertEqual(await caller.evaluate("() => call.ended.cause"), "no_common_codec")
        await self.call(caller, 5002)
        await self.is_(called, "incoming")
        self.assertEqual((await self.do(called, "answer"))["code"], "no_common_codec")
        await self.is_(caller, "ended")
        self.assertEqual(await caller.evaluate("() => call.ended.sipCode"), 488)

    async def test_no_way(self) -> None:
        """Media that cannot be connected are told, and tried again another way until they are."""
        tab = await self.page(options={"events": "poll"})
        await tab.evaluate(STRANGE_KEYS)
        await self.sign_in(tab, 5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.until(tab, "() => told.some(([name, code]) => name === 'error' && code === 'media_failed')")
        await tab.evaluate("() => { window.fetch = window.wired }")
        await self.hears(tab, "call.connection")

    async def test_insecure(self) -> None:
        """A page that came over plain HTTP from elsewhere is told why there is no microphone."""
        script = (await self.blocking_get("/grtc.js")).decode()
        tab = await self.open("about:blank")
        await tab.chromium.run(lambda: self._plain_page(tab, script))
        code = "() => new Grtc.Phone({ storage: null }).tracks({ audio: true }).catch(({ code }) => code)"
        self.assertEqual(await tab.evaluate(code), "insecure_context")

    async def blocking_get(self, path: str) -> bytes:
        """Get a file of the gateway."""
        return await deferToThread(lambda: urlopen(f"{self.gateway.url}{path}", timeout=5).read())

    @staticmethod
    def _plain_page(tab: Tab, script: str) -> None:
        tab.page.route("http://plain.example.com/**", lambda route: route.fulfill(body="<p>", content_type="text/html"))
        tab.page.goto("http://plain.example.com/")
        tab.page.add_script_tag(content=script)

    async def test_taken_over(self) -> None:
        """The page whose number another one takes is told, with the reason; so is the one whose very session it is."""
        first, second = await self.phone(5001), await self.page()
        first.console.expect("403")
        await self.sign_in(second, 5001)
        await self.until(first, "() => told.some(([name]) => name === 'signedout')")
        self.assertIn("another page", (await self.told(first, "signedout"))[0])
        code = await first.evaluate("() => told.findLast(([name]) => name === 'signedout')[2]")
        self.assertEqual(code, "foreign_session")
        sign_in = "async (password) => { await phone.signIn({ dn: '5001', id: 'other', password }) }"
        await first.evaluate(sign_in, PASSWORD)
        await self.until(second, "() => told.some(([name]) => name === 'signedout')")
        self.assertIn("another page", (await self.told(second, "signedout"))[0])


class Refusals(LibraryCase):
    """A browser that lets no page have the microphone."""

    without = ("--use-fake-ui-for-media-stream",)

    async def test_permission_denied(self) -> None:
        """The browser's own no to the microphone is told as that, and nobody is called."""
        caller, called = await self.phone(5001), await self.phone(5002)
        for tab in (caller, called):
            await tab.chromium.run(partial(tab.page.context.grant_permissions, ["geolocation"]))  # nothing else
        state = "() => navigator.permissions.query({ name: 'microphone' }).then(({ state }) => state)"
        self.assertEqual(await called.evaluate(state), "denied")
        self.assertEqual(
            await called.evaluate("() => phone.call('1003').catch(({ code }) => code)"), "microphone_refused"
        )
        self.assertEqual(await called.evaluate("() => phone.calls.size"), 0)

    async def test_listening_only(self) -> None:
        """A page without a microphone can still listen."""
        tab = await self.phone(5001)
        await tab.evaluate("async () => { await phone.call('1004', { audio: false }) }")
        await self.is_(tab, "established")
        await self.until(tab, "async () => (await call.quality()).received > 20")


class Guests(LibraryCase):
    """Callers without a number of their own."""

    settings: ClassVar[Mapping[str, object]] = {
        "guest_mode": "registered",
        "guest_dn": "5010",
        "guest_password": PASSWORD,
        "guest_destinations": ["1003"],
    }

    async def test_guest(self) -> None:
        """A guest calls whom guests may call, and nobody else; the session lasts through a reload."""
        tab = await self.page()
        tab.console.expect("403|400")
        await tab.evaluate("async () => { await phone.signIn({ guest: true }) }")
        self.assertTrue(await tab.evaluate("() => phone.guest && phone.id.length > 8"))
        failed = await tab.evaluate("() => phone.call('5001').catch(({ status }) => status)")
        self.assertIn(failed, (400, 403))
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")
        await self.reload(tab)
        await self.is_back(tab)


class Restarts(LibraryCase):
    """The gateway goes and comes back; here its PBX goes with it. These cases have a gateway of their own."""

    settings: ClassVar[Mapping[str, object]] = {"max_calls": 7}

    async def away(self, tab: Tab) -> None:
        """Wait until a phone has noticed, and let what the browser says of it pass."""
        await self.until(tab, "() => phone.connection === 'offline'")

    async def back(self, tab: Tab) -> None:
        """Wait until a phone is signed in again."""
        await self.until(tab, "() => phone.connection === 'online' && phone.registration.state === 'REGISTERED'")

    async def in_call(self) -> Tab:
        """Return a page that is in a call."""
        tab = await self.phone(5001)
        tab.console.expect("net::ERR_")
        tab.console.expect("404")
        tab.console.expect("503")
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        return tab

    async def calls_again(self, tab: Tab) -> None:
        """Let the page call as before."""
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")

    async def test_stop(self) -> None:
        """A gateway that stops says so: the call ends, and the page signs in again by itself when it is back."""
        tab = await self.in_call()
        self.gateway.server.stop()
        await self.is_(tab, "ended")
        self.assertEqual(await tab.evaluate("() => call.ended.cause"), "signed-out")
        await self.away(tab)
        failed = await tab.evaluate("() => phone.call('1003').catch(({ code }) => code)")
        self.assertEqual(failed, "gateway_unreachable")
        self.gateway.server.start()
        await self.back(tab)
        await self.calls_again(tab)
        self.assertEqual(await self.told(tab, "signedout"), [])

    async def test_crash(self) -> None:
        """One that is killed leaves a call that nobody knows any more: the page ends it, and signs in again."""
        tab = await self.in_call()
        self.gateway.server.crash()
        await self.is_(tab, "ended")
        self.assertEqual(await tab.evaluate("() => call.ended.cause"), "lost")
        await self.back(tab)
        await self.calls_again(tab)

    async def test_idle(self) -> None:
        """An idle page is reachable again after a restart, though nobody touches it."""
        tab = await self.phone(5002)
        tab.console.expect("net::ERR_")
        tab.console.expect("404")
        tab.console.expect("503")
        self.gateway.server.crash()
        caller = await self.phone(5001)
        await self.until(tab, "() => told.filter(([name]) => name === 'registration').length > 1")
        await self.back(tab)
        await self.connect(caller, tab, 5002)

    async def test_hang_up_meanwhile(self) -> None:
        """A call that is hung up while the gateway cannot be reached is ended there when it can."""
        tab = await self.in_call()
        await tab.chromium.run(lambda: tab.page.context.set_offline(True))
        self.assertIsNone(await self.do(tab, "hangup"))
        self.assertEqual(await tab.evaluate("() => call.state"), "ended")
        await tab.chromium.run(lambda: tab.page.context.set_offline(False))
        gone = "async () => !(await phone.wire.calls()).length"
        await self.until(tab, gone)
