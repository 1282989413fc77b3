// The phone below a client of the vendor's shape: the page opens its media by itself, shows them by itself, keeps
// nothing through a reload, and signs out when it goes.

import { PhoneError } from "./errors.js";
import { log } from "./logger.js";
import { Phone } from "./phone.js";

/** @import { Client } from "./client.js" */
/** @import { Description, Wire } from "./wire.js" */

const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

export class PagePhone extends Phone {
  #client;
  /** @type {RTCCertificate[] | null} */
  #certificates = null;

  /**
   * @param {Client} client
   * @param {string} gateway
   */
  constructor(client, gateway) {
    super({
      gateway,
      storage: null,
      play: false,
      answerOnTalk: false,
      iceServers: client.configuration.iceServers ?? "gateway",
      shape: (sdp, type, call) => client.shape(sdp, type, call),
    });
    this.#client = client;
    const signOut = this.wire.signOut.bind(this.wire);
    this.wire.signOut = (options) => signOut({ keepalive: true, ...options }); // also while the page goes away
    const describe = this.wire.describe.bind(this.wire);
    this.wire.describe = async (message) => {
      const answer = await fitting(describe, message);
      client.sent(message.messageType);
      return answer;
    };
  }

  /** Returns the page's tracks, for a call of an earlier page: when this one has accepted it. */
  async tracks() {
    await this.#client.accepted();
    return this.#client.localStream?.getTracks() ?? [];
  }

  /**
   * Returns the configuration of a new connection, with what the page has set.
   * @returns {Promise<import("./types.js").Configuration>}
   */
  async configuration() {
    const { iceTimeout, rsa } = this.#client.configuration;
    if (rsa) this.#certificates ??= [await RTCPeerConnection.generateCertificate(RSA)];
    return {
      ...(await super.configuration()),
      ...(this.#certificates ? { certificates: this.#certificates } : {}),
      ...(iceTimeout === null ? {} : { gatherLimit: iceTimeout }),
    };
  }
}

/**
 * Data that are too much for the gateway cost no call: the largest are left out, one by one.
 * @param {Wire["describe"]} describe
 * @param {Description} message
 * @returns {Promise<any>}
 */
async function fitting(describe, message) {
  try {
    return await describe(message);
  } catch (error) {
    const refused = error instanceof PhoneError && error.code === "bad_input" && error.details.field === "data";
    if (!refused || !message.data?.length) throw error;
    /** @type {(pair: {value: unknown}) => number} */
    const size = ({ value }) => JSON.stringify(value ?? "").length;
    const largest = message.data.reduce((one, other) => (size(other) > size(one) ? other : one));
    log.error(`${error.hint}: ${largest.key} is not sent`);
    return fitting(describe, { ...message, data: message.data.filter((each) => each !== largest) });
  }
}
