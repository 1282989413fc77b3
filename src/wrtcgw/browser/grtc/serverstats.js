// PUT-STATS: what the gateway knows of a call's media, in the vendor's shape.

import { assess, read, report } from "./quality.js";

/** Reports the call's media to the gateway, and returns what the gateway knows of the call by then. */
export async function putStats(wire, call) {
  const reading = read((await call.connection.getStats()).values());
  const query = { id: wire.id, call: call.id };
  const body = JSON.stringify(report(reading, assess(reading)));
  await wire.ask("POST", "stats", { query, body, type: "application/json" });
  const view = (await wire.calls()).find(({ callId }) => callId === call.id);
  return shaped(view ?? {});
}

/** Returns the vendor's shape of one of the gateway's calls: times in ms, 0 for what nobody has told. */
export function shaped({ quality, duration }) {
  const stats = { timestamp: quality?.timestamp ?? Date.now(), duration: Math.round(1000 * (duration ?? 0)) };
  for (const kind of ["audio", "video"]) if (quality?.[kind]) stats[kind] = medium(quality[kind]);
  return stats;
}

function medium({ rtt = 0, rttAverage = 0, worst, rx, tx }) {
  return { rtt, rtt_max: worst?.rtt ?? rtt, rtt_average: rttAverage, rx, tx };
}
