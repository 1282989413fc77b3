// Tests that each page's texts have to pass, whichever page it is.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES } from "../../src/wrtcgw/browser/softphone/texts.js";

const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

/** Each language has a file in texts/ of the page, with the same keys in the same order and the same placeholders. */
export function exactly(home) {
  const folder = new URL("texts/", home);
  const messages = (language) => JSON.parse(readFileSync(new URL(`${language}.json`, folder), "utf-8"));

  test("each language has a file, and each file is a language", () => {
    const files = readdirSync(folder).map((name) => name.replace(".json", ""));
    assert.deepEqual(files.sort(), Object.keys(LANGUAGES).sort());
  });

  for (const language of Object.keys(LANGUAGES)) {
    test(`${language} has the same texts as English, with the same placeholders`, () => {
      const [own, english] = [messages(language), messages("en")];
      assert.deepEqual(Object.keys(own), Object.keys(english));
      for (const [key, text] of Object.entries(own)) {
        assert.deepEqual(placeholders(text), placeholders(english[key]), key);
        assert.equal(text, text.trim(), key);
        assert.notEqual(text, "", key);
      }
    });
  }
}
