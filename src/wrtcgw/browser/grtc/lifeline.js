// Whether the media of a connection still arrive: asked when the network or the gateway was away for a while.
//
// A new way for media that have never stopped costs what it is to spare: seconds of silence, while the far side changes
// over. So another way is looked for only when nothing at all arrives: no sound, and no answer to a check of
// connectivity either, of which a browser makes one at least every 2.5 s.

const LOOK = 250; // ms between two looks
const FLOWING = 2_000; // ms without a byte, where sound has come in until now
const SILENT = 4_000; // ms, where there was none to come

/** @param {number} time */
const later = (time) => new Promise((resolve) => setTimeout(resolve, time));

/**
 * Returns how many bytes and answers have arrived over all transports of a connection; null when it is closed.
 * @param {RTCPeerConnection} pc
 */
export async function arrived(pc) {
  try {
    const reports = [...(await pc.getStats()).values()];
    /** @type {(types: string[], name: string) => number} */
    const sum = (types, name) =>
      reports.filter(({ type }) => types.includes(type)).reduce((total, report) => total + (report[name] ?? 0), 0);
    const pairs = ["candidate-pair", "transport"];
    return sum(pairs, "bytesReceived") + sum(pairs, "responsesReceived") + sum(["inbound-rtp"], "packetsReceived");
  } catch {
    return null;
  }
}

export class Lifeline {
  /** @type {number | null} */
  #looks = null; // taken in vain so far, by whose number time is measured: a busy machine's clock runs on without them

  /**
   * @param {{connection: () => RTCPeerConnection | null, flowing: () => boolean, lost: () => void}} hooks `flowing`:
   *   whether sound has come in lately; `lost`: nothing arrives any more
   */
  constructor(hooks) {
    this.hooks = hooks;
  }

  /** Looks whether anything arrives from now on; one that is under way begins again. */
  async look() {
    const running = this.#looks !== null;
    this.#looks = 0;
    if (running) return;
    try {
      if (await this.#isLost()) this.hooks.lost();
    } finally {
      this.#looks = null;
    }
  }

  async #isLost() {
    const pc = this.hooks.connection();
    if (!pc) return false;
    const before = await arrived(pc);
    for (;;) {
      await later(LOOK);
      if (pc !== this.hooks.connection()) return false; // another way was found already, or the call is over
      if (pc.connectionState === "failed") return true;
      const now = await arrived(pc);
      if (now === null || before === null || now > before) return false;
      this.#looks = (this.#looks ?? 0) + 1;
      if (this.#looks * LOOK >= (this.hooks.flowing() ? FLOWING : SILENT)) return true;
    }
  }
}
