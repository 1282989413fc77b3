// The gateway's HTTP interface as this page uses it: ROAP form, long poll, session token.

const API = new URL("../api/webrtc/", document.baseURI);
const POLL_SECONDS = 25;
const KEPT = "wrtcgw-session"; // in sessionStorage: it lives as long as the tab, and through a reload

export class GatewayError extends Error {
  constructor(status, body) {
    super(body.error || `The gateway answered ${status}.`);
    this.status = status;
    this.code = body.code || "";
  }
}

export class Gateway {
  constructor() {
    this.agent = "";
    this.token = "";
    this.polling = null;
  }

  async request(method, verb, { query = {}, body, type, signal } = {}) {
    const url = new URL(verb, API);
    for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
    const headers = { Accept: "application/json" };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (type) headers["Content-Type"] = type;
    const response = await fetch(url, { method, headers, body, signal, cache: "no-store" });
    const token = response.headers.get("X-WRTC-Session");
    if (token && verb === "sign_in") this.keep({ token });
    const text = await response.text();
    let value = {};
    try { value = text ? JSON.parse(text) : {}; } catch { value = { error: text }; }
    value.callId ??= response.headers.get("X-WRTC-Call") ?? undefined;
    if (!response.ok) throw new GatewayError(response.status, value);
    return response.status === 204 ? null : value;
  }

  keep(session) {
    Object.assign(this, session);
    const { agent, token, dn, before } = this;
    sessionStorage.setItem(KEPT, JSON.stringify({ agent, token, dn, before }));
  }

  // Takes up the session that this tab had before a reload; says whether there is one.
  restore() {
    Object.assign(this, JSON.parse(sessionStorage.getItem(KEPT) ?? "{}"));
    return Boolean(this.token);
  }

  forget() {
    this.token = "";
    sessionStorage.removeItem(KEPT);
  }

  async signIn(dn, password) {
    this.token = "";
    this.dn = dn;
    this.agent = `softphone-${dn}`;
    const fields = new URLSearchParams({ id: this.agent, dn, password });
    await this.request("POST", "sign_in", { body: fields });
  }

  signOut() {
    this.polling?.abort();
    return this.request("POST", "sign_out", { query: { id: this.agent } });
  }

  async calls() {
    return (await this.request("GET", "calls", { query: { id: this.agent } })).calls;
  }

  describe(sdp, { to, call }) {
    return this.request("POST", "message", { query: { from: this.agent, to, call }, body: sdp, type: "application/sdp" });
  }

  control(verb, call, fields = {}) {
    return this.request("POST", verb, { query: { id: this.agent, call, ...fields } });
  }

  // Calls `take` for each message in order until sign-out; `trouble` hears of a lost gateway, and null when it is back.
  // With `after` it begins behind that message, also with one that was fetched before.
  async poll(take, trouble, after) {
    const polling = this.polling = new AbortController();
    for (let failures = 0; !polling.signal.aborted;) {
      try {
        const query = { id: this.agent, wait: POLL_SECONDS, after };
        const message = await this.request("GET", "message", { query, signal: polling.signal });
        if (failures) trouble(null);
        failures = 0;
        after = undefined;
        if (message) await take(message);
      } catch (error) {
        if (polling.signal.aborted) return;
        if (error instanceof GatewayError && [401, 403, 404].includes(error.status)) throw error;
        trouble(error);
        failures += 1;
        await new Promise((resolve) => setTimeout(resolve, Math.min(10000, 500 * 2 ** failures)));
      }
    }
  }
}
