// A microphone that gives nothing at all: switched off at the headset, in the system, or the wrong one.

const LONG = 6_000; // ms of digital silence; a person who is quiet is not silent to a microphone
/** Energy in a second of one step of 16 bits: the comfort noise of an echo canceller. */
export const FLOOR = 2e-9;
export const SLEPT = 3_000; // ms between two looks after which the time between them does not count

export class Silence {
  /** @type {number | null} */
  #total = null;
  /** @type {number | null} */
  #since = null;
  #at = 0;

  /** @param {number} [long] ms of digital silence that count */
  constructor(long = LONG) {
    this.long = long;
  }

  /**
   * Notes how loud it is and returns whether there has been nothing for long.
   * @param {{total?: number, now?: number} | null} loudness energy since the beginning (which starts anew with each
   *   connection), or loudness now; null while nothing is expected
   * @param {number} now ms
   */
  lasts(loudness, now) {
    const passed = now - this.#at;
    this.#at = now;
    if (!loudness) {
      this.#total = this.#since = null;
      return false;
    }
    const { total = null } = loudness;
    const more = total === null ? (loudness.now ?? 0) : Math.abs(total - (this.#total ?? total));
    const heard = more > (total === null ? 0 : FLOOR * (passed / 1000));
    this.#total = total;
    if (heard || passed > SLEPT) this.#since = null;
    if (heard) return false;
    this.#since ??= now;
    return now - this.#since >= this.long;
  }
}
