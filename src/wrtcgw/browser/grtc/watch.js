// What is wrong with the media of a call: looked at each second, told as warnings, and summed up when the call is over.
//
// Names, windows and bounds are those of the field (Twilio's StatsMonitor, Telnyx' warnings): a number is too bad when
// it was so in 3 of the last 5 seconds, and good again when it was so in none of them.

import { FLOOR, SLEPT, Silence } from "./silence.js";

/** @typedef {import("../grtc.js").WarningLimits} Limits */
/** @typedef {import("../grtc.js").Warning["code"]} Code */
/** @typedef {import("../grtc.js").MediaVerdict} MediaVerdict */

/**
 * From where on a warning is raised; 0 for never. Round trip and jitter in milliseconds, loss in percent, the score
 * that is too low, and for how many seconds there is nothing.
 * @type {Readonly<Record<keyof Limits, number>>}
 */
export const LIMITS = Object.freeze({
  rtt: 400,
  jitter: 30,
  loss: 1,
  mos: 3,
  micSilence: 6,
  incomingSilence: 10,
  noPackets: 3,
});

const RECENT = 5; // seconds
const RAISE = 3; // of them
const EARLY = 5; // seconds that the first packet may take: a way for it has to be found
const SHORT = 3; // seconds of talk below which nothing is said of a call
const SHARE = 10; // percent of the talk from which on a fault is the call's verdict

/**
 * What a second was like.
 * @typedef {object} Second
 * @property {number} at when it was over, in milliseconds
 * @property {boolean} talking neither on hold nor held by the far side: sound is expected
 * @property {number} packets that came in within it
 * @property {number | null} energy of the sound in them; null where that is not known
 * @property {number} rtt in milliseconds
 * @property {number} jitter in milliseconds
 * @property {number} loss the worse of both directions, in percent
 * @property {number} mos
 * @property {{total?: number, now?: number} | null} microphone how loud it is, as Silence takes it; null while nothing
 *   is expected of it
 * @property {boolean} deviceGone
 * @property {boolean} relayLost
 */

/** @typedef {Pick<Second, "rtt" | "jitter" | "loss" | "mos">} Numbers */

/** @typedef {"high_packet_loss" | "high_rtt" | "high_jitter" | "low_mos"} Numbered */

/** @type {Record<Numbered, (numbers: Numbers, limits: Limits) => boolean>} */
const NUMBERS = {
  high_packet_loss: ({ loss }, limits) => isOver(loss, limits.loss),
  high_rtt: ({ rtt }, limits) => isOver(rtt, limits.rtt),
  high_jitter: ({ jitter }, limits) => isOver(jitter, limits.jitter),
  low_mos: ({ mos }, limits) => mos > 0 && mos < (limits.mos ?? 0),
};

const NUMBERED = /** @type {Numbered[]} */ (Object.keys(NUMBERS));
const HEARD = /** @type {const} */ (["no_incoming_packets", "incoming_silence", ...NUMBERED]);

/** What explains the rest comes first; of those in one line that which went on for longest. @type {Code[][]} */
const ORDER = [["device_gone", "relay_lost"], ["no_incoming_packets", "mic_silent", "incoming_silence"], NUMBERED];

/** @type {(value: number, limit: number | undefined) => boolean} */
const isOver = (value, limit) => Boolean(limit) && value > (limit ?? 0);

/**
 * Returns which numbers are too bad, what explains the others first.
 * @param {Numbers} numbers
 * @param {Limits} limits
 */
export function tooBad(numbers, limits) {
  return NUMBERED.filter((code) => NUMBERS[code](numbers, limits));
}

/** One thing that may be wrong: whether it is at present, and for how many seconds it was. */
class Fault {
  on = false;
  seconds = 0;
  /** @type {boolean[]} */
  recent = [];
  streak = 0;

  /** It counts for nothing what was before. */
  forget() {
    this.on = false;
    this.recent = [];
    this.streak = 0;
  }

