// The service worker: puts the scripts into the pages that the user has named, and answers Workspace for its softphone.
// It keeps no token: whenever Workspace asks, the panel is asked who is signed in.

import { below, isReady, languageOf, panelAddress, readSettings } from "./settings.js";
import { dnOf, idleAnswer, isCommand } from "./softphone.js";
import { fill, loadTexts } from "./texts.js";

/** @import { Settings, Sites } from "./settings.js" */

/**
 * @typedef {{id: string, dn: string, token: string}} Session who is signed in
 * @typedef {{name: string, method?: string, body?: string}} Question of Workspace
 */

const PATIENCE = 10_000; // ms for the gateway; it takes 5 s to sign out where the registrar is silent
const ASKED_WHILE_WAITING = ["RegisterDn", "GetIsEndpointActive"]; // the DN is known by then

// ---- where the scripts run

async function putScripts() {
  const settings = await readSettings();
  const wanted = (await isReady(settings)) ? scriptsFor(settings) : [];
  const present = await chrome.scripting.getRegisteredContentScripts();
  if (sameScripts(present, wanted)) return; // a page that loads just now must not find a gap
  if (present.length) await chrome.scripting.unregisterContentScripts();
  if (wanted.length) await chrome.scripting.registerContentScripts(wanted);
}

/** @param {Sites} sites */
function scriptsFor({ workspace, gateway }) {
  const script = { runAt: "document_start", allFrames: true, persistAcrossSessions: true };
  const inWorkspace = { ...script, matches: [below(workspace)] };
  return [
    { ...inWorkspace, id: "shim", js: ["shim.js"], world: "MAIN" },
    { ...inWorkspace, id: "relay", js: ["relay.js"] },
    { ...inWorkspace, id: "dock", js: ["dock.js"], allFrames: false },
    { ...script, id: "session", js: ["session.js"], matches: [below(gateway)] },
  ];
}

/**
 * @param {ContentScript[]} some
 * @param {ContentScript[]} others
 */
function sameScripts(some, others) {
  /** @param {ContentScript[]} scripts */
  const sum = (scripts) =>
    scripts
      .map(({ id, matches }) => `${id} ${matches}`)
      .sort()
      .join();
  return sum(some) === sum(others);
}

let putting = Promise.resolve();

function settingsChanged() {
  putting = putting.then(putScripts).catch((error) => console.error(error)); // one after the other
}

chrome.runtime.onInstalled.addListener(({ reason }) => {
  settingsChanged();
  if (reason === "install") chrome.runtime.openOptionsPage();
});
chrome.runtime.onStartup.addListener(settingsChanged);
chrome.permissions.onAdded.addListener(settingsChanged);
chrome.permissions.onRemoved.addListener(settingsChanged);
chrome.storage.local.onChanged.addListener(settingsChanged);

// ---- what is known of a tab

/** @param {number} tab */
const wantedKey = (tab) => `wanted ${tab}`;

/** @param {number} tab */
async function wantedIn(tab) {
  const key = wantedKey(tab);
  return (await chrome.storage.session.get(key))[key] ?? "";
}

chrome.tabs.onRemoved.addListener((tab) => chrome.storage.session.remove(wantedKey(tab)));

/**
 * Returns who is signed in: in the tab's own panel first, else in another page of the gateway.
 * @param {Settings} settings
 * @param {number} tab
 * @returns {Promise<Session[]>}
 */
async function sessionsFor(settings, tab) {
  const others = await chrome.tabs.query({ url: below(settings.gateway) });
  const api = new URL("api/webrtc/", settings.gateway).href;
  const asked = [tab, ...others.map(({ id }) => id).filter((id) => id !== tab)];
  const told = await Promise.all(asked.map((id) => tell(id, { kind: "session", api })));
  return told.flatMap((sessions) => sessions ?? []);
}

/**
 * Sends a message to a tab's scripts; null when none of them has an answer.
 * @param {number} tab
 * @param {object} message
 * @param {{frameId?: number}} [options]
 */
async function tell(tab, message, options = {}) {
  try {
    return (await chrome.tabs.sendMessage(tab, message, options)) ?? null;
  } catch {
    return null; // no script of ours is there
  }
}

// ---- Workspace's questions

/**
 * @param {Settings} settings
 * @param {number} tab
 * @param {Question} question
 */
async function ask(settings, tab, { name, method, body = "" }) {
  if (name === "RegisterDn") await chrome.storage.session.set({ [wantedKey(tab)]: dnOf(body) });
  const wanted = await wantedIn(tab);
  const sessions = await sessionsFor(settings, tab);
  const session = sessions.find(({ dn }) => !wanted || dn === wanted) ?? null;
  if (ASKED_WHILE_WAITING.includes(name)) await showDock(settings, tab, { wanted, session, other: sessions[0] });
  if (name === "UnregisterDn") await chrome.storage.session.remove(wantedKey(tab));
  // an order about another DN is the gateway's to refuse
  const spokesman = session ?? (name === "RegisterDn" ? sessions[0] : null);
  const answer = (spokesman && (await askGateway(settings, spokesman, { name, method, body }))) || idleAnswer(name);
  if (name === "GetIsEndpointActive") showState(tab, /true/.test(answer.text));
  return answer;
}

