// What a page asks of a phone, with defaults for what it leaves open.

import { BASE_URL } from "./baseUrl.js";

/** @import { PhoneOptions } from "../grtc.js" */

/** @type {{gateway: string, events: "auto" | "stream" | "poll", iceServers: "gateway" | RTCIceServer[],
 *   autoAnswer: boolean, answerOnTalk: boolean, play: boolean}} */
const DEFAULTS = {
  gateway: BASE_URL,
  events: "auto",
  iceServers: "gateway",
  autoAnswer: false,
  answerOnTalk: false,
  play: true,
};

/**
 * Returns the options with their defaults, which count for those that are undefined as well: they are not given.
 * @param {PhoneOptions} options
 * @returns {PhoneOptions & typeof DEFAULTS}
 */
export function completed(options) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}
