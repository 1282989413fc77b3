// Where this library came from: the gateway, unless the file was copied elsewhere.

// a bundler that makes a classic script of it leaves no address; such a page names its gateway
const here = import.meta.url ?? globalThis.location?.href ?? "http://localhost/grtc/baseUrl.js";

/** The gateway's base address: the folder above the one of this module. */
export const BASE_URL = new URL("../", here).href;
