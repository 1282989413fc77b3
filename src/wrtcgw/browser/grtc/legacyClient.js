// `Grtc.Client` with `serverUrl`: events by `on`, sessions by `newMediaSession`.

import { Emitter } from "./emitter.js";
import { PhoneError, asPhoneError } from "./errors.js";
import { log } from "./logger.js";
import { Phone } from "./phone.js";

/** @import { Attached, DigitOptions, LegacyConfiguration } from "../grtc.js" */
/** @import { LegacyClientEvents, LegacySessionEvents } from "../grtc.js" */
/** @import { Call } from "./call.js" */

const CALL_EVENTS = /** @type {const} */ ([
  "state",
  "hold",
  "mute",
  "quality",
  "warning",
  "warningcleared",
  "identity",
  "transfer",
  "dtmf",
  "info",
  "error",
  "ended",
]);

/**
 * Events: "ready", "incoming" (session), "session" (a session of the page before a reload), "connection",
 * "registration", "signedout", "error" (PhoneError).
 * @extends {Emitter<LegacyClientEvents>}
 */
export class LegacyClient extends Emitter {
  /** @type {import("./who.js").Who} */
  #who;
  /** @type {WeakMap<object, LegacySession>} */
  #sessions = new WeakMap();

  /** @param {LegacyConfiguration} given */
  constructor({ serverUrl, username, dn, password, displayName, ...options }) {
    super();
    const id = String(username ?? dn);
    this.#who = dn === undefined ? { guest: true } : { id, dn: String(dn), password, displayName };
    const gateway = new URL(serverUrl, globalThis.location?.href).href;
    this.phone = new Phone({ ...options, gateway, shape: (sdp, type, call) => this.#described(sdp, type, call) });
    for (const name of /** @type {const} */ (["connection", "registration", "signedout", "error"])) {
      this.phone.on(name, (...details) => this.emit(name, ...details));
    }
    this.phone.on("incoming", (call) => this.emit("incoming", this.#session(call)));
    this.phone.on("call", (call) => this.#found(call));
  }

  /** Signs in; told by "ready" or "error". Tells whether it did. */
  connect() {
    this.#connecting = this.#signIn();
    return this.#connecting;
  }

  async #signIn() {
    try {
      await this.phone.signIn(this.#who);
    } catch (error) {
      const failure = asPhoneError(error, "gateway_unreachable");
      log.notice("the sign-in failed:", failure.message);
      this.emit("error", failure);
      return false;
    }
    this.emit("ready");
    return true;
  }

  /** Ends all calls and signs out. */
  disconnect() {
    return this.phone.signOut();
  }

  /**
   * Prepares a call; `connect()` of the session places it.
   * @param {{destination: string | number, constraints?: {audio?: boolean, video?: boolean}, data?: Attached[]}} wanted
   */
  newMediaSession({ destination, constraints = {}, data = [] }) {
    return new LegacySession(this, { destination: String(destination), constraints, data });
  }

  /**
   * Places the call of a session; for the session.
   * @param {LegacySession} session
   */
  async place(session) {
    const { constraints, data, destination } = session;
    const { audio = true, video = false } = constraints;
    await this.#connecting;
    const stream = new MediaStream(await this.phone.tracks({ audio: Boolean(audio), video: Boolean(video) }));
    this.#placing = session;
    const placing = this.phone.call(destination, { stream, audio, video, data });
    this.#placing = null;
    try {
      return await placing;
    } finally {
      if (!session.call) stream.getTracks().forEach((track) => this.phone.giveBack(track)); // it was not even tried
    }
  }

  /** @type {LegacySession | null} */
  #placing = null;
  /** @type {Promise<boolean> | null} */
  #connecting = null;

  /**
   * @param {Call} call
   * @returns {LegacySession}
   */
  #session(call) {
    const known = this.#sessions.get(call);
    if (known) return known;
    const session = this.#placing ?? new LegacySession(this, { destination: call.peer, data: call.data });
    this.#sessions.set(call, session);
    session.follow(call);
    return session;
  }

  /** @param {Call} call */
  #found(call) {
    if (this.#sessions.has(call) || call.isOver) return;
    const mine = this.#placing !== null;
    const session = this.#session(call);
    if (!mine && call.state !== "incoming") this.emit("session", session);
  }

  /**
   * @param {string} sdp
   * @param {"offer" | "answer"} type
   * @param {object} call
   */
  #described(sdp, type, call) {
    this.#sessions.get(call)?.emit(type === "offer" ? "offer" : "localanswer", sdp);
    return sdp;
  }
}

/**
 * Events: "offer" (our SDP), "answer" (theirs), "ringing", "established", "stream" (MediaStream), "ended", "state",
 * "hold", "quality", "transfer", "dtmf", "info", "error".
 * @extends {Emitter<LegacySessionEvents>}
 */
export class LegacySession extends Emitter {
  /** @type {import("./call.js").Call | null} */
  call = null;
  destination = "";
  /** @type {{audio?: boolean, video?: boolean}} */
  constraints = {};
  /** @type {Attached[]} */
  data = [];
  #client;

  /**
   * @param {LegacyClient} client
   * @param {{destination: string, constraints?: {audio?: boolean, video?: boolean}, data?: Attached[]}} wanted
   */
  constructor(client, { destination, constraints = {}, data = [] }) {
    super();
    this.#client = client;
    Object.assign(this, { destination, constraints, data });
  }

  /** Places the call; one that came in is answered. Tells whether that was done; if not, "error" tells why. */
  async connect() {
    try {
      if (this.call) await this.call.answer({ ...this.constraints, data: this.data });
      else await this.#client.place(this);
      return true;
    } catch (error) {
      if (!this.call) this.emit("error", asPhoneError(error)); // else its end tells
      return false;
    }
  }

  /** The same, as one says of a call that came in. */
  accept() {
    return this.connect();
  }

  /** Ends the call, or rejects it. */
  async close() {
    if (this.call?.state === "incoming") await this.call.reject();
    else await this.call?.hangup();
  }

  hangup() {
    return this.close();
  }

  /** @param {number} [code] */
  reject(code) {
    return this.#there().reject(code);
  }

  hold() {
    return this.#there().hold();
  }

  resume() {
    return this.#there().resume();
  }

  /** @param {boolean} [on] */
  mute(on) {
    return this.#there().mute(on);
  }

  /**
   * @param {string} digits
   * @param {DigitOptions} [options]
   */
  dtmf(digits, options) {
    return this.#there().dtmf(digits, options);
  }

  /** @param {string} to */
  transfer(to) {
    return this.#there().transfer(to);
  }

  /**
   * @param {string} body
   * @param {string} [contentType]
   */
  sendInfo(body, contentType) {
    return this.#there().sendInfo(body, contentType);
  }

  #there() {
    if (!this.call) throw new PhoneError("call_ended", { hint: "There is no call: connect() places it." });
    return this.call;
  }

  /**
   * Tells the events of its call; for the client.
   * @param {Call} call
   */
  follow(call) {
    this.call = call;
    for (const name of CALL_EVENTS) call.on(name, (...details) => this.emit(name, ...details));
    call.on("media", (stream) => this.emit("stream", stream));
    call.on("state", (state) => (state === "ringing" || state === "established") && this.emit(state));
    call.on("message", ({ messageType, moreComing, sdp }) => {
      if (messageType === "ANSWER" && !moreComing && sdp) this.emit("answer", sdp);
    });
  }
}
