// The console's texts: complete in each language, found by the names that its modules use, and none of them in vain.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, test } from "node:test";

import { exactly } from "./texts.mjs";
import { bytes, gap, number, since } from "../../src/wrtcgw/browser/ops/format.js";
import { explain, language, t, useTexts, word } from "../../src/wrtcgw/browser/ops/texts.js";
import { outcome, quality, verdictText } from "../../src/wrtcgw/browser/ops/words.js";
import { HINTS } from "../../src/wrtcgw/browser/grtc/warnings.js";
import { LANGUAGES, Texts } from "../../src/wrtcgw/browser/softphone/texts.js";

const OPS = new URL("../../src/wrtcgw/browser/ops/", import.meta.url);
const messages = (name) => JSON.parse(readFileSync(new URL(`texts/${name}.json`, OPS), "utf8"));
const english = messages("en");
const speak = (name) => useTexts(new Texts(name, messages(name), english));
const code = readdirSync(OPS, { recursive: true })
  .filter((name) => name.endsWith(".js"))
  .map((name) => readFileSync(new URL(name, OPS), "utf8"))
  .join("\n");

afterEach(() => speak("en"));

exactly(OPS);

test("every text that a module names is there", () => {
  const texts = new Texts("en", english);
  for (const [, key] of code.matchAll(/\bt\(\s*"([\w.-]+)"/g)) {
    assert.ok(
      ["", ".other"].some((end) => texts.has(key + end)),
      key,
    );
  }
});

test("none is there in vain", () => {
  const built =
    /^(call|cause|registration|error|grade|state|view|series|chart|latencies|confirm|control|tile|charts|role|verdict)\./;
  const parts = /^(calls\.(active|ended|all|none)|filter\.(last|quality|order)\.|ladder\.|message\.|theme\.)/;
  const named = (key) => code.includes(`"${key.replace(/\.(one|other)$/, "")}`);
  assert.deepEqual(
    Object.keys(english).filter((key) => !built.test(key) && !parts.test(key) && !named(key)),
    [],
  );
});

test("a German console tells counts, numbers, causes and errors as Germans do", () => {
  speak("de");
  assert.equal(language(), "de");
  assert.deepEqual([t("calls.number", { count: 1 }), t("calls.number", { count: 2 })], ["1 Anruf", "2 Anrufe"]);
  assert.deepEqual([t("tile.guests", { count: 1 }), t("tile.guests", { count: 0 })], ["und 1 Gast", "und 0 Gäste"]);
  assert.deepEqual([number(1234.5, 1), since(412), gap(412), bytes(1234)], ["1.234,5", "+0,412", "0,412 s", "1,2 kB"]);
  assert.equal(outcome({ state: "ENDED", cause: "busy", sipCode: 486, reason: "Busy Here" }), "besetzt, 486 Busy Here");
  assert.equal(explain({ code: "odd", message: "so it is" }), "Das Gateway hat abgelehnt: so it is");
  assert.equal(word("cause.odd", "odd"), "odd");
});

test("what a page says of the media of its call has its words in each language", () => {
  for (const name of Object.keys(LANGUAGES)) {
    speak(name);
    for (const code of ["good", "unknown", ...Object.keys(HINTS)]) {
      const told = verdictText({ quality: { verdict: { code, share: 92, seconds: 50 } } });
      assert.ok(told && !told.includes("verdict."), told);
      assert.equal(told.includes("92"), Object.keys(HINTS).includes(code), told);
    }
    assert.equal(verdictText({ quality: { verdict: null } }) + verdictText({ quality: null }), "");
  }
});

test("quality has its word in each language, and the same colour and bar", () => {
  const call = { quality: { audio: { mos: 4.25, worst: { mos: 3.5 } } } };
  const told = Object.keys(LANGUAGES).map((name) => {
    speak(name);
    return quality(call);
  });
  assert.deepEqual(
    told.map((each) => [each.mos, each.grade]),
    [
      ["4.3", "good"],
      ["4,3", "gut"],
    ],
  );
  assert.deepEqual(new Set(told.map((each) => `${each.level} ${each.share.toFixed(2)}`)), new Set(["good 0.93"]));
});
