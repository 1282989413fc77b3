// One headset that a browser reaches by WebHID: what its buttons mean, and what its lamps show.
//
// Headsets differ in how they tell: a hook that stands at 1 for as long as the call, or is 1 for as long as a finger is
// on it; a mute that tells presses, or how it stands. All of them tell again what they were told. So a button counts
// against what the headset has been shown: what it says just after it was told is its echo, or the finger's leaving.

import { layoutOf, reportsOf, valueOf } from "./hid.js";

/** @import { HeadsetState } from "../grtc.js" */
/** @import { Button, HidCollection, Lamp } from "./hid.js" */

const ECHO = 500; // ms after something was shown in which what a headset says may be that
const NOTHING = { active: false, ringing: false, muted: false, held: false };

/**
 * @typedef {object} HidDevice as WebHID has it
 * @property {string} productName
 * @property {boolean} opened
 * @property {HidCollection[]} collections
 * @property {() => Promise<void>} open
 * @property {() => Promise<void>} close
 * @property {() => Promise<void>} [forget]
 * @property {(id: number, data: BufferSource) => Promise<void>} sendReport
 * @property {(name: string, listener: (event: any) => void) => void} addEventListener
 * @property {(name: string, listener: (event: any) => void) => void} removeEventListener
 *
 * @typedef {Pick<HeadsetState, "active" | "ringing" | "muted" | "held">} Shown
 */

export class HidHeadset {
  #layout;
  #tell;
  #now;
  /** @type {Shown} */
  #shown = NOTHING;
  #activeAt = -Infinity;
  #mutedAt = -Infinity; // when that has changed
  #pressedAt = -Infinity; // the mute button
  #momentary = false; // whether the mute button tells for how long a finger is on it
  /** @type {Map<Button, number>} */
  #values = new Map();
  /** @type {Map<number, string>} */
  #sent = new Map(); // reports as they were sent last
  #sending = false;
  #again = false;

  /**
   * @param {HidDevice} device
   * @param {{press: (button: string, on?: boolean) => void, failed: (error: unknown) => void}} tell
   * @param {() => number} now ms
   */
  constructor(device, tell, now) {
    this.device = device;
    this.#tell = tell;
    this.#now = now;
    this.#layout = layoutOf(device.collections);
  }

  get name() {
    return this.device.productName;
  }

  /** Whether it has anything to do with calls. */
  get isUseful() {
    return this.#layout.buttons.length + this.#layout.lamps.length > 0;
  }

  /** What it can say. */
  get buttons() {
    return [...new Set(this.#layout.buttons.flatMap(({ name, names }) => names?.filter(Boolean) ?? name))];
  }

  get isOpen() {
    return this.device.opened;
  }

  /**
   * Begins to listen, and shows what is.
   * @param {Shown} state
   */
  async open(state) {
    if (!this.device.opened) await this.device.open();
    this.device.addEventListener("inputreport", this.#heard);
    this.#take(state);
    for (const button of this.#layout.buttons) {
      if (button.name === "hook") this.#values.set(button, Number(state.active)); // as the page before a reload left it
    }
    await this.#send();
  }

  /** Puts all lamps out, and listens no more. */
  async close() {
    this.device.removeEventListener("inputreport", this.#heard);
    this.#take(NOTHING);
    if (this.device.opened) await this.#send();
    await this.device.close().catch(() => {});
  }

  /**
   * Shows what is; with `anew` also what it should show already.
   * @param {Shown} state
   * @param {{anew?: boolean}} [how]
   */
  show(state, { anew = false } = {}) {
    this.#take(state);
    if (anew) this.#sent.clear();
    return this.device.opened ? this.#send() : Promise.resolve();
  }

  /** @param {Shown} state */
  #take(state) {
    if (state.active && !this.#shown.active) this.#activeAt = this.#now();
    if (state.muted !== this.#shown.muted) this.#mutedAt = this.#now();
    this.#shown = state;
  }

  // One report after the other; what changes meanwhile is sent after them.
  async #send() {
    this.#again = true;
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#again) {
        this.#again = false;
        for (const [id, report] of reportsOf(this.#layout, this.#lit())) await this.#sendReport(id, report);
      }
    } catch (error) {
      this.#tell.failed(error);
    } finally {
      this.#sending = false;
    }
  }

  /**
   * @param {number} id
   * @param {Uint8Array<ArrayBuffer>} report
   */
  async #sendReport(id, report) {
    if (this.#sent.get(id) === String(report)) return;
    this.#sent.set(id, String(report));
    await this.device.sendReport(id, report);
  }

  /** @returns {Record<Lamp, boolean>} */
  #lit() {
    const { active, ringing, muted, held } = this.#shown;
    return { offHook: active, ring: ringing, mute: muted, hold: held };
  }

  // ---- what it says

  /** @param {{reportId: number, data: DataView}} event */
  #heard = ({ reportId, data }) => {
    for (const button of this.#layout.buttons) {
      if (button.reportId === reportId) this.#said(button, valueOf(button, data));
    }
  };

  /**
   * @param {Button} button
   * @param {number} value
   */
  #said(button, value) {
    const known = this.#values.get(button);
    const before = known ?? 0;
    this.#values.set(button, value);
    if (button.names) {
      const [was, is] = [known, value].map((each) => button.names?.[(each ?? button.least) - button.least]);
      if (is && !was) this.#tell.press(is); // a key comes after none: some say the first one when they mean none
    } else if (button.relative) {
      if (value) this.#tell.press(button.name); // each time anew
    } else if (Boolean(value) !== Boolean(before)) {
      this.#switched(button.name, Boolean(value));
    }
  }

  /**
   * @param {string} name
   * @param {boolean} on
   */
  #switched(name, on) {
    if (name === "hook") this.#hooked(on);
    else if (name === "mute") this.#muted(on);
    else if (on) this.#tell.press(name);
  }

  /** @param {boolean} off whether it says that it is off the hook */
  #hooked(off) {
    const { active, ringing } = this.#shown;
    if (off) {
      if (!active) this.#tell.press(ringing ? "answer" : "offhook");
    } else if (active && this.#now() - this.#activeAt >= ECHO) {
      this.#tell.press("hangup");
    } else if (active) {
      this.show(this.#shown, { anew: true }); // it may take itself for on the hook
    }
  }

  /** @param {boolean} on */
  #muted(on) {
    const { active, muted } = this.#shown;
    const now = this.#now();
    const isEcho = on === muted && now - this.#mutedAt < ECHO && now - this.#pressedAt >= ECHO;
    if (on && !isEcho) {
      this.#pressedAt = now;
      if (active) this.#tell.press("mute", !muted);
    } else if (!on && now - this.#pressedAt < ECHO) {
      this.#momentary = true;
    } else if (!on && active && muted && !isEcho && !this.#momentary) {
      this.#tell.press("mute", false);
    }
  }
}
