// What the extension says: one file a language, in texts/.

/** @import { Language } from "./settings.js" */

/**
 * Returns the texts of a language.
 * @param {Language} language
 * @returns {Promise<Record<string, string>>}
 */
export async function loadTexts(language) {
  const response = await fetch(new URL(`texts/${language}.json`, import.meta.url));
  return response.json();
}

/**
 * Returns a text with its `{names}` filled in.
 * @param {string} text
 * @param {Record<string, string>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
