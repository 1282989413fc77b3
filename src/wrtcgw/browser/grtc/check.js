// Whether calls can be made from here: one look after the other, each within its time, and a verdict on all of them.

import { checkCodec, checkMicrophone, checkSpeaker } from "./checkdevices.js";
import { checkEcho } from "./checkecho.js";
import { checkServers } from "./checkservers.js";
import { PhoneError, asPhoneError, codeOf } from "./errors.js";
import { hintFor } from "./checkhints.js";
import { TooLate, within } from "./patience.js";

/** @import { CheckCode, CheckName, CheckOptions, CheckReport, CheckResult } from "../grtc.js" */
/** @import { Phone } from "./phone.js" */

/**
 * What a look has found; its name and hint are added to it.
 * @typedef {{state: CheckResult["state"], code: CheckCode, value?: Record<string, unknown>}} Finding
 *
 * @typedef {object} Surroundings what a look is made with
 * @property {Phone} phone
 * @property {CheckOptions} options
 * @property {(code: string) => boolean} found whether that was found until now
 * @property {(name: CheckName, value: Record<string, unknown>, work: Work, limit: number) => Promise<void>} look
 *
 * @typedef {(signal: AbortSignal) => Promise<Finding>} Work
 */

/** Milliseconds that a look may take. @type {Record<string, number>} */
const PATIENCE = {
  microphone: 60_000,
  speaker: 5_000,
  codec: 2_000,
  gateway: 6_000,
  registration: 40_000,
  echo: 45_000,
};
const GATEWAY = 5_000; // ms for one question to the gateway

/** What is found when a look takes longer. @type {Record<CheckName, CheckCode>} */
const TOO_LATE = {
  microphone: "microphone_unanswered",
  speaker: "speaker_failed",
  codec: "unsupported_browser",
  gateway: "gateway_unreachable",
  registration: "registration_timeout",
  stun: "stun_unreachable",
  turn: "turn_unreachable",
  echo: "echo_unavailable",
};

/** Words of refusals to sign in that say nothing of this account. */
const PASSING = ["too_many_tries", "agent_in_use", "draining"];
const REFUSED = ["microphone_refused"];

/** @type {Finding} */
const OK = Object.freeze({ state: "passed", code: "ok" });

/**
 * Returns the verdict on all looks, and the look that it rests on; null for "ready".
 * @param {CheckResult[]} checks
 * @returns {{verdict: CheckReport["verdict"], because: CheckResult | null}}
 */
export function verdictOf(checks) {
  /** @type {(wanted: (check: CheckResult) => boolean) => CheckResult | undefined} */
  const first = (wanted) => checks.find(wanted);
  const refused = first(({ code }) => REFUSED.includes(code));
  if (refused) return { verdict: "permission_denied", because: refused };
  const failed = first(({ state }) => state === "failed");
  if (failed) return { verdict: "blocked", because: failed };
  const warned = first(({ state }) => state === "warned");
  if (warned) return { verdict: "degraded", because: warned };
  const unknown = first(({ state }) => state === "unknown");
  if (unknown) return { verdict: "inconclusive", because: unknown };
  return { verdict: "ready", because: null };
}

export class Check {
  /** @type {CheckResult[]} */
  #checks = [];
  #signedIn = false; // by this check

  /**
   * @param {Phone} phone
   * @param {CheckOptions} options
   */
  constructor(phone, options) {
    this.phone = phone;
    this.options = options;
    this.signal = options.signal ?? new AbortController().signal;
  }

