// One line of a ladder: lifelines, and an arrow or a note. SIP is a solid line, HTTP a dashed one, what the gateway
// pushes to a page a dotted one; the protocol's name stands in words on each.

import { el } from "../softphone/dom.js";
import { gap, since, time } from "./format.js";
import { isFailure } from "./folding.js";
import { label } from "./reading.js";
import { t } from "./texts.js";

/** @import { Item } from "./folding.js" */
/** @import { Message } from "./types.js" */

const MOST_LABELS = 8; // of what is folded up

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, unknown>} attributes
 * @param {Node[]} children
 */
function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** The arrow heads that all lines share; once in a page. */
export function heads() {
  /** @type {(id: string, path: string, fill: string) => SVGElement} */
  const head = (id, path, fill) =>
    svg(
      "marker",
      {
        id,
        viewBox: "0 0 10 10",
        refX: 9.5,
        refY: 5,
        markerWidth: 9,
        markerHeight: 9,
        orient: "auto",
        markerUnits: "userSpaceOnUse",
      },
      svg("path", { d: path, fill, stroke: "context-stroke", "stroke-width": fill === "none" ? 1.8 : 0 }),
    );
  const shapes = [head("head-full", "M0 0 10 5 0 10z", "context-stroke"), head("head-open", "M1 1 9 5 1 9", "none")];
  return svg("svg", { class: "heads", width: 0, height: 0, "aria-hidden": "true", focusable: "false" }, ...shapes);
}

/**
 * Where a lifeline stands, in percent of the drawing.
 * @param {number} index
 * @param {number} count
 */
function place(index, count) {
  const margin = 42 / count;
  return margin + (index * (100 - 2 * margin)) / Math.max(1, count - 1);
}

/**
 * @param {number} index
 * @param {number} count
 */
function at(index, count) {
  return `${place(index, count)}%`;
}

/** @param {number} count */
function lifelines(count) {
  return Array.from({ length: count }, (_, index) =>
    svg("line", { class: "life", x1: at(index, count), x2: at(index, count), y1: 0, y2: "100%" }),
  );
}

/** @param {Node[]} children */
function canvas(...children) {
  return svg("svg", { class: "canvas", "aria-hidden": "true", focusable: "false" }, ...children);
}

/**
 * The heads of the lifelines.
 * @param {string[]} parties
 */
export function partyNames(parties) {
  const names = parties.map((party, index) => {
    const [kind, ...rest] = party.split(" ");
    const name = el("span", { class: "party" }, el("b", {}, kind), rest.length ? ` ${rest.join(" ")}` : "");
    name.style.setProperty("--at", at(index, parties.length));
    return name;
  });
  const row = el("div", { class: "party-names" }, names);
  row.style.setProperty("--width", `${84 / parties.length}%`);
  return row;
}

/** @typedef {{ parties: string[], legs?: string[], onpick: (n: number) => void }} Drawn the ladder of a row */

/**
 * A row for a message. Where there are two legs, each message says of which it is.
 * @param {Message} message
 * @param {Drawn} ladder
 */
export function messageRow(message, { parties, legs = [], onpick }) {
  const pick = () => onpick(message.n);
  const button = el("button", { type: "button", class: "step", tabindex: "-1" }, words(message, parties, legs));
  const lane = el("div", { class: "lane" }, canvas(...lifelines(parties.length), ...arrow(message, parties)), button);
  put(button, message, parties.length);
  return el(
    "tr",
    {
      role: "row",
      "data-n": message.n,
      "data-via": message.via,
      "data-kind": message.kind,
      "data-failed": isFailure(message),
      onclick: pick,
    },
    cell("no", String(message.n)),
    cell("time", time(message.time, true)),
    cell("delta", since(message.delta)),
    cell("drawing", lane),
  );
}

/**
 * A thin row for messages that are folded up; it unfolds them.
 * @param {Item} item
 * @param {Drawn} ladder
 */
