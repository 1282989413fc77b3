// Waiting for so long and no longer, and not after an abort.

/** It took too long. */
export class TooLate extends Error {}

/**
 * Does something within its time.
 * @template T
 * @param {() => Promise<T>} work
 * @param {number} limit ms
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function within(work, limit, signal) {
  const over = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = /** @type {Promise<never>} */ (
    new Promise((_, reject) => {
      timer = setTimeout(() => reject(new TooLate()), limit);
      signal.addEventListener("abort", () => reject(signal.reason), { signal: over.signal });
    })
  );
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

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