  /**
   * Looks at all of it, or at those of `only`.
   * @returns {Promise<CheckReport>}
   */
  async run() {
    const startedAt = Date.now();
    try {
      await this.#all();
    } finally {
      if (this.#signedIn) await this.phone.signOut().catch(() => {});
    }
    const { verdict, because } = verdictOf(this.#checks);
    const { code, hint } = because ?? { code: "ok", hint: hintFor("ok") };
    return { verdict, code, hint, checks: this.#checks, startedAt, duration: Date.now() - startedAt };
  }

  async #all() {
    const { phone, options } = this;
    /** @type {Surroundings} */
    const surroundings = {
      phone,
      options,
      found: (code) => this.#checks.some((each) => each.code === code),
      look: (name, value, work, limit) => this.#look(name, value, work, limit),
    };
    /** @type {[CheckName, Work][]} */
    const single = [
      ["microphone", (signal) => checkMicrophone(surroundings, signal)],
      ["speaker", () => checkSpeaker(surroundings)],
      ["codec", () => checkCodec(surroundings)],
      ["gateway", () => this.#gateway()],
      ["registration", () => this.#registration(surroundings)],
    ];
    for (const [name, work] of single) {
      if (this.#wants(name)) await this.#look(name, {}, work, PATIENCE[name]);
    }
    if (this.#wants("stun") || this.#wants("turn")) {
      await checkServers(surroundings, (name) => this.#wants(name));
    }
    if (this.#wants("echo")) await this.#look("echo", {}, (signal) => checkEcho(surroundings, signal), PATIENCE.echo);
  }

  /** @param {CheckName} name */
  #wants(name) {
    return this.options.only?.includes(name) ?? true;
  }

  /**
   * Does one look within its time, and tells what it has found.
   * @param {CheckName} name
   * @param {Record<string, unknown>} about known before it is made
   * @param {Work} work
   * @param {number} limit ms
   */
  async #look(name, about, work, limit) {
    this.signal.throwIfAborted();
    this.#tell({ name, state: "running", code: "", value: about, hint: "" });
    /** @type {Finding} */
    let finding;
    try {
      finding = await within(work, limit, this.signal);
    } catch (error) {
      this.signal.throwIfAborted();
      const code = error instanceof TooLate ? TOO_LATE[name] : codeOf(error) || asPhoneError(error).code;
      finding = { state: code === "microphone_unanswered" ? "unknown" : "failed", code };
    }
    const { state, code, value = {} } = finding;
    /** @type {CheckResult} */
    const result = { name, state, code, value: { ...about, ...value }, hint: hintFor(code) };
    this.#checks.push(result);
    this.#tell(result);
  }

  /** @param {CheckResult} result */
  #tell(result) {
    this.options.progress?.(result);
    this.phone.emit("check", result);
  }

  /** @returns {Promise<Finding>} */
  async #gateway() {
    const { wire } = this.phone;
    const began = performance.now();
    await wire.ask("GET", "../health", { patience: GATEWAY });
    const value = { ms: Math.round(performance.now() - began) };
    try {
      await wire.ask("GET", "../ready", { patience: GATEWAY });
    } catch (error) {
      // it has just answered, so this is its own 503: it is being stopped, or SIP is out of its reach
      if (error instanceof PhoneError && error.status === 503)
        return { state: "warned", code: "gateway_not_ready", value };
      throw error;
    }
    const away = this.phone.isSignedIn && this.phone.connection === "offline";
    return away ? { state: "failed", code: "gateway_unreachable", value } : { ...OK, value };
  }

  /**
   * @param {Surroundings} surroundings
   * @returns {Promise<Finding>}
   */
  async #registration({ found }) {
    const { phone, options } = this;
    if (found("gateway_unreachable")) return { state: "skipped", code: "gateway_unreachable" };
    if (!phone.isSignedIn) {
      if (!options.who) return { state: "unknown", code: "not_signed_in" };
      try {
        await phone.signIn(options.who);
        this.#signedIn = true;
      } catch (error) {
        const { code, sipCode, retryAfter } = Object.assign({ retryAfter: 0 }, asPhoneError(error, "sign_in_failed"));
        return { state: PASSING.includes(code) ? "unknown" : "failed", code, value: { sipCode, retryAfter } };
      }
    }
    const { state, sipCode, reason } = phone.registration;
    const value = { dn: phone.dn, registration: state, sipCode, reason };
    if (state !== "REGISTERED" && !phone.guest) return { state: "failed", code: "not_registered", value };
    return { ...OK, value };
  }
}
