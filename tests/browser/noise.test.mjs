// Noise suppression: what RNNoise does to sound, in its worklet; and that whatever fails leaves the microphone's own sound.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { Microphone } from "../../src/wrtcgw/browser/grtc/devices.js";
import { noiseSuppressor } from "../../src/wrtcgw/browser/grtc/noise.js";
import { Platform } from "../../src/wrtcgw/browser/grtc/platform.js";
import { FLOOR } from "../../src/wrtcgw/browser/grtc/silence.js";
import { FakeStream, FakeTrack, holdTimers, settled } from "./fake_rtc.mjs";

const WASM = readFileSync(new URL("../../src/wrtcgw/browser/vendor/rnnoise/rnnoise.wasm", import.meta.url));
const FORBIDDEN = "CompileError: WebAssembly.instantiate() violates the Content Security policy directive";
const QUANTUM = 128;
const RATE = 48_000;

// ---- the worklet, with RNNoise itself

const registered = new Map();
globalThis.registerProcessor = (name, processor) => registered.set(name, processor);
globalThis.AudioWorkletProcessor = class {
  said = [];
  port = { onmessage: null, postMessage: (message) => this.said.push(message) };
};
await import("../../src/wrtcgw/browser/grtc/noiseWorklet.js");

async function processorOf(wasm = WASM) {
  const processor = new (registered.get("wrtcgw-noise"))({ processorOptions: { wasm, floor: FLOOR } });
  while (!processor.said.length) await settled();
  return processor;
}

/** Returns the mean squares of what goes in and comes out of the last second. */
function run(processor, sound, seconds) {
  const sums = [0, 0];
  for (let at = 0; at < seconds * RATE; at += QUANTUM) {
    const input = Float32Array.from({ length: QUANTUM }, (_, index) => sound((at + index) / RATE));
    const output = new Float32Array(QUANTUM);
    assert.equal(processor.process([[input]], [[output]]), true);
    if (at < (seconds - 1) * RATE) continue;
    input.forEach((each) => (sums[0] += each ** 2 / RATE));
    output.forEach((each) => (sums[1] += each ** 2 / RATE));
  }
  return sums;
}

let seed = 1; // the same noise each time
const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
const noise = (level) => () => level * (2 * random() - 1);
const voice = (time) => {
  const sum = [1, 2, 3, 4, 5].reduce((all, nth) => all + Math.sin(2 * Math.PI * 170 * nth * time) / nth, 0);
  return 0.1 * sum * Math.max(0, Math.sin(6 * Math.PI * time));
};

test("noise is taken off from the beginning, before anybody has spoken, and a voice is left as it is", async () => {
  const processor = await processorOf();
  assert.deepEqual(processor.said, ["ready"]);
  const [before, after] = run(processor, noise(0.02), 3);
  assert.ok(after < before / 1_000, `${before} ${after}`);
  assert.ok(after > FLOOR, `${after}`); // nobody is to be told that the microphone is off
  const [spoken, heard] = run(processor, voice, 3);
  assert.ok(heard > spoken / 2 && heard < 2 * spoken, `${spoken} ${heard}`);
});

test("the silence of a microphone that is off stays silence, to be warned of", async () => {
  const processor = await processorOf();
  run(processor, noise(0.02), 1);
  assert.deepEqual(
    run(processor, () => 0, 2),
    [0, 0],
  );
  const output = new Float32Array(QUANTUM).fill(1);
  processor.process([[]], [[output]]); // nothing is connected
  assert.ok(output.every((each) => each === 0));
});

test("it ends when it is told to, and tells when it has no WebAssembly", async () => {
  const processor = await processorOf();
  processor.port.onmessage({ data: "end" });
  assert.equal(processor.process([[new Float32Array(QUANTUM)]], [[new Float32Array(QUANTUM)]]), false);
  const { said } = await processorOf(new Uint8Array([1, 2, 3]));
  assert.match(said[0], /^CompileError/);
});

