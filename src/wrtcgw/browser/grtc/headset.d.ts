// Types of this module, as far as it is for pages.

import type * as library from "../grtc.js";

export const Headset: library.HeadsetConstructor;
export type Headset = library.Headset;
export type * from "../grtc.js";
