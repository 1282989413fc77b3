// The gateway's operator API: one place for the token, for errors, and for what counts as unreachable.

const KEY = "wrtcgw-ops-token";
const TIMEOUT = 10_000;

/** What the gateway, or the way to it, said no with. `code` is the gateway's own, or "unreachable". */
export class OpsError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} [status]
   */
  constructor(code, message, status = 0) {
    super(message);
    this.name = "OpsError";
    this.code = code;
    this.status = status;
  }

  /** Tells whether it is about who asks. */
  get isRefusal() {
    return this.status === 401 || (this.status === 403 && this.code !== "role_required");
  }
}

/** Asks the gateway; the operator token is kept in this tab's session only. */
export class OpsAPI {
  /**
   * @param {string | URL} base address of the gateway
   * @param {Storage | null} storage
   * @param {typeof fetch} ask
   */
  constructor(base, storage = null, ask = (...all) => fetch(...all)) {
    this.base = base;
    this.storage = storage;
    this.ask = ask;
    this.memory = "";
  }

  get token() {
    return this.storage?.getItem(KEY) ?? this.memory;
  }

  /** @param {string} value */
  set token(value) {
    this.memory = value;
    if (value) this.storage?.setItem(KEY, value);
    else this.storage?.removeItem(KEY);
  }

  /**
   * GETs JSON.
   * @param {string} name below /api/
   * @param {Record<string, unknown>} [query]
   */
  async get(name, query = {}) {
    return (await this.fetch(name, query)).json();
  }

  /**
   * GETs text.
   * @param {string} name below /api/
   * @param {Record<string, unknown>} [query]
   */
  async text(name, query = {}) {
    return (await this.fetch(name, query)).text();
  }

  /**
   * POSTs an action.
   * @param {string} name below /api/
   * @param {object} body
   * @returns {Promise<Record<string, unknown>>} what has come of it
   */
  async post(name, body) {
    const headers = { "Content-Type": "application/json" };
    return (await this.fetch(name, {}, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} query
   * @param {{method?: string, headers?: Record<string, string>, body?: string}} [options]
   */
  async fetch(name, query, options = {}) {
    const url = new URL(`api/${name}`, this.base);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...options.headers };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const response = await this.reach(url, { ...options, headers, cache: "no-store", credentials: "omit" });
    if (!response.ok) throw await failure(response);
    return response;
  }

  /**
   * @param {URL} url
   * @param {RequestInit} options
   */
  async reach(url, options) {
    try {
      return await this.ask(url, { ...options, signal: AbortSignal.timeout(TIMEOUT) });
    } catch (problem) {
      throw new OpsError("unreachable", problem instanceof Error ? problem.message : String(problem));
    }
  }
}

/** @param {Response} response */
async function failure(response) {
  /** @type {{code?: string, error?: string}} */
  let said = {};
  try {
    said = await response.json();
  } catch {
    // something before the gateway answered, in words of its own
  }
  const own = typeof said.code === "string";
  if (!own && response.status >= 502) return new OpsError("unreachable", `HTTP ${response.status}`, response.status);
  return new OpsError(said.code ?? "http", said.error ?? `HTTP ${response.status}`, response.status);
}
