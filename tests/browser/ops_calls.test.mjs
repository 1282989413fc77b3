// The console's calls: which are asked for, what leaves as a table, and what a ladder folds up.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { csv } from "../../src/wrtcgw/browser/ops/csv.js";
import { addressOf, fieldOf, filterOf, isFiltered, queryOf, timeOf } from "../../src/wrtcgw/browser/ops/filters.js";
import { folded, isFailure } from "../../src/wrtcgw/browser/ops/folding.js";
import { paused } from "../../src/wrtcgw/browser/ops/reading.js";
import { useTexts } from "../../src/wrtcgw/browser/ops/texts.js";
import { hasFailed } from "../../src/wrtcgw/browser/ops/words.js";
import { Texts } from "../../src/wrtcgw/browser/softphone/texts.js";

const ENGLISH = new URL("../../src/wrtcgw/browser/ops/texts/en.json", import.meta.url);
useTexts(new Texts("en", JSON.parse(readFileSync(ENGLISH, "utf8"))));

const NOW = Date.parse("2026-03-01T12:00:00Z");

test("a filter is in the address, and comes from it as it was; what is not filtered by is not there", () => {
  assert.equal(addressOf(filterOf("")), "#/calls");
  assert.equal(
    addressOf({ state: "ended", cause: "busy", last: "900", code: "" }),
    "#/calls?state=ended&last=900&cause=busy",
  );
  const filter = filterOf("state=active&from=2026-03-01T10%3A00Z&agent=a%26b&odd=1");
  assert.deepEqual([filter.state, filter.from, filter.agent], ["active", "2026-03-01T10:00Z", "a&b"]);
  assert.deepEqual(filterOf(addressOf(filter).split("?")[1]), filter);
  assert.equal(filterOf("state=odd").state, "all");
  assert.deepEqual(
    ["", "state=ended&order=oldest", "code=486", "last=900"].map((each) => isFiltered(filterOf(each))),
    [false, false, true, true],
  );
});

test("the gateway is asked by its own clock, and only for what is filtered by", () => {
  assert.deepEqual(queryOf(filterOf(""), NOW), { state: "all" });
  assert.deepEqual(queryOf(filterOf("last=900&failed=true&code=5xx"), NOW), {
    state: "all",
    failed: "true",
    code: "5xx",
    since: NOW - 900_000,
  });
  assert.deepEqual(queryOf(filterOf("from=2026-03-01T10:00Z&to=2026-03-01T11:00Z&order=worst"), NOW), {
    state: "all",
    order: "worst",
    since: NOW - 7_200_000,
    until: NOW - 3_600_000,
  });
  assert.deepEqual(queryOf(filterOf("from=nonsense&last=-5"), NOW), { state: "all" });
});

test("times of the address are shown in the zone that was chosen", () => {
  assert.equal(timeOf("2026-03-01T10:00", true), "2026-03-01T10:00Z");
  assert.equal(fieldOf("2026-03-01T10:00Z", true), "2026-03-01T10:00");
  assert.equal(timeOf(fieldOf("2026-03-01T10:00Z", false), false), "2026-03-01T10:00Z");
  assert.deepEqual([timeOf("", true), fieldOf("x", true)], ["", ""]);
});

test("a call leaves as a line of CSV: nothing in it is taken for a formula, and numbers stay numbers", () => {
  const call = {
    callId: "c1",
    peer: "+49 30 1234",
    displayName: '=HYPERLINK("x")',
    direction: "inbound",
    state: "ENDED",
    startedAt: NOW,
    answeredAt: null,
    endedAt: NOW + 1500,
    duration: null,
    cause: "busy",
    sipCode: 486,
    reason: "Busy, here",
    quality: null,
  };
  const [head, line, end] = csv([call]).split("\r\n");
  assert.equal(end, "");
  assert.equal(head.split(",")[0], "callId");
  assert.ok(
    line.includes(',+49 30 1234,"\'=HYPERLINK(""x"")",ENDED,2026-03-01T12:00:00.000Z,,2026-03-01T12:00:01.500Z,'),
  );
  assert.ok(line.includes('busy,486,"Busy, here","busy, 486 Busy, here"'));
});

test("no formula stands where another separator than the comma would begin a cell", () => {
  const call = { startedAt: NOW, answeredAt: null, endedAt: NOW, duration: null, sipCode: 0, quality: null };
  for (const [given, expected] of [
    ["x;=cmd|' /C calc'!A0", "\"x;'=cmd|' /C calc'!A0\""],
    ['x; "@SUM(1)', '"x; ""\'@SUM(1)"'],
    ["x;-1+1;+49", "\"x;'-1+1;'+49\""],
    ["a\t=1", "a\t'=1"],
    ["\n=1", "\"'\n'=1\""],
    ["Meier; Köln", '"Meier; Köln"'],
  ]) {
    const line = csv([{ ...call, displayName: given }]).slice(csv([]).length);
    assert.ok(line.includes(`,${expected},`), line);
  }
});

