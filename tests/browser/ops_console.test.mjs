// The operator console: what it asks, when it asks again, and how it reads messages.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { OpsAPI } from "../../src/wrtcgw/browser/ops/api.js";
import { bytes, clock, gap, grade, since, span } from "../../src/wrtcgw/browser/ops/format.js";
import { LONGEST, Poller, backOff } from "../../src/wrtcgw/browser/ops/poller.js";
import { label, lines, passes, paused } from "../../src/wrtcgw/browser/ops/reading.js";
import { explain, useTexts } from "../../src/wrtcgw/browser/ops/texts.js";
import { callState, outcome, parties, quality } from "../../src/wrtcgw/browser/ops/words.js";
import { Texts } from "../../src/wrtcgw/browser/softphone/texts.js";

const ENGLISH = new URL("../../src/wrtcgw/browser/ops/texts/en.json", import.meta.url);

useTexts(new Texts("en", JSON.parse(readFileSync(ENGLISH, "utf8"))));

class Memory extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }
  setItem(key, value) {
    this.set(key, value);
  }
  removeItem(key) {
    this.delete(key);
  }
}

const answer = (status, body) => new Response(typeof body === "string" ? body : JSON.stringify(body), { status });

test("the token goes along in a header, never in an address, and is kept for the session only", async () => {
  const asked = [];
  const storage = new Memory();
  const api = new OpsAPI("http://gateway.example.com/", storage, async (url, options) => {
    asked.push([String(url), options]);
    return answer(200, { ok: true });
  });
  await api.get("ops/summary");
  api.token = "s3cret";
  await api.get("ops/search", { q: "5001 & more" });
  await api.post("ops/drain", { on: true });
  assert.equal(asked[0][1].headers.Authorization, undefined);
  assert.equal(asked[1][0], "http://gateway.example.com/api/ops/search?q=5001+%26+more");
  assert.equal(asked[1][1].headers.Authorization, "Bearer s3cret");
  assert.deepEqual([asked[2][1].method, asked[2][1].body], ["POST", '{"on":true}']);
  assert.equal(asked[2][1].credentials, "omit");
  assert.deepEqual([...storage.values()], ["s3cret"]);
  api.token = "";
  assert.deepEqual([storage.size, api.token], [0, ""]);
});

test("errors are the gateway's own words; whatever is between and broken counts as unreachable", async () => {
  const api = (respond) => new OpsAPI("http://gateway.example.com/", null, respond);
  const code = (respond) =>
    api(respond)
      .get("ops/summary")
      .then(assert.fail, (error) => [error.code, error.isRefusal]);
  const own = { error: "show it", code: "operator_token_required" };
  assert.deepEqual(await code(async () => answer(401, own)), ["operator_token_required", true]);
  const less = { error: "no", code: "role_required" };
  assert.deepEqual(await code(async () => answer(403, less)), ["role_required", false]);
  assert.deepEqual(await code(async () => answer(502, "<h1>Bad gateway</h1>")), ["unreachable", false]);
  assert.deepEqual(await code(async () => answer(404, "nothing")), ["http", false]);
  assert.deepEqual(await code(async () => Promise.reject(new TypeError("no route"))), ["unreachable", false]);
});

test("it asks again later and later, but not later than that", () => {
  assert.equal(backOff(0, 2000), 2000);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 60].map((each) => backOff(each, 2000)),
    [2000, 4000, 8000, 16000, LONGEST, LONGEST],
  );
});

