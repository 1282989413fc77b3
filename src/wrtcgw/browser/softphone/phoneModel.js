// The state that the softphone shows: calls, which of them is selected, who is being asked before a transfer, what has
// gone wrong. It knows no element: views show it, and call its methods. No method throws: a failure becomes a notice.

import { Emitter } from "../grtc/emitter.js";
import { codeOf } from "../grtc/errors.js";
import { Actions } from "./actions.js";
import { Board } from "./board.js";
import { Consults } from "./consults.js";
import { entryOf } from "./history.js";
import { Senses } from "./senses.js";
import { Transfers } from "./transfers.js";
import { isWrongNumber, registrationOf, tidy } from "./words.js";

/** @import { CallOptions, Quality } from "../grtc.js" */
/** @import { Call } from "../grtc/call.js" */
/** @import { Phone } from "../grtc/phone.js" */
/** @import { PhoneEvents } from "../grtc/types.js" */
/** @import { History } from "./history.js" */
/** @import { EndedCall, Params } from "./types.js" */

export { tidy };

const STATES = /** @type {const} */ (["registration", "connection", "signedout", "donotdisturb"]);
const NOTICED = ["mic_silent", "device_gone"]; // warnings that the agent has to act on at once

/**
 * Events: "changed" (something to show), "incoming" (Call), "ended" (Call), "said" (key, params: for those who cannot
 * see it), "edit" (the number to call has to be put right).
 * @extends {Emitter<{changed: [], incoming: [Call], ended: [EndedCall], said: [key: string, params?: Params],
 *   edit: []}>}
 */
