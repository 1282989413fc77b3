// The gadget as it is seen: a small phone in an iframe of the agent's desktop.

import { PhoneError, asPhoneError, codeOf } from "../grtc/errors.js";
import { Phone } from "../grtc/phone.js";
import { loadSettings, resume } from "../softphone/beginning.js";
import { el, put, say, show } from "../softphone/dom.js";
import { icon } from "../softphone/icons.js";
import { mayLeave, signInHere, watchClosing } from "../softphone/leaving.js";
import { mountPanel } from "../softphone/panel.js";
import { mountSignIn } from "../softphone/signin.js";
import { Texts } from "../softphone/texts.js";
import { button } from "../softphone/views/parts.js";
import { farewell } from "../softphone/words.js";
import { Gadget } from "./gadget.js";
import { readParameters, withoutSecrets } from "./parameters.js";
import { loadGadgetTexts } from "./texts.js";

/** @import { Params } from "../softphone/types.js" */

/** @import { Message } from "./commands.js" */

/**
 * @typedef {{dn?: string, password?: string}} Demo
 * @typedef {[code: string, params: Params]} Problem
 *
 * @typedef {object} Page what the page is now
 * @property {Texts} texts
 * @property {ReturnType<typeof mountPanel> | null} panel
 * @property {ReturnType<typeof mountSignIn> | null} form
 * @property {{code: string} | null} reason why nobody is signed in
 * @property {{demo?: Demo | null, origins?: string[]}} settings
 * @property {Problem[]} problems
 */

/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const wanted = readParameters(location.search);
const phone = new Phone({ answerOnTalk: true }); // the gateway tells whether the site has allowed it
/** @type {Page} */
const page = { texts: new Texts("en", {}), panel: null, form: null, reason: null, settings: {}, problems: [] };
/** @type {Gadget} */
let gadget;
/** @type {(key: string, params?: Params) => string} */
const t = (key, params) => page.texts.t(key, params);

// ---- what is wrong with the surroundings, said as long as it is so

function surroundings() {
  /** @type {Problem[]} */
  const problems = wanted.unfilled.map(({ name, value }) => ["placeholder_not_filled", { name, value }]);
  if (wanted.secrets.length) problems.push(["secret_in_address", { name: wanted.secrets.join(", ") }]);
  if (!window.isSecureContext) problems.push(["insecure_frame", {}]);
  else if (lacksMicrophone()) problems.push(["microphone_policy", {}]);
  return problems;
}

/**
 * What to do about a refused microphone is another thing in a frame that may not even ask for it.
 * @param {string} language
 */
async function loadTexts(language) {
  const texts = await loadGadgetTexts(language);
  if (lacksMicrophone()) texts.messages["error.microphone_refused.todo"] = texts.t("microphone_policy.todo");
  return texts;
}

function lacksMicrophone() {
  return window.parent !== window && !mayUseMicrophone();
}

// A frame without a word in `allow` is told so only here; later the browser just says no.
function mayUseMicrophone() {
  /** @typedef {{allowsFeature?: (name: string) => boolean}} Policy not in every browser, nor in its types */
  const { permissionsPolicy, featurePolicy } = /** @type {{permissionsPolicy?: Policy, featurePolicy?: Policy}} */ (
    /** @type {unknown} */ (document)
  );
  return (permissionsPolicy ?? featurePolicy)?.allowsFeature?.("microphone") ?? true;
}

function drawProblems() {
  /** @type {(problem: Problem) => HTMLElement} */
  const one = ([code, params]) => {
    const words = el("p", null, el("strong", null, t(`${code}.title`, params)), " ", t(`${code}.todo`, params));
    const close = button({
      label: t("notice.dismiss"),
      icon: "close",
      kind: "quiet",
      bare: true,
      onclick: () => node.remove(),
    });
    const node = el("div", { class: "notice warning", "data-code": code }, icon("alert"), words, close);
    return node;
  };
  $("problems").replaceChildren(...page.problems.map(one));
}

/** @param {Problem} problem */
function hintOf([code, params]) {
  return `${t(`${code}.title`, params)} ${t(`${code}.todo`, params)}`;
}

// ---- signed in or not

function drawHead() {
  document.documentElement.lang = page.texts.language;
  document.title = t("page.title");
  say(/** @type {Element} */ (document.querySelector("h1")), t("page.title"));
  // the page around it has a main part, too
  put(/** @type {Element} */ (document.querySelector("main")), "aria-label", t("page.title"));
  const leave = button({
    label: t("page.sign_out"),
    icon: "signOut",
    kind: "quiet small",
    bare: true,
    id: "sign-out",
    onclick: signOut,
  });
  $("tools").replaceChildren(leave);
  show($("head"), phone.isSignedIn);
}

