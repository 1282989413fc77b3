// The console's texts, in the language of now: one file each in texts/, as the softphone has them.

import { Texts, loadTexts } from "../softphone/texts.js";

/** @import { Params } from "../softphone/types.js" */

const HOME = new URL("./", import.meta.url);
const KEPT = "wrtcgw-ops-language";
const keep = globalThis.localStorage;
let texts = new Texts("en", {});

/**
 * Uses these texts from now on.
 * @param {Texts} wanted
 */
export function useTexts(wanted) {
  texts = wanted;
}

/** Uses a language from now on, "" for the one that was chosen before, or else the browser's. */
export async function useLanguage(wanted = "") {
  if (wanted) keep?.setItem?.(KEPT, wanted);
  useTexts(await loadTexts(wanted || (keep?.getItem?.(KEPT) ?? ""), HOME));
}

/** Returns the language of now. */
export function language() {
  return texts.language;
}

/**
 * Returns a text, its `{placeholders}` filled; with a `count` in the plural form for it.
 * @param {string} key
 * @param {Params} [params]
 */
export function t(key, params = {}) {
  return texts.t(key, params);
}

/**
 * Returns a text, or `otherwise` where there is none.
 * @param {string} key
 * @param {string} otherwise
 */
export function word(key, otherwise) {
  return texts.has(key) ? t(key) : otherwise;
}

/**
 * Returns what an error means to an operator.
 * @param {unknown} error
 */
export function explain(error) {
  const { code, message } = /** @type {{code?: string, message?: string}} */ (error);
  const key = `error.${code}`;
  return t(texts.has(key) ? key : "error.other", { message });
}
