// PUT-STATS: what the gateway knows of a call's media, in the vendor's shape.

import { assess, read, report } from "./quality.js";

/** @import { ServerStats } from "../grtc.js" */
/** @import { Call } from "./call.js" */
/** @import { CallView } from "./types.js" */
/** @import { Wire } from "./wire.js" */

/**
 * Reports the call's media to the gateway, and returns what the gateway knows of the call by then.
 * @param {Wire} wire
 * @param {Call} call
 */
export async function putStats(wire, call) {
  const reading = read((await call.connection?.getStats())?.values() ?? []);
  const query = { id: wire.id, call: call.id };
  const body = JSON.stringify(report(reading, assess(reading)));
  await wire.ask("POST", "stats", { query, body, type: "application/json" });
  const view = (await wire.calls()).find(({ callId }) => callId === call.id);
  return shaped(view ?? {});
}

/**
 * Returns the vendor's shape of one of the gateway's calls: times in ms, 0 for what nobody has told.
 * @param {Partial<CallView>} view
 */
export function shaped({ quality, duration }) {
  /** @type {ServerStats} */
  const stats = { timestamp: quality?.timestamp ?? Date.now(), duration: Math.round(1000 * (duration ?? 0)) };
  if (quality?.audio) stats.audio = medium(quality.audio);
  if (quality?.video) stats.video = medium(quality.video);
  return stats;
}

/** @param {any} told */
function medium({ rtt = 0, rttAverage = 0, worst, rx, tx }) {
  return { rtt, rtt_max: worst?.rtt ?? rtt, rtt_average: rttAverage, rx, tx };
}
