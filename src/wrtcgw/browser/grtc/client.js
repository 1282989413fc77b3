// `Grtc.Client`: the vendor's shape, over the phone; with `serverUrl` the shape of the first document.

import { isWebrtcSupported } from "./browserinfo.js";
import { Callbacks } from "./callbacks.js";
import { readConfiguration } from "./configuration.js";
import { asPhoneError, nameOf } from "./errors.js";
import { log, setLogLevel } from "./logger.js";
import { openMedia } from "./pagemedia.js";
import { PageCall } from "./pagecall.js";
import { PagePhone } from "./pagephone.js";
import { LegacyClient } from "./legacyClient.js";
import { MediaSession } from "./session.js";
import { filterCandidates, inactive, limitVideo, receiveOnly } from "./shaping.js";
import { GrtcError, errorType } from "./vendorerrors.js";

/** @import { Attached, Candidate, Client as Declared } from "../grtc.js" */
/** @import { Call } from "./call.js" */
/** @import { Told } from "./facts.js" */
/** @import { PhoneError } from "./errors.js" */
/** @import { Phone } from "./phone.js" */
/** @import { PhoneEvents, Wanted } from "./types.js" */
/** @import { Who } from "./who.js" */

const FAIL_OVER = 10_000; // ms without the gateway until the next one is tried, when no call is up

export class Client {
  /** @type {Declared["onConnect"]} */
  onConnect = new Callbacks("onConnect");
  /** @type {Declared["onRegister"]} */
  onRegister = new Callbacks("onRegister");
  /** @type {Declared["onFailed"]} */
  onFailed = new Callbacks("onFailed");
  /** @type {Declared["onDisconnect"]} */
  onDisconnect = new Callbacks("onDisconnect");
  /** @type {Declared["onConnectionError"]} */
  onConnectionError = new Callbacks("onConnectionError");
  /** @type {Declared["onIceDisconnected"]} */
  onIceDisconnected = new Callbacks("onIceDisconnected");
  /** @type {Declared["onMediaSuccess"]} */
  onMediaSuccess = new Callbacks("onMediaSuccess");
  /** @type {Declared["onMediaFailure"]} */
  onMediaFailure = new Callbacks("onMediaFailure");
  /** @type {Declared["onIncomingCall"]} */
  onIncomingCall = new Callbacks("onIncomingCall");
  /** @type {Declared["onCallEvent"]} */
  onCallEvent = new Callbacks("onCallEvent");
  /** @type {Declared["onNotifyEvent"]} */
  onNotifyEvent = new Callbacks("onNotifyEvent");
  /** @type {Declared["onPeerClosing"]} */
  onPeerClosing = new Callbacks("onPeerClosing");
  /** @type {Declared["onPeerNoanswer"]} */
  onPeerNoanswer = new Callbacks("onPeerNoanswer");
  /** @type {Declared["onInfoFromPeer"]} */
  onInfoFromPeer = new Callbacks("onInfoFromPeer");
  /** @type {Declared["onStatsFromServer"]} */
  onStatsFromServer = new Callbacks("onStatsFromServer");
  /** @type {Declared["onGatewayError"]} */
  onGatewayError = new Callbacks("onGatewayError");
  /** @type {Declared["onWebrtcError"]} */
  onWebrtcError = new Callbacks("onWebrtcError");
  /** @type {PagePhone | null} */
  #phone = null;
  /** @type {PageCall | null} that there is */
  #page = null;
  #left = Promise.resolve(); // the sign_out of before
  /** @type {object | null} */
  #entering = null;
  /** @type {Promise<PhoneError | null> | null} the sign_in that is on its way */
  #trying = null;
  /** @type {(() => unknown)[] | null} what came before the page was told that it is signed in */
  #waiting = null;
  #at = 0; // which of the gateways
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #failOver;
  /** @type {Who | null} */
  #credentials = null;
  configuration = /** @type {ReturnType<typeof readConfiguration>} */ ({}); // read by the constructor
  /** @type {MediaSession | null} */
  session = null;
  /** @type {MediaStream | null} */
  localStream = null;
  renewSession = false;
  videoBandwidth = 500;
  /** @type {Record<"offer" | "answer", {audio?: boolean, video?: boolean}>} */
  presets = { offer: {}, answer: {} };

  /**
   * @param {Record<string, any>} configuration `webrtc_gateway` and the other keys of the vendor's; or `serverUrl` and
   *   its like
   */
  constructor(configuration) {
    /** @type {any} */
    const given = configuration;
    if (given?.serverUrl !== undefined) return /** @type {any} */ (new LegacyClient(given));
    this.configuration = readConfiguration(configuration);
  }

