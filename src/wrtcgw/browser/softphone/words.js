// What states, endings, errors and numbers are called: keys of texts, and thresholds.

/** @import { Quality } from "../grtc.js" */
/** @import { Call } from "../grtc/call.js" */
/** @import { Phone } from "../grtc/phone.js" */
/** @import { Texts } from "./texts.js" */
/** @import { EndedCall, Somebody } from "./types.js" */

/** @type {Record<string, string>} */
const BY_CODE = {
  403: "forbidden",
  404: "not-found",
  408: "timeout",
  410: "not-found",
  480: "unavailable",
  484: "incomplete",
  486: "busy",
  487: "cancelled",
  488: "not-acceptable",
  503: "unavailable",
  504: "timeout",
  600: "busy",
  603: "declined",
  604: "not-found",
  606: "not-acceptable",
  607: "declined",
  608: "declined",
};
const NORMAL = [
  "local",
  "rejected",
  "given-up",
  "remote",
  "transferred",
  "transferred-to",
  "replaced",
  "answered-elsewhere",
];
/** Causes that say less than the SIP code that came with them. */
const VAGUE = ["refused", "failed"];
const ONGOING = ["transfer_failed", "call_failed", "request_refused"];
/** Causes after which the number should be looked at, and not called again as it is. */
const WRONG_NUMBER = ["not-found", "incomplete", "ambiguous", "bad_input", "bad-address"];

/**
 * Returns the key of what a call is doing; `micSilent` says that its microphone is known to send silence.
 * @param {Pick<Call, "state" | "held" | "heldByPeer" | "muted">} call
 * @param {boolean} [micSilent]
 */
export function stateKey(call, micSilent = false) {
  if (call.state !== "established") return `state.${call.state}`;
  if (call.held && call.heldByPeer) return "state.held_both";
  if (call.held) return "state.held";
  if (call.heldByPeer) return "state.held_by_peer";
  if (call.muted) return "state.muted";
  return micSilent ? "state.mic_silent" : "state.established";
}

/**
 * Returns the end of a call in the keys of texts.
 * @param {EndedCall} call
 * @param {Texts} texts
 * @param {string} [to] where it was transferred to, if that is known
 * @returns {{key: string, params: object, failure: boolean, code: string}} of title and what to do; `code` is for the
 *   small print, "" where the words say it all
 */
export function ending(call, texts, to = "") {
  const { cause, sipCode, missed } = call.ended;
  const params = { peer: nameOf(call, texts), to };
  if (missed) {
    const key = cause === "not-responding" ? "ended.missed-asleep" : "ended.missed";
    return { key, params, failure: false, code: "" };
  }
  if (call.answeredAt && [cause, BY_CODE[sipCode]].includes("cancelled")) {
    return { key: "ended.remote", params, failure: false, code: "" };
  }
  const known = knownEnd(call, to, texts);
  const failure = !NORMAL.includes(known ?? "");
  if (known) return { key: known.includes(".") ? known : `ended.${known}`, params, failure, code: "" };
  return { key: "ended.failed", params, failure, code: smallPrint(cause, sipCode) };
}

/**
 * @param {EndedCall} call
 * @param {string} to
 * @param {Texts} texts
 */
function knownEnd({ direction, answeredAt, ended: { cause, sipCode } }, to, texts) {
  const local = cause === "local" && !answeredAt && { inbound: "rejected", outbound: "given-up" }[direction];
  const names = [
    local,
    cause === "transferred" && to ? "transferred-to" : "",
    VAGUE.includes(cause) ? "" : cause,
    BY_CODE[sipCode],
    cause,
  ];
  const found = names.find((each) => each && texts.has(`ended.${each}.title`));
  if (found && found !== "failed") return found;
  // as an error of the gateway, unless that is one after which the call goes on
  return texts.has(`error.${cause}.title`) && !ONGOING.includes(cause) ? `error.${cause}` : undefined;
}

/**
 * Returns the key and values of what was wrong with the sound of a call that is over; null for nothing.
 * @param {Pick<Call, "verdict">} call
 */
export function verdictOf({ verdict }) {
  if (!verdict || ["good", "unknown"].includes(verdict.code)) return null;
  return { key: `verdict.${verdict.code}`, params: { share: verdict.share } };
}

/**
 * Returns what a support desk asks for, and nobody else has to read.
 * @param {string} code
 * @param {number} [sipCode]
 */
export function smallPrint(code, sipCode = 0) {
  return [code, sipCode ? `SIP ${sipCode}` : ""].filter(Boolean).join(", ");
}

/**
 * Returns whether a call failed for its number, so that this should be put right.
 * @param {{cause: string, sipCode: number}} ended
 */
export function isWrongNumber({ cause, sipCode }) {
  return WRONG_NUMBER.includes(VAGUE.includes(cause) || !cause ? (BY_CODE[sipCode] ?? cause) : cause);
}

/**
 * Returns how a call that failed with this SIP code is called; "" when there is no word for it.
 * @param {number} sipCode
 */
export function causeOf(sipCode) {
  return BY_CODE[sipCode] ?? "";
}

/** @type {Record<string, string>} */
const WHY = {
  gateway_unreachable: "network",
  draining: "network",
  store_unavailable: "network",
  media_failed: "sound",
  no_webrtc: "sound",
  no_common_codec: "not-acceptable",
  bad_input: "not-found",
  "bad-address": "not-found",
  ambiguous: "incomplete",
  destination_forbidden: "forbidden",
};

/**
 * Returns the key of why a call in the history did not come about; "" when nothing is known of it.
 * @param {{cause?: string, code?: number}} entry
 * @param {Texts} texts
 */
