// The page: who is signed in, in which language and colours; the phone itself is the panel.

import { Phone } from "../grtc/phone.js";
import { PhoneError, asPhoneError } from "../grtc/errors.js";
import { loadSettings, resume } from "./beginning.js";
import { mountCheck } from "./checkpage.js";
import { el, put, say, show } from "./dom.js";
import { Arrivals } from "./hand/arrivals.js";
import { icon } from "./icons.js";
import { keeper } from "./keeper.js";
import { mayLeave, signInHere, watchClosing } from "./leaving.js";
import { menu } from "./menu.js";
import { mountSignIn } from "./signin.js";
import { LANGUAGES, Texts, loadTexts } from "./texts.js";
import { button, card, field } from "./views/parts.js";
import { farewell } from "./words.js";

const KEYS = { language: "softphone-language", theme: "softphone-theme", dn: "softphone-dn" };
const THEMES = ["auto", "light", "dark"];
/** Where else one may want to go; below the gateway's root. */
const ELSEWHERE = {
  console: "../ops/",
  gadget: "../gadget/embed.html",
  extension: "../extension/",
  api: "../api/docs/",
};

/** @import { Provider } from "./oidc.js" */
/**
 * @typedef {{dn?: string, password?: string, number?: string, numbers?: string[]}} Demo
 * @typedef {ConstructorParameters<typeof import("./oidc.js").Provider>[0]} OIDC
 * @typedef {{demo?: Demo | null, oidc?: OIDC, autoAnswer?: boolean, noiseSuppression?: boolean}} Settings of
 *   settings.json
 *
 * @typedef {object} Page what the page is now
 * @property {Texts} texts
 * @property {ReturnType<typeof import("./panel.js").mountPanel> | null} panel
 * @property {Settings} settings
 * @property {ReturnType<typeof mountSignIn> | null} form
 * @property {{code: string} | null} reason why nobody is signed in
 * @property {Provider | null} provider
 * @property {{token: string, dns: string[]} | null} choice
 */

/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const phone = new Phone({ answerOnTalk: true }); // the gateway tells whether the site has allowed it
const devices = el("div", { class: "menu-devices" }); // the panel puts there what is set once
const switches = el("div", { class: "menu-hand" }); // and there what is at hand
const arrivals = new Arrivals(keeper("sessionStorage"));
/** @type {ReturnType<typeof menu> | null} */
let profile = null;
/** @type {(typeof import("./panel.js") & typeof import("./hand/hand.js")) | null} most of the page, fetched when
 *   somebody begins to sign in */
let rest = null;
/** @type {import("./hand/hand.js").Hand | null} */
let hand = null;
/** @type {Page} */
const page = {
  texts: new Texts("en", {}),
  panel: null,
  settings: {},
  form: null,
  reason: null,
  provider: null,
  choice: null,
};

const check = mountCheck(phone, $("app"), { texts: () => page.texts, shown: () => (page.form ?? page.panel)?.focus() });

// ---- what this browser remembers

