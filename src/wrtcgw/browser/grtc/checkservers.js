// Looks at each STUN and TURN server by itself: does it answer, does it take the credentials, does it relay.

import { until } from "./patience.js";

/** @import { CheckName } from "../grtc.js" */
/** @import { Finding, Surroundings } from "./check.js" */
/** @import { Platform } from "./platform.js" */

const LIMIT = 9_000; // ms for one server
const STUN = 4_000; // ms; browsers ask again for ten
const TURN = 5_000;
const LOOP = 2_000; // ms in which two relayed ends find each other
const MOST = 8; // servers
const REFUSALS = [400, 401, 403, 431, 432, 438, 441]; // RFC 8489 and 8656: about who asks
const PINGS = 3;

/**
 * @param {Surroundings} surroundings
 * @param {(name: CheckName) => boolean} wants
 */
export async function checkServers(surroundings, wants) {
  const { phone, look, found, options } = surroundings;
  if (found("gateway_unreachable")) return;
  if (!phone.isSignedIn && phone.options.iceServers === "gateway") return; // only who is signed in is told of them
  const { iceServers = [], iceTransportPolicy } = await phone.configuration();
  const servers = (options.iceServers ?? iceServers).flatMap((server) =>
    [server.urls].flat().map((url) => ({ ...server, urls: url })),
  );
  const kinds = { stun, turn };
  const wanted = servers
    .map((server) => ({ server, name: /** @type {"stun" | "turn"} */ (/^turn/i.test(server.urls) ? "turn" : "stun") }))
    .filter(({ name }) => wants(name))
    .slice(0, MOST);
  let relays = 0;
  /** @param {Finding} finding */
  const counted = (finding) => {
    relays += finding.state === "passed" ? 1 : 0;
    return finding;
  };
  const isLast = (/** @type {number} */ at) => wanted.slice(at + 1).every(({ name }) => name === "stun");
  for (const [at, { server, name }] of wanted.entries()) {
    /** @param {AbortSignal} signal */
    const work = async (signal) => {
      const finding = await kinds[name](phone.platform, server, signal);
      if (name === "stun") return finding;
      counted(finding);
      const needed = iceTransportPolicy === "relay" && isLast(at) && !relays;
      return needed ? { ...finding, state: /** @type {const} */ ("failed") } : finding;
    };
    await look(name, { url: server.urls }, work, LIMIT);
  }
}

/**
 * What gathering has found until now.
 * @param {RTCPeerConnection} pc
 */
function watched(pc) {
  const found = { srflx: false, relay: false, done: false, errors: /** @type {number[]} */ ([]) };
  pc.addEventListener("icecandidate", ({ candidate }) => {
    if (candidate?.type === "srflx") found.srflx = true;
    if (candidate?.type === "relay") found.relay = true;
  });
  pc.addEventListener("icecandidateerror", (event) => {
    found.errors.push(/** @type {RTCPeerConnectionIceErrorEvent} */ (event).errorCode);
  });
  pc.addEventListener("icegatheringstatechange", () => {
    found.done ||= pc.iceGatheringState === "complete";
  });
  return found;
}

/**
 * A server that answers tells our address; where that is the machine's own, browsers tell nothing, and no error.
 * @param {Platform} platform
 * @param {RTCIceServer} server
 * @param {AbortSignal} signal
 * @returns {Promise<Finding>}
 */
async function stun(platform, server, signal) {
  const pc = platform.connection({ iceServers: [server] });
  try {
    const found = watched(pc);
    const began = performance.now();
    pc.createDataChannel("check");
    await pc.setLocalDescription(await pc.createOffer());
    await until(() => found.srflx || found.done, STUN, signal);
    const value = { ms: Math.round(performance.now() - began) };
    const answered = found.srflx || (found.done && !found.errors.length);
    return answered ? { state: "passed", code: "ok", value } : { state: "warned", code: "stun_unreachable", value };
  } finally {
    pc.close();
  }
}

/**
 * A relay is there when it gives an address. Two ends that may use nothing else then look for each other through it;
 * where it relays to the telephone system alone, as it should, they find nothing, and that is no fault.
 * @param {Platform} platform
 * @param {RTCIceServer} server
 * @param {AbortSignal} signal
 * @returns {Promise<Finding>}
 */
async function turn(platform, server, signal) {
  /** @type {RTCConfiguration} */
  const configuration = { iceServers: [server], iceTransportPolicy: "relay" };
  const [one, other] = [platform.connection(configuration), platform.connection(configuration)];
  try {
    const found = watched(one);
    const began = performance.now();
    const channel = one.createDataChannel("check");
    other.addEventListener("datachannel", ({ channel: far }) => {
      far.addEventListener("message", ({ data }) => far.send(data));
    });
    one.addEventListener("icecandidate", ({ candidate }) => pass(candidate, other));
    other.addEventListener("icecandidate", ({ candidate }) => pass(candidate, one));
    const refused = () => found.errors.some((code) => REFUSALS.includes(code));
    await one.setLocalDescription(await one.createOffer());
    await until(() => found.relay || found.done || refused(), TURN, signal);
    const value = { ms: Math.round(performance.now() - began) };
    if (!found.relay) return { state: "warned", code: refused() ? "turn_refused" : "turn_unreachable", value };
    await other.setRemoteDescription(/** @type {RTCSessionDescription} */ (one.localDescription));
    await other.setLocalDescription(await other.createAnswer());
    await one.setRemoteDescription(/** @type {RTCSessionDescription} */ (other.localDescription));
    const open = await until(() => channel.readyState === "open", LOOP, signal);
    return { state: "passed", code: "ok", value: open ? { ...value, rtt: await roundTrip(channel, signal) } : value };
  } finally {
    one.close();
    other.close();
  }
}

/**
 * @param {RTCIceCandidate | null} candidate
 * @param {RTCPeerConnection} pc that it is for; one without the other's description yet gets it with that
 */
function pass(candidate, pc) {
  if (candidate && pc.remoteDescription) pc.addIceCandidate(candidate).catch(() => {});
}

/**
 * Returns the shortest of some round trips, in milliseconds.
 * @param {RTCDataChannel} channel
 * @param {AbortSignal} signal
 */
async function roundTrip(channel, signal) {
  let best = Infinity;
  for (let count = 0; count < PINGS; count += 1) {
    const sent = performance.now();
    let back = 0;
    channel.addEventListener("message", () => (back = performance.now()), { once: true });
    channel.send(String(count));
    if (await until(() => back > 0, 1_000, signal)) best = Math.min(best, back - sent);
  }
  return Number.isFinite(best) ? Math.round(10 * best) / 10 : null;
}
