// How calls and agents are told.

import { clock, grade, number } from "./format.js";
import { t, word } from "./texts.js";

/** @import { Agent, Call, Level } from "./types.js" */

/** @type {Record<string, Level>} */
const REGISTRATIONS = { REGISTERED: "ok", RECOVERING: "wait", FAILED: "bad" };

/**
 * Who calls whom: [from, to].
 * @param {Call} call
 * @returns {[from: string, to: string]}
 */
export function ends(call) {
  const own = call.dn || (call.agent ? call.agent : t("calls.nobody"));
  const peer = call.peer || t("calls.unknown");
  return call.direction === "inbound" ? [peer, own] : [own, peer];
}

/**
 * Who calls whom, as one text.
 * @param {Call} call
 */
export function parties(call) {
  return ends(call).join(" → ");
}

/**
 * The level and word of a call's state.
 * @param {Call} call
 * @returns {[Level, string]}
 */
export function callState(call) {
  if (call.state === "ENDED") return ["off", t("call.ENDED")];
  if (call.held) return ["wait", t("call.held")];
  if (call.heldByPeer) return ["wait", t("call.heldByPeer")];
  const level = call.state === "ESTABLISHED" ? "ok" : "wait";
  return [level, word(`call.${call.state}`, call.state)];
}

/**
 * The level and word of a registration.
 * @param {Agent} agent
 * @returns {[Level, string]}
 */
export function registration(agent) {
  const level = REGISTRATIONS[agent.registration] ?? "off";
  return [level, word(`registration.${agent.registration}`, agent.registration)];
}

/**
 * Why a call ended; an agent who ends it before the answer rejects it, or gives up.
 * @param {Call} call
 */
function causeOf({ cause, direction, answeredAt }) {
  if (cause !== "local" || answeredAt) return cause;
  return direction === "inbound" ? "rejected" : "abandoned";
}

const WISHED = ["abandoned", "answered-elsewhere", "cancelled", "local", "operator", "rejected", "remote", "replaced"];
const FAULTS = ["lost", "timeout", "failed", "page-lost", "not-taken-up", "server-failure"];

/**
 * Tells whether a call is over by a fault, or before its answer without anybody's wish; as the gateway counts them.
 * @param {Call} call
 */
export function hasFailed(call) {
  if (call.state !== "ENDED") return false;
  const wished = [...WISHED, "signed-out", "transferred"].includes(causeOf(call));
  return FAULTS.includes(call.cause) || (!call.answeredAt && !wished);
}

/**
 * How a call ended: in words, with the SIP code where it says more.
 * @param {Call} call
 */
export function outcome(call) {
  if (call.state !== "ENDED") return "";
  const cause = causeOf(call);
  const words = word(`cause.${cause}`, cause);
  const code = call.sipCode >= 300 ? `${call.sipCode} ${call.reason}`.trim() : "";
  return [words, code].filter(Boolean).join(", ");
}

/**
 * How long a call was up.
 * @param {Call} call
 */
export function duration(call) {
  return call.duration === null ? t("calls.unanswered") : clock(call.duration);
}

/**
 * Its quality: `{mos, share, level, grade, worst}`, or null where nobody told it; `share` is of the best there is.
 * @param {Call} call
 */
export function quality(call) {
  const audio = call.quality?.audio;
  if (!audio?.mos) return null;
  const level = grade(audio.mos);
  return {
    mos: number(audio.mos, 1),
    share: Math.max(0, Math.min(1, (audio.mos - 1) / 3.5)),
    level,
    grade: t(`grade.${level}`),
    worst: number(audio.worst?.mos ?? audio.mos, 1),
  };
}

/**
 * What its page says of its media; "" where it has said nothing.
 * @param {Call} call
 */
export function verdictText(call) {
  const told = call.quality?.verdict;
  return told ? t(`verdict.${told.code}`, { share: number(told.share), seconds: number(told.seconds) }) : "";
}

/**
 * Its quality as one text.
 * @param {Call} call
 */
export function qualityText(call) {
  const told = quality(call);
  return told ? `${t("calls.mos", told)} (${t("calls.worst", { mos: told.worst })})` : "";
}
