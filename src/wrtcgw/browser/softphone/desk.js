// What lies on the agent's desk: calls, which of them is in hand, who is being asked before a transfer, and what has
// gone wrong. It knows no element: views show it, and call its methods. No method throws: a failure becomes a notice.

import { Emitter } from "../grtc/emitter.js";
import { asPhoneError } from "../grtc/errors.js";
import { entryOf } from "./history.js";
import { isBad, isSilent } from "./words.js";

const CONSULTS = "softphone-consults"; // kept through a reload
const SILENCED = ["call_ended", "wrong_state"]; // of an action that came too late: the state that is shown says it all

/**
 * Events: "changed" (something to show), "incoming" (Call), "ended" (Call), "said" (key, params: for those who cannot
 * see it).
 */
export class Desk extends Emitter {
  #selected = null;
  #consults = new Map(); // the call that asks, to the one that is to be transferred
  #transfers = new Map(); // calls that are being transferred, to where
  #quality = new Map(); // by call: {now, before, bad: how many in a row}
  #busy = new Map(); // by call (null for dialling): names of actions under way
  #known = new Set();
  #off = [];
  #count = 0;
  #told = false;

  /**
   * @param {import("../grtc/phone.js").Phone} phone
   * @param {{history?: import("./history.js").History | null, memory?: Storage | null}} [options]
   */
  constructor(phone, { history = null, memory = null } = {}) {
    super();
    Object.assign(this, { phone, history, memory, number: "", notices: [], lastEnded: null });
    const listen = (name, listener) => this.#off.push(phone.on(name, listener));
    listen("incoming", (call) => this.#arrived(call));
    listen("call", (call) => this.#callChanged(call));
    listen("callended", (call) => this.#callEnded(call));
    listen("error", (error) => this.complain(error));
    for (const name of ["registration", "connection", "signedout"]) listen(name, () => this.#stateChanged());
    for (const call of phone.calls.values()) this.#callChanged(call);
  }

  /** Listens no more. */
  close() {
    this.#off.splice(0).forEach((off) => off());
  }

  // ---- what there is to show

  /** All calls that are not over, oldest first. */
  get calls() {
    return [...this.phone.calls.values()].sort((one, other) => one.startedAt - other.startedAt);
  }

  /** Those that ring here. */
  get incoming() {
    return this.calls.filter((call) => call.state === "incoming");
  }

  /** The others. */
  get current() {
    return this.calls.filter((call) => call.state !== "incoming");
  }

  /** The call in hand; null when there is none. */
  get selected() {
    const { current } = this;
    return current.includes(this.#selected)
      ? this.#selected
      : (current.find((call) => !call.held) ?? current[0] ?? null);
  }

  /** The state of the registration: how it is meant, and the key of its words. */
  get registration() {
    const { dn, isSignedIn, connection, registration } = this.phone;
    const params = { dn, code: registration.sipCode || "", reason: registration.reason || "" };
    if (!isSignedIn) return { level: "off", key: "status.signed_out", params };
    if (connection === "offline") return { level: "busy", key: "status.offline", params };
    if (registration.state === "REGISTERED") return { level: "ok", key: "status.registered", params };
    if (registration.state === "RECOVERING") return { level: "busy", key: "status.recovering", params };
    return { level: "bad", key: registration.sipCode ? "status.refused" : "status.failed", params };
  }

  /** Returns the call that `call` asks for, if it is one that asks before a transfer; null else. */
  originalOf(call) {
    return this.#consults.get(call) ?? null;
  }

  /** Tells where a call is being transferred to; "" when it is not. */
  transferOf(call) {
    return this.#transfers.get(call) ?? "";
  }

  /** Returns calls that this one can be connected with. */
  partnersOf(call) {
    return call.isUp ? this.current.filter((each) => each !== call && each.isUp) : [];
  }

  /** Returns the last sample of quality, `{bad, silent}` among its fields; null before the first. */
  qualityOf(call) {
    const { now, bad, silent } = this.#quality.get(call) ?? {};
    return now ? { ...now, bad: bad >= 2, silent: silent >= 1 } : null;
  }

  /** Tells whether an action of a call has not come to its end; of dialling, with null. */
  isBusy(call, action) {
    return this.#busy.get(call)?.has(action) ?? false;
  }

  // ---- what an agent can do

  /** Calls a number; a call in hand is put on hold for that. */
  dial(number, options = {}) {
    const to = tidy(number);
    if (!to) return this.complain({ code: "no_number" });
    return this.#do(null, "dial", async () => {
      await this.#holdOthers(null);
      await this.phone.call(to, options);
      if (tidy(this.number) === to) this.number = "";
    });
  }

  /** Answers a call; another one in hand is put on hold for that. */
  answer(call) {
    return this.#do(call, "answer", async () => {
      await this.#holdOthers(call);
      this.select(call);
      await call.answer();
    });
  }

  /** Rejects a call. */
  reject(call) {
    return this.#do(call, "reject", () => call.reject());
  }

  /** Ends a call. One that only asked before a transfer gives the other back. */
  hangUp(call) {
    return this.originalOf(call) ? this.cancelConsult(call) : this.#do(call, "hangup", () => call.hangup());
  }

  /** Puts a call on hold, or takes it up again; then others wait. */
  hold(call, on = !call.held) {
    return on ? this.#do(call, "hold", () => call.hold()) : this.switchTo(call);
  }

  /** Takes a call in hand: all others are put on hold. */
  switchTo(call) {
    return this.#do(call, "hold", async () => {
      await this.#holdOthers(call);
      this.select(call);
      if (call.held) await call.resume();
    });
  }

  /** Switches the microphone of a call off or on. */
  mute(call, on = !call.muted) {
    return this.#do(call, "mute", async () => call.mute(on));
  }

  /** Sends digits. */
  dtmf(call, digits) {
    return this.#do(call, `dtmf ${(this.#count += 1)}`, () => call.dtmf(digits));
  }

  /** Transfers a call without asking. */
  transfer(call, number) {
    const to = tidy(number);
    return to ? this.#refer(call, to, () => call.transfer(to)) : this.complain({ code: "no_number" });
  }

  /** Calls somebody to ask before a transfer; the call waits meanwhile. */
  consult(call, number) {
    const to = tidy(number);
    if (!to) return this.complain({ code: "no_number" });
    return this.#do(call, "consult", async () => {
      await this.#holdOthers(null);
      const asking = await this.phone.call(to);
      if (!asking.isOver && !call.isOver) this.#consults.set(asking, call);
      this.#keepConsults();
      this.select(asking);
    });
  }

  /** Connects the call that was to be transferred with the one who was asked. */
  complete(asking) {
    return this.connect(this.originalOf(asking), asking);
  }

  /** Gives the transfer up: the one who was asked is hung up, the other call goes on. */
  cancelConsult(asking) {
    const call = this.originalOf(asking);
    return this.#do(asking, "hangup", async () => {
      await asking.hangup();
      this.select(call);
      if (call.held) await call.resume();
    });
  }

  /** Connects the far sides of two calls, and is out of it: who was there first is transferred to the other. */
  connect(...calls) {
    const [call, other] = calls.sort((one, two) => one.startedAt - two.startedAt);
    return this.#refer(call, other.displayName || other.peer, () => call.transferTo(other));
  }

  /** Takes a call into view without changing anything else. */
  select(call) {
    this.#selected = call;
    this.#changed();
  }

  /** Notes what is being typed as the number to call. */
  type(number) {
    this.number = number;
  }

  // ---- notices

  /** Shows that something has gone wrong; the same once only. */
  complain(error) {
    const { code, hint = "", sipCode = 0, reason = "" } = error?.code ? error : asPhoneError(error);
    if (SILENCED.includes(code)) return;
    this.notify({ kind: "error", code, params: { hint, code: sipCode || "", reason }, sipCode });
  }

  /**
   * Shows a notice: `kind` is error, warning or info; `code` and `params` choose its words; `action` {key, run} is a
   * button.
   */
  notify(notice) {
    this.notices = [
      ...this.notices.filter(({ code }) => code !== notice.code),
      { id: (this.#count += 1), ...notice },
    ].slice(-4);
    this.#changed();
  }

  /** Tells whether a notice of this code is shown. */
  has(code) {
    return this.notices.some((each) => each.code === code);
  }

  /** Takes a notice away, by its id or code. */
  dismiss(which) {
    this.notices = this.notices.filter(({ id, code }) => id !== which && code !== which);
    this.#changed();
  }

  /** Forgets the call that was over last. */
  forgetEnded() {
    this.lastEnded = null;
    this.#changed();
  }

  // ---- inside

  async #do(call, action, work) {
    if (this.isBusy(call, action)) return;
    this.#busy.set(call, new Set([...(this.#busy.get(call) ?? []), action]));
    this.#changed();
    try {
      await work();
    } catch (error) {
      this.complain(asPhoneError(error));
    } finally {
      this.#busy.get(call)?.delete(action);
      this.#changed();
    }
  }

  #refer(call, to, work) {
    return this.#do(call, "transfer", async () => {
      this.#transfers.set(call, to);
      try {
        await work();
        this.emit("said", "said.transferred", { to });
      } finally {
        this.#transfers.delete(call);
      }
    });
  }

  async #holdOthers(but) {
    for (const call of this.current) if (call !== but && call.isUp && !call.held) await call.hold();
  }

  #arrived(call) {
    this.emit("incoming", call);
    this.#changed();
  }

  #callChanged(call) {
    if (!this.#known.has(call)) this.#follow(call);
    this.#changed();
  }

  #follow(call) {
    this.#known.add(call);
    if (call.direction === "outbound" && !call.isOver) {
      this.lastEnded = null;
      if (call.state === "calling") this.#selected = call;
    }
    call.on("quality", (quality) => this.#sampled(call, quality));
    call.on("state", (state) => state === "established" && this.emit("said", "said.established", { peer: call.peer }));
    call.on(
      "hold",
      () => call.isUp && this.emit("said", call.heldByPeer ? "said.held_by_peer" : "said.talking", { peer: call.peer }),
    );
    this.#restoreConsults();
  }

  #sampled(call, now) {
    const { now: before = null, bad = 0, silent = 0 } = this.#quality.get(call) ?? {};
    const quiet = before && isSilent(call, now, before);
    this.#quality.set(call, { now, bad: isBad(now) ? bad + 1 : 0, silent: quiet ? silent + 1 : 0 });
    this.#changed();
  }

  #callEnded(call) {
    const original = this.originalOf(call);
    if (original && this.#selected === call) this.#selected = original;
    for (const [asking, waiting] of this.#consults)
      if (asking === call || waiting === call) this.#consults.delete(asking);
    this.#keepConsults();
    this.#quality.delete(call);
    this.#known.delete(call);
    this.lastEnded = call;
    this.history?.add(entryOf(call));
    this.emit("ended", call);
    this.#changed();
  }

  #stateChanged() {
    if (this.phone.connection === "online")
      this.notices = this.notices.filter(({ code }) => code !== "gateway_unreachable");
    this.#changed();
  }

  #keepConsults() {
    const ids = [...this.#consults].map(([asking, waiting]) => [asking.id, waiting.id]);
    try {
      this.memory?.setItem(CONSULTS, JSON.stringify(ids));
    } catch {
      // full or forbidden: after a reload there are two calls, which can be connected just so
    }
  }

  #restoreConsults() {
    let ids = [];
    try {
      ids = JSON.parse(this.memory?.getItem(CONSULTS) ?? "[]");
    } catch {
      // not ours
    }
    for (const [asking, waiting] of ids) {
      const [one, other] = [this.phone.calls.get(asking), this.phone.calls.get(waiting)];
      if (one && other && !this.#consults.has(one)) this.#consults.set(one, other);
    }
  }

  // Many changes of one moment are shown once.
  #changed() {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.emit("changed");
    });
  }
}

/** Returns a number without the blanks and marks that people put between digits; an address stays as it is. */
export function tidy(number) {
  const text = String(number ?? "").trim();
  return /^[\d\s()/.+*#-]+$/.test(text) ? text.replace(/[\s()/.-]/g, "") : text;
}
