// What the user has chosen, and which pages that is about.

/**
 * @typedef {{gateway: string, workspace: string}} Sites
 * @typedef {Sites & {language: "" | Language}} Settings
 * @typedef {"de" | "en"} Language
 */

/** @type {Settings} */
const DEFAULTS = { gateway: "", workspace: "", language: "" };

/**
 * Returns the settings: `gateway` and `workspace` are addresses, `language` is "de", "en" or "" for the browser's.
 * @returns {Promise<Settings>}
 */
export async function readSettings() {
  return { ...DEFAULTS, ...(await chrome.storage.local.get(Object.keys(DEFAULTS))) };
}

/**
 * Keeps settings.
 * @param {Settings} settings
 */
export function keepSettings(settings) {
  return chrome.storage.local.set(settings);
}

/**
 * Returns an address as it is kept: with its scheme, up to the last slash of its path.
 * @param {string} text
 * @returns {string} empty when it is none
 */
export function tidyAddress(text) {
  const given = text.trim();
  if (!given) return "";
  let url;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(given) ? given : `https://${given}`);
  } catch {
    return "";
  }
  if (!["http:", "https:"].includes(url.protocol) || url.username) return "";
  return url.origin + url.pathname.slice(0, url.pathname.lastIndexOf("/") + 1);
}

/**
 * Returns the match pattern of all pages below an address.
 * @param {string} address
 */
export function below(address) {
  return `${address}*`;
}

/**
 * Returns the host permissions that the settings need: those two sites, and no others.
 * @param {Sites} sites
 */
export function permissionsFor({ gateway, workspace }) {
  return { origins: [gateway, workspace].filter(Boolean).map((address) => `${new URL(address).origin}/*`) };
}

/**
 * Tells whether all is there to work: addresses, and the user's permission for them.
 * @param {Sites} settings
 */
export async function isReady(settings) {
  return Boolean(settings.gateway && settings.workspace) && chrome.permissions.contains(permissionsFor(settings));
}

/**
 * Returns the language to show: "de" or "en".
 * @param {{language: "" | Language}} settings
 * @returns {Language}
 */
export function languageOf({ language }) {
  if (language) return language;
  return chrome.i18n.getUILanguage().startsWith("de") ? "de" : "en";
}

/**
 * Returns the address of the phone panel; with a DN it is filled in there.
 * @param {Settings} settings
 */
export function panelAddress(settings, dn = "") {
  const url = new URL("gadget/", settings.gateway);
  if (dn) url.searchParams.set("dn", dn);
  url.searchParams.set("lang", languageOf(settings));
  return url.href;
}
