// What the host is told of calls and of the phone: plain data.

/** @import { Call } from "../grtc/call.js" */
/** @import { PhoneError } from "../grtc/errors.js" */
/** @import { Phone } from "../grtc/phone.js" */
/** @import { EndedCall } from "../softphone/types.js" */

/** Gives each call a name for the host that stays the same, before the gateway has given it an id and after. */
export class Names {
  /** @type {WeakMap<Call, string>} */
  #names = new WeakMap();
  #count = 0;

  /**
   * Returns the name of a call.
   * @param {Call} call
   */
  of(call) {
    const name = this.#names.get(call) ?? String((this.#count += 1));
    this.#names.set(call, name);
    return name;
  }
}

/**
 * Returns a call as the host sees it.
 * @param {Call} call
 * @param {Names} names
 */
export function callView(call, names) {
  const { id, uuid, direction, peer, displayName, state, held, heldByPeer, muted, data, warnings = [] } = call;
  const { sound, startedAt, answeredAt } = call;
  return {
    call: names.of(call),
    callId: id,
    uuid,
    direction,
    peer,
    displayName,
    state,
    held,
    heldByPeer,
    muted,
    sound,
    warnings: [...warnings],
    data,
    startedAt,
    answeredAt,
  };
}

/**
 * Returns how a call ended.
 * @param {EndedCall} call
 * @param {Names} names
 */
export function endView(call, names) {
  const { ended, endedAt, answeredAt, verdict } = call;
  const duration = answeredAt ? Math.round((endedAt - answeredAt) / 1000) : 0;
  return { ...callView(call, names), ...ended, endedAt, duration, verdict: verdict ?? null };
}

/**
 * Returns how the phone is.
 * @param {Phone} phone
 * @param {Names} names
 */
export function stateView(phone, names) {
  const { isSignedIn: signedIn, dn, id, connection, registration } = phone;
  const calls = [...phone.calls.values()].map((call) => callView(call, names));
  const who = signedIn ? { dn, id } : { dn: "", id: "" };
  return { signedIn, ...who, connection, registration: { ...registration }, calls };
}

/**
 * Returns an error as the host is told it.
 * @param {Partial<PhoneError>} error
 */
export function errorView({ code = "internal_error", hint, message, sipCode = 0, reason = "" }) {
  return { code, hint: hint ?? message ?? "", sipCode, reason };
}
