// Signs of life: the gateway is told that this page runs, whether it can be seen, and when it is about to stop.
//
// That its connection stands proves nothing: the browser goes on reading for a page whose scripts are stopped. So a
// page says a word now and then, and rides along with whatever else it asks for. Browsers let the timers of a hidden
// one go once a minute; what the stream brings is read at once even then: each piece of it is a chance for the word.

/** @import { Wire } from "./wire.js" */

const IDLE = 25_000; // ms since the last request until a word is due; with a stream's heartbeat of 15 s: each 30 s
const RINGING = 10_000; // the same while a call rings here
const SPACING = 5_000; // ms between two words about being seen or not
const TICK = 5_000;
const JUMP = 5_000; // ms by which a tick is late when the computer has slept, or the page was stopped

/** Returns whether the page can be seen: "visible" or "hidden". */
function visibility() {
  return globalThis.document?.visibilityState === "hidden" ? "hidden" : "visible";
}

export class Pulse {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #told = "";
  #toldAt = 0;
  #tickedAt = 0;
  /** @type {AbortController | undefined} gives the word up that is on its way */
  #saying;

  /**
   * @param {Wire} wire
   * @param {{rings: () => boolean, awake: () => void}} hooks `rings`: whether a call rings here; `awake`: time has
   *   jumped, so the page or its computer has slept
   */
  constructor(wire, hooks) {
    this.wire = wire;
    this.hooks = hooks;
  }

  /** Begins. */
  start() {
    this.stop();
    this.#tickedAt = Date.now();
    this.#timer = setInterval(() => this.#tick(), TICK);
    this.beat();
  }

  /** Ends; a word on its way is given up, as its session may be over before it arrives. */
  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#saying?.abort();
  }

  /** Says the word if it is due. */
  look() {
    if (this.#timer === undefined) return;
    const now = Date.now();
    const changed = visibility() !== this.#told && now - this.#toldAt >= SPACING;
    if (changed || now - this.wire.askedAt >= (this.hooks.rings() ? RINGING : IDLE)) this.beat();
  }

  /**
   * Says the word now: by default whether the page can be seen. Its last word goes out even when the page goes.
   * @param {"visible" | "hidden" | "frozen" | "gone"} [word]
   */
  beat(word = visibility()) {
    if (this.#timer === undefined) return;
    this.#told = word;
    this.#toldAt = Date.now();
    const last = word === "frozen" || word === "gone";
    this.#saying?.abort(); // nobody waits any longer for the one before
    this.#saying = last ? undefined : new AbortController();
    const signal = this.#saying?.signal;
    this.wire.post("heartbeat", { id: this.wire.id }, { visibility: word }, { keepalive: last, signal }).catch(() => {
      if (this.#told === word && !signal?.aborted) this.#told = ""; // it is said again
    });
  }

  #tick() {
    const late = Date.now() - this.#tickedAt - TICK;
    this.#tickedAt = Date.now();
    if (late > JUMP) this.hooks.awake();
    this.look();
  }
}
