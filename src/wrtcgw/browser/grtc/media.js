// The media of one call: its RTCPeerConnection, and the descriptions that go to and come from the gateway.
//
// Descriptions carry their candidates: SIP does not trickle. A far side that comes with another DTLS fingerprint is
// another one (a transfer, a fork), and gets a connection of its own.

import { meter } from "./devices.js";
import { PhoneError, asPhoneError } from "./errors.js";
import { lint } from "./lint.js";
import { BROWSER } from "./platform.js";
import { refusesAudio } from "./sdp.js";

/** @import { Configuration, OfferOptions } from "./types.js" */

const HARMLESS = ["direction", "telephone-event", "private-candidates", "msid"]; // rules that no browser insists on
const GATHER = 1_000; // ms to wait for candidates; a missing one does not stop a call
const GATHER_SERVERS = 2_000;
const GATHER_RELAY = 6_000; // without a relay candidate such a call cannot be
const STALE = 500; // ms after which what was heard last is heard no more
const SETTLE = 100; // ms for more candidates of the kind that was waited for

/** @param {string} [sdp] */
const fingerprint = (sdp) => /^a=fingerprint:.*$/im.exec(sdp ?? "")?.[0].toLowerCase();
/** @param {string} [sdp] */
const direction = (sdp) => /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(sdp ?? "")?.[1] ?? "sendrecv";
/** @param {string} [sdp] */
const credentials = (sdp) => /^a=ice-ufrag:.*$/m.exec(sdp ?? "")?.[0];

export class Media {
  /** @type {{stream: MediaStream, level: ReturnType<typeof meter>} | null} */
  #ear = null; // what measures the sound of a stream: {stream, level}

  /**
   * @param {{changed: (state: RTCPeerConnectionState) => void, arrived: (stream: MediaStream) => void}} hooks
   * @param {import("./platform.js").Platform} [platform]
   */
  constructor(hooks, platform = BROWSER) {
    this.hooks = hooks;
    this.platform = platform;
    /** @type {RTCPeerConnection | null} */
    this.pc = null;
    /** @type {RTCPeerConnection | null} */
    this.older = null; // the connection before, until the answer for the new one is there
    /** @type {MediaStreamTrack[]} */
    this.tracks = [];
    /** @type {Configuration} */
    this.configuration = {};
    /** @type {MediaStream | null} */
    this.localStream = null;
    /** @type {MediaStream | null} */
    this.remoteStream = null;
    this.receiveOnly = false;
  }

  /**
   * Sets what is sent from the next connection on.
   * @param {MediaStreamTrack[]} tracks
   * @param {Configuration} configuration
   */
  use(tracks, configuration) {
    this.tracks = tracks;
    this.configuration = configuration;
    this.localStream = tracks.length ? this.platform.stream(tracks) : null;
  }

  /**
   * Takes newer servers, whose credentials are good for longer, for the next way that is looked for.
   * @param {Configuration} configuration
   */
  renewServers(configuration) {
    this.configuration = configuration;
    const { pc } = this;
    if (pc && pc.signalingState !== "closed") pc.setConfiguration?.({ ...pc.getConfiguration(), ...configuration });
  }

  /**
   * Tells whether a description of the far side takes a new connection, not the one that there is.
   * @param {string} sdp
   */
  isAnother(sdp) {
    const known = fingerprint(this.pc?.remoteDescription?.sdp);
    return !this.pc || Boolean(known && known !== fingerprint(sdp));
  }

  /**
   * Sends another track in place of one of the same kind.
   * @param {MediaStreamTrack} old
   * @param {MediaStreamTrack} track
   */
  async replace(old, track) {
    this.use(
      this.tracks.map((each) => (each === old ? track : each)),
      this.configuration,
    );
    const senders = this.pc?.getSenders().filter((sender) => sender.track === old) ?? [];
    await Promise.all(senders.map((sender) => sender.replaceTrack(track)));
  }

