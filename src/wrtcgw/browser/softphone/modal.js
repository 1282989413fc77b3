// Dialogs over the page, which let nothing else be done meanwhile.

import { el, uniqueId } from "./dom.js";

/** @import { Child } from "./dom.js" */

/**
 * Makes a dialog; its heading and text are what screen readers speak when it opens.
 * @param {{title: string, text: string, look: string}} words and its class
 * @param {...(Child | Child[])} content below them
 */
export function modal({ title, text, look }, ...content) {
  const [heading, told] = [uniqueId("dialog"), uniqueId("dialog")];
  return el(
    "dialog",
    { class: look, "aria-labelledby": heading, "aria-describedby": told },
    el("h2", { id: heading }, title),
    el("p", { id: told }, text),
    ...content,
  );
}

/**
 * Opens a dialog with the focus on one of its elements. Fulfilled when it is closed, and gone from the page.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} first
 * @returns {Promise<void>}
 */
export function opened(dialog, first) {
  document.body.append(dialog);
  dialog.showModal();
  first.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve();
    });
  });
}
