// Noise suppression by RNNoise, for pages that want it: new Phone({ processAudio: noiseSuppressor() }). What it needs
// comes from the gateway; whatever fails leaves the call with the microphone's own sound, see devices.js.

import { BASE_URL } from "./baseUrl.js";
import { FLOOR } from "./silence.js";

/** @import { AudioProcessor, Processed } from "../grtc.js" */

const RATE = 48_000; // what RNNoise was trained with
const READY = 3_000; // ms that a call waits for it
const FETCHED = 30_000; // ms that it may take to be fetched
const LOOK = 1_000; // ms between looks whether sound still comes through
const NO_WORKLET = "This browser has no AudioWorklet, or the page is no secure context (https)";
const NOT_LOADED = "RNNoise could not be loaded from the gateway";
const NOT_RUN = "RNNoise cannot run here";
const LATE = "The browser has not begun with it in time; before the page is clicked it may not";
const BROKEN = "The AudioWorklet has failed";
const STALLED = "The browser processes no sound any more";

/** @type {Map<string, Promise<ArrayBuffer>>} */
const loaded = new Map();

/**
 * Returns what takes noise off the microphone's sound, for `processAudio` and `setAudioProcessing` of a phone.
 * @param {{gateway?: string | undefined}} [options] `gateway`: its base address, by default where the library came from
 * @returns {AudioProcessor}
 */
export function noiseSuppressor({ gateway = BASE_URL } = {}) {
  const base = gateway.endsWith("/") ? gateway : `${gateway}/`;
  load(base).catch(() => {}); // the first call is not to wait for it; a failure is told there
  return (microphone) => new Suppression().begin(microphone, base);
}

/** What there is while one microphone is open. */
class Suppression {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isOver = false;
  /** @type {(why: string) => void} */
  #fail = () => {};
  /** @type {Promise<Error>} */
  #failed = new Promise((resolve) => (this.#fail = (why) => resolve(new Error(why))));

  /**
   * @param {MediaStreamTrack} microphone
   * @param {string} base
   * @returns {Promise<Processed>}
   */
  async begin(microphone, base) {
    try {
      if (!globalThis.AudioContext || !globalThis.AudioWorkletNode) throw new Error(NO_WORKLET);
      const context = (this.#context = new AudioContext({ sampleRate: RATE }));
      this.#timer = setTimeout(() => this.#fail(LATE), READY);
      const failed = this.#failed.then((error) => Promise.reject(error));
      const track = await Promise.race([this.#connect(context, microphone, base), failed]);
      clearTimeout(this.#timer);
      this.#watch(context, context.currentTime);
      return { track, failed: this.#failed, close: () => this.#end() };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStreamTrack} microphone
   * @param {string} base
   */
  async #connect(context, microphone, base) {
    const module = new URL("grtc/noiseWorklet.js", base).href;
    const [wasm] = await Promise.all([load(base), context.audioWorklet.addModule(module), context.resume()]);
    if (this.#isOver) throw new Error(LATE);
    const node = new AudioWorkletNode(context, "wrtcgw-noise", {
      channelCount: 1,
      channelCountMode: "explicit",
      outputChannelCount: [1],
      processorOptions: { wasm, floor: FLOOR },
    });
    this.#node = node;
    node.onprocessorerror = () => this.#fail(BROKEN);
    await ready(node.port);
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    context
      .createMediaStreamSource(new MediaStream([microphone]))
      .connect(node)
      .connect(out);
    return out.stream.getAudioTracks()[0];
  }

  /**
   * Looks now and then whether its time goes on; a browser that has paused it is asked once to go on.
   * @param {AudioContext} context
   * @param {number} before
   * @param {boolean} [asked]
   */
  #watch(context, before, asked = false) {
    this.#timer = setTimeout(() => {
      const now = context.currentTime;
      if (now === before && asked) return this.#fail(STALLED);
      if (now === before) context.resume().catch(() => {});
      this.#watch(context, now, now === before);
    }, LOOK);
  }

  #end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#node?.port.postMessage("end");
    this.#node?.disconnect();
    this.#context?.close().catch(() => {}); // the browser has closed it
  }
}

/**
 * Returns RNNoise as WebAssembly; it is fetched once, or again when that failed.
 * @param {string} base
 */
function load(base) {
  const known = loaded.get(base);
  if (known) return known;
  const wasm = fetchWasm(new URL("vendor/rnnoise/rnnoise.wasm", base).href);
  loaded.set(base, wasm);
  wasm.catch(() => loaded.delete(base));
  return wasm;
}

/** @param {string} url */
async function fetchWasm(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCHED) }).catch((error) => {
    throw new Error(`${NOT_LOADED}: ${error.message}`, { cause: error });
  });
  if (!response.ok) throw new Error(`${NOT_LOADED}: ${response.status}`);
  return response.arrayBuffer();
}

/**
 * Waits until the worklet says that it is ready, or why it is not: a policy may forbid WebAssembly.
 * @param {MessagePort} port
 * @returns {Promise<void>}
 */
function ready(port) {
  return new Promise((resolve, reject) => {
    port.onmessage = ({ data }) => (data === "ready" ? resolve() : reject(new Error(`${NOT_RUN}: ${data}`)));
  });
}
