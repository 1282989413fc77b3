// What the keyboard does anywhere in the softphone but in a field. All but the list of them take Alt: letters alone
// would end a call of an agent who takes another window for the one with the focus. They can be switched off (WCAG
// 2.1.4).

/** @import { PhoneModel } from "../phoneModel.js" */

const KEY = "softphone-shortcuts";

/** What there is, in the order of the list: its name, its letter, and the key of its words. */
export const SHORTCUTS = /** @type {const} */ ([
  { name: "answer", letter: "A", key: "keys.answer" },
  { name: "instead", letter: "I", key: "keys.instead" },
  { name: "reject", letter: "R", key: "keys.reject" },
  { name: "hangup", letter: "U", key: "keys.hangup" },
  { name: "mute", letter: "M", key: "keys.mute" },
  { name: "hold", letter: "H", key: "keys.hold" },
  { name: "pad", letter: "K", key: "keys.pad" },
  { name: "number", letter: "N", key: "keys.number" },
]);

/** @typedef {typeof SHORTCUTS[number]["name"] | "list"} Shortcut */

/**
 * Returns what a key stands for; "" for nothing, and in a field or a dialog.
 * @param {Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey" | "metaKey" | "repeat" | "target">} event
 * @returns {Shortcut | ""}
 */
export function shortcutOf({ key, code, altKey, ctrlKey, metaKey, repeat, target }) {
  if (ctrlKey || metaKey || repeat || isField(target)) return "";
  if (key === "?" && !altKey) return "list";
  if (!altKey) return "";
  const letter = /^[a-z]$/i.test(key) ? key.toUpperCase() : (/^Key([A-Z])$/.exec(code)?.[1] ?? ""); // Mac: Alt+A is å
  return SHORTCUTS.find((each) => each.letter === letter)?.name ?? "";
}

/** @param {EventTarget | null} target */
function isField(target) {
  const { closest } = /** @type {Partial<Element>} */ (target ?? {});
  return Boolean(closest?.call(target, "input:not([type=checkbox]), select, textarea, dialog, [contenteditable]"));
}

/**
 * Returns what is to be done; null when there is nothing that it could be done with.
 * @param {Shortcut} name
 * @param {PhoneModel} model
 * @param {{pad: () => void, number: () => void, list: () => void}} views
 * @returns {(() => unknown) | null}
 */
export function meaningOf(name, model, { pad, number, list }) {
  const { selected } = model;
  const [ringing] = model.incoming;
  /** @type {Record<Shortcut, (() => unknown) | null | undefined | false>} */
  const meanings = {
    answer: ringing && (() => model.answer(ringing)),
    instead: ringing && selected && (() => model.answerInstead(ringing)),
    reject: ringing && (() => model.reject(ringing)),
    hangup: selected && (() => model.hangUp(selected)),
    mute: selected && (() => model.mute(selected)),
    hold: selected?.isUp && (() => model.hold(selected)),
    pad,
    number,
    list,
  };
  return meanings[name] || null;
}

/** Whether they are used, as this browser remembers it. */
export class Wanted {
  /** @param {Storage | null} storage */
  constructor(storage) {
    this.storage = storage;
    this.on = true;
    try {
      this.on = storage?.getItem(KEY) !== "off";
    } catch {
      // forbidden: then they are on
    }
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    try {
      this.storage?.setItem(KEY, on ? "on" : "off");
    } catch {
      // then it is for this page only
    }
  }
}
