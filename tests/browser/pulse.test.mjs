// Signs of life: how often a page says that it runs, what it says, and what it notices of its own sleep.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Pulse } from "../../src/wrtcgw/browser/grtc/pulse.js";

const SECOND = 1_000;
const START = 1_000_000;

let pulse;
let said; // [seconds since the beginning, word, whether it outlives the page]
let wire;
let rings;
let woken;

beforeEach((context) => {
  context.mock.timers.enable({ apis: ["setInterval", "Date"], now: START });
  said = [];
  [rings, woken] = [false, 0];
  wire = {
    id: "phone-5001",
    askedAt: START,
    fails: false,
    signals: [],
    async post(path, query, { visibility }, { keepalive, signal }) {
      assert.deepEqual([path, query], ["heartbeat", { id: "phone-5001" }]);
      wire.askedAt = Date.now();
      said.push([(Date.now() - START) / SECOND, visibility, keepalive]);
      wire.signals.push(signal);
      if (wire.fails) throw new Error("away");
    },
  };
  pulse = new Pulse(wire, { rings: () => rings, awake: () => (woken += 1) });
});

afterEach(() => {
  pulse.stop();
  delete globalThis.document;
});

const times = () => said.map(([time]) => time);
const show = (visibilityState) => Object.assign(globalThis, { document: { visibilityState } });

test("a word at the beginning, then about every 30 s", ({ mock }) => {
  pulse.start();
  for (let second = 0; second < 90; second += 1) mock.timers.tick(SECOND);
  assert.deepEqual(times(), [0, 25, 50, 75]);
  assert.deepEqual(said[0], [0, "visible", false]);
  pulse.stop();
  mock.timers.tick(100 * SECOND);
  pulse.look();
  pulse.beat();
  assert.equal(said.length, 4);
});

test("a word on its way is given up by the next one, and at the end; the last one is not", ({ mock }) => {
  pulse.start();
  mock.timers.tick(30 * SECOND);
  assert.deepEqual(
    wire.signals.map((signal) => signal.aborted),
    [true, false],
  );
  pulse.stop();
  assert.equal(wire.signals[1].aborted, true);
  pulse.start();
  pulse.beat("gone");
  pulse.stop();
  assert.deepEqual(wire.signals.slice(3), [undefined]);
});

test("whatever else is asked for counts as a word", ({ mock }) => {
  pulse.start();
  for (let second = 0; second < 120; second += 1) {
    mock.timers.tick(SECOND);
    if (second % 20 === 0) wire.askedAt = Date.now(); // a poll, say
  }
  assert.deepEqual(times(), [0]);
});

test("while a call rings here it is said more often", ({ mock }) => {
  pulse.start();
  rings = true;
  for (let second = 0; second < 40; second += 1) mock.timers.tick(SECOND);
  assert.deepEqual(times(), [0, 10, 20, 30, 40]);
});

test("each piece of a stream is a chance, where timers are slow", ({ mock }) => {
  pulse.start();
  for (const time of [15, 30, 45, 60]) {
    mock.timers.setTime(START + time * SECOND);
    pulse.look();
  }
  assert.ok(times().includes(30) && times().includes(60));
});

test("being hidden is told at once, but no more often than every 5 s", ({ mock }) => {
  show("visible");
  pulse.start();
  mock.timers.tick(7 * SECOND);
  for (const state of ["hidden", "visible", "hidden"]) {
    show(state);
    pulse.look();
  }
  assert.deepEqual(
    said.map(([, word]) => word),
    ["visible", "hidden"],
  );
  show("visible");
  pulse.look();
  mock.timers.tick(10 * SECOND);
  assert.deepEqual(said.at(-1).slice(1), ["visible", false]);
  assert.equal(said.length, 3);
});

test("the last word goes out whatever was said before, and outlives the page; after it the first one is new", ({
  mock,
}) => {
  pulse.start();
  pulse.beat("frozen");
  pulse.beat("gone");
  assert.deepEqual(said.slice(1), [
    [0, "frozen", true],
    [0, "gone", true],
  ]);
  mock.timers.tick(5 * SECOND);
  assert.deepEqual(said.at(-1), [5, "visible", false]);
});

test("a word that did not get through is said again", async ({ mock }) => {
  wire.fails = true;
  pulse.start();
  await new Promise((resolve) => setImmediate(resolve));
  wire.fails = false;
  mock.timers.tick(5 * SECOND);
  await new Promise((resolve) => setImmediate(resolve));
  mock.timers.tick(15 * SECOND);
  assert.deepEqual(times(), [0, 5]);
});

test("a clock that jumps tells of a sleep, of the page or its computer", ({ mock }) => {
  pulse.start();
  for (let second = 0; second < 30; second += 1) mock.timers.tick(SECOND);
  assert.equal(woken, 0);
  mock.timers.setTime(START + 3_600 * SECOND);
  mock.timers.tick(5 * SECOND);
  assert.ok(woken > 0);
});
