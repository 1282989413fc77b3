// Data of INFO messages: objects as forms, and back.

/**
 * Returns an object as a form, percent-encoded UTF-8: nested ones as `a[b]=c`, lists as `a[]=c`.
 * @param {string | object | null | undefined} data
 */
export function param(data) {
  if (typeof data === "string") return data;
  return Object.entries(data ?? {})
    .flatMap(([name, value]) => pairs(name, value))
    .join("&");
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string[]}
 */
function pairs(name, value) {
  const given = typeof value === "function" ? value() : value;
  if (Array.isArray(given)) {
    return given.flatMap((each, index) => pairs(`${name}[${each && typeof each === "object" ? index : ""}]`, each));
  }
  if (given && typeof given === "object") {
    return Object.entries(given).flatMap(([key, each]) => pairs(`${name}[${key}]`, each));
  }
  return [`${encoded(name)}=${encoded(given ?? "")}`];
}

/** @param {unknown} text */
function encoded(text) {
  return encodeURIComponent(String(text).toWellFormed?.() ?? String(text)).replace(/%20/g, "+");
}

/**
 * Takes a query apart as the vendor's library does: line feeds do not count, nor do parts without `=`, a value ends at
 * the next `=`, and nothing is decoded.
 * @param {unknown} query
 */
export function deparam(query) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const part of String(query ?? "")
    .replace(/\n/g, "")
    .split("&")) {
    const [name, value] = part.split("=");
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/**
 * Takes what the far side sent by INFO apart: values arrive whole and decoded.
 * @param {unknown} text
 */
export function readForm(text) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const part of String(text ?? "").split("&")) {
    const at = part.indexOf("=");
    if (at > 0) found[decoded(part.slice(0, at))] = decoded(part.slice(at + 1));
  }
  return found;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch {
    return text; // a percent sign that means itself
  }
}
