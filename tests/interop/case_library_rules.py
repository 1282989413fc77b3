"""
What the library tells, in real Chromium.

Warnings, what is wrong with a call before anything is tried, one error for each failure, and what its lint says of
descriptions beside what Chromium makes of them.
"""

import pathlib
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from tests.interop.library_page import PAGE, SETUP, SILENT, LibraryCase
from tests.interop.servers import PASSWORD, PROJECT
from wrtcgw.sdp.description import parse
from wrtcgw.sdp.matching import continued, fitted

ECHO, BUSY = 1003, 1005
PLAIN = """() => {
    const real = window.fetch;
    window.fetch = async (url, options) => {
        const response = await real(url, options);
        if (response.status !== 200 || !String(url).includes("/message?id=")) return response;
        const message = JSON.parse(await response.text());
        if (message.sdp) {
            message.sdp = message.sdp.replace(/UDP.TLS.RTP.SAVPF/g, "RTP/AVP")
                .replace(/a=(fingerprint|setup|ice-|candidate|rtcp-mux|group)[^\\n]*\\n/g, "");
        }
        return new Response(JSON.stringify(message));
    };
}"""
"""The far side's descriptions come as plain RTP."""
WARNED = """() => {
    window.warned = [];
    for (const name of ["warning", "warningcleared"]) {
        call.on(name, ({ code, hint }) => {
            if (code === "mic_silent") warned.push([name, code, hint, performance.now()]);
        });
    }
}"""
COUNT = "() => { window.asked = 0; const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);" + (
    "navigator.mediaDevices.getUserMedia = (wanted) => { asked += 1; return real(wanted); } }"
)
FAIL = """async (to, options) => {
    try { await phone.call(to, options ?? {}); return null; }
    catch ({ code, hint, action, call, status }) { return { code, hint, action, status, over: call?.isOver ?? null }; }
}"""
JUDGE = """async (source) => {
    const { lint } = await import("/grtc/lint.js");
    const { changedOffers } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    const offer = async (...kinds) => {
        const pc = new RTCPeerConnection();
        kinds.forEach((kind) => pc.addTransceiver(kind));
        await pc.setLocalDescription(await pc.createOffer());
        await new Promise((resolve) => setTimeout(resolve, 500));
        const { sdp } = pc.localDescription;
        pc.close();
        return sdp;
    };
    const results = [];
    for (const [name, sdp, refused, rule] of changedOffers(await offer("audio"), await offer("audio", "video"))) {
        const pc = new RTCPeerConnection();
        let error = "";
        try {
            await pc.setRemoteDescription({ type: "offer", sdp });
            await pc.setLocalDescription(await pc.createAnswer());
        } catch ({ message }) {
            error = message;
        }
        pc.close();
        results.push({ name, refused, error, named: !rule || lint(sdp).some((each) => each.rule === rule) });
    }
    return results;
}"""

ANSWERED = """async () => {
    const [one, other] = [window.one, window.other] = [new RTCPeerConnection(), new RTCPeerConnection()];
    for (const kind of ["audio", "video"]) one.addTransceiver(kind);
    await one.setLocalDescription(await one.createOffer());
    await other.setRemoteDescription(one.localDescription);
    await other.setLocalDescription(await other.createAnswer());
    return [one.localDescription.sdp, other.localDescription.sdp];
}"""
APPLY = """async (sdp) => {
    try { await one.setRemoteDescription({ type: "answer", sdp }); return ""; }
    catch ({ message }) { return message; }
}"""

OFFERED_AGAIN = """async (answer) => {
    await one.setRemoteDescription({ type: "answer", sdp: answer });
    return (await other.createOffer()).sdp;
}"""
APPLY_OFFER = """async (sdp) => {
    try {
        await one.setRemoteDescription({ type: "offer", sdp });
        await one.setLocalDescription(await one.createAnswer());
        return one.localDescription.sdp;
    } catch ({ message }) { return message; }
}"""


