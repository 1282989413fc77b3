// Microphone and camera of a page that opens them itself.

import { PhoneError, microphoneError } from "./errors.js";
import { capture } from "./devices.js";

/**
 * @param {number} width
 * @param {number} height
 */
const size = (width, height) => ({ width: { ideal: width }, height: { ideal: height } });

/** What `enableMediaSource(audio, video)` may be given as video. */
export const VideoConstraints = {
  qvga: size(320, 180),
  vga: size(640, 360),
  hd: size(1280, 720),
  /** @type {(width?: number, height?: number) => ReturnType<typeof size> | true} */
  custom: (width, height) => (width && height ? size(width, height) : true),
  screen: { share: "monitor" },
  window: { share: "window" },
};

/** @type {Record<string, string>} */
const BOUNDS = { min: "min", max: "max" };

/**
 * Returns constraints as today's browsers take them; those of old have `mandatory` and `optional`.
 * @param {any} given a page's, whatever it is
 */
export function modernConstraints(given) {
  if (typeof given === "function") return given();
  if (!given || typeof given !== "object" || !(given.mandatory || given.optional)) return given ?? false;
  const { mandatory = {}, optional = [], ...rest } = given;
  /** @type {Record<string, any>} */
  const found = { ...rest };
  for (const [name, value, strict] of entries(mandatory, optional)) {
    const [, bound, property] = /^(min|max)([A-Z]\w*)$/.exec(name) ?? [];
    if (name === "sourceId") found.deviceId = strict ? { exact: value } : { ideal: value };
    else if (!bound) found[name.replace(/^goog/, "").replace(/^./, (first) => first.toLowerCase())] = { ideal: value };
    else {
      const key = property[0].toLowerCase() + property.slice(1);
      found[key] = { ...found[key], [strict ? BOUNDS[bound] : "ideal"]: value };
    }
  }
  return found;
}

/**
 * @param {Record<string, unknown>} mandatory
 * @param {Record<string, unknown>[]} optional
 * @returns {[string, unknown, boolean][]}
 */
function entries(mandatory, optional) {
  /** @type {(object: Record<string, unknown>, strict: boolean) => [string, unknown, boolean][]} */
  const of = (object, strict) => Object.entries(object).map(([name, value]) => [name, value, strict]);
  return [...optional.flatMap((each) => of(each, false)), ...of(mandatory, true)];
}

/**
 * Opens what a page asks for; a screen or window is shared beside the microphone.
 * @param {unknown} audio
 * @param {unknown} video
 */
export async function openMedia(audio, video) {
  const wanted = modernConstraints(video);
  if (!wanted?.share) return capture({ audio: modernConstraints(audio), video: wanted });
  const shown = await share(wanted.share);
  if (!audio) return shown;
  try {
    const sound = await capture({ audio: modernConstraints(audio) });
    return new MediaStream([...sound.getTracks(), ...shown.getTracks()]);
  } catch (error) {
    shown.getTracks().forEach((track) => track.stop());
    throw error;
  }
}

/** @param {string} displaySurface */
async function share(displaySurface) {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new PhoneError("unsupported_browser");
  try {
    return await navigator.mediaDevices.getDisplayMedia({ video: { displaySurface } });
  } catch (error) {
    throw microphoneError(error);
  }
}
