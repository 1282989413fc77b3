// Texts on their way out of the page: to the clipboard, to a file.

import { el } from "../softphone/dom.js";

/**
 * Copies a text; the clipboard is there in secure contexts only, elsewhere the old way is tried.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text);
  }
}

/** @param {string} text */
function copySelection(text) {
  const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus?.();
  return done;
}

/**
 * Saves a text, or any content, as a file.
 * @param {string | Blob} content
 * @param {string} name
 */
export function download(content, name) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: "text/plain" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
