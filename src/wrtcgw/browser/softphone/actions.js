// What an agent has begun with a call, or with the dial pad, and has not come to its end: each once at a time.

import { asPhoneError } from "../grtc/errors.js";

/** @import { PhoneError } from "../grtc/errors.js" */
/** @import { Call } from "../grtc/call.js" */

/**
 * @typedef {{call: Call | null, doing: string, to: string}} About what was being done, and with which number
 */

export class Actions {
  /** @type {Map<Call | null, Set<string>>} */
  #busy = new Map(); // by call (null for dialling): names of actions under way
  #hooks;

  /**
   * @param {{begun: (call: Call | null) => void, failed: (error: PhoneError, about: About) => void,
   *   ended: () => void}} hooks
   */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /**
   * Returns whether an action has not come to its end.
   * @param {Call | null} call
   * @param {string} action
   */
  isBusy(call, action) {
    return this.#busy.get(call)?.has(action) ?? false;
  }

  /**
   * Does what an agent has asked for, unless it is under way. Never rejected: a failure is told to the hook.
   * @param {Call | null} call
   * @param {string} action
   * @param {() => Promise<unknown>} work
   * @param {{doing?: string, to?: string}} [about] `doing`: the action's name for a failure's words
   */
  async do(call, action, work, { doing = action, to = "" } = {}) {
    if (this.isBusy(call, action)) return;
    this.#busy.set(call, new Set([...(this.#busy.get(call) ?? []), action]));
    this.#hooks.begun(call);
    try {
      await work();
    } catch (error) {
      this.#hooks.failed(asPhoneError(error), { call: call?.isOver ? null : call, doing, to });
    } finally {
      this.#busy.get(call)?.delete(action);
      this.#hooks.ended();
    }
  }

  /**
   * Forgets a call.
   * @param {Call} call
   */
  drop(call) {
    this.#busy.delete(call);
  }
}
