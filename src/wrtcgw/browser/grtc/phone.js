// A phone: one agent at one gateway, with any number of calls.

import { Arrivals } from "./arrivals.js";
import { Call } from "./call.js";
import { Credentials } from "./credentials.js";
import { Microphone, Speaker } from "./devices.js";
import { Emitter } from "./emitter.js";
import { PhoneError, asPhoneError, codeOf, during } from "./errors.js";
import { PageLock } from "./pageLock.js";
import { PendingHangups } from "./pendingHangups.js";
import { completed } from "./phoneOptions.js";
import { Platform } from "./platform.js";
import { Pulse } from "./pulse.js";
import { Roster } from "./roster.js";
import { Servers } from "./servers.js";
import { Sources } from "./sources.js";
import { Store, storageOf } from "./store.js";
import { Stream } from "./stream.js";
import { watchBrowser } from "./browserEvents.js";
import { fieldsOf } from "./who.js";
import { Wire } from "./wire.js";

/** @import { AudioProcessor, AudioShape, CallOptions, PhoneOptions, Registration } from "../grtc.js" */
/** @import { CallView, GatewayMessage, KeptCall, PhoneEvents, Wanted } from "./types.js" */

const WARNINGS = /** @type {const} */ (["warning", "warningcleared"]);
const LOST = "The gateway was restarted and knows this call no more.";

/**
 * Events: "registration" ({state, sipCode, reason}), "connection" ({state, error}), "reconnecting" ({error}) and
 * "reconnected", "incoming" (Call), "call" (Call, after any change of it), "callended" (Call), "warning" and
 * "warningcleared" ({code, hint, call}), "signedout" ({reason, code}), "donotdisturb" (whether), "error" (PhoneError),
 * "devices", "check" ({name, state, code, value, hint}, as they come).
 * @extends {Emitter<PhoneEvents>}
 */
export class Phone extends Emitter {
  #stream;
  #store;
  #servers;
  #pendingHangups;
  #speaker;
  #pulse;
  #credentials;
  #roster = new Roster();
  #arrivals = new Arrivals(this, this.#roster, (call) => this.#listenTo(call));
  #sources;
  /** @type {Set<Promise<void>>} */
  #placing = new Set();
  #checking = false;
  #lock = new PageLock();
  #away = false; // whether the gateway has been lost, and is not back
  /** @type {(() => void) | null} */
  #leaveAlone = null; // takes our listeners off the browser

