// Looks at a call every second: its quality, told every few seconds and to the gateway as well, and its microphone.

import { meter } from "./devices.js";
import { codeOf } from "./errors.js";
import { Silence } from "./silence.js";
import { assess, read, report } from "./quality.js";

/** @import { Call } from "./call.js" */
/** @import { Reading } from "./quality.js" */
/** @import { Wire } from "./wire.js" */

const TICK = 1_000; // ms
const EVERY = 5; // ticks, until the quality is told
const MOMENT = 2_000; // ms
const LATE = 300; // ms that the last report may delay the end of a call
const FLOW = 10; // packets in a tick that are sound; fewer may be comfort noise
const LATELY = 60_000; // ms

export class QualityMonitor {
  #ticks = 0;
  #silence = new Silence();
  /** @type {{stream: MediaStream, level: ReturnType<typeof meter>} | null} */
  #ear = null; // what measures the microphone where getStats does not: {stream, level}
  #flow = { packets: 0, at: 0 }; // packets received by the last tick, and when so many came that it was sound

  /**
   * @param {Call} call
   * @param {Wire} wire
   */
  constructor(call, wire) {
    this.call = call;
    this.wire = wire;
    /** @type {Reading | null} */
    this.before = null; // the last reading, none of before a hold
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

  /** Returns the quality since the last sample. */
  async look() {
    const pc = this.call.connection;
    if (pc !== this.connection) this.before = null;
    this.connection = pc;
    return assess(read(pc ? (await pc.getStats()).values() : []), this.before, this.#circumstances());
  }

  // On hold there may be silence, and within a moment nothing may come.
  #circumstances() {
    return { expected: !this.call.held && !this.call.heldByPeer && Date.now() - this.at > MOMENT };
  }

  /** Samples a last time, before the call is ended; a slow gateway does not keep it from that. */
  async finish() {
    const running = this.timer !== undefined;
    this.stop();
    if (!running) return;
    const late = new Promise((resolve) => setTimeout(resolve, LATE));
    await Promise.race([this.#last().catch(() => {}), late]);
  }

  async #tick() {
    const pc = this.call.connection;
    if (!pc) return;
    const reading = read((await pc.getStats()).values());
    if (this.timer === undefined) return; // it was stopped meanwhile
    this.#hear(reading);
    this.#ticks += 1;
    if (this.#ticks % EVERY === 0) await this.#sample(pc, reading);
  }

  async #last() {
    const pc = this.call.connection;
    if (pc) await this.#sample(pc, read((await pc.getStats()).values()));
  }

  /** @param {Reading} reading */
  #hear(reading) {
    const { packets } = reading.audio.rx;
    if (packets - this.#flow.packets >= FLOW) this.#flow.at = Date.now();
    this.#flow.packets = packets;
    const { call } = this;
    const speaks = !call.held && !call.muted && call.localStream?.getAudioTracks().length;
    const silent = this.#silence.lasts(speaks ? this.#loudness(reading.source) : null, Date.now());
    call.warn("mic_silent", silent);
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
    if (this.told && this.call.id) await this.#tell(report(reading, quality));
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
