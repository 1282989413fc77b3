// The fields by which calls are chosen and sorted.

import { el, show } from "../../softphone/dom.js";
import { field } from "../../softphone/views/parts.js";
import { fieldOf, filterOf, isFiltered, timeOf } from "../filters.js";
import { isUTC } from "../format.js";
import { t, word } from "../texts.js";

/** @import { Filter } from "../filters.js" */

const SPANS = ["900", "3600"];
const GRADES = ["fair", "poor", "bad"];
const ORDERS = ["newest", "oldest", "longest", "worst"];
/** Causes to choose from; others are known by what failed, or by an address. */
const CAUSES = [
  "local",
  "remote",
  "rejected",
  "abandoned",
  "cancelled",
  "busy",
  "declined",
  "not-found",
  "unavailable",
  "timeout",
  "forbidden",
  "credentials",
  "not-acceptable",
  "server-failure",
  "lost",
  "page-lost",
  "failed",
  "transferred",
];
const SOON = 400; // ms after the last key

/** @typedef {{element: HTMLElement, set: (filter: Filter) => void}} FilterBar */

/**
 * @param {string} name
 * @param {string[][]} options values and words
 */
function select(name, options) {
  const control = el(
    "select",
    { name },
    options.map(([value, words]) => el("option", { value }, words)),
  );
  for (const [index, [value]] of options.entries()) control.options[index].value = value;
  return control;
}

/** @param {string} cause */
const causeWords = (cause) => word(`cause.${cause}`, cause);

/**
 * Makes the bar.
 * @param {Filter} filter
 * @param {(changed: Partial<Filter>) => void} change
 * @returns {FilterBar}
 */
export function filterBar(filter, change) {
  const any = ["", t("filter.any")];
  const times = select("time", [
    any,
    ...SPANS.map((each) => [each, t(`filter.last.${each}`)]),
    ["between", t("filter.between")],
  ]);
  const from = el("input", { type: "datetime-local", name: "from" });
  const to = el("input", { type: "datetime-local", name: "to" });
  const between = el("div", { class: "between" }, field(t("filter.from"), from), field(t("filter.to"), to));
  const causes = select("cause", [
    any,
    ["failed", t("filter.failed")],
    ...CAUSES.map((each) => [`=${each}`, causeWords(each)]),
  ]);
  const code = el("input", { name: "code", size: 6, maxlength: 3, placeholder: "486, 5xx", autocomplete: "off" });
  const agent = el("input", { name: "agent", maxlength: 128, autocomplete: "off", spellcheck: "false" });
  const quality = select("quality", [any, ...GRADES.map((each) => [each, t(`filter.quality.${each}`)])]);
  const order = select("order", [["", t("filter.order")], ...ORDERS.map((each) => [each, t(`filter.order.${each}`)])]);
  const reset = el("button", { type: "button", class: "button small quiet", onclick: () => none() }, t("filter.reset"));
  const element = el(
    "form",
    { class: "filters", "aria-label": t("filter.title"), onsubmit: (event) => event.preventDefault() },
    field(t("filter.time"), times),
    between,
    field(t("filter.cause"), causes),
    field(t("filter.code"), code),
    field(t("filter.agent"), agent),
    field(t("filter.quality"), quality),
    field(t("filter.sort"), order),
    reset,
  );

  times.addEventListener("change", () => {
    show(between, times.value === "between");
    if (times.value !== "between") change({ last: times.value, from: "", to: "" });
    else from.focus();
  });
  for (const [name, input] of /** @type {const} */ ([
    ["from", from],
    ["to", to],
  ])) {
    input.addEventListener("change", () => change({ last: "", [name]: timeOf(input.value, isUTC()) }));
  }
  causes.addEventListener("change", () => {
    const { value } = causes;
    code.value = ""; // it was that of another cause
    const cause = value.startsWith("=") ? value.slice(1) : "";
    change({ cause, failed: value && !cause ? "true" : "", code: "" });
  });
  code.addEventListener("input", () => {
    const text = code.value.trim().toLowerCase();
    const whole = /^([1-6](\d\d|xx))?$/.test(text);
    code.toggleAttribute("aria-invalid", false);
    if (whole) change({ code: text });
    else if (text.length > 2) code.setAttribute("aria-invalid", "true");
  });
  agent.addEventListener(
    "input",
    later(() => change({ agent: agent.value.trim() })),
  );
  quality.addEventListener("change", () => change({ quality: quality.value }));
  order.addEventListener("change", () => change({ order: order.value }));

  function none() {
    const empty = filterOf("");
    set(empty);
    change({ ...empty, state: undefined });
    times.focus();
  }

  /** @param {Filter} now */
  function set(now) {
    times.value = now.last || (now.from || now.to ? "between" : "");
    if (now.last && !SPANS.includes(now.last)) add(times, now.last, t("filter.seconds", { count: now.last }));
    from.value = fieldOf(now.from, isUTC());
    to.value = fieldOf(now.to, isUTC());
    show(between, times.value === "between");
    const cause = now.cause ? `=${now.cause}` : now.failed && "failed";
    if (now.cause && !CAUSES.includes(now.cause)) add(causes, cause, causeWords(now.cause));
    causes.value = cause;
    code.value = now.code;
    agent.value = now.agent;
    quality.value = GRADES.includes(now.quality) ? now.quality : "";
    order.value = ORDERS.includes(now.order) ? now.order : "";
    show(reset, isFiltered(now));
  }

  set(filter);
  return { element, set: (now) => show(reset, isFiltered(now)) };
}

/**
 * @param {HTMLSelectElement} list
 * @param {string} value
 * @param {string} words
 */
function add(list, value, words) {
  const option = el("option", {}, words);
  option.value = value;
  list.append(option);
  list.value = value;
}

/** @param {() => void} action */
function later(action) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, SOON);
  };
}
