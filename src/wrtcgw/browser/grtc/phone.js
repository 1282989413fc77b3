// A phone: one agent at one gateway, with any number of calls.

import { Call } from "./call.js";
import { Microphone, Speaker, listDevices } from "./devices.js";
import { Emitter } from "./emitter.js";
import { PhoneError, asPhoneError, codeOf, during } from "./errors.js";
import { factsOf } from "./facts.js";
import { PendingHangups } from "./pendingHangups.js";
import { BASE_URL } from "./baseUrl.js";
import { Servers } from "./servers.js";
import { Sources } from "./sources.js";
import { Store, storageOf } from "./store.js";
import { Stream } from "./stream.js";
import { claim, watchBrowser } from "./browserEvents.js";
import { Check } from "./check.js";
import { fieldsOf } from "./who.js";
import { Wire } from "./wire.js";

/** @import { CallOptions, PhoneOptions, Registration } from "../grtc.js" */
/** @import { CallView, GatewayMessage, KeptCall, PhoneEvents, Wanted } from "./types.js" */

/** @type {{gateway: string, events: "auto" | "stream" | "poll", iceServers: "gateway" | RTCIceServer[],
 *   autoAnswer: boolean, answerOnTalk: boolean, play: boolean}} */
const DEFAULTS = {
  gateway: BASE_URL,
  events: "auto",
  iceServers: "gateway",
  autoAnswer: false,
  answerOnTalk: false,
  play: true,
};
const WARNINGS = /** @type {const} */ (["warning", "warningcleared"]);
const LOST = "The gateway was restarted and knows this call no more.";
const AGAIN = [1_000, 2_000, 4_000, 8_000]; // ms between tries to sign in again at a gateway that had forgotten us

/**
 * Events: "registration" ({state, sipCode, reason}), "connection" ({state, error}), "incoming" (Call), "call" (Call,
 * after any change of it), "callended" (Call), "warning" and "warningcleared" ({code, hint, call}), "signedout"
 * ({reason, code}), "error" (PhoneError), "devices", "check" ({name, state, code, value, hint}, as they come).
 * @extends {Emitter<PhoneEvents>}
 */
export class Phone extends Emitter {
  #stream;
  #store;
  #servers;
  #pendingHangups;
  #speaker = new Speaker();
  /** @type {Record<string, any> | null} */
  #credentials = null; // of this page's own sign-in; never stored
  #sources;
  /** @type {Set<Promise<void>>} */
  #placing = new Set();
  /** @type {Map<string, Call>} */
  #hidden = new Map(); // calls of which nobody is told
  #checking = false;
  /** @type {string[]} */
  #over = []; // ids of calls that were over lately
  #count = 0;
  /** @type {(() => void) | null} */
  #claim = null; // gives the session free for another page
  /** @type {(() => void) | null} */
  #leaveAlone = null; // takes our listeners off the browser

