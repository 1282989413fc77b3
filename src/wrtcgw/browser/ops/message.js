// The text of one message beside its ladder.

import { el, say, show, uniqueId } from "../softphone/dom.js";
import { since, time } from "./format.js";
import { label, lines } from "./reading.js";
import { t } from "./texts.js";

/** @import { Message } from "./types.js" */

/** The pane beside a ladder. */
export class MessagePane {
  /** @param {{ onmove: (step: number) => void, onclose: () => void, copy: (text: string) => void }} ladder */
  constructor({ onmove, onclose, copy }) {
    /** @type {Message | null} */
    this.message = null;
    const id = uniqueId("message");
    this.heading = el("h3", { id, tabindex: "-1" });
    this.number = el("p", { class: "soft" });
    this.way = el("p", { class: "way" });
    this.text = el("pre", { tabindex: "0", "aria-labelledby": id });
    /** @type {(key: string, act: () => void) => HTMLButtonElement} */
    const button = (key, act) =>
      el("button", { type: "button", class: "button small", onclick: act }, t(`message.${key}`));
    this.buttons = [
      button("previous", () => onmove(-1)),
      button("next", () => onmove(1)),
      button("copy", () => copy(this.message?.text ?? "")),
      button("close", onclose),
    ];
    this.shown = el(
      "div",
      { class: "shown", hidden: true },
      el("div", { class: "pane-head" }, this.number, this.heading, this.way),
      el("div", { class: "buttons" }, this.buttons),
      this.text,
    );
    this.hint = el("p", { class: "hint" }, t("message.pick"), el("br"), el("small", {}, t("ladder.keys")));
    this.element = el("aside", { class: "pane card", "aria-labelledby": id }, this.hint, this.shown);
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && onclose());
  }

  /**
   * Shows a message, or none.
   * @param {Message | null} message
   * @param {string[]} [parties]
   */
  show(message, parties = []) {
    this.message = message;
    show(this.shown, message);
    show(this.hint, !message);
    this.element.classList.toggle("open", Boolean(message));
    if (!message) return;
    say(this.heading, label(message));
    say(this.number, told(message));
    say(this.way, way(message, parties));
    const found = lines(message.text);
    this.text.replaceChildren(...(found.length ? found.flatMap(drawn) : [t("message.empty")]));
    this.text.scrollTop = 0;
    this.buttons[2].hidden = !message.text;
  }
}

/** @param {Message} message */
function told(message) {
  const flow = message.flow === null || message.flow === undefined ? "" : t("message.flow", message);
  const via = message.kind === "note" ? t("message.note") : message.via.toUpperCase();
  const when = `${time(message.time, true)}, ${since(message.delta)} s`;
  return [t("message.title", message), via, when, flow, message.detail].filter(Boolean).join(" · ");
}

/**
 * @param {Message} message
 * @param {string[]} parties
 */
function way(message, parties) {
  if (message.kind === "note") return "";
  return t("message.way", { from: parties[message.from], to: parties[message.to] });
}

/** @param {ReturnType<typeof lines>[number]} line */
function drawn(line) {
  const text = line.name
    ? [el("b", { class: "name" }, line.name), line.text]
    : [el("span", { class: line.kind }, line.text)];
  return [...text, "\n"];
}
