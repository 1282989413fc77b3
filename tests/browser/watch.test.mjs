// Warnings and the verdict on a call's media, second by second, with time and numbers of the test's own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Losses } from "../../src/wrtcgw/browser/grtc/losses.js";
import { LIMITS, Watch } from "../../src/wrtcgw/browser/grtc/watch.js";

const GOOD = { rtt: 40, jitter: 5, loss: 0, mos: 4.3, packets: 50, energy: 0.01, talking: true };

/** Runs seconds through a watch: each is what differs from a good one; returns what was wrong after each. */
function run(seconds, limits) {
  const watch = new Watch(limits);
  let spoken = 0;
  const all = seconds.map((differs, index) => {
    const { speaks = true, ...second } = differs;
    spoken += speaks ? 0.1 : 0;
    const wrong = watch.take({
      ...GOOD,
      at: 1_000 * (index + 1),
      microphone: { total: spoken },
      deviceGone: false,
      relayLost: false,
      ...second,
    });
    return Object.keys(wrong)
      .filter((code) => wrong[code])
      .sort();
  });
  return { all, verdict: watch.verdict() };
}

const times = (count, second = {}) => Array.from({ length: count }, () => second);
/** Returns after which seconds a code is on, as [first, last]; null for never. */
function span({ all }, code) {
  const on = all.map((codes, index) => (codes.includes(code) ? index + 1 : 0)).filter(Boolean);
  return on.length ? [on[0], on.at(-1)] : null;
}

test("a good call has no warning, and its verdict is good", () => {
  const told = run(times(60));
  assert.deepEqual(told.all.flat(), []);
  assert.deepEqual(told.verdict, { code: "good", share: 0, seconds: 60 });
});

const NUMBERS = [
  ["high_rtt", { rtt: LIMITS.rtt + 1 }, { rtt: LIMITS.rtt }],
  ["high_jitter", { jitter: LIMITS.jitter + 1 }, { jitter: LIMITS.jitter }],
  ["high_packet_loss", { loss: LIMITS.loss + 0.1 }, { loss: LIMITS.loss }],
  ["low_mos", { mos: LIMITS.mos - 0.1 }, { mos: LIMITS.mos }],
];

for (const [code, bad, bound] of NUMBERS) {
  test(`${code}: 3 bad seconds of 5 raise it, 5 good ones clear it, the bound itself is good`, () => {
    assert.deepEqual(span(run(times(20, bound)), code), null);
    assert.deepEqual(span(run([...times(2, bad), ...times(20)]), code), null);
    assert.deepEqual(span(run([bad, {}, bad, {}, bad, ...times(20)]), code), [5, 9]);
    assert.deepEqual(span(run([...times(3), ...times(4, bad), ...times(20)]), code), [6, 11]);
    assert.deepEqual(span(run(times(20, bad)), code), [3, 20]);
  });

  test(`${code} is for a page or site to switch off, or to put elsewhere`, () => {
    const name = { high_rtt: "rtt", high_jitter: "jitter", high_packet_loss: "loss", low_mos: "mos" }[code];
    assert.deepEqual(span(run(times(20, bad), { [name]: 0 }), code), null);
    const lax = code === "low_mos" ? 1 : 10_000;
    assert.deepEqual(span(run(times(20, bad), { [name]: lax }), code), null);
  });

  test(`${code}: on hold, and where nothing arrives, no number counts`, () => {
    assert.deepEqual(span(run([...times(5, bad), ...times(9, { ...bad, talking: false })]), code), [3, 5]);
    assert.deepEqual(span(run(times(20, { ...bad, packets: 0 })), code), null);
  });
}

test("nothing that arrives is told after 3 s and is over with the first packet", () => {
  const told = run([...times(4), ...times(5, { packets: 0 }), { packets: 1 }, ...times(3)]);
  assert.deepEqual(span(told, "no_incoming_packets"), [7, 9]);
  assert.deepEqual(span(run(times(9, { packets: 0, talking: false })), "no_incoming_packets"), null);
});

test("packets with silence in them are told after 10 s; what is not known is no silence", () => {
  const told = run([...times(2), ...times(12, { energy: 0 }), {}]);
  assert.deepEqual(span(told, "incoming_silence"), [12, 14]);
  assert.deepEqual(span(run(times(30, { energy: null })), "incoming_silence"), null);
  assert.deepEqual(span(run(times(30, { energy: 1e-6 })), "incoming_silence"), null);
});

