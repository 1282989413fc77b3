// Types that the softphone's modules share. Nothing of it runs.

/** @import { Ending } from "../grtc.js" */
/** @import { Call } from "../grtc/call.js" */
/** @import { Phone } from "../grtc/phone.js" */
/** @import { Alerts } from "./alerts.js" */
/** @import { Favourites } from "./hand/favourites.js" */
/** @import { History } from "./history.js" */
/** @import { PanelOptions } from "./panel.js" */
/** @import { PhoneModel } from "./phoneModel.js" */
/** @import { Ring } from "./ring.js" */
/** @import { Texts } from "./texts.js" */

/**
 * @typedef {Record<string, any>} Params of a text
 * @typedef {(key: string, params?: Params) => string} Translate
 * @typedef {Call & {ended: Ending, endedAt: number}} EndedCall
 * @typedef {{displayName?: string, name?: string, peer?: string}} Somebody a call, or an entry of the history
 *
 * @typedef {object} View a part of the page, made once and then changed in place
 * @property {HTMLElement} element
 * @property {() => void} update shows what is
 * @property {() => void} [tick] shows what time it is: once a second
 * @property {() => void} [levels] shows how loud it is: several times a second
 *
 * @typedef {object} Context what views are made of
 * @property {Phone} phone
 * @property {PhoneModel} model
 * @property {History} history
 * @property {Favourites} favourites of transfers
 * @property {Ring} ring
 * @property {Alerts} alerts
 * @property {Storage | null} storage
 * @property {PanelOptions} options
 * @property {HTMLElement} element the panel
 * @property {Texts} texts
 * @property {Translate} t
 */

export {};
