// Looks at what the browser has: microphone, loudspeaker, codecs.

import { meter } from "./devices.js";
import { pause } from "./patience.js";
import { nameOf } from "./errors.js";

/** @import { Finding, Surroundings } from "./check.js" */

const LISTEN = 3_000; // ms at most
const LEAST = 800; // ms, when there is sound
const LOOK = 100; // ms
const SOUND = 0.02; // of 1: somebody speaks, or there is at least a room
const SILENT = 1e-4; // of 1: one step of 16 bits, or nothing
const CODECS = ["opus", "PCMU", "PCMA", "G722"];
const RATE = 8_000;

/**
 * Opens the microphone, and listens until there is a sound.
 * @param {Surroundings} surroundings
 * @param {AbortSignal} signal
 * @returns {Promise<Finding>}
 */
export async function checkMicrophone({ phone }, signal) {
  const tracks = await phone.tracks({ audio: true, video: false });
  try {
    const [track] = tracks;
    const peak = await loudest(meter(phone.platform.stream(tracks)), signal);
    const value = { device: track?.label ?? "", level: peak };
    if (track?.readyState === "ended") return { state: "failed", code: "no_microphone", value };
    if (peak !== null && peak < SILENT) return { state: "failed", code: "mic_silent", value };
    return { state: "passed", code: "ok", value };
  } finally {
    tracks.forEach((track) => phone.giveBack(track));
  }
}

/**
 * Returns how loud it gets, 0 to 1; null where no browser can tell.
 * @param {ReturnType<typeof meter>} level
 * @param {AbortSignal} signal
 */
async function loudest(level, signal) {
  /** @type {number | null} */
  let peak = null;
  for (let time = 0; level && time < LISTEN; time += LOOK) {
    await pause(LOOK, signal);
    const now = level();
    if (now !== null) peak = Math.max(peak ?? 0, now);
    if (peak !== null && peak > SOUND && time >= LEAST) break;
  }
  return peak === null ? null : Math.round(1e4 * peak) / 1e4;
}

/**
 * Plays a short tone.
 * @param {Surroundings} surroundings
 * @returns {Promise<Finding>}
 */
export async function checkSpeaker({ phone }) {
  const { speakers } = await phone.platform.list();
  const chosen = phone.speakerId;
  const tells = "HTMLMediaElement" in globalThis && "setSinkId" in HTMLMediaElement.prototype; // who has it lists them
  const value = { devices: speakers.length };
  if (tells && !speakers.length) return { state: "failed", code: "no_speaker", value };
  if (chosen && !speakers.some(({ deviceId }) => deviceId === chosen)) {
    return { state: "warned", code: "speaker_gone", value };
  }
  if (!globalThis.Audio) return { state: "passed", code: "ok", value };
  const player = new Audio(beep());
  try {
    if (chosen) await player.setSinkId?.(chosen);
    await player.play();
    return { state: "passed", code: "ok", value };
  } catch (error) {
    const code = nameOf(error) === "NotAllowedError" ? "playback_blocked" : "speaker_failed";
    return { state: "warned", code, value };
  }
}

/** Returns half a second of a quiet tone as an address. */
function beep() {
  const samples = Array.from({ length: RATE / 2 }, (_, at) => {
    const fade = Math.min(1, at / 400, (RATE / 2 - at) / 400);
    return 128 + Math.round(40 * fade * Math.sin((2 * Math.PI * 440 * at) / RATE));
  });
  /** @type {(value: number, bytes: number) => string} */
  const little = (value, bytes) =>
    String.fromCharCode(...Array.from({ length: bytes }, (_, at) => (value >> (8 * at)) & 255));
  const format = [
    little(16, 4),
    little(1, 2),
    little(1, 2),
    little(RATE, 4),
    little(RATE, 4),
    little(1, 2),
    little(8, 2),
  ];
  const data = String.fromCharCode(...samples);
  const chunks = `WAVEfmt ${format.join("")}data${little(data.length, 4)}${data}`;
  return `data:audio/wav;base64,${btoa(`RIFF${little(chunks.length, 4)}${chunks}`)}`;
}

/**
 * Looks whether the browser has one of the codecs that telephone systems speak.
 * @param {Surroundings} surroundings
 * @returns {Promise<Finding>}
 */
export async function checkCodec({ options }) {
  if (!globalThis.RTCPeerConnection) return { state: "failed", code: "unsupported_browser" };
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.("audio")?.codecs;
  if (!known) return { state: "passed", code: "ok" }; // a browser that does not tell
  const names = known.map(({ mimeType }) => mimeType.split("/")[1]);
  const wanted = (options.codecs ?? CODECS).map((name) => name.toLowerCase());
  const common = [...new Set(names.filter((name) => wanted.includes(name.toLowerCase())))];
  const value = { codecs: common };
  return common.length ? { state: "passed", code: "ok", value } : { state: "failed", code: "no_common_codec", value };
}
