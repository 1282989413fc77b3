// What a page gets that takes the library as one script: globalThis.Grtc.

import { Call } from "./call.js";
import { Emitter } from "./emitter.js";
import { PhoneError } from "./errors.js";
import { lint } from "./lint.js";
import { Phone } from "./phone.js";
import { opinion } from "./quality.js";

export const Grtc = { Call, Emitter, Phone, PhoneError, lint, opinion };
