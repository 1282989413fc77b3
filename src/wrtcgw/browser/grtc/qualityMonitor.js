// Looks at a call every second: what is wrong with it, and how good it is, told every few seconds and to the gateway.

import { meter } from "./devices.js";
import { codeOf } from "./errors.js";
import { Losses } from "./losses.js";
import { assess, opinion, read, report } from "./quality.js";
import { Watch } from "./watch.js";

/** @import { Call } from "./call.js" */
/** @import { Reading } from "./quality.js" */
/** @import { Wire } from "./wire.js" */

/** @typedef {import("../grtc.js").Warning["code"]} Code */

const TICK = 1_000; // ms
const EVERY = 5; // ticks, until the quality is told
const MOMENT = 2_000; // ms
const LATE = 300; // ms that the last report may delay the end of a call
const FLOW = 10; // packets in a tick that are sound; fewer may be comfort noise
const LATELY = 60_000; // ms
const LOST = ["disconnected", "failed"];

export class QualityMonitor {
  #ticks = 0;
  /** @type {Watch | null} */
  #watch = null; // from the beginning of the talk on
  /** @type {{stream: MediaStream, level: ReturnType<typeof meter>} | null} */
  #ear = null; // what measures the microphone where getStats does not: {stream, level}
  #flow = { packets: 0, at: 0 }; // packets received by the last tick, and when so many came that it was sound
  /** @type {{reading: Reading, pc: RTCPeerConnection} | null} */
  #last = null; // of the last tick
  #losses = new Losses(); // of this connection
  #relayed = false; // whether the media went through a relay when they last did

  /**
   * @param {Call} call
   * @param {Wire} wire
   * @param {() => import("../grtc.js").WarningLimits | undefined} [limits]
   */
  constructor(call, wire, limits = () => undefined) {
    this.call = call;
    this.wire = wire;
    this.limits = limits;
    /** @type {Reading | null} */
    this.before = null; // the last reading that was told, none of before a hold
    this.at = 0;
    /** @type {RTCPeerConnection | null} */
    this.connection = null;
    call.on("hold", () => {
      this.before = null;
    });
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.told = true; // until the gateway says that it does not want to be told
  }

  start() {
    this.#watch ??= new Watch(this.limits());
    this.timer ??= setInterval(() => this.#tick().catch(() => {}), TICK);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Whether sound has come in within the last minute. */
  get flowing() {
    return Date.now() - this.#flow.at < LATELY;
  }

  /** What is to be said of the media until now; null before the call is up. */
  get verdict() {
    return this.#watch?.verdict() ?? null;
  }

  /** Returns the quality since the last sample. */
  async look() {
    const pc = this.call.connection;
    if (pc !== this.connection) this.before = null;
    this.connection = pc;
    return assess(read(pc ? (await pc.getStats()).values() : []), this.before, this.#circumstances());
  }

  get #talking() {
    return !this.call.held && !this.call.heldByPeer;
  }

  // On hold there may be silence, and within a moment nothing may come.
  #circumstances() {
    return { expected: this.#talking && Date.now() - this.at > MOMENT };
  }

  /** Samples a last time, before the call is ended; a slow gateway does not keep it from that. */
  async finish() {
    const running = this.timer !== undefined;
    this.stop();
    if (!running) return;
    const late = new Promise((resolve) => setTimeout(resolve, LATE));
    await Promise.race([this.#finally().catch(() => {}), late]);
  }

  async #tick() {
    const pc = this.call.connection;
    if (!pc) return;
    const reading = read((await pc.getStats()).values());
    if (this.timer === undefined) return; // it was stopped meanwhile
    this.#hear(pc, reading);
    this.#ticks += 1;
    if (this.#ticks % EVERY === 0) await this.#sample(pc, reading);
  }

  async #finally() {
    const pc = this.call.connection;
    if (pc) await this.#sample(pc, read((await pc.getStats()).values()));
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {Reading} reading
   */
  #hear(pc, reading) {
    const { packets } = reading.audio.rx;
    if (packets - this.#flow.packets >= FLOW) this.#flow.at = Date.now();
    this.#flow.packets = packets;
    const wrong = this.#watch?.take(this.#second(pc, reading)) ?? {};
    for (const [code, on] of Object.entries(wrong)) this.call.warn(/** @type {Code} */ (code), on);
  }

  /**
   * Returns what the last second was like; of a new connection all that it had until now.
   * @param {RTCPeerConnection} pc
   * @param {Reading} reading
   * @returns {import("./watch.js").Second}
   */
  #second(pc, reading) {
    const { call } = this;
    const before = this.#last?.pc === pc ? this.#last.reading : null;
    if (!before) this.#losses = new Losses();
    this.#last = { reading, pc };
    const { audio } = reading;
    const quality = assess(reading, before);
    const lost = LOST.includes(pc.connectionState);
    if (!lost) this.#relayed = reading.relayed;
    const track = call.localStream?.getAudioTracks()[0];
    const packets = Math.max(0, audio.rx.packets - (before?.audio.rx.packets ?? 0));
    const loss = this.#losses.take(audio.rx.lost, packets);
    return {
      at: Date.now(),
      talking: this.#talking,
      packets,
      energy: audio.seconds > (before?.audio.seconds ?? 0) ? audio.energy - (before?.audio.energy ?? 0) : null,
      rtt: quality.rtt,
      jitter: quality.jitter,
      loss: Math.max(loss, audio.farLoss),
      mos: opinion({ rtt: quality.rtt, jitter: quality.jitter, loss }),
      microphone: !call.held && !call.muted && track ? this.#loudness(reading.source) : null,
      deviceGone: track?.readyState === "ended",
      relayLost: lost && this.#relayed,
    };
  }

  /**
   * Energy that grows with each sound, or how loud it is now: only nothing at all counts, which no microphone gives.
   * @param {Reading["source"]} source
   */
  #loudness(source) {
    if (source) return { total: source.energy };
    const { localStream: stream } = this.call;
    if (!stream) return null;
    if (this.#ear?.stream !== stream) this.#ear = { stream, level: meter(stream) };
    const level = this.#ear?.level?.();
    return typeof level === "number" ? { now: level } : null;
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {Reading} reading
   */
  async #sample(pc, reading) {
    const quality = assess(reading, pc === this.connection ? this.before : null, this.#circumstances());
    this.before = reading;
    this.at = Date.now();
    this.connection = pc;
    this.call.emit("quality", quality);
    if (this.told && this.call.id) await this.#tell(report(reading, quality, this.verdict));
  }

  /** @param {object} body */
  async #tell(body) {
    try {
      const query = { id: this.wire.id, call: this.call.id };
      await this.wire.post("stats", query, body, { keepalive: true });
    } catch (error) {
      if (["not_found", "bad_input"].includes(codeOf(error))) this.told = false;
    }
  }
}
