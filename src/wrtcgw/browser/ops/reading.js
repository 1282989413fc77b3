// A message's text, taken apart for reading: start line, header fields, and a body in which JSON is unfolded and an SDP
// that is in it stands in lines of its own.

/** @typedef {{ kind: "start" | "field" | "body" | "sdp" | "media" | "note", name?: string, text: string }} Line */

const FIELD = /^([\w-]+):(\s*)(.*)$/;

/**
 * Takes a text apart.
 * @param {string} text
 * @returns {Line[]} its lines
 */
export function lines(text) {
  if (!text) return [];
  const [head, body] = halves(text.replace(/\r\n/g, "\n").replace(/\n+$/, ""));
  const [start, ...fields] = head.split("\n");
  /** @type {Line[]} */
  const found = [{ kind: "start", text: start }];
  for (const line of fields) found.push(field(line));
  if (!body) return found;
  return [...found, { kind: "note", text: "" }, ...bodyLines(body)];
}

/** @param {string} text */
function halves(text) {
  const at = text.indexOf("\n\n");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 2)];
}

/**
 * @param {string} line
 * @returns {Line}
 */
function field(line) {
  const [, name, space, value] = FIELD.exec(line) ?? [];
  return name ? { kind: "field", name, text: `:${space}${value}` } : { kind: "body", text: line };
}

/** @param {string} body */
function bodyLines(body) {
  const json = parsed(body);
  return json === null ? body.split("\n").map(plain) : unfolded(json);
}

/** @param {string} body */
function parsed(body) {
  if (!/^\s*[{[]/.test(body)) return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/**
 * JSON in lines; a text with line breaks of its own, as an SDP, is put in full below its name.
 * @param {unknown} json
 */
function unfolded(json) {
  /** @type {[string, string][]} */
  const long = [];
  const short = JSON.stringify(
    json,
    (name, value) => {
      if (typeof value !== "string" || !/\n/.test(value)) return value;
      long.push([name, value]);
      return "(see below)";
    },
    2,
  );
  /** @type {Line[]} */
  const found = short.split("\n").map((line) => ({ kind: "body", text: line }));
  for (const [name, value] of long) {
    found.push({ kind: "note", text: "" }, { kind: "note", text: `${name}:` });
    found.push(...value.replace(/\r/g, "").replace(/\n$/, "").split("\n").map(plain));
  }
  return found;
}

/**
 * @param {string} line
 * @returns {Line}
 */
function plain(line) {
  if (/^m=/.test(line)) return { kind: "media", text: line };
  return { kind: /^[a-z]=/.test(line) ? "sdp" : "body", text: line };
}

/**
 * Puts the pauses of a ladder between its messages: what takes a second or more is worth a line.
 * @template {{ delta: number, end?: number }} Each
 * @param {Each[]} messages
 * @returns {({ pause: number, before: Each, message?: undefined } | { message: Each, pause?: undefined })[]}
 */
export function paused(messages, least = 1000) {
  /** @type {ReturnType<typeof paused<Each>>} */
  const found = [];
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const wait = before ? message.delta - (before.end ?? before.delta) : 0;
    if (wait >= least) found.push({ pause: wait, before: message });
    found.push({ message });
  });
  return found;
}

/**
 * Tells whether a filter ("all", "sip", "http") lets a message through; notes are of both worlds.
 * @param {{via: string}} message
 * @param {string} filter
 */
export function passes(message, filter) {
  return filter === "all" || message.via === filter;
}

/**
 * A label without the arrow that tells who it goes to: the drawing does that.
 * @param {{label: string}} message
 */
export function label(message) {
  return message.label.replace(/^→ /, "");
}
