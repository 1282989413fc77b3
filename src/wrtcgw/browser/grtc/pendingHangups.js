// Ends of calls that the gateway has to be told of: now, or when it can be reached again.

import { codeOf } from "./errors.js";

/** @import { Wire } from "./wire.js" */

/** @import { Farewell } from "./types.js" */

const SETTLED = ["unknown_call", "wrong_state", "not_signed_in"]; // there is nothing to end any more
const AGAIN = 2_000; // ms until what was not heard is said again

export class PendingHangups {
  /** @type {Set<string>} */
  #open = new Set();

  /** @param {Wire} wire */
  constructor(wire) {
    this.wire = wire;
  }

  /**
   * Ends a call at the gateway: `hangup` or `reject`. One that is not heard is said again until it is.
   * @param {Farewell} verb
   * @param {string} id
   * @param {Record<string, unknown>} [fields]
   */
  async say(verb, id, fields = {}) {
    this.#open.add(id);
    try {
      await this.wire.order(verb, id, fields);
      this.#open.delete(id);
    } catch (error) {
      if (codeOf(error) === "gateway_unreachable") {
        setTimeout(() => this.#open.has(id) && this.say(verb, id, fields).catch(() => {}), AGAIN);
        return;
      }
      this.#open.delete(id);
      if (!SETTLED.includes(codeOf(error))) throw error;
    }
  }

  /** Forgets all: the session is over, and the calls with it. */
  clear() {
    this.#open.clear();
  }
}
