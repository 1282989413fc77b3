// Listeners by event name. A listener that throws is reported and stops nobody else.

/** @template {{[Name in keyof Events]: unknown[]}} [Events=Record<string, unknown[]>] */
export class Emitter {
  /** @type {Map<keyof Events, ((...details: any[]) => any)[]>} */
  #listeners = new Map();

  /**
   * Calls `listener` for each further event of that name.
   * @returns {() => void} takes the listener off again
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...details: Events[Name]) => unknown} listener
   */
  on(name, listener) {
    if (typeof listener !== "function") throw new TypeError(`a listener for "${String(name)}" has to be a function`);
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return () => this.off(name, listener);
  }

  /**
   * Calls `listener` for the next event of that name only.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...details: Events[Name]) => unknown} listener
   */
  once(name, listener) {
    const off = this.on(name, (...details) => {
      off();
      listener(...details);
    });
    return off;
  }

  /**
   * Takes a listener off.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...details: Events[Name]) => unknown} listener
   */
  off(name, listener) {
    this.#listeners.set(
      name,
      (this.#listeners.get(name) ?? []).filter((each) => each !== listener),
    );
  }

  /**
   * Tells all listeners of an event.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} details
   */
  emit(name, ...details) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        const result = listener(...details);
        if (typeof result?.catch === "function") result.catch((/** @type {unknown} */ error) => report(name, error));
      } catch (error) {
        report(name, error);
      }
    }
  }
}

/**
 * @param {PropertyKey} name
 * @param {unknown} error
 */
function report(name, error) {
  console.error(`A listener for "${String(name)}" failed:`, error);
}
