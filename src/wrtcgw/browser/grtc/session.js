// `Grtc.MediaSession`: what a page of the vendor's shape does with its call.

import { Callbacks } from "./callbacks.js";
import { asPhoneError } from "./errors.js";
import { log } from "./logger.js";
import { param } from "./params.js";
import { putStats } from "./serverstats.js";
import { GrtcError } from "./vendorerrors.js";

/** @import { Attached, MediaSession as Declared, ServerStats } from "../grtc.js" */
/** @import { Client } from "./client.js" */

const FORM = "application/x-www-form-urlencoded"; // the SIP Server maps it to user data
const OCTETS = "application/octet-stream"; // the SIP Server passes it on
const TONE = { least: 70, most: 6000, usual: 100 }; // ms
const GAP = { least: 50, most: 6000, usual: 50 };
const COMMA = 2000; // ms of silence

/** @param {number} time */
const later = (time) => new Promise((resolve) => setTimeout(resolve, time));

export class MediaSession {
  /** @type {Declared["onRemoteStream"]} */
  onRemoteStream = new Callbacks("onRemoteStream");
  /** @type {Declared["onSessionHold"]} */
  onSessionHold = new Callbacks("onSessionHold");
  /** @type {Attached[]} */
  #data = [];
  /** @type {Attached[]} */
  #received = [];

  /** @param {Client} client */
  constructor(client) {
    if (!client?.onIncomingCall) throw new GrtcError("CONFIGURATION_ERROR", "a media session needs its Grtc.Client");
    this.client = client;
    client.session = this;
  }

  /** The library's own Call, for what this shape has no words for (transfer, quality …); null while there is none. */
  get call() {
    return this.client.page?.call ?? null;
  }

  /** "new", "preparing-offer", "offer-sent", "offer-received", "offer-received-preparing-answer" or "established". */
  get state() {
    return this.client.page?.state ?? "new";
  }

  // ---- calls

