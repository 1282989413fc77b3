// The browser's storages, which may be forbidden to a page.

/**
 * Returns a storage of the browser; null where it is forbidden.
 * @param {"localStorage" | "sessionStorage"} name
 */
export function keeper(name) {
  try {
    return globalThis[name] ?? null;
  } catch {
    return null;
  }
}
