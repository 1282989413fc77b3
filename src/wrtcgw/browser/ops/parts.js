// Parts that several views have.

import { el, uniqueId } from "../softphone/dom.js";

/**
 * A choice of one among few, as radio buttons that look like one switch.
 * @param {string} label
 * @param {string[][]} options values and words
 * @param {string} chosen
 * @param {(value: string) => void} onchange
 */
export function choice(label, options, chosen, onchange) {
  const name = uniqueId("choice");
  const buttons = options.map(([value, words]) =>
    el(
      "label",
      {},
      el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
      el("span", {}, words),
    ),
  );
  return el("fieldset", { class: "choice" }, el("legend", { class: "unseen" }, label), buttons);
}
