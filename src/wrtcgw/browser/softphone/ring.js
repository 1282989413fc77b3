// Sounds that tell what a call does, made by WebAudio: no file is loaded.

// [frequencies in Hz, begin in s, length in s]; a sound of `every` s comes again
/**
 * @typedef {{every?: number, gain: number, notes: [number[], number, number][]}} Sound
 */

/** @type {Record<string, Sound>} */
const SOUNDS = {
  ring: {
    every: 3,
    gain: 0.22,
    notes: [
      [[659, 1319], 0, 0.16],
      [[784, 1568], 0.18, 0.16],
      [[988, 1976], 0.36, 0.34],
      [[659, 1319], 0.9, 0.16],
      [[784, 1568], 1.08, 0.16],
      [[988, 1976], 1.26, 0.34],
    ],
  },
  waiting: {
    every: 5,
    gain: 0.07,
    notes: [
      [[523], 0, 0.12],
      [[659], 0.16, 0.18],
    ],
  },
  ringback: { every: 5, gain: 0.06, notes: [[[425], 0, 1]] },
  test: {
    gain: 0.18,
    notes: [
      [[523, 1046], 0, 0.2],
      [[659, 1319], 0.22, 0.2],
      [[784, 1568], 0.44, 0.4],
    ],
  },
};
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const KEYS = "123456789*0#";

/**
 * Returns what the agent should hear in a phone's present state: the name of a sound, "" for silence.
 * @param {{incoming: object[], current: object[], selected: {state: string} | null}} model
 */
export function soundFor(model) {
  if (model.incoming.length) return model.current.length ? "waiting" : "ring";
  return model.selected?.state === "ringing" ? "ringback" : "";
}

export class Ring {
  /** @type {(AudioContext & {setSinkId?: (id: string) => Promise<void>}) | null} */
  #context = null;
  #name = "";
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {GainNode | null} */
  #bus = null;
  #sink = "";

  /** @param {{silent?: boolean}} [options] */
  constructor({ silent = false } = {}) {
    this.silent = silent;
  }

  /** Whether the browser lets us make sounds: not before somebody has used the page. */
  get isAllowed() {
    return this.#context?.state === "running" || navigator.userActivation?.hasBeenActive !== false;
  }

  /** Whether the device for it can be chosen here. */
  get canChoose() {
    return "setSinkId" in (globalThis.AudioContext?.prototype ?? {});
  }

  /**
   * Plays a sound until another one is wanted; "" is silence.
   * @param {string} name
   */
  play(name) {
    if (name === this.#name && (this.#bus || !name)) return;
    this.stop();
    this.#name = name;
    if (!name || this.silent || !this.isAllowed) return;
    const { every = 1 } = SOUNDS[name];
    this.#bus = this.#sound(SOUNDS[name]);
    this.#timer = setInterval(() => {
      this.#bus = this.#sound(SOUNDS[name]);
    }, every * 1000);
  }

  /**
   * Plays a sound once.
   * @param {string} name
   */
  once(name) {
    this.#sound(SOUNDS[name]);
  }

  /**
   * Plays the tone of a key, softly.
   * @param {string} digit
   */
  key(digit) {
    const index = KEYS.indexOf(digit);
    if (index < 0 || this.silent || !this.isAllowed) return;
    this.#sound({ gain: 0.05, notes: [[[ROWS[Math.floor(index / 3)], COLUMNS[index % 3]], 0, 0.09]] });
  }

  /** Is silent from now on. */
  stop() {
    clearInterval(this.#timer);
    this.#bus?.disconnect();
    this.#bus = null;
    this.#name = "";
  }

  /**
   * Uses another device from now on; "" is the browser's choice.
   * @param {string} deviceId
   */
  async choose(deviceId) {
    this.#sink = deviceId;
    if (this.#context && this.canChoose) await this.#context.setSinkId?.(deviceId);
  }

  #open() {
    if (!this.#context && globalThis.AudioContext) {
      this.#context = new AudioContext();
      if (this.#sink && this.canChoose) this.#context.setSinkId?.(this.#sink).catch(() => {});
    }
    if (this.#context?.state === "suspended") this.#context.resume().catch(() => {});
    return this.#context;
  }

  /** @param {Sound} sound */
  #sound({ notes, gain }) {
    const context = this.#open();
    if (!context) return null;
    const bus = context.createGain();
    bus.gain.value = gain;
    bus.connect(context.destination);
    for (const [frequencies, begin, length] of notes) {
      for (const frequency of frequencies)
        this.#note(context, bus, frequency, context.currentTime + 0.02 + begin, length, frequencies.length);
    }
    return bus;
  }

  /**
   * @param {AudioContext} context
   * @param {GainNode} bus
   * @param {number} frequency
   * @param {number} at
   * @param {number} length
   * @param {number} among
   */
  #note(context, bus, frequency, at, length, among) {
    const [source, envelope] = [context.createOscillator(), context.createGain()];
    source.frequency.value = frequency;
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(1 / among, at + 0.015);
    envelope.gain.setValueAtTime(1 / among, at + length - 0.03);
    envelope.gain.linearRampToValueAtTime(0, at + length);
    source.connect(envelope).connect(bus);
    source.start(at);
    source.stop(at + length);
  }
}
