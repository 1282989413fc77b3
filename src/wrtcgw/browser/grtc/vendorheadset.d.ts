// Types of this module, as far as it is for pages.

import type * as library from "../grtc.js";

export const VendorHeadset: library.VendorHeadsetConstructor;
export type VendorHeadset = library.HeadsetAdapter;
export type * from "../grtc.js";
