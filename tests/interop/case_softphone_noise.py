"""Noise suppression by RNNoise in the softphone: switched in a call, in Chromium, under the page's own policy."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.softphone_page import CONNECTION, SoftphoneCase

SOURCE = """() => {
    const second = (make) => {
        const buffer = new AudioBuffer({ length: 48_000, sampleRate: 48_000 });
        buffer.copyToChannel(Float32Array.from({ length: 48_000 }, (_, at) => make(at / 48_000)), 0);
        return buffer;
    };
    const harmonic = (time, nth) => Math.sin(2 * Math.PI * 150 * nth * time) / nth;
    const vowel = (time) => [1, 2, 3, 4, 5, 6, 7].reduce((sum, nth) => sum + harmonic(time, nth), 0);
    let low = 0;
    const sounds = {
        noise: second(() => (low = 0.9 * low + 0.02 * (2 * Math.random() - 1))), // low, as a fan has it
        voice: second((time) => 0.2 * Math.max(0, Math.sin(4 * Math.PI * time)) * vowel(time)),
    };
    const context = new AudioContext({ sampleRate: 48_000 });
    const outs = [];
    let playing = null;
    window.say = (name) => {
        playing?.stop();
        playing = new AudioBufferSourceNode(context, { buffer: sounds[name], loop: true });
        outs.forEach((out) => playing.connect(out));
        playing.start();
    };
    say("voice");
    navigator.mediaDevices.getUserMedia = async () => {
        const out = context.createMediaStreamDestination();
        outs.push(out);
        playing.connect(out);
        return out.stream;
    };
    window.contexts = [];
    const { audioWorklet } = Object.getOwnPropertyDescriptors(BaseAudioContext.prototype);
    Object.defineProperty(BaseAudioContext.prototype, "audioWorklet", {
        get() {
            contexts.push(this);
            return audioWorklet.get.call(this);
        },
    });
}"""
"""A microphone that gives noise or a voice, as it is told; and the contexts that had a worklet, to see what is left."""
STATES = "() => contexts.map(({ state }) => state)"
FLOOR = 1e-8
"""The energy of what is as good as silence."""
FETCHED = "() => performance.getEntriesByType('resource').some(({ name }) => name.includes('rnnoise'))"
UNASKED = """async () => {
    window.hints = [];
    softphone.phone.on("error", ({ hint }) => hints.push(hint));
    const { noiseSuppressor } = await import("/grtc/noise.js");
    await softphone.phone.setAudioProcessing(noiseSuppressor());
}"""


class Noise(SoftphoneCase):
    """The sound gets through with it and without, and the noise does not."""

    settings: ClassVar[Mapping[str, object]] = {"noise_suppression": True}

    async def test_in_a_call(self) -> None:
        """Switched on in a call it takes the noise off, and no voice; it ends with the call, and is remembered."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.switch(caller, on=True)
        await agent.evaluate(SOURCE)
        await self.connect(agent, caller, 5002)
        self.assertFalse(await agent.evaluate(FETCHED))
        voice, noise = await self.loudness(agent, "voice"), await self.loudness(agent, "noise")
        await self.switch(agent, on=True)
        await self.gives(agent, "noise", lambda energy: energy < noise / 100)
        await self.gives(agent, "voice", lambda energy: energy > voice / 3)
        self.assertEqual(await agent.evaluate(STATES), ["running"])
        for tab in (caller, agent):
            await self.hears(tab, CONNECTION)
        await self.press(agent, "Mute")
        await self.gives(agent, "voice", lambda energy: energy < FLOOR)
        await self.press(agent, "Unmute")
        await self.hears(caller, CONNECTION)
        await self.switch(agent, on=False)
        await self.gives(agent, "noise", lambda energy: energy > noise / 3)
        self.assertEqual(await agent.evaluate(STATES), ["closed"])
        await self.switch(agent, on=True)
        await self.until(agent, f"() => ({STATES})().join() === 'closed,running'")
        await self.press(agent, "Hang up")
        await self.calls(caller, 0)
        await self.until(agent, f"() => ({STATES})().join() === 'closed,closed'")
        await agent.reload()
        await self.until(agent, "() => document.querySelector('[data-switch=filter]')?.checked")

    async def switch(self, tab: Tab, *, on: bool) -> None:
        """Turn it on or off in the menu."""
        await self.do(tab, lambda page: page.locator(".menu-button").click())
        await tab.evaluate("() => { document.querySelector('details.hand').open = true; }")
        await self.do(tab, lambda page: page.get_by_label("Suppress background noise").set_checked(on))
        await check_accessible(tab)
        await self.until(tab, "(on) => Boolean(softphone.phone.microphone.process) === on", on)
        await self.do(tab, lambda page: page.keyboard.press("Escape"))

    async def gives(self, tab: Tab, sound: str, fits: Callable[[float], bool]) -> None:
        """Wait until what the page sends of this sound is as loud as it should be."""
        seen: list[float] = []
        while len(seen) < 10:
            seen.append(await self.loudness(tab, sound))
            if fits(seen[-1]):
                return
        self.fail(f"{sound}: {seen}")

    async def loudness(self, tab: Tab, sound: str) -> float:
        """Return the energy of a second of what the page sends while its microphone gives this sound."""
        await tab.evaluate("(sound) => say(sound)", sound)
        await self.pause(0.5)
        before = await tab.audio(CONNECTION)
        await self.pause(1.0)
        now = await tab.audio(CONNECTION)
        return (now.spoken or 0.0) - (before.spoken or 0.0)


class Forbidden(SoftphoneCase):
    """Without the setting the policy forbids it, whoever asks."""

    async def test_policy(self) -> None:
        """There is no switch; a script that wants it nevertheless hears why not, and the call has the plain sound."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        self.assertFalse(await agent.evaluate("() => document.querySelector('[data-switch=filter]').checkVisibility()"))
        await agent.evaluate(UNASKED)
        await self.connect(agent, caller, 5002)
        await self.sees(agent, "The audio filter of this page has failed.", ".notice")
        self.assertRegex(
            await agent.evaluate("() => hints.join()"), r"RNNoise cannot run here: .*Content Security Policy"
        )