function drawSignIn() {
  const { demo } = page.settings;
  page.form = mountSignIn($("app"), {
    texts: page.texts,
    signIn: (who) => signInByHand({ ...who, id: wanted.id, displayName: wanted.name }),
    dn: wanted.dn || demo?.dn || "",
    password: demo?.password ?? "",
    hint: demo ? t("sign_in.demo", demo) : "",
    reason: page.reason,
  });
}

/**
 * What the host orders needs no question; what is typed here does.
 * @param {{dn: string, password: string, id: string, displayName: string}} who
 */
async function signInByHand(who) {
  await signInHere((takeOver) => signIn({ ...who, takeOver }), who.dn, page.texts);
}

/** @param {{dn: string, password: string, id: string, displayName: string, takeOver?: boolean}} who */
async function signIn({ dn, password, id, displayName, takeOver }) {
  page.reason = null;
  try {
    await phone.signIn({ dn, password, id: id || undefined, displayName, takeOver });
  } catch (error) {
    if (takeOver !== false || codeOf(error) !== "page_elsewhere") gadget.tellError(asPhoneError(error)); // it is asked
    throw error;
  }
  const panel = enter();
  if (document.hasFocus()) panel.focus();
}

function enter() {
  page.form = null;
  page.panel?.unmount();
  const panel = mountPanel($("app"), phone, {
    texts: page.texts,
    compact: true,
    status: $("status"),
    number: wanted.number,
  });
  page.panel = panel;
  Object.assign(globalThis, { gadget: { phone, desk: panel.model } }); // for the browser's console
  drawHead();
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
  drawSignIn();
}

/**
 * What a host has ordered and what failed is told once: a call that failed says so by its end.
 * @param {PhoneError} error
 */
function complain(error) {
  const model = page.panel?.model;
  if (model && model.lastEnded?.ended.cause !== error.code) model.complain(error);
}

// ---- what the host orders

/** @param {Message} message */
async function init(message) {
  const { language, theme, password, token } = message;
  for (const name of /** @type {const} */ (["dn", "id", "number"]))
    if (message[name] !== undefined) wanted[name] = String(message[name]);
  if (message.displayName !== undefined) wanted.name = String(message.displayName);
  if (theme) applyTheme(theme);
  if (language) await changeLanguage(language);
  if (token) await takeSession(token);
  else if (password) await signIn({ dn: wanted.dn, password, id: wanted.id, displayName: wanted.name });
  else if (page.form) drawSignIn();
  return gadget.state();
}

/**
 * The session of a page that has signed in by itself, and leaves it to the gadget.
 * @param {string} token
 */
async function takeSession(token) {
  const { dn, id = `phone-${dn}` } = { dn: wanted.dn, ...(wanted.id ? { id: wanted.id } : {}) };
  try {
    sessionStorage.setItem(`grtc-session ${phone.wire.api}`, JSON.stringify({ id, dn, token }));
  } catch (cause) {
    throw new PhoneError("not_supported", { hint: "This browser keeps nothing for the gadget: sign in there.", cause });
  }
  if (!(await phone.resume())) throw new PhoneError("not_signed_in", { hint: "The gateway knows no such session." });
  enter();
}

/** @param {string} language */
async function changeLanguage(language) {
  page.texts = await loadTexts(language);
  drawHead();
  drawProblems();
  if (page.panel) page.panel.relabel(page.texts);
  else drawSignIn();
}

/** @param {string} theme */
function applyTheme(theme) {
  put(document.documentElement, "data-theme", ["light", "dark"].includes(theme) ? theme : null);
}

// ---- the start

async function start() {
  applyTheme(wanted.theme);
  if (wanted.secrets.length) history.replaceState(null, "", withoutSecrets(location.href));
  const [texts, settings] = await Promise.all([loadTexts(wanted.lang), loadSettings(import.meta.url)]);
  Object.assign(page, { texts, settings, problems: surroundings() });
  gadget = new Gadget({
    phone,
    init,
    origins: [location.origin, ...(settings.origins ?? [])],
    failed: (error) => complain(error),
  });
  phone.on("signedout", left);
  watchClosing(phone);
  drawHead();
  drawProblems();
  const { resumed, reason } = await resume(phone);
  page.reason = reason;
  if (resumed) enter();
  else drawSignIn();
  gadget.ready();
  for (const problem of page.problems) gadget.tellError(new PhoneError(problem[0], { hint: hintOf(problem) }));
}

start();
