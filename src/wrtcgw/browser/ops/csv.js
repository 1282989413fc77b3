// Calls as a table for other programs (RFC 4180); times are in UTC.

import { outcome, quality } from "./words.js";

/** @import { Call } from "./types.js" */

/** @type {(at: number | null) => string} */
const moment = (at) => (at === null ? "" : new Date(at).toISOString());

/** @type {Record<string, (call: Call) => unknown>} */
const COLUMNS = {
  callId: (call) => call.callId,
  sipCallId: (call) => call.sipCallId,
  uuid: (call) => call.uuid,
  agent: (call) => call.agent,
  dn: (call) => call.dn,
  direction: (call) => call.direction,
  peer: (call) => call.peer,
  displayName: (call) => call.displayName,
  state: (call) => call.state,
  startedAt: (call) => moment(call.startedAt),
  answeredAt: (call) => moment(call.answeredAt),
  endedAt: (call) => moment(call.endedAt),
  duration: (call) => call.duration ?? "",
  cause: (call) => call.cause,
  sipCode: (call) => call.sipCode || "",
  reason: (call) => call.reason,
  outcome,
  mos: (call) => call.quality?.audio?.mos ?? "",
  worstMos: (call) => (quality(call) ? (call.quality?.audio?.worst?.mos ?? "") : ""),
};

/**
 * Returns calls as CSV, the first line with the names of the columns.
 * @param {Call[]} calls
 */
export function csv(calls) {
  const rows = calls.map((call) => Object.values(COLUMNS).map((read) => cell(read(call))));
  return [Object.keys(COLUMNS), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

/**
 * What a caller has chosen must be no formula of the program that opens the table; numbers are none. Where commas stand
 * in numbers, as in German, programs begin a new cell at each semicolon, whatever is around it, and some at a tab.
 * @param {unknown} value
 */
function cell(value) {
  const text = String(value ?? "");
  const first = /^[=@\t\r\n]|^[+-](?![\d ]*$)/.test(text) ? `'${text}` : text;
  const safe = first.replace(/([;\t\r\n]["\s]*)(?=[=@+-])/g, "$1'");
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
