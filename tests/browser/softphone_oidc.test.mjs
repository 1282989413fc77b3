// The softphone's sign-in at an identity provider: code flow with PKCE, and what must not get through.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { Provider } from "../../src/wrtcgw/browser/softphone/oidc.js";

const ISSUER = "https://login.example.org/realms/acme";
const HERE = "https://gateway.example.org/softphone/";
const SETTINGS = { issuer: ISSUER, clientId: "softphone", scope: "openid", name: "", token: "id" };
const DISCOVERY = { issuer: ISSUER, authorization_endpoint: `${ISSUER}/auth`, token_endpoint: `${ISSUER}/token` };

const idToken = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

// A browser with one tab, in front of a provider that answers as a test says.
function browserAt(url, answers = {}) {
  const kept = new Map();
  const browser = {
    asked: [],
    left: null,
    crypto: globalThis.crypto,
    location: Object.assign(new URL(url), { assign: (to) => (browser.left = new URL(to)) }),
    history: { replaceState: (state, title, path) => (browser.shown = path) },
    sessionStorage: {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => kept.set(name, value),
      removeItem: (name) => kept.delete(name),
    },
    fetch: async (to, options = {}) => {
      browser.asked.push({ to, body: options.body });
      if (answers.down) throw new TypeError("Failed to fetch");
      const { status = 200, ...told } = to.endsWith("/token")
        ? answers.token(browser)
        : (answers.discovery ?? DISCOVERY);
      return { ok: status === 200, status, json: async () => told };
    },
  };
  return browser;
}

async function beginAt(browser, settings = SETTINGS) {
  const provider = new Provider(settings, browser);
  await provider.begin();
  return browser.left.searchParams;
}

// Goes to the provider and comes back with these fields besides the right ones.
async function roundTrip(answers, changes = {}, settings = SETTINGS) {
  const browser = browserAt(HERE, answers);
  const sent = await beginAt(browser, settings);
  browser.sent = sent;
  const back = { code: "c0de", state: sent.get("state"), ...changes };
  browser.location.search = new URLSearchParams(Object.entries(back).filter(([, value]) => value !== null)).toString();
  const provider = new Provider(settings, browser); // the page was loaded anew
  assert.ok(provider.isBack);
  return { browser, result: provider.finish() };
}

const good = (browser) => ({ id_token: idToken({ nonce: browser.sent.get("nonce") }), access_token: "a.b.c" });

test("the page leaves with all that a public client needs, and no secret", async () => {
  const browser = browserAt(`${HERE}?x=1#y`);
  const sent = await beginAt(browser);
  assert.equal(browser.left.origin + browser.left.pathname, `${ISSUER}/auth`);
  assert.equal(sent.get("response_type"), "code");
  assert.equal(sent.get("redirect_uri"), HERE);
  assert.equal(sent.get("code_challenge_method"), "S256");
  for (const name of ["state", "nonce", "code_challenge"]) assert.match(sent.get(name), /^[\w-]{22,}$/);
  assert.ok(![...sent.keys()].includes("client_secret"));
  const other = await beginAt(browserAt(HERE));
  for (const name of ["state", "nonce", "code_challenge"]) assert.notEqual(sent.get(name), other.get(name));
});

test("the code becomes a token, by the verifier of its challenge; the address is plain again", async () => {
  const { browser, result } = await roundTrip({ token: good });
  assert.equal(await result, idToken({ nonce: browser.sent.get("nonce") }));
  const { body } = browser.asked.at(-1);
  const challenge = createHash("sha256").update(body.get("code_verifier")).digest("base64url");
  assert.equal(challenge, browser.sent.get("code_challenge"));
  assert.deepEqual([body.get("code"), body.get("redirect_uri")], ["c0de", HERE]);
  assert.equal(browser.shown, "/softphone/");
});

test("the access token is used where the gateway wants it", async () => {
  const { result } = await roundTrip({ token: good }, {}, { ...SETTINGS, token: "access" });
  assert.equal(await result, "a.b.c");
});

test("what comes back without having left here is not taken: no other's code gets a session here", async () => {
  for (const changes of [{ state: "another" }, { state: "" }, { iss: "https://evil.example" }]) {
    const { browser, result } = await roundTrip({ token: good }, changes);
    await assert.rejects(result, { code: "provider_state" });
    assert.ok(!browser.asked.some(({ to }) => to.endsWith("/token")));
  }
  const fresh = browserAt(`${HERE}?code=c&state=s`);
  await assert.rejects(new Provider(SETTINGS, fresh).finish(), { code: "provider_state" });
});

test("a code is tried once", async () => {
  const { browser, result } = await roundTrip({ token: good });
  await result;
  await assert.rejects(new Provider(SETTINGS, browser).finish(), { code: "provider_state" });
});

test("a token for another sign-in is not taken", async () => {
  for (const token of [idToken({ nonce: "another" }), idToken({}), "x", undefined]) {
    const { result } = await roundTrip({ token: () => ({ id_token: token, access_token: "a.b.c" }) });
    await assert.rejects(result, { code: "provider_state" });
  }
});

test("what goes wrong at the provider is told by what it means", async () => {
  const cases = [
    [{ token: good }, { code: null, error: "access_denied" }, "provider_denied"],
    [{ token: good }, { code: null, error: "server_error" }, "provider_failed"],
    [{ token: () => ({ status: 400, error: "invalid_grant" }) }, {}, "provider_failed"],
  ];
  for (const [answers, changes, code] of cases) {
    const { result } = await roundTrip(answers, changes);
    await assert.rejects(result, { code });
  }
  await assert.rejects(beginAt(browserAt(HERE, { down: true })), { code: "provider_unreachable" });
});

test("a provider that describes another one, or leads to plain http, is not gone to", async () => {
  for (const change of [
    { issuer: "https://evil.example" },
    { token_endpoint: "http://x/" },
    { token_endpoint: undefined },
  ]) {
    const browser = browserAt(HERE, { discovery: { ...DISCOVERY, ...change } });
    await assert.rejects(beginAt(browser), { code: "provider_failed" });
    assert.equal(browser.left, null);
  }
});

test("without a secure context there is no such sign-in, and that is said", async () => {
  const browser = { ...browserAt(HERE), crypto: {} };
  await assert.rejects(new Provider(SETTINGS, browser).begin(), { code: "insecure_sign_in" });
});
