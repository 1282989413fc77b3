// The notices that an agent sees: what has gone wrong, and what goes with which call.

import { asPhoneError } from "../grtc/errors.js";

/** @import { Call } from "../grtc/call.js" */
/** @import { EndedCall, Params } from "./types.js" */

// of an action that came too late: the state that is shown says it all
const SILENCED = ["call_ended", "wrong_state", "sound_elsewhere"];
const QUIET = ["local", "transferred", "replaced", "signed-out"]; // ends that the agent knows of, or of all calls
const MOST = 4;

/**
 * @typedef {object} Notice
 * @property {number} id
 * @property {"error" | "warning" | "info"} kind
 * @property {string} code chooses its words
 * @property {Params} [params] for the words
 * @property {{key: string, run: () => void}} [action] a button
 * @property {Call | null} [call] the call that it belongs to, with which it goes
 * @property {EndedCall} [of] a call whose end it tells
 * @property {Call} [other] the call that is still there
 * @property {string} [doing] what was being done
 * @property {string} [to] with which number
 * @property {number} [sipCode]
 * @property {unknown} [error] what was thrown
 */

export class Board {
  #count = 0;

  /** @param {() => void} changed is called after any change */
  constructor(changed) {
    this.changed = changed;
    /** @type {Notice[]} */
    this.notices = [];
  }

  /**
   * Shows that something has gone wrong; the same once only.
   * @param {any} error whatever was thrown, or `{code}`
   * @param {{call?: Call | null, doing?: string, to?: string}} [about] see Notice
   */
  complain(error, { call = null, doing = "", to = "" } = {}) {
    const problem = error?.code ? error : asPhoneError(error);
    const { code, sipCode = 0, hint = "", details = {}, action = "" } = problem;
    const owner = call ?? problem.call ?? null;
    if (SILENCED.includes(code) || owner?.ended?.cause === code) return; // the end of a call tells the same
    if (hint) globalThis.console?.debug(`${code}: ${hint}`); // for developers; agents read the page's own words
    const params = { retryAfter: details.retryAfter ?? 0 };
    const what = doing || (action === "call" ? "dial" : action);
    this.add({ kind: "error", code, params, sipCode, call: owner, doing: what, to, error: problem });
  }

  /**
   * Shows a notice, in place of one that says the same.
   * @param {Omit<Notice, "id">} notice
   */
  add(notice) {
    /** @param {Notice} each */
    const same = (each) => each.code === notice.code || (each.error && each.error === notice.error);
    const others = this.notices.filter((each) => !same(each));
    this.notices = [...others, { id: (this.#count += 1), ...notice }].slice(-MOST);
    this.changed();
  }

  /**
   * Takes away those of which this is true.
   * @param {(notice: Notice) => unknown} unwanted
   */
  drop(unwanted) {
    this.notices = this.notices.filter((each) => !unwanted(each));
    this.changed();
  }

  /**
   * Takes away what was said of the try before: an agent does something else with a call, or the dial pad (null).
   * @param {Call | null} call
   */
  tried(call) {
    this.drop((each) => each.doing && each.call === call);
  }

  /**
   * Takes away what belongs to a call that is over, and what its end says anyway.
   * @param {EndedCall} call
   */
  over(call) {
    const { cause } = call.ended;
    /** @param {Notice} each */
    const isTold = (each) => each.kind === "error" && !each.call && each.code === cause;
    this.drop((each) => each.call === call || each.other === call || isTold(each));
  }

  /**
   * Tells who is on hold for a call that has not come about, unless that call's end tells it.
   * @param {Call} other that waits
   * @param {() => void} back goes on with it
   */
  waits(other, back) {
    if (this.notices.some((each) => each.code === "other_over_held" && each.other === other)) return;
    this.add({ other, kind: "warning", code: "other_waits", action: { key: "notice.back", run: back } });
  }

  /**
   * Takes away what says that a call is on hold.
   * @param {Call} call
   */
  resumed(call) {
    this.drop(({ other, code }) => other === call && ["other_over_held", "other_waits"].includes(code));
  }

  /**
   * Tells who is still there when one of several calls was ended by somebody else: the agent looks at another one.
   * @param {EndedCall} call that is over
   * @param {Call} other that is still there
   * @param {() => void} back goes on with it
   */
  left(call, other, back) {
    const { cause, missed, answeredElsewhere } = call.ended;
    if (missed || answeredElsewhere || QUIET.includes(cause)) return;
    const about = { of: call, other };
    if (!other.held) this.add({ ...about, kind: "info", code: "other_over_talking" });
    else this.add({ ...about, kind: "warning", code: "other_over_held", action: { key: "notice.back", run: back } });
  }
}
