// What a call does with each message of the gateway.

/** @import { Call } from "./call.js" */
/** @import { GatewayMessage } from "./types.js" */

/** @type {Record<string, ((call: Call, message: GatewayMessage) => void) | undefined>} */
export const TAKE = {
  ANSWER: (call, message) => call.answered(message),
  OFFER: (call, message) => call.offered(message),
  RINGING: (call) => call.ringing(),
  HOLD: (call, message) => call.heldOrResumed(message),
  RESUME: (call, message) => call.heldOrResumed(message),
  TALK: (call) => call.talk(),
  SOUND: (call, message) => call.soundTold(message),
  MUTE: (call, message) => call.muteTold(message),
  TRANSFER: (call, message) => call.transferred(message),
  DTMF: (call, { digits = "" }) => call.emit("dtmf", digits),
  IDENTITY: (call, message) => call.renamed(message),
  INFO: (call, { contentType = "", body = "" }) => call.emit("info", { contentType, body }),
  ERROR: (call, message) => call.failed(message),
  SHUTDOWN: (call, message) => call.end(message),
};
