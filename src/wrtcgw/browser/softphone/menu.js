// A button of the bar, and what it opens below it.

import { el, put, show, uniqueId } from "./dom.js";
import { icon } from "./icons.js";

/** @import { Child } from "./dom.js" */

/**
 * Makes a menu. It is closed by Escape, by a press anywhere else, and when the focus leaves it.
 * @param {{label: string, open?: boolean, shape?: string}} options `shape` is the icon on the button
 * @param {...(Child | Child[])} content
 * @returns {{element: HTMLElement, isOpen: () => boolean, close: () => void, stop: () => void}} `stop` before it is
 *   thrown away
 */
export function menu({ label, open = false, shape = "user" }, ...content) {
  const id = uniqueId("menu");
  const button = el(
    "button",
    {
      type: "button",
      class: "button quiet menu-button",
      "aria-controls": id,
      onclick: () => turn(Boolean(box.hidden)),
    },
    icon(shape),
    el("span", { class: "unseen" }, label),
    icon("chevron"),
  );
  const box = el("div", { class: "menu-box", id, role: "group", "aria-label": label }, ...content);
  const element = el("div", { class: "menu", onkeydown: escaped }, button, box);
  button.title = label;
  turn(open);

  /** @param {boolean} on */
  function turn(on) {
    show(box, on);
    put(button, "aria-expanded", String(on));
  }

  /** @param {KeyboardEvent} event */
  function escaped(event) {
    if (event.key !== "Escape" || box.hidden) return;
    turn(false);
    button.focus();
  }

  /** @param {Event} event */
  function outside({ target }) {
    if (target instanceof Node && !element.contains(target) && !(target instanceof Document)) turn(false);
  }

  const off = ["pointerdown", "focusin"];
  for (const name of off) document.addEventListener(name, outside);
  return {
    element,
    isOpen: () => !box.hidden,
    close: () => turn(false),
    stop: () => off.forEach((name) => document.removeEventListener(name, outside)),
  };
}
