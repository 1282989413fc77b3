// Numbers and times as operators read them, in the language of the console.

import { language } from "./texts.js";

const ZONE = "wrtcgw-ops-zone";
const keep = globalThis.localStorage;
let utc = keep?.getItem?.(ZONE) === "utc";

/** Returns whether all times are told in UTC; else they are local. */
export function isUTC() {
  return utc;
}

/**
 * Tells all times in UTC from now on, or in local time.
 * @param {boolean} on
 */
export function useUTC(on) {
  utc = on;
  keep?.setItem?.(ZONE, on ? "utc" : "local");
}

/** The local time zone: "Europe/Berlin, GMT+1". */
export function localZone(at = Date.now()) {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const parts = new Intl.DateTimeFormat(language(), { timeZoneName: "shortOffset" }).formatToParts(at);
  const offset = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return [timeZone, offset].filter((each, index, all) => each && all.indexOf(each) === index).join(", ");
}

const zone = () => (utc ? { timeZone: "UTC" } : {});

/**
 * A number, with so many digits after the point at most.
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function number(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
}

/**
 * A number with just so many digits after the point.
 * @param {number} value
 * @param {number} digits
 */
function exact(value, digits) {
  const style = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false };
  return new Intl.NumberFormat(language(), style).format(value);
}

/**
 * Seconds as a clock: 0:07, 12:34, 1:02:03.
 * @param {number | null | undefined} seconds
 */
export function clock(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  /** @param {number} value */
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/**
 * Seconds in words, roughly: 12 s, 5 min, 3 h 20 min, 2 d 4 h.
 * @param {number | null | undefined} seconds
 */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  const [days, hours] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24];
  const minutes = Math.floor(whole / 60) % 60;
  if (days) return `${days} d ${hours} h`;
  return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
}

/**
 * Milliseconds between two messages: 3 ms, 0.412 s, 12.3 s.
 * @param {number} milliseconds
 */
export function gap(milliseconds) {
  if (milliseconds < 10) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 10_000) return `${exact(milliseconds / 1000, 3)} s`;
  return milliseconds < 120_000 ? `${exact(milliseconds / 1000, 1)} s` : span(milliseconds / 1000);
}

/**
 * Milliseconds since the first message: +0.412.
 * @param {number} milliseconds
 */
export function since(milliseconds) {
  return `+${exact(milliseconds / 1000, 3)}`;
}

/**
 * A time of the day, with milliseconds where they matter.
 * @param {number | null | undefined} at
 * @param {boolean} [milliseconds]
 */
export function time(at, milliseconds = false) {
  if (at === null || at === undefined) return "–";
  /** @type {Intl.DateTimeFormatOptions} */
  const style = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", ...zone() };
  if (milliseconds) style.fractionalSecondDigits = 3;
  return new Intl.DateTimeFormat(language(), style).format(at);
}

/**
 * Day and time; the time alone of what was today.
 * @param {number | null | undefined} at
 */
export function moment(at, now = Date.now()) {
  if (at === null || at === undefined) return "–";
  const day = new Intl.DateTimeFormat("sv", { dateStyle: "short", ...zone() });
  return day.format(at) === day.format(now) ? time(at) : `${day.format(at)} ${time(at)}`;
}

/**
 * Bytes with a unit.
 * @param {number} count
 */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${exact(count / 1000, 1)} kB`;
  return `${exact(count / 1_000_000, 1)} MB`;
}

/**
 * How good a MOS is: "good", "fair", "poor", "bad"; "" where nobody told one. The words are those of `grade.`.
 * @param {number | null | undefined} mos
 */
export function grade(mos) {
  if (!mos) return "";
  if (mos >= 4) return "good";
  if (mos >= 3.6) return "fair";
  return mos >= 3.1 ? "poor" : "bad";
}
