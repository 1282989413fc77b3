// <wrtc-phone> without a document: its texts, and that a server may import it. What it does is case_examples.py's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PhoneElement } from "../../src/wrtcgw/browser/grtc/element.js";
import { TEXTS, ending, failure, languageOf, stateKey, text } from "../../src/wrtcgw/browser/grtc/elementTexts.js";

const UP = { state: "established", held: false, heldByPeer: false, muted: false };
const holes = (each) => (each.match(/\{\w+\}/g) ?? []).sort();

test("both languages have the same texts, with the same holes, and none is the other's", () => {
  const { en, de } = TEXTS;
  assert.deepEqual(Object.keys(de), Object.keys(en));
  for (const key of Object.keys(en)) {
    assert.deepEqual(holes(de[key]), holes(en[key]), key);
    assert.notEqual(de[key], en[key], key);
  }
});

test("a module that registers an element may be imported where there is none", () => {
  assert.equal(globalThis.customElements, undefined);
  assert.deepEqual(PhoneElement.observedAttributes.slice(0, 3), ["gateway", "dn", "guest"]);
});

test("the first language that there is counts, else English", () => {
  assert.equal(languageOf([null, "fr-FR", "de-AT", "en"]), "de");
  assert.equal(languageOf([undefined, "fr"]), "en");
  assert.equal(languageOf(["DE"]), "de");
});

test("each state has a text, and hold is told before mute", () => {
  for (const state of ["calling", "ringing", "early", "incoming", "answering"]) {
    assert.ok(stateKey({ ...UP, state }) in TEXTS.en, state);
  }
  assert.equal(stateKey(UP), "state.established");
  assert.equal(stateKey({ ...UP, muted: true }), "state.muted");
  assert.equal(stateKey({ ...UP, muted: true, heldByPeer: true }), "state.heldByPeer");
  assert.equal(stateKey({ ...UP, held: true, heldByPeer: true }), "state.held");
});

test("a name is taken as it is, whatever stands in it", () => {
  assert.equal(text("en", "state.incoming", "$& {peer}"), "$& {peer} is calling.");
});

test("an end or error without a text of its own is told in general words, in the page's language", () => {
  assert.equal(ending("en", "busy", "5002"), "5002 is busy.");
  assert.equal(ending("de", "loop", "5002"), "Der Anruf ist beendet.");
  assert.equal(failure("de", { code: "microphone_refused", hint: "…" }), TEXTS.de["error.microphone_refused"]);
  assert.equal(failure("de", { code: "draining", hint: "The gateway drains." }), TEXTS.de["error.other"]);
  assert.equal(failure("en", { code: "draining", hint: "The gateway drains." }), "The gateway drains.");
});
