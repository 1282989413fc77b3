// Ends of calls that the gateway has to be told of: now, or when it can be reached again.

const SETTLED = ["unknown_call", "wrong_state", "not_signed_in"]; // there is nothing to end any more
const AGAIN = 2_000; // ms until what was not heard is said again

export class PendingHangups {
  #open = new Set();

  /** @param {import("./wire.js").Wire} wire */
  constructor(wire) {
    this.wire = wire;
  }

  /** Ends a call at the gateway: `hangup` or `reject`. One that is not heard is said again until it is. */
  async say(verb, id, fields = {}) {
    this.#open.add(id);
    try {
      await this.wire.order(verb, id, fields);
      this.#open.delete(id);
    } catch (error) {
      if (error.code === "gateway_unreachable") {
        setTimeout(() => this.#open.has(id) && this.say(verb, id, fields).catch(() => {}), AGAIN);
        return;
      }
      this.#open.delete(id);
      if (!SETTLED.includes(error.code)) throw error;
    }
  }

  /** Forgets all: the session is over, and the calls with it. */
  clear() {
    this.#open.clear();
  }
}
