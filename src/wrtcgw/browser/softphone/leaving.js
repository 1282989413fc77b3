// What is asked before calls are lost: by signing out, by closing the page, or to another page.

import { asPhoneError } from "../grtc/errors.js";
import { nameOf } from "./words.js";

/** @import { Phone } from "../grtc/phone.js" */
/** @import { Texts } from "./texts.js" */

/**
 * Calls whose sound is on another page go on there.
 * @param {Phone} phone
 */
const talking = (phone) =>
  [...phone.calls.values()].filter((call) => call.state !== "incoming" && !call.isOver && call.isHere);

/**
 * Returns whether the agent may be signed out: always without a call, else when the agent says so.
 * @param {Phone} phone
 * @param {Texts} texts
 */
export async function mayLeave(phone, texts) {
  const calls = talking(phone);
  if (!calls.length) return true;
  const text =
    calls.length > 1
      ? texts.t("leave.several", { count: calls.length })
      : texts.t("leave.text", { peer: nameOf(calls[0], texts) });
  const { ask } = await import("./ask.js");
  return ask({ title: texts.t("leave.title"), text, go: texts.t("leave.go"), stay: texts.t("leave.stay") });
}

/**
 * Signs in; when the number is in use on another page, of whatever browser, the agent is asked whether to use it here.
 * @param {(takeOver: boolean) => Promise<void>} signIn throws "page_elsewhere" unless it may take over
 * @param {string} dn
 * @param {Texts} texts
 * @returns {Promise<boolean>} whether it is signed in
 */
export async function signInHere(signIn, dn, texts) {
  try {
    await signIn(false);
    return true;
  } catch (error) {
    const { code, details } = asPhoneError(error);
    if (code !== "page_elsewhere") throw error;
    if (!(await mayTake(dn || details.dn, details.up > 0, texts))) return false;
    await signIn(true);
    return true;
  }
}

/**
 * @param {string} dn
 * @param {boolean} inCall whether the other page is in a call
 * @param {Texts} texts
 */
async function mayTake(dn, inCall, texts) {
  const t = texts.t.bind(texts);
  const [title, text] = [t("take.title", { dn }), t(inCall ? "take.calls" : "take.text", { dn })];
  const { ask } = await import("./ask.js");
  return ask({ title, text, go: t("take.go", { dn }), stay: t("take.stay", { dn }) });
}

/**
 * Lets the browser ask before a page with calls is closed; a reload keeps them, but cannot be told apart from it.
 * @param {Phone} phone
 * @param {Pick<EventTarget, "addEventListener">} [target]
 */
export function watchClosing(phone, target = globalThis) {
  target.addEventListener("beforeunload", (event) => {
    if (talking(phone).length) event.preventDefault();
  });
}