// ---- the page's part, in a browser that is played

let browser;

class FakeNode {
  targets = [];
  connect(target) {
    this.targets.push(target);
    return target;
  }
  disconnect() {
    this.targets = null;
  }
}

function play(more = {}) {
  browser = { asked: [], contexts: [], nodes: [], said: "ready", modules: [], resumes: 0, ...more };
  globalThis.MediaStream = FakeStream;
  globalThis.AudioContext = class {
    state = "running";
    currentTime = 0;
    constructor({ sampleRate }) {
      if (browser.noContext) throw new DOMException("too many", "NotSupportedError");
      Object.assign(this, { sampleRate });
      browser.contexts.push(this);
    }
    audioWorklet = {
      addModule: async (url) => {
        browser.modules.push(url);
        if (browser.noModule) throw new DOMException("not loaded", "AbortError");
      },
    };
    resume() {
      browser.resumes += 1;
      return browser.suspended ? new Promise(() => {}) : Promise.resolve();
    }
    async close() {
      if (this.state === "closed") throw new DOMException("", "InvalidStateError");
      this.state = "closed";
    }
    createMediaStreamSource(stream) {
      if (browser.noSource) throw new DOMException("not of this browser", "InvalidStateError");
      return Object.assign(new FakeNode(), { stream });
    }
  };
  globalThis.AudioWorkletNode = class extends FakeNode {
    posted = [];
    port = { onmessage: null, postMessage: (message) => this.posted.push(message) };
    constructor(context, name, { processorOptions }) {
      super();
      Object.assign(this, { name, ...processorOptions });
      browser.nodes.push(this);
      queueMicrotask(() => queueMicrotask(() => this.port.onmessage?.({ data: browser.said })));
    }
  };
  globalThis.MediaStreamAudioDestinationNode = class extends FakeNode {
    stream = new FakeStream([new FakeTrack()]);
  };
  globalThis.fetch = async (url) => {
    browser.asked.push(url);
    if (browser.offline) throw new TypeError("Failed to fetch");
    return { ok: !browser.missing, status: browser.missing ? 404 : 200, arrayBuffer: async () => WASM.buffer };
  };
}

let gateways = 0;

function suppressed() {
  const opened = [];
  const getUserMedia = async () => {
    opened.push(new FakeTrack());
    return new FakeStream([opened.at(-1)]);
  };
  const microphone = new Microphone(new Platform({ getUserMedia }));
  const told = [];
  microphone.on("error", ({ code, hint }) => told.push(code, hint));
  microphone.on("changed", () => told.push("changed"));
  const gateway = `https://gateway${(gateways += 1)}.example.com`;
  microphone.process = noiseSuppressor({ gateway });
  return { microphone, opened, told, gateway };
}

beforeEach(() => play());

test("it runs at 48 kHz, with what comes from the gateway, and nothing is left when the microphone is closed", async (t) => {
  const clock = holdTimers(t);
  const { microphone, opened, told, gateway } = suppressed();
  const track = await microphone.lend();
  const [[context], [node]] = [browser.contexts, browser.nodes];
  assert.deepEqual([context.sampleRate, node.floor], [RATE, FLOOR]);
  assert.equal(node.wasm, WASM.buffer);
  assert.deepEqual(browser.asked, [`${gateway}/vendor/rnnoise/rnnoise.wasm`]);
  assert.deepEqual(browser.modules, [`${gateway}/grtc/noiseWorklet.js`]);
  assert.equal(node.targets[0].stream.getTracks()[0].readyState, "live");
  microphone.takeBack(track);
  assert.deepEqual([context.state, node.posted, node.targets], ["closed", ["end"], null]);
  assert.equal(opened[0].readyState, "ended");
  await clock.pass(10_000);
  assert.deepEqual([told, browser.resumes], [[], 1]);
  microphone.takeBack(await microphone.lend());
  assert.deepEqual([browser.asked.length, browser.contexts.length], [1, 2]);
});