  /** @param {PhoneOptions} [options] */
  constructor(options = {}) {
    super();
    this.options = completed(options);
    this.wire = new Wire(this.options.gateway);
    this.calls = this.#roster.calls;
    /** @type {import("../grtc.js").WarningLimits} */
    this.limits = options.warnings ?? {};
    this.echoNumber = "";
    this.platform = new Platform(this.options.webrtc);
    this.microphone = new Microphone(this.platform);
    this.microphone.shape = this.options.audio ?? {};
    this.microphone.process = this.options.processAudio ?? null;
    this.#speaker = new Speaker(this.platform);
    this.#sources = new Sources(this.microphone);
    /** @type {NonNullable<PhoneOptions["shape"]>} */
    this.shape = this.options.shape ?? ((sdp) => sdp);
    /** @type {"online" | "offline"} */
    this.connection = "offline";
    /** @type {Registration} */
    this.registration = { state: "SIGNED_OUT", sipCode: 0, reason: "" };
    this.dn = this.displayName = "";
    this.guest = false;
    this.doNotDisturb = false;
    this.#store = new Store(storageOf(options), `grtc-session ${this.wire.api}${options.name ?? ""}`);
    this.#pendingHangups = new PendingHangups(this.wire);
    this.#servers = new Servers(this.wire, this.options);
    this.#credentials = new Credentials(this.wire, {
      signedIn: (answer) => this.#signedInAgain(answer),
      refused: ({ hint, code }) => this.#signedOut(hint, code),
    });
    this.#stream = new Stream(this.wire, {
      mode: this.options.events,
      take: (message) => this.#take(message),
      changed: (state, error) => this.#connectionChanged(state, error),
      lost: (error) => this.#lost(error),
      heard: () => this.#pulse.look(),
    });
    const rings = () => [...this.calls.values()].some(({ state }) => state === "incoming");
    this.#pulse = new Pulse(this.wire, { rings, awake: () => this.#awoken() });
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
    if (this.isSignedIn && this.id !== fields.id && this.dn !== dn) await this.signOut();
    const answer = await this.wire.signIn(fields).catch((error) => {
      throw during("sign_in", error);
    });
    this.#stream.stop();
    await this.#lock.take(this.id, answer.page, { steal: true });
    Object.assign(this, { dn: answer.dn ?? dn, displayName, guest });
    const { take_over: _once, ...credentials } = fields;
    this.#credentials.keep(credentials);
    this.#store.clear();
    this.#store.keep({ id: this.id, dn: this.dn, token: this.wire.token, displayName, guest, page: answer.page });
    /** @type {CallView[]} */
    let left = []; // by a page that was lost
    try {
      const own = await this.#own();
      this.#quieted(own.doNotDisturb);
      left = own.calls;
    } finally {
      this.#begin(undefined); // last, so that who waits for the sign-in hears what was missed as well
    }
    left.forEach((view) => this.#arrivals.takeUp(view));
  }

  /**
   * Goes on with the session that this tab had before a reload; its calls come back, with new media.
   * @returns {Promise<boolean>} whether there was one
   */
  async resume() {
    const before = this.#store.read();
    if (!before) return false;
    if (!(await this.#lock.take(before.id, before.page))) return false; // a copy of the tab
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
    this.#quieted(own.doNotDisturb);
    for (const view of own.calls) this.#arrivals.takeUp(view, before.calls?.[view.callId]);
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
      const code = await import("./check.js").catch(() => null);
      return code ? await new code.Check(this, options).run() : unreachable();
    } finally {
      this.#checking = false;
    }
  }

  // The session is about to end: nothing more is asked of it, and nothing more told.
  #lookAway() {
    this.#stream.stop();
    this.#pulse.stop();
    for (const call of this.calls.values()) call.unwatch();
  }

  /**
   * @param {number | undefined} last
   * @param {Registration} [registration]
   */
  #begin(last, registration = { state: "REGISTERED", sipCode: 0, reason: "" }) {
    import("./check.js").catch(() => {}); // while it can be had: it is wanted when nothing can
    this.registration = registration;
    this.#leaveAlone ??= watchBrowser({
      network: () => this.#networkChanged(),
      awake: () => this.#awoken(),
      seen: () => this.#pulse.look(),
      stops: (word) => this.#pulse.beat(word),
      devices: () => this.emit("devices"),
      source: this.platform.devices,
    });
    this.#stream.online = true;
    this.#stream.start(last);
    if (!this.guest) this.#pulse.start(); // nobody calls a guest
    this.#connectionChanged("online");
    this.emit("registration", this.registration);
  }

  #forget({ keep = false } = {}) {
    if (!keep) this.#store.clear();
    this.#pulse.stop();
    this.#credentials.forget();
    this.wire.token = "";
    this.#leaveAlone?.();
    this.#leaveAlone = null;
    this.#lock.free();
  }

  /**
   * @param {string} reason
   * @param {string} [code]
   */
  #signedOut(reason, code = "") {
    this.#stream.stop();
    this.#forget();
    this.#arrivals.clear();
    this.#pendingHangups.clear();
    const goesOn = code === "foreign_session";
    for (const call of this.#roster.all) call.end({ cause: "signed-out", hint: reason }, { goesOn });
    this.#roster.forget();
    this.#quieted(false);
    this.registration = { state: "SIGNED_OUT", sipCode: 0, reason };
    this.connection = "offline";
    this.#away = false;
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
    const own = stream ?? this.platform.stream(await this.tracks({ audio, video }));
    try {
      if (hold) await this.holdOthers();
    } catch (error) {
      own.getTracks().forEach((track) => this.giveBack(track));
      throw error;
    }
    const call = new Call(this, { direction: "outbound", peer: number, data });
    call.hidden = hidden;
    this.#roster.add(call);
    if (!hidden) {
      this.#listenTo(call);
      this.emit("call", call);
    }
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
   * Lets callers hear that the agent is busy, until it is switched off or the agent signs out.
   * @param {boolean} on
   */
  async setDoNotDisturb(on) {
    if (!this.isSignedIn) throw new PhoneError("not_signed_in");
    await this.wire.post("do_not_disturb", { id: this.id }, { on: Boolean(on) });
    this.#quieted(Boolean(on));
  }

  /** @param {boolean} [on] */
  #quieted(on = false) {
    if (on === this.doNotDisturb) return;
    this.doNotDisturb = on;
    this.emit("donotdisturb", on);
  }

  /** @param {Call} call */
  #listenTo(call) {
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
    this.#roster.named(call, id);
    if (call.hidden) this.remember(call, { hidden: true });
    else this.emit("call", call);
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
    this.#roster.over(call);
    this.#arrivals.drop(call);
    if (call.id) this.#store.dropCall(call.id);
    this.silence(call);
    if (!call.hidden) this.emit("callended", call);
  }

  /**
   * Plays no sound of a call any more; for the call itself.
   * @param {Call} call
   */
  silence(call) {
    this.#speaker.stop(call);
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
    if (type === "DO_NOT_DISTURB") return this.#quieted(message.state === "ON");
    if (this.#roster.wasOver(callId) || this.#arrivals.take(message)) return undefined;
    if (!this.#roster.find(callId)) {
      await Promise.allSettled(this.#placing); // it may be about a call whose id is still on its way
      await this.#arrivals.known(message);
    }
    return this.#roster.find(callId)?.take(message);
  }

  /** @param {GatewayMessage} message */
  #toldSignedOut({ reason = "", cause = "" }) {
    if (["stopping", "page-lost"].includes(cause) && this.#credentials.areKnown) this.#signInAgain(reason);
    else this.#signedOut(reason || "signed out by the gateway");
  }

  /** @param {GatewayMessage} message */
  #registrationChanged({ state, sipCode = 0, reason = "", hint = "", warning = "", sipReason = "" }) {
    const known = /** @type {Registration["state"]} */ (state);
    this.registration = { state: known, sipCode, reason, hint, warning, sipReason };
    this.emit("registration", this.registration);
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
    if (state === "offline") this.emit("reconnecting", { error });
    else if (this.#away) this.emit("reconnected");
    this.#away = state === "offline";
    if (state === "online") this.#lookAfterCalls();
  }

  /**
   * The gateway knows this session no more: another page has it, or the gateway has been restarted.
   * @param {PhoneError} error
   */
  #lost(error) {
    if (error.code === "not_signed_in" && this.#credentials.areKnown) this.#signInAgain(error.hint);
    else this.#signedOut(error.code === "foreign_session" ? "another page has signed in" : error.hint, error.code);
  }

  /** @param {string} reason */
  #signInAgain(reason) {
    this.#stream.stop();
    this.#connectionChanged("offline", new PhoneError("gateway_unreachable", { hint: reason }));
    this.#credentials.signInAgain();
  }

  /** @param {{page?: string}} answer */
  async #signedInAgain({ page }) {
    await this.#lock.take(this.id, page, { steal: true });
    this.#store.keep({ id: this.id, token: this.wire.token, last: undefined, page });
    this.#begin(undefined);
    if (this.doNotDisturb) await this.setDoNotDisturb(true).catch((error) => this.emit("error", asPhoneError(error)));
    const there = new Map((await this.#own()).calls.map((view) => [view.callId, view]));
    for (const call of this.#roster.all) {
      const view = there.get(call.id);
      if (call.id && !view) call.end({ cause: "lost", hint: LOST });
      else if (view?.sound && view.sound !== "here") call.soundTold({ cause: view.sound, state: view.state });
    }
  }

  // Messages first: without them no answer to an offer of ours would come.
  #networkChanged() {
    this.#stream.renew();
    if (globalThis.navigator?.onLine !== false) this.#lookAfterCalls();
  }

  #awoken() {
    this.#pulse.beat();
    this.#stream.freshen();
    this.#lookAfterCalls();
  }

  #lookAfterCalls() {
    this.calls.forEach((call) => call.networkChanged());
  }

  // ---- sound

  /** Returns microphones, loudspeakers and cameras; their names only once the microphone was allowed. */
  devices() {
    return this.platform.list();
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

  /**
   * Has the browser suppress noise and echo or not from now on, also in the calls that are up.
   * @param {AudioShape} shape
   */
  setAudio(shape) {
    return this.microphone.change({ shape: { ...this.microphone.shape, ...shape } });
  }

  /**
   * Has the page make something else of the microphone's sound from now on, also in the calls that are up; null for
   * nothing.
   * @param {AudioProcessor | null} process
   */
  setAudioProcessing(process) {
    return this.microphone.change({ process });
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

/**
 * Returns what a check would find when not even its own code can be had from the gateway.
 * @returns {import("../grtc.js").CheckReport}
 */
function unreachable() {
  const { code, hint } = new PhoneError("gateway_unreachable");
  /** @type {import("../grtc.js").CheckResult} */
  const gateway = { name: "gateway", state: "failed", code, value: {}, hint };
  return { verdict: "blocked", code, hint, checks: [gateway], startedAt: Date.now(), duration: 0 };
}
