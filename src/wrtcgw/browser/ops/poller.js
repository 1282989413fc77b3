// Asks again and again: every `every` milliseconds while all is well, seldom while it is not, never while hidden.

export const LONGEST = 30_000;

/**
 * Returns after how many milliseconds to ask again when it failed so many times in a row.
 * @param {number} failures
 * @param {number} every
 */
export function backOff(failures, every) {
  return failures ? Math.min(every * 2 ** (failures - 1), LONGEST) : every;
}

/** Runs `work` in a loop; one run at a time, however often it is told to hurry. */
export class Poller {
  /**
   * @param {() => Promise<void>} work
   * @param {{ every?: number, hidden?: () => boolean, set?: (work: () => void, time: number) => any,
   *   clear?: (timer: any) => void }} [options]
   */
  constructor(work, options = {}) {
    this.work = work;
    this.every = options.every ?? 2000;
    this.hidden = options.hidden ?? (() => globalThis.document?.hidden ?? false);
    this.set = options.set ?? ((action, time) => setTimeout(action, time));
    this.clear = options.clear ?? ((timer) => clearTimeout(timer));
    this.failures = 0;
    this.next = 0;
    this.timer = undefined;
    /** @type {Promise<void> | null} */
    this.running = null;
    this.again = false;
    this.stopped = true;
  }

  /** Begins, at once. */
  start() {
    this.stopped = false;
    return this.hurry();
  }

  /** Asks no more until it is started again. */
  stop() {
    this.stopped = true;
    this.clear(this.timer);
  }

  /** Asks now; when a run is under way, once more after it. */
  hurry() {
    if (this.stopped || this.hidden()) return this.running ?? Promise.resolve();
    this.clear(this.timer);
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.run().finally(() => this.settle());
    return this.running;
  }

  async run() {
    do {
      this.again = false;
      try {
        await this.work();
        this.failures = 0;
      } catch {
        this.failures += 1;
      }
    } while (this.again && !this.stopped && !this.failures);
  }

  settle() {
    this.running = null;
    if (this.stopped) return;
    const wait = backOff(this.failures, this.every);
    this.next = Date.now() + wait;
    this.timer = this.set(() => void this.hurry(), wait);
  }
}
