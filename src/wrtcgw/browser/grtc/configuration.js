// What `new Grtc.Client({...})` of the vendor's shape is told.

import { log } from "./logger.js";
import { GrtcError } from "./vendorerrors.js";

const KEYS = [
  "webrtc_gateway",
  "stun_server",
  "turn_server",
  "turn_username",
  "turn_password",
  "sip_username",
  "sip_password",
  "dtls_srtp",
  "enable_ipv6",
  "noanswer_timeout",
  "ice_timeout",
  "ice_optimization",
  "polling_timeout",
  "use_rsa_certificate",
];

/**
 * Reads a configuration; a time below its minimum is raised to that.
 * @param {Record<string, any>} given
 * @param {string} [page] the address that relative gateways belong to
 * @throws {GrtcError} CONFIGURATION_ERROR naming the key
 */
export function readConfiguration(given, page = globalThis.location?.href) {
  if (!given || typeof given !== "object") wrong("a configuration has to be an object");
  const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
  if (unknown) wrong(`there is no ${unknown}; known are ${KEYS.join(", ")}`);
  if (given.dtls_srtp === false) log.notice("dtls_srtp: false has no effect: browsers speak nothing but DTLS-SRTP");
  return {
    gateways: gateways(given.webrtc_gateway, page),
    iceServers: iceServers(given),
    username: text(given.sip_username),
    password: text(given.sip_password),
    noanswerTimeout: time(given, "noanswer_timeout", 60_000, 18_000),
    iceTimeout: given.ice_timeout === undefined ? null : time(given, "ice_timeout", 1_000, 1_000),
    pollingTimeout: Number(given.polling_timeout) === 0 ? 0 : time(given, "polling_timeout", 30_000, 10_000),
    rsa: Boolean(given.use_rsa_certificate),
  };
}

/**
 * @param {string} message
 * @returns {never}
 */
function wrong(message) {
  throw new GrtcError("CONFIGURATION_ERROR", message);
}

/** @param {unknown} value */
function text(value) {
  return value === undefined || value === null || value === "undefined" ? "" : String(value);
}

/** @param {unknown} value */
function list(value) {
  return text(value)
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);
}

/**
 * @param {unknown} value
 * @param {string} [page]
 */
function gateways(value, page) {
  const found = list(value);
  if (!found.length) wrong("webrtc_gateway has to be set");
  return found.map((each) => address(each, page));
}

/**
 * @param {string} each
 * @param {string} [page]
 */
function address(each, page) {
  try {
    const url = new URL(each.endsWith("/") ? each : `${each}/`, page);
    if (["http:", "https:"].includes(url.protocol)) return url.href;
  } catch {
    // told below
  }
  return wrong(`webrtc_gateway has to be http(s)://host:port, not ${each}`);
}

/**
 * Returns null when the page names none: the gateway's own are used then.
 * @param {Record<string, any>} given
 * @returns {RTCIceServer[] | null}
 */
function iceServers({ stun_server: stun, turn_server: turn, turn_username: username, turn_password: credential }) {
  /** @type {RTCIceServer[]} */
  const servers = list(stun).map((each) => ({ urls: /^stuns?:/.test(each) ? each : `stun:${each}` }));
  const turns = list(turn).map((each) => (/^turns?:/.test(each) ? each : `turn:${each}`));
  if (turns.length && !(text(username) && text(credential))) wrong("turn_server needs turn_username and turn_password");
  if (turns.length) servers.push({ urls: turns, username: text(username), credential: text(credential) });
  return servers.length ? servers : null;
}

/**
 * @param {Record<string, any>} given
 * @param {string} key
 * @param {number} usual
 * @param {number} least
 */
function time(given, key, usual, least) {
  const value = given[key] ?? usual;
  const number = Number(value);
  const odd = typeof value === "boolean" || value === "" || !Number.isFinite(number);
  if (odd) wrong(`${key} has to be milliseconds, not ${value}`);
  if (number < least) log.notice(`${key} is ${least} ms at least, not ${value}`);
  return Math.max(least, number);
}
