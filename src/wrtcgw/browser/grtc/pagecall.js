// The one call that a page of the vendor's shape knows: what it is told of it, and what it wants of it.

import { PhoneError, asPhoneError } from "./errors.js";
import { log } from "./logger.js";
import { readForm } from "./params.js";
import { errorType } from "./vendorerrors.js";

/** @import { Attached, CallState, Ending } from "../grtc.js" */
/** @import { Call } from "./call.js" */
/** @import { Client } from "./client.js" */
/** @import { Told } from "./facts.js" */
/** @import { CallEvents, GatewayMessage, Wanted } from "./types.js" */

const MEDIA = ["no_common_codec", "no_webrtc", "media_failed"]; // what an answer can be no good for

/** @type {Partial<Record<CallState, 0 | 1 | 2>>} */
const CALL_STATES = { answering: 1, calling: 2, ringing: 2, early: 2 };

export class PageCall {
  #client;
  /** @type {HTMLAudioElement | null} */
  #early = null; // plays what is heard before the answer
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Map<MediaStreamTrack, boolean>} */
  #enabled = new Map(); // tracks, and whether the page wants them to be sent
  /** @type {Told | null} */
  #failed = null;
  /** @type {Promise<void> | null} */
  #ending = null;
  /** @type {() => void} */
  #accept = () => {};

  /**
   * @param {Client} client
   * @param {Call} call
   * @param {{wants?: Wanted | null, hold?: boolean, again?: boolean}} [about] `again` is a call of
   *   the page before this one
   */
  constructor(client, call, { wants = null, hold = false, again = false } = {}) {
    this.#client = client;
    this.call = call;
    this.wants = wants;
    this.beginsHeld = hold;
    this.again = again;
    this.received = call.direction === "inbound" ? call.data : [];
    this.accepted = /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        this.#accept = resolve;
      })
    );
    this.remember();
    this.#listen();
  }

  get peer() {
    return this.call.peer;
  }

  get isUp() {
    return this.call.isUp;
  }

  get isOver() {
    return this.call.isOver;
  }

  /** Whether the page can accept it. */
  get isPending() {
    return this.again || this.call.state === "incoming";
  }

  get held() {
    return this.beginsHeld || this.call.held;
  }

  /** @returns {0 | 1 | 2 | 3} */
  get callState() {
    if (this.isUp) return 3;
    return CALL_STATES[this.call.state] ?? 0;
  }

  /**
   * The state of the vendor's media session.
   * @returns {import("../grtc.js").MediaSession["state"]}
   */
  get state() {
    if (this.isUp) return "established";
    if (this.call.direction === "outbound") return this.call.id ? "offer-sent" : "preparing-offer";
    return this.call.state === "incoming" ? "offer-received" : "offer-received-preparing-answer";
  }

  #listen() {
    const { call } = this;
    const mine = () => this.#client.page === this;
    /** @type {<Name extends keyof CallEvents>(name: Name, listener: (...told: CallEvents[Name]) => unknown) => void} */
    const listen = (name, listener) => call.on(name, (...details) => mine() && listener(...details));
    listen("message", (message) => this.#message(message));
    listen("state", (state) => this.#stateChanged(state));
    listen("media", () => this.#mediaArrived());
    listen("hold", () => this.#holdChanged());
    listen("talk", () => this.#talk());
    listen("way", (state) => this.#wayChanged(state));
    listen("info", ({ body }) => this.#client.onInfoFromPeer.fire(readForm(body)));
    listen("error", (error) => this.#error(error));
    call.on("ended", (ending) => this.#ended(ending));
  }

  // ---- what is told

  /** @param {GatewayMessage} message */
  #message({ messageType: type, moreComing, data, cause, sdp }) {
    if (!this.call.held) this.remember();
    if (type === "ANSWER" && data) this.received = data;
    if (type === "ANSWER" && !moreComing) this.#client.onCallEvent.fire({ event: "answer received" });
    if (type === "OFFER") this.#client.onCallEvent.fire({ event: sdp ? "offer received" : "invite received" });
    if (cause === "server" && type === "HOLD") this.#notify("hold");
  }

  /** @param {"talk" | "hold"} event */
  #notify(event) {
    queueMicrotask(() => this.#client.onNotifyEvent.fire({ event, peer: this.peer }));
  }

  /** @param {CallState} state */
  #stateChanged(state) {
    this.mute();
    if (state !== "established") return;
    clearTimeout(this.#timer);
    this.#mediaArrived();
  }

  // What is heard before the answer is played, but not told: pages take a remote stream for the answer.
  #mediaArrived() {
    const stream = this.call.remoteStream;
    if (!stream) return;
    if (this.isUp) {
      this.#stopEarly();
      this.#client.theSession().onRemoteStream.fire({ stream });
    } else if (this.call.direction === "outbound") {
      this.#early ??= new Audio();
      this.#early.srcObject = stream;
      this.#early.play().catch((error) => log.info("early media cannot be played:", error.message));
    }
  }

  #stopEarly() {
    if (this.#early) this.#early.srcObject = null;
    this.#early = null;
  }

  #heldByPeer = false;

  #holdChanged() {
    this.mute();
    if (this.call.heldByPeer === this.#heldByPeer) return;
    this.#heldByPeer = this.call.heldByPeer;
    if (this.#heldByPeer) this.#client.theSession().onSessionHold.fire(true);
    else this.#mediaArrived();
  }

  // An agent's desktop answers, or goes on with, the call.
  #talk() {
    if (this.call.state === "incoming") this.accept(this.#client.wanted(this.call.wantsOffer ? "offer" : "answer"));
    this.#notify("talk");
  }

  /** @param {RTCPeerConnectionState} state */
  #wayChanged(state) {
    if (state === "failed" && this.isUp) this.#client.onIceDisconnected.fire({ status: "failed" });
  }

  /** @param {PhoneError} error */
  #error(error) {
    if (error.code === "call_failed") {
      const { sipCode, reason, hint, warning, sipReason } = error;
      this.#client.onGatewayError.fire({ error: errorType(sipCode), sipCode, reason, hint, warning, sipReason });
    } else if (this.call.connection?.connectionState !== "failed") {
      // else onIceDisconnected tells
      this.#client.onWebrtcError.fire({ error });
    }
  }

  /** @param {Ending} ending */
  #ended(ending) {
    clearTimeout(this.#timer);
    this.#stopEarly();
    this.#enabled.forEach((enabled, track) => {
      track.enabled = enabled;
    });
    const { cause, hint } = ending;
    const unusable = this.call.direction === "outbound" && MEDIA.includes(cause);
    if (unusable && this.#client.page === this) this.#error(new PhoneError(cause, { hint }));
    const told = this.#failed !== null || cause !== "local";
    this.#client.over(this, { told, ending: this.#failed ?? ending });
  }

  /** Notes that an offer is out: nobody may answer it. */
  offered() {
    if (this.isUp || this.call.direction !== "outbound" || this.#timer) return;
    this.#timer = setTimeout(() => this.#nobodyAnswers(), this.#client.configuration.noanswerTimeout);
  }

  // Most pages end the call when they are told; for others it is done, as its answer would be heard by nobody.
  #nobodyAnswers() {
    if (this.isUp || this.isOver) return;
    this.#client.onPeerNoanswer.fire({ peer: this.peer });
    if (!this.isOver && !this.isUp) this.end();
  }

  // ---- what the page wants

  /**
   * Accepts it.
   * @param {Wanted} wants
   * @param {{hold?: boolean, data?: Attached[]}} [options]
   */
  accept(wants, { hold = false, data = [] } = {}) {
    if (!this.isPending) {
      log.notice("acceptCall: the call was accepted before");
      return;
    }
    Object.assign(this, { wants, beginsHeld: hold });
    if (this.again) {
      this.again = false;
      this.#accept();
      return;
    }
    const options = { stream: this.#client.outgoing(), audio: wants.audio, video: wants.video, data };
    this.call.answer(options).then(
      () => this.mute(),
      (error) => this.#notAccepted(asPhoneError(error)),
    );
  }

  /** @param {PhoneError} error */
  #notAccepted(error) {
    if (error.code !== "call_ended") this.#client.onWebrtcError.fire({ error });
    if (this.isOver) return;
    this.#failed = { cause: error.code, sipCode: error.sipCode, reason: error.reason, hint: error.hint };
    this.call.reject(488).catch(() => {});
  }

  /** Rejects it, or ends it in whatever state it is. */
  end() {
    /** @type {() => Promise<void>} */
    const end = () => (this.call.state === "incoming" ? this.call.reject() : this.call.hangup());
    this.#ending ??= end().catch((error) => log.info("the end of the call was not taken:", error.message));
    return this.#ending;
  }

  /** Lets go of it: the page signs out. */
  leave() {
    this.call.end({ cause: "local" });
  }

  /**
   * Makes an offer inside it: new media, or a new way for them.
   * @param {Wanted} wants
   * @param {boolean} hold
   */
  offer(wants, hold) {
    Object.assign(this, { wants, beginsHeld: hold });
    const fresh = this.#client.renewSession;
    const broken = ["disconnected", "failed"].includes(this.call.connection?.connectionState ?? "");
    const work = async () => {
      await this.send();
      await this.call.renegotiate({ fresh, iceRestart: broken && !fresh, video: wants.video });
    };
    work().catch((error) => log.info("the offer came to nothing:", error.message));
  }

  /** Sends the page's media as they are now. */
  async send(tracks = this.#client.localStream?.getTracks() ?? []) {
    await this.call.send(tracks);
    this.remember();
  }

  async hold() {
    this.remember();
    await this.#order(() => this.call.hold());
  }

  async resume() {
    if (!this.beginsHeld) return this.#order(() => this.call.resume());
    this.beginsHeld = false;
    return this.#order(() => this.call.renegotiate({}));
  }

  /**
   * What the far side refuses is told as the gateway's error.
   * @param {() => unknown} work
   */
  async #order(work) {
    try {
      await work();
    } catch (error) {
      this.#error(Object.assign(asPhoneError(error), { code: "call_failed" }));
    }
  }

  /**
   * Does something with it; what fails is told.
   * @param {(call: Call) => unknown} work
   */
  order(work) {
    return this.#order(() => work(this.call));
  }

  // ---- mute: the page switches tracks, or this one does; a hold silences them meanwhile

  /** Notes what the page wants to be sent. */
  remember() {
    if (this.call.held) return;
    this.#enabled = new Map((this.#client.localStream?.getTracks() ?? []).map((track) => [track, track.enabled]));
  }

  /**
   * Sends microphone or camera, or does not; undefined leaves it.
   * @param {"audio" | "video"} kind
   * @param {boolean} [on]
   */
  switch(kind, on) {
    if (on === undefined) return;
    for (const track of this.#enabled.keys()) if (track.kind === kind) this.#enabled.set(track, Boolean(on));
    this.mute();
  }

  /** Lets the tracks be as they should be. */
  mute() {
    this.#enabled.forEach((enabled, track) => {
      track.enabled = enabled && !this.call.held;
    });
  }

  /**
   * Whether something of that kind is sent.
   * @param {"audio" | "video"} kind
   */
  sends(kind) {
    const sent = this.call.localStream?.getTracks() ?? [];
    return sent.some((track) => track.kind === kind && track.readyState === "live" && this.#enabled.get(track));
  }
}
