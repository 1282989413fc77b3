// What tells a page from a copy of its tab, which has its session, too: a lock that a page holds while it is signed in.

import { claim } from "./browserEvents.js";

export class PageLock {
  /** @type {(() => void) | null} */
  #free = null;

  /**
   * Takes the lock of a session; with `steal` from whoever has it.
   * @param {string} id the agent's
   * @param {string} [page] of several the page's name
   * @param {{steal?: boolean}} [how]
   * @returns {Promise<boolean>} false when another page has it
   */
  async take(id, page = "1", how = {}) {
    if (how.steal) this.free();
    this.#free ??= await claim(page === "1" ? `grtc ${id}` : `grtc ${id} ${page}`, how);
    return Boolean(this.#free);
  }

  /** Gives it free for another page. */
  free() {
    this.#free?.();
    this.#free = null;
  }
}
