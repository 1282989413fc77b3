// A call to a number that sends back what it hears: whether it comes about, and how it sounds.

import { PhoneError } from "./errors.js";
import { pause, rejected, until } from "./patience.js";
import { Losses } from "./losses.js";
import { assess, opinion, read } from "./quality.js";
import { FLOOR } from "./silence.js";
import { LIMITS, tooBad } from "./watch.js";

/** @import { CheckCode } from "../grtc.js" */
/** @import { Call } from "./call.js" */
/** @import { Finding, Surroundings } from "./check.js" */

const ANSWER = 15_000; // ms until it is answered
const CONNECT = 8_000; // ms until the media have a way
const SETTLE = 1_000; // ms of the beginning that do not count
const TALK = 6; // seconds
const LOW = 0.05; // of 1

/**
 * SIP codes and causes of a call that did not come about.
 * @type {[CheckCode, Finding["state"], (string | number)[]][]}
 */
const ENDS = [
  ["echo_busy", "unknown", [486, 600, "busy"]],
  ["echo_wrong_number", "unknown", [404, 410, 484, 604, "not-found", "incomplete", "ambiguous", "bad_input"]],
  ["echo_forbidden", "unknown", ["destination_forbidden", "forbidden", 403]],
  ["no_common_codec", "failed", [488, 606, "no_common_codec", "not-acceptable", "no_webrtc", "bad-answer"]],
  ["microphone_refused", "failed", ["microphone_refused"]],
  ["no_microphone", "failed", ["no_microphone", "microphone_busy"]],
  ["media_failed", "failed", ["media_failed"]],
  ["gateway_unreachable", "failed", ["gateway_unreachable"]],
  ["echo_unavailable", "unknown", [408, 480, 487, 503, 504, "timeout", "unavailable", "draining", "too_many_calls"]],
];

/**
 * @param {Surroundings} surroundings
 * @param {AbortSignal} signal
 * @returns {Promise<Finding>}
 */
export async function checkEcho({ phone, options }, signal) {
  const number = options.echoNumber ?? phone.echoNumber;
  if (!number) return { state: "skipped", code: "echo_not_configured" };
  if (!phone.isSignedIn) return { state: "skipped", code: "not_signed_in" };
  if (phone.calls.size) return { state: "skipped", code: "in_call" };
  const tone = await makeTone();
  /** @type {Call | null} */
  let call = null;
  const began = performance.now();
  const placing = phone.call(number, { stream: tone?.stream ?? null, hidden: true });
  const unwanted = () => (signal.aborted ? placing.then((placed) => placed.hangup()) : null);
  placing.then(unwanted).catch(() => {}); // one that nobody waits for any more
  try {
    call = await Promise.race([placing, rejected(signal)]);
    const up = await answered(call, signal);
    if (!up) return failed(call.ended?.cause ?? "timeout", call.ended?.sipCode ?? 0);
    const ms = Math.round(performance.now() - began);
    return await listened(call, options.echoSeconds ?? TALK, { ...LIMITS, ...phone.limits }, ms, Boolean(tone), signal);
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    return failed(error.code, error.sipCode);
  } finally {
    await call?.hangup().catch(() => {});
    tone?.stop();
  }
}

/**
 * @param {string} cause
 * @param {number} sipCode
 * @returns {Finding}
 */
function failed(cause, sipCode) {
  const [code, state] = ENDS.find(([, , ends]) => ends.includes(cause)) ??
    ENDS.find(([, , ends]) => ends.includes(sipCode)) ?? ["echo_failed", "failed"];
  return { code, state, value: { cause, sipCode } };
}

/**
 * @param {Call} call
 * @param {AbortSignal} signal
 */
async function answered(call, signal) {
  await until(() => call.isUp || call.isOver, ANSWER, signal);
  return call.isUp;
}

