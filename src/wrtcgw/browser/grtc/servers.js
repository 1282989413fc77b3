// STUN and TURN servers: those of the gateway are asked for before each call, as their credentials run out (report B1).

export class Servers {
  constructor(wire, { iceServers, iceTransportPolicy = "all" }) {
    this.wire = wire;
    this.given = iceServers;
    this.policy = iceTransportPolicy;
    this.none = false; // the gateway knows no such request
  }

  /** Returns the configuration of a new RTCPeerConnection. */
  async configuration() {
    const iceServers = this.given === "gateway" ? await this.#ask() : this.given;
    return { iceServers, iceTransportPolicy: this.policy };
  }

  async #ask() {
    if (this.none) return [];
    try {
      const answer = await this.wire.ask("GET", "ice", { query: { id: this.wire.id }, patience: 3_000 });
      return answer?.iceServers ?? [];
    } catch (error) {
      this.none = error.code === "not_found";
      return []; // a call in the same network needs none
    }
  }
}
