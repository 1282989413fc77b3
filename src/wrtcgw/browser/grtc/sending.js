// What a call sends: tracks that the phone lends it, silent while the call is muted or on hold.

import { Lingering } from "./lingering.js";

/** @import { CallOptions } from "../grtc.js" */
/** @import { Call } from "./call.js" */
/** @import { Negotiation } from "./negotiation.js" */
/** @import { Phone } from "./phone.js" */

export class Sending {
  #call;
  #phone;
  #negotiation;
  #lingering = new Lingering(); // what another page has taken over

  /**
   * @param {Call} call
   * @param {Phone} phone
   * @param {Negotiation} negotiation of the call
   */
  constructor(call, phone, negotiation) {
    this.#call = call;
    this.#phone = phone;
    this.#negotiation = negotiation;
  }

  /**
   * Gets what is to be sent, and the servers for the way of it.
   * @param {CallOptions} wanted
   */
  async prepare({ audio = true, video = false, stream = null }) {
    const asked = this.#phone.configuration(); // never fails
    const tracks = stream ? stream.getTracks() : await this.#phone.tracks({ audio, video });
    this.#negotiation.video = video;
    this.#negotiation.media.use(tracks, await asked);
    if (this.#call.isOver) this.release();
    this.speak();
  }

  /** Is heard or not, as the call is muted or on hold. */
  speak() {
    if (!this.#isHeard) this.#lingering.end();
    this.#tracks.forEach((track) => {
      track.enabled = this.#isHeard;
    });
  }

  get #isHeard() {
    return !this.#call.muted && !this.#call.held;
  }

  /**
   * Sends silence instead of the microphone, or the microphone again. Returns whether that is new.
   * @param {boolean} on
   */
  mute(on) {
    const call = this.#call;
    if (call.muted === on) return false;
    call.muted = on;
    this.#phone.remember(call, { muted: on });
    this.speak();
    call.emit("muted", { muted: on });
    call.emit("mute", on); // as it was named first
    return true;
  }

  /** Takes a new track of the microphone in place of the one that it has. */
  async renew() {
    const { microphone } = this.#phone;
    const old = this.#tracks.find(({ kind }) => kind === "audio");
    if (!old || !microphone.owns(old)) return;
    const track = await microphone.lend();
    await this.#negotiation.media.replace(old, track);
    microphone.takeBack(old);
    this.speak();
  }

  /** Gives all back, and sends nothing. */
  release() {
    this.#lingering.end();
    this.#tracks.forEach((track) => this.#phone.giveBack(track));
    this.#negotiation.media.use([], {});
  }

  /** Leaves the sound to another page: what is heard is so until that one's way is up. */
  leave() {
    const tracks = this.#tracks;
    this.#negotiation.media.use([], {});
    this.#lingering.begin(this.#negotiation.letGo(), this.#isHeard, () => {
      tracks.forEach((track) => this.#phone.giveBack(track));
      if (!this.#call.isHere) this.#phone.silence(this.#call);
    });
  }

  get #tracks() {
    return this.#negotiation.media.localStream?.getTracks() ?? [];
  }
}