test("a call has failed when nobody wished its end, as the gateway counts", () => {
  const call = { state: "ENDED", answeredAt: null, direction: "outbound" };
  assert.deepEqual(
    ["busy", "local", "cancelled", "server-failure"].map((cause) => hasFailed({ ...call, cause })),
    [true, false, false, true],
  );
  assert.equal(hasFailed({ ...call, answeredAt: 1, cause: "remote" }), false);
  assert.equal(hasFailed({ ...call, answeredAt: 1, cause: "lost" }), true);
  assert.equal(hasFailed({ state: "ESTABLISHED", cause: "" }), false);
});

/** Messages in short: "sip label|detail", a note begins with "note". */
function ladder(...lines) {
  return lines.map((line, index) => {
    const [, via, rest] = /^(\w+) (.*)$/.exec(line);
    const [label, detail = ""] = rest.split("|");
    const kind = via === "note" ? "note" : /^\d{3} /.test(label) ? "response" : /^→/.test(label) ? "event" : "request";
    return { n: index + 1, via: via === "note" ? "gateway" : via, kind, label, detail, delta: 100 * index };
  });
}

const shape = (items) => items.map(({ fold, messages }) => [fold, ...messages.map(({ n }) => n)]);

test("responses to pages and ACKs are folded up, what has failed never is", () => {
  const messages = ladder(
    "http POST OFFER",
    "http 200 OK (OFFER)",
    "sip INVITE 1",
    "sip 100 Trying (INVITE)",
    "sip 486 Busy Here (INVITE)",
    "sip ACK 1",
    "http 409 wrong_state (hold)",
  );
  assert.deepEqual(shape(folded(messages)), [
    ["", 1],
    ["noise", 2],
    ["", 3],
    ["noise", 4],
    ["", 5],
    ["noise", 6],
    ["", 7],
  ]);
  assert.deepEqual(shape(folded(messages, ({ n }) => n === 4))[3], ["", 4]);
  assert.deepEqual(
    messages.filter(isFailure).map(({ n }) => n),
    [5, 7],
  );
});

test("a challenge is no failure, an end by a fault and a transfer that was refused are", () => {
  const [challenge, end, wished, transfer, done] = ladder(
    "sip 401 Unauthorized (INVITE)",
    "note ended: server-failure 500 Boom",
    "note ended: local 486 Busy Here",
    "note transfer: 486 Busy Here",
    "note transfer: 200 OK",
  );
  assert.deepEqual([challenge, end, wished, transfer, done].map(isFailure), [false, true, false, true, false]);
});

const HOLD = [
  "http POST hold",
  "sip re-INVITE 3|audio sendonly",
  "sip 200 OK (INVITE)|audio recvonly",
  "sip ACK 3",
  "note on hold",
  "http 200 OK (hold)",
];
const RESUME = [
  "http POST resume",
  "sip re-INVITE 4|audio sendrecv",
  "sip 200 OK (INVITE)|audio sendrecv",
  "sip ACK 4",
  "note resumed",
  "http 200 OK (resume)",
];

test("a hold that was taken back is one row; one that goes on, or in which more happened, is not", () => {
  const [whole] = folded(ladder(...HOLD, ...RESUME));
  assert.deepEqual([whole.fold, whole.messages.length, whole.delta, whole.end], ["hold", 12, 0, 1100]);
  assert.deepEqual(
    shape(folded(ladder(...HOLD, ...RESUME, ...HOLD, ...RESUME))).map(([fold]) => fold),
    ["hold", "hold"],
  );
  assert.ok(folded(ladder(...HOLD)).every(({ fold }) => fold !== "hold"));
  assert.ok(folded(ladder(...HOLD, "sip REFER 4", ...RESUME)).every(({ fold }) => fold !== "hold"));
  assert.ok(
    folded(ladder(...HOLD, ...RESUME.map((each, at) => (at === 2 ? "sip 500 Boom (INVITE)" : each)))).some(
      ({ fold }) => fold !== "hold",
    ),
  );
});

test("a pause is counted from the end of what is folded up before it", () => {
  const [hold, ...rest] = folded(ladder(...HOLD, ...RESUME, "sip BYE 5"));
  const bye = { ...rest[0], delta: hold.end + 5000 };
  assert.deepEqual(
    paused([hold, bye]).map(({ pause }) => pause),
    [undefined, 5000, undefined],
  );
});
