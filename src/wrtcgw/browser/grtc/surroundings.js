// What the browser tells of the world around the page.

/**
 * Calls `network` when the computer has come into another network, or back into one, and `devices` when a microphone or
 * loudspeaker was connected or taken away.
 * @returns {() => void} stops that
 */
export function watchBrowser(network, devices) {
  const offs = [];
  const listen = (target, name, listener) => {
    target?.addEventListener?.(name, listener);
    offs.push(() => target?.removeEventListener?.(name, listener));
  };
  const changed = () => globalThis.navigator?.onLine !== false && network();
  listen(globalThis, "online", changed);
  listen(globalThis.navigator?.connection, "change", changed);
  listen(globalThis.navigator?.mediaDevices, "devicechange", devices);
  return () => offs.forEach((off) => off());
}
