// The softphone's service worker: notifications of calls with buttons, and what a browser wants before it installs a
// page. It listens to no requests, so it sees none, keeps no page and no token; its policy (pages.py) lets it load
// nothing itself.

const worker = /** @type {any} */ (globalThis);
const ACTIONS = ["answer", "reject"];

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(clicked(event.action, event.notification.data?.call));
});

/**
 * Tells the softphone's pages, of which one has the call; they are to be looked at, unless there is nothing to see.
 * @param {string} action "" for a click beside the buttons
 * @param {unknown} call
 */
async function clicked(action, call) {
  const { scope } = worker.registration;
  const all = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const pages = all.filter((/** @type {{url: string}} */ { url }) => url.startsWith(scope));
  for (const page of pages) page.postMessage({ type: "call", action: ACTIONS.includes(action) ? action : "", call });
  if (action === "reject" && pages.length) return undefined;
  const [page] = pages.sort((/** @type {any} */ one, /** @type {any} */ other) => other.focused - one.focused);
  return page ? page.focus() : worker.clients.openWindow(scope);
}
