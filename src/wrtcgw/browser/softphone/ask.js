// A question before something that cannot be taken back.

import { el } from "./dom.js";
import { modal, opened } from "./modal.js";

/**
 * Asks, and lets nothing else be done meanwhile.
 * @param {{title: string, text: string, go: string, stay: string}} words of the question, of yes and of no
 * @returns {Promise<boolean>} the answer; Escape is no
 */
export async function ask({ title, text, go, stay }) {
  let answer = false;
  /** @param {boolean} said */
  const close = (said) => {
    answer = said;
    dialog.close();
  };
  const no = el("button", { type: "button", class: "button", onclick: () => close(false) }, stay);
  const yes = el("button", { type: "button", class: "button end", onclick: () => close(true) }, go);
  const dialog = modal({ title, text, look: "ask" }, el("div", { class: "row" }, yes, no));
  await opened(dialog, no);
  return answer;
}
