// The headsets that a browser reaches by WebHID, which Chromium has: those that somebody has allowed for this page.

import { PhoneError } from "./errors.js";
import { TELEPHONY } from "./hid.js";
import { HidHeadset } from "./hidheadset.js";

/** @import { HeadsetAdapter, HeadsetState, HeadsetTold } from "../grtc.js" */
/** @import { HidDevice } from "./hidheadset.js" */

const BUSY = "The headset cannot be opened: another program may be using its buttons.";
const FORBIDDEN = "The browser does not let this page ask for headsets.";

/**
 * @typedef {object} Hid `navigator.hid`, which has no types of its own in browsers without it
 * @property {() => Promise<HidDevice[]>} getDevices
 * @property {(options: {filters: {usagePage: number}[]}) => Promise<HidDevice[]>} requestDevice
 * @property {(name: string, listener: (event: any) => void) => void} addEventListener
 * @property {(name: string, listener: (event: any) => void) => void} removeEventListener
 */

/** @implements {HeadsetAdapter} */
export class HidHeadsets {
  /** @type {Map<HidDevice, HidHeadset>} */
  #headsets = new Map();
  /** @type {HeadsetTold | null} */
  #told = null;
  /** @type {HeadsetState} */
  #state = { active: false, ringing: false, muted: false, held: false, calls: [] };
  #hid;
  #now;

  /** @param {{hid?: Hid | null, now?: () => number}} [options] `now` in milliseconds */
  constructor({ hid = HidHeadsets.ofBrowser, now = () => performance.now() } = {}) {
    this.#hid = hid;
    this.#now = now;
  }

  /** @returns {Hid | null} */
  static get ofBrowser() {
    const { hid = null } = /** @type {any} */ (globalThis.navigator ?? {});
    return hid;
  }

  get isSupported() {
    return this.#hid !== null;
  }

  get devices() {
    return [...this.#headsets.values()].map(({ name, buttons, isOpen }) => ({ name, buttons, isOpen }));
  }

  /** @param {HeadsetTold} told */
  async start(told) {
    this.#told = told;
    this.#hid?.addEventListener("connect", this.#connected);
    this.#hid?.addEventListener("disconnect", this.#disconnected);
    for (const device of (await this.#hid?.getDevices()) ?? []) await this.#add(device);
  }

  async stop() {
    this.#told = null;
    this.#hid?.removeEventListener("connect", this.#connected);
    this.#hid?.removeEventListener("disconnect", this.#disconnected);
    const headsets = [...this.#headsets.values()];
    this.#headsets.clear();
    await Promise.all(headsets.map((headset) => headset.close()));
  }

  /** @param {HeadsetState} state @param {{anew?: boolean}} [how] */
  show(state, how) {
    this.#state = state;
    for (const headset of this.#headsets.values()) headset.show(state, how);
  }

  async request() {
    let found;
    try {
      found = (await this.#hid?.requestDevice({ filters: [{ usagePage: TELEPHONY }] })) ?? [];
    } catch (cause) {
      throw new PhoneError("headset_failed", { hint: FORBIDDEN, cause });
    }
    for (const device of found) await this.#add(device);
    return found.length > 0;
  }

  /** @param {string} name */
  async forget(name) {
    for (const [device, headset] of this.#headsets) {
      if (headset.name !== name) continue;
      this.#headsets.delete(device);
      await headset.close();
      await device.forget?.();
    }
    this.#told?.changed();
  }

  /** @param {{device: HidDevice}} event */
  #connected = ({ device }) => this.#add(device);

  /** @param {{device: HidDevice}} event */
  #disconnected = ({ device }) => {
    if (this.#headsets.delete(device)) this.#told?.changed();
  };

  /** @param {HidDevice} device */
  async #add(device) {
    const told = this.#told;
    if (!told) return;
    const tell = {
      press: told.press,
      /** @param {unknown} cause */
      failed: (cause) => this.#headsets.has(device) && told.failed(new PhoneError("headset_failed", { cause })),
    };
    const headset = this.#headsets.get(device) ?? new HidHeadset(device, tell, this.#now);
    if (!headset.isUseful) return;
    this.#headsets.set(device, headset);
    try {
      await headset.open(this.#state);
    } catch (cause) {
      told.failed(new PhoneError("headset_failed", { hint: BUSY, cause }));
    }
    told.changed();
  }
}
