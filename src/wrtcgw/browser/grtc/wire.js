// Requests to the gateway: one session, its token in a header of each request, errors as PhoneError.

import { PhoneError } from "./errors.js";

/** @import { Own } from "./types.js" */

const PATIENCE = 60_000; // ms; the gateway's own limits are shorter, so this is for a gateway that is gone

/**
 * @typedef {{query?: Record<string, unknown>, body?: BodyInit, type?: string, headers?: Record<string, string>,
 *   signal?: AbortSignal, keepalive?: boolean, patience?: number}} Sending `patience` in milliseconds
 * @typedef {{messageType: string, sdp: string, callId?: string, to?: string,
 *   data?: import("../grtc.js").Attached[], hidden?: boolean}} Description `hidden`: no other page hears of it
 */

export class Wire {
  /** @param {string} gateway the gateway's base address */
  constructor(gateway) {
    this.api = new URL("api/webrtc/", gateway.endsWith("/") ? gateway : `${gateway}/`).href;
    this.id = "";
    this.token = "";
    /** When the gateway was asked for something last, in ms: a sign of life. */
    this.askedAt = 0;
  }

  /**
   * Sends a request and returns its response; an aborted one throws what `signal` was aborted with.
   * @param {string} method
   * @param {string} path
   * @param {Sending} [options]
   */
  async send(method, path, { query = {}, body, type, headers = {}, signal, keepalive } = {}) {
    const url = new URL(path, this.api);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
    }
    /** @type {Record<string, string>} */
    const all = { Accept: "application/json", ...headers };
    if (this.token) all.Authorization = `Bearer ${this.token}`;
    if (type) all["Content-Type"] = type;
    this.askedAt = Date.now();
    let response;
    try {
      response = await fetch(url, { method, headers: all, body, signal, keepalive, cache: "no-store" });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new PhoneError("gateway_unreachable", { cause: error });
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /**
   * Sends a request and returns the JSON of its response; null when it has none (204).
   * @param {string} method
   * @param {string} path
   * @param {Sending} [options]
   */
  async ask(method, path, options = {}) {
    const patience = new AbortController();
    const timer = options.signal ? undefined : setTimeout(() => patience.abort(), options.patience ?? PATIENCE);
    try {
      const response = await this.send(method, path, { ...options, signal: options.signal ?? patience.signal });
      const text = response.status === 204 ? "" : await response.text();
      return text ? JSON.parse(text) : null;
    } catch (error) {
      if (options.signal?.aborted || error instanceof PhoneError) throw error;
      throw new PhoneError("gateway_unreachable", { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Posts an object as JSON.
   * @param {string} path
   * @param {Record<string, unknown>} query
   * @param {unknown} value
   * @param {Sending} [options]
   */
  post(path, query, value, options = {}) {
    return this.ask("POST", path, { query, body: JSON.stringify(value), type: "application/json", ...options });
  }

  /**
   * Opens a session; password and token go into the body, never into an address. A function gives the token.
   * @param {Record<string, any>} fields
   */
  async signIn(fields) {
    const shown = typeof fields.token === "function" ? { ...fields, token: await fields.token() } : fields;
    const answer = await this.ask("POST", "sign_in", { body: new URLSearchParams(shown) });
    this.id = answer.id ?? fields.id;
    this.token = answer.session;
    return answer;
  }

  /**
   * Ends the session; with `keepalive` the request outlives the page.
   * @param {Sending} [options]
   */
  signOut(options = {}) {
    return this.ask("POST", "sign_out", { query: { id: this.id }, ...options });
  }

  /**
   * Orders something for a call: hangup, hold, dtmf …
   * @param {string} verb
   * @param {string} call
   * @param {Record<string, unknown>} [fields]
   */
  order(verb, call, fields = {}) {
    return this.post(verb, { id: this.id, call }, fields);
  }

  /**
   * Posts a description: `{messageType, sdp, callId | to, data}`. A new call begins a trace.
   * @param {Description} message
   */
  describe(message) {
    /** @type {Record<string, string>} */
    const headers = message.callId ? {} : { traceparent: newTrace() };
    return this.post("message", { from: this.id }, message, { headers });
  }

  /**
   * Returns what the gateway has for this agent, and wishes of its pages.
   * @returns {Promise<Own>}
   */
  own() {
    return this.ask("GET", "calls", { query: { id: this.id } });
  }

  /** Returns the calls that the gateway has for this agent. */
  async calls() {
    return (await this.own()).calls;
  }
}

/** Returns a `traceparent` (W3C Trace Context) with new numbers: whether the trace is kept, the gateway decides. */
function newTrace() {
  const digits = [...crypto.getRandomValues(new Uint8Array(24))].map((byte) => byte.toString(16).padStart(2, "0"));
  return `00-${digits.slice(0, 16).join("")}-${digits.slice(16).join("")}-02`;
}

/** @param {Response} response */
async function refusal(response) {
  const text = await response.text().catch(() => "");
  /** @type {Record<string, any>} */
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    // not from the gateway itself: a proxy in front of it, say
  }
  const { code, error, ...more } = told;
  if (!code && response.status >= 502) return new PhoneError("gateway_unreachable", { status: response.status });
  const hint = error ?? `The gateway answered ${response.status}.`;
  const retryAfter = Number(response.headers.get("Retry-After")) || 0; // s
  return new PhoneError(code ?? "unexpected_answer", { hint, status: response.status, retryAfter, ...more });
}
