// Types that the library's modules share: what the gateway says, and what they hand each other. Nothing of it runs.

/** @import * as declared from "../grtc.js" */
/** @import { Call } from "./call.js" */
/** @import { PhoneError } from "./errors.js" */

/**
 * @typedef {object} GatewayMessage one message of the gateway (docs/api.md); which fields it has depends on its type
 * @property {string} messageType
 * @property {number} seq
 * @property {string} callId
 * @property {string} [sdp]
 * @property {string} [from]
 * @property {string} [displayName]
 * @property {declared.Attached[]} [data] of the far side
 * @property {boolean} [moreComing] that an answer comes before the call is answered
 * @property {string} [cause]
 * @property {string} [state]
 * @property {number} [sipCode]
 * @property {string} [reason]
 * @property {string} [hint]
 * @property {string} [warning]
 * @property {string} [sipReason]
 * @property {string} [to]
 * @property {string} [digits]
 * @property {string} [contentType]
 * @property {string} [body]
 *
 * @typedef {object} CallView a call as the gateway has it (`GET calls`)
 * @property {string} callId
 * @property {"inbound" | "outbound"} direction
 * @property {string} peer
 * @property {"DIALLING" | "RINGING" | "OFFERED" | "ESTABLISHED" | "ENDED"} state
 * @property {number} age in seconds
 * @property {number} duration in seconds, since it was answered
 * @property {boolean} held
 * @property {boolean} heldByPeer
 * @property {string} [uuid]
 * @property {import("../grtc.js").Sound} [sound]
 * @property {boolean} [muted]
 * @property {boolean} [hidden] to be shown to nobody
 * @property {Record<string, any>} [quality] what the gateway was told of it
 *
 * @typedef {object} Own what the gateway has for an agent (`GET calls`)
 * @property {CallView[]} calls
 * @property {declared.Registration} registration
 * @property {boolean} [doNotDisturb]
 * @property {declared.WarningLimits} [warnings] the site's
 * @property {string} [echoNumber]
 *
 * @typedef {object} Kept what a page keeps for the one after a reload
 * @property {string} id
 * @property {string} token
 * @property {string} dn
 * @property {string} [displayName]
 * @property {boolean} [guest]
 * @property {string} [page] the name of the page among the agent's
 * @property {number} [last] number of the last message that was taken
 * @property {Record<string, KeptCall>} [calls]
 *
 * @typedef {{offer?: GatewayMessage, muted?: boolean, hidden?: boolean}} KeptCall
 *
 * @typedef {RTCConfiguration & {gatherLimit?: number}} Configuration `gatherLimit` in milliseconds
 * @typedef {{audio: boolean, video: boolean}} Wanted
 * @typedef {{fresh?: boolean, iceRestart?: boolean, video?: boolean, here?: boolean, prepared?: boolean}} OfferOptions
 *   `fresh`: of a new connection; `here`: to have the sound, which another page has; `prepared`: with servers that were
 *   asked for just now
 * @typedef {"hangup" | "reject"} Farewell the orders that end a call
 * @typedef {import("./warnings.js").Told & {call: Call}} CallWarning
 *
 * @typedef {Omit<declared.CallEvents, "message" | "error" | "warning" | "warningcleared"> & {
 *   message: [GatewayMessage], error: [PhoneError],
 *   warning: [import("./warnings.js").Told], warningcleared: [import("./warnings.js").Told]}} CallEvents
 * @typedef {Omit<declared.PhoneEvents, "incoming" | "call" | "callended" | "connection" | "reconnecting" | "warning"
 *   | "warningcleared" | "error"> & {
 *   incoming: [Call], call: [Call], callended: [Call], error: [PhoneError],
 *   connection: [{state: "online" | "offline", error?: PhoneError}], reconnecting: [{error?: PhoneError}],
 *   warning: [CallWarning], warningcleared: [CallWarning]}} PhoneEvents
 */

export {};
