// The calls of a phone at hand on headsets: their buttons answer, hang up, mute and hold, and their lamps show the same
// as the page. How a headset is reached is an adapter's: WebHID, or a maker's own library.

import { Emitter } from "./emitter.js";
import { asPhoneError } from "./errors.js";
import { HidHeadsets } from "./hidheadsets.js";

/** @import { Call, HeadsetActions, HeadsetOptions, HeadsetState, PhoneError } from "../grtc.js" */
/** @import { Phone } from "./phone.js" */

/**
 * @typedef {{incoming: Call | null, current: Call[], inHand: Call | null}} Situation
 * @typedef {Omit<{[Name in keyof HeadsetActions]-?: NonNullable<HeadsetActions[Name]>}, "redial">
 *   & Pick<HeadsetActions, "redial">} Actions
 */

/**
 * Events: "button" (name, whether a call took it), "changed" (the devices), "error" (PhoneError).
 * @extends {Emitter<{button: [string, boolean], changed: [], error: [PhoneError]}>}
 */
export class Headset extends Emitter {
  #phone;
  #adapters;
  /** @type {() => Call | null} */
  #inHand;
  /** @type {Actions} */
  #actions;
  /** @type {(() => void)[]} */
  #off = [];
  #due = false;
  /** @type {WeakMap<object, string>} */
  #names = new WeakMap(); // ids of calls, from their beginning
  #count = 0;

  /**
   * @param {Phone} phone
   * @param {HeadsetOptions} [options]
   */
  constructor(phone, { adapters = [new HidHeadsets()], inHand, actions = {} } = {}) {
    super();
    this.#phone = phone;
    /** @type {import("../grtc.js").HeadsetAdapter[]} */
    this.#adapters = adapters;
    this.#inHand = inHand ?? (() => null);
    this.#actions = /** @type {Actions} */ ({ ...this.#usual(), ...actions });
  }

  /** Whether headsets can be reached from here. */
  get isSupported() {
    return this.#adapters.some(({ isSupported }) => isSupported);
  }

  /** The headsets that are there. */
  get devices() {
    return this.#adapters.flatMap(({ devices = [] }) => devices);
  }

  /** Begins, with the headsets that this page was allowed before. */
  async start() {
    if (this.#off.length) return;
    const listen = /** @type {const} */ (["incoming", "call", "callended"]);
    this.#off = listen.map((name) => this.#phone.on(name, () => this.#changed()));
    const told = {
      /** @type {(button: string, on?: boolean) => void} */
      press: (button, on) => this.press(button, on),
      changed: () => this.emit("changed"),
      /** @param {unknown} error */
      failed: (error) => this.emit("error", asPhoneError(error, "headset_failed")),
    };
    const state = this.#state();
    for (const adapter of this.#adapters) {
      adapter.show(state);
      await Promise.resolve(adapter.start(told)).catch(told.failed);
    }
    this.#changed();
  }

  /** Ends it: all lamps are out. */
  async stop() {
    this.#off.splice(0).forEach((off) => off());
    await Promise.all(this.#adapters.map((adapter) => adapter.stop()));
  }

  /** Shows what is: after `inHand` has changed, which no call tells. */
  refresh() {
    this.#changed();
  }

  /**
   * Lets somebody choose a headset for this page; to be called on a click.
   * @returns {Promise<boolean>} whether one was chosen
   */
  async request() {
    const adapter = this.#adapters.find((each) => each.isSupported && each.request);
    return (await adapter?.request?.()) ?? false;
  }

  /**
   * Takes the permission for a headset back.
   * @param {string} name
   */
  async forget(name) {
    for (const adapter of this.#adapters) await adapter.forget?.(name);
  }

  /**
   * Does what a button stands for at present.
   * @param {string} button see HeadsetButton
   * @param {boolean} [on] of a button that tells how it stands
   */
  async press(button, on) {
    const action = this.#meaning(button, on);
    this.emit("button", button, action !== null);
    try {
      await action?.();
    } catch (error) {
      this.emit("error", asPhoneError(error));
    }
    this.#show({ anew: true }); // it may have gone ahead of a call that did not follow
  }

  // ---- inside

  /** @returns {Situation} */
  #situation() {
    const calls = [...this.#phone.calls.values()].sort((one, other) => one.startedAt - other.startedAt);
    const current = calls.filter(({ state }) => state !== "incoming" && state !== "ended");
    const chosen = /** @type {any} */ (this.#inHand());
    const inHand = current.includes(chosen) ? chosen : (current.find((call) => !call.held) ?? current[0] ?? null);
    const incoming = calls.find(({ state }) => state === "incoming") ?? null;
    return /** @type {any} */ ({ incoming, current, inHand });
  }

  /**
   * Returns what a button is to do; null for nothing.
   * @param {string} button
   * @param {boolean} [on]
   * @returns {(() => unknown) | null}
   */
  #meaning(button, on) {
    const { incoming, current, inHand } = this.#situation();
    const { answer, reject, hangup, mute, hold, digit, redial } = this.#actions;
    const end = inHand ? () => hangup(inHand) : incoming && (() => reject(incoming));
    const take = incoming && (() => answer(incoming));
    const turn = inHand?.isUp ? () => hold(inHand, on ?? !inHand.held) : null;
    const other = current.find((call) => call !== inHand && call.isUp);
    const key = /^key ([0-9*#])$/.exec(button)?.[1];
    if (key) return inHand?.isUp ? () => digit(inHand, key) : null;
    /** @type {Record<string, (() => unknown) | null>} */
    const meanings = {
      hook: inHand ? end : take,
      answer: take,
      hangup: end,
      drop: end,
      reject: incoming && (() => reject(incoming)),
      mute: inHand && (() => mute(inHand, on ?? !inHand.muted)),
      hold: turn,
      flash: inHand && incoming ? take : other ? () => hold(other, false) : turn,
      redial: inHand || incoming ? null : (redial ?? null),
    };
    return meanings[button] ?? null;
  }

  /** @returns {Actions} */
  #usual() {
    return {
      answer: (call) => call.answer({ hold: true }),
      reject: (call) => call.reject(),
      hangup: (call) => call.hangup(),
      mute: (call, on) => call.mute(on),
      hold: async (call, on) => {
        if (on) return call.hold();
        await this.#phone.holdOthers(/** @type {any} */ (call));
        return call.held ? call.resume() : undefined;
      },
      digit: (call, digit) => call.dtmf(digit),
    };
  }

  /** @returns {HeadsetState} */
  #state() {
    const { incoming, current, inHand } = this.#situation();
    const all = incoming ? [...current, incoming] : current;
    return {
      active: current.length > 0,
      ringing: incoming !== null,
      muted: inHand?.muted ?? false,
      held: inHand?.held ?? false,
      calls: all.map((call) => ({
        id: this.#nameOf(call),
        name: call.displayName || call.peer,
        direction: call.direction,
        ringing: call === incoming,
        held: call.held,
      })),
    };
  }

  /** @param {Call} call */
  #nameOf(call) {
    const known = this.#names.get(call) ?? `call-${(this.#count += 1)}`;
    this.#names.set(call, known);
    return known;
  }

  // Many changes of one moment are shown once.
  #changed() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#show();
    });
  }

  /** @param {{anew?: boolean}} [how] */
  #show(how) {
    if (!this.#off.length) return;
    const state = this.#state();
    for (const adapter of this.#adapters) adapter.show(state, how);
  }
}
