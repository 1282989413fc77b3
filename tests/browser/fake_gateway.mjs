// The gateway's HTTP interface for tests under node: it notes what is asked, and answers what a test wants.

export class FakeGateway {
  /** All requests but polls: `{method, path, query, headers, body}`. */
  requests = [];
  /** What GET calls has. */
  calls = [];
  /** What GET calls says beside them. */
  own = {};
  /** What GET ice has. */
  ice = [];
  /** Refusals by path: `[status, {code, error}]`, or "away" for a gateway that cannot be reached. */
  refusals = {};
  /** Bodies of responses, by path, other than the usual ones. */
  replies = {};
  /** What happens before a request is answered, by path. */
  meanwhile = {};
  #queue = [];
  #waiting = null;
  #seq = 0;
  #sessions = 0;

  /** Makes this gateway the one that `fetch` reaches. */
  constructor() {
    globalThis.fetch = (url, options) => this.#fetch(new URL(url), options);
  }

  /** Tells the page something. */
  tell(message) {
    this.#queue.push({ seq: (this.#seq += 1), ...message });
    this.#deliver();
  }

  /** Has the poll that hangs, and all requests from now on, meet this refusal. */
  forget(refusal) {
    this.refusals.message = refusal;
    this.#waiting?.(answer(...refusal));
  }

  /** Returns the bodies of all requests of a path. */
  asked(path) {
    return this.requests.filter((request) => request.path === path).map(({ body }) => body);
  }

  async #fetch(url, { method, headers, body, signal }) {
    const path = url.pathname.split("/").at(-1);
    const polls = method === "GET" && path === "message";
    const query = Object.fromEntries(url.searchParams);
    if (!polls) this.requests.push({ method, path, query, headers, body: read(body) });
    if (!polls) await this.meanwhile[path]?.();
    const refusal = this.refusals[path];
    if (refusal === "away") throw new TypeError("fetch failed");
    if (refusal) return answer(...refusal);
    return polls ? this.#poll(signal) : this.#answer(method, path);
  }

  #answer(method, path) {
    if (this.replies[path]) return answer(200, this.replies[path]);
    if (path === "sign_in")
      return answer(200, { id: "phone-5001", session: `token-${(this.#sessions += 1)}`, dn: "5001" });
    if (path === "ice") return answer(200, { iceServers: this.ice });
    if (path === "calls") {
      return answer(200, { calls: this.calls, registration: { state: "REGISTERED" }, ...this.own });
    }
    if (path === "message") return answer(200, { callId: "c-1" });
    return new Response(null, { status: 204 });
  }

  #poll(signal) {
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      signal.addEventListener("abort", () => reject(signal.reason));
      this.#deliver();
    });
  }

  #deliver() {
    if (!this.#waiting || !this.#queue.length) return;
    const resolve = this.#waiting;
    this.#waiting = null;
    resolve(answer(200, this.#queue.shift()));
  }
}

function answer(status, value) {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });
}

function read(body) {
  if (body instanceof URLSearchParams) return Object.fromEntries(body);
  return body ? JSON.parse(body) : {};
}

/** What a page may keep through a reload. */
export class FakeStorage {
  #items = new Map();

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, value);
  }

  removeItem(key) {
    this.#items.delete(key);
  }

  get size() {
    return this.#items.size;
  }
}
