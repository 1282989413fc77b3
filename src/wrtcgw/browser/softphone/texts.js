// Texts of the page by language. A language is one file in texts/: copy en.json, translate it, and name it in
// LANGUAGES.

/** @import { Params } from "./types.js" */

/** The languages that there are, each by its own name. */
export const LANGUAGES = { en: "English", de: "Deutsch" };
const FALLBACK = "en";

/** Texts of one language; what it has not is told in the fallback's words. */
export class Texts {
  /**
   * @param {string} language
   * @param {Record<string, string>} messages
   * @param {Record<string, string>} [fallback]
   */
  constructor(language, messages, fallback = {}) {
    this.language = language;
    this.messages = messages;
    this.fallback = fallback;
    this.plurals = new Intl.PluralRules(language);
  }

  /**
   * Returns whether there is such a text.
   * @param {string} key
   */
  has(key) {
    return key in this.messages || key in this.fallback;
  }

  /**
   * Returns a text, its `{placeholders}` filled. With a `count` there may be one text for each plural form
   * (`calls.missed.one`, `calls.missed.other`).
   * @param {string} key
   * @param {Params} [params]
   */
  t(key, params = {}) {
    const counted = params.count === undefined ? key : `${key}.${this.plurals.select(params.count)}`;
    const text = [counted, `${key}.other`, key]
      .map((each) => this.messages[each] ?? this.fallback[each])
      .find((each) => each !== undefined);
    return (text ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
  }

  /**
   * Returns a number as it is written here.
   * @param {number} value
   * @param {number} [digits]
   */
  number(value, digits = 0) {
    return new Intl.NumberFormat(this.language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value);
  }

  /**
   * Returns the time of the day of a moment.
   * @param {number} time
   */
  hour(time) {
    return new Intl.DateTimeFormat(this.language, { timeStyle: "short" }).format(time);
  }

  /**
   * Returns the day of a moment as people call it: today, yesterday, or its date; with a capital, as a heading.
   * @param {number} time
   */
  day(time, now = Date.now()) {
    const [that, today] = [new Date(time), new Date(now)];
    const noon = (/** @type {Date} */ day) => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
    const ago = Math.round((noon(today) - noon(that)) / 86_400_000);
    if (ago === 0 || ago === 1) {
      const word = new Intl.RelativeTimeFormat(this.language, { numeric: "auto" }).format(-ago, "day");
      return word.charAt(0).toLocaleUpperCase(this.language) + word.slice(1);
    }
    const year = that.getFullYear() === today.getFullYear() ? undefined : "numeric";
    const style = /** @type {const} */ ({ weekday: "long", day: "numeric", month: "long" });
    return new Intl.DateTimeFormat(this.language, { ...style, year }).format(time);
  }
}

/**
 * Returns milliseconds as a clock shows them: 0:07, 12:34, 1:02:03.
 * @param {number} milliseconds
 */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  /** @param {number} value */
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/**
 * Returns the first language of these that there are texts in.
 * @param {readonly string[]} [languages]
 */
export function preferred(languages = globalThis.navigator?.languages ?? []) {
  const short = languages.map((each) => String(each).toLowerCase().split("-")[0]);
  return short.find((each) => each in LANGUAGES) ?? FALLBACK;
}

/**
 * Returns the texts of a language, "" or an unknown one for the browser's; of the softphone, or of the page at `home`.
 * @param {string} [wanted]
 * @param {string | URL} [home]
 * @returns {Promise<Texts>}
 */
export async function loadTexts(wanted = "", home = import.meta.url) {
  const language = preferred([wanted, ...(globalThis.navigator?.languages ?? [])]);
  const [messages, fallback] = await Promise.all([
    loadMessages(language, home),
    language === FALLBACK ? {} : loadMessages(FALLBACK, home),
  ]);
  return new Texts(language, messages, fallback);
}

/**
 * Returns the file of one language, of the page at `home`.
 * @param {string} language
 * @param {string | URL} home
 * @returns {Promise<Record<string, string>>}
 */
export async function loadMessages(language, home) {
  const response = await fetch(new URL(`texts/${language}.json`, home));
  if (!response.ok) throw new Error(`no texts in ${language}: ${response.status}`);
  return response.json();
}
