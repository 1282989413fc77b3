// Errors of the vendor's shape: told apart by `name`.

export const ERROR_NAMES = /** @type {const} */ ([
  "CONFIGURATION_ERROR",
  "CONNECTION_ERROR",
  "WEBRTC_NOT_SUPPORTED_ERROR",
  "WEBRTC_ERROR",
  "INVALID_STATE_ERROR",
  "NOT_READY_ERROR",
  "ERROR",
  "WARNING",
]);

export class GrtcError extends Error {
  /**
   * @param {string} name one of ERROR_NAMES
   * @param {string} message
   */
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

/** @type {[string, number[]][]} */
const TYPES = [
  ["NOMATCH", [404, 410, 416, 484, 485, 604]],
  ["TIMEOUT", [408, 480, 487, 504]],
  ["REFUSED", [403, 486, 600, 603, 607, 608]],
  ["CONFLICT", [491]],
];

/**
 * Returns ROAP's errorType for a SIP code; 0 is a failure without one.
 * @param {number} [sipCode]
 */
export function errorType(sipCode) {
  return TYPES.find(([, codes]) => codes.includes(sipCode ?? 0))?.[0] ?? "FAILED";
}
