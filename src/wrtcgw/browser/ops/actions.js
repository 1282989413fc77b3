// What an operator can do, each with its question before and its word after.

import { confirm } from "./dialog.js";
import { t } from "./texts.js";
import { parties } from "./words.js";

/** @import { OpsAPI } from "./api.js" */
/** @import { Agent, Call, Session } from "./types.js" */

/** The actions; `desk` has the API, says what came of it, and asks the gateway anew. */
export class Actions {
  /** @param {{ api: OpsAPI, tell: (text: string) => void, refresh: () => unknown }} desk */
  constructor(desk) {
    this.desk = desk;
  }

  /**
   * Starts draining, or stops it.
   * @param {boolean} on
   */
  drain(on) {
    return this.#ask(on ? "drain" : "undrain", {}, "drain", { on }, { danger: on });
  }

  /**
   * Turns capture on or off.
   * @param {boolean} on
   */
  capture(on) {
    return this.#ask(on ? "capture" : "uncapture", {}, "capture", { on }, { danger: !on });
  }

  /**
   * Changes the log level.
   * @param {string} level
   * @param {string} before
   */
  logLevel(level, before) {
    const more = level === "debug" ? t("confirm.level.debug") : "";
    return this.#ask("level", { level, before }, "log_level", { level }, { more });
  }

  /**
   * Ends a call.
   * @param {Call} call
   */
  hangup(call) {
    return this.#ask("hangup", { parties: parties(call) }, "hangup", { call: call.callId }, { danger: true });
  }

  /**
   * Signs an agent out.
   * @param {Agent} agent
   */
  signOut(agent) {
    return this.#ask("sign_out", { id: agent.id, dn: agent.dn }, "sign_out", { id: agent.id }, { danger: true });
  }

  /**
   * Ends a session, which signs its agent out.
   * @param {Session} session
   */
  endSession(session) {
    const { id, address } = session;
    return this.#ask("session", { id, address }, "end_session", { session: session.session }, { danger: true });
  }

  /**
   * @param {string} words
   * @param {Record<string, unknown>} params
   * @param {string} action
   * @param {object} body
   * @param {{danger?: boolean, more?: string}} how
   */
  async #ask(words, params, action, body, how) {
    /** @param {"title" | "text" | "go" | "done"} part */
    const said = (part) => t(`confirm.${words}.${part}`, params);
    const act = () => this.desk.api.post(`ops/${action}`, body);
    const done = await confirm({ title: said("title"), text: said("text"), go: said("go"), act, ...how });
    if (!done) return;
    this.desk.tell(said("done"));
    this.desk.refresh();
  }
}
