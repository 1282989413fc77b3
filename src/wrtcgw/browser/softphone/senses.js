// What is heard, and what is not: the quality of each call by its last samples, and microphones that send nothing.

import { isBad, isSilent } from "./words.js";

/** @import { Quality } from "../grtc.js" */
/** @import { Call } from "../grtc/call.js" */

export class Senses {
  /** @type {Map<Call, {now: Quality, bad: number, silent: number}>} */
  #quality = new Map(); // by call: {now, bad, silent}, how many samples in a row were so
  /** @type {Map<Call, Set<string>>} */
  #wrong = new Map(); // codes of the warnings that hold, by call

  /**
   * Takes a sample of a call.
   * @param {Call} call
   * @param {Quality} now
   */
  sample(call, now) {
    const { now: before = null, bad = 0, silent = 0 } = this.#quality.get(call) ?? {};
    const quiet = before && isSilent(call, now, before);
    this.#quality.set(call, { now, bad: isBad(now) ? bad + 1 : 0, silent: quiet ? silent + 1 : 0 });
  }

  /**
   * Returns the last sample of quality, `{bad, silent}` among its fields; null before the first.
   * @param {Call} call
   */
  qualityOf(call) {
    const known = this.#quality.get(call);
    return known ? { ...known.now, bad: known.bad >= 2, silent: known.silent >= 1 } : null;
  }

  /**
   * Notes that something is wrong in a call, or is so no more.
   * @param {Call} call
   * @param {string} code
   * @param {boolean} on
   */
  warned(call, code, on) {
    const codes = this.#wrong.get(call) ?? new Set();
    if (on) codes.add(code);
    else codes.delete(code);
    this.#wrong.set(call, codes);
  }

  /**
   * Returns whether a warning holds.
   * @param {Call} call
   * @param {string} code
   */
  has(call, code) {
    return this.#wrong.get(call)?.has(code) ?? false;
  }

  /**
   * Returns whether the microphone is known to send silence in a call where it should be heard.
   * @param {Call} call
   */
  isMicSilent(call) {
    return this.has(call, "mic_silent") && call.isUp && !call.muted && !call.held;
  }

  /**
   * Forgets a call.
   * @param {Call} call
   */
  drop(call) {
    this.#quality.delete(call);
    this.#wrong.delete(call);
  }
}
