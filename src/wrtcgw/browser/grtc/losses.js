// Packets that are lost, and not only late: counters of a browser call a packet lost until it comes after all.

const LATE = 3; // readings in a row that have to know of a loss

export class Losses {
  /** @type {number[]} */
  #recent = [];
  #lost = 0; // for certain

  /**
   * Takes the counter of lost packets, and how many have come in since the last time; returns how many percent are
   * lost since then.
   * @param {number} lost since the beginning
   * @param {number} packets
   */
  take(lost, packets) {
    this.#recent = [...this.#recent, lost].slice(-LATE);
    const certain = this.#recent.length < LATE ? this.#lost : Math.max(this.#lost, Math.min(...this.#recent));
    const more = certain - this.#lost;
    this.#lost = certain;
    return more ? (100 * more) / (more + packets) : 0;
  }
}
