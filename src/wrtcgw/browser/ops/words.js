// How calls and agents are told.

import { clock, grade, number } from "./format.js";
import { t, word } from "./texts.js";

/** Who calls whom: [from, to]. */
export function ends(call) {
  const own = call.dn || (call.agent ? call.agent : t("calls.nobody"));
  const peer = call.peer || t("calls.unknown");
  return call.direction === "inbound" ? [peer, own] : [own, peer];
}

/** Who calls whom, as one text. */
export function parties(call) {
  return ends(call).join(" → ");
}

/** The level and word of a call's state. */
export function callState(call) {
  if (call.state === "ENDED") return ["off", t("call.ENDED")];
  if (call.held) return ["wait", t("call.held")];
  if (call.heldByPeer) return ["wait", t("call.heldByPeer")];
  const level = call.state === "ESTABLISHED" ? "ok" : "wait";
  return [level, word(`call.${call.state}`, call.state)];
}

/** The level and word of a registration. */
export function registration(agent) {
  const level = { REGISTERED: "ok", RECOVERING: "wait", FAILED: "bad" }[agent.registration] ?? "off";
  return [level, word(`registration.${agent.registration}`, agent.registration)];
}

/** Why a call ended; an agent who ends it before the answer rejects it, or gives up. */
function causeOf({ cause, direction, answeredAt }) {
  if (cause !== "local" || answeredAt) return cause;
  return direction === "inbound" ? "rejected" : "abandoned";
}

/** How a call ended: in words, with the SIP code where it says more. */
export function outcome(call) {
  if (call.state !== "ENDED") return "";
  const cause = causeOf(call);
  const words = word(`cause.${cause}`, cause);
  const code = call.sipCode >= 300 ? `${call.sipCode} ${call.reason}`.trim() : "";
  return [words, code].filter(Boolean).join(", ");
}

/** How long a call was up. */
export function duration(call) {
  return call.duration === null ? t("calls.unanswered") : clock(call.duration);
}

/** Its quality: `{mos, share, level, grade, worst}`, or null where nobody told it; `share` is of the best there is. */
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

/** Its quality as one text. */
export function qualityText(call) {
  const told = quality(call);
  return told ? `${t("calls.mos", told)} (${t("calls.worst", { mos: told.worst })})` : "";
}
