// Types of this module, as far as it is for pages.

export { VendorHeadset } from "../grtc.js";
export type * from "../grtc.js";
