// What can go wrong, in words that a page can show, with a `code` that a program can tell apart.

/** @import { Call } from "./call.js" */

/** @type {Record<string, string>} */
const HINTS = {
  microphone_refused: "The browser may not use the microphone: allow it for this page, then try again.",
  no_microphone: "There is no microphone: connect one, then try again.",
  microphone_busy: "The microphone cannot be opened: another program may be using it.",
  insecure_context: "There is no microphone on this page: open it over https, or at localhost.",
  unsupported_browser: "This browser cannot make calls: it has no WebRTC.",
  no_webrtc: "The telephone system offers no WebRTC for this call. Tell your administrator.",
  no_common_codec: "The two sides have no audio codec in common.",
  media_failed: "The sound could not be connected.",
  playback_blocked: "The browser does not play sound before the page was clicked.",
  processing_failed: "What the page makes of the microphone's sound has failed.",
  headset_failed: "The buttons and lamps of the headset cannot be used.",
  gateway_unreachable: "The gateway cannot be reached.",
  transfer_failed: "The call was not transferred.",
  transfer_unknown: "The far side did not say whether the call was transferred.",
  call_failed: "The call failed.",
  call_ended: "The call is over.",
  page_elsewhere: "The number is in use on another page.",
  sound_elsewhere: "The call is on another page.",
  not_signed_in: "Nobody is signed in: sign in first.",
};

/** With these nobody can answer a call, whoever tries. */
export const UNANSWERABLE = ["no_common_codec", "no_webrtc"];

/**
 * What has not been done, by what was tried. Nothing of it is tried again by itself.
 * @type {Record<string, string>}
 */
const UNDONE = {
  sign_in: "you are not signed in. Try again.",
  call: "the call was not placed. Call again when it is back.",
  answer: "the call was not answered. Try again when it is back.",
  hold: "the call was not put on hold. Try again when it is back.",
  resume: "the call is still on hold. Try again when it is back.",
  dtmf: "the digits were not sent. Try again when it is back.",
  transfer: "the call was not transferred. Try again when it is back.",
  use_here: "the call stays on the other page. Try again when it is back.",
  info: "the data were not sent. Try again when it is back.",
};

/** An error of the library or of the gateway. */
export class PhoneError extends Error {
  /**
   * @param {string} code a word for programs: one of the library's own, or the gateway's
   * @param {{hint?: string, status?: number, sipCode?: number, reason?: string, warning?: string, sipReason?: string,
   *   cause?: unknown} & Record<string, unknown>} [details] `warning` and `sipReason`: texts of the SIP answer's
   *   Warning and Reason
   */
  constructor(code, { hint, status = 0, sipCode = 0, reason = "", warning = "", sipReason = "", cause, ...more } = {}) {
    super(hint || HINTS[code] || code, { cause });
    this.name = "PhoneError";
    this.code = code;
    this.hint = this.message;
    this.status = status;
    this.sipCode = sipCode;
    this.reason = reason;
    this.warning = warning;
    this.sipReason = sipReason;
    /** @type {Record<string, any>} */
    this.details = more;
    /** @type {import("../grtc.js").Action} */
    this.action = ""; // what was tried, where a page could want to know
    /** @type {Call | null} */
    this.call = null; // the call that it is about, whose own end tells the same when it is over
  }
}

/**
 * Notes in an error what was tried, and with which call; for a gateway out of reach the hint says what is not done.
 * @template {unknown} Failure
 * @param {string} action
 * @param {Failure} error
 * @param {Call | null} [call]
 */
export function during(action, error, call = null) {
  if (!(error instanceof PhoneError)) return error;
  Object.assign(error, { action, call });
  if (error.code === "gateway_unreachable" && UNDONE[action]) {
    error.hint = error.message = `The gateway cannot be reached: ${UNDONE[action]}`;
  }
  return error;
}

/** @type {Record<string, string>} */
const MICROPHONE = {
  NotAllowedError: "microphone_refused",
  SecurityError: "microphone_refused",
  NotFoundError: "no_microphone",
  OverconstrainedError: "no_microphone",
  NotReadableError: "microphone_busy",
  AbortError: "microphone_busy",
};

/**
 * Returns the name of what the browser threw; not all of that are Errors everywhere.
 * @param {unknown} error
 */
export function nameOf(error) {
  return /** @type {{name?: string} | null | undefined} */ (error)?.name ?? "";
}

/**
 * Returns what an error of getUserMedia means.
 * @param {unknown} error
 */
export function microphoneError(error) {
  if (error instanceof PhoneError) return error;
  return new PhoneError(MICROPHONE[nameOf(error)] ?? "no_microphone", { cause: error });
}

/**
 * Returns the word of an error for programs; "" for one that is none of a phone's.
 * @param {unknown} error
 */
export function codeOf(error) {
  return error instanceof PhoneError ? error.code : "";
}

/**
 * Returns an error as a PhoneError, whatever it was.
 * @param {unknown} error
 */
export function asPhoneError(error, code = "media_failed") {
  return error instanceof PhoneError ? error : new PhoneError(code, { cause: error });
}
