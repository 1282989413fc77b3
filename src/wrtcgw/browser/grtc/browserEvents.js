// What the browser tells of the world around the page.

/**
 * Calls `network` when the computer is in a network again, or in none any more; `awake` when the page may have slept
 * (hidden, frozen, or kept for the browser's Back) or the browser guesses that the network is another one; `seen` when
 * it can be seen now, or not any more; `stops` with the page's last word: it is about to be stopped or thrown away;
 * `devices` when a microphone or loudspeaker was connected to `source` or taken away.
 * @param {{network: () => void, awake: () => void, seen: () => void, stops: (word: "frozen" | "gone") => void,
 *   devices: () => void, source: MediaDevices | undefined}} told
 * @returns {() => void} stops that
 */
export function watchBrowser({ network, awake, seen, stops, devices, source }) {
  /** @type {(() => void)[]} */
  const offs = [];
  /** @type {(target: EventTarget | undefined, name: string, listener: (event: any) => void) => void} */
  const listen = (target, name, listener) => {
    target?.addEventListener?.(name, listener);
    offs.push(() => target?.removeEventListener?.(name, listener));
  };
  for (const name of ["online", "offline"]) listen(globalThis, name, network);
  const { connection } = /** @type {any} */ (globalThis.navigator ?? {}); // not in every browser, nor in its types
  listen(connection, "change", awake); // also for a mere change of its speed
  listen(globalThis, "pageshow", ({ persisted }) => persisted && awake());
  listen(globalThis, "pagehide", () => stops("gone"));
  listen(globalThis.document, "visibilitychange", () => {
    if (globalThis.document.visibilityState === "visible") awake();
    seen();
  });
  listen(globalThis.document, "freeze", () => stops("frozen"));
  listen(globalThis.document, "resume", awake);
  listen(source, "devicechange", devices);
  return () => offs.forEach((off) => off());
}

const PATIENCE = 4_000; // ms: the page before a reload may not be quite gone, on a busy machine

/**
 * Claims a name for this page, among all pages of its origin; with `steal` whoever has it.
 * @param {string} name
 * @param {{steal?: boolean}} [how]
 * @returns {Promise<(() => void) | null>} gives it free again; null when another page has it
 */
export function claim(name, { steal = false } = {}) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return Promise.resolve(() => {}); // no way to tell
  return new Promise((resolve) => {
    const given = () => new Promise((release) => resolve(() => release(undefined)));
    const options = steal ? { steal } : { signal: AbortSignal.timeout(PATIENCE) };
    locks.request(name, options, given).catch(() => resolve(null));
  });
}
