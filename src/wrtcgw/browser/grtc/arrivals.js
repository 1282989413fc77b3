// Calls that a phone has not placed itself: those that come in, those that came while the page slept or was gone, and
// those of the page before a reload or of another page.
//
// A call rings here when the gateway has said that it is still there: it may have come while the page slept.

import { Call } from "./call.js";
import { asPhoneError } from "./errors.js";
import { factsOf } from "./facts.js";

/** @import { Phone } from "./phone.js" */
/** @import { Roster } from "./roster.js" */
/** @import { CallView, GatewayMessage, KeptCall } from "./types.js" */

const MISSED = "not-responding"; // the cause of a call's end that this page should have answered
const GOT_IT = { patience: 5_000 }; // ms that the gateway may take to say whether a call is still there

export class Arrivals {
  /** @type {Map<string, Call>} */
  #arriving = new Map(); // calls that have come, and do not ring yet
  /** @type {Map<string, Promise<void>>} */
  #fetching = new Map(); // calls of other pages, of which is asked what there is to know
  #phone;
  #roster;
  #listen;

  /**
   * @param {Phone} phone
   * @param {Roster} roster of the phone's calls
   * @param {(call: Call) => void} listen has the phone tell what its call tells
   */
  constructor(phone, roster, listen) {
    this.#phone = phone;
    this.#roster = roster;
    this.#listen = listen;
  }

  /**
   * Takes a message if it is of a call that comes in. Returns whether it is.
   * @param {GatewayMessage} message
   */
  take(message) {
    const { messageType: type, callId, cause } = message;
    const arriving = this.#arriving.get(callId);
    if (arriving) {
      if (!["OFFER", "SHUTDOWN"].includes(type)) this.#ring(arriving); // what is ordered for it is seen at once
      arriving.take(message);
    } else if (this.#roster.find(callId)) return false;
    else if (type === "OFFER" && cause !== "resync") this.#incoming(message);
    else if (cause === MISSED) this.#missed(message);
    else return false;
    return true;
  }

  /**
   * Waits until all is known that a message is about: another page may have placed its call.
   * @param {GatewayMessage} message
   */
  known({ messageType, callId }) {
    if (messageType === "SOUND" && !this.#roster.find(callId)) this.#fetch(callId);
    return this.#fetching.get(callId);
  }

  /**
   * Goes on with a call of the page before a reload, or of another page, as the gateway has it now.
   * @param {CallView} view
   * @param {KeptCall} [kept]
   */
  takeUp(view, kept) {
    if (this.#roster.find(view.callId) || this.#arriving.has(view.callId)) return;
    if (kept?.hidden || view.hidden) {
      this.#phone.endAtGateway("hangup", view.callId).catch(() => {}); // the check that it was for is gone
    } else if (view.state === "OFFERED") {
      if (kept?.offer) this.#incoming(kept.offer);
    } else if (["DIALLING", "RINGING", "ESTABLISHED"].includes(view.state)) {
      const { callId: id, direction, peer } = view;
      const call = new Call(this.#phone, { ...kept?.offer, ...view, id, direction, peer, offer: null });
      this.#roster.add(call);
      this.#listen(call);
      call.takeUp(view, kept);
    }
  }

  /**
   * Forgets a call: it is over.
   * @param {Call} call
   */
  drop(call) {
    this.#arriving.delete(call.id);
  }

  /** Forgets all that do not ring yet: the session is over. */
  clear() {
    this.#arriving.clear();
  }

  /** @param {GatewayMessage} message */
  #incoming(message) {
    const call = new Call(this.#phone, {
      ...factsOf(message),
      id: message.callId,
      direction: "inbound",
      peer: message.from ?? "",
      offer: message.sdp,
    });
    this.#phone.remember(call, { offer: message });
    this.#listen(call);
    this.#arriving.set(call.id, call);
    this.#isThere(call).then((there) => there && this.#ring(call));
  }

  /**
   * Tells the gateway that this page has got a call, for which it lets the caller hear it ring; one that came while the
   * page slept may be over by now. What the gateway does not answer is no reason not to ring.
   * @param {Call} call
   */
  async #isThere(call) {
    const { wire } = this.#phone;
    const told = await wire.post("ringing", { id: wire.id, call: call.id }, {}, GOT_IT).catch(() => null);
    return told?.state !== "ENDED";
  }

  /** @param {Call} call */
  #ring(call) {
    if (!this.#arriving.delete(call.id)) return; // it is over, or rings already
    const phone = this.#phone;
    this.#roster.add(call);
    phone.emit("incoming", call);
    phone.emit("call", call);
    if (!phone.options.autoAnswer || call.autoAnswer === null) return;
    const take = () => call.answer({ hold: true }).catch((error) => phone.emit("error", error));
    setTimeout(() => call.state === "incoming" && take(), 1000 * call.autoAnswer); // others do not hear each other
  }

  /**
   * Tells of a call of which only the end is known here: the page to which it was offered is gone.
   * @param {GatewayMessage} message
   */
  #missed(message) {
    const about = { id: message.callId, direction: /** @type {const} */ ("inbound"), peer: message.from ?? "" };
    new Call(this.#phone, { ...factsOf(message), ...about }).take(message);
  }

  /**
   * Another page has placed a call.
   * @param {string} id
   */
  #fetch(id) {
    if (this.#fetching.has(id)) return;
    const fetched = this.#phone.wire
      .calls()
      .then((views) => views.filter(({ callId }) => callId === id).forEach((view) => this.takeUp(view)))
      .catch((error) => this.#phone.emit("error", asPhoneError(error)))
      .finally(() => this.#fetching.delete(id));
    this.#fetching.set(id, fetched);
  }
}
