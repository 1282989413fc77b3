// Brings the calls of an agent's desktop and those of our phone together.
//
// Who controls a call is decided once, by `control`:
//   "sip":  the desktop's server has our DN under control by SIP (INVITE, NOTIFY talk and hold, BYE). What an agent
//           clicks in the desktop reaches the phone that way, so nothing is answered, held or called a second time
//           here; the adapter tells which of the phone's calls is which of the desktop's, and passes wishes to call on.
//   "page": nothing but this page knows both. The desktop's calls are placed, answered, held and ended by the phone,
//           and what happens at the phone is passed on to the desktop where that can be told.

import { Emitter } from "../grtc/emitter.js";
import { asPhoneError } from "../grtc/errors.js";
import { desktopOf } from "./desktops.js";

/** @import { Call } from "../grtc/call.js" */
/** @import { PhoneError } from "../grtc/errors.js" */
/** @import { Phone } from "../grtc/phone.js" */
/** @import { Seen } from "./desktops.js" */

/**
 * @typedef {Partial<Seen> & {call: Call | null, busy: number, queue: Promise<unknown> | null}} Link
 * @typedef {"sip" | "page"} Control
 * @typedef {ReturnType<typeof view>} View a desktop's call, as the page is told of it
 */

/**
 * Events: "linked" ({call, desktop}), "desktop" (a desktop's call, after each change), "error" (PhoneError).
 * @extends {Emitter<{linked: [{call: Call, desktop: View}], desktop: [View], error: [PhoneError]}>}
 */
export class WorkspaceAdapter extends Emitter {
  /** @type {Map<string, Link>} */
  #links = new Map(); // by the desktop's id: its call, beside it ours, and what is under way
  /** @type {(() => void)[]} */
  #off = [];

  /**
   * @param {object} options
   * @param {any} options.workspace the Workspace SDK, or an instance of genesys-workspace-client-js
   * @param {Phone} options.phone
   * @param {Control} [options.control] by default "sip" for the client, "page" for the SDK
   */
  constructor({ workspace, phone, control }) {
    super();
    this.desktop = desktopOf(workspace);
    this.phone = phone;
    /** @type {Control} */
    this.control = control ?? this.desktop.control;
  }

  /** Begins. */
  start() {
    this.#off = [
      this.desktop.listen((seen) => this.#seen(seen)),
      this.phone.on("call", (call) => this.#moved(call)),
      this.phone.on("callended", (call) => this.#moved(call)),
    ];
    return this;
  }

  /** Ends; calls go on. */
  stop() {
    this.#off.splice(0).forEach((off) => off());
    this.#links.clear();
  }

  /**
   * Has the desktop call a number: the phone gets the call from it.
   * @param {string | number} number
   */
  async makeCall(number) {
    return this.desktop.makeCall(String(number));
  }

  /**
   * Returns the desktop's call that a call of the phone is; null for none.
   * @param {Call} call
   */
  desktopCallOf(call) {
    const link = this.#linkOf(call);
    return link ? view(link) : null;
  }

  /** @param {Call} call */
  #linkOf(call) {
    return [...this.#links.values()].find((link) => link.call === call);
  }

  /** @param {Seen} seen */
  #seen(seen) {
    const { id, previousId = id, state } = seen;
    const link = this.#links.get(id) ?? this.#links.get(previousId) ?? idle();
    this.#links.delete(previousId);
    if (state !== "released" || link.id) this.#links.set(id, link);
    const before = link.state ?? "";
    learn(link, seen);
    this.#join(link);
    this.emit("desktop", view(link));
    if (this.control === "page") this.#later(link, () => this.#obey(link, state, before));
    if (state === "released") this.#later(link, () => this.#links.delete(id));
  }

  /**
   * Orders of one call one after the other, each judged when it is its turn.
   * @param {Link} link
   * @param {() => unknown} work
   */
  #later(link, work) {
    link.busy += 1;
    link.queue = Promise.resolve(link.queue)
      .then(work)
      .catch((error) => this.emit("error", asPhoneError(error)))
      .finally(() => {
        link.busy -= 1;
        if (!link.busy && link.call) this.#moved(link.call);
      });
  }

