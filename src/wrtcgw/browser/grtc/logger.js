// What the library has to say: to the console, into an element of the page, or to a logger of the page's own.

export const LEVELS = /** @type {const} */ ({
  LOG_LEVEL_NONE: 0,
  LOG_LEVEL_ERROR: 1,
  LOG_LEVEL_NOTICE: 2,
  LOG_LEVEL_INFO: 3,
  LOG_LEVEL_DEBUG: 4,
});

/** @typedef {"error" | "notice" | "info" | "debug"} Word */

const WORDS = /** @type {const} */ (["error", "notice", "info", "debug"]);
/** @type {Record<Word, string[]>} */
const METHODS = { error: ["error"], notice: ["warn", "info", "log"], info: ["info", "log"], debug: ["debug", "log"] };

/** Writes to an element of the page (or to that with this id), a line each; without one to the console. */
export class Logger {
  /** @param {Element | string | null} [target] */
  constructor(target = null) {
    this.target = target;
  }

  /**
   * @param {Word} word
   * @param {unknown[]} parts
   */
  log(word, ...parts) {
    const element = typeof this.target === "string" ? document.getElementById(this.target) : this.target;
    if (element?.append) element.append(`${new Date().toISOString()} ${word}: ${parts.map(String).join(" ")}\n`);
    else if (word === "error") console.error("Grtc:", ...parts);
    else console[word === "debug" ? "debug" : "info"]("Grtc:", ...parts);
  }

  /** @param {unknown[]} parts */
  error(...parts) {
    this.log("error", ...parts);
  }

  /** @param {unknown[]} parts */
  notice(...parts) {
    this.log("notice", ...parts);
  }

  /** @param {unknown[]} parts */
  info(...parts) {
    this.log("info", ...parts);
  }

  /** @param {unknown[]} parts */
  debug(...parts) {
    this.log("debug", ...parts);
  }
}

/** @type {number} */
let level = LEVELS.LOG_LEVEL_INFO;
/** @type {{log: (word: Word, ...parts: unknown[]) => void}} */
let logger = new Logger();

/**
 * Says no more than this level from now on, 0 (nothing) to 4 (everything).
 * @param {unknown} wanted
 */
export function setLogLevel(wanted) {
  const number = Number(wanted);
  if (Number.isInteger(number) && number >= 0 && number <= 4) level = number;
  else log.error(`setLogLevel: a level is 0 to 4, not ${wanted}`);
}

/**
 * Uses a Logger, an element, or the element with this id; null is the console.
 * @param {any} wanted a page's, whatever it is
 */
export function setLogger(wanted) {
  const able = typeof wanted?.log === "function" && typeof wanted.error === "function";
  logger = able ? wanted : new Logger(wanted ?? null);
}

/**
 * Uses a logger like that of log4js: an object with `error`, `warn`, `info`, `debug`.
 * @param {any} external a page's, whatever it is
 */
export function setExternalLogger(external) {
  setLogger({
    error() {},
    /**
     * @param {Word} word
     * @param {unknown[]} parts
     */
    log(word, ...parts) {
      const name = METHODS[word].find((method) => typeof external?.[method] === "function");
      if (name) external[name](parts.map(String).join(" "));
    },
  });
}

/**
 * @param {number} number
 * @param {unknown[]} parts
 */
function say(number, parts) {
  if (number <= level) logger.log(WORDS[number - 1], ...parts);
}

export const log = {
  /** @param {unknown[]} parts */
  error: (...parts) => say(1, parts),
  /** @param {unknown[]} parts */
  notice: (...parts) => say(2, parts),
  /** @param {unknown[]} parts */
  info: (...parts) => say(3, parts),
  /** @param {unknown[]} parts */
  debug: (...parts) => say(4, parts),
};
