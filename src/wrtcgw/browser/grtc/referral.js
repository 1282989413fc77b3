// The transfer of one call, from the order to what became of it.

import { PhoneError } from "./errors.js";

/** @import { Ending, TransferProgress } from "../grtc.js" */

export class Referral {
  /** @type {{resolve: () => void, reject: (error: PhoneError) => void} | null} */
  #open = null; // {resolve, reject} of the one under way

  /**
   * Orders a transfer. Fulfilled when it has succeeded, rejected with "transfer_failed" when it has not, and with
   * "transfer_unknown" when the far side never says.
   * @param {() => Promise<unknown>} order
   * @param {() => boolean} isOver whether the call is over, so that the order's own failure tells nothing
   */
  async begin(order, isOver) {
    const result = /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        this.#open = { resolve, reject };
      })
    );
    result.catch(() => {});
    try {
      await order();
    } catch (error) {
      if (!isOver()) throw error;
    }
    return result;
  }

  /**
   * Takes what the gateway tells of it.
   * @param {Omit<TransferProgress, "to">} progress
   */
  told({ state, sipCode, reason, hint, warning, sipReason }) {
    const why = { hint, sipCode, reason, warning, sipReason };
    if (state === "FAILED") this.#end()?.reject(new PhoneError("transfer_failed", why));
    else if (state === "UNKNOWN") this.#end()?.reject(new PhoneError("transfer_unknown", why));
    else if (state === "DONE") this.#end()?.resolve();
  }

  /**
   * Takes the end of the call.
   * @param {Ending} ending
   */
  over({ cause, hint, sipCode, reason, warning, sipReason }) {
    const open = this.#end();
    if (cause === "transferred") open?.resolve();
    else open?.reject(new PhoneError("call_ended", { hint, sipCode, reason, warning, sipReason }));
  }

  #end() {
    const open = this.#open;
    this.#open = null;
    return open;
  }
}
