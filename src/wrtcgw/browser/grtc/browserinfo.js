// What browser this is, in the vendor's words.

/** @type {["chrome" | "firefox" | "safari", RegExp][]} */
const BROWSERS = [
  ["firefox", /Firefox\/(\d+)/],
  ["chrome", /(?:Chrome|Chromium)\/(\d+)/],
  ["safari", /Version\/(\d+)[\d.]* .*Safari\//],
];
/** @type {Record<string, number>} */
const MINIMUM = { chrome: 110, firefox: 115, safari: 16 }; // what the library's own language asks for

function detected() {
  const agent = globalThis.navigator?.userAgent ?? "";
  const [name, pattern] = BROWSERS.find((browser) => browser[1].test(agent)) ?? /** @type {const} */ (["", null]);
  return { name, version: Number(pattern?.exec(agent)?.[1] ?? 0) };
}

/** Tells whether the browser can make calls at all. */
export const isWebrtcSupported = () => typeof globalThis.RTCPeerConnection === "function";

/** Returns "chrome" (whatever is made of it, too), "firefox" or "safari"; empty for another. */
export const getWebrtcDetectedBrowser = () => detected().name;

export const getWebrtcDetectedVersion = () => detected().version;

/** Returns the least version of the browser that the library works in. */
export const getWebrtcMinimumVersion = () => MINIMUM[detected().name] ?? 0;
