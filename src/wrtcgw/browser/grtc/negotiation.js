// Offer and answer of one call, one at a time, and the way of its media when that breaks.
//
// An offer of ours goes before one of the far side: the gateway yields, and the far side repeats its own. While the
// call is on hold nothing is offered: the gateway resumes with what it has of us, and the offer is made then.

import { PhoneError, asPhoneError, codeOf } from "./errors.js";
import { Lifeline } from "./lifeline.js";
import { lint, whyNotWebRTC } from "./lint.js";
import { Media } from "./media.js";
import { haveCommonCodec } from "./sdp.js";

/** @import { Attached } from "../grtc.js" */
/** @import { Call } from "./call.js" */
/** @import { OfferOptions } from "./types.js" */
/** @import { Wire } from "./wire.js" */

const DISCONNECTED = 2_500; // ms that a connection may be interrupted before it gets another way
const RESTARTS = 5; // tries of that
const MOMENT = 2_000; // ms
const REPEATS = 4; // tries of an offer that the gateway cannot take now
const REPEAT = 1_000; // ms and up to twice that until the next

/** @param {number} time */
const later = (time) => new Promise((resolve) => setTimeout(resolve, time));

/**
 * @typedef {{promise: Promise<void>, done: () => void, failed: (error: PhoneError) => void}} Deferred
 * @typedef {Deferred & {options: OfferOptions, attempt: number, posted: boolean}} Open
 */