  /** The phone below: for what this shape has no words for (transfer, devices …). Null before sign-in. */
  get phone() {
    return this.#phone;
  }

  /** The call that there is, null for none. */
  get page() {
    return this.#page;
  }

  /** 0 idle, 1 accepted, 2 started, 3 connected. */
  get callState() {
    return this.#page?.callState ?? 0;
  }

  get onHold() {
    return this.#page?.held ?? false;
  }

  // ---- coming and going

  /** Signs in as a guest. */
  connect() {
    return this.#enter({ guest: true }, this.onConnect);
  }

  /**
   * Registers a DN; by default `sip_username` with `sip_password`. Without a password as the gateway allows.
   * @param {string | number} [id]
   * @param {string} [password]
   */
  register(id = this.configuration.username, password = this.configuration.password) {
    const dn = String(id ?? "")
      .replace(/^sips?:/i, "")
      .split("@")[0]
      .trim();
    if (!dn) throw new GrtcError("CONFIGURATION_ERROR", "register needs an id, or sip_username in the configuration");
    return this.#enter(password ? { id: dn, dn, password: String(password) } : { guest: true, dn }, this.onRegister);
  }

  /** Ends the call and the session; also while the page goes away. */
  disconnect() {
    clearTimeout(this.#failOver);
    this.#entering = this.#credentials = null;
    const phone = this.#phone;
    if (!phone) return this.#left;
    this.#phone = null;
    this.#page?.leave();
    this.#page = null;
    if (!phone.isSignedIn) return this.#left; // the sign_in on its way is taken back when it arrives
    this.#left = phone.signOut().catch((error) => log.info("sign_out failed:", error.message));
    this.onDisconnect.fire({ reason: "signed out" });
    return this.#left;
  }

  /**
   * @param {Who} who
   * @param {Declared["onConnect"]} told
   */
  async #enter(who, told) {
    this.disconnect();
    const entering = (this.#entering = {});
    await this.#left;
    await this.#trying;
    const { gateways } = this.configuration;
    let failure = null;
    for (let tries = 0; tries < gateways.length; tries += 1) {
      if (this.#entering !== entering) return false;
      this.#trying = this.#try(who, gateways[this.#at]);
      failure = await this.#trying;
      if (!failure) return this.#entering === entering && this.#entered(who, told);
      if (failure.code !== "gateway_unreachable" && failure.status < 500) break;
      this.#at = (this.#at + 1) % gateways.length;
    }
    if (this.#entering === entering) this.onFailed.fire(shown(asPhoneError(failure)));
    return false;
  }

  /**
   * Signs in at a gateway; returns what went wrong.
   * @param {Who} who
   * @param {string} gateway
   */
  async #try(who, gateway) {
    const phone = new PagePhone(this, gateway);
    this.#waiting = [];
    this.#phone = phone;
    this.#listen(phone);
    let failure = null;
    try {
      await phone.signIn(who);
    } catch (error) {
      failure = asPhoneError(error, "gateway_unreachable");
      if (this.#phone === phone) this.#phone = null;
    }
    if (this.#phone !== phone) await phone.signOut().catch(() => {}); // nobody wants it any more
    return failure;
  }

  /**
   * @param {Who} who
   * @param {Declared["onConnect"]} told
   */
  #entered(who, told) {
    if (!this.#phone) return false; // disconnect() came before
    this.#credentials = who;
    log.info("signed in at", this.#phone.wire.api, "as", this.#phone.id);
    told.fire({ id: this.#phone.id });
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    waiting.forEach((work) => work());
    return true;
  }

  /** @param {PagePhone} phone */
  #listen(phone) {
    /**
     * @type {<Name extends keyof PhoneEvents>(name: Name, listener: (...told: PhoneEvents[Name]) => unknown) => void}
     */
    const listen = (name, listener) =>
      phone.on(name, (...details) => {
        const work = () => this.#phone === phone && listener(...details);
        if (this.#waiting && this.#phone === phone) this.#waiting.push(work);
        else work();
      });
    const known = new WeakSet();
    listen("incoming", (call) => known.add(call) && this.#incoming(call));
    phone.on("call", (call) => {
      if (known.has(call) || (call.direction === "inbound" && call.state === "incoming")) return;
      known.add(call);
      if (this.#placing) this.#placing(call);
      else if (!call.isOver) this.#foundAgain(phone, call);
    });
    listen("connection", ({ state, error }) => this.#connectionChanged(state, error));
    listen("registration", ({ state, ...why }) => {
      if (state === "FAILED") this.onGatewayError.fire({ error: "FAILED", ...why });
    });
    listen("signedout", ({ reason }) => this.#signedOut(reason));
  }

  /** @param {string} reason */
  #signedOut(reason) {
    this.#phone = this.#page = this.#credentials = null;
    log.notice("signed out by the gateway:", reason);
    this.onDisconnect.fire({ reason });
  }

  /**
   * @param {"online" | "offline"} state
   * @param {PhoneError} [error]
   */
  #connectionChanged(state, error) {
    clearTimeout(this.#failOver);
    if (state === "online") return;
    this.onConnectionError.fire({ status: error?.status || (error?.hint ?? "the gateway cannot be reached") });
    if (this.configuration.gateways.length > 1) this.#failOver = setTimeout(() => this.#moveOn(), FAIL_OVER);
  }

  // Signs in at the next gateway; not while people talk, which goes on without any gateway.
  #moveOn() {
    if (this.#page?.isUp) this.#failOver = setTimeout(() => this.#moveOn(), FAIL_OVER);
    else if (this.#credentials) {
      const [who, told] = [this.#credentials, this.#credentials.id ? this.onRegister : this.onConnect];
      this.#at = (this.#at + 1) % this.configuration.gateways.length;
      this.#enter(who, told);
    }
  }

  /** Returns the phone; for the session. */
  ready() {
    if (!this.#phone?.isSignedIn) throw new GrtcError("NOT_READY_ERROR", "sign in first: connect() or register()");
    if (!isWebrtcSupported()) throw new GrtcError("WEBRTC_NOT_SUPPORTED_ERROR", "this browser cannot make calls");
    return this.#phone;
  }

  // ---- media

  /**
   * Opens microphone and camera: true, false, or constraints; `Grtc.VideoConstraints` has some.
   * @param {unknown} [audio]
   * @param {unknown} [video]
   */
  async enableMediaSource(audio = true, video = false) {
    try {
      this.disableMediaSource();
      this.localStream = await openMedia(audio, video);
      this.onMediaSuccess.fire({ stream: this.localStream });
      return this.localStream;
    } catch (error) {
      const failure = asPhoneError(error);
      const { code, message } = failure;
      this.onMediaFailure.fire({ error: message, message, code, name: nameOf(failure.cause ?? failure) });
      return null;
    }
  }

  /** Closes them. */
  disableMediaSource() {
    this.localStream?.getTracks().forEach((track) => track.stop());
    this.localStream = null;
  }

  /**
   * Shows or plays a stream in an element; null takes it away.
   * @param {any} element or jQuery's list of them
   * @param {MediaStream | null} stream
   */
  setViewFromStream(element, stream) {
    const view = element?.nodeType ? element : element?.[0]; // jQuery's is a list
    if (!view) return;
    view.srcObject = stream ?? null;
    view.autoplay = true;
    /** @type {(error: Error) => unknown} */
    const blocked = (error) => error.name === "NotAllowedError" && this.onWebrtcError.fire({ error });
    if (stream) view.play().catch(blocked);
  }

  /**
   * To be overridden: returns those of our candidates that may be sent.
   * @param {Candidate[]} candidates
   * @returns {Candidate[] | void}
   */
  filterIceCandidates(candidates) {
    return candidates;
  }

  /**
   * What to receive when we offer; undefined is audio, and video when we send it.
   * @param {boolean} [audio]
   * @param {boolean} [video]
   */
  setMediaConstraintsForOffer(audio, video) {
    this.presets.offer = { audio, video };
  }

  /**
   * What to receive when we answer.
   * @param {boolean} [audio]
   * @param {boolean} [video]
   */
  setMediaConstraintsForAnswer(audio, video) {
    this.presets.answer = { audio, video };
  }

  /**
   * Asks for no more video than this, in kbit/s; 0 for any.
   * @param {number} kbps
   */
  setVideoBandwidth(kbps) {
    this.videoBandwidth = Math.max(0, Math.round(Number(kbps)) || 0);
  }

  /**
   * Makes a new RTCPeerConnection for each offer inside a call.
   * @param {boolean} on
   */
  setRenewSessionOnNeed(on) {
    this.renewSession = Boolean(on);
  }

  /**
   * Says more or less: Grtc.LOG_LEVEL_NONE … LOG_LEVEL_DEBUG.
   * @param {unknown} level
   */
  setLogLevel(level) {
    setLogLevel(level);
  }

  /**
   * Returns what to receive, of what a call was made with and what was set before; for the session.
   * @param {"offer" | "answer"} type
   * @param {boolean} [audio]
   * @param {boolean} [video]
   */
  wanted(type, audio, video) {
    const sends = Boolean(this.localStream?.getVideoTracks().length);
    const preset = this.presets[type];
    return { audio: Boolean(audio ?? preset.audio ?? true), video: Boolean(video ?? preset.video ?? sends) };
  }

  /** Returns what is sent, possibly nothing; for the session. */
  outgoing() {
    return new MediaStream(this.localStream?.getTracks() ?? []);
  }

  /**
   * Puts the last hand on our description; for the phone.
   * @param {string} sdp
   * @param {"offer" | "answer"} type
   * @param {object} call
   */
  shape(sdp, type, call) {
    const page = this.#page?.call === call ? this.#page : null;
    page?.mute();
    let text = sdp;
    try {
      text = filterCandidates(text, (list) => this.filterIceCandidates(list));
    } catch (error) {
      log.error("filterIceCandidates failed, all candidates are sent:", error);
    }
    text = receiveOnly(limitVideo(text, this.videoBandwidth), page?.wants ?? this.wanted(type));
    return page?.beginsHeld ? inactive(text) : text;
  }

  /**
   * Notes that a description was sent; for the phone.
   * @param {string} messageType
   */
  sent(messageType) {
    this.onCallEvent.fire({ event: `${messageType.toLowerCase()} sent` });
    if (messageType === "OFFER") this.#page?.offered();
  }

  // ---- calls

  /** @type {((call: Call) => void) | null} */
  #placing = null;

  /**
   * Places a call; for the session.
   * @param {string} to
   * @param {Wanted} wants
   * @param {boolean} hold
   * @param {Attached[]} data
   */
  place(to, wants, hold, data) {
    const phone = this.ready();
    const stream = this.outgoing();
    this.#placing = (call) => {
      this.#page = new PageCall(this, call, { wants, hold });
    };
    const placing = phone.call(to, { stream, audio: wants.audio, video: wants.video, data });
    this.#placing = null;
    placing.catch((error) => log.info(`the call to ${to} failed:`, error.message)); // the page is told by its end
  }

  /** Fulfilled when the page has accepted the call of an earlier page; for the phone. */
  accepted() {
    return this.#page?.accepted ?? Promise.resolve();
  }

  /** @param {Call} call */
  #incoming(call) {
    if (call.isOver) return;
    if (this.#page && !this.#page.isOver) {
      log.notice(`${call.peer} calls while there is another call: busy`);
      call.reject(486).catch(() => {});
      return;
    }
    this.#page = new PageCall(this, call);
    this.#ring(call.wantsOffer ? "invite" : "offer");
  }

  /**
   * A call of the page before this one: it goes on when this one accepts it.
   * @param {Phone} phone
   * @param {Call} call
   */
  #foundAgain(phone, call) {
    this.#page = new PageCall(this, call, { again: true });
    const ring = () => this.#phone === phone && this.#page?.call === call && this.#ring("invite");
    if (call.isUp) this.#waiting ? this.#waiting.push(ring) : ring();
    else call.once("state", ring);
  }

  /** @param {"offer" | "invite"} event */
  #ring(event) {
    this.onCallEvent.fire({ event: `${event} received` });
    this.onIncomingCall.fire({ peer: this.#page?.peer ?? "", event });
  }

  /**
   * Notes the end of a call; for the call.
   * @param {PageCall} page
   * @param {{told: boolean, ending: Told}} end
   */
  over(page, { told, ending }) {
    if (this.#page !== page) return;
    this.#page = null;
    if (!told) return;
    if (!ORDINARY.includes(ending.cause ?? "")) {
      const { sipCode, reason, hint, cause, warning = "", sipReason = "" } = ending;
      this.onGatewayError.fire({ error: errorType(sipCode), sipCode, reason, hint, cause, warning, sipReason });
    }
    this.onPeerClosing.fire({ cause: ending.cause ?? "", sipCode: ending.sipCode ?? 0, hint: ending.hint ?? "" });
  }

  /** Returns the page's session; for the call. */
  theSession() {
    return (this.session ??= new MediaSession(this));
  }
}

const ORDINARY = [
  "",
  "local",
  "operator",
  "remote",
  "cancelled",
  "answered-elsewhere",
  "transferred",
  "replaced",
  "signed-out",
  "page-lost",
  "not-responding",
  "not-taken-up",
  "order-expired",
];

/** @param {PhoneError} failure */
function shown(failure) {
  const { code, hint, status, sipCode, reason } = failure;
  return { error: hint, message: hint, code, status, sipCode, reason };
}
