// What is wrong with a call although it goes on, told when it begins and when it is over.

/** @typedef {import("../grtc.js").Warning} Told */

/** @type {Record<Told["code"], string>} */
const HINTS = {
  mic_silent: "Your microphone sends no sound: look for its switch, or choose another one.",
};

export class Warnings {
  /** @type {Set<Told["code"]>} */
  #raised = new Set();

  /** @param {(name: "warning" | "warningcleared", warning: Told) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }

  /** Codes of what is wrong at present. */
  get codes() {
    return [...this.#raised];
  }

  /**
   * Notes whether something is wrong.
   * @param {Told["code"]} code
   * @param {boolean} on
   */
  set(code, on) {
    if (on === this.#raised.has(code)) return;
    if (on) this.#raised.add(code);
    else this.#raised.delete(code);
    this.tell(on ? "warning" : "warningcleared", { code, hint: HINTS[code] ?? "" });
  }

  /** Forgets all: the call is over. */
  clear() {
    for (const code of this.codes) this.set(code, false);
  }
}
