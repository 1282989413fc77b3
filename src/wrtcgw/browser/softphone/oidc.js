// Signing in at an identity provider: authorization code with PKCE (RFC 7636), in this tab, by a client without secret.

import { PhoneError } from "../grtc/errors.js";

const KEPT = "softphone-sign-in"; // what the page must know again when it comes back; in this tab only
const LONGEST = 15 * 60_000; // ms that a sign-in at the provider may take
const PATIENCE = 10_000; // ms for an answer of the provider

/** The provider as `settings.json` names it. */
export class Provider {
  /**
   * @param {{issuer: string, clientId: string, scope: string, name: string, token: "id" | "access"}} settings
   * @param {Pick<typeof globalThis, "location" | "crypto" | "sessionStorage" | "history" | "fetch">} [browser]
   *   stands for the browser in tests
   */
  constructor(settings, browser = globalThis) {
    this.settings = settings;
    this.browser = browser;
  }

  /** What the provider is called. */
  get name() {
    return this.settings.name || new URL(this.settings.issuer).host;
  }

  /** Whether this address of the page is one that the provider leads back to. */
  get isBack() {
    const query = new URLSearchParams(this.browser.location.search);
    return query.has("state") && (query.has("code") || query.has("error"));
  }

  /** Leaves the page for the provider's; it comes back to this address. */
  async begin() {
    const { crypto, location, sessionStorage } = this.browser;
    if (!crypto?.subtle) throw new PhoneError("insecure_sign_in");
    const { authorization_endpoint: endpoint } = await this.#discover();
    /** @param {number} size */
    const random = (size) => base64url(crypto.getRandomValues(new Uint8Array(size)));
    const [state, nonce, verifier] = [16, 16, 32].map(random);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    sessionStorage.setItem(KEPT, JSON.stringify({ state, nonce, verifier, at: Date.now() }));
    const url = new URL(endpoint);
    const query = {
      response_type: "code",
      client_id: this.settings.clientId,
      redirect_uri: this.#here(),
      scope: this.settings.scope,
      state,
      nonce,
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    location.assign(url.href);
  }

  /**
   * Takes up what the provider has led back with: its code becomes a token. The address is a plain one again after
   * that, so that a reload does not try the code twice.
   * @returns {Promise<string>} the token to sign in with
   */
  async finish() {
    const { history, location, sessionStorage } = this.browser;
    const query = new URLSearchParams(location.search);
    history.replaceState(null, "", location.pathname);
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    const known = kept && kept.state === query.get("state") && Date.now() - kept.at < LONGEST;
    const issuer = query.get("iss"); // RFC 9207
    if (!known || (issuer !== null && issuer !== this.settings.issuer)) throw new PhoneError("provider_state");
    if (query.has("error")) {
      const reason = query.get("error") ?? "";
      throw new PhoneError(reason === "access_denied" ? "provider_denied" : "provider_failed", { reason });
    }
    const tokens = await this.#exchange(query.get("code") ?? "", kept.verifier);
    if (nonceOf(tokens.id_token) !== kept.nonce) throw new PhoneError("provider_state");
    const token = this.settings.token === "access" ? tokens.access_token : tokens.id_token;
    if (!token) throw new PhoneError("provider_failed", { reason: "no_token" });
    return token;
  }

  /**
   * @param {string} code
   * @param {string} verifier
   */
  async #exchange(code, verifier) {
    const { token_endpoint: endpoint } = await this.#discover();
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: this.#here(),
      client_id: this.settings.clientId,
      code_verifier: verifier,
    });
    return this.#ask(endpoint, { method: "POST", body });
  }

  async #discover() {
    const { issuer } = this.settings;
    const found = await this.#ask(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    const endpoints = [found.authorization_endpoint, found.token_endpoint];
    /** @param {string} url */
    const safe = (url) => new URL(url).protocol === "https:" || new URL(url).protocol === new URL(issuer).protocol;
    if (found.issuer !== issuer || !endpoints.every((url) => URL.canParse(url) && safe(url))) {
      throw new PhoneError("provider_failed", { reason: "discovery" });
    }
    return found;
  }

  /**
   * @param {string} url
   * @param {RequestInit} [options]
   */
  async #ask(url, options = {}) {
    let response;
    let told;
    try {
      /** @type {RequestInit} */
      const patience = { signal: AbortSignal.timeout(PATIENCE), credentials: "omit", cache: "no-store" };
      response = await this.browser.fetch(url, { ...patience, ...options });
      told = await response.json();
    } catch (cause) {
      throw new PhoneError("provider_unreachable", { cause });
    }
    if (!response.ok) throw new PhoneError("provider_failed", { reason: String(told?.error ?? response.status) });
    return told;
  }

  /** This page's address, which the provider has to know as a redirect URI. */
  #here() {
    return new URL(this.browser.location.pathname, this.browser.location.href).href;
  }
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/**
 * The gateway verifies the token; the nonce is for this page, which alone knows what it has asked for.
 * @param {string} token
 */
function nonceOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).nonce ?? null;
  } catch {
    return null;
  }
}