class Warnings(LibraryCase):
    """What is wrong although the call goes on."""

    async def test_silent_microphone(self) -> None:
        """A microphone that gives nothing is told within 8 s, and that it is over; muted or on hold it is none."""
        tab = await self.page()
        await tab.evaluate(SILENT)
        await self.sign_in(tab, 5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        began = await tab.evaluate(f"() => {{ ({WARNED})(); return performance.now() }}")
        _, code, hint, at = await self.until(tab, "() => warned[0]")
        self.assertEqual(code, "mic_silent")
        self.assertIn("microphone", hint)
        self.assertLess(at - began, 8000)
        self.assertIn("mic_silent", await tab.evaluate("() => call.warnings"))
        await tab.evaluate("() => { gain.gain.value = 0.5 }")
        await self.until(tab, "() => warned.length === 2")
        told, now = await tab.evaluate("() => [warned[1][0], call.warnings]")
        self.assertEqual((told, "mic_silent" in now), ("warningcleared", False))
        await tab.evaluate("() => { gain.gain.value = 0 }")
        await self.until(tab, "() => warned.length === 3")
        await self.do(tab, "mute")
        await self.until(tab, "() => warned.length === 4")
        await self.pause(9.0)
        self.assertEqual(await tab.evaluate("() => [warned.length, call.muted]"), [4, True])
        await self.do(tab, "hangup")

    async def test_speaking(self) -> None:
        """The fake microphone, which beeps once a second, is not silent; nor is a page without one."""
        tab = await self.phone(5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await tab.evaluate(WARNED)
        await self.pause(10.0)
        self.assertEqual(await tab.evaluate("() => warned"), [])

    async def test_mute_is_told(self) -> None:
        """Whether the microphone is muted is an event, each change of it once."""
        tab = await self.phone(5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await tab.evaluate("() => { window.mutes = []; call.on('mute', (muted) => mutes.push(muted)) }")
        await tab.evaluate("() => { call.mute(); call.mute(true); call.mute(false); call.mute(false) }")
        self.assertEqual(await tab.evaluate("() => mutes"), [True, False])


class Refusals(LibraryCase):
    """What cannot be is told before anything is tried, and once."""

    async def test_plain_offer(self) -> None:
        """A call with plain RTP is refused when it is answered, with the reason, and rings no more."""
        caller, called = await self.phone(5001), await self.page(options={"events": "poll"})
        await called.evaluate(PLAIN)
        await called.evaluate(COUNT)
        await self.sign_in(called, 5002)
        await self.call(caller, 5002)
        await self.is_(called, "incoming")
        failed = await self.do(called, "answer")
        self.assertEqual(failed["code"], "no_webrtc")
        self.assertIn("RTP/AVP", failed["hint"])
        self.assertIn("DTLS fingerprint", failed["hint"])
        self.assertEqual(
            await called.evaluate("() => [call.state, call.ended.cause, asked]"), ["ended", "no_webrtc", 0]
        )
        await self.is_(caller, "ended")
        self.assertEqual(await caller.evaluate("() => call.ended.sipCode"), 488)
        self.assertEqual(await self.told(called, "error"), [])

    async def test_plain_answer(self) -> None:
        """An answer with plain RTP ends the call with the same reason, told by its end alone."""
        tab = await self.page(options={"events": "poll"})
        await tab.evaluate(PLAIN)
        await self.sign_in(tab, 5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "ended")
        self.assertEqual(await tab.evaluate("() => call.ended.cause"), "no_webrtc")
        self.assertEqual(await self.told(tab, "error"), [])

    async def test_no_number(self) -> None:
        """What is no number is refused before the microphone is asked for, by one error and no call."""
        tab = await self.phone(5001)
        tab.console.expect("400")
        await tab.evaluate(COUNT)
        failed = await tab.evaluate(FAIL, "abc def")
        self.assertEqual((failed["code"], failed["status"]), ("bad_input", 400))
        self.assertEqual(await tab.evaluate("() => [asked, phone.calls.size]"), [0, 0])
        self.assertEqual(await self.told(tab, "callended") + await self.told(tab, "error"), [])

    async def test_unreachable(self) -> None:
        """An order that does not reach the gateway says what was not done; a call is told by one error, with it."""
        tab = await self.phone(5001)
        tab.console.expect("net::ERR_FAILED")
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await tab.chromium.run(lambda: tab.page.route("**/api/webrtc/*", lambda route: route.abort()))
        failed = await self.do(tab, "hold")
        self.assertEqual(failed["code"], "gateway_unreachable")
        self.assertIn("was not put on hold", failed["hint"])
        self.assertFalse(await tab.evaluate("() => call.held"))
        failed = await tab.evaluate(FAIL, "1003")
        self.assertEqual((failed["code"], failed["action"], failed["over"]), ("gateway_unreachable", "call", True))
        self.assertIn("was not placed", failed["hint"])
        self.assertEqual(await self.told(tab, "error"), [])
        await tab.chromium.run(lambda: tab.page.unroute("**/api/webrtc/*"))
        await self.until(tab, "() => phone.connection === 'online'")

    async def test_holds_others(self) -> None:
        """A further call leaves the first as it is, unless it is to be put on hold."""
        tab = await self.phone(5001)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await tab.evaluate("() => { window.first = call }")
        await tab.evaluate("async () => { await phone.call('1004') }")
        self.assertFalse(await tab.evaluate("() => first.held"))
        await self.do(tab, "hangup")
        await tab.evaluate("async () => { await phone.call('1004', { hold: true }) }")
        self.assertTrue(await tab.evaluate("() => first.held"))
        await tab.evaluate("async () => { await first.hangup() }")


class Guests(LibraryCase):
    """Visitors of a page elsewhere."""

    settings: ClassVar[Mapping[str, object]] = {
        "guest_mode": "unregistered",
        "guest_dn": "5010",
        "guest_password": PASSWORD,
        "guest_destinations": ["1003"],
    }

    async def test_destination(self) -> None:
        """A visitor may call what guests may, and is refused anything else before the microphone is asked for."""
        tab = await self.page()
        tab.console.expect("403")
        await tab.evaluate(COUNT)
        await tab.evaluate("async () => { await phone.signIn({ guest: true }) }")
        failed = await tab.evaluate(FAIL, str(BUSY))
        self.assertEqual((failed["status"], await tab.evaluate("() => asked")), (403, 0))
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.hears(tab, "call.connection")

    async def test_foreign_origin(self) -> None:
        """A page whose origin is not allowed is told that, and which setting would allow it."""
        port = urlsplit(self.gateway.url).port
        tab = await self.open(f"http://localhost:{port}{PAGE}")
        tab.console.expect("403")
        await tab.evaluate(SETUP, {"gateway": self.gateway.url})
        failed = await tab.evaluate("() => phone.signIn({ guest: true }).catch(({ code, hint }) => [code, hint])")
        self.assertEqual(failed[0], "foreign_origin")
        self.assertIn(f"http://localhost:{port}", failed[1])
        self.assertIn("allowed_origins", failed[1])


class Lint(LibraryCase):
    """The lint beside the browser that it speaks of."""

    async def test_as_chromium_judges(self) -> None:
        """What Chromium refuses about names, groups and DTLS is found, by the rule that says why."""
        source = (pathlib.Path(PROJECT) / "tests/browser/refusals.mjs").read_text("utf-8")
        tab = await self.open(PAGE)
        results = await tab.evaluate(JUDGE, source)
        self.assertGreater(len(results), 30)
        self.assertEqual([each for each in results if bool(each["error"]) != each["refused"]], [])
        self.assertEqual([each["name"] for each in results if not each["named"]], [])


class Continued(LibraryCase):
    """What the gateway makes of an offer inside a call that has not the streams of the call."""

    async def test_as_chromium_judges(self) -> None:
        """Chromium refuses an offer with less than there was, or in another order; continued it does not."""
        tab = await self.open(PAGE)
        for change in (
            lambda streams: streams[:1],
            lambda streams: streams[1:],
            lambda streams: streams[::-1],
        ):
            for is_continued in (False, True):
                _, answer = await tab.evaluate(ANSWERED)
                offer = parse(await tab.evaluate(OFFERED_AGAIN, answer))
                changed = offer.with_streams(change(offer.streams))
                sent = continued(changed, parse(answer)) if is_continued else changed
                told = await tab.evaluate(APPLY_OFFER, str(sent))
                self.assertIs(told.startswith("v=0"), is_continued, told)
            back = fitted(parse(told), changed)
            self.assertEqual([each.media for each in back.streams], [each.media for each in changed.streams])
            self.assertEqual([each.is_rejected for each in back.streams], [False] * len(back.streams))


class Fitted(LibraryCase):
    """What the gateway makes of an answer that has not the streams of its offer."""

    async def test_as_chromium_judges(self) -> None:
        """Chromium refuses an answer with less or more than was offered, or in another order; fitted it does not."""
        tab = await self.open(PAGE)
        for change in (
            lambda streams: streams[:1],
            lambda streams: streams[1:],
            lambda streams: streams[::-1],
            lambda streams: [*streams, *streams],
            lambda streams: [],
        ):
            offer, answer = map(parse, await tab.evaluate(ANSWERED))
            changed = answer.with_streams(change(answer.streams))
            self.assertNotEqual(await tab.evaluate(APPLY, str(changed)), "")
            self.assertEqual(await tab.evaluate(APPLY, str(fitted(changed, offer))), "")
