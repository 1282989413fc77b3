// Where calls are being transferred to, and where those that are over were.

/** @import { Call } from "../grtc/call.js" */

export class Transfers {
  /** @type {Map<Call, string>} */
  #open = new Map();
  /** @type {WeakMap<Call, string>} */
  #tried = new WeakMap();

  /**
   * Returns where a call is being transferred to; "" when it is not.
   * @param {Call} call
   */
  of(call) {
    return this.#open.get(call) ?? "";
  }

  /**
   * Returns where a call was transferred to last; "" when it was not, or by somebody else.
   * @param {Call} call
   */
  last(call) {
    return this.#tried.get(call) ?? "";
  }

  /**
   * Does the work of a transfer.
   * @param {Call} call
   * @param {string} to
   * @param {() => Promise<void>} work
   */
  async during(call, to, work) {
    this.#open.set(call, to);
    this.#tried.set(call, to);
    try {
      await work();
    } finally {
      this.#open.delete(call);
    }
  }
}
