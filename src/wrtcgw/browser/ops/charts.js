// Charts of the last minutes or hours, with uPlot; the same numbers are in a table for those who do not see charts.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { el, say } from "../softphone/dom.js";
import { number, time } from "./format.js";
import { t } from "./texts.js";

/** @import { Sample } from "./types.js" */

const HEIGHT = 170;
const DASHES = [[], [7, 4], [2, 3]];
/** What the charts show: series share a chart when they share a unit; the one at the right has an axis of its own. */
export const CHARTS = [
  { name: "load", series: ["calls", "agents"], right: "agents", digits: 0 },
  { name: "rates", series: ["httpPerSecond", "sipIn", "sipOut"], digits: 1 },
  { name: "latency", series: ["setupP95", "loopLag"], digits: 1 },
  { name: "failures", series: ["failures"], digits: 0 },
];
export const SERIES = [...CHARTS.flatMap((chart) => chart.series), "answerP95", "callsPerSecond"];
const ROWS = 12;

/**
 * Returns a colour of the style sheet as the canvas needs it: computed, for the scheme in use.
 * @param {string} name
 */
function colour(name) {
  const probe = el("span", { class: `paint-${name}`, hidden: true });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/**
 * Returns how many pixels the labels of an axis need: what is wider would be cut off.
 * @param {unknown} plot
 * @param {unknown[] | null} labels
 */
function roomFor(plot, labels) {
  const longest = Math.max(0, ...(labels ?? []).map((each) => String(each).length));
  return Math.max(44, 18 + 7.5 * longest);
}

/** One chart. */
export class Chart {
  /** @param {{name: string, series: string[], right?: string, digits: number}} chart */
  constructor({ name, series, right = "", digits }) {
    this.series = series;
    this.right = right;
    this.digits = digits;
    this.title = t(`chart.${name}`);
    this.place = el("div", { class: "plot", "aria-hidden": "true" });
    this.summary = el("p", { class: "unseen" });
    const caption = el("figcaption", {}, this.title);
    this.element = el("figure", { class: `chart card ${name}` }, caption, this.summary, this.place);
    /** @type {uPlot | null} */
    this.plot = null;
    this.span = 0;
    /** @type {Map<string, string>} */
    this.paints = new Map();
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.place);
  }

  /**
   * Shows samples.
   * @param {Sample[]} samples
   * @param {number} span milliseconds in all
   */
  update(samples, span) {
    this.span = span / 1000;
    const values = this.series.map((name) => samples.map((each) => each[name]));
    const data = [samples.map((each) => each.t / 1000), ...values];
    if (!this.plot) this.plot = new uPlot(this.options(), data, this.place);
    else this.plot.setData(data);
    say(this.summary, this.series.map((name, index) => this.told(name, data[index + 1])).join("; "));
  }

  /**
   * @param {string} name
   * @param {(number | null)[]} values
   */
  told(name, values) {
    const known = values.filter((value) => value !== null);
    const now = number(values.at(-1) ?? null, this.digits);
    const highest = number(known.length ? Math.max(...known) : null, this.digits);
    return t("charts.now", { name: t(`series.${name}`), now, highest });
  }

  /** Draws again, in other colours when the scheme is another. */
  repaint() {
    this.paints.clear();
    if (!this.plot) return;
    this.plot.redraw(false);
    const found = this.place.querySelectorAll(".u-legend .u-series:not(:first-child) .u-marker");
    const marks = /** @type {NodeListOf<HTMLElement>} */ (found);
    marks.forEach((mark, index) => (mark.style.borderColor = this.paint(String(index)))); // uPlot paints them once only
  }

  resize() {
    const width = this.place.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  /** Stops watching its size. */
  close() {
    this.watch.disconnect();
    this.plot?.destroy();
  }

  /**
   * @param {string} name
   * @returns {string}
   */
  paint(name) {
    const known = this.paints.get(name) ?? colour(name);
    this.paints.set(name, known);
    return known;
  }

  options() {
    const grid = { stroke: () => this.paint("line"), width: 1 };
    const axis = { stroke: () => this.paint("soft"), grid, ticks: grid, font: "12px system-ui, sans-serif" };
    /** @type {(plot: unknown, low: number, high: number) => number[]} */
    const times = (plot, low, high) => [high - this.span, high];
    /** @type {(plot: unknown, low: number, high: number) => number[]} */
    const values = (plot, low, high) => [0, Math.max(high * 1.15, this.digits ? 1 : 2)];
    /** @type {(plot: unknown, ticks: number[]) => string[]} */
    const clocks = (plot, ticks) => ticks.map((tick) => time(tick * 1000).slice(0, 5));
    /** @type {(plot: unknown, ticks: number[]) => string[]} */
    const numbers = (plot, ticks) => ticks.map((tick) => number(tick, 1));
    const beside = { side: 1, scale: "right", grid: { show: false } };
    /** Two axes have the colours of their lines. @param {string} scale */
    const named = (scale) => {
      const index = this.series.findIndex((name) => (name === this.right) === (scale === "right"));
      return this.right ? { stroke: () => this.paint(String(index)) } : {};
    };
    /** @type {(plot: uPlot, at: number | null) => string} */
    const now = (plot, at) => time(1000 * (at ?? plot.data[0].at(-1) ?? 0));
    return {
      width: this.place.clientWidth || 300,
      height: HEIGHT,
      cursor: { y: false },
      legend: { live: true },
      scales: {
        x: { range: times },
        y: { range: values },
        ...(this.right && { right: { range: values } }),
      },
      axes: [
        { ...axis, space: 70, values: clocks },
        { ...axis, ...named("y"), size: roomFor, space: 34, values: numbers },
        ...(this.right ? [{ ...axis, ...named("right"), ...beside, size: roomFor, space: 34, values: numbers }] : []),
      ],
      series: [{ label: t("series.time"), value: now }, ...this.series.map((name, index) => this.line(name, index))],
    };
  }

  /**
   * @param {string} name
   * @param {number} index
   */
  line(name, index) {
    return {
      label: t(`series.${name}`),
      scale: name === this.right ? "right" : "y",
      stroke: () => this.paint(String(index)),
      dash: DASHES[index],
      width: 2,
      spanGaps: name === "setupP95",
      points: { show: name === "setupP95", size: 5 },
      /**
       * The newest, unless one points at another.
       * @type {(plot: uPlot, value: number | null, line: number, at: number | null) => string}
       */
      value: (plot, value, line, at) => number(at === null ? plot.data[line].at(-1) : value, this.digits),
    };
  }
}

/**
 * Puts samples into so many means, newest first, for the table.
 * @param {Sample[]} samples
 */
export function condensed(samples, rows = ROWS) {
  const size = Math.max(1, Math.ceil(samples.length / rows));
  const found = [];
  for (let end = samples.length; end > 0; end -= size) {
    const group = samples.slice(Math.max(0, end - size), end);
    found.push({ t: group[0].t, ...Object.fromEntries(SERIES.map((name) => [name, mean(group, name)])) });
  }
  return found;
}

/**
 * @param {Sample[]} group
 * @param {string} name
 */
function mean(group, name) {
  const known = group.map((each) => each[name]).filter((value) => value !== null && value !== undefined);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

/**
 * Adds samples that are new to those that are there, and drops what is older than `span` milliseconds.
 * @param {Sample[]} samples
 * @param {Sample[]} more
 * @param {number} span
 */
export function joined(samples, more, span) {
  const last = samples.at(-1)?.t ?? 0;
  const all = [...samples, ...more.filter((each) => each.t > last)];
  const first = (all.at(-1)?.t ?? 0) - span;
  return all.filter((each) => each.t >= first);
}