  /**
   * Notes whether a number was too bad in a second: 3 of 5 raise it, none of 5 clears it.
   * @param {boolean} bad
   */
  number(bad) {
    const before = this.on;
    this.recent = [...this.recent, bad].slice(-RECENT);
    const count = this.recent.filter(Boolean).length;
    this.on = before ? count > 0 : count >= RAISE;
    if (this.on) this.seconds += before ? Number(bad) : count;
  }

  /**
   * Notes whether there was nothing in a second: so many in a row raise it, the first one with something clears it.
   * @param {boolean} nothing
   * @param {number} need
   */
  nothing(nothing, need) {
    this.streak = nothing ? this.streak + 1 : 0;
    this.state(need > 0 && this.streak >= need, need);
  }

  /**
   * Notes whether it is so now; it has been so for `before` seconds when that is known first.
   * @param {boolean} on
   * @param {number} [before]
   */
  state(on, before = 1) {
    if (on) this.seconds += this.on ? 1 : before;
    this.on = on;
  }
}

export class Watch {
  #limits;
  #silence;
  #at = 0;
  #talked = 0; // seconds
  #waited = 0; // seconds for the first packet
  #began = false; // it has come
  #faults = /** @type {Record<Code, Fault>} */ (Object.fromEntries(ORDER.flat().map((code) => [code, new Fault()])));

  /** @param {Limits} [limits] */
  constructor(limits = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.#silence = new Silence(1_000 * this.#limits.micSilence);
  }

  /**
   * Takes a second, and returns what is wrong after it.
   * @param {Second} second
   * @returns {Record<Code, boolean>}
   */
  take(second) {
    const slept = second.at - this.#at > SLEPT;
    this.#at = second.at;
    const faults = this.#faults;
    const { micSilence } = this.#limits;
    const mute = this.#silence.lasts(micSilence ? second.microphone : null, second.at);
    faults.mic_silent.state(mute, micSilence + 1); // its silence begins with the second that it is first seen in
    faults.device_gone.state(second.deviceGone);
    faults.relay_lost.state(second.relayLost);
    if (second.talking && !slept && this.#hasBegun(second)) this.#listen(second);
    else this.#pause(second.talking);
    return /** @type {Record<Code, boolean>} */ (
      Object.fromEntries(Object.entries(faults).map(([code, { on }]) => [code, on]))
    );
  }

  /** @param {Second} second */
  #hasBegun({ packets }) {
    this.#began ||= packets > 0 || this.#waited >= EARLY;
    this.#waited += 1;
    return this.#began;
  }

  /** @param {Second} second */
  #listen(second) {
    const { packets, energy } = second;
    const { noPackets, incomingSilence } = this.#limits;
    const faults = this.#faults;
    this.#talked += 1;
    faults.no_incoming_packets.nothing(packets === 0, noPackets);
    faults.incoming_silence.nothing(packets > 0 && energy !== null && energy <= FLOOR, incomingSilence);
    const bad = packets > 0 ? tooBad(second, this.#limits) : [];
    for (const code of NUMBERED) faults[code].number(bad.includes(code));
  }

  /**
   * After a sleep of the machine it is as it was; on hold nothing is expected.
   * @param {boolean} talking
   */
  #pause(talking) {
    if (talking) return;
    for (const code of HEARD) this.#faults[code].forget();
  }

  /**
   * Returns what is to be said of the media until now.
   * @returns {MediaVerdict}
   */
  verdict() {
    const seconds = this.#talked;
    if (seconds < SHORT) return { code: "unknown", share: 0, seconds };
    for (const codes of ORDER) {
      const worst = codes.reduce((one, other) => (this.#share(other) > this.#share(one) ? other : one));
      if (this.#share(worst) >= SHARE) return { code: worst, share: this.#share(worst), seconds };
    }
    return { code: "good", share: 0, seconds };
  }

  /** @param {Code} code */
  #share(code) {
    return Math.min(100, Math.round((100 * this.#faults[code].seconds) / this.#talked));
  }
}
