// What a page keeps so that the one after a reload can go on. Never a password.

/** @import { Kept, KeptCall } from "./types.js" */

export class Store {
  /**
   * @param {Storage | null} storage null keeps nothing
   * @param {string} key
   */
  constructor(storage, key) {
    this.storage = storage;
    this.key = key;
    /** @type {Partial<Kept>} */
    this.value = {};
  }

  /** Returns what an earlier page left; null when there is nothing. */
  read() {
    try {
      this.value = JSON.parse(this.storage?.getItem(this.key) ?? "null") ?? {};
    } catch {
      this.value = {};
    }
    return this.value.token ? /** @type {Kept} */ (this.value) : null;
  }

  /**
   * Keeps these fields beside those that are there.
   * @param {Partial<Kept>} fields
   */
  keep(fields) {
    Object.assign(this.value, fields);
    try {
      this.storage?.setItem(this.key, JSON.stringify(this.value));
    } catch {
      // full, or forbidden: then a reload ends the session, and nothing else
    }
  }

  /**
   * Keeps what is known of one call.
   * @param {string} id
   * @param {KeptCall} fields
   */
  keepCall(id, fields) {
    const calls = { ...this.value.calls, [id]: { ...this.value.calls?.[id], ...fields } };
    this.keep({ calls });
  }

  /**
   * Forgets a call.
   * @param {string} id
   */
  dropCall(id) {
    const { [id]: gone, ...calls } = this.value.calls ?? {};
    if (gone) this.keep({ calls });
  }

  /** Forgets all. */
  clear() {
    this.value = {};
    try {
      this.storage?.removeItem(this.key);
    } catch {
      // as above
    }
  }
}

/**
 * Returns the storage to use: the one that is given, else the tab's.
 * @param {{storage?: Storage | null}} options
 */
export function storageOf(options) {
  if (options.storage !== undefined) return options.storage;
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null; // forbidden here
  }
}
