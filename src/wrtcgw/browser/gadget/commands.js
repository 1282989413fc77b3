// What the host can have done: each command is a function of the message, and its result the answer.

import { PhoneError } from "../grtc/errors.js";

/** @import { Call } from "../grtc/call.js" */
/** @import { Phone } from "../grtc/phone.js" */
/** @import { Names } from "./views.js" */

/**
 * @typedef {Record<string, any>} Message of the host: what it holds is looked at here
 * @typedef {(call: Call) => boolean} Fits
 */

/**
 * Returns the commands by name.
 * @param {object} parts
 * @param {Phone} parts.phone
 * @param {Names} parts.names
 * @param {() => object} parts.state
 * @param {(message: Message) => Promise<object>} parts.init
 * @returns {Record<string, (message: Message) => unknown>}
 */
export function makeCommands({ phone, names, state, init }) {
  const calls = () => [...phone.calls.values()];

  /**
   * @param {Message} message
   * @param {Fits} fits
   * @param {string} what
   */
  function find(message, fits, what) {
    if (!phone.isSignedIn) throw new PhoneError("not_signed_in");
    const wanted = message.call ?? message.callId;
    const found = calls().filter((call) => (wanted ? [names.of(call), call.id].includes(String(wanted)) : fits(call)));
    if (found.length === 1) return found[0];
    if (!found.length) throw new PhoneError("unknown_call", { hint: `There is no call to ${what}.` });
    throw new PhoneError("ambiguous_call", { hint: `There are several calls to ${what}: name one in "call".` });
  }

  /** @type {Fits} */
  const ringing = (call) => call.state === "incoming";
  /** @type {Fits} */
  const talking = (call) => !ringing(call);
  /** @type {Fits} */
  const inHand = (call) => talking(call) && !call.held;

  return {
    init,
    getState: () => state(),
    signOut: () => phone.signOut(),
    async call({ to, data = [] }) {
      if (typeof to !== "string" && typeof to !== "number") throw missing("to", "the number to call");
      if (!phone.isSignedIn) throw new PhoneError("not_signed_in");
      const call = await phone.call(String(to), { data: pairs(data), hold: true });
      return { call: names.of(call), callId: call.id };
    },
    async answer(message) {
      await find(message, ringing, "answer").answer({ hold: true });
    },
    reject: (message) => find(message, ringing, "reject").reject(message.code),
    hangup: (message) => oneOf(message, "hang up").hangup(),
    hold: (message) => find(message, inHand, "put on hold").hold(),
    async resume(message) {
      const call = find(message, (each) => talking(each) && each.held, "resume");
      await phone.holdOthers(call);
      await call.resume();
    },
    async useHere(message) {
      const call = find(message, (each) => each.isUp && !each.isHere, "bring here");
      await phone.holdOthers(call);
      await call.useHere();
    },
    mute: (message) => oneOf(message, "mute").mute(message.on ?? true),
    dtmf: (message) => oneOf(message, "send digits in").dtmf(String(message.digits ?? "")),
    async transfer(message) {
      const call = oneOf(message, "transfer");
      if (message.toCall) await call.transferTo(find({ call: message.toCall }, talking, "transfer to"));
      else if (message.to) await call.transfer(String(message.to));
      else throw missing("to", "the number, or toCall, the call to connect with");
    },
  };

  /**
   * the call in hand where none is named; one on hold if that is the only one
   * @param {Message} message
   * @param {string} what
   */
  function oneOf(message, what) {
    const active = calls().filter(inHand);
    return find(message, active.length ? inHand : talking, what);
  }
}

/**
 * Returns attached data as the library takes it: a list of pairs; an object is taken as well.
 * @param {any} data
 */
function pairs(data) {
  if (Array.isArray(data)) return data;
  return Object.entries(data ?? {}).map(([key, value]) => ({ key, value: String(value) }));
}

/**
 * @param {string} name
 * @param {string} what
 */
function missing(name, what) {
  return new PhoneError("bad_input", { hint: `"${name}" is missing: ${what}.` });
}
