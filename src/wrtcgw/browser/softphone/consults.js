// Which call asks before a transfer, and which one waits for that; kept through a reload.

/** @import { Call } from "../grtc/call.js" */

const KEY = "softphone-consults";

export class Consults {
  /** @type {Map<Call, Call>} */
  #calls = new Map();

  /** @param {Storage | null} memory */
  constructor(memory) {
    this.memory = memory;
  }

  /**
   * Returns the call that waits while this one asks; null when there is none.
   * @param {Call} asking
   */
  of(asking) {
    return this.#calls.get(asking) ?? null;
  }

  /**
   * Notes that one call asks for another.
   * @param {Call} asking
   * @param {Call} waiting
   */
  add(asking, waiting) {
    this.#calls.set(asking, waiting);
    this.#keep();
  }

  /**
   * Forgets a call, whichever of the two it was.
   * @param {Call} call
   */
  drop(call) {
    for (const [asking, waiting] of this.#calls) if (asking === call || waiting === call) this.#calls.delete(asking);
    this.#keep();
  }

  /** Takes up what was kept, as far as these calls are there. @param {Map<string, Call>} calls by id */
  restore(calls) {
    /** @type {[string, string][]} */
    let ids = [];
    try {
      ids = JSON.parse(this.memory?.getItem(KEY) ?? "[]");
    } catch {
      // not ours
    }
    for (const [asking, waiting] of ids) {
      const [one, other] = [calls.get(asking), calls.get(waiting)];
      if (one && other && !this.#calls.has(one)) this.#calls.set(one, other);
    }
  }

  #keep() {
    try {
      this.memory?.setItem(KEY, JSON.stringify([...this.#calls].map(([asking, waiting]) => [asking.id, waiting.id])));
    } catch {
      // full or forbidden: after a reload there are two calls, which can be connected just so
    }
  }
}
