// The softphone's texts, and those that only the gadget has or says in other words.

import { Texts, loadMessages, loadTexts } from "../softphone/texts.js";

/**
 * Returns the texts of a language, "" or an unknown one for the browser's.
 * @param {string} [wanted]
 */
export async function loadGadgetTexts(wanted = "") {
  const base = await loadTexts(wanted);
  const own = await loadMessages(base.language, import.meta.url);
  return new Texts(base.language, { ...base.messages, ...own }, base.fallback);
}
