// How the gateway is: numbers, charts, connections, and the few switches that there are.

import { el, put, say, uniqueId } from "../../softphone/dom.js";
import { CHARTS, Chart, SERIES, condensed, joined } from "../charts.js";
import { addressOf } from "../filters.js";
import { moment, number, span, time } from "../format.js";
import { needs } from "../shell.js";
import { badge, liveTable, text } from "../table.js";
import { t, word } from "../texts.js";
import { choice } from "../parts.js";
import { controls } from "./controls.js";

/** @import { OpsAPI } from "../api.js" */
/** @import { Alarm, Connection, Desk, Failures, Level, Sample, Summary } from "../types.js" */

/** @type {Record<number, number>} */
const SPANS = { 1: 600_000, 10: 10_800_000 };
const RECENTLY = "900"; // seconds, of which the gateway tells failures
const LATENCIES = ["register", "setup", "answer", "http"];
/** @type {Record<string, Level>} */
const SEVERITY = { ok: "ok", degraded: "wait", draining: "wait", down: "bad" };

/** The first view. */
export class Overview {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.title = t("view.overview");
    this.step = 1;
    /** @type {Sample[]} */
    this.samples = [];
    this.tiles = tiles();
    this.charts = CHARTS.map((each) => new Chart(each));
    this.failures = failuresTable();
    this.connections = connectionsTable();
    this.alarms = alarmsTable();
    this.latencies = latenciesTable();
    this.numbers = numbersTable();
    this.controls = controls(desk);
    this.element = this.#element();
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.repaint = () => this.charts.forEach((chart) => chart.repaint());
    this.scheme.addEventListener("change", this.repaint);
    document.addEventListener("themechange", this.repaint);
  }

  /**
   * Asks for what is new.
   * @param {OpsAPI} api
   */
  async refresh(api) {
    const { step } = this;
    const since = this.samples.at(-1)?.t ?? 0;
    const { samples } = await api.get("ops/series", { since, step });
    const { causes } = await api.get("ops/failures");
    this.failures.update(causes);
    if (step !== this.step) return;
    this.samples = joined(this.samples, samples, SPANS[step]);
    this.#show();
  }

  /**
   * Shows how the gateway is.
   * @param {Summary} summary
   */
  summary(summary) {
    this.tiles.update(summary);
    this.connections.update(summary.connections);
    this.alarms.update(numbered(summary.alarms));
    this.latencies.update(LATENCIES.map((name) => ({ name, ...summary.latencies[name] })));
    this.controls.update(summary);
  }

  /** Watches nothing any more. */
  close() {
    this.scheme.removeEventListener("change", this.repaint);
    document.removeEventListener("themechange", this.repaint);
    this.charts.forEach((chart) => chart.close());
  }

  #show() {
    if (!this.samples.length) return;
    for (const chart of this.charts) chart.update(this.samples, SPANS[this.step]);
    this.numbers.update(condensed(this.samples));
  }

  #range() {
    const options = Object.keys(SPANS).map((step) => [step, t(`charts.${step}`)]);
    return choice(t("charts.range"), options, String(this.step), (step) => {
      this.step = Number(step);
      this.samples = [];
      this.desk.refresh();
    });
  }

  #element() {
    return el(
      "div",
      { class: "overview" },
      el("h2", { class: "unseen" }, t("view.overview")),
      this.tiles.element,
      el("div", { class: "title" }, el("h3", {}, t("charts.title")), this.#range()),
      el(
        "div",
        { class: "charts" },
        this.charts.map((chart) => chart.element),
      ),
      el("details", { class: "numbers" }, el("summary", {}, t("charts.table")), this.numbers.element),
      el(
        "div",
        { class: "columns" },
        el(
          "div",
          {},
          section(t("failures.title"), this.failures.element),
          section(t("connections.title"), this.connections.element),
          section(t("latencies.title"), this.latencies.element),
        ),
        el(
          "div",
          {},
          section(t("control.title"), this.controls.element, "admin"),
          section(t("alarms.title"), this.alarms.element),
        ),
      ),
    );
  }
}

/**
 * @param {string} title
 * @param {HTMLElement} node
 * @param {string} [role] the one that sees it
 */
function section(title, node, role) {
  const id = uniqueId("part");
  return el("section", { class: "card", "aria-labelledby": id, ...needs(role) }, el("h3", { id }, title), node);
}

/** @typedef {(name: string, value: string, more: string, level?: string) => void} Put shows a tile */

function tiles() {
  const made = ["health", "agents", "calls", "connections", "quality", "failures"].map((name) => {
    const value = el("dd", { class: "value" });
    const more = el("dd", { class: "soft" });
    const node = el("div", { class: `tile card ${name}` }, el("dt", {}, t(`tile.${name}`)), value, more);
    return /** @type {const} */ ([name, { element: node, value, more }]);
  });
  const byName = Object.fromEntries(made);
  /** @type {Put} */
  const put_ = (name, value, more, level = "") => {
    say(byName[name].value, value);
    say(byName[name].more, more);
    put(byName[name].element, "data-level", level || null);
  };
  const node = el(
    "dl",
    { class: "tiles" },
    made.map(([, each]) => each.element),
  );
  return { element: node, update: /** @param {Summary} summary */ (summary) => fill(put_, summary) };
}

/**
 * @param {Put} set
 * @param {Summary} summary
 */
