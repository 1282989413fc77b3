// Types of this module: what /grtc.js leaves as globalThis.Grtc.

import type { Library } from "../grtc.js";

export const Grtc: Library;
