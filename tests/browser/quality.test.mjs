// From getStats to numbers that people understand, and to the gateway's report.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assess, opinion, read, report } from "../../src/wrtcgw/browser/grtc/quality.js";

test("the score falls with delay, jitter and loss, within 1 and 4.5", () => {
  const perfect = opinion({});
  assert.ok(perfect > 4.3 && perfect <= 4.5, String(perfect));
  for (const worse of [{ rtt: 600 }, { jitter: 80 }, { loss: 5 }]) assert.ok(opinion(worse) < perfect);
  assert.ok(opinion({ loss: 3 }) > opinion({ loss: 10 }));
  assert.equal(opinion({ loss: 100, rtt: 3000 }), 1);
  assert.equal(opinion({ loss: -4 }), perfect);
});

test("known points of the E-model are met", () => {
  // R = 93.2 - 0.024 * 40 = 92.24; and 5 % of loss cost 95 * 5 / 30.1 = 15.8 of it
  assert.equal(opinion({}), 4.39);
  assert.equal(opinion({ loss: 5 }), 3.88);
  // one way 340 ms: 0.024 * 340 + 0.11 * 162.7 = 26.1
  assert.equal(opinion({ rtt: 600 }), 3.46);
});

const REPORTS = [
  { id: "T", type: "transport", selectedCandidatePairId: "P" },
  { id: "P", type: "candidate-pair", currentRoundTripTime: 0.04, localCandidateId: "L", remoteCandidateId: "R" },
  { id: "L", type: "local-candidate", candidateType: "relay" },
  { id: "R", type: "remote-candidate", candidateType: "host" },
  { id: "C", type: "codec", mimeType: "audio/opus" },
  {
    id: "I",
    type: "inbound-rtp",
    kind: "audio",
    codecId: "C",
    packetsReceived: 90,
    packetsLost: 10,
    bytesReceived: 900,
    jitter: 0.012,
    totalAudioEnergy: 0.5,
    totalSamplesDuration: 2,
  },
  { id: "O", type: "outbound-rtp", kind: "audio", packetsSent: 100, bytesSent: 1000 },
  { id: "S", type: "remote-inbound-rtp", kind: "audio", packetsLost: 3, jitter: 0.002, roundTripTime: 0.055 },
];

test("reports are read by what they mean", () => {
  const quality = assess(read(REPORTS));
  assert.deepEqual(
    [quality.rtt, quality.jitter, quality.loss, quality.codec, quality.relayed],
    [55, 12, 10, "opus", true],
  );
  assert.deepEqual([quality.sent, quality.received, quality.bytesSent, quality.bytesReceived], [100, 90, 1000, 900]);
  assert.equal(quality.level, 0.5);
});

test("loss and level are those since the sample before", () => {
  const before = read(REPORTS);
  const later = REPORTS.map((each) =>
    each.id === "I"
      ? { ...each, packetsReceived: 189, packetsLost: 11, totalAudioEnergy: 0.5, totalSamplesDuration: 4 }
      : each,
  );
  const quality = assess(read(later), before);
  assert.deepEqual([quality.loss, quality.level], [1, 0]);
});

test("a connection that has begun anew counts from its own beginning", () => {
  const fresh = REPORTS.map((each) => (each.id === "I" ? { ...each, packetsReceived: 9, packetsLost: 1 } : each));
  assert.equal(assess(read(fresh), read(REPORTS)).loss, 10);
});

test("where nothing comes any more, nobody hears anything; on hold that is as it should be", () => {
  const reading = read(REPORTS);
  assert.equal(assess(reading, reading).mos, 1);
  assert.ok(assess(reading, reading, { expected: false }).mos > 4);
  assert.equal(report(reading, assess(reading, reading)).audio.mos, 1);
});

test("without a remote report the way's own round trip counts; without anything nothing is claimed", () => {
  assert.equal(assess(read(REPORTS.filter(({ id }) => id !== "S"))).rtt, 40);
  const nothing = assess(read([]));
  assert.deepEqual([nothing.rtt, nothing.loss, nothing.received, nothing.codec, nothing.level], [0, 0, 0, "", 0]);
  assert.equal("mos" in report(read([]), nothing).audio, false);
});

test("the report has the shape that the gateway takes", () => {
  const reading = read(REPORTS);
  const told = report(reading, assess(reading));
  assert.deepEqual(told.audio, {
    codec: "opus",
    mos: assess(reading).mos,
    rtt: 55,
    rx: { packets: 90, bytes: 900, lost: 10, jitter: 12 },
    tx: { packets: 100, bytes: 1000, lost: 3, jitter: 2 },
  });
  assert.ok(!("video" in told) && Number.isInteger(told.timestamp));
});
