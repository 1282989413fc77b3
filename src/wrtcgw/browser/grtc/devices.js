// Microphone and loudspeaker, shared by all calls of a phone. Each call gets a track of its own, to mute by itself.

import { Emitter } from "./emitter.js";
import { PhoneError, microphoneError } from "./errors.js";
import { BROWSER } from "./platform.js";

/** @import { AudioProcessor, AudioShape } from "../grtc.js" */
/** @import { Platform } from "./platform.js" */

const NO_CHOICE = "This browser cannot choose the loudspeaker.";
const NOT_PROCESSED = "What the page makes of the microphone's sound has failed: it is sent as it is";
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @typedef {{deviceId?: string, shape?: AudioShape, process?: AudioProcessor | null}} MicrophoneChange */

/** An open microphone, and what the page makes of its sound. */
class Source {
  isOpen = true;
  #close = () => {};

  /** @param {MediaStream} raw */
  constructor(raw) {
    this.raw = raw;
    this.stream = raw; // what is sent
  }

  /**
   * Takes another sound in place of its own.
   * @param {MediaStream} stream
   * @param {() => void} [close]
   */
  use(stream, close = () => {}) {
    this.stream = stream;
    this.#close = close;
  }

  /** Takes its own sound again. */
  reset() {
    const { stream } = this;
    if (stream === this.raw) return;
    this.stream = this.raw;
    quietly(this.#close);
    stop(stream);
  }

  close() {
    this.isOpen = false;
    this.reset();
    stop(this.raw);
  }
}

/** Emits "changed" when the calls have to take new tracks, "error" when there is no microphone any more. */
/** @extends {Emitter<{changed: [], error: [PhoneError]}>} */
export class Microphone extends Emitter {
  deviceId = "";
  /** @type {AudioShape} what the browser makes of its sound */
  shape = AUDIO;
  /** @type {AudioProcessor | null} what the page makes of it */
  process = null;
  /** @type {Source | null} */
  #source = null;
  /** @type {Promise<Source> | null} */
  #opening = null;
  /** @type {Set<MediaStreamTrack>} */
  #lent = new Set();
  /** @type {ReturnType<typeof meter>} */
  #meter = null;

  /** @param {Platform} [platform] */
  constructor(platform = BROWSER) {
    super();
    this.platform = platform;
  }

  /** Returns a track for one call; the microphone is opened for the first one. */
  async lend() {
    const source = await this.#open();
    const track = source.stream.getAudioTracks()[0].clone();
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
  choose(deviceId) {
    return this.change({ deviceId });
  }

  /**
   * Opens the microphone anew, with something changed; when that fails all is as before.
   * @param {MicrophoneChange} fields
   */
  async change(fields) {
    const { deviceId, shape, process } = this;
    const old = this.#source;
    Object.assign(this, fields);
    if (!old) return;
    this.#source = null;
    try {
      await this.#open();
    } catch (error) {
      Object.assign(this, { deviceId, shape, process });
      this.#source = old;
      throw error;
    }
    old.close();
    this.emit("changed");
  }

  /** Returns how loud it is at the microphone, 0 to 1; 0 while it is closed. */
  level() {
    if (!this.#source) return 0;
    this.#meter ??= meter(this.#source.stream);
    return this.#meter?.() ?? 0;
  }

  async #open() {
    if (this.#source) return this.#source;
    this.#opening ??= this.#capture();
    try {
      this.#source = await this.#opening;
    } finally {
      this.#opening = null;
    }
    this.#meter = null;
    return this.#source;
  }

  async #capture() {
    const chosen = this.deviceId ? { deviceId: { exact: this.deviceId } } : {};
    const raw = await this.platform.capture({ audio: { ...AUDIO, ...this.shape, ...chosen } });
    const source = new Source(raw);
    await this.#process(source);
    raw.getAudioTracks()[0].addEventListener("ended", () => this.#unplugged(source));
    return source;
  }

  /**
   * Calls go on without what the page makes of the sound, rather than without a microphone.
   * @param {Source} source
   */
  async #process(source) {
    if (!this.process) return;
    try {
      const made = await this.process(source.raw.getAudioTracks()[0]);
      const { track, close, failed } = "track" in made ? made : { track: made };
      source.use(this.platform.stream([track]), close);
      failed?.catch((error) => error).then((error) => source.isOpen && this.#notProcessed(source, error));
    } catch (error) {
      this.#notProcessed(source, error);
    }
  }

  /**
   * @param {Source} source
   * @param {unknown} cause
   */
  #notProcessed(source, cause) {
    source.reset();
    const why = cause instanceof Error ? ` (${cause.message})` : "";
    this.emit("error", new PhoneError("processing_failed", { hint: `${NOT_PROCESSED}${why}.`, cause }));
    if (source !== this.#source) return; // no call has it yet
    this.#meter = null;
    this.emit("changed");
  }

  /** @param {Source} source */
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
    this.#source?.close();
    this.#source = this.#meter = null;
  }
}

/** @param {MediaStream} stream */
function stop(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

/**
 * A page's own end of its processing is not to keep the microphone open.
 * @param {() => unknown} end
 */
function quietly(end) {
  try {
    end();
  } catch (error) {
    console.error("The end of what a page makes of the microphone's sound failed:", error);
  }
}

/**
 * Opens microphone or camera of the browser, or says in a PhoneError why that cannot be.
 * @param {MediaStreamConstraints} constraints
 */
export function capture(constraints) {
  return BROWSER.capture(constraints);
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

  /** @param {Platform} [platform] */
  constructor(platform = BROWSER) {
    this.platform = platform;
  }

  /**
   * Plays a stream for `owner`, in place of what it had before.
   * @param {unknown} owner
   * @param {MediaStream} stream
   */
  async play(owner, stream) {
    const player = this.#players.get(owner) ?? this.platform.player();
    this.#players.set(owner, player);
    player.autoplay = true;
    player.srcObject = soundOf(stream, this.platform);
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

/**
 * Returns what is to be heard of a stream: with pictures in it a player would be silent until the first one is there.
 * @param {MediaStream} stream
 * @param {import("./platform.js").Platform} platform
 */
function soundOf(stream, platform) {
  const [tracks, sound] = [stream.getTracks(), stream.getAudioTracks()];
  return tracks.length === sound.length ? stream : platform.stream(sound);
}
