// Types of this module, as far as it is for pages.

import type * as library from "../grtc.js";

export const noiseSuppressor: library.NoiseSuppressor;
export type * from "../grtc.js";