/**
 * @param {Call} call
 * @param {number} seconds
 * @param {import("./watch.js").Limits} limits
 * @param {number} ms until it was answered
 * @param {boolean} speaks whether there is sound that has to come back
 * @param {AbortSignal} signal
 * @returns {Promise<Finding>}
 */
async function listened(call, seconds, limits, ms, speaks, signal) {
  const connected = () => call.connection?.connectionState === "connected";
  await until(() => connected() || call.isOver, CONNECT, signal);
  if (!connected()) return { state: "failed", code: "media_failed", value: { ms } };
  const hush = playUnheard(call.remoteStream);
  try {
    return await measured(call, seconds, limits, ms, speaks, signal);
  } finally {
    hush();
  }
}

/**
 * What nobody plays is not decoded, and what is muted counts as silence: so it is played so low that nobody hears it.
 * @param {MediaStream | null} stream
 */
function playUnheard(stream) {
  if (!stream || !globalThis.Audio) return () => {};
  const player = new Audio();
  player.volume = LOW;
  player.srcObject = stream;
  Promise.resolve(player.play()).catch(() => {});
  return () => {
    player.srcObject = null;
  };
}

/**
 * @param {Call} call
 * @param {number} seconds
 * @param {import("./watch.js").Limits} limits
 * @param {number} ms until it was answered
 * @param {boolean} speaks whether there is sound that has to come back
 * @param {AbortSignal} signal
 * @returns {Promise<Finding>}
 */
async function measured(call, seconds, limits, ms, speaks, signal) {
  await pause(SETTLE, signal);
  const before = await reading(call);
  const losses = new Losses();
  let packets = 0;
  let jitter = 0;
  let farLoss = 0;
  let lost = 0;
  for (let second = 0; second < seconds && !call.isOver; second += 1) {
    await pause(1_000, signal);
    const { audio } = await reading(call);
    const more = audio.rx.packets - before.audio.rx.packets - packets;
    packets += more;
    lost += (losses.take(audio.rx.lost - before.audio.rx.lost, more) * more) / 100;
    jitter = Math.max(jitter, second ? audio.rx.jitter : 0);
    farLoss = Math.max(farLoss, audio.farLoss);
  }
  const now = await reading(call);
  if (call.isOver) return failed(call.ended?.cause ?? "", call.ended?.sipCode ?? 0);
  const { rtt, codec, relayed } = assess(now, before);
  const loss = Math.max(packets ? Math.round((1e4 * lost) / packets) / 100 : 0, Math.round(100 * farLoss) / 100);
  const mos = opinion({ rtt, jitter, loss });
  const decoded = now.audio.seconds > before.audio.seconds;
  const energy = now.audio.energy - before.audio.energy;
  const value = { ms, rtt, jitter: Math.round(jitter), loss, mos, codec, relayed, packets };
  if (!packets) return { state: "failed", code: "no_incoming_packets", value };
  if (speaks && decoded && energy <= FLOOR * seconds) return { state: "failed", code: "incoming_silence", value };
  const [code] = tooBad({ rtt, jitter, loss, mos }, limits);
  return code ? { state: "warned", code, value } : { state: "passed", code: "ok", value };
}

/** @param {Call} call */
async function reading(call) {
  const pc = call.connection;
  return read(pc ? (await pc.getStats()).values() : []);
}

/** Returns a quiet tone to be sent, so that nobody has to speak; null where the browser makes none yet. */
async function makeTone() {
  if (!globalThis.AudioContext) return null;
  const context = new AudioContext();
  await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, 300))]).catch(() => {});
  if (context.state !== "running") {
    context.close().catch(() => {});
    return null;
  }
  const [source, gain, sink] = [
    context.createOscillator(),
    context.createGain(),
    context.createMediaStreamDestination(),
  ];
  source.frequency.value = 440;
  gain.gain.value = 0.1;
  source.connect(gain).connect(sink);
  source.start();
  const stop = () => {
    sink.stream.getTracks().forEach((track) => track.stop());
    context.close().catch(() => {});
  };
  return { stream: sink.stream, stop };
}