/** @param {keyof typeof KEYS} name */
function recall(name) {
  try {
    return localStorage.getItem(KEYS[name]) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {keyof typeof KEYS} name
 * @param {string} value
 */
function remember(name, value) {
  try {
    localStorage.setItem(KEYS[name], value);
  } catch {
    // then it is forgotten
  }
}

// ---- the head of the page

function drawHead() {
  /** @param {string} key */
  const t = (key) => page.texts.t(key);
  document.documentElement.lang = page.texts.language;
  document.title = t("page.title");
  say($("name"), t("page.name"));
  const languages = select(
    "language",
    t("page.language"),
    Object.entries(LANGUAGES),
    page.texts.language,
    changeLanguage,
  );
  const themes = select(
    "theme",
    t("page.theme"),
    THEMES.map((each) => [each, t(`page.theme_${each}`)]),
    recall("theme") || "auto",
    changeTheme,
  );
  const leave = button({ label: t("page.sign_out"), icon: "signOut", kind: "wide", id: "sign-out", onclick: signOut });
  show(leave, phone.isSignedIn);
  const look = button({ label: t("check.open"), icon: "bars", kind: "wide", id: "check-phone", onclick: check.open });
  const open = profile?.isOpen();
  profile?.stop();
  profile = menu({ label: t("page.menu"), open }, switches, languages, themes, devices, look, leave);
  $("tools").replaceChildren(profile.element);
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string[][]} options values and words
 * @param {string} value
 * @param {(value: string) => void} change
 */
function select(id, label, options, value, change) {
  /** @type {HTMLSelectElement} */
  const control = el(
    "select",
    { id, onchange: () => change(control.value) },
    options.map(([key, text]) => el("option", { value: key, lang: id === "language" ? key : null }, text)),
  );
  control.querySelectorAll("option").forEach((option, index) => {
    option.value = options[index][0];
  });
  control.value = value;
  return field(label, control);
}

/** @param {string} language */
async function changeLanguage(language) {
  remember("language", language);
  page.texts = await loadTexts(language);
  drawHead();
  hand?.relabel(page.texts);
  if (page.panel) page.panel.relabel(page.texts);
  else drawSignIn();
  check.relabel();
  $("language").focus();
}

/** @param {string} theme */
function changeTheme(theme) {
  remember("theme", theme);
  applyTheme(theme);
}

/** @param {string} theme */
function applyTheme(theme) {
  put(document.documentElement, "data-theme", theme === "auto" ? null : theme);
}

// ---- signed in or not

async function loadPanel() {
  import("./views/check.js").catch(() => {}); // while it can be had; the panel goes without
  try {
    rest ??= Object.assign({}, ...(await Promise.all([import("./panel.js"), import("./hand/hand.js")])));
  } catch (cause) {
    throw new PhoneError("gateway_unreachable", { hint: "The phone panel could not be loaded.", cause });
  }
}

/** Whether a session may be there to go on with. */
function mayResume() {
  try {
    return Object.keys(sessionStorage).some((key) => key.startsWith("grtc-session"));
  } catch {
    return false;
  }
}

function drawSignIn() {
  const {
    settings: { demo },
    provider,
    choice,
  } = page;
  const form = mountSignIn($("app"), {
    texts: page.texts,
    signIn,
    dn: recall("dn") || demo?.dn || "",
    password: demo?.password ?? "",
    hint: demo ? page.texts.t("sign_in.demo", demo) : "",
    reason: page.reason,
    provider: provider && {
      name: provider.name,
      dns: choice?.dns ?? [],
      begin: () => provider.begin(),
      take: (dn) => signInByToken(choice?.token ?? "", dn),
    },
  });
  page.form = form;
  $("app").append(elsewhere());
  return form;
}

function elsewhere() {
  const links = Object.entries(ELSEWHERE).map(([name, path]) =>
    el("li", null, el("a", { href: new URL(path, import.meta.url).href }, page.texts.t(`page.to_${name}`))),
  );
  return el("nav", { class: "elsewhere", "aria-label": page.texts.t("page.elsewhere") }, el("ul", null, links));
}

/** @param {{dn: string, password: string}} who */
async function signIn({ dn, password }) {
  const id = `softphone-${dn}`;
  page.reason = null;
  await loadPanel();
  if (!(await signInHere((takeOver) => phone.signIn({ dn, password, id, takeOver }), dn, page.texts))) return;
  remember("dn", dn);
  enter().focus();
}

/**
 * Without a number the gateway takes the one that the token allows; with several of them it says which.
 * @param {string} token
 * @param {string} [dn]
 */
async function signInByToken(token, dn = "") {
  const id = dn && `softphone-${dn}`;
  try {
    await loadPanel();
    /** @param {boolean} takeOver */
    const enterBy = (takeOver) => phone.signIn({ token, takeOver, ...(dn && { dn, id }) });
    if (!(await signInHere(enterBy, dn, page.texts))) return;
  } catch (error) {
    const again = page.choice !== null;
    const { code, details } = asPhoneError(error);
    page.choice = code === "dn_required" ? { token, dns: details.dns } : null;
    if (again) drawSignIn(); // its token is used up, so the way begins anew
    if (!page.choice) throw error;
    return;
  }
  page.reason = page.choice = null;
  remember("dn", phone.dn);
  enter().focus();
}

/**
 * The provider has led back here.
 * @param {Provider} provider
 */
async function comeBack(provider) {
  drawStatus("busy", "sign_in.busy");
  try {
    await signInByToken(await provider.finish());
  } catch (error) {
    page.reason = asPhoneError(error, "provider_failed");
  }
}

function enter() {
  const { demo } = page.settings;
  const numbers = demo?.numbers?.map((number) => ({ number, label: `demo.${number}` })) ?? [];
  page.form = null;
  const { mountPanel, Hand } = /** @type {NonNullable<typeof rest>} */ (rest);
  hand = new Hand({ arrivals, signs: $("signs"), settings: switches });
  const panel = mountPanel($("app"), phone, {
    texts: page.texts,
    status: $("status"),
    settings: devices,
    numbers,
    number: arrivals.number() || (demo?.number ?? ""),
    notifier: hand.notifier,
  });
  page.panel = panel;
  const { autoAnswer = false, noiseSuppression: noiseFilter = false } = page.settings;
  hand.enter(panel, page.texts, { autoAnswer, noiseFilter });
  Object.assign(globalThis, { softphone: { phone, desk: panel.model } }); // for the browser's console
  drawHead();
  check.draw();
  return panel;
}

async function signOut() {
  profile?.close();
  if (!(await mayLeave(phone, page.texts))) return;
  try {
    await phone.signOut();
  } catch (error) {
    page.form?.complain(asPhoneError(error));
  }
}

/** @param {{reason: string, code: string}} told */
function left(told) {
  page.reason = farewell(told) || null;
  page.panel?.unmount();
  page.panel = null;
  hand?.left();
  hand = null;
  put($("app"), "class", null);
  drawHead();
  drawStatus();
  drawSignIn().focus();
}

function drawStatus(level = "off", key = "status.signed_out") {
  const mark = el("span", { class: "mark" }, icon(level === "off" ? "signOut" : "clock"));
  const status = el("p", { class: "status", role: "status", "data-level": level }, mark, page.texts.t(key));
  $("status").replaceChildren(status);
}

function drawWaiting() {
  drawStatus("busy", "status.offline");
  $("app").replaceChildren(card(page.texts.t("resume.title"), { class: "sign-in" }, page.texts.t("resume.todo")));
}

// A link has opened this tab, and the phone is in another one.
function drawHandedOver() {
  drawStatus();
  const here = button({ label: page.texts.t("link.here"), onclick: () => drawSignIn().focus() });
  $("app").replaceChildren(
    card(page.texts.t("link.title"), { class: "sign-in" }, el("p", null, page.texts.t("link.text")), here),
  );
}

async function start() {
  applyTheme(recall("theme"));
  const [texts, settings] = await Promise.all([loadTexts(recall("language")), loadSettings(import.meta.url)]);
  const provider = settings.oidc ? new (await import("./oidc.js")).Provider(settings.oidc) : null;
  Object.assign(page, { texts, settings, provider });
  phone.on("signedout", left);
  watchClosing(phone);
  drawHead();
  check.draw();
  for (const name of ["pointerdown", "keydown"]) $("app").addEventListener(name, () => loadPanel().catch(() => {}));
  const [{ resumed, reason }] = await Promise.all([
    resume(phone, drawWaiting),
    mayResume() && loadPanel().catch(() => {}),
  ]);
  page.reason = reason;
  if (resumed && phone.isSignedIn) {
    await loadPanel();
    enter();
    return;
  }
  if (page.provider?.isBack) await comeBack(page.provider);
  if (phone.isSignedIn) return;
  if (await arrivals.handOver()) return drawHandedOver();
  drawStatus();
  drawSignIn().focus();
}

start();
