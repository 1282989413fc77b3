// Listeners by event name. A listener that throws is reported and stops nobody else.

export class Emitter {
  #listeners = new Map();

  /**
   * Calls `listener` for each further event of that name.
   * @returns {() => void} takes the listener off again
   */
  on(name, listener) {
    if (typeof listener !== "function") throw new TypeError(`a listener for "${name}" has to be a function`);
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return () => this.off(name, listener);
  }

  /** Calls `listener` for the next event of that name only. */
  once(name, listener) {
    const off = this.on(name, (...details) => {
      off();
      listener(...details);
    });
    return off;
  }

  /** Takes a listener off. */
  off(name, listener) {
    this.#listeners.set(name, (this.#listeners.get(name) ?? []).filter((each) => each !== listener));
  }

  /** Tells all listeners of an event. */
  emit(name, ...details) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        const result = listener(...details);
        if (typeof result?.catch === "function") result.catch((error) => report(name, error));
      } catch (error) {
        report(name, error);
      }
    }
  }
}

function report(name, error) {
  console.error(`A listener for "${name}" failed:`, error);
}
