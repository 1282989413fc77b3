// STUN and TURN servers: those of the gateway are asked for before each call, as their credentials run out.
// The same request asks whether a number may be called at all.

import { PhoneError, codeOf } from "./errors.js";

/** @import { Wire } from "./wire.js" */

const FRESH = 5_000; // ms that the answer to that question is good for the call as well
const PATIENCE = 3_000; // ms
const REFUSED = [400, 403, 409, 429]; // the gateway's no to the number; whatever else is wrong, the call itself tells

export class Servers {
  /**
   * @param {Wire} wire
   * @param {{iceServers: "gateway" | RTCIceServer[], iceTransportPolicy?: RTCIceTransportPolicy}} options
   */
  constructor(wire, { iceServers, iceTransportPolicy = "all" }) {
    this.wire = wire;
    this.given = iceServers;
    this.policy = iceTransportPolicy;
    this.none = false; // the gateway knows no such request
    /** @type {{at: number, iceServers: RTCIceServer[]} | null} */
    this.kept = null; // the last answer, for the call that it was asked for: {at, iceServers}
  }

  /**
   * Asks whether the gateway would call a number, before anything is done for the call; throws its no.
   * @param {string} to
   */
  async check(to) {
    if (this.none) return;
    try {
      const answer = await this.wire.ask("GET", "ice", { query: { id: this.wire.id, to }, patience: PATIENCE });
      this.kept = { at: Date.now(), iceServers: answer?.iceServers ?? [] };
    } catch (error) {
      this.none = codeOf(error) === "not_found";
      if (error instanceof PhoneError && REFUSED.includes(error.status)) throw error;
    }
  }

  /**
   * Returns the configuration of a new RTCPeerConnection.
   * @returns {Promise<import("./types.js").Configuration>}
   */
  async configuration() {
    const iceServers = this.given === "gateway" ? await this.#ask() : this.given;
    return { iceServers, iceTransportPolicy: this.policy };
  }

  /** @returns {Promise<RTCIceServer[]>} */
  async #ask() {
    const { kept } = this;
    this.kept = null;
    if (kept && Date.now() - kept.at < FRESH) return kept.iceServers;
    if (this.none) return [];
    try {
      const answer = await this.wire.ask("GET", "ice", { query: { id: this.wire.id }, patience: PATIENCE });
      return answer?.iceServers ?? [];
    } catch (error) {
      this.none = codeOf(error) === "not_found";
      return []; // a call in the same network needs none
    }
  }
}
