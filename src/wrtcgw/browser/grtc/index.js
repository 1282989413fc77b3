// The library as one ES module: all that its types promise.

export { Call } from "./call.js";
export { Client } from "./client.js";
export { Emitter } from "./emitter.js";
export { PhoneError } from "./errors.js";
export { lint } from "./lint.js";
export { Logger } from "./logger.js";
export { Phone } from "./phone.js";
export { opinion } from "./quality.js";
export { MediaSession } from "./session.js";
export { GrtcError } from "./vendorerrors.js";