function fill(set, summary) {
  const { connections, quality, rates } = summary;
  const up = connections.filter((each) => each.up).length;
  const down = connections.length - up;
  const uptime = t("tile.up", { span: span(summary.uptime), version: summary.version });
  set("health", t(`tile.health.${summary.status}`), uptime, SEVERITY[summary.status]);
  set(
    "agents",
    number(summary.agents),
    summary.guests ? t("tile.guests", { count: summary.guests }) : t("tile.no_guests"),
  );
  set("calls", number(summary.calls), t("tile.calls.rate", { rate: number(rates.callsPerSecond, 2) }));
  const told = down ? t("tile.connections.down", { count: down }) : t("tile.connections.up");
  set("connections", `${up} / ${connections.length}`, told, down ? "bad" : "ok");
  const worst = { mos: number(quality.worstMos, 1), loss: number(quality.loss, 1) };
  set("quality", number(quality.mos, 1), quality.mos ? t("tile.quality.worst", worst) : t("tile.quality.none"));
  set("failures", number(rates.failures, 2), t("tile.failures.rate"), rates.failures ? "wait" : "");
}

function failuresTable() {
  /** @param {Failures} each */
  const listed = ({ cause, sipCode }) => {
    const filter = { failed: "true", cause, code: sipCode ? String(sipCode) : "", last: RECENTLY };
    return el("a", { href: addressOf(filter) }, word(`cause.${cause}`, cause));
  };
  return liveTable({
    caption: t("failures.title"),
    empty: t("failures.none"),
    key: (each) => `${each.cause} ${each.sipCode}`,
    columns: [
      { name: "cause", title: t("failures.cause"), head: true, fill: once(listed) },
      { name: "code", title: t("failures.code"), fill: text((each) => each.sipCode) },
      { name: "count", title: t("failures.count"), fill: text((each) => number(each.count)) },
      { name: "last", title: t("failures.last"), fill: lastFailure },
    ],
  });
}

/**
 * @template Item
 * @param {(item: Item) => HTMLElement} make
 * @returns {(cell: HTMLElement, item: Item) => void} fills a cell whose content does not change
 */
function once(make) {
  return (cell, item) => void (cell.firstChild ?? cell.append(make(item)));
}

/**
 * @param {HTMLElement} cell
 * @param {Failures} each
 */
function lastFailure(cell, { lastAt, lastCallId }) {
  if (!cell.firstChild) cell.append(el("a", {}));
  const link = /** @type {HTMLElement} */ (cell.firstChild);
  put(link, "href", `#/calls/${encodeURIComponent(lastCallId)}`);
  say(link, moment(lastAt));
}

function connectionsTable() {
  /** @type {(link: Connection) => [Level, string]} */
  const state = (link) => (link.up ? ["ok", t("connections.up")] : ["bad", t("connections.down")]);
  return liveTable({
    caption: t("connections.title"),
    empty: t("connections.none"),
    key: (link) => String(link.flow),
    columns: [
      { name: "flow", title: t("connections.flow"), fill: text((link) => String(link.flow)) },
      { name: "target", title: t("connections.target"), head: true, fill: text((link) => link.target) },
      { name: "state", title: t("connections.state"), fill: badge(state) },
      { name: "since", title: t("connections.since"), fill: text((link) => moment(link.since)) },
      { name: "reconnects", title: t("connections.reconnects"), fill: text((link) => String(link.reconnects)) },
      { name: "error", title: t("connections.error"), fill: text((link) => link.error) },
    ],
  });
}

/**
 * The newest alarms, each with its number among all: several may be of the same time, and of the same words.
 * @param {Summary["alarms"]} alarms
 */
function numbered({ counts, newest }) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return newest.map((alarm, index) => ({ ...alarm, number: all - index }));
}

/**
 * What an alarm says, and the setting that decided.
 * @param {Alarm} alarm
 */
function refusal({ text: told, setting }) {
  return setting && !told.includes(setting) ? `${told} (${setting})` : told;
}

function alarmsTable() {
  return liveTable({
    caption: t("alarms.title"),
    empty: t("alarms.none"),
    key: (alarm) => String(alarm.number),
    columns: [
      { name: "time", title: t("alarms.time"), head: true, fill: text((alarm) => moment(alarm.time)) },
      { name: "text", title: t("alarms.text"), fill: text(refusal) },
      { name: "who", title: t("alarms.who"), fill: text((alarm) => alarm.dn || alarm.address) },
    ],
  });
}

function latenciesTable() {
  /** @param {string} name */
  const value = (name) =>
    text((/** @type {Record<string, any>} */ row) => (row.count ? t("ms", { value: number(row[name], 1) }) : ""));
  return liveTable({
    caption: t("latencies.title"),
    empty: t("latencies.none"),
    key: (row) => row.name,
    columns: [
      { name: "what", title: t("latencies.what"), head: true, fill: text((row) => t(`latencies.${row.name}`)) },
      ...["p50", "p95", "max"].map((name) => ({ name, title: t(`latencies.${name}`), fill: value(name) })),
      { name: "count", title: t("latencies.count"), fill: text((row) => number(row.count ?? 0)) },
    ],
  });
}

function numbersTable() {
  return liveTable({
    caption: t("charts.table.caption"),
    empty: t("charts.wait"),
    key: (row) => String(row.t),
    columns: [
      { name: "time", title: t("series.time"), head: true, fill: text((row) => time(row.t)) },
      ...SERIES.map((name) => ({ name, title: t(`series.${name}`), fill: text((row) => number(row[name], 2)) })),
    ],
  });
}
