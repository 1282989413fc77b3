// Waiting for so long and no longer, and not after an abort.

/** It took too long. */
export class TooLate extends Error {}

const CLEARING = 2_000; // ms that work may take to put things back as they were
const LOOK = 50; // ms between two looks whether something is so

/**
 * Does something within its time. When that is over, or the signal is aborted, the work's own signal is: it ends, and
 * is waited for until it has put things back.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} work
 * @param {number} limit ms
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function within(work, limit, signal) {
  const own = new AbortController();
  const aborted = () => own.abort(signal.reason);
  signal.addEventListener("abort", aborted);
  if (signal.aborted) aborted();
  const timer = setTimeout(() => own.abort(new TooLate()), limit);
  const working = work(own.signal);
  try {
    return await Promise.race([working, rejected(own.signal)]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
    if (own.signal.aborted) await Promise.race([working.catch(() => {}), later(CLEARING)]);
  }
}

/**
 * Is rejected with a signal's reason as soon as that is aborted.
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
export function rejected(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** @param {number} time ms */
const later = (time) => new Promise((resolve) => setTimeout(resolve, time));

/**
 * Lets some time pass; an abort ends it early.
 * @param {number} time ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function pause(time, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const aborted = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", aborted);
      resolve();
    }, time);
    signal.addEventListener("abort", aborted, { once: true });
  });
}

/**
 * Waits until something is so, for so long at most. Returns whether it is.
 * @param {() => boolean} done
 * @param {number} limit ms
 * @param {AbortSignal} signal
 */
export async function until(done, limit, signal) {
  for (let time = 0; time < limit && !done(); time += LOOK) await pause(LOOK, signal);
  return done();
}
