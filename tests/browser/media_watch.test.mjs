// What is noticed of the media of a call: a silent microphone, and media that do not arrive any more.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Lifeline } from "../../src/wrtcgw/browser/grtc/lifeline.js";
import { read } from "../../src/wrtcgw/browser/grtc/quality.js";
import { Silence } from "../../src/wrtcgw/browser/grtc/silence.js";
import { watchBrowser } from "../../src/wrtcgw/browser/grtc/browserEvents.js";
import { Warnings } from "../../src/wrtcgw/browser/grtc/warnings.js";
import { holdTimers } from "./fake_rtc.mjs";

// Returns after which second of looks the silence was told, 0 for never.
function told(looks) {
  const silence = new Silence();
  return looks.findIndex((look, second) => silence.lasts(look, 1000 * second)) + 1;
}

const seconds = (count, look) => Array.from({ length: count }, (_, second) => look(second));

test("digital silence is told before 8 s are over, by energy and by loudness", () => {
  for (const look of [() => ({ total: 0 }), () => ({ total: 0.25 }), () => ({ now: 0 })]) {
    const after = told(seconds(20, look));
    assert.ok(after > 5 && after < 8, `after ${after} s`);
  }
});

test("who is quiet is not silent: a microphone gives more than nothing", () => {
  const one = 1 / 32768;
  assert.equal(told(seconds(60, (second) => ({ total: second * (4 * one) ** 2 }))), 0);
  assert.equal(told(seconds(60, () => ({ now: one }))), 0);
});

test("the comfort noise of an echo canceller, one step of 16 bits, is silence", () => {
  assert.ok(told(seconds(20, (second) => ({ total: second * 1e-9 }))) > 0);
});

test("a word now and then is enough; muted or on hold nothing is expected", () => {
  assert.equal(told(seconds(60, (second) => ({ total: Math.floor(second / 5) }))), 0);
  assert.equal(told(seconds(60, () => null)), 0);
  assert.equal(told(seconds(60, (second) => (second % 5 ? { total: 0 } : null))), 0);
});

test("it ends with the first sound, with mute, and begins anew after a sleep of the machine", () => {
  const silence = new Silence();
  seconds(9, (second) => silence.lasts({ total: 1 }, 1000 * second));
  assert.equal(silence.lasts({ total: 1 }, 9_000), true);
  assert.equal(silence.lasts({ total: 1.1 }, 10_000), false);
  seconds(9, (second) => silence.lasts({ total: 1.1 }, 11_000 + 1000 * second));
  assert.equal(silence.lasts(null, 20_000), false);
  assert.equal(silence.lasts({ total: 1.1 }, 21_000), false);
  assert.equal(silence.lasts({ total: 1.1 }, 90_000), false);
});

test("a new connection counts from the beginning, and that is no silence by itself", () => {
  assert.equal(told(seconds(12, (second) => ({ total: second < 5 ? second : second - 4 }))), 0);
});

test("the microphone's energy is read where the browser tells it", () => {
  const sources = [
    { id: "1", type: "media-source", kind: "audio", totalAudioEnergy: 0.5 },
    { id: "2", type: "media-source", kind: "video" },
  ];
  assert.deepEqual(read(sources).source, { energy: 0.5 });
  assert.equal(read([{ id: "1", type: "media-source", kind: "audio" }]).source, null);
  assert.equal(read([]).source, null);
});

test("a warning is told when it begins and when it is over, once each, and is over with the call", () => {
  const heard = [];
  const warnings = new Warnings((name, { code, hint }) => heard.push([name, code, hint.length > 20]));
  for (const on of [false, true, true, false, true]) warnings.set("mic_silent", on);
  assert.deepEqual(warnings.codes, ["mic_silent"]);
  warnings.clear();
  assert.deepEqual(warnings.codes, []);
  assert.deepEqual(
    heard.map(([name]) => name),
    ["warning", "warningcleared", "warning", "warningcleared"],
  );
  assert.deepEqual(heard[0], ["warning", "mic_silent", true]);
});

// A connection of which so much arrives: by how many looks were taken.
function connection(arrives, state = "connected") {
  let looks = 0;
  return {
    connectionState: state,
    getStats: async () => new Map([["T", { id: "T", type: "transport", bytesReceived: arrives((looks += 1)) }]]),
  };
}

async function lost(pc, { flowing = true, current = () => pc } = {}) {
  let count = 0;
  await new Lifeline({
    connection: current,
    flowing: () => flowing,
    lost: () => {
      count += 1;
    },
  }).look();
  return count;
}

test("media that arrive are left alone", async () => {
  assert.equal(await lost(connection((looks) => 100 * looks)), 0);
  assert.equal(await lost(connection((looks) => (looks > 4 ? 1 : 0))), 0);
});

for (const [where, flowing, after] of [
  ["soon where there was sound", true, 2_000],
  ["later where there was none", false, 4_000],
]) {
  test(`media of which nothing arrives any more are lost: ${where}`, async (t) => {
    const clock = holdTimers(t);
    const pc = connection(() => 7);
    let count = 0;
    const hooks = { connection: () => pc, flowing: () => flowing, lost: () => (count += 1) };
    const looking = new Lifeline(hooks).look();
    await clock.pass(after - 1);
    assert.equal(count, 0);
    await clock.pass(1);
    assert.equal(count, 1);
    await looking;
  });
}

test("media of a connection that has failed are lost", async () => {
  assert.equal(await lost(connection(() => 7, "failed")), 1);
});

test("another connection, or none, has nothing to be looked after", async () => {
  let looks = 0;
  const pc = connection(() => 7);
  assert.equal(await lost(pc, { current: () => ((looks += 1) > 2 ? connection(() => 7) : pc) }), 0);
  assert.equal(await lost(null), 0);
  assert.equal(
    await lost({
      getStats: async () => {
        throw new Error("closed");
      },
    }),
    0,
  );
});

test("the browser tells of a network, of a page that sleeps or wakes up, and of devices, while one listens", (t) => {
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  const [connection, mediaDevices] = [new EventTarget(), new EventTarget()];
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { connection }, configurable: true });
  Object.assign(globalThis, {
    document,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });
  t.after(() => {
    for (const name of ["document", "addEventListener", "removeEventListener", "navigator"]) delete globalThis[name];
    if (before) Object.defineProperty(globalThis, "navigator", before);
  });
  const told = [];
  const stop = watchBrowser({
    network: () => told.push("network"),
    awake: () => told.push("awake"),
    seen: () => told.push("seen"),
    stops: (word) => told.push(word),
    devices: () => told.push("devices"),
    source: mediaDevices,
  });
  const happens = (target, name, about = {}) => target.dispatchEvent(Object.assign(new Event(name), about));
  const all = () => {
    happens(page, "online");
    happens(page, "offline");
    happens(connection, "change");
    happens(page, "pageshow", { persisted: false });
    happens(page, "pageshow", { persisted: true });
    happens(document, "visibilitychange");
    document.visibilityState = "visible";
    happens(document, "visibilitychange");
    happens(document, "freeze");
    happens(document, "resume");
    happens(page, "pagehide", { persisted: true });
    happens(mediaDevices, "devicechange");
  };
  all();
  assert.deepEqual(told, [
    ...["network", "network", "awake", "awake", "seen", "awake", "seen"],
    ...["frozen", "awake", "gone", "devices"],
  ]);
  stop();
  all();
  assert.equal(told.length, 11);
});