test("a silent microphone is told after 6 s; muted, nothing is expected of it", () => {
  const told = run([...times(3), ...times(9, { speaks: false }), {}]);
  assert.deepEqual(span(told, "mic_silent"), [10, 12]);
  assert.deepEqual(span(run(times(30, { microphone: null })), "mic_silent"), null);
  assert.deepEqual(span(run(times(30, { speaks: false }), { micSilence: 0 }), "mic_silent"), null);
});

test("a device that is gone and a relay that is lost are told at once, and cleared at once", () => {
  for (const [name, code] of [
    ["deviceGone", "device_gone"],
    ["relayLost", "relay_lost"],
  ]) {
    const told = run([{}, { [name]: true }, { [name]: true }, {}]);
    assert.deepEqual(span(told, code), [2, 3]);
  }
});

test("a sleep of the machine is no second of the call, and clears nothing", () => {
  const watch = new Watch();
  const second = { ...GOOD, microphone: null, deviceGone: false, relayLost: false, rtt: 900 };
  [1_000, 2_000, 3_000].forEach((at) => watch.take({ ...second, at }));
  assert.equal(watch.take({ ...second, rtt: 1, at: 90_000 }).high_rtt, true);
  assert.equal(watch.verdict().seconds, 3);
});

// What is injected, for how many of 60 seconds, and the verdict.
const FAULTS = [
  ["nothing at all", {}, 60, "good", 0],
  ["a silent microphone", { speaks: false }, 55, "mic_silent", 92],
  ["nothing arrives", { packets: 0 }, 60, "no_incoming_packets", 98],
  ["nothing arrives at the end", { packets: 0 }, 15, "no_incoming_packets", 25],
  ["silence arrives", { energy: 0 }, 50, "incoming_silence", 83],
  ["5 % loss", { loss: 5, mos: 3.9 }, 60, "high_packet_loss", 98],
  ["20 % loss, which sounds bad", { loss: 20, mos: 2.4 }, 60, "high_packet_loss", 98],
  ["300 ms each way", { rtt: 600, mos: 3.4 }, 60, "high_rtt", 98],
  ["jitter", { jitter: 60 }, 40, "high_jitter", 67],
  ["a bad score for no one reason", { mos: 2.9 }, 30, "low_mos", 50],
  ["the microphone is pulled out", { deviceGone: true, speaks: false }, 50, "device_gone", 83],
  ["the relay dies", { relayLost: true, packets: 0 }, 20, "relay_lost", 33],
  ["one bad moment", { loss: 9 }, 3, "good", 0],
  ["a short gap", { packets: 0 }, 4, "good", 0],
];

for (const [name, fault, count, code, share] of FAULTS) {
  test(`the verdict on a call with ${name}: ${code}`, () => {
    const { verdict } = run([{}, ...times(59 - count), ...times(Math.min(59, count), fault)]);
    assert.deepEqual(verdict, { code, share, seconds: 60 });
  });
}

test("a packet lost now and then is no verdict", () => {
  const now = Array.from({ length: 60 }, (_, second) => (second % 5 ? {} : { loss: 2 }));
  assert.equal(run(now).verdict.code, "good");
});

test("the first packet may take 5 s; where none ever comes all after that is a fault", () => {
  const slow = run([...times(5, { packets: 0 }), ...times(20)]);
  assert.deepEqual([slow.all.flat(), slow.verdict], [[], { code: "good", share: 0, seconds: 20 }]);
  const never = run(times(25, { packets: 0 }));
  assert.deepEqual(span(never, "no_incoming_packets"), [8, 25]);
  assert.deepEqual(never.verdict, { code: "no_incoming_packets", share: 100, seconds: 20 });
});

test("nothing is said of a call of a moment, and hold is no talk", () => {
  assert.deepEqual(run([{}, { packets: 0 }]).verdict, { code: "unknown", share: 0, seconds: 2 });
  const held = run([...times(20), ...times(100, { talking: false, packets: 0, energy: null })]);
  assert.deepEqual(held.verdict, { code: "good", share: 0, seconds: 20 });
});

test("what is lost counts two seconds later; what was only late never does", () => {
  const losses = (counters) => {
    const all = new Losses();
    return counters.map((lost) => Math.round(10 * all.take(lost, 95)) / 10);
  };
  assert.deepEqual(losses([0, 5, 10, 15, 20]), [0, 0, 0, 5, 5]);
  const shuffled = losses([7, 3, 9, 4, 8, 5, 7, 3, 9, 6, 4]);
  assert.ok(shuffled.filter((percent) => percent > 1).length < 3, String(shuffled));
  assert.deepEqual(losses([0, 9, 0, 0, 12, 0]), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(losses([-2, -2, -2]), [0, 0, 0]);
});
