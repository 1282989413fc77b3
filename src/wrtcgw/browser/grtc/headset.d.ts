// Types of this module, as far as it is for pages.

export { Headset } from "../grtc.js";
export type * from "../grtc.js";