export function whyKey({ cause = "", code = 0 }, texts) {
  const names = [WHY[cause], VAGUE.includes(cause) ? "" : cause, BY_CODE[code], code >= 400 ? "system" : ""];
  const found = names.find((each) => each && texts.has(`why.${each}`));
  return found ? `why.${found}` : "";
}

/**
 * Returns who is at the other end, in one piece for a sentence: name and number.
 * @param {Somebody} somebody
 * @param {Texts | null} [texts]
 * @returns {string}
 */
export function nameOf(somebody, texts = null) {
  const { name, number } = whoOf(somebody, texts);
  return number ? `${name} (${number})` : name;
}

/**
 * Returns who is at the other end: the name first, and the number besides; the number takes the place of a name that
 * is not known.
 * @param {Somebody} somebody
 * @param {Texts | null} [texts]
 * @returns {{name: string, number: string}}
 */
export function whoOf({ displayName, name, peer }, texts = null) {
  const [known, number] = [displayName || name || "", peer ?? ""];
  const hidden = [known, number].every((each) => !each || /^anonymous$/i.test(each));
  if (hidden) return { name: texts?.t("incoming.anonymous") ?? (known || number), number: "" };
  return !known || known === number ? { name: number, number: "" } : { name: known, number };
}

/**
 * Reasons of RFC 5806 and causes of History-Info (RFC 4244, SIP codes)
 * @type {Record<string, string>}
 */
const DIVERSIONS = {
  "user-busy": "busy",
  486: "busy",
  "no-answer": "no_answer",
  408: "no_answer",
  unconditional: "always",
  302: "always",
  deflection: "deflected",
  480: "deflected",
  unavailable: "unavailable",
  "out-of-service": "unavailable",
  404: "unavailable",
  503: "unavailable",
};

/**
 * Returns the key of why a call was diverted; "" for a reason without a word.
 * @param {string | undefined} reason
 */
export function diversionKey(reason) {
  const known = DIVERSIONS[String(reason ?? "").toLowerCase()];
  return known ? `diversion.${known}` : "";
}

/**
 * Returns what the attestation of a caller's number says (RFC 8224 networks tell it as `verstat`).
 * @param {string | undefined} verstat
 */
export function attestationOf(verstat) {
  if (/^TN-Validation-Passed/i.test(verstat ?? "")) return "verified";
  return /^TN-Validation-Failed/i.test(verstat ?? "") ? "suspect" : "";
}

/** @type {Record<string, string | null>} */
const FAREWELLS = {
  "signed out": null,
  "another page has signed in": "other_page",
  "another page has signed in with this DN": "other_page",
  "the session is over, sign in again": "session_over",
  "signed out by an operator": "by_operator",
  "page lost": "page_lost",
  "the gateway is stopping": "stopping",
  "the id has signed in with another DN": "other_dn",
};

/**
 * Returns why a phone was signed out as a notice `{code}`; null when its agent did it.
 * @param {{reason?: string, code?: string}} told
 */
export function farewell({ reason = "", code = "" }) {
  const known = FAREWELLS[reason];
  if (known !== undefined) return known && { code: known };
  return { code: code || "signed_out_by" };
}

/**
 * Bounds of ITU-T G.107 (table B.1) for the categories of quality
 * @type {[number, string, number][]}
 */
const STEPS = [
  [4.03, "very_good", 4],
  [3.6, "good", 3],
  [3.1, "fair", 2],
  [2.58, "poor", 1],
];

/**
 * Returns the word for a mean opinion score, and how many bars of four it is worth.
 * @param {number} mos
 */
export function opinionOf(mos) {
  const [, word, bars] = STEPS.find(([least]) => mos >= least) ?? [0, "bad", 0];
  return { key: `quality.${word}`, bars };
}

/**
 * Returns whether one would complain about such a sample.
 * @param {Pick<Quality, "mos" | "loss">} sample
 */
export function isBad({ mos, loss }) {
  return mos < 3.1 || loss > 8;
}

/**
 * Returns whether nothing has come in since the sample before, though somebody should be speaking. A new connection
 * counts from 0 again; one that has counted nothing yet is as silent.
 * @param {Pick<Call, "isUp" | "held" | "heldByPeer">} call
 * @param {Pick<Quality, "received">} now
 * @param {Pick<Quality, "received">} before
 */
export function isSilent(call, now, before) {
  return call.isUp && !call.held && !call.heldByPeer && (now.received === before.received || now.received === 0);
}

/**
 * Returns the state of a phone's registration: how it is meant, and the key of its words.
 * @param {Pick<Phone, "dn" | "isSignedIn" | "connection" | "registration">} phone
 * @returns {{level: "off" | "busy" | "ok" | "bad", key: string, params: object}}
 */
export function registrationOf({ dn, isSignedIn, connection, registration }) {
  const params = { dn, code: registration.sipCode || "", reason: registration.reason || "" };
  if (!isSignedIn) return { level: "off", key: "status.signed_out", params };
  if (connection === "offline") return { level: "busy", key: "status.offline", params };
  if (registration.state === "REGISTERED") return { level: "ok", key: "status.registered", params };
  if (registration.state === "RECOVERING") return { level: "busy", key: "status.recovering", params };
  return { level: "bad", key: registration.sipCode ? "status.refused" : "status.failed", params };
}

/**
 * Returns a number without the blanks and marks that people put between digits, and without `tel:`; an address stays as
 * it is. What `(0)` means in a number is for the gateway to say.
 * @param {unknown} number
 */
export function tidy(number) {
  const text = String(number ?? "")
    .trim()
    .replace(/^(tel|callto):/i, "");
  if (/\(\s*0\s*\)/.test(text)) return text;
  return /^[\d\s()/.+*#-]+$/.test(text) ? text.replace(/[\s()/.-]/g, "") : text;
}
