// What states, endings, errors and numbers are called: keys of texts, and thresholds.

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

/** Returns the key of what a call is doing. */
export function stateKey(call) {
  if (call.state !== "established") return `state.${call.state}`;
  if (call.held && call.heldByPeer) return "state.held_both";
  if (call.held) return "state.held";
  return call.heldByPeer ? "state.held_by_peer" : "state.established";
}

/** Returns what the end of a call is said with: the title's key, that of what to do, and whether it is a failure. */
export function ending(call, texts) {
  const { cause, sipCode, hint, reason } = call.ended;
  const params = { peer: nameOf(call), code: sipCode || "", reason: reason || hint || cause };
  if (call.ended.missed) return { key: "ended.missed", params, failure: false };
  const known = [cause, BY_CODE[sipCode]].find((each) => each && texts.has(`ended.${each}.title`));
  const normal = ["local", "remote", "transferred", "replaced", "answered-elsewhere"].includes(known ?? "");
  if (call.answeredAt && known === "cancelled") return { key: "ended.remote", params, failure: false };
  return { key: `ended.${known ?? "failed"}`, params, failure: !normal };
}

/** Returns how a call that failed with this SIP code is called; "" when there is no word for it. */
export function causeOf(sipCode) {
  return BY_CODE[sipCode] ?? "";
}

/** Returns who is at the other end, with name and number. */
export function nameOf({ displayName, name, peer }) {
  const known = displayName || name;
  return known && known !== peer ? `${known} (${peer})` : peer;
}

// Bounds of ITU-T G.107 (table B.1) for the categories of quality
const STEPS = [
  [4.03, "very_good", 4],
  [3.6, "good", 3],
  [3.1, "fair", 2],
  [2.58, "poor", 1],
];

/** Returns the word for a mean opinion score, and how many bars of four it is worth. */
export function opinionOf(mos) {
  const [, word, bars] = STEPS.find(([least]) => mos >= least) ?? [0, "bad", 0];
  return { key: `quality.${word}`, bars };
}

/** Tells whether one would complain about such a sample. */
export function isBad({ mos, loss }) {
  return mos < 3.1 || loss > 8;
}

/**
 * Tells whether nothing has come in since the sample before, though somebody should be speaking. A new connection
 * counts from 0 again.
 */
export function isSilent(call, now, before) {
  return call.isUp && !call.held && !call.heldByPeer && now.received === before.received;
}
