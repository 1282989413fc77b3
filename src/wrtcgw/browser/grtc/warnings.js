// What is wrong with a call although it goes on, told when it begins and when it is over.

/** @typedef {import("../grtc.js").Warning} Told */

/** @type {Record<Told["code"], string>} */
export const HINTS = {
  mic_silent: "Your microphone sends no sound: look for its switch, or choose another one.",
  device_gone: "The microphone is gone: connect it again, or choose another one.",
  no_incoming_packets: "Nothing arrives from the far side: the network or the telephone system lets no sound through.",
  incoming_silence: "The far side sends silence: its microphone is off, or its telephone system sends none on.",
  relay_lost: "The relay (TURN) that carries this call is lost: another way is looked for.",
  high_packet_loss: "Much of the sound is lost on the way: use a cable, or move closer to the Wi-Fi.",
  high_rtt: "Words arrive late: the way through the network is long, a VPN perhaps.",
  high_jitter: "The sound arrives unevenly: the network is busy, end downloads and video.",
  low_mos: "The call sounds bad: the network is too slow or too busy.",
};

export class Warnings {
  /** @type {Set<Told["code"]>} */
  #raised = new Set();

  /** @param {(name: "warning" | "warningcleared", warning: Told) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }

  /** Codes of what is wrong at present. */
  get codes() {
    return [...this.#raised];
  }

  /**
   * Notes whether something is wrong.
   * @param {Told["code"]} code
   * @param {boolean} on
   */
  set(code, on) {
    if (on === this.#raised.has(code)) return;
    if (on) this.#raised.add(code);
    else this.#raised.delete(code);
    this.tell(on ? "warning" : "warningcleared", { code, hint: HINTS[code] ?? "" });
  }

  /** Forgets all: the call is over. */
  clear() {
    for (const code of this.codes) this.set(code, false);
  }
}
