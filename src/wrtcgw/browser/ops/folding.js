// What a ladder folds up, so that one sees what matters: messages that only say that others have come, and the
// exchanges of a hold that was taken back. And which messages are failures.

/** @import { Message } from "./types.js" */

/**
 * @typedef {object} Item a row of a ladder: a message, or several that are folded up
 * @property {Message[]} messages
 * @property {"" | "noise" | "hold"} fold what they are; "" for a message that stands for itself
 * @property {number} delta ms since the first message, of the first
 * @property {number} end the same of the last
 */

const CHALLENGE = /^(401|407) /; // a part of every sign-in of SIP
const NOISE = [/^ACK /, /^100 /, /^PRACK /, /\(PRACK\)$/, /^POST (stats|ringing)$/, /^GET /];
const HOLDS = /\b(sendonly|inactive)\b/;
const TALKS = /\baudio sendrecv\b/;
/** What may come between hold and resume: anything else is worth to be seen. */
const OF_HOLDS = [
  /^(re-INVITE |ACK |POST (hold|resume|stats)$|→ (HOLD|RESUME)$)/,
  /^\d{3} .*\((INVITE|hold|resume|stats)\)$/,
];
const NOTES_OF_HOLDS = /^(on hold|resumed|put on hold by|resumed by)/;
/** Notes that tell of a failure; whoever hung up wished it, whatever the code. */
const FAILURES = [
  /^(offer refused|transfer: [3-6]\d\d)/,
  /^ended: (?!local|remote|cancelled)([\w-]+ [4-6]\d\d|lost|failed|page-lost)/,
];

/**
 * Tells whether a message says that something has failed.
 * @param {Pick<Message, "kind" | "via" | "label">} message
 */
export function isFailure({ kind, via, label }) {
  if (kind === "note") return FAILURES.some((each) => each.test(label));
  if (kind === "event") return /^→ ERROR$/.test(label);
  return kind === "response" && /^[4-6]\d\d /.test(label) && !(via === "sip" && CHALLENGE.test(label));
}

/** @param {Message} message */
function isNoise(message) {
  const { kind, via, label } = message;
  if (kind === "note" || kind === "event" || isFailure(message)) return false;
  return (via === "http" && kind === "response") || NOISE.some((each) => each.test(label));
}

/** @param {Message} message */
function isOfHold(message) {
  if (isFailure(message)) return false;
  return message.kind === "note"
    ? NOTES_OF_HOLDS.test(message.label)
    : OF_HOLDS.some((each) => each.test(message.label));
}

/** @type {(message: Message) => boolean} */
const begins = ({ label, detail }) => label === "POST hold" || (/^re-INVITE /.test(label) && HOLDS.test(detail));
/** @type {(message: Message) => boolean} */
const resumes = ({ label, detail }) => label === "POST resume" || (/^re-INVITE /.test(label) && TALKS.test(detail));

/**
 * Returns where a hold that begins at an index is over, with all that belongs to it; the index itself where it is not.
 * @param {Message[]} messages
 * @param {number} from
 */
function overAt(messages, from) {
  if (!begins(messages[from])) return from;
  let resumed = false;
  let end = from;
  for (let at = from; at < messages.length && isOfHold(messages[at]); at += 1) {
    if (resumed && begins(messages[at])) break;
    resumed ||= resumes(messages[at]);
    if (resumed) end = at;
  }
  return resumed ? end : from;
}

/**
 * Puts messages into rows.
 * @param {Message[]} messages
 * @param {(message: Message) => boolean} [unfolded] tells of the first message of a fold that it is to be seen
 * @returns {Item[]}
 */
export function folded(messages, unfolded = () => false) {
  /** @type {Item[]} */
  const items = [];
  for (let at = 0; at < messages.length;) {
    let [end, fold] = [at, /** @type {Item["fold"]} */ ("")];
    const over = overAt(messages, at);
    if (over > at) [end, fold] = [over, "hold"];
    else if (isNoise(messages[at])) {
      fold = "noise";
      while (end + 1 < messages.length && isNoise(messages[end + 1])) end += 1;
    }
    const group = messages.slice(at, end + 1);
    if (fold && unfolded(group[0])) items.push(...group.map((message) => item([message], "")));
    else items.push(item(group, fold));
    at = end + 1;
  }
  return items;
}

/**
 * @param {Message[]} messages
 * @param {Item["fold"]} fold
 * @returns {Item}
 */
export function item(messages, fold) {
  return { messages, fold, delta: messages[0].delta, end: messages[messages.length - 1].delta };
}
