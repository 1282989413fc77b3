// How a page with a phone begins: with what the gateway tells it, and with the session that it had before a reload.

import { asPhoneError } from "../grtc/errors.js";

/** @import { PhoneError } from "../grtc/errors.js" */
/** @import { Phone } from "../grtc/phone.js" */

const AGAIN = [1_000, 2_000, 4_000, 8_000]; // ms between tries to reach the gateway
const TRIES = 20;

/**
 * Goes on with the session before a reload; a gateway that cannot be reached is asked until it can, for some minutes.
 * @param {Phone} phone
 * @param {() => void} [waiting] is called each time that it has to wait
 * @returns {Promise<{resumed: boolean, reason: PhoneError | null}>} `reason`: why there is none, if anything is wrong
 */
export async function resume(phone, waiting = () => {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return { resumed: await phone.resume(), reason: null };
    } catch (error) {
      const reason = asPhoneError(error);
      if (reason.code !== "gateway_unreachable" || attempt >= TRIES) return { resumed: false, reason };
    }
    waiting();
    await new Promise((resolve) => setTimeout(resolve, AGAIN[Math.min(attempt, AGAIN.length - 1)]));
  }
}

/**
 * Returns what the gateway tells the page at this address, nothing if it does not.
 * @param {string} home
 * @returns {Promise<Record<string, any>>}
 */
export async function loadSettings(home) {
  const response = await fetch(new URL("settings.json", home)).catch(() => null);
  return response?.ok ? response.json() : {};
}
