// Having the softphone as a window of its own: Chromium tells once, early, that this can be; it is asked on a click.

/** @typedef {Event & {prompt: () => Promise<{outcome: string}>}} Offer not in every browser, nor in its types */

export class Install {
  /** @type {Offer | null} */
  #offer = null;

  /**
   * @param {() => void} changed
   * @param {Pick<EventTarget, "addEventListener">} [target]
   */
  constructor(changed, target = globalThis) {
    this.changed = changed;
    target.addEventListener("beforeinstallprompt", (event) => {
      event.preventDefault(); // its own bar would come at any time
      this.#set(/** @type {Offer} */ (event));
    });
    target.addEventListener("appinstalled", () => this.#set(null));
  }

  /** Whether the browser would do it. */
  get isOffered() {
    return this.#offer !== null;
  }

  /** Asks; an offer is good for one question. */
  async ask() {
    const offer = this.#offer;
    this.#set(null);
    await offer?.prompt();
  }

  /** @param {Offer | null} offer */
  #set(offer) {
    this.#offer = offer;
    this.changed();
  }
}