for (const [what, more, hint] of [
  ["no AudioWorklet", {}, /no AudioWorklet/],
  ["no context", { noContext: true }, /too many/],
  ["a gateway without it", { missing: true }, /could not be loaded from the gateway: 404/],
  ["a gateway that is gone", { offline: true }, /could not be loaded from the gateway: Failed to fetch/],
  ["a worklet that does not load", { noModule: true }, /not loaded/],
  ["a policy that forbids WebAssembly", { said: FORBIDDEN }, /RNNoise cannot run here: CompileError.*Security/],
  ["a microphone that it cannot take", { noSource: true }, /not of this browser/],
]) {
  test(`${what} leaves the microphone's own sound, and says why`, async () => {
    play(more);
    const { microphone, opened, told } = suppressed();
    if (what === "no AudioWorklet") globalThis.AudioWorkletNode = undefined;
    const track = await microphone.lend();
    assert.deepEqual([track.readyState, opened[0].readyState, told.length], ["live", "live", 2]);
    assert.equal(told[0], "processing_failed");
    assert.match(told[1], hint);
    assert.match(told[1], /it is sent as it is \(.*[^.]\)\.$/);
    assert.ok(browser.contexts.every(({ state }) => state === "closed"));
    assert.ok(browser.nodes.every(({ posted }) => posted.includes("end")));
    microphone.takeBack(track);
    assert.equal(opened[0].readyState, "ended");
    play(); // all is well again
    microphone.takeBack(await microphone.lend());
    assert.deepEqual([told.length, browser.nodes.length], [2, 1]);
  });
}

test("a browser that does not begin before the page is clicked keeps no call waiting for longer than 3 s", async (t) => {
  const clock = holdTimers(t);
  play({ suspended: true });
  const { microphone, told } = suppressed();
  const lent = microphone.lend();
  await clock.pass(2_999);
  assert.deepEqual(told, []);
  await clock.pass(1);
  assert.equal((await lent).readyState, "live");
  assert.match(told[1], /before the page is clicked/);
  assert.deepEqual([browser.contexts[0].state, browser.nodes.length], ["closed", 0]);
});

test("a worklet that fails in a call gives way to the microphone's own sound, which is not opened anew", async () => {
  const { microphone, opened, told } = suppressed();
  const before = await microphone.lend();
  browser.nodes[0].onprocessorerror();
  await settled();
  assert.deepEqual([told[0], told[2], opened.length], ["processing_failed", "changed", 1]);
  assert.match(told[1], /The AudioWorklet has failed/);
  assert.deepEqual([browser.contexts[0].state, opened[0].readyState], ["closed", "live"]);
  const after = await microphone.lend();
  microphone.takeBack(before);
  assert.deepEqual([after.readyState, browser.nodes.length], ["live", 1]);
  opened[0].dispatchEvent(new Event("ended")); // and is watched as before
  await settled();
  assert.deepEqual([opened.length, told.length, browser.nodes.length], [2, 4, 2]);
});

test("a browser that stops to process sound is asked once to go on, and else done without", async (t) => {
  const clock = holdTimers(t);
  const { microphone, told } = suppressed();
  await microphone.lend();
  const [context] = browser.contexts;
  context.currentTime = 1;
  await clock.pass(1_000);
  await clock.pass(1_000); // it stands still
  assert.deepEqual([browser.resumes, told], [2, []]);
  context.currentTime = 2;
  await clock.pass(1_000);
  await clock.pass(2_000);
  assert.deepEqual([told[0], told[2], context.state], ["processing_failed", "changed", "closed"]);
  assert.match(told[1], /processes no sound any more/);
  await clock.pass(60_000);
  assert.equal(told.length, 3);
});

test("what fails after its end is of no interest", async () => {
  const { microphone, told } = suppressed();
  microphone.takeBack(await microphone.lend());
  browser.nodes[0].onprocessorerror();
  await settled();
  assert.deepEqual(told, []);
});
