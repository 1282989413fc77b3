// What the gateway tells of a call, as a page gets it: all fields there, whatever was left out.

import { PhoneError } from "./errors.js";

/** @import { EndingCause, TransferProgress } from "../grtc.js" */
/** @import { GatewayMessage } from "./types.js" */

/**
 * @typedef {{cause?: string, sipCode?: number, reason?: string, hint?: string, warning?: string,
 *   sipReason?: string}} Told what is told of an end
 */

const ANONYMOUS = "anonymous"; // RFC 3323, and what the gateway says of who wants not to be known

/**
 * Returns what is known of a call and its far side.
 * @param {Record<string, any>} message the gateway's
 */
export function factsOf({
  displayName = "",
  called = "",
  diversion = [],
  headers = {},
  verstat = "",
  data = [],
  uuid = "",
  autoAnswer = null,
  from,
  peer = from,
}) {
  const anonymous = peer === ANONYMOUS;
  return { displayName, called, diversion, headers, verstat, anonymous, data, uuid, autoAnswer };
}

/** @type {Record<string, import("../grtc.js").CallState | undefined>} what the gateway's states are called here */
export const STATES = { DIALLING: "calling", RINGING: "ringing", ESTABLISHED: "established" };

/**
 * Returns how a call stands that the gateway has; times are those of the page.
 * @param {import("./types.js").CallView} view
 * @param {boolean} kept whether this page had muted it before a reload
 */
export function standingOf({ state, age, duration, held, heldByPeer, uuid = "", sound = "here", muted = false }, kept) {
  const up = state === "ESTABLISHED";
  return {
    state: STATES[state] ?? "calling",
    startedAt: Date.now() - 1000 * age,
    answeredAt: up ? Date.now() - 1000 * duration : null,
    held,
    heldByPeer,
    uuid,
    sound,
    muted: sound === "here" ? kept : muted,
  };
}

/**
 * Returns who the far side is from now on; without a number it is still the one `before`.
 * @param {{from?: string, displayName?: string}} message
 * @param {string} before
 */
export function identityOf({ from = "", displayName = "" }, before) {
  const peer = from || before;
  return { peer, displayName, anonymous: peer === ANONYMOUS };
}

/**
 * Returns how a call has ended; `rang` tells that it still rang here.
 * @param {Told} told
 * @param {boolean} rang
 * @returns {import("../grtc.js").Ending}
 */
export function endingOf({ cause = "", sipCode = 0, reason = "", hint = "", warning = "", sipReason = "" }, rang) {
  const answeredElsewhere = cause === "answered-elsewhere";
  const missed = rang && cause !== "local" && !answeredElsewhere;
  const known = /** @type {EndingCause} */ (cause);
  return { cause: known, sipCode, reason, hint, warning, sipReason, missed, answeredElsewhere };
}

/**
 * Returns an error as what a call ends by.
 * @param {PhoneError} error
 * @returns {Told}
 */
export function asEnding({ code, sipCode, reason, hint, warning, sipReason }) {
  return { cause: code, sipCode, reason, hint, warning, sipReason };
}

/**
 * Returns how far a transfer is.
 * @param {Partial<GatewayMessage>} message
 * @returns {TransferProgress}
 */
export function progressOf({ state, sipCode = 0, reason = "", hint = "", warning = "", sipReason = "", to = "" }) {
  const known = /** @type {TransferProgress["state"]} */ (state);
  return { state: known, sipCode, reason, hint, warning, sipReason, to };
}

/**
 * Returns the far side's refusal of something inside a call.
 * @param {Partial<GatewayMessage>} message
 */
export function refusalOf({ sipCode = 0, reason = "", cause = "", hint = "", warning = "", sipReason = "" }) {
  const told = hint || `${sipCode} ${reason}`.trim();
  const error = new PhoneError("call_failed", { hint: told, sipCode, reason, warning, sipReason });
  error.details.cause = cause;
  return error;
}
