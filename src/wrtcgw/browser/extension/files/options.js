// The options page: where the gateway and Workspace are, and the permission for those two sites.

import { keepSettings, languageOf, permissionsFor, readSettings, tidyAddress } from "./settings.js";
import { translate } from "./page.js";

/** @import { Settings } from "./settings.js" */

const SITES = /** @type {const} */ (["gateway", "workspace"]);

/** @type {(name: string) => HTMLInputElement} */
const field = (name) => /** @type {HTMLInputElement} */ (document.getElementById(name));
let settings = await readSettings();
/** @type {Record<string, string>} */
let texts = {};

/**
 * @param {string} key
 * @param {keyof Settings | null} [wrong]
 */
function tell(key, wrong = null) {
  field("told").textContent = texts[key];
  field("told").className = wrong || key === "refused" ? "wrong" : "";
  for (const each of SITES) field(each).setAttribute("aria-invalid", String(each === wrong));
  if (wrong) field(wrong).focus();
}

/** @param {SubmitEvent} event */
async function save(event) {
  event.preventDefault();
  const before = permissionsFor(settings).origins;
  const language = /** @type {Settings["language"]} */ (field("language").value);
  const chosen = { gateway: "", workspace: "", language };
  for (const name of SITES) {
    chosen[name] = tidyAddress(field(name).value);
    if (!chosen[name]) return tell(name === "gateway" ? "badGateway" : "badWorkspace", name);
  }
  const wanted = permissionsFor(chosen);
  const granted = await chrome.permissions.request(wanted); // first of all: the browser wants a click for it
  settings = chosen;
  await keepSettings(chosen);
  const origins = before.filter((origin) => !wanted.origins.includes(origin));
  if (origins.length) await chrome.permissions.remove({ origins }).catch(() => {});
  await show();
  return tell(granted ? "saved" : "refused");
}

async function show() {
  for (const name of /** @type {const} */ ([...SITES, "language"])) field(name).value = settings[name];
  texts = await translate(languageOf(settings));
}

field("form").addEventListener("submit", save);
await show();
