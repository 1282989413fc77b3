// What the views are made of.

import { el, put, say, show, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { whoOf } from "../words.js";

/** @import { Child, Attributes } from "../dom.js" */
/** @import { Texts } from "../texts.js" */
/** @import { Somebody, Translate } from "../types.js" */

/**
 * Returns a button with an icon and a word; `bare` hides the word from the eye only.
 * @param {{label: string, icon?: string, kind?: string, bare?: boolean} & Attributes} options and attributes of the
 *   element
 */
export function button({ label, icon: name, kind = "", bare = false, ...attributes }) {
  const words = el("span", { class: bare ? "unseen" : "label" }, label);
  const node = el(
    "button",
    { type: "button", class: `button ${kind} ${bare ? "bare" : ""}`.trim(), ...attributes },
    name ? icon(name) : null,
    words,
  );
  if (bare) node.title = label;
  /** @type {(text: string) => void} */
  const relabel = (text) => {
    say(words, text);
    if (bare) node.title = text;
  };
  return Object.assign(node, { relabel });
}

/**
 * Lets a button be pressed or not; it keeps the focus, and screen readers find it either way.
 * @param {Element} node
 * @param {unknown} on
 */
export function enable(node, on) {
  put(node, "aria-disabled", !on || null);
}

/**
 * Returns a handler that does nothing while its button is switched off by `enable`.
 * @param {(event: Event) => unknown} action
 * @returns {(event: Event) => unknown}
 */
export function whenEnabled(action) {
  return (event) => (isOff(event.currentTarget) ? event.preventDefault() : action(event));
}

/** @param {EventTarget | null} node */
function isOff(node) {
  return node instanceof Element && node.getAttribute("aria-disabled");
}

/**
 * Returns a card with a heading.
 * @param {string} title
 * @param {Attributes} [attributes]
 * @param {(Child | Child[])[]} children
 */
export function card(title, attributes = {}, ...children) {
  const id = uniqueId("title");
  const { class: kind = "", ...more } = attributes;
  const heading = el("h2", { id, tabindex: "-1" }, title);
  return el("section", { "aria-labelledby": id, class: `card ${kind}`.trim(), ...more }, heading, ...children);
}

/**
 * Returns a label with its control.
 * @param {string} label
 * @param {HTMLElement} control
 * @param {HTMLElement | null} [hint]
 */
export function field(label, control, hint = null) {
  control.id ||= uniqueId("field");
  if (hint) {
    hint.id ||= uniqueId("hint");
    put(control, "aria-describedby", hint.id);
  }
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control, hint);
}

/**
 * Returns a meter of how loud something is, 0 to 1.
 * @param {string} label
 */
export function levelMeter(label) {
  const bar = el("span", { class: "level-bar" });
  const node = el(
    "div",
    {
      class: "level",
      role: "meter",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": 0,
    },
    bar,
  );
  /** @type {(value: number) => void} */
  const level = (value) => {
    const shown = Math.round(100 * Math.min(1, 1.6 * Math.sqrt(Math.max(0, value)))); // ears are not linear
    bar.style.setProperty("--level", `${shown}%`);
    put(node, "aria-valuenow", shown);
  };
  return Object.assign(node, { level });
}

/** @type {Record<string, string>} */
const LETTERS = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", 0: "+" };
/** @type {Record<string, string>} */
const NAMES = { "*": "key.star", "#": "key.hash" };

/**
 * Returns the twelve keys of a telephone; they are also pressed by the keyboard while the focus is on them.
 * @param {Translate} t
 * @param {string} label
 * @param {(digit: string) => void} press
 */
export function keypad(t, label, press) {
  /** @param {string} digit */
  const key = (digit) =>
    el(
      "button",
      {
        type: "button",
        class: "key",
        "data-digit": digit,
        "data-letters": LETTERS[digit] ?? "",
        "aria-label": NAMES[digit] ? t(NAMES[digit]) : digit,
        onclick: () => press(digit),
      },
      el("span", { class: "digit", "aria-hidden": "true" }, digit),
    );
  return el("div", { class: "keypad", role: "group", "aria-label": label }, [..."123456789*0#"].map(key));
}

/**
 * Returns attached data as a list of terms; null when there are none.
 * @param {{key: string, value: string}[]} [data]
 */
export function dataList(data) {
  if (!data?.length) return null;
  const pairs = data.slice(0, 12).map(({ key, value }) => el("div", null, el("dt", null, key), el("dd", null, value)));
  return el("dl", { class: "data" }, pairs);
}

/**
 * Returns a circle with the first letter of a name, or a person.
 * @param {Somebody} somebody
 */
export function avatar({ displayName }) {
  const letter = (displayName ?? "").match(/\p{L}/u)?.[0];
  return el("span", { class: "avatar", "aria-hidden": "true" }, letter ? letter.toUpperCase() : icon("user"));
}

/**
 * Returns who is at the other end of a call as a heading, which takes the focus, and the number below a known name.
 * @param {Somebody} somebody
 * @param {Texts} texts
 */
export function whoLines(somebody, texts) {
  const [first, second] = [uniqueId("who"), uniqueId("who")];
  const name = el("h3", { id: first, tabindex: "-1", "data-focus": true });
  const number = el("p", { id: second, class: "number" });
  const update = () => {
    const who = whoOf(somebody, texts);
    say(name, who.name);
    say(number, who.number);
    show(number, who.number);
  };
  update();
  return { name, number, ids: `${first} ${second}`, update };
}
