// Where this library came from: the gateway, unless the file was copied elsewhere.

/** The gateway's base address: the folder above the one of this module. */
export const BASE_URL = new URL("../", import.meta.url).href;
