// Microphone and loudspeaker, shared by all calls of a phone. Each call gets a track of its own, to mute by itself.

import { Emitter } from "./emitter.js";
import { PhoneError, microphoneError } from "./errors.js";

const NO_CHOICE = "This browser cannot choose the loudspeaker.";
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Emits "changed" when the calls have to take new tracks, "error" when there is no microphone any more. */
/** @extends {Emitter<{changed: [], error: [PhoneError]}>} */
export class Microphone extends Emitter {
  deviceId = "";
  /** @type {MediaStream | null} */
  #source = null;
  /** @type {Promise<MediaStream> | null} */
  #opening = null;
  /** @type {Set<MediaStreamTrack>} */
  #lent = new Set();
  /** @type {ReturnType<typeof meter>} */
  #meter = null;

  /** Returns a track for one call; the microphone is opened for the first one. */
  async lend() {
    const source = await this.#open();
    const track = source.getAudioTracks()[0].clone();
    this.#lent.add(track);
    return track;
  }

  /**
   * Takes a call's track back; the microphone is closed with the last one.
   * @param {MediaStreamTrack} track
   */
  takeBack(track) {
    track.stop();
    this.#lent.delete(track);
    if (!this.#lent.size) this.#close();
  }

  /**
   * Tells whether the track is one of this microphone's.
   * @param {MediaStreamTrack} track
   */
  owns(track) {
    return this.#lent.has(track);
  }

  /**
   * Uses another microphone from now on, also in the calls that are up; "" is the browser's choice.
   * @param {string} deviceId
   */
  async choose(deviceId) {
    const before = this.deviceId;
    this.deviceId = deviceId;
    if (!this.#source) return;
    const old = this.#source;
    this.#source = null;
    try {
      await this.#open();
    } catch (error) {
      this.deviceId = before;
      this.#source = old;
      throw error;
    }
    stop(old);
    this.emit("changed");
  }

  /** Returns how loud it is at the microphone, 0 to 1; 0 while it is closed. */
  level() {
    if (!this.#source) return 0;
    this.#meter ??= meter(this.#source);
    return this.#meter?.() ?? 0;
  }

  async #open() {
    if (this.#source) return this.#source;
    const chosen = this.deviceId ? { deviceId: { exact: this.deviceId } } : {};
    this.#opening ??= capture({ audio: { ...AUDIO, ...chosen } });
    try {
      this.#source = await this.#opening;
    } finally {
      this.#opening = null;
    }
    this.#meter = null;
    const source = this.#source;
    source.getAudioTracks()[0].addEventListener("ended", () => this.#unplugged(source));
    return source;
  }

  /** @param {MediaStream} source */
  async #unplugged(source) {
    if (source !== this.#source) return;
    this.#close();
    this.deviceId = "";
    try {
      await this.#open();
      this.emit("changed");
    } catch (error) {
      this.emit("error", microphoneError(error));
    }
  }

  #close() {
    if (this.#source) stop(this.#source);
    this.#source = this.#meter = null;
  }
}

/** @param {MediaStream} stream */
function stop(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

/**
 * Opens microphone or camera, or says in a PhoneError why that cannot be.
 * @param {MediaStreamConstraints} constraints
 */
export async function capture(constraints) {
  if (!navigator.mediaDevices) {
    throw new PhoneError(globalThis.isSecureContext ? "unsupported_browser" : "insecure_context");
  }
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw microphoneError(error);
  }
}

/** @type {AudioContext | null} */
let shared = null; // one for all of them

/**
 * Returns a function that tells how loud a stream is now, 0 to 1, null for not known; null where no browser can.
 * @param {MediaStream} stream
 * @returns {(() => number | null) | null}
 */
export function meter(stream) {
  if (!globalThis.AudioContext) return null;
  const context = (shared ??= new AudioContext());
  if (context.state === "suspended") context.resume().catch(() => {});
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return () => {
    if (context.state !== "running") return null; // before the page was clicked
    analyser.getFloatTimeDomainData(samples);
    return Math.min(1, 2 * Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length));
  };
}

/**
 * Does something when the page is clicked or a key is pressed the next time: then browsers let it play sound.
 * @param {() => void} action
 */
function onUse(action) {
  const used = new AbortController();
  const act = () => {
    used.abort();
    action();
  };
  for (const name of ["pointerup", "keydown"]) document.addEventListener(name, act, { signal: used.signal });
}

/** Plays the far sides' sound; where the browser does not let it yet, from the next click on. */
export class Speaker {
  deviceId = "";
  /** @type {Map<unknown, HTMLAudioElement>} */
  #players = new Map();

  /**
   * Plays a stream for `owner`, in place of what it had before.
   * @param {unknown} owner
   * @param {MediaStream} stream
   */
  async play(owner, stream) {
    const player = this.#players.get(owner) ?? new Audio();
    this.#players.set(owner, player);
    player.autoplay = true;
    player.srcObject = soundOf(stream);
    try {
      if (this.deviceId) await player.setSinkId?.(this.deviceId);
      await player.play();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "NotAllowedError") return;
      onUse(() => player.play().catch(() => {}));
      throw new PhoneError("playback_blocked", { cause: error });
    }
  }

  /**
   * Stops playing for `owner`.
   * @param {unknown} owner
   */
  stop(owner) {
    const player = this.#players.get(owner);
    if (player) player.srcObject = null;
    this.#players.delete(owner);
  }

  /**
   * Uses another loudspeaker from now on; "" is the browser's choice.
   * @param {string} deviceId
   */
  async choose(deviceId) {
    const players = [...this.#players.values()];
    if (!Audio.prototype.setSinkId) throw new PhoneError("unsupported_browser", { hint: NO_CHOICE });
    await Promise.all(players.map((player) => player.setSinkId(deviceId)));
    this.deviceId = deviceId;
  }
}

/** Returns what can be chosen from; names are there only once the microphone was allowed. */
export async function listDevices() {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  /** @param {MediaDeviceKind} kind */
  const of = (kind) => all.filter((device) => device.kind === kind).map(({ deviceId, label }) => ({ deviceId, label }));
  return { microphones: of("audioinput"), speakers: of("audiooutput"), cameras: of("videoinput") };
}

/**
 * Returns what is to be heard of a stream: with pictures in it a player would be silent until the first one is there.
 * @param {MediaStream} stream
 */
function soundOf(stream) {
  const [tracks, sound] = [stream.getTracks(), stream.getAudioTracks()];
  return tracks.length === sound.length ? stream : new MediaStream(sound);
}
