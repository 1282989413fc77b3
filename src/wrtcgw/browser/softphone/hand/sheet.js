// The list of what the keyboard does.

import { el } from "../dom.js";
import { modal, opened } from "../modal.js";
import { SHORTCUTS } from "./shortcuts.js";

/** @import { Texts } from "../texts.js" */
/** @import { Wanted } from "./shortcuts.js" */

/**
 * Shows the list until it is closed.
 * @param {Texts} texts
 * @param {Wanted} wanted
 */
export async function showShortcuts(texts, wanted) {
  const t = texts.t.bind(texts);
  /** @type {(keys: string[], words: string) => HTMLElement} */
  const row = (keys, words) =>
    el(
      "div",
      null,
      el(
        "dt",
        null,
        keys.map((key) => el("kbd", null, key)),
      ),
      el("dd", null, words),
    );
  const alt = /mac/i.test(navigator.platform) ? "⌥" : "Alt";
  const rows = SHORTCUTS.map(({ letter, key }) => row([alt, letter], t(key)));
  /** @type {HTMLInputElement} */
  const use = el("input", { type: "checkbox", checked: wanted.on, onchange: () => wanted.turn(use.checked) });
  const close = el(
    "button",
    { type: "button", class: "button primary", onclick: () => dialog.close() },
    t("keys.close"),
  );
  const dialog = modal(
    { title: t("keys.title"), text: t("keys.text"), look: "ask keys-list" },
    el("dl", { class: "shortcuts" }, rows, row(["0–9", "*", "#"], t("keys.digits")), row(["?"], t("keys.list"))),
    el("label", { class: "check" }, use, el("span", null, t("keys.use"))),
    el("div", { class: "row" }, close),
  );
  await opened(dialog, close);
}