  /**
   * Sends these tracks from now on; of a kind that is not sent yet, from the next offer on.
   * @param {MediaStreamTrack[]} tracks
   */
  async send(tracks) {
    this.use(tracks, this.configuration);
    const left = [...tracks];
    for (const transceiver of this.pc?.getTransceivers() ?? []) {
      const at = left.findIndex(({ kind }) => kind === transceiver.receiver.track.kind);
      const [track = null] = at < 0 ? [] : left.splice(at, 1);
      await transceiver.sender.replaceTrack(track);
      if (track && transceiver.direction === "recvonly") transceiver.direction = "sendrecv";
    }
    left.forEach((track) => this.pc?.addTrack(track, ...this.#streams()));
  }

  #streams() {
    return this.localStream ? [this.localStream] : [];
  }

  /**
   * Returns an offer; `fresh` makes it of a new connection, `iceRestart` renews the way only.
   * @param {OfferOptions} [options]
   */
  async offer({ fresh = false, iceRestart = false, video = false } = {}) {
    const pc = fresh || !this.pc ? this.#renew() : this.pc;
    for (const kind of video ? ["audio", "video"] : ["audio"]) {
      const there = pc.getTransceivers().some(({ receiver }) => receiver.track.kind === kind);
      if (!there) pc.addTransceiver(kind, { direction: "recvonly" }); // to be heard without a microphone
    }
    await pc.setLocalDescription(await pc.createOffer({ iceRestart }));
    return this.#gathered();
  }

  /**
   * Takes an offer and returns the answer.
   * @param {string} sdp
   * @param {{video?: boolean}} [options]
   */
  async answer(sdp, { video = false } = {}) {
    if (this.isAnother(sdp)) this.#renew();
    await this.#describe("offer", sdp);
    if (!video && !this.tracks.some((track) => track.kind === "video")) {
      const videos = this.#there.getTransceivers().filter(({ receiver }) => receiver.track.kind === "video");
      videos.forEach((each) => each.stop());
    }
    const pc = this.#there;
    await pc.setLocalDescription(await pc.createAnswer());
    const answer = await this.#gathered();
    if (refusesAudio(answer)) throw new PhoneError("no_common_codec");
    this.#drop(this.older);
    this.older = null;
    return answer;
  }

  /**
   * Takes an answer to our offer; `early` is one before the call was answered.
   * @param {string} sdp
   * @param {{early?: boolean}} [options]
   * @returns {Promise<boolean>} false when it is from another far side than before: that needs a new offer
   */
  async accept(sdp, { early = false } = {}) {
    const pc = this.#there;
    const before = pc.remoteDescription?.sdp;
    if (pc.signalingState === "stable") {
      return !before || (this.#same(before, sdp) && direction(before) === direction(sdp));
    }
    if (pc.signalingState === "have-remote-pranswer" && !this.#same(before, sdp)) {
      await this.#describe("answer", before ?? "");
      return false;
    }
    const others = pc.currentRemoteDescription && this.isAnother(sdp); // Firefox does not take up other keys
    await this.#describeAnswer(sdp, early);
    this.#drop(this.older);
    this.older = null;
    return !others;
  }

  /** Takes our offer back, so that all is as it was before it. */
  async rollback() {
    if (this.older) {
      this.#drop(this.pc);
      [this.pc, this.older] = [this.older, null];
    } else if (this.pc?.signalingState === "have-local-offer") {
      await this.pc.setLocalDescription({ type: "rollback" });
    }
  }

  /** Tells whether our offer waits for its answer. */
  get offering() {
    return this.pc?.signalingState === "have-local-offer" || this.pc?.signalingState === "have-remote-pranswer";
  }

  /** Tells whether there is a track that the negotiated direction keeps from being sent: a hold has left it so. */
  get isSilenced() {
    const transceiver = this.pc?.getTransceivers().find(({ sender }) => sender.track?.kind === "audio");
    const direct = transceiver?.currentDirection;
    return Boolean(direct) && !direct?.startsWith("send");
  }

  /** Returns the sender of audio. */
  get audioSender() {
    return this.pc?.getSenders().find((sender) => sender.track?.kind === "audio") ?? null;
  }

  /** Returns how loud the far side is now, 0 to 1. */
  level() {
    const receiver = this.pc?.getReceivers().find(({ track }) => track.kind === "audio");
    const [source] = receiver?.getSynchronizationSources() ?? [];
    const age = performance.timeOrigin + performance.now() - (source?.timestamp ?? 0);
    if (!source || age > STALE) return 0; // browsers keep the last one for ten seconds
    return source.audioLevel ?? this.#heard();
  }

  // Firefox knows the level only of a far side that tells it (RFC 6464); of another it is measured.
  #heard() {
    if (this.#ear?.stream !== this.remoteStream) {
      this.#ear = this.remoteStream && { stream: this.remoteStream, level: meter(this.remoteStream) };
    }
    return this.#ear?.level?.() ?? 0;
  }

  // The connection; whoever works at one that was closed meanwhile learns that the call is over.
  get #there() {
    if (!this.pc) throw new PhoneError("call_ended");
    return this.pc;
  }

  /** Lets go of the connection without closing it, and returns it. */
  detach() {
    const { pc } = this;
    this.pc = null;
    this.close();
    return pc;
  }

