// One call, as a page sees it.

import { checkedDigits, sendDigits } from "./digits.js";
import { Emitter } from "./emitter.js";
import { PhoneError, UNANSWERABLE, asPhoneError, during } from "./errors.js";
import { STATES, asEnding, endingOf, factsOf, identityOf, progressOf, refusalOf, standingOf } from "./facts.js";
import { Negotiation, requireWebRTC } from "./negotiation.js";
import { Referral } from "./referral.js";
import { Sending } from "./sending.js";
import { TAKE } from "./taking.js";
import { Warnings } from "./warnings.js";
import { QualityMonitor } from "./qualityMonitor.js";

/** @import { Attached, CallOptions, CallState, Ending, Sound } from "../grtc.js" */
/** @import { Told } from "./facts.js" */
/** @import { Phone } from "./phone.js" */
/** @import { CallEvents, CallView, GatewayMessage, Farewell } from "./types.js" */

/**
 * @typedef {{direction: "inbound" | "outbound", peer: string, id?: string, offer?: string | null}
 *   & Record<string, unknown>} Beginning beside it what is known of the call (`factsOf`)
 */

/**
 * A call: outbound ones come from `Phone.call`, inbound ones from the phone's event "incoming".
 *
 * Events: "state", "hold", "muted" ({muted}), "sound" (where that is), "media" (remote stream), "quality", "warning"
 * and "warningcleared" ({code, hint}), "identity" ({peer, displayName}), "transfer" ({state, sipCode, reason, hint,
 * warning, sipReason, to}), "dtmf" (digits), "info" ({contentType, body}), "talk", "error" (PhoneError), "lint"
 * ([{rule, text}]), "connectionstate" (of the RTCPeerConnection), "message" (what the gateway says, before it is
 * obeyed), "ended" (what `ended` has). Pages of earlier versions hear "mute" (whether it is) and "way" (as
 * "connectionstate") as well.
 * @extends {Emitter<CallEvents>}
 */
