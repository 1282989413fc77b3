// The number to call.

import { el, put, show } from "../dom.js";
import { button, card, enable, field, keypad, whenEnabled } from "./parts.js";

/** @import { Context } from "../types.js" */

/**
 * In a call digits are for who is at the other end, so there is only the call's own keypad; while that is on hold, one
 * may want to call somebody else.
 * @param {{selected: {isUp: boolean, held: boolean} | null}} model
 */
const isTalking = ({ selected }) => Boolean(selected?.isUp && !selected.held);

/** @param {Context} context */
export function dialView({ model, ring, options, t }) {
  let fresh = Boolean(model.number) && model.number === options.number; // filled in, not touched yet
  /** @type {HTMLInputElement} */
  const input = el("input", {
    type: "tel",
    class: "number",
    autocomplete: "off",
    maxlength: 256,
    enterkeyhint: "go",
    value: model.number,
    oninput: () => typed(),
    onfocus: () => fresh && input.select(),
    onclick: () => fresh && input.select(),
  });
  const erase = button({
    label: t("dial.erase"),
    icon: "backspace",
    kind: "quiet",
    bare: true,
    onclick: () => change(fresh ? "" : input.value.slice(0, -1)),
  });
  const call = el("button", { type: "submit", class: "button answer wide" }, t("dial.call"));
  const pad = button({
    label: t("dial.pad"),
    icon: "keypad",
    kind: "quiet",
    bare: true,
    "aria-expanded": "false",
    onclick: () => unfold(Boolean(keys.hidden)),
  });
  const keys = keypad(t, t("dial.keypad"), (digit) => {
    ring.key(digit);
    add(digit);
  });
  const numbers = options.numbers?.length ? offered(options.numbers) : null;
  const line = field(t("dial.number"), input);
  const box = el("div", { class: "number-box" });
  input.replaceWith(box);
  box.append(input, erase);
  show(keys, false);
  const form = el("form", { novalidate: true, onsubmit: submit }, line, pad, keys, call);
  const element = card(t("dial.title"), { class: "dial" }, form, numbers);
  keys.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^[0-9*#+]$/.test(event.key)) add(event.key);
    else if (event.key === "Backspace") change(input.value.slice(0, -1));
    else return;
    event.stopPropagation(); // it is for the number, not for a call
  });
  show(erase, input.value);

  /**
   * What was filled in is replaced by what is typed, not continued.
   * @param {string} digit
   */
  function add(digit) {
    change(fresh ? digit : input.value + digit);
  }

  function typed() {
    fresh = false;
    model.type(input.value);
    if (input.value.trim()) model.dismiss("no_number");
    put(input, "aria-invalid", null);
    show(erase, input.value);
  }

  /** @param {string} value */
  function change(value) {
    input.value = value;
    typed();
    if (!value && document.activeElement === document.body) input.focus();
  }

  /** @param {boolean} open */
  function unfold(open) {
    show(keys, open);
    put(pad, "aria-expanded", String(open));
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    if (call.getAttribute("aria-disabled")) return;
    put(input, "aria-invalid", input.value.trim() ? null : "true");
    if (!input.value.trim()) input.focus();
    model.dial(input.value);
  }

  /** @param {{number: string, label?: string}[]} all */
  function offered(all) {
    /** @param {{number: string, label?: string}} offer */
    const one = ({ number, label }) =>
      el(
        "li",
        null,
        el(
          "button",
          { type: "button", class: "offered", onclick: whenEnabled(() => model.dial(number)) },
          el("span", { class: "number" }, number),
          " ",
          el("span", null, label ? t(label) : ""),
        ),
      );
    return el("details", { class: "offers" }, el("summary", null, t("dial.offers")), el("ul", null, all.map(one)));
  }

  return {
    element,
    focus: () => input.focus(),
    edit() {
      input.value = model.number;
      typed();
      input.focus();
    },
    update() {
      enable(call, !model.isBusy(null, "dial"));
      if (input.value !== model.number) {
        input.value = model.number;
        fresh = false;
      }
      show(erase, input.value);
      const talking = isTalking(model);
      put(element, "data-quiet", model.incoming.length + model.current.length > 0); // another button comes first
      if (talking) unfold(false);
      show(pad, !talking);
    },
  };
}
