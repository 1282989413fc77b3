// Looks at the quality of a call every few seconds, and tells the gateway.

import { assess, read, report } from "./quality.js";

const EVERY = 5_000; // ms
const MOMENT = 2_000; // ms
const LATE = 300; // ms that the last report may delay the end of a call

export class Watch {
  /**
   * @param {import("./call.js").Call} call
   * @param {import("./wire.js").Wire} wire
   */
  constructor(call, wire) {
    this.call = call;
    this.wire = wire;
    this.before = null; // the last reading, none of before a hold
    this.at = 0;
    this.connection = null;
    call.on("hold", () => { this.before = null; });
    this.timer = null;
    this.told = true; // until the gateway says that it does not want to be told
  }

  start() {
    this.timer ??= setInterval(() => this.#sample().catch(() => {}), EVERY);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
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
    const running = this.timer !== null;
    this.stop();
    if (!running) return;
    const late = new Promise((resolve) => setTimeout(resolve, LATE));
    await Promise.race([this.#sample().catch(() => {}), late]);
  }

  async #sample() {
    const pc = this.call.connection;
    if (!pc) return;
    const reading = read((await pc.getStats()).values());
    const quality = assess(reading, pc === this.connection ? this.before : null, this.#circumstances());
    this.before = reading;
    this.at = Date.now();
    this.connection = pc;
    this.call.emit("quality", quality);
    if (this.told && this.call.id) await this.#tell(report(reading, quality));
  }

  async #tell(body) {
    try {
      const query = { id: this.wire.id, call: this.call.id };
      await this.wire.post("stats", query, body, { keepalive: true });
    } catch (error) {
      if (["not_found", "bad_input"].includes(error.code)) this.told = false;
    }
  }
}
