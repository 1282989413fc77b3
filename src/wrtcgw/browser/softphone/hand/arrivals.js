// What comes to the page before anybody is signed in: the number of a link, and the browser's offer to install it.

import { Install } from "./install.js";
import { keepNumber, keptNumber, numberOf, tabs, takeNumber } from "./links.js";

export class Arrivals {
  /** @type {((number: string) => void) | null} called when a number arrives; null while nobody could call it */
  take = null;
  /** Called when the offer to install the page comes or goes. */
  changed = () => {};
  install = new Install(() => this.changed());
  #memory;
  #tabs = tabs();
  #number; // of the link that has opened this page

  /** @param {Storage | null} memory */
  constructor(memory) {
    this.#memory = memory;
    this.#number = takeNumber();
    if (this.#number) keepNumber(memory, this.#number);
    this.#tabs.listen(
      (number) => this.#arrived(number),
      () => this.take !== null,
    );
    const { launchQueue } = /** @type {any} */ (globalThis); // of an installed page that a link has opened again
    launchQueue?.setConsumer(({ targetURL = "" }) => {
      const number = targetURL && numberOf(new URL(targetURL).searchParams.get("number"));
      if (number) this.#arrived(number);
    });
  }

  /** Gives the number of the link that has opened this page to a tab with a phone; tells whether there is one. */
  async handOver() {
    const given = this.#number !== "" && (await this.#tabs.offer(this.#number));
    if (given) keptNumber(this.#memory);
    return given;
  }

  /** Returns the number of a link that waits for somebody to sign in, once; "" for none. */
  number() {
    return keptNumber(this.#memory);
  }

  /** @param {string} number */
  #arrived(number) {
    if (this.take) this.take(number);
    else keepNumber(this.#memory, number);
  }
}
