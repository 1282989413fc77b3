// What is asked before calls are lost: by signing out, by closing the page, or to another tab.

import { ask } from "./ask.js";
import { nameOf } from "./words.js";

/** @import { Phone } from "../grtc/phone.js" */
/** @import { Texts } from "./texts.js" */

/** @param {Phone} phone */
const talking = (phone) => [...phone.calls.values()].filter((call) => call.state !== "incoming" && !call.isOver);

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
  return ask({ title: texts.t("leave.title"), text, go: texts.t("leave.go"), stay: texts.t("leave.stay") });
}

/**
 * Returns whether a number may be signed in here: when no other tab of this browser has it, or the agent wants it here.
 * @param {string} id the agent's id at the gateway
 * @param {string} dn
 * @param {Texts} texts
 */
export async function mayTake(id, dn, texts) {
  if (!(await isElsewhere(id))) return true;
  const t = texts.t.bind(texts);
  const [title, text] = [t("take.title", { dn }), t("take.text", { dn })];
  return ask({ title, text, go: t("take.go", { dn }), stay: t("take.stay", { dn }) });
}

/**
 * The library holds a lock of this name for as long as a page has the session.
 * @param {string} id
 */
async function isElsewhere(id) {
  try {
    const { held = [] } = (await navigator.locks?.query()) ?? {};
    return held.some(({ name }) => name === `grtc ${id}`);
  } catch {
    return false; // no way to tell
  }
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
