// Runs in an AudioWorklet: RNNoise over a microphone's sound, in frames of 10 ms at 48 kHz. It imports and fetches
// nothing; noise.js gives it the WebAssembly, and hears "ready", or why it failed.

const FRAME = 480; // samples
const RATE = 48_000;
const STEPS = 32_768; // RNNoise counts in steps of 16 bits
const COMFORT = 1.2e-4; // -83 dBFS: a room without its noise is not to look like a microphone that is off

/**
 * @typedef {{buffer: Float32Array, run: () => void}} Denoiser `run` takes the noise off the frame in `buffer`
 */

/**
 * @param {BufferSource} wasm
 * @returns {Promise<Denoiser>}
 */
async function denoiser(wasm) {
  /** @type {any} */
  let rnnoise = null;
  const env = {
    /** @type {(to: number, from: number, length: number) => void} */
    emscripten_memcpy_big: (to, from, length) => {
      new Uint8Array(rnnoise.memory.buffer).copyWithin(to, from, from + length);
    },
    emscripten_resize_heap: () => 0, // there is enough
    __assert_fail: () => {
      throw new Error("RNNoise has failed");
    },
  };
  const { instance } = await WebAssembly.instantiate(wasm, { env });
  rnnoise = instance.exports;
  rnnoise.__wasm_call_ctors();
  const [state, at] = [rnnoise.rnnoise_create(0), rnnoise.malloc(4 * FRAME)];
  if (!state || !at) throw new Error("RNNoise has no memory");
  const buffer = new Float32Array(rnnoise.memory.buffer, at, FRAME);
  const made = { buffer, run: () => rnnoise.rnnoise_process_frame(state, at, at) };
  for (let frame = 0; frame < RATE / 2 / FRAME; frame += 1) {
    for (let index = 0; index < FRAME; index += 1) buffer[index] = STEPS * syllable((frame * FRAME + index) / RATE);
    made.run();
  }
  return made;
}

/**
 * A quarter of a second of something like a vowel. RNNoise takes hiss for a voice, for many seconds, until it has heard
 * one; so it hears this first, which takes some 50 ms.
 * @param {number} time in seconds
 */
function syllable(time) {
  let sum = 0;
  for (let nth = 1; nth < 8; nth += 1) sum += Math.sin(2 * Math.PI * 150 * nth * time) / nth;
  return 0.2 * Math.max(0, Math.sin(4 * Math.PI * time)) * sum;
}

export class NoiseProcessor extends AudioWorkletProcessor {
  /** @type {Denoiser | null} */
  #denoiser = null;
  #given = new Float32Array(FRAME); // the frame that is being collected
  #made = new Float32Array(FRAME); // the one before it, which goes out meanwhile
  #at = 0;
  #isOver = false;
  #floor;

  /** @param {{processorOptions: {wasm: ArrayBuffer, floor: number}}} options `floor`: mean square that is silence */
  constructor({ processorOptions: { wasm, floor } }) {
    super();
    this.#floor = floor;
    this.port.onmessage = () => (this.#isOver = true);
    denoiser(wasm).then(
      (made) => {
        this.#denoiser = made;
        this.port.postMessage("ready");
      },
      (error) => this.port.postMessage(String(error)),
    );
  }

  /**
   * @param {Float32Array[][]} inputs
   * @param {Float32Array[][]} outputs
   */
  process(inputs, outputs) {
    if (this.#isOver) return false;
    const [input, output] = [inputs[0].at(0), outputs[0][0]];
    for (let index = 0; index < output.length; index += 1) {
      output[index] = this.#made[this.#at];
      this.#given[this.#at] = input?.[index] ?? 0;
      this.#at += 1;
      if (this.#at === FRAME) this.#frame();
    }
    return true;
  }

  #frame() {
    this.#at = 0;
    const [given, made, denoise] = [this.#given, this.#made, this.#denoiser];
    const heard = given.reduce((sum, each) => sum + each * each, 0) > this.#floor * FRAME;
    if (!denoise || !heard) return made.set(given); // its filters would be slow with numbers that are next to nothing
    for (let index = 0; index < FRAME; index += 1) denoise.buffer[index] = given[index] * STEPS;
    denoise.run();
    for (let index = 0; index < FRAME; index += 1) {
      made[index] = denoise.buffer[index] / STEPS + COMFORT * (2 * Math.random() - 1);
    }
  }
}

registerProcessor("wrtcgw-noise", NoiseProcessor);