export function foldRow({ messages, fold, delta, end }, { parties, onpick }) {
  const [first] = messages;
  const labels = messages.slice(0, MOST_LABELS).map(label);
  const more = messages.length > MOST_LABELS ? ["…"] : [];
  const what = fold === "hold" ? t("ladder.fold.hold", { span: gap(end - delta), count: messages.length }) : "";
  const button = el(
    "button",
    { type: "button", class: "step fold", tabindex: "-1", title: t("ladder.fold.open") },
    el("span", { class: "what" }, what || [...labels, ...more].join(", ")),
  );
  const lane = el("div", { class: "lane" }, canvas(...lifelines(parties.length)), button);
  return el(
    "tr",
    { role: "row", class: "folded", "data-n": first.n, "data-via": first.via, onclick: () => onpick(first.n) },
    cell("no", `${first.n}`),
    cell("time", time(first.time, true)),
    cell("delta", since(first.delta)),
    cell("drawing", lane),
  );
}

/**
 * @param {string} name
 * @param {string | Node} content
 * @param {Record<string, unknown>} [more]
 */
function cell(name, content, more = {}) {
  return el("td", { role: "cell", class: name, ...more }, content);
}

/**
 * @param {HTMLElement} button
 * @param {Message} message
 * @param {number} count
 */
function put(button, { from, to, kind }, count) {
  if (kind === "note") return;
  // in the middle over its arrow, and as wide as it likes: nothing else is in this row
  const middle = (place(from, count) + place(to, count)) / 2;
  button.style.setProperty("--middle", `${middle}%`);
  button.style.setProperty("--room", `${2 * Math.min(middle, 100 - middle)}%`);
}

/**
 * @param {Message} message
 * @param {string[]} parties
 */
function arrow(message, parties) {
  if (message.from === message.to) return [];
  const ends = { x1: at(message.from, parties.length), x2: at(message.to, parties.length) };
  const head = message.via === "sip" ? "head-full" : "head-open";
  const line = { class: "arrow", ...ends, y1: "100%", y2: "100%", "marker-end": `url(#${head})` };
  const group = svg("g", {}, svg("line", line));
  group.setAttribute("transform", "translate(0 -9)");
  return [group, svg("circle", { class: "foot", cx: ends.x1, cy: "100%", r: 3, transform: "translate(0 -9)" })];
}

/**
 * What is seen of a message, and beside it what a screen reader says where others see an arrow.
 * @param {Message} message
 * @param {string[]} parties
 * @param {string[]} legs
 */
function words(message, parties, legs) {
  const what = el("span", { class: "what" }, label(message));
  const of = legs.length > 1 ? [el("span", { class: "leg" }, legs[message.leg ?? 0]), " "] : [];
  const failed = isFailure(message) ? [el("span", { class: "unseen" }, `, ${t("ladder.spoken.failed")}`)] : [];
  if (message.kind === "note") {
    return [el("span", { class: "unseen" }, `${t("ladder.spoken.note")} `), ...of, what, ...failed];
  }
  const way = t("ladder.spoken", { from: parties[message.from], to: parties[message.to] });
  return [
    el("span", { class: "via" }, message.via.toUpperCase()),
    " ",
    ...of,
    what,
    message.detail ? [" ", el("span", { class: "detail" }, message.detail)] : [],
    el("span", { class: "unseen" }, `, ${way}`),
    ...failed,
  ].flat();
}

/**
 * A row for a time in which nothing went.
 * @param {number} wait
 * @param {string[]} parties
 */
export function pauseRow(wait, parties) {
  const later = el("span", { class: "later" }, t("ladder.later", { gap: gap(wait) }));
  const lane = el("div", { class: "lane" }, canvas(...lifelines(parties.length)));
  return el("tr", { role: "row", class: "pause" }, cell("wait", later, { colspan: "3" }), cell("drawing", lane));
}

/** What the lines mean. */
export function legend() {
  /** @type {(name: string, head: string) => HTMLElement} */
  const sample = (name, head) => {
    const line = { class: "arrow", x1: 2, x2: 44, y1: 7, y2: 7, "marker-end": `url(#${head})` };
    const kind = { "data-via": name === "sip" ? "sip" : "http", "data-kind": name };
    const drawn = svg("svg", { class: "sample", width: 48, height: 14, "aria-hidden": "true" }, svg("line", line));
    return el("li", kind, drawn, t(`ladder.legend.${name}`));
  };
  const note = el("li", { "data-kind": "note" }, el("span", { class: "note-sample" }), t("ladder.legend.note"));
  const kinds = [sample("sip", "head-full"), sample("http", "head-open"), sample("event", "head-open"), note];
  return el("ul", { class: "legend", "aria-label": t("ladder.legend") }, kinds);
}
