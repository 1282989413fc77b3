// A question before something that cannot be taken back.

import { el, uniqueId } from "./dom.js";

/**
 * Asks, and lets nothing else be done meanwhile.
 * @param {{title: string, text: string, go: string, stay: string}} words of the question, of yes and of no
 * @returns {Promise<boolean>} the answer; Escape is no
 */
export function ask({ title, text, go, stay }) {
  const [heading, told] = [uniqueId("ask"), uniqueId("ask")];
  let answer = false;
  /** @param {boolean} said */
  const close = (said) => {
    answer = said;
    dialog.close();
  };
  const no = el("button", { type: "button", class: "button", onclick: () => close(false) }, stay);
  const yes = el("button", { type: "button", class: "button end", onclick: () => close(true) }, go);
  const dialog = el(
    "dialog",
    { class: "ask", "aria-labelledby": heading, "aria-describedby": told },
    el("h2", { id: heading }, title),
    el("p", { id: told }, text),
    el("div", { class: "row" }, yes, no),
  );
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
  });
}