export class Negotiation {
  /**
   * @param {Call} call
   * @param {Wire} wire
   * @param {import("./platform.js").Platform} platform
   */
  constructor(call, wire, platform) {
    this.call = call;
    this.wire = wire;
    const hooks = {
      changed: (/** @type {RTCPeerConnectionState} */ state) => this.#wayChanged(state),
      arrived: (/** @type {MediaStream} */ stream) => call.emit("media", stream),
    };
    this.media = new Media(hooks, platform);
    this.flowing = () => true; // whether sound has come in lately
    this.#lifeline = new Lifeline({
      connection: () => this.media.pc,
      flowing: () => this.flowing(),
      lost: () => this.restart().catch(() => {}),
    });
    /** @type {(sdp: string, type: "offer" | "answer") => string} a last hand on our descriptions */
    this.shape = (sdp) => sdp;
    this.servers = async () => this.media.configuration; // those of the time when it is asked
    this.video = false;
    /** @type {OfferOptions | null} */
    this.postponed = null; // an offer that has to be made when it can be
    this.restarts = 0;
  }

  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  #lifeline;
  /** @type {Open | null} our offer inside the call */
  #open = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * Does `work` when all that was begun before it is done.
   * @template T
   * @param {() => T | Promise<T>} work
   * @returns {Promise<T>}
   */
  inTurn(work) {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  /**
   * Lets what comes wait for something that is under way; not for long, as the agent may be asked for the microphone.
   * @param {Promise<unknown>} work
   */
  waitFor(work) {
    this.inTurn(() => Promise.race([work, later(MOMENT)])).catch(() => {});
  }

  /**
   * Posts the offer of a new call.
   * @param {string} to
   * @param {Attached[]} [data]
   * @returns {Promise<{callId: string} | null>}
   */
  place(to, data) {
    return this.inTurn(async () => {
      const sdp = this.shape(await this.media.offer({ video: this.video }), "offer");
      if (this.call.isOver) return null;
      const unseen = this.call.hidden ? { hidden: true } : {};
      return this.wire.describe({ messageType: "OFFER", to, sdp, ...attached(data), ...unseen });
    });
  }

  /**
   * Posts the answer to a call that rings here; to one without an offer, an offer.
   * @param {string | null} offer
   * @param {Attached[]} [data]
   */
  takeCall(offer, data) {
    return this.inTurn(async () => {
      if (offer) this.#inspect(offer, "offer");
      const { video } = this;
      const local = offer ? await this.media.answer(offer, { video }) : await this.media.offer({ video });
      const messageType = offer ? "ANSWER" : "OFFER";
      const sdp = this.shape(local, offer ? "answer" : "offer");
      await this.#deliver({ messageType, callId: this.call.id, sdp, ...attached(data) });
    });
  }

  /**
   * A lost response is no lost answer: it is posted again, and the gateway says when it has it already.
   * @param {import("./wire.js").Description} message
   */
  async #deliver(message) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.wire.describe(message);
      } catch (error) {
        const { code, details } = asPhoneError(error);
        if (attempt && code === "wrong_state" && details.state === "established") return null;
        if (code !== "gateway_unreachable" || attempt === 2 || this.call.isOver) throw error;
        await later(REPEAT);
      }
    }
  }

  /**
   * Takes the far side's answer to an offer of ours.
   * @param {string} sdp
   * @param {boolean} early
   */
  answered(sdp, early) {
    return this.inTurn(async () => {
      if (!this.media.pc) {
        if (!early) this.renew({ fresh: true }); // an earlier page has called
        return;
      }
      this.#inspect(sdp, "answer");
      requireWebRTC(sdp);
      const ours = this.media.pc.localDescription?.sdp;
      if (ours && !haveCommonCodec(ours, sdp)) throw new PhoneError("no_common_codec");
      const known = await this.media.accept(sdp, { early });
      if (early) return;
      this.#settle();
      if (!known) this.renew({ fresh: true });
      else if (this.postponed) this.renew();
    });
  }

  /**
   * Takes an offer of the far side inside the call, or its wish for one of ours.
   * @param {string | null} sdp
   */
  offered(sdp) {
    return this.inTurn(async () => {
      if (this.call.isOver || this.#open?.posted) return; // ours goes before it
      if (!sdp) {
        if (!this.#open?.options.fresh) this.renew({ fresh: true });
        return;
      }
      this.#inspect(sdp, "offer");
      if (this.media.isAnother(sdp)) await this.#renewServers();
      if (this.call.isOver) return;
      const local = this.shape(await this.media.answer(sdp, { video: this.video }), "answer");
      try {
        await this.#deliver({ messageType: "ANSWER", callId: this.call.id, sdp: local });
      } catch (error) {
        if (codeOf(error) !== "wrong_state") throw error;
        this.renew(); // it was withdrawn meanwhile: an offer of ours brings both sides together again
      }
    });
  }

  /**
   * Makes an offer inside the call.
   * @param {OfferOptions} [options]
   * @returns {Promise<void>} fulfilled when the far side has answered it
   */
  renew(options = {}) {
    if (this.call.isOver) return Promise.reject(new PhoneError("call_ended"));
    if ((this.call.held && !options.here) || this.#open) {
      this.postponed = { ...this.postponed, ...options, prepared: false };
      return this.#open?.promise ?? Promise.resolve();
    }
    const open = { ...deferred(), options: { ...this.postponed, ...options }, attempt: 0, posted: false };
    this.#open = open;
    this.postponed = null;
    this.#begin(open);
    return open.promise;
  }

  /** @param {Open} open */
  #begin(open) {
    this.inTurn(() => this.#offer(open)).catch((error) => this.#open === open && this.#fail(error));
  }

  /** @param {Open} open */
  async #offer(open) {
    const { fresh, iceRestart, prepared } = open.options;
    if ((fresh || iceRestart) && !prepared) await this.#renewServers();
    if (this.#open !== open || this.call.isOver) return;
    const sdp = this.shape(await this.media.offer({ video: this.video, ...open.options }), "offer");
    try {
      if (open.options.here) await this.wire.order("use_here", this.call.id, { sdp });
      else await this.wire.describe({ messageType: "OFFER", callId: this.call.id, sdp });
      open.posted = true;
    } catch (error) {
      await this.media.rollback();
      if (codeOf(error) !== "wrong_state" || !this.#repeat(open)) throw error;
    }
  }

  /**
   * Makes an offer again that came at the wrong moment; tells whether there is still a try left.
   * @param {Open} open
   */
  #repeat(open) {
    open.posted = false;
    open.attempt += 1;
    if (open.attempt < REPEATS) setTimeout(() => this.#begin(open), REPEAT * (1 + Math.random()));
    return open.attempt < REPEATS;
  }

  /**
   * Takes the refusal of our offer: all is as it was before.
   * @param {PhoneError} error
   */
  async refused(error) {
    const open = this.#open;
    if (!open?.posted) return;
    await this.inTurn(() => this.media.rollback());
    if (error.details.cause !== "glare" || !this.#repeat(open)) this.#fail(error);
  }

  /** Makes up for what a hold has kept from being done. */
  resumed() {
    if (this.postponed || !this.media.pc) this.renew({ ...this.postponed, fresh: !this.media.pc }).catch(() => {});
    else this.inTurn(() => this.#unsilence()).catch(() => {});
  }

  // The gateway answers a far side that only changes directions by itself: then this side has still the old ones.
  #unsilence() {
    if (this.media.isSilenced && !this.call.heldByPeer) this.renew().catch(() => {});
  }

  /** Finds the media another way if they are lost: the network, or the gateway, was away. */
  lookAfter() {
    if (this.media.pc?.connectionState === "failed") this.restart().catch(() => {});
    else this.#lifeline.look();
  }

  /** Finds the media another way: this one is dead. */
  restart() {
    if (!this.media.pc) return Promise.resolve();
    return this.renew({ iceRestart: true });
  }

  /** Lets the media go, as another page has them; returns the connection, which is the caller's to close. */
  letGo() {
    clearTimeout(this.#timer);
    this.postponed = null;
    this.#fail(new PhoneError("sound_elsewhere"));
    return this.media.detach();
  }

  /** Ends. */
  close() {
    clearTimeout(this.#timer);
    this.#fail(new PhoneError("call_ended"));
    this.media.close();
  }

  // The credentials of the call's beginning may have run out.
  async #renewServers() {
    const configuration = await this.servers();
    if (!this.call.isOver) this.media.renewServers(configuration);
  }

  #settle() {
    const open = this.#open;
    this.#open = null;
    open?.done();
  }

  /** @param {unknown} error */
  #fail(error) {
    const open = this.#open;
    this.#open = null;
    open?.failed(asPhoneError(error));
  }

  /**
   * @param {string} sdp
   * @param {"offer" | "answer"} type
   */
  #inspect(sdp, type) {
    const found = lint(sdp, { local: this.media.pc?.localDescription?.sdp, type });
    if (found.length) this.call.emit("lint", found);
  }

  /** @param {RTCPeerConnectionState} state */
  #wayChanged(state) {
    clearTimeout(this.#timer);
    this.call.emit("connectionstate", state);
    this.call.emit("way", state); // as it was named first
    if (state === "connected") this.restarts = 0;
    else if (state === "disconnected") this.#timer = setTimeout(() => this.#repair(), DISCONNECTED);
    else if (state === "failed") this.#repair();
  }

  #repair() {
    if (this.call.isOver || !this.call.isUp) return;
    if (this.media.pc?.connectionState === "failed") this.call.emit("error", new PhoneError("media_failed"));
    if (this.restarts >= RESTARTS) return;
    this.restarts += 1;
    this.#timer = setTimeout(() => this.restart().catch(() => {}), this.restarts > 1 ? 1000 * 2 ** this.restarts : 0);
  }
}

/**
 * Throws when a far side's description is of plain RTP: no browser can do anything with it.
 * @param {string | null} sdp
 */
export function requireWebRTC(sdp) {
  const why = sdp ? whyNotWebRTC(sdp) : "";
  if (!why) return;
  const hint = `The telephone system offers no WebRTC for this call (${why}). Tell your administrator.`;
  throw new PhoneError("no_webrtc", { hint, lint: lint(sdp ?? "") });
}

/** @param {Attached[]} [data] */
function attached(data) {
  return data?.length ? { data } : {};
}

/** @returns {Deferred} */
function deferred() {
  /** @type {Partial<Deferred>} */
  const open = {};
  open.promise = new Promise((resolve, reject) => Object.assign(open, { done: resolve, failed: reject }));
  open.promise.catch(() => {}); // those who want to know wait for it themselves
  return /** @type {Deferred} */ (open);
}
