// The extension's menu: how the phone is on the page in front, and what can be done about it.

import { translate } from "./page.js";
import { languageOf, readSettings } from "./settings.js";
import { fill } from "./texts.js";

/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const texts = await translate(languageOf(await readSettings()));

async function pageInFront() {
  const asked = new URLSearchParams(location.search).get("tab"); // for a popup that is opened as a page
  if (asked) return Number(asked);
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  return tab.id;
}

/**
 * @param {string} text
 * @param {string} [name]
 */
function line(text, name = "") {
  const element = document.createElement("p");
  element.textContent = text;
  element.className = name;
  return element;
}

/** @param {{kind: string, wanted?: string, dn?: string}} state */
function lines({ kind, wanted = "", dn = "" }) {
  const told = [line(texts[kind], kind)];
  if (dn) told.push(line(fill(texts.signedIn, { dn })));
  if (wanted && wanted !== dn) told.push(line(fill(texts.wanted, { wanted })));
  return told;
}

/**
 * @param {string} id
 * @param {() => Promise<unknown>} action
 */
function act(id, action) {
  $(id).addEventListener("click", async () => {
    await action();
    window.close();
  });
}

const tab = await pageInFront();
const state = await chrome.runtime.sendMessage({ kind: "state", tab });
$("state").replaceChildren(...lines(state));
$("show").hidden = ["notSet", "notHere"].includes(state.kind);
$("window").hidden = state.kind === "notSet";
act("show", () => chrome.runtime.sendMessage({ kind: "show", tab }));
act("window", () => chrome.runtime.sendMessage({ kind: "window", tab }));
act("settings", () => chrome.runtime.openOptionsPage());
