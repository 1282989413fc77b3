// The softphone's texts, and those that only the gadget has or says in other words.

import { Texts, loadTexts } from "../softphone/texts.js";

/**
 * Returns the texts of a language, "" or an unknown one for the browser's.
 * @param {string} [wanted]
 */
export async function loadGadgetTexts(wanted = "") {
  const base = await loadTexts(wanted);
  const response = await fetch(new URL(`texts/${base.language}.json`, import.meta.url));
  if (!response.ok) throw new Error(`no texts in ${base.language}: ${response.status}`);
  return new Texts(base.language, { ...base.messages, ...(await response.json()) }, base.fallback);
}