  /** Ends the media; the tracks are the owner's. */
  close() {
    this.#drop(this.pc);
    this.#drop(this.older);
    this.pc = this.older = this.remoteStream = this.#ear = null;
  }

  /**
   * @param {string | undefined} before
   * @param {string} sdp
   */
  #same(before, sdp) {
    return fingerprint(before) === fingerprint(sdp) && credentials(before) === credentials(sdp);
  }

  /**
   * @param {string} sdp
   * @param {boolean} early
   */
  async #describeAnswer(sdp, early) {
    try {
      await this.#describe(early ? "pranswer" : "answer", sdp);
    } catch (error) {
      if (!early || asPhoneError(error).details.name !== "NotSupportedError") throw error;
      await this.#describe("answer", sdp); // Firefox knows no pranswer
    }
  }

  /**
   * Applies what the far side sent; when the browser refuses it, what the lint finds is the better reason.
   * @param {RTCSdpType} type
   * @param {string} sdp
   */
  async #describe(type, sdp) {
    const pc = this.#there;
    try {
      await pc.setRemoteDescription({ type, sdp });
    } catch (failure) {
      const error = failure instanceof Error ? failure : new Error(String(failure));
      const found = lint(sdp, { local: pc.localDescription?.sdp, type: type === "offer" ? "offer" : "answer" });
      const wrong = found.filter(({ rule }) => !HARMLESS.includes(rule));
      const code = wrong.some(({ rule }) => rule === "codec") ? "no_common_codec" : "media_failed";
      const why = wrong.map(({ text }) => text).join("; ") || error.message;
      const hint = `The far side's description cannot be used: ${why}.`;
      throw new PhoneError(code, { hint, cause: error, name: error.name, lint: found });
    }
  }

  #renew() {
    const pc = this.platform.connection(this.configuration);
    for (const track of this.tracks) pc.addTrack(track, ...this.#streams());
    pc.addEventListener("track", ({ streams, track }) => {
      if (pc !== this.pc) return;
      this.remoteStream = wholeStream(this.remoteStream, track, streams[0], this.platform);
      this.hooks.arrived(this.remoteStream);
    });
    pc.addEventListener("connectionstatechange", () => pc === this.pc && this.hooks.changed(pc.connectionState));
    if (this.older) this.#drop(this.pc);
    else this.older = this.pc;
    this.pc = pc;
    return pc;
  }

  /** @param {RTCPeerConnection | null} pc */
  #drop(pc) {
    pc?.close();
  }

  async #gathered() {
    const pc = this.#there;
    const servers = (this.configuration.iceServers ?? []).flatMap(({ urls }) => urls);
    const relayOnly = this.configuration.iceTransportPolicy === "relay";
    const wanted = servers.some((url) => url.startsWith("turn")) ? "relay" : servers.length ? "srflx" : null;
    const usual = relayOnly ? GATHER_RELAY : servers.length ? GATHER_SERVERS : GATHER;
    const limit = this.configuration.gatherLimit ?? usual;
    if (pc.iceGatheringState !== "complete") await gathering(pc, wanted, limit);
    return pc.localDescription?.sdp ?? "";
  }
}

/**
 * Waits for all candidates, or for the first of the wanted kind and a little more.
 * @param {RTCPeerConnection} pc
 * @param {"relay" | "srflx" | null} wanted
 * @param {number} limit
 */
function gathering(pc, wanted, limit) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        pc.removeEventListener("icegatheringstatechange", changed);
        pc.removeEventListener("icecandidate", found);
        resolve();
      };
      const changed = () => pc.iceGatheringState === "complete" && done();
      /** @param {RTCPeerConnectionIceEvent} event */
      const found = ({ candidate }) => wanted && candidate?.type === wanted && setTimeout(done, SETTLE);
      const timer = setTimeout(done, limit);
      pc.addEventListener("icegatheringstatechange", changed);
      pc.addEventListener("icecandidate", found);
    })
  );
}

/**
 * Returns a stream of all that has arrived: the far side's own, if it has all of that in it. Some name none, and
 * Asterisk one for the sound and one for the pictures.
 * @param {MediaStream | null} before
 * @param {MediaStreamTrack} track that has arrived
 * @param {MediaStream} [stream] that it is said to be in
 * @param {import("./platform.js").Platform} [platform]
 */
export function wholeStream(before, track, stream, platform = BROWSER) {
  const kept = before?.getTracks().filter((each) => each.kind !== track.kind && each.readyState === "live") ?? [];
  const others = stream?.getTracks() ?? [];
  return stream && kept.every((each) => others.includes(each)) ? stream : platform.stream([...kept, track]);
}
