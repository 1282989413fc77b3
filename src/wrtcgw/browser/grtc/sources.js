// What calls send: the microphone, shared by all of them, and a camera for each that wants one.

/** @import { Wanted } from "./types.js" */

export class Sources {
  /** @type {Set<MediaStreamTrack>} */
  #cameras = new Set();

  /** @param {import("./devices.js").Microphone} microphone */
  constructor(microphone) {
    this.microphone = microphone;
  }

  /**
   * Returns tracks to send in a call.
   * @param {Wanted} wanted
   */
  async lend({ audio, video }) {
    const tracks = audio ? [await this.microphone.lend()] : [];
    if (!video) return tracks;
    try {
      const cameras = (await this.microphone.platform.capture({ video: true })).getTracks();
      cameras.forEach((track) => this.#cameras.add(track));
      return [...tracks, ...cameras];
    } catch (error) {
      tracks.forEach((track) => this.takeBack(track));
      throw error;
    }
  }

  /**
   * Takes back a track that a call has sent; one of the page's own stays as it is.
   * @param {MediaStreamTrack} track
   */
  takeBack(track) {
    if (this.microphone.owns(track)) this.microphone.takeBack(track);
    else if (this.#cameras.delete(track)) track.stop();
  }
}