export class Call extends Emitter {
  /** The gateway's id of the call; empty while it has given none. */
  id = "";
  /** @type {"inbound" | "outbound"} */
  direction;
  /** The far side's number or user name. */
  peer = "";
  displayName = "";
  /** Whether the caller wants not to be known. */
  anonymous = false;
  /** What the caller dialled. */
  called = "";
  /** @type {{number: string, reason: string}[]} */
  diversion = [];
  /** @type {Record<string, string>} header fields that were asked for */
  headers = {};
  /** How the caller's number was verified (RFC 8224). */
  verstat = "";
  /** @type {Attached[]} what the far side has attached */
  data = [];
  uuid = "";
  /** @type {number | null} seconds after which it may be answered without a click; null for not at all */
  autoAnswer = null;
  /** Whether the caller wants an offer of ours. */
  wantsOffer = false;
  /** @type {CallState} */
  state;
  held = false;
  heldByPeer = false;
  muted = false;
  /** @type {Sound} where the sound is, of the agent's several pages */
  sound = "here";
  /** Whether the phone tells nobody of it, as of the call of a check. */
  hidden = false;
  /** Milliseconds, as of `Date.now()`. */
  startedAt = Date.now();
  /** @type {number | null} */
  answeredAt = null;
  /** @type {number | null} */
  endedAt = null;
  /** @type {Ending | null} how it has ended */
  ended = null;
  #phone;
  #negotiation;
  #sending;
  #tellingMute = false;
  #monitor;
  /** @type {string | null} */
  #offer; // of a call that rings here; null when the caller wants ours
  #referral = new Referral();
  #warnings = new Warnings((name, warning) => {
    this.emit(name, warning);
    this.#changed();
  });

  /**
   * @param {Phone} phone
   * @param {Beginning} beginning
   */
  constructor(phone, { direction, peer, id = "", offer = null, ...about }) {
    super();
    this.#phone = phone;
    this.#negotiation = new Negotiation(this, phone.wire, phone.platform);
    this.#negotiation.shape = (sdp, type) => phone.shape(sdp, type, this);
    this.#negotiation.servers = () => phone.configuration();
    this.#negotiation.flowing = () => this.#monitor.flowing;
    this.#sending = new Sending(this, phone, this.#negotiation);
    this.#monitor = new QualityMonitor(this, phone.wire, () => phone.limits);
    this.#offer = offer;
    this.direction = direction;
    const wantsOffer = direction === "inbound" && !offer;
    Object.assign(this, factsOf({ ...about, peer }), { id, peer, wantsOffer });
    this.state = direction === "inbound" ? "incoming" : "calling";
  }

  /** The RTCPeerConnection; null while there is none. */
  get connection() {
    return this.#negotiation.media.pc;
  }

  /** What we send. */
  get localStream() {
    return this.#negotiation.media.localStream;
  }

  /** What the far side sends. */
  get remoteStream() {
    return this.#negotiation.media.remoteStream;
  }

  /** Codes of the warnings that hold at present. */
  get warnings() {
    return this.#warnings.codes;
  }

  /** What is to be said of the media until now, of all of the call when it is over; null before it is up. */
  get verdict() {
    return this.#monitor.verdict;
  }

  /** Whether it is over. */
  get isOver() {
    return this.state === "ended";
  }

  /** Whether it was answered and is not over. */
  get isUp() {
    return this.state === "established";
  }

  /** Whether this page has the sound, or is the one that would. */
  get isHere() {
    return this.sound === "here";
  }

  // ---- what a page can do

  /**
   * Answers a call that rings here; `hold` puts others on hold. When the microphone is refused it goes on ringing.
   * @param {CallOptions} [options]
   */
  async answer({ audio = true, video = false, data = [], stream = null, hold = false } = {}) {
    this.#require("answer", "incoming");
    this.#change("answering");
    try {
      requireWebRTC(this.#offer);
      await this.#sending.prepare({ audio, video, stream });
      if (hold) await this.#phone.holdOthers(this);
      if (this.isOver) throw new PhoneError("call_ended");
      await this.#negotiation.takeCall(this.#offer, data);
    } catch (error) {
      await this.#notAnswered(during("answer", asPhoneError(error), this));
    }
    if (!this.isOver) this.#established();
  }

  /** Brings the sound here from another page of the agent. Fulfilled when it is here. */
  async useHere() {
    this.#require("use here", "established");
    if (this.isHere) return;
    try {
      await this.#sending.prepare({ audio: true });
      await this.#negotiation.renew({ fresh: true, here: true, prepared: true });
      this.#soundIs("here");
    } catch (error) {
      if (!this.isHere) this.#sending.release();
      throw during("use_here", asPhoneError(error), this);
    }
  }

  /**
   * What will never work is refused; all else may be tried again.
   * @param {PhoneError} error
   */
  async #notAnswered(error) {
    if ((UNANSWERABLE.includes(error.code) || error.details.lint) && !this.isOver) {
      await this.#leave("reject", { code: 488 }, { ...asEnding(error), sipCode: 488 }).catch(() => {});
    }
    if (!this.isOver) this.#sending.release();
    if (error.code === "sound_elsewhere") this.soundTold({ cause: "elsewhere", state: "ESTABLISHED" });
    else if (this.state === "answering") this.#change("incoming");
    throw error;
  }

  /** Rejects a call that rings here. */
  async reject(code = 486) {
    this.#require("reject", "incoming", "answering");
    await this.#leave("reject", { code }, { sipCode: code });
  }

  /** Ends the call, whatever its state is; fine when it is over. */
  async hangup() {
    if (!this.isOver) await this.#leave("hangup", {}, {});
  }

  /**
   * @param {Farewell} verb
   * @param {Record<string, unknown>} fields
   * @param {Told} told
   */
  async #leave(verb, fields, told) {
    await this.#monitor.finish();
    if (this.isOver) return; // meanwhile
    this.end({ cause: "local", ...told });
    if (this.id) await this.#phone.endAtGateway(verb, this.id, fields);
  }

  /** Puts the call on hold. */
  async hold() {
    await this.#order("hold");
    this.#holdChanged(true, "local");
  }

  /** Takes the call from hold. */
  async resume() {
    await this.#order("resume");
    this.#holdChanged(false, "local");
  }

  /** Sends silence instead of the microphone, or the microphone again. */
  mute(on = true) {
    if (!this.#sending.mute(Boolean(on))) return;
    this.#changed();
    this.#tellMute();
  }

  /** Lets the other pages know, one after the other: of two orders under way the first could arrive last. */
  async #tellMute() {
    if (this.#tellingMute) return;
    this.#tellingMute = true;
    for (let told = null; this.id && !this.isOver && told !== this.muted;) {
      told = this.muted;
      await this.#phone.wire.order("mute", this.id, { on: told }).catch(() => {});
    }
    this.#tellingMute = false;
  }

  /**
   * Sends digits: in the media (RFC 4733), or by SIP INFO where the far side takes none there or `by` is "info".
   * Times are milliseconds. Fulfilled when the last one was sent.
   * @param {string} digits
   * @param {import("./digits.js").DigitOptions} [options]
   */
  async dtmf(digits, options = {}) {
    const known = checkedDigits(digits);
    this.#require("send digits in", "established");
    await sendDigits(this.#negotiation.media, known, options, (fields) => this.#order("dtmf", fields));
  }

  /**
   * Transfers the far side to a number. Fulfilled when the transfer succeeded, and this call is over; rejected with
   * "transfer_failed" when it did not, and this call goes on. The event "transfer" tells what happens meanwhile.
   * @param {string} to
   */
  transfer(to) {
    return this.#refer({ to });
  }

  /**
   * Connects the far sides of this call and another one (attended transfer); see `transfer`.
   * @param {Call} other
   */
  transferTo(other) {
    return this.#refer({ to_call: other.id });
  }

  /** @param {Record<string, unknown>} fields */
  async #refer(fields) {
    this.#require("transfer", "established");
    return this.#referral.begin(
      () => this.#order("transfer", fields),
      () => this.isOver,
    );
  }

  /**
   * Sends data by SIP INFO.
   * @param {string} body
   * @param {string} [contentType]
   */
  async sendInfo(body, contentType = "text/plain") {
    await this.#order("info", { content_type: contentType, body });
  }

  /** Finds another way for the media: an offer with new ICE credentials. Fulfilled when it was answered. */
  restartIce() {
    return this.#negotiation.restart();
  }

  /**
   * Sends these tracks in place of what is sent now; what was not sent before is heard after the next offer.
   * @param {MediaStreamTrack[]} tracks
   */
  send(tracks) {
    return this.#negotiation.media.send(tracks);
  }

  /**
   * Makes an offer; with `fresh` of a new connection, with `video` for video, too. Fulfilled when it was answered.
   * @param {import("./types.js").OfferOptions} [options]
   */
  renegotiate(options = {}) {
    return this.#negotiation.renew(options);
  }

  /** Returns the quality since the last sample; see the event "quality". */
  quality() {
    return this.#monitor.look();
  }

  /** Returns how loud the far side is now, 0 to 1. */
  level() {
    return this.#negotiation.media.level();
  }

  // ---- what the phone does with it

  /**
   * Places the call.
   * @param {{audio: boolean, video: boolean, stream: MediaStream, data: Attached[]}} wanted
   */
  async place({ audio, video, stream, data }) {
    try {
      await this.#sending.prepare({ audio, video, stream });
      const placed = await this.#negotiation.place(this.peer, data);
      if (placed && this.isOver) await this.#phone.endAtGateway("hangup", placed.callId);
      else if (placed) this.#phone.named(this, placed.callId);
    } catch (error) {
      const failure = during("call", asPhoneError(error), this);
      this.end(asEnding(failure));
      throw failure;
    }
  }

  /**
   * Takes one message of the gateway.
   * @param {GatewayMessage} message
   */
  take(message) {
    const take = TAKE[message.messageType];
    if (this.isOver || !take) return;
    this.emit("message", message);
    take(this, message);
  }

  /**
   * Goes on with a call of the page before a reload.
   * @param {CallView} view
   * @param {{muted?: boolean}} [kept]
   */
  async takeUp(view, { muted = false } = {}) {
    Object.assign(this, standingOf(view, muted));
    if (this.isUp && this.isHere) this.#monitor.start();
    this.#changed();
    if (!this.isHere) return;
    try {
      const prepared = this.#sending.prepare({ audio: true });
      this.#negotiation.waitFor(prepared); // or a wish for an offer would be met without a microphone, and then again
      await prepared;
      if (this.isUp) await this.#negotiation.renew({ fresh: true, prepared: true });
    } catch (error) {
      this.emit("error", asPhoneError(error));
    }
  }

  /**
   * Notes that it is over; `goesOn`: with another page, which has taken everything over.
   * @param {Told} [told]
   * @param {{goesOn?: boolean}} [options]
   */
  end(told = {}, { goesOn = false } = {}) {
    if (this.isOver) return;
    this.ended = endingOf(told, this.state === "incoming");
    this.endedAt = Date.now();
    this.unwatch();
    this.#warnings.clear();
    this.#change("ended");
    if (goesOn) this.#sending.leave();
    else {
      this.#negotiation.close();
      this.#sending.release();
    }
    this.#referral.over(this.ended);
    this.emit("ended", this.ended);
    this.#phone.over(this);
  }

  /** Tells nobody any more how its media are. */
  unwatch() {
    this.#monitor.stop();
  }

  /** Takes a new track of the microphone in place of the one that it has. */
  renewTrack() {
    return this.#sending.renew();
  }

  /** Looks whether media still arrive, after the network or the gateway was away, and for another way if not. */
  networkChanged() {
    if (this.isUp && this.isHere) this.#negotiation.lookAfter();
  }

  /**
   * Notes whether something is wrong that the page should tell.
   * @param {import("../grtc.js").Warning["code"]} code
   * @param {boolean} on
   */
  warn(code, on) {
    this.#warnings.set(code, on);
  }

  // ---- inside

  /** @param {GatewayMessage} message */
  answered(message) {
    if (message.data) this.data = message.data;
    const early = Boolean(message.moreComing);
    this.#negotiation.answered(message.sdp ?? "", early).then(
      () => (early ? this.#early() : this.#established()),
      // an early one may be another far side's than the last
      (error) => (early ? undefined : this.#unusable(asPhoneError(error))),
    );
  }

  #early() {
    if (["calling", "ringing"].includes(this.state)) this.#change("early");
  }

  /**
   * The answer cannot be used. A call that is up goes on as it was; of one that is not its end tells all.
   * @param {PhoneError} error
   */
  async #unusable(error) {
    if (this.isUp) this.emit("error", error);
    if (this.isUp || this.isOver) return;
    this.end(asEnding(error));
    await this.#phone.endAtGateway("hangup", this.id);
  }

  /** @param {GatewayMessage} message */
  offered({ sdp: told, cause }) {
    const sdp = told ?? null;
    const again = this.state === "answering" && sdp === this.#offer && !cause;
    if (this.state === "incoming") this.#offer = sdp; // told again: the page has signed in again
    if (this.state === "incoming" || again) return;
    this.#negotiation.offered(sdp).catch((error) => this.emit("error", asPhoneError(error)));
  }

  ringing() {
    if (this.state === "calling") this.#change("ringing");
  }

  /** @param {GatewayMessage} message */
  heldOrResumed({ messageType, cause }) {
    this.#holdChanged(messageType === "HOLD", cause);
  }

  /**
   * Another page has answered, placed or taken the call; or the one that had it is gone.
   * @param {{cause?: string, state?: string}} message
   */
  soundTold({ cause, state = "" }) {
    const now = STATES[state];
    this.#soundIs(/** @type {Sound} */ (cause));
    if (!now || now === this.state || this.isUp) return;
    if (now === "established") this.answeredAt = Date.now();
    this.#change(now);
  }

  /** @param {Sound} where */
  #soundIs(where) {
    if (where === this.sound) return;
    const had = this.isHere;
    this.sound = where;
    if (had) {
      this.unwatch();
      this.#warnings.clear();
      this.#sending.leave();
    } else if (this.isHere && this.isUp) {
      this.#monitor.start();
      this.#sending.speak();
    }
    this.emit("sound", where);
    this.#changed();
  }

  /** @param {GatewayMessage} message */
  muteTold({ cause }) {
    if (this.#sending.mute(cause === "ON")) this.#changed();
  }

  talk() {
    this.emit("talk");
    if (this.state !== "incoming" || !this.#phone.options.answerOnTalk) return;
    this.answer().catch((error) => this.emit("error", error));
  }

  /** @param {GatewayMessage} message */
  transferred(message) {
    const progress = progressOf(message);
    this.#referral.told(progress);
    this.emit("transfer", progress);
  }

  /** @param {GatewayMessage} message */
  renamed(message) {
    Object.assign(this, identityOf(message, this.peer));
    this.emit("identity", { peer: this.peer, displayName: this.displayName });
    this.#changed();
  }

  /** @param {GatewayMessage} message */
  failed(message) {
    if (message.state === "ENDED") {
      this.end(message);
      return;
    }
    if (message.cause === "withdrawn") return; // an offer of the far side
    const error = refusalOf(message);
    this.#negotiation.refused(error);
    if (message.cause !== "glare") this.emit("error", error);
  }

  #established() {
    if (this.isOver || this.isUp) return;
    this.answeredAt = Date.now();
    this.#change("established");
    this.#monitor.start();
  }

  /**
   * @param {boolean} on
   * @param {string | undefined} by
   */
  #holdChanged(on, by) {
    const name = by === "peer" ? "heldByPeer" : "held";
    if (this[name] === on) return;
    this[name] = on;
    this.#sending.speak();
    this.emit("hold");
    this.#changed();
    if (!on && !this.held && this.isHere) this.#negotiation.resumed();
  }

  /**
   * @param {string} verb
   * @param {Record<string, unknown>} [fields]
   */
  async #order(verb, fields) {
    this.#require(verb, "established", "early", "ringing");
    try {
      return await this.#phone.wire.order(verb, this.id, fields);
    } catch (error) {
      throw during(verb, error);
    }
  }

  /**
   * @param {string} what
   * @param {CallState[]} states
   */
  #require(what, ...states) {
    if (this.isOver) throw new PhoneError("call_ended");
    if (states.includes(this.state)) return;
    throw new PhoneError("wrong_state", { hint: `One cannot ${what} a call that is ${this.state}.` });
  }

  /** @param {CallState} state */
  #change(state) {
    this.state = state;
    this.emit("state", state);
    this.#changed();
  }

  #changed() {
    if (!this.hidden) this.#phone.emit("call", this);
  }
}