  /**
   * Which call of ours it is: the one of the same X-Genesys-CallUUID, else the one with the same number.
   * @param {Link} link
   */
  #join(link) {
    if (link.call) return;
    const free = [...this.phone.calls.values()].filter((call) => !call.isOver && !this.#linkOf(call));
    /** @param {Call} call */
    const same = ({ direction, peer }) =>
      bare(peer) === bare(link.number) && (this.control === "sip" || direction === link.direction);
    link.call = free.find(({ uuid }) => uuid && uuid === link.uuid) ?? free.find(same) ?? null;
    if (link.call) this.emit("linked", { call: link.call, desktop: view(link) });
  }

  /**
   * @param {Link} link
   * @param {string} state
   * @param {string} before
   */
  async #obey(link, state, before) {
    const { call, direction, number, data } = link;
    if (!call && state === "dialing" && direction === "outbound") {
      if (!this.#ringsAlready(link)) await this.phone.call(number ?? "", { data });
    } else if (call && !call.isOver) {
      await this.#bring(call, state, before);
    }
  }

  /**
   * A server that calls us to connect us with the number controls the call after all: then its signs are waited for.
   * @param {Link} link
   */
  #ringsAlready({ number, uuid }) {
    return [...this.phone.calls.values()].some(
      (call) => call.direction === "inbound" && (uuid ? call.uuid === uuid : bare(call.peer) === bare(number)),
    );
  }

  /**
   * @param {Call} call
   * @param {string} state
   * @param {string} before
   */
  async #bring(call, state, before) {
    const rings = call.state === "incoming"; // not when it is being answered already, as by NOTIFY talk
    if (state === "released") await (rings ? call.reject() : call.hangup());
    else if (state === "held" && call.isUp && !call.held) await call.hold();
    else if (state === "established" && rings) await call.answer();
    else if (state === "established" && before === "held" && call.held) await call.resume();
  }

  /**
   * Something has happened at the phone.
   * @param {Call} call
   */
  #moved(call) {
    if (!call.isOver) for (const link of this.#links.values()) this.#join(link);
    const link = this.#linkOf(call);
    if (!link || link.busy || this.control !== "page") return;
    const now = call.isOver ? "released" : call.isUp && (call.held ? "held" : "established");
    const tell = now && now !== link.state && this.#teller(link, now);
    if (!tell) return;
    link.state = now;
    this.#later(link, () => tell(link.id ?? ""));
  }

  /**
   * @param {Link} link
   * @param {Seen["state"]} now
   * @returns {((id: string) => unknown) | null}
   */
  #teller({ state, direction }, now) {
    const { desktop } = this;
    if (now === "released") return (id) => desktop.release(id);
    if (now === "held") return (id) => desktop.hold(id);
    if (state === "held") return (id) => desktop.retrieve(id);
    return direction === "inbound" ? (id) => desktop.answer(id) : null; // that the far side answered it cannot be told
  }
}

/**
 * Makes an adapter and starts it.
 * @param {ConstructorParameters<typeof WorkspaceAdapter>[0]} options
 */
export function connectWorkspace(options) {
  return new WorkspaceAdapter(options).start();
}

/**
 * Later events of a call may tell less than the first.
 * @param {Link} link
 * @param {Seen} seen
 */
function learn(link, seen) {
  const { direction = seen.direction } = link;
  const news = Object.entries(seen).filter(([name, value]) => value?.length || !(name in link));
  Object.assign(link, Object.fromEntries(news), { direction });
}

/** @returns {Link} */
function idle() {
  return { call: null, busy: 0, queue: null };
}

/** @param {Link} link */
function view({ id, uuid, direction, number, state, data, call }) {
  return { id, uuid, direction, number, state, data, call };
}

/** @param {string | undefined} number */
function bare(number) {
  return String(number)
    .replace(/^sips?:/, "")
    .replace(/@.*/, "")
    .replace(/[^\w+*#]/g, "");
}
