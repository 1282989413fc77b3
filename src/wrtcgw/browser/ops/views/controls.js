// The switches of the whole gateway: draining, capture, log level. Each asks before it does something.

import { el, put, say, uniqueId } from "../../softphone/dom.js";
import { bytes } from "../format.js";
import { t } from "../texts.js";

/** @import { Actions } from "../actions.js" */
/** @import { Summary } from "../types.js" */

const LEVELS = ["debug", "info", "warn", "error", "critical"];

/**
 * Makes the switches; `update` shows how they stand.
 * @param {{actions: Actions}} desk
 */
export function controls(desk) {
  /** @type {Summary | null} */
  let known = null;
  const drain = control("drain", () => known && desk.actions.drain(!known.draining));
  const capture = control("capture", () => known && desk.actions.capture(!known.capture.on));
  const level = logLevel((wanted) => known && desk.actions.logLevel(wanted, known.logLevel));

  /** @param {Summary} summary */
  function update(summary) {
    known = summary;
    const { on, calls, limit, bytes: size } = summary.capture;
    drain.set(summary.draining, t(`control.drain.${summary.draining ? "on" : "off"}`));
    capture.set(on, on ? t("control.capture.on", { calls, limit, size: bytes(size) }) : t("control.capture.off"));
    level.set(summary.logLevel);
  }
  const node = el("div", { class: "controls" }, drain.element, capture.element, level.element);
  return { element: node, update };
}

/**
 * @param {string} name
 * @param {() => unknown} onclick
 */
function control(name, onclick) {
  const told = el("p", { class: "soft", id: uniqueId("told") });
  const button = el("button", { type: "button", class: "button", onclick, "aria-describedby": told.id });
  const node = el("div", { class: `control ${name}` }, el("h4", {}, t(`control.${name}`)), told, button);
  /** @type {(on: boolean, words: string) => void} */
  const set = (on, words) => {
    put(node, "data-on", Boolean(on));
    say(told, words);
    say(button, t(`control.${name}.${on ? "stop" : "start"}`));
  };
  return { element: node, set };
}

/** @param {(level: string) => unknown} act */
function logLevel(act) {
  const id = uniqueId("level");
  const select = el(
    "select",
    { id },
    LEVELS.map((each) => el("option", { value: each }, each)),
  );
  let current = "";
  const form = el(
    "form",
    { class: "control level" },
    el("h4", {}, el("label", { for: id }, t("control.level"))),
    el("p", { class: "soft" }, t("control.level.what")),
    el("div", { class: "buttons" }, select, el("button", { type: "submit", class: "button" }, t("control.level.set"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (select.value !== current) act(select.value);
  });
  /** @param {string} value */
  const set = (value) => {
    // a choice that was not confirmed yet is not taken back
    if (value !== current) select.value = value;
    current = value;
  };
  return { element: form, set };
}