test("one round at a time; a hidden page asks nothing; a failed round is followed by a longer wait", async () => {
  const waits = [];
  let [rounds, hidden, broken] = [0, false, false];
  const work = async () => {
    rounds += 1;
    if (broken) throw new Error("down");
  };
  const set = (next, wait) => waits.push(wait);
  const poller = new Poller(work, { every: 2000, hidden: () => hidden, set, clear: () => {} });
  await Promise.all([poller.start(), poller.hurry(), poller.hurry()]);
  assert.equal(rounds, 2); // the second for those who came while the first was under way
  broken = true;
  await poller.hurry();
  await poller.hurry();
  assert.deepEqual(waits.slice(-2), [2000, 4000]);
  hidden = true;
  await poller.hurry();
  assert.equal(rounds, 4);
  [hidden, broken] = [false, false];
  await poller.hurry();
  assert.deepEqual([rounds, waits.at(-1), poller.failures], [5, 2000, 0]);
  poller.stop();
  await poller.hurry();
  assert.equal(rounds, 5);
});

test("a SIP message: start line, fields, body with its media", () => {
  const found = lines("INVITE sip:1003@example.com SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\nm=audio 9 RTP/AVP 0\r\n");
  assert.deepEqual(
    found.map((line) => line.kind),
    ["start", "field", "note", "sdp", "media"],
  );
  assert.deepEqual([found[1].name, found[1].text], ["CSeq", ": 1 INVITE"]);
});

test("an SDP inside JSON stands in lines of its own, the rest of the JSON is unfolded", () => {
  const body = JSON.stringify({ messageType: "OFFER", sdp: "v=0\r\na=sendrecv\r\n" });
  const found = lines(`POST /api/webrtc/message HTTP/1.1\nHost: x\n\n${body}`);
  const texts = found.map((line) => (line.name ?? "") + line.text);
  assert.ok(texts.includes('  "messageType": "OFFER",'));
  assert.ok(texts.includes("sdp:"));
  assert.deepEqual(texts.slice(-2), ["v=0", "a=sendrecv"]);
  assert.ok(lines("POST / HTTP/1.1\n\n{broken").some((line) => line.text === "{broken"));
  assert.deepEqual(lines(""), []);
});

test("pauses stand between messages, filters leave one protocol", () => {
  const messages = [0, 10, 1500, 1501].map((delta, n) => ({ n, delta, via: n % 2 ? "sip" : "http" }));
  assert.deepEqual(
    paused(messages).map((row) => row.pause ?? row.message.n),
    [0, 1, 1490, 2, 3],
  );
  assert.deepEqual(
    messages.filter((each) => passes(each, "sip")).map((each) => each.n),
    [1, 3],
  );
  assert.ok(passes({ via: "gateway" }, "all") && !passes({ via: "gateway" }, "http"));
  assert.equal(label({ label: "→ ANSWER" }), "ANSWER");
});

test("numbers as operators read them", () => {
  assert.deepEqual([clock(7), clock(3723), clock(null)], ["0:07", "1:02:03", "–"]);
  assert.deepEqual([span(12), span(3700), span(90000)], ["12 s", "1 h 1 min", "1 d 1 h"]);
  assert.deepEqual([gap(3), gap(412), gap(12_300), since(412)], ["3 ms", "0.412 s", "12.3 s", "+0.412"]);
  assert.deepEqual([bytes(12), bytes(1234), bytes(5_600_000)], ["12 B", "1.2 kB", "5.6 MB"]);
  assert.deepEqual([4.4, 3.7, 3.2, 1.5, null].map(grade), ["good", "fair", "poor", "bad", ""]);
});

test("calls in words", () => {
  const call = { direction: "inbound", dn: "5001", agent: "a", peer: "5002", state: "ESTABLISHED", quality: null };
  assert.equal(parties(call), "5002 → 5001");
  assert.equal(parties({ ...call, direction: "outbound", dn: "", agent: "", peer: "" }), "nobody → unknown");
  assert.deepEqual(callState({ ...call, held: true }), ["wait", "On hold"]);
  assert.equal(quality(call), null);
  const ended = { ...call, state: "ENDED", cause: "busy", sipCode: 486, reason: "Busy Here" };
  assert.equal(outcome(ended), "busy, 486 Busy Here");
  assert.equal(outcome({ ...ended, cause: "strange", sipCode: 200 }), "strange");
  assert.equal(explain({ code: "odd", message: "so it is" }), "The gateway said no: so it is");
});
