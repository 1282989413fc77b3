// Charts of the last minutes or hours, with uPlot; the same numbers are in a table for those who do not see charts.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { el, say } from "../softphone/dom.js";
import { number, time } from "./format.js";
import { t } from "./texts.js";

const HEIGHT = 170;
const DASHES = [[], [7, 4], [2, 3]];
/** What the charts show: series share a chart when they share a unit. */
export const CHARTS = [
  { name: "load", series: ["calls", "agents"], digits: 0 },
  { name: "rates", series: ["httpPerSecond", "sipIn", "sipOut"], digits: 1 },
  { name: "latency", series: ["setupP95", "loopLag"], digits: 1 },
  { name: "failures", series: ["failures"], digits: 0 },
];
export const SERIES = [...CHARTS.flatMap((chart) => chart.series), "answerP95", "callsPerSecond"];
const ROWS = 12;

/** Returns a colour of the style sheet as the canvas needs it: computed, for the scheme in use. */
function colour(name) {
  const probe = el("span", { class: `paint-${name}`, hidden: true });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Returns how many pixels the labels of an axis need: what is wider would be cut off. */
function roomFor(plot, labels) {
  const longest = Math.max(0, ...(labels ?? []).map((each) => String(each).length));
  return Math.max(44, 18 + 7.5 * longest);
}

/** One chart. */
export class Chart {
  constructor({ name, series, digits }) {
    this.series = series;
    this.digits = digits;
    this.title = t(`chart.${name}`);
    this.place = el("div", { class: "plot", "aria-hidden": "true" });
    this.summary = el("p", { class: "unseen" });
    const caption = el("figcaption", {}, this.title);
    this.element = el("figure", { class: `chart card ${name}` }, caption, this.summary, this.place);
    this.plot = null;
    this.span = 0;
    this.paints = new Map();
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.place);
  }

  /** Shows samples. @param {Record<string, number | null>[]} samples @param {number} span milliseconds in all */
  update(samples, span) {
    this.span = span / 1000;
    const values = this.series.map((name) => samples.map((each) => each[name]));
    const data = [samples.map((each) => each.t / 1000), ...values];
    if (!this.plot) this.plot = new uPlot(this.options(), data, this.place);
    else this.plot.setData(data);
    say(this.summary, this.series.map((name, index) => this.told(name, data[index + 1])).join("; "));
  }

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
    const marks = this.place.querySelectorAll(".u-legend .u-series:not(:first-child) .u-marker");
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

  paint(name) {
    if (!this.paints.has(name)) this.paints.set(name, colour(name));
    return this.paints.get(name);
  }

  options() {
    const axis = { stroke: () => this.paint("soft"), grid: { stroke: () => this.paint("line"), width: 1 } };
    axis.ticks = axis.grid;
    axis.font = "12px system-ui, sans-serif";
    return {
      width: this.place.clientWidth || 300,
      height: HEIGHT,
      cursor: { y: false },
      legend: { live: true },
      scales: {
        x: { range: (plot, low, high) => [high - this.span, high] },
        y: { range: (plot, low, high) => [0, Math.max(high * 1.15, this.digits ? 1 : 2)] },
      },
      axes: [
        { ...axis, space: 70, values: (plot, ticks) => ticks.map((tick) => time(tick * 1000).slice(0, 5)) },
        { ...axis, size: roomFor, space: 34, values: (plot, ticks) => ticks.map((tick) => number(tick, 1)) },
      ],
      series: [
        { label: t("series.time"), value: (plot, at) => time(at === null ? plot.data[0].at(-1) * 1000 : at * 1000) },
        ...this.series.map((name, index) => this.line(name, index)),
      ],
    };
  }

  line(name, index) {
    return {
      label: t(`series.${name}`),
      stroke: () => this.paint(String(index)),
      dash: DASHES[index],
      width: 2,
      spanGaps: name === "setupP95",
      points: { show: name === "setupP95", size: 5 },
      // the newest, unless one points at another
      value: (plot, value, line, at) => number(at === null ? plot.data[line].at(-1) : value, this.digits),
    };
  }
}

/** Puts samples into so many means, newest first, for the table. */
export function condensed(samples, rows = ROWS) {
  const size = Math.max(1, Math.ceil(samples.length / rows));
  const found = [];
  for (let end = samples.length; end > 0; end -= size) {
    const group = samples.slice(Math.max(0, end - size), end);
    found.push({ t: group[0].t, ...Object.fromEntries(SERIES.map((name) => [name, mean(group, name)])) });
  }
  return found;
}

function mean(group, name) {
  const known = group.map((each) => each[name]).filter((value) => value !== null && value !== undefined);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

/** Adds samples that are new to those that are there, and drops what is older than `span` milliseconds. */
export function joined(samples, more, span) {
  const last = samples.at(-1)?.t ?? 0;
  const all = [...samples, ...more.filter((each) => each.t > last)];
  const first = (all.at(-1)?.t ?? 0) - span;
  return all.filter((each) => each.t >= first);
}
