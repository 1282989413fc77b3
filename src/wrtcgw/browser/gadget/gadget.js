// The gadget without its looks: a phone, and a host that orders things and is told what happens.

import { asPhoneError, PhoneError } from "../grtc/errors.js";
import { makeCommands } from "./commands.js";
import { Host } from "./host.js";
import { Names, callView, endView, errorView, stateView } from "./views.js";

/** @import { EndedCall } from "../softphone/types.js" */

/** @import { Call } from "../grtc/call.js" */
/** @import { Phone } from "../grtc/phone.js" */
/** @import { Message } from "./commands.js" */

export class Gadget {
  #names = new Names();
  /** @type {WeakMap<Call, string>} */
  #last = new WeakMap(); // what was told of a call
  #state = ""; // what was told of the phone
  #signedIn = false;
  /** @type {[type: string, fields: object][] | null} */
  #early = []; // what there was to tell before the gadget was ready
  #start = () => {};
  #started = /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      this.#start = resolve;
    })
  );

  /**
   * @param {object} options
   * @param {Phone} options.phone
   * @param {string[]} options.origins pages that may be the host
   * @param {(message: Message) => Promise<object>} options.init what the command "init" does
   * @param {(error: PhoneError) => void} [options.failed] is told of commands that failed
   * @param {Window} [options.window] the gadget's own
   * @param {Pick<Console, "warn">} [options.console]
   */
  constructor({ phone, origins, init, failed = () => {}, ...surroundings }) {
    this.phone = phone;
    this.failed = failed;
    this.state = () => stateView(phone, this.#names);
    this.commands = makeCommands({ phone, names: this.#names, state: this.state, init });
    this.host = new Host({ origins, receive: (message) => this.#obey(message), ...surroundings });
    phone.on("incoming", (call) => this.#tellCall("incoming", call));
    phone.on("call", (call) => call.isOver || this.#tellCall("callState", call));
    phone.on("callended", (call) => this.#post("callEnded", endView(/** @type {EndedCall} */ (call), this.#names)));
    phone.on("error", (error) => this.tellError(error));
    for (const name of /** @type {const} */ (["registration", "connection"])) phone.on(name, () => this.#tellState());
    phone.on("signedout", ({ reason }) => this.#tellSignedOut(reason));
  }

  /** Takes commands from now on, and tells the host so, before all that happened until now. */
  ready() {
    this.host.post("ready", this.state());
    for (const event of this.#early?.splice(0) ?? []) this.host.post(...event);
    this.#early = null;
    this.#start();
  }

  /**
   * Tells the host that something is wrong.
   * @param {PhoneError} error
   */
  tellError(error) {
    this.#post("error", errorView(error));
  }

  /** @param {[type: string, fields: object]} event */
  #post(...event) {
    if (this.#early) this.#early.push(event);
    else this.host.post(...event);
  }

  /**
   * @param {"incoming" | "callState"} type
   * @param {Call} call
   */
  #tellCall(type, call) {
    const view = callView(call, this.#names);
    const text = JSON.stringify(view);
    if (this.#last.get(call) === text) return;
    this.#last.set(call, text);
    this.#post(type, view);
  }

  #tellState() {
    const { phone } = this;
    if (phone.isSignedIn && !this.#signedIn) this.#post("signedIn", { dn: phone.dn, id: phone.id });
    this.#signedIn = phone.isSignedIn;
    const { calls, ...state } = this.state();
    if (JSON.stringify(state) === this.#state) return;
    this.#state = JSON.stringify(state);
    this.#post("state", { ...state, calls });
  }

  /** @param {string} reason */
  #tellSignedOut(reason) {
    this.#signedIn = false;
    this.#post("signedOut", { reason });
  }

  /** @param {Message} message */
  async #obey(message) {
    const { type, request = null } = message;
    try {
      await this.#started;
      if (!Object.hasOwn(this.commands, type)) {
        throw new PhoneError("unknown_command", { hint: `There is no command "${type}".` });
      }
      const result = await this.commands[type](message);
      this.host.post("reply", { request, ok: true, result: result ?? null });
    } catch (problem) {
      const error = asPhoneError(problem, "internal_error");
      this.failed(error);
      this.host.post("reply", { request, ok: false, error: errorView(error) });
    }
  }
}