export class PhoneModel extends Emitter {
  /** @type {Call | null} */
  #selected = null;
  number = "";
  /** @type {EndedCall | null} */
  lastEnded = null;
  #consults;
  #board = new Board(() => this.#changed());
  #actions = new Actions({
    begun: (call) => this.#board.tried(call),
    failed: (error, about) => this.complain(error, about),
    ended: () => this.#changed(),
  });
  #transfers = new Transfers();
  #senses = new Senses();
  /** @type {Set<Call>} */
  #known = new Set();
  /** @type {(() => void)[]} */
  #off = [];
  #count = 0;
  #told = false;

  /**
   * @param {Phone} phone
   * @param {{history?: History | null, memory?: Storage | null}} [options]
   */
  constructor(phone, { history = null, memory = null } = {}) {
    super();
    this.phone = phone;
    this.history = history;
    this.#consults = new Consults(memory);
    /**
     * @type {<Name extends keyof PhoneEvents>(name: Name, listener: (...told: PhoneEvents[Name]) => unknown) => void}
     */
    const listen = (name, listener) => this.#off.push(phone.on(name, listener));
    listen("incoming", (call) => this.#arrived(call));
    listen("call", (call) => this.#callChanged(call));
    listen("callended", (call) => this.#callEnded(/** @type {EndedCall} */ (call)));
    listen("error", (error) => this.complain(error));
    listen("warning", (warning) => this.#warned(warning, true));
    listen("warningcleared", (warning) => this.#warned(warning, false));
    for (const name of STATES) listen(name, () => this.#stateChanged());
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
    return this.#selected && current.includes(this.#selected)
      ? this.#selected
      : (current.find((call) => !call.held) ?? current[0] ?? null);
  }

  /** The state of the registration: how it is meant, and the key of its words. */
  get registration() {
    return registrationOf(this.phone);
  }

  /**
   * Returns the call that `call` asks for, if it is one that asks before a transfer; null else.
   * @param {Call} call
   */
  originalOf(call) {
    return this.#consults.of(call);
  }

  /**
   * Returns where a call is being transferred to; "" when it is not.
   * @param {Call} call
   */
  transferOf(call) {
    return this.#transfers.of(call);
  }

  /**
   * Returns where a call that is over was transferred to; "" when it was not, or by somebody else.
   * @param {Call} call
   */
  transferredTo(call) {
    return this.#transfers.last(call);
  }

  /**
   * Returns whether the microphone is known to send silence in a call where it should be heard.
   * @param {Call} call
   */
  isMicSilent(call) {
    return this.#senses.isMicSilent(call);
  }

  /**
   * Returns whether the library warns of something in a call.
   * @param {Call} call
   * @param {string} code
   */
  warns(call, code) {
    return this.#senses.has(call, code);
  }

  /**
   * Returns calls that this one can be connected with.
   * @param {Call} call
   */
  partnersOf(call) {
    return call.isUp ? this.current.filter((each) => each !== call && each.isUp) : [];
  }

  /**
   * Returns the last sample of quality, `{bad, silent}` among its fields; null before the first.
   * @param {Call} call
   */
  qualityOf(call) {
    return this.#senses.qualityOf(call);
  }

  /**
   * Returns whether an action of a call has not come to its end; of dialling, with null.
   * @param {Call | null} call
   * @param {string} action
   */
  isBusy(call, action) {
    return this.#actions.isBusy(call, action);
  }

  // ---- what an agent can do

  /**
   * Calls a number; a call in hand is put on hold for that.
   * @param {string} number
   * @param {CallOptions} [options]
   */
  dial(number, options = {}) {
    const to = tidy(number);
    if (!to) return this.complain({ code: "no_number" });
    return this.#actions.do(
      null,
      "dial",
      async () => {
        const call = await this.#place(to, options);
        if (call && tidy(this.number) === to && !(call.ended && isWrongNumber(call.ended))) this.number = "";
      },
      { to },
    );
  }

  /**
   * Answers a call; another one in hand is put on hold for that.
   * @param {Call} call
   */
  answer(call) {
    return this.#actions.do(call, "answer", async () => {
      this.select(call);
      await this.#forAnother(() => call.answer({ hold: true }));
    });
  }

  /**
   * Hangs up what is talked in, and answers a call in its place; calls on hold stay.
   * @param {Call} call
   */
  answerInstead(call) {
    return this.#actions.do(call, "answer", async () => {
      const others = this.current.filter((each) => !each.held);
      await Promise.all(others.map((each) => each.hangup()));
      this.select(call);
      await call.answer();
    });
  }

  /**
   * Rejects a call.
   * @param {Call} call
   */
  reject(call) {
    return this.#actions.do(call, "reject", () => call.reject());
  }

  /**
   * Ends a call. One that only asked before a transfer gives the other back.
   * @param {Call} call
   */
  hangUp(call) {
    return this.originalOf(call) ? this.cancelConsult(call) : this.#actions.do(call, "hangup", () => call.hangup());
  }

  /**
   * Puts a call on hold, or takes it up again; then others wait.
   * @param {Call} call
   * @param {boolean} [on]
   */
  hold(call, on = !call.held) {
    return on ? this.#actions.do(call, "hold", () => call.hold()) : this.switchTo(call);
  }

  /**
   * Takes a call in hand: all others are put on hold.
   * @param {Call} call
   */
  switchTo(call) {
    return this.#actions.do(call, "resume", async () => {
      await this.phone.holdOthers(call);
      this.select(call);
      if (call.held) await call.resume();
    });
  }

  /**
   * Brings the sound of a call here, which another page has; then other calls wait.
   * @param {Call} call
   */
  useHere(call) {
    return this.#actions.do(call, "use_here", async () => {
      await this.phone.holdOthers(call);
      this.select(call);
      await call.useHere();
    });
  }

  /**
   * Switches the microphone of a call off or on.
   * @param {Call} call
   * @param {boolean} [on]
   */
  mute(call, on = !call.muted) {
    return this.#actions.do(call, "mute", async () => call.mute(on));
  }

  /**
   * Sends digits.
   * @param {Call} call
   * @param {string} digits
   */
  dtmf(call, digits) {
    return this.#actions.do(call, `dtmf ${(this.#count += 1)}`, () => call.dtmf(digits), { doing: "dtmf" });
  }

  /**
   * Transfers a call without asking.
   * @param {Call} call
   * @param {string} number
   */
  transfer(call, number) {
    const to = tidy(number);
    return to ? this.#refer(call, to, () => call.transfer(to)) : this.complain({ code: "no_number" });
  }

  /**
   * Calls somebody to ask before a transfer; the call waits meanwhile.
   * @param {Call} call
   * @param {string} number
   */
  consult(call, number) {
    const to = tidy(number);
    if (!to) return this.complain({ code: "no_number" });
    return this.#actions.do(
      call,
      "consult",
      async () => {
        const asking = await this.#place(to);
        if (!asking || asking.isOver) return;
        if (!call.isOver) this.#consults.add(asking, call);
        this.select(asking);
      },
      { to },
    );
  }

  /**
   * Connects the call that was to be transferred with the one who was asked.
   * @param {Call} asking
   */
  complete(asking) {
    const call = this.originalOf(asking);
    return call ? this.connect(call, asking) : Promise.resolve();
  }

  /**
   * Gives the transfer up: the one who was asked is hung up, the other call goes on.
   * @param {Call} asking
   */
  cancelConsult(asking) {
    const call = this.originalOf(asking);
    return this.#actions.do(asking, "hangup", async () => {
      await asking.hangup();
      this.select(call);
      if (call?.held) await call.resume();
    });
  }

  /**
   * Connects the far sides of two calls, and is out of it: who was there first is transferred to the other.
   * @param {Call[]} calls
   */
  connect(...calls) {
    const [call, other] = calls.sort((one, two) => one.startedAt - two.startedAt);
    return this.#refer(call, other.displayName || other.peer, () => call.transferTo(other));
  }

  /**
   * Takes a call into view without changing anything else.
   * @param {Call | null} call
   */
  select(call) {
    this.#selected = call;
    this.#changed();
  }

  /**
   * Notes what is being typed as the number to call.
   * @param {string} number
   */
  type(number) {
    this.number = number;
  }

  // ---- notices

  /** All that are shown. */
  get notices() {
    return this.#board.notices;
  }

  /**
   * Shows that something has gone wrong, or a notice; see Board.
   * @type {Board["complain"]}
   */
  complain = (error, about = {}) => this.#board.complain(error, about);
  /** @type {Board["add"]} */
  notify = (notice) => this.#board.add(notice);

  /**
   * Returns whether a notice of this code is shown.
   * @param {string} code
   */
  has(code) {
    return this.notices.some((each) => each.code === code);
  }

  /**
   * Takes a notice away, by its id or code.
   * @param {number | string} which
   */
  dismiss(which) {
    this.#board.drop(({ id, code }) => id === which || code === which);
  }

  /**
   * Lets the number of a call that failed be put right.
   * @param {string} number
   */
  edit(number) {
    this.number = number;
    this.emit("edit");
    this.#changed();
  }

  /** Forgets the call that was over last. */
  forgetEnded() {
    this.lastEnded = null;
    this.#changed();
  }

  // ---- inside

  /**
   * Returns the call; null when it failed as one that is told by its end, which needs no second notice.
   * @param {string} to
   * @param {CallOptions} [options]
   */
  async #place(to, options = {}) {
    /** @type {EndedCall | null} */
    let failed = null;
    const off = this.on("ended", (call) => {
      if (call.direction === "outbound" && call.peer === to) failed = call;
    });
    try {
      return await this.#forAnother(() => this.phone.call(to, { ...options, hold: true }));
    } catch (error) {
      if (/** @type {EndedCall | null} */ (failed)?.ended.cause !== codeOf(error)) throw error;
      return null;
    } finally {
      off();
    }
  }

  /**
   * Says so where the call in hand was put on hold for something that has come to nothing. The library does that last,
   * when number and microphone are good; where another call has ended, its end says it.
   * @template T
   * @param {() => Promise<T>} work
   */
  async #forAnother(work) {
    const before = this.current.filter((call) => call.isUp && !call.held);
    try {
      return await work();
    } catch (error) {
      const other = before.find((call) => call.isUp && call.held);
      if (other) this.#board.waits(other, () => this.switchTo(other));
      throw error;
    }
  }

  /**
   * @param {Call} call
   * @param {string} to
   * @param {() => Promise<void>} work
   */
  #refer(call, to, work) {
    const told = async () => {
      await work();
      this.emit("said", "said.transferred", { to });
    };
    return this.#actions.do(call, "transfer", () => this.#transfers.during(call, to, told), { to });
  }

  /** @param {Call} call */
  #arrived(call) {
    this.emit("incoming", call);
    this.#changed();
  }

  /** @param {Call} call */
  #callChanged(call) {
    if (!this.#known.has(call)) this.#follow(call);
    this.#changed();
  }

  /** @param {Call} call */
  #follow(call) {
    this.#known.add(call);
    if (call.direction === "outbound" && !call.isOver) {
      this.lastEnded = null;
      if (call.state === "calling") this.#selected = call;
    }
    call.on("quality", (quality) => this.#sampled(call, quality));
    call.on("error", (error) => this.complain(error, { call }));
    call.on("way", (state) => state === "connected" && this.#drop("media_failed", call));
    call.on("warning", (warning) => this.#warned({ ...warning, call }, true));
    call.on("warningcleared", (warning) => this.#warned({ ...warning, call }, false));
    call.on("identity", () => this.#renamed(call));
    call.on("state", (state) => state === "established" && this.emit("said", "said.established", { peer: call.peer }));
    call.on("hold", () => this.#holdChanged(call));
    this.#consults.restore(this.phone.calls);
  }

  /** @param {Call} call */
  #holdChanged(call) {
    if (!call.isUp) return;
    if (!call.held) this.#board.resumed(call);
    this.emit("said", call.heldByPeer ? "said.held_by_peer" : "said.talking", { peer: call.peer });
  }

  /**
   * The library warns, by its phone or its call; what the agent has to act on at once is a notice.
   * @param {{code: string, call?: Call | null}} warning
   * @param {boolean} on
   */
  #warned({ code, call = this.selected }, on) {
    if (!call) return;
    this.#senses.warned(call, code, on);
    if (!NOTICED.includes(code)) this.#changed();
    else if (on) this.notify({ kind: "warning", code, call });
    else this.#drop(code, call);
  }

  /** @param {Call} call */
  #renamed(call) {
    this.emit("said", "said.identity", { peer: call.displayName || call.peer });
    this.#changed();
  }

  /**
   * @param {string} code
   * @param {Call} call
   */
  #drop(code, call) {
    this.#board.drop((each) => each.code === code && each.call === call);
  }

  /**
   * @param {Call} call
   * @param {Quality} now
   */
  #sampled(call, now) {
    this.#senses.sample(call, now);
    this.#changed();
  }

  /** @param {EndedCall} call */
  #callEnded(call) {
    const original = this.originalOf(call);
    if (original && this.#selected === call) this.#selected = original;
    this.#consults.drop(call);
    this.#known.delete(call);
    for (const kept of [this.#actions, this.#senses]) kept.drop(call);
    this.lastEnded = call;
    this.#board.over(call);
    if (call.direction === "outbound" && isWrongNumber(call.ended)) this.number ||= call.peer;
    if (call.isHere) this.history?.add(entryOf(call)); // else the page that had the sound does
    const other = original && !original.isOver ? original : this.selected;
    if (other) this.#board.left(call, other, () => this.switchTo(other));
    this.emit("ended", call);
    this.#changed();
  }

  #stateChanged() {
    if (this.phone.connection === "online") this.#board.drop(({ code }) => code === "gateway_unreachable");
    this.#changed();
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