  /** @param {PhoneOptions} [options] */
  constructor(options = {}) {
    super();
    this.options = { ...DEFAULTS, ...options };
    this.wire = new Wire(this.options.gateway);
    /** @type {Map<string, Call>} */
    this.calls = new Map();
    /** @type {import("../grtc.js").WarningLimits} */
    this.limits = options.warnings ?? {};
    this.echoNumber = "";
    this.microphone = new Microphone();
    this.#sources = new Sources(this.microphone);
    /** @type {NonNullable<PhoneOptions["shape"]>} */
    this.shape = this.options.shape ?? ((sdp) => sdp);
    /** @type {"online" | "offline"} */
    this.connection = "offline";
    /** @type {Registration} */
    this.registration = { state: "SIGNED_OUT", sipCode: 0, reason: "" };
    this.dn = this.displayName = "";
    this.guest = false;
    this.#store = new Store(storageOf(options), `grtc-session ${this.wire.api}${options.name ?? ""}`);
    this.#pendingHangups = new PendingHangups(this.wire);
    this.#servers = new Servers(this.wire, this.options);
    this.#stream = new Stream(this.wire, {
      mode: this.options.events,
      take: (message) => this.#take(message),
      changed: (state, error) => this.#connectionChanged(state, error),
      lost: (error) => this.#lost(error),
    });
    this.microphone.on("changed", () => this.#renewTracks());
    this.microphone.on("error", (error) => this.emit("error", error));
  }

  /** The agent's id at the gateway. */
  get id() {
    return this.wire.id;
  }

  /** Whether somebody is signed in. */
  get isSignedIn() {
    return Boolean(this.wire.token);
  }

  /** How messages come at present: "stream" or "poll". */
  get way() {
    return this.#stream.way;
  }

  // ---- coming and going

  /**
   * Signs a number in, or a guest (`{guest: true}`), and begins to listen. Calls that an earlier page of this number
   * has left come back. A `token` of the gateway's identity provider stands for the password, and for the number when
   * it allows only one; a fresh one of the same agent keeps the calls.
   * @param {import("./who.js").Who} who
   */
  async signIn(who) {
    const fields = fieldsOf(who, this);
    const { dn = "", displayName = "", guest = false } = who;
    if (this.isSignedIn && this.id !== fields.id) await this.signOut();
    const answer = await this.wire.signIn(fields).catch((error) => {
      throw during("sign_in", error);
    });
    this.#stream.stop();
    this.#claim?.();
    this.#claim = await claim(`grtc ${this.id}`, { steal: true });
    Object.assign(this, { dn: answer.dn ?? dn, displayName, guest });
    this.#credentials = fields;
    this.#store.clear();
    this.#store.keep({ id: this.id, dn: this.dn, token: this.wire.token, displayName, guest });
    this.#begin(undefined);
    for (const view of (await this.#own()).calls) this.#takeUp(view); // of a page that was lost
  }

  /**
   * Goes on with the session that this tab had before a reload; its calls come back, with new media.
   * @returns {Promise<boolean>} whether there was one
   */
  async resume() {
    const before = this.#store.read();
    if (!before) return false;
    this.#claim ??= await claim(`grtc ${before.id}`);
    if (!this.#claim) return false; // a copy of the tab: the session is the first one's
    Object.assign(this.wire, { id: before.id, token: before.token });
    let own;
    try {
      own = await this.#own();
    } catch (error) {
      this.#forget({ keep: codeOf(error) === "gateway_unreachable" }); // the session may be there when the gateway is
      if (error instanceof PhoneError && [401, 403, 404].includes(error.status)) return false;
      throw error;
    }
    Object.assign(this, { dn: before.dn, displayName: before.displayName ?? "", guest: Boolean(before.guest) });
    this.#begin(before.last, this.guest ? undefined : own.registration);
    for (const view of own.calls) this.#takeUp(view, before.calls?.[view.callId]);
    for (const id of Object.keys(before.calls ?? {})) if (!this.calls.has(id)) this.#store.dropCall(id);
    return true;
  }

  /** Ends all calls and the session. */
  async signOut() {
    if (!this.isSignedIn) return;
    this.#lookAway();
    try {
      await this.wire.signOut();
    } finally {
      this.#signedOut("signed out");
    }
  }

  /** Signs out without waiting for anything: for a page that goes away for good. A reload has to be without it. */
  leave() {
    if (!this.isSignedIn) return;
    this.wire.signOut({ keepalive: true }).catch(() => {});
    this.#lookAway();
    this.#forget();
  }

  // What the gateway has for this agent, its wishes for the page among it.
  async #own() {
    const own = await this.wire.own();
    this.limits = { ...own.warnings, ...this.options.warnings };
    this.echoNumber = own.echoNumber ?? "";
    return own;
  }

  /**
   * Looks whether calls can be made from here: microphone, speaker, codecs, gateway, registration, each STUN and TURN
   * server, and a call to the echo number. Never rejected for what it finds; only with the reason of `signal`, and with
   * "wrong_state" while another check is under way.
   * @param {import("../grtc.js").CheckOptions} [options]
   * @returns {Promise<import("../grtc.js").CheckReport>}
   */
  async check(options = {}) {
    if (this.#checking) throw new PhoneError("wrong_state", { hint: "A check is under way." });
    this.#checking = true;
    try {
      return await new Check(this, options).run();
    } finally {
      this.#checking = false;
    }
  }

  // The session is about to end: nothing more is asked of it, and nothing more told.
  #lookAway() {
    this.#stream.stop();
    for (const call of this.calls.values()) call.unwatch();
  }

  /**
   * @param {number | undefined} last
   * @param {Registration} [registration]
   */
  #begin(last, registration = { state: "REGISTERED", sipCode: 0, reason: "" }) {
    this.registration = registration;
    this.#leaveAlone ??= watchBrowser({
      network: () => this.#networkChanged(),
      awake: () => this.#awoken(),
      devices: () => this.emit("devices"),
    });
    this.#stream.online = true;
    this.#stream.start(last);
    this.#connectionChanged("online");
    this.emit("registration", this.registration);
  }

  #forget({ keep = false } = {}) {
    if (!keep) this.#store.clear();
    this.#credentials = null;
    this.wire.token = "";
    this.#leaveAlone?.();
    this.#claim?.();
    this.#leaveAlone = this.#claim = null;
  }

  /**
   * @param {string} reason
   * @param {string} [code]
   */
  #signedOut(reason, code = "") {
    this.#stream.stop();
    this.#forget();
    this.#pendingHangups.clear();
    const all = [...this.calls.values(), ...this.#hidden.values()];
    for (const call of all) call.end({ cause: "signed-out", hint: reason });
    this.registration = { state: "SIGNED_OUT", sipCode: 0, reason };
    this.connection = "offline";
    this.emit("registration", this.registration);
    this.emit("signedout", { reason, code });
  }

  // ---- calls

  /**
   * Calls a number. Fulfilled when the gateway has taken the call; what becomes of it is told by its events. A number
   * that the gateway would not call is refused before the microphone is asked for. Calls that are up stay as they are,
   * with the agent heard in all of them, unless `hold` puts them on hold first.
   * @param {string | number} to
   * @param {CallOptions & {hidden?: boolean}} [options] `hidden`: the phone tells nobody of it, and plays nothing
   * @returns {Promise<Call>}
   */
  async call(to, { audio = true, video = false, data = [], stream = null, hold = false, hidden = false } = {}) {
    if (!this.isSignedIn) throw new PhoneError("not_signed_in");
    const number = String(to).trim();
    if (!stream) await this.#servers.check(number);
    const own = stream ?? new MediaStream(await this.tracks({ audio, video }));
    try {
      if (hold) await this.holdOthers();
    } catch (error) {
      own.getTracks().forEach((track) => this.giveBack(track));
      throw error;
    }
    const call = new Call(this, { direction: "outbound", peer: number, data });
    call.hidden = hidden;
    this.#add(call, `local-${(this.#count += 1)}`);
    if (!hidden) this.emit("call", call);
    const placing = call.place({ audio, video, stream: own, data });
    this.#placing.add(placing);
    try {
      await placing;
    } finally {
      this.#placing.delete(placing);
    }
    return call;
  }

  /**
   * Puts all calls on hold but this one.
   * @param {Call | null} [but]
   */
  async holdOthers(but = null) {
    for (const call of this.calls.values()) if (call !== but && call.isUp && !call.held) await call.hold();
  }

  /**
   * @param {Call} call
   * @param {string} key
   */
  #add(call, key) {
    this.#among(call).set(key, call);
    if (call.hidden) return;
    call.on("media", (stream) => this.#play(call, stream));
    call.on("error", (error) => this.emit("error", error));
    for (const name of WARNINGS) call.on(name, (warning) => this.emit(name, { ...warning, call }));
  }

  /**
   * Notes the id that the gateway has given to a call; for the call itself.
   * @param {Call} call
   * @param {string} id
   */
  named(call, id) {
    const calls = this.#among(call);
    for (const [key, each] of calls) if (each === call) calls.delete(key);
    call.id = id;
    calls.set(id, call);
    if (!call.hidden) this.emit("call", call);
  }

  /** @param {Call} call */
  #among(call) {
    return call.hidden ? this.#hidden : this.calls;
  }

  /** @param {string} id */
  #find(id) {
    return this.calls.get(id) ?? this.#hidden.get(id);
  }

  /**
   * Keeps something of a call for the page after a reload; for the call itself.
   * @param {Call} call
   * @param {KeptCall} fields
   */
  remember(call, fields) {
    if (call.id) this.#store.keepCall(call.id, fields);
  }

  /**
   * Notes that a call is over; for the call itself.
   * @param {Call} call
   */
  over(call) {
    const calls = this.#among(call);
    for (const [key, each] of calls) if (each === call) calls.delete(key);
    if (call.id) {
      this.#over = [...this.#over.slice(-50), call.id];
      this.#store.dropCall(call.id);
    }
    this.#speaker.stop(call);
    if (!call.hidden) this.emit("callended", call);
  }

  /**
   * Ends a call at the gateway, now or when it can be reached again; for the call itself.
   * @param {import("./types.js").Farewell} verb
   * @param {string} id
   * @param {Record<string, unknown>} [fields]
   */
  endAtGateway(verb, id, fields) {
    return this.#pendingHangups.say(verb, id, fields);
  }

  // ---- messages

  /** @param {GatewayMessage} message */
  async #take(message) {
    const { messageType: type, callId } = message;
    this.#store.keep({ last: message.seq });
    if (type === "SIGNED_OUT") return this.#toldSignedOut(message);
    if (type === "REGISTRATION") return this.#registrationChanged(message);
    if (this.#over.includes(callId)) return undefined;
    if (!this.#find(callId)) {
      if (type === "OFFER" && message.cause !== "resync") return this.#incoming(message);
      await Promise.allSettled(this.#placing); // it may be about a call whose id is still on its way
    }
    return this.#find(callId)?.take(message);
  }

  /** @param {GatewayMessage} message */
  #toldSignedOut({ reason = "", cause = "" }) {
    if (["stopping", "page-lost"].includes(cause) && this.#credentials) this.#signInAgain(reason);
    else this.#signedOut(reason || "signed out by the gateway");
  }

  /** @param {GatewayMessage} message */
  #registrationChanged({ state, sipCode = 0, reason = "", hint = "", warning = "", sipReason = "" }) {
    const known = /** @type {Registration["state"]} */ (state);
    this.registration = { state: known, sipCode, reason, hint, warning, sipReason };
    this.emit("registration", this.registration);
  }

  /** @param {GatewayMessage} message */
  #incoming(message) {
    const call = new Call(this, {
      ...factsOf(message),
      id: message.callId,
      direction: "inbound",
      peer: message.from ?? "",
      offer: message.sdp,
    });
    this.#store.keepCall(call.id, { offer: message });
    this.#add(call, call.id);
    this.wire.post("ringing", { id: this.id, call: call.id }, {}).catch(() => {}); // a page that sleeps does not say it
    this.emit("incoming", call);
    this.emit("call", call);
    if (!this.options.autoAnswer || call.autoAnswer === null) return;
    const answer = () => call.state === "incoming" && call.answer().catch((error) => this.emit("error", error));
    setTimeout(answer, 1000 * call.autoAnswer);
  }

  /**
   * A call of the page before the reload, as the gateway has it now.
   * @param {CallView} view
   * @param {KeptCall} [kept]
   */
  #takeUp(view, kept) {
    if (this.#find(view.callId)) return;
    if (view.state === "OFFERED") {
      if (kept?.offer) this.#incoming(kept.offer);
    } else if (["DIALLING", "RINGING", "ESTABLISHED"].includes(view.state)) {
      const { callId: id, direction, peer } = view;
      const call = new Call(this, { ...kept?.offer, ...view, id, direction, peer, offer: null });
      this.#add(call, id);
      call.takeUp(view, kept);
    }
  }

  // ---- the way to the gateway

  /**
   * @param {"online" | "offline"} state
   * @param {PhoneError} [error]
   */
  #connectionChanged(state, error) {
    if (state === this.connection) return;
    this.connection = state;
    this.emit("connection", { state, error });
    if (state === "online") this.#lookAfterCalls();
  }

  /**
   * The gateway knows this session no more: another page has it, or the gateway has been restarted.
   * @param {PhoneError} error
   */
  #lost(error) {
    if (error.code === "not_signed_in" && this.#credentials) this.#signInAgain(error.hint);
    else this.#signedOut(error.code === "foreign_session" ? "another page has signed in" : error.hint, error.code);
  }

  /** @param {string} reason */
  async #signInAgain(reason) {
    const credentials = this.#credentials;
    this.#stream.stop();
    this.#connectionChanged("offline", new PhoneError("gateway_unreachable", { hint: reason }));
    for (let attempt = 0; credentials && this.#credentials === credentials; attempt += 1) {
      try {
        await this.wire.signIn(credentials);
        return await this.#signedInAgain();
      } catch (error) {
        const { status, hint, code } = asPhoneError(error, "gateway_unreachable");
        if (status && status < 500 && status !== 429) return this.#signedOut(hint, code);
        const pause = AGAIN[Math.min(attempt, AGAIN.length - 1)] * (0.5 + Math.random() / 2);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return undefined;
  }

  async #signedInAgain() {
    this.#store.keep({ id: this.id, token: this.wire.token, last: undefined });
    this.#begin(undefined);
    const there = new Set((await this.#own()).calls.map(({ callId }) => callId));
    for (const call of [...this.calls.values(), ...this.#hidden.values()]) {
      if (call.id && !there.has(call.id)) call.end({ cause: "lost", hint: LOST });
    }
  }

  // Messages first: without them no answer to an offer of ours would come.
  #networkChanged() {
    this.#stream.renew();
    if (globalThis.navigator?.onLine !== false) this.#lookAfterCalls();
  }

  #awoken() {
    this.#stream.freshen();
    this.#lookAfterCalls();
  }

  #lookAfterCalls() {
    this.calls.forEach((call) => call.networkChanged());
  }

  // ---- sound

  /** Returns microphones, loudspeakers and cameras; their names only once the microphone was allowed. */
  devices() {
    return listDevices();
  }

  /**
   * Uses another microphone from now on, also in the calls that are up.
   * @param {string} deviceId
   */
  setMicrophone(deviceId) {
    return this.microphone.choose(deviceId);
  }

  /**
   * Uses another loudspeaker from now on.
   * @param {string} deviceId
   */
  setSpeaker(deviceId) {
    return this.#speaker.choose(deviceId);
  }

  /** The loudspeaker in use; "" is the browser's choice. */
  get speakerId() {
    return this.#speaker.deviceId;
  }

  /** Returns how loud it is at the microphone, 0 to 1; 0 while there is no call. */
  microphoneLevel() {
    return this.microphone.level();
  }

  /**
   * Returns tracks to send in a call; for the call itself.
   * @param {Wanted} wanted
   */
  tracks(wanted) {
    return this.#sources.lend(wanted);
  }

  /**
   * Takes back a track that a call has sent; for the call itself.
   * @param {MediaStreamTrack} track
   */
  giveBack(track) {
    this.#sources.takeBack(track);
  }

  /** Returns the configuration of a new connection; for the call itself. */
  configuration() {
    return this.#servers.configuration();
  }

  /**
   * @param {Call} call
   * @param {MediaStream} stream
   */
  #play(call, stream) {
    if (this.options.play) this.#speaker.play(call, stream).catch((error) => this.emit("error", error));
  }

  async #renewTracks() {
    for (const call of this.calls.values()) {
      await call.renewTrack().catch((error) => this.emit("error", asPhoneError(error)));
    }
  }
}
