// Digits of a call: in the media (RFC 4733), or by SIP INFO.

import { PhoneError } from "./errors.js";
import { takesDigits } from "./sdp.js";

const DIGITS = /^[0-9A-D*#]+$/i;

/**
 * Returns the digits, or throws for what are none.
 * @param {string} digits
 */
export function checkedDigits(digits) {
  if (DIGITS.test(digits)) return String(digits);
  throw new PhoneError("bad_input", { hint: `"${digits}" are not 0-9, A-D, * or #.` });
}

/**
 * @typedef {{duration?: number, gap?: number, by?: "rtp" | "info"}} DigitOptions times in milliseconds
 */

/**
 * Sends digits in the media; by `inform` where the far side takes none there, or `by` is "info". Times are
 * milliseconds. Fulfilled when the last one was sent.
 * @param {import("./media.js").Media} media
 * @param {string} digits
 * @param {DigitOptions} options
 * @param {(fields: Record<string, unknown>) => Promise<unknown>} inform
 */
export async function sendDigits({ audioSender, pc }, digits, { duration = 100, gap = 50, by }, inform) {
  const sender = audioSender?.dtmf;
  const able = sender?.canInsertDTMF && takesDigits(pc?.remoteDescription?.sdp ?? "") ? sender : null;
  if (by === "rtp" && !able) throw new PhoneError("not_supported", { hint: "The media take no digits here." });
  if (by === "info" || !able) await inform({ digits, duration, gap });
  else await insertDigits(able, digits, duration, gap);
}

/**
 * @param {RTCDTMFSender} sender
 * @param {string} digits
 * @param {number} duration
 * @param {number} gap
 */
function insertDigits(sender, digits, duration, gap) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      /** @param {RTCDTMFToneChangeEvent} event */
      const heard = ({ tone }) => tone === "" && done();
      const done = () => {
        clearTimeout(timer);
        sender.removeEventListener("tonechange", heard);
        resolve();
      };
      const timer = setTimeout(done, 2000 + digits.length * (duration + gap));
      sender.addEventListener("tonechange", heard);
      sender.insertDTMF(sender.toneBuffer + digits, duration, gap);
    })
  );
}
