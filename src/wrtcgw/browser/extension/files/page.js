// What the extension's own pages share.

import { loadTexts } from "./texts.js";

/**
 * Writes the texts of a language into the page, and returns them.
 * @param {import("./settings.js").Language} language
 */
export async function translate(language) {
  const texts = await loadTexts(language);
  document.documentElement.lang = language;
  const elements = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"));
  for (const element of elements) element.textContent = texts[element.dataset.text ?? ""];
  return texts;
}