  /**
   * Calls; inside a call, or without `remoteId`, makes a new offer.
   * @param {string | number | null} [remoteId]
   * @param {boolean} [audio] what to receive
   * @param {boolean} [video]
   * @param {boolean} [hold] begin on hold
   */
  makeOffer(remoteId, audio, video, hold = false) {
    const { client } = this;
    const { page } = client;
    client.ready();
    const to = remoteId === undefined || remoteId === null ? "" : String(remoteId).trim();
    const wants = client.wanted("offer", audio, video);
    if (page?.isUp && (!to || to === "0" || to === page.peer)) return page.offer(wants, Boolean(hold));
    if (!to || to === "0") throw new GrtcError("INVALID_STATE_ERROR", "makeOffer: there is no call, and no remoteId");
    if (page?.call.direction === "outbound" && !page.isUp) return log.notice("makeOffer: an offer is out already");
    this.#received = [];
    const place = () => client.place(to, wants, Boolean(hold), this.#data);
    return page ? page.end().then(place) : place();
  }

  /**
   * The same, as older pages name it.
   * @param {[remoteId?: string | number | null, audio?: boolean, video?: boolean, hold?: boolean]} details
   */
  makeCall(...details) {
    return this.makeOffer(...details);
  }

  /**
   * Accepts the call that rings.
   * @param {boolean} [audio]
   * @param {boolean} [video]
   * @param {string} [remoteId]
   * @param {boolean} [hold]
   */
  acceptCall(audio, video, remoteId, hold = false) {
    const { page } = this.client;
    if (!page) throw new GrtcError("INVALID_STATE_ERROR", "acceptCall: there is no call");
    const type = page.call.wantsOffer ? "offer" : "answer";
    page.accept(this.client.wanted(type, audio, video), { hold: Boolean(hold), data: this.#data });
  }

  /** Rejects the call that rings. */
  rejectCall() {
    this.#end("rejectCall");
  }

  /** Ends the call, at the far side as well. */
  closeSession() {
    this.#end("closeSession");
  }

  /** The same, as older pages name it. */
  terminateCall() {
    this.#end("terminateCall");
  }

  /** @param {string} what */
  #end(what) {
    const { page } = this.client;
    if (!page) log.info(`${what}: there is no call`);
    else page.end();
  }

  /** Puts the call on hold. */
  holdCall() {
    const page = this.#up("holdCall");
    return page && !page.held ? page.hold() : Promise.resolve();
  }

  /** Takes it from hold. */
  resumeCall() {
    const page = this.#up("resumeCall");
    return page?.held ? page.resume() : Promise.resolve();
  }

  /**
   * Mutes without signalling: true is heard or seen, false is not, undefined stays.
   * @param {boolean} [audio]
   * @param {boolean} [video]
   */
  updateCall(audio, video) {
    const page = this.#up("updateCall");
    page?.switch("audio", audio);
    page?.switch("video", video);
  }

  /** Sends what the client's media source is by now; a kind that was not sent before needs makeOffer(). */
  updateLocalStream() {
    return this.#up("updateLocalStream")?.send() ?? Promise.resolve();
  }

  /** Sends nothing any more. */
  removeLocalStreams() {
    return this.client.page?.send([]) ?? Promise.resolve();
  }

  /** @param {string} what */
  #up(what) {
    const { page } = this.client;
    if (page?.isUp) return page;
    log.notice(`${what}: there is no established call`);
    return null;
  }

  // ---- data

  /**
   * Attaches data to the next offer or answer.
   * @param {{key: string, value: unknown}[]} data
   */
  setData(data) {
    /** @type {(each: unknown) => boolean} */
    const fits = (each) => Object(each) === each && Object.keys(Object(each)).sort().join() === "key,value";
    if (!Array.isArray(data) || !data.every(fits)) throw new GrtcError("ERROR", "setData takes a list of {key, value}");
    const odd = data.map(({ key }) => String(key)).filter((key) => !/^[\w-]{1,64}$/.test(key));
    if (odd.length) log.notice(`setData: names are letters, digits, - and _; not sent: ${odd.join(", ")}`);
    this.#data = data.map(({ key, value }) => ({ key: String(key), value: /** @type {string} */ (value) }));
  }

  /** Returns what the far side has attached; when it has nothing, what was set here. */
  getData() {
    if (this.client.page) this.#received = this.client.page.received;
    return this.#received.length ? this.#received : this.#data;
  }

  /**
   * Sends an object by INFO: to the server as user data (`mapData`), or through to the other page.
   * @param {object | string} data
   * @param {boolean} [mapData]
   */
  sendInfo(data, mapData = true) {
    const body = param(data);
    return this.#up("sendInfo")?.order((call) => call.sendInfo(body, mapData ? FORM : OCTETS)) ?? Promise.resolve();
  }

  /**
   * Sends digits in the media, where the far side takes them there; a comma is a pause of 2 s.
   * @param {string} tones
   * @param {{duration?: number, tonegap?: number}} [options] ms: 70 to 6000, and at least 50
   */
  async sendDTMF(tones, { duration, tonegap } = {}) {
    const page = this.#up("sendDTMF");
    const times = { duration: within(duration, TONE), gap: within(tonegap, GAP) };
    const parts = String(tones)
      .replace(/[\s()-]/g, "")
      .split(",");
    for (const [index, part] of parts.entries()) {
      if (!page?.isUp) return;
      if (index) await later(COMMA);
      if (part) await page.order((call) => call.dtmf(part, times));
    }
  }

  /**
   * Asks what the gateway knows of the call's quality: told by the client's onStatsFromServer, and returned.
   * @returns {Promise<ServerStats | null>}
   */
  async getServerStats() {
    const call = this.#up("getServerStats")?.call;
    const { phone } = this.client;
    if (!call || !phone) return null;
    try {
      const stats = await putStats(phone.wire, call);
      this.client.onStatsFromServer.fire(stats);
      return stats;
    } catch (error) {
      log.notice("getServerStats failed:", asPhoneError(error).message);
      return null;
    }
  }

  // ---- state

  isEstablished() {
    return this.client.page?.isUp ?? false;
  }

  /** Whether the microphone is sent. */
  hasAudioEnabled() {
    return this.client.page?.sends("audio") ?? false;
  }

  /** Whether the camera is sent. */
  hasVideoEnabled() {
    return this.client.page?.sends("video") ?? false;
  }
}

/**
 * @param {unknown} value
 * @param {{least: number, most: number, usual: number}} limits
 */
function within(value, { least, most, usual }) {
  const number = Number(value ?? usual);
  return Number.isFinite(number) ? Math.min(most, Math.max(least, Math.round(number))) : usual;
}
