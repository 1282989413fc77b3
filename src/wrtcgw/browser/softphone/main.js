// The page: who is signed in, in which language and colours; the phone itself is the panel.

import { Phone } from "../grtc/phone.js";
import { asPhoneError } from "../grtc/errors.js";
import { loadSettings, resume } from "./beginning.js";
import { mountCheck } from "./checkpage.js";
import { el, put, say, show } from "./dom.js";
import { icon } from "./icons.js";
import { mayLeave, mayTake, watchClosing } from "./leaving.js";
import { Provider } from "./oidc.js";
import { mountPanel } from "./panel.js";
import { mountSignIn } from "./signin.js";
import { LANGUAGES, Texts, loadTexts } from "./texts.js";
import { button, card } from "./views/parts.js";
import { farewell } from "./words.js";

const KEYS = { language: "softphone-language", theme: "softphone-theme", dn: "softphone-dn" };
const THEMES = ["auto", "light", "dark"];

/**
 * @typedef {{dn?: string, password?: string, number?: string, numbers?: string[]}} Demo
 * @typedef {{demo?: Demo | null, oidc?: ConstructorParameters<typeof Provider>[0]}} Settings of settings.json
 *
 * @typedef {object} Page what the page is now
 * @property {Texts} texts
 * @property {ReturnType<typeof mountPanel> | null} panel
 * @property {Settings} settings
 * @property {ReturnType<typeof mountSignIn> | null} form
 * @property {{code: string} | null} reason why nobody is signed in
 * @property {Provider | null} provider
 * @property {{token: string, dns: string[]} | null} choice
 */

/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const phone = new Phone({ answerOnTalk: true }); // the gateway tells whether the site has allowed it
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
    "globe",
    Object.entries(LANGUAGES),
    page.texts.language,
    changeLanguage,
  );
  const themes = select(
    "theme",
    t("page.theme"),
    "moon",
    THEMES.map((each) => [each, t(`page.theme_${each}`)]),
    recall("theme") || "auto",
    changeTheme,
  );
  const leave = button({ label: t("page.sign_out"), icon: "signOut", kind: "small", id: "sign-out", onclick: signOut });
  show(leave, phone.isSignedIn);
  const look = button({
    label: t("check.open"),
    icon: "bars",
    kind: "small",
    id: "check-phone",
    title: t("check.open"),
    onclick: check.open,
  });
  $("tools").replaceChildren(el("div", { class: "tools-choice" }, look, languages, themes), leave);
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string} shape
 * @param {string[][]} options values and words
 * @param {string} value
 * @param {(value: string) => void} change
 */
function select(id, label, shape, options, value, change) {
  /** @type {HTMLSelectElement} */
  const control = el(
    "select",
    { id, "aria-label": label, title: label, onchange: () => change(control.value) },
    options.map(([key, text]) => el("option", { value: key, lang: id === "language" ? key : null }, text)),
  );
  control.querySelectorAll("option").forEach((option, index) => {
    option.value = options[index][0];
  });
  control.value = value;
  return el("span", { class: "tool" }, icon(shape), control);
}

/** @param {string} language */
async function changeLanguage(language) {
  remember("language", language);
  page.texts = await loadTexts(language);
  drawHead();
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
  return form;
}

/** @param {{dn: string, password: string}} who */
async function signIn({ dn, password }) {
  const id = `softphone-${dn}`;
  if (!(await mayTake(id, dn, page.texts))) return;
  page.reason = null;
  await phone.signIn({ dn, password, id });
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
  if (dn && !(await mayTake(id, dn, page.texts))) return;
  try {
    await phone.signIn({ token, ...(dn && { dn, id }) });
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
  const panel = mountPanel($("app"), phone, {
    texts: page.texts,
    status: $("status"),
    numbers,
    number: demo?.number ?? "",
  });
  page.panel = panel;
  Object.assign(globalThis, { softphone: { phone, desk: panel.model } }); // for the browser's console
  drawHead();
  check.draw();
  return panel;
}

async function signOut() {
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

async function start() {
  applyTheme(recall("theme"));
  const [texts, settings] = await Promise.all([loadTexts(recall("language")), loadSettings(import.meta.url)]);
  Object.assign(page, { texts, settings, provider: settings.oidc ? new Provider(settings.oidc) : null });
  phone.on("signedout", left);
  watchClosing(phone);
  drawHead();
  check.draw();
  const { resumed, reason } = await resume(phone, drawWaiting);
  page.reason = reason;
  if (resumed) {
    enter();
    return;
  }
  if (page.provider?.isBack) await comeBack(page.provider);
  if (phone.isSignedIn) return;
  drawStatus();
  drawSignIn().focus();
}

start();
