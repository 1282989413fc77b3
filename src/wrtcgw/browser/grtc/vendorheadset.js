// An adapter to npm's `softphone-vendor-headsets` (MIT, of Genesys): makers' own ways to Poly, EPOS, Jabra, Yealink and
// others. A page that wants it installs it, and hands its HeadsetService in; nothing of it is here.

/** @import { HeadsetAdapter, HeadsetCall, HeadsetState, HeadsetTold, VendorHeadsetService } from "../grtc.js" */

/**
 * What its events mean: a button, and the field of the event that says how it stands.
 * @type {Record<string, [string, string?]>}
 */
const MEANINGS = {
  deviceAnsweredCall: ["answer"],
  deviceRejectedCall: ["reject"],
  deviceEndedCall: ["hangup"],
  deviceMuteStatusChanged: ["mute", "isMuted"],
  deviceHoldStatusChanged: ["hold", "holdRequested"],
};

/** @implements {HeadsetAdapter} */
export class VendorHeadset {
  isSupported = true;
  /** @type {HeadsetTold | null} */
  #told = null;
  /** @type {{unsubscribe: () => void} | null} */
  #subscription = null;
  /** @type {Map<string, HeadsetCall>} */
  #calls = new Map(); // as they were told last
  #muted = false;
  #service;

  /** @param {VendorHeadsetService} service its HeadsetService */
  constructor(service) {
    this.#service = service;
  }

  /** @param {HeadsetTold} told */
  start(told) {
    this.#told = told;
    this.#subscription = this.#service.headsetEvents.subscribe(({ event, payload }) => {
      const [button, field] = MEANINGS[event] ?? [];
      if (button) told.press(button, field ? Boolean(payload?.[field]) : undefined);
      else if (event === "deviceConnectionStatusChanged") told.changed();
    });
  }

  stop() {
    this.#subscription?.unsubscribe();
    this.#subscription = this.#told = null;
    this.#calls.clear();
    this.#ask(() => this.#service.endAllCalls());
  }

  /** @param {HeadsetState} state */
  show({ calls, muted }) {
    const now = new Map(calls.map((call) => [call.id, call]));
    for (const [id, before] of this.#calls) if (!now.has(id)) this.#gone(before, now.size > 0);
    for (const call of calls) this.#is(call, this.#calls.get(call.id), now.size > 1);
    if (muted !== this.#muted) this.#ask(() => this.#service.setMute(muted));
    this.#muted = muted;
    this.#calls = now;
  }

  /**
   * @param {HeadsetCall} call
   * @param {boolean} others
   */
  #gone({ id, ringing }, others) {
    if (ringing) this.#ask(() => this.#service.rejectCall(id));
    else this.#ask(() => this.#service.endCall(id, others));
  }

  /**
   * @param {HeadsetCall} call
   * @param {HeadsetCall | undefined} before
   * @param {boolean} others
   */
  #is({ id, name, ringing, held, direction }, before, others) {
    const about = { conversationId: id, contactName: name };
    if (!before && ringing) this.#ask(() => this.#service.incomingCall(about, others));
    else if (!before && direction === "outbound") this.#ask(() => this.#service.outgoingCall(about));
    else if (!ringing && (!before || before.ringing)) this.#ask(() => this.#service.answerCall(id));
    if (held !== (before?.held ?? false)) this.#ask(() => this.#service.setHold(id, held));
  }

  /** @param {() => unknown} order */
  #ask(order) {
    const { failed = () => {} } = this.#told ?? {};
    Promise.resolve().then(order).catch(failed);
  }
}
