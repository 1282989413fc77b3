// The gadget without its looks: a phone, and a host that orders things and is told what happens.

import { asPhoneError, PhoneError } from "../grtc/errors.js";
import { makeCommands } from "./commands.js";
import { Host } from "./host.js";
import { Names, callView, endView, errorView, stateView } from "./views.js";

export class Gadget {
  #names = new Names();
  #last = new WeakMap(); // what was told of a call
  #state = ""; // what was told of the phone
  #signedIn = false;
  #early = []; // what there was to tell before the gadget was ready
  #start;
  #started = new Promise((resolve) => {
    this.#start = resolve;
  });

  /**
   * @param {object} options
   * @param {import("../grtc/phone.js").Phone} options.phone
   * @param {string[]} options.origins pages that may be the host
   * @param {(message: object) => Promise<object>} options.init what the command "init" does
   * @param {(error: PhoneError) => void} [options.failed] is told of commands that failed
   */
  constructor({ phone, origins, init, failed = () => {}, ...surroundings }) {
    const state = () => stateView(phone, this.#names);
    Object.assign(this, { phone, failed, state });
    this.commands = makeCommands({ phone, names: this.#names, state, init });
    this.host = new Host({ origins, receive: (message) => this.#obey(message), ...surroundings });
    phone.on("incoming", (call) => this.#tellCall("incoming", call));
    phone.on("call", (call) => call.isOver || this.#tellCall("callState", call));
    phone.on("callended", (call) => this.#post("callEnded", endView(call, this.#names)));
    phone.on("error", (error) => this.tellError(error));
    for (const name of ["registration", "connection"]) phone.on(name, () => this.#tellState());
    phone.on("signedout", ({ reason }) => this.#tellSignedOut(reason));
  }

  /** Takes commands from now on, and tells the host so, before all that happened until now. */
  ready() {
    this.host.post("ready", this.state());
    for (const event of this.#early.splice(0)) this.host.post(...event);
    this.#early = null;
    this.#start();
  }

  /** Tells the host that something is wrong. */
  tellError(error) {
    this.#post("error", errorView(error));
  }

  #post(...event) {
    if (this.#early) this.#early.push(event);
    else this.host.post(...event);
  }

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

  #tellSignedOut(reason) {
    this.#signedIn = false;
    this.#post("signedOut", { reason });
  }

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
