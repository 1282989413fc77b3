// What the extension's own pages share.

import { TEXTS } from "./texts.js";

/** Writes the texts of a language into the page, and returns them. */
export function translate(language) {
  const texts = TEXTS[language];
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  return texts;
}
