// The softphone's texts: complete in each language, and found by the names that the views use.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { exactly } from "./texts.mjs";
import { Texts, clock, preferred } from "../../src/wrtcgw/browser/softphone/texts.js";
import { causeOf, ending, nameOf, opinionOf, stateKey } from "../../src/wrtcgw/browser/softphone/words.js";

const HOME = new URL("../../src/wrtcgw/browser/softphone/", import.meta.url);
const messages = (language) => JSON.parse(readFileSync(new URL(`texts/${language}.json`, HOME), "utf-8"));
const english = messages("en");

exactly(HOME);

test("every text that a module names is there", () => {
  const sources = ["", "views/"].flatMap((folder) => readdirSync(new URL(folder, HOME)).map((name) => folder + name));
  const texts = new Texts("en", english);
  const missing = [];
  for (const name of sources.filter((each) => each.endsWith(".js"))) {
    const source = readFileSync(new URL(name, HOME), "utf-8");
    for (const [, key] of source.matchAll(/(?:\bt\(|key: |"said", )"([\w.]+)"/g)) {
      if (!["", ".other", ".title"].some((end) => texts.has(key + end))) missing.push(`${name}: ${key}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("there are words for each state, and for each way in which a call can end", () => {
  const texts = new Texts("en", english);
  for (const state of ["calling", "ringing", "early", "answering", "established"]) {
    for (const held of [false, true]) {
      for (const heldByPeer of [false, true]) assert.ok(texts.has(stateKey({ state, held, heldByPeer })), state);
    }
  }
  const causes = ["local", "remote", "busy", "cancelled", "answered-elsewhere", "transferred", "declined", "not-found"];
  for (const cause of [...causes, "timeout", "no_common_codec", "microphone_refused", "never heard of"]) {
    const { key, failure } = ending({ peer: "1003", ended: { cause, sipCode: 0, hint: "", reason: "" } }, texts);
    assert.ok(texts.has(`${key}.title`), cause);
    assert.equal(key === "ended.failed", cause === "never heard of");
    assert.equal(failure, !["local", "remote", "transferred", "answered-elsewhere"].includes(cause), cause);
  }
  for (const mos of [4.4, 4, 3.5, 3, 2.6, 1]) assert.ok(texts.has(opinionOf(mos).key), String(mos));
  assert.equal(causeOf(486), "busy");
});

test("an unknown cause is told by its SIP code", () => {
  const texts = new Texts("en", english);
  const call = { peer: "1005", ended: { cause: "refused", sipCode: 486, hint: "", reason: "Busy Here" } };
  assert.equal(ending(call, texts).key, "ended.busy");
  assert.equal(ending({ ...call, ended: { ...call.ended, missed: true } }, texts).key, "ended.missed");
  const asleep = { ...call.ended, cause: "not-responding", missed: true };
  assert.equal(ending({ ...call, ended: asleep }, texts).key, "ended.missed-asleep");
});

test("what a language has not is told in English, what nobody has by its key", () => {
  const texts = new Texts("de", { "call.hold": "Halten" }, { "call.hold": "Hold", "call.mute": "Mute {who}" });
  assert.equal(texts.t("call.hold"), "Halten");
  assert.equal(texts.t("call.mute", { who: "me" }), "Mute me");
  assert.equal(texts.t("call.none", {}), "call.none");
  assert.equal(texts.t("call.mute"), "Mute {who}");
});

test("counts have their plural forms", () => {
  const texts = new Texts("en", { "m.one": "{count} call", "m.other": "{count} calls" });
  assert.equal(texts.t("m", { count: 1 }), "1 call");
  assert.equal(texts.t("m", { count: 2 }), "2 calls");
});

test("the language is the first one of the browser's that there is", () => {
  assert.equal(preferred(["de-AT", "en"]), "de");
  assert.equal(preferred(["fr", "EN-gb", "de"]), "en");
  assert.equal(preferred(["fr"]), "en");
  assert.equal(preferred([]), "en");
  assert.equal(preferred(["", "de"]), "de");
});

test("times are told as clocks do", () => {
  assert.deepEqual([0, 7000, 754_000, 3_723_000, -5].map(clock), ["0:00", "0:07", "12:34", "1:02:03", "0:00"]);
  assert.equal(nameOf({ displayName: "Ada", peer: "5002" }), "Ada (5002)");
  assert.equal(nameOf({ displayName: "5002", peer: "5002" }), "5002");
});
