// The state of the registration, always there and always true.

import { el, put, say } from "../dom.js";
import { icon } from "../icons.js";

/** @import { Context, View } from "../types.js" */

const ICONS = { ok: "check", busy: "clock", bad: "alert", off: "signOut" };

/**
 * @param {Context} context
 * @returns {View}
 */
export function statusView({ model, t }) {
  const mark = el("span", { class: "mark" });
  const words = el("span");
  const element = el("p", { class: "status", role: "status" }, mark, words);
  return {
    element,
    update() {
      const { level, key, params } = model.registration;
      if (element.dataset.level !== level) mark.replaceChildren(icon(ICONS[level]));
      put(element, "data-level", level);
      say(words, t(key, params));
    },
  };
}