/**
 * Asks the gateway; null when it gives no answer that Workspace could use.
 * @param {Settings} settings
 * @param {Session} session
 * @param {Question} question
 */
async function askGateway(settings, { token }, { name, method = "GET", body = "" }) {
  /** @type {Record<string, string>} */
  const headers = { Authorization: `Bearer ${token}` };
  if (body) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(new URL(`softphone-api/${name}`, settings.gateway), {
      method,
      headers,
      body: body || undefined,
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(PATIENCE),
    });
    return response.status < 500 ? { status: response.status, text: await response.text() } : null;
  } catch {
    return null; // it is away: then there is no phone
  }
}

/**
 * @param {number} tab
 * @param {boolean} active
 */
function showState(tab, active) {
  chrome.action.setBadgeText({ tabId: tab, text: active ? "on" : "" }).catch(() => {}); // the tab may be gone
  chrome.action.setBadgeBackgroundColor({ color: "#146c2e" });
  chrome.action.setBadgeTextColor({ color: "#fff" });
}

// ---- the dock and the window

/**
 * @param {Settings} settings
 * @param {number} tab
 * @param {{wanted: string, session: Session | null | undefined, other?: Session, asked?: boolean}} state
 */
async function showDock(settings, tab, { wanted, session, other, asked = false }) {
  const texts = await loadTexts(languageOf(settings));
  const note = !session && other ? fill(texts.otherDn, { wanted, dn: other.dn }) : "";
  const inWindow = Boolean(await phoneWindow());
  const url = panelAddress(settings, wanted);
  const signedIn = Boolean(session ?? other);
  await tell(tab, { kind: "dock", url, note, texts, inWindow, signedIn, asked }, { frameId: 0 });
}

async function phoneWindow() {
  const { phone } = await chrome.storage.session.get("phone");
  if (phone === undefined) return null;
  return chrome.windows.get(phone).catch(() => null);
}

/**
 * @param {Settings} settings
 * @param {number} [tab]
 */
async function openWindow(settings, tab) {
  const open = await phoneWindow();
  if (open) {
    await chrome.windows.update(open.id, { focused: true });
    return;
  }
  const url = panelAddress(settings, tab === undefined ? "" : await wantedIn(tab));
  const { id } = await chrome.windows.create({ url, type: "popup", width: 380, height: 640 });
  await chrome.storage.session.set({ phone: id });
}

// ---- the popup's questions

/**
 * @param {Settings} settings
 * @param {number} tab
 */
async function stateOf(settings, tab) {
  if (!(await isReady(settings))) return { kind: "notSet" };
  if (!(await tell(tab, { kind: "isWorkspace" }, { frameId: 0 }))) return { kind: "notHere" };
  const wanted = await wantedIn(tab);
  const sessions = await sessionsFor(settings, tab);
  const session = sessions.find(({ dn }) => !wanted || dn === wanted) ?? sessions[0];
  if (!session) return { kind: "nobody", wanted };
  const answer = await askGateway(settings, session, { name: "GetIsEndpointActive" });
  if (!answer) return { kind: "unreachable", wanted, dn: session.dn };
  const active = (!wanted || session.dn === wanted) && /true/.test(answer.text);
  return { kind: active ? "active" : "inactive", wanted, dn: session.dn };
}

/** @type {Record<string, (settings: Settings, message: {tab: number}) => Promise<unknown>>} */
const ORDERS = {
  state: (settings, { tab }) => stateOf(settings, tab),
  show: async (settings, { tab }) => {
    const [other] = await sessionsFor(settings, tab);
    await showDock(settings, tab, { wanted: await wantedIn(tab), session: other, asked: true });
  },
  window: (settings, { tab }) => openWindow(settings, tab),
};

// ---- messages of our own scripts and pages

/**
 * @param {any} message
 * @param {Sender} sender
 */
async function take(message, sender) {
  const settings = await readSettings();
  if (sender.origin === location.origin) return (await ORDERS[message.kind]?.(settings, message)) ?? null;
  /** @param {string} address */
  const isOf = (address) => Boolean(address) && sender.origin === new URL(address).origin;
  const { tab } = sender;
  if (!tab) return null;
  if (message.kind === "panel" && isOf(settings.gateway)) return tell(tab.id, { kind: "loaded" }, { frameId: 0 });
  if (message.kind === "ask" && isOf(settings.workspace)) {
    return isCommand(message.name) ? ask(settings, tab.id, message) : null;
  }
  if (message.kind === "window" && isOf(settings.workspace)) return openWindow(settings, tab.id);
  return null;
}

chrome.runtime.onMessage.addListener((message, sender, respond) => {
  take(message, sender).then(respond, (error) => {
    console.error(error);
    respond(null);
  });
  return true; // the answer comes later
});
