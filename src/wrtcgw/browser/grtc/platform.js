// What a phone takes of the browser's WebRTC, or of what a page gives it in place of that: in a virtual desktop the
// media are at the agent's own machine, and the maker of the desktop has objects that reach them.

import { PhoneError, microphoneError } from "./errors.js";

/** @import { WebRTC } from "../grtc.js" */

export class Platform {
  /** @param {WebRTC} [given] what is left out is the browser's, at the time when it is needed */
  constructor(given = {}) {
    this.given = given;
  }

  /** @returns {MediaDevices | undefined} */
  get devices() {
    return this.given.mediaDevices ?? globalThis.navigator?.mediaDevices;
  }

  /**
   * Returns a new connection.
   * @param {RTCConfiguration} configuration
   */
  connection(configuration) {
    const Connection = this.given.RTCPeerConnection ?? globalThis.RTCPeerConnection;
    if (!Connection) throw new PhoneError("unsupported_browser");
    return new Connection(configuration);
  }

  /**
   * Returns a stream of these tracks.
   * @param {MediaStreamTrack[]} tracks
   */
  stream(tracks) {
    return new (this.given.MediaStream ?? globalThis.MediaStream)(tracks);
  }

  /** Returns an element that plays a far side's sound. */
  player() {
    return this.given.audio?.() ?? new Audio();
  }

  /**
   * Opens microphone or camera, or says in a PhoneError why that cannot be.
   * @param {MediaStreamConstraints} constraints
   */
  async capture(constraints) {
    const { devices } = this;
    const open = this.given.getUserMedia ?? devices?.getUserMedia.bind(devices);
    if (!open) throw new PhoneError(globalThis.isSecureContext ? "unsupported_browser" : "insecure_context");
    try {
      return await open(constraints);
    } catch (error) {
      throw microphoneError(error);
    }
  }

  /** Returns what can be chosen from; names are there only once the microphone was allowed. */
  async list() {
    const all = (await this.devices?.enumerateDevices()) ?? [];
    /** @param {MediaDeviceKind} kind */
    const of = (kind) =>
      all.filter((device) => device.kind === kind).map(({ deviceId, label }) => ({ deviceId, label }));
    return { microphones: of("audioinput"), speakers: of("audiooutput"), cameras: of("videoinput") };
  }
}

/** The browser's own. */
export const BROWSER = new Platform();
