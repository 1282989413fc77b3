// Listener lists of the vendor's shape: `client.onConnect.add(listener)`.

import { log } from "./logger.js";

/** @template {unknown[]} [Details=any[]] */
export class Callbacks {
  /** @type {((...details: Details) => unknown)[]} */
  #listeners = [];

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /**
   * Calls these from now on; functions, or arrays of them.
   * @param {(((...details: Details) => unknown) | ((...details: Details) => unknown)[])[]} listeners
   */
  add(...listeners) {
    for (const listener of listeners.flat()) {
      if (typeof listener === "function") this.#listeners = [...this.#listeners, listener];
      else log.error(`${this.name}.add: a listener has to be a function`);
    }
    return this;
  }

  /**
   * Calls these no more.
   * @param {(((...details: Details) => unknown) | ((...details: Details) => unknown)[])[]} listeners
   */
  remove(...listeners) {
    const gone = listeners.flat();
    this.#listeners = this.#listeners.filter((listener) => !gone.includes(listener));
    return this;
  }

  /**
   * Tells whether this one is called; without an argument whether any is.
   * @param {(...details: Details) => unknown} [listener]
   */
  has(listener) {
    return listener === undefined ? this.#listeners.length > 0 : this.#listeners.includes(listener);
  }

  /**
   * Calls all; one that throws is reported, and stops nobody else.
   * @param {Details} details
   */
  fire(...details) {
    for (const listener of this.#listeners) {
      try {
        listener(...details);
      } catch (error) {
        log.error(`a listener of ${this.name} failed:`, error);
      }
    }
    return this;
  }
}
