// What this page has signed in with, to sign in again at a gateway that has forgotten it. It is never stored.

import { asPhoneError } from "./errors.js";

/** @import { PhoneError } from "./errors.js" */
/** @import { Wire } from "./wire.js" */

const AGAIN = [1_000, 2_000, 4_000, 8_000]; // ms between tries

export class Credentials {
  /** @type {Record<string, any> | null} */
  #fields = null;
  #wire;
  #hooks;

  /**
   * @param {Wire} wire
   * @param {{signedIn: (answer: {page?: string}) => Promise<void>, refused: (error: PhoneError) => void}} hooks
   *   `signedIn`: goes on from there; when it fails, all of it is tried again. `refused`: the gateway wants us no more
   */
  constructor(wire, hooks) {
    this.#wire = wire;
    this.#hooks = hooks;
  }

  /** Whether there are any: a page that was reloaded has none. */
  get areKnown() {
    return this.#fields !== null;
  }

  /**
   * Keeps them while the session lasts.
   * @param {Record<string, any>} fields of the sign-in
   */
  keep(fields) {
    this.#fields = fields;
  }

  /** Forgets them: the session is over. */
  forget() {
    this.#fields = null;
  }

  /** Signs in with them until that is done or refused, or until they are forgotten or others are kept. */
  async signInAgain() {
    const fields = this.#fields;
    for (let attempt = 0; fields && this.#fields === fields; attempt += 1) {
      try {
        await this.#hooks.signedIn(await this.#wire.signIn(fields));
        return;
      } catch (failure) {
        const error = asPhoneError(failure, "gateway_unreachable");
        if (error.status && error.status < 500 && error.status !== 429) {
          this.#hooks.refused(error);
          return;
        }
        const pause = AGAIN[Math.min(attempt, AGAIN.length - 1)] * (0.5 + Math.random() / 2);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}
