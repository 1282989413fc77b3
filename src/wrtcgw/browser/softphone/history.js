// The calls that were, in this browser's storage: the newest first, no more than a hundred of one number.

/** @import { EndedCall } from "./types.js" */

const MOST = 100;

/**
 * @typedef {object} Entry
 * @property {"inbound" | "outbound"} direction
 * @property {string} peer the number
 * @property {string} name the name that came with it
 * @property {number} at ms since 1970
 * @property {number} duration ms of talk; 0 when it was not answered
 * @property {"answered" | "missed" | "elsewhere" | "declined" | "failed" | "unanswered"} outcome
 * @property {string} cause why it failed
 * @property {number} code the SIP code that it failed with; 0 for none
 * @property {string} [id] the gateway's id of the call
 */

/**
 * Returns what is kept of a call that is over.
 * @param {EndedCall} call
 * @returns {Entry}
 */
export function entryOf(call) {
  const { direction, peer, displayName, startedAt, answeredAt, endedAt, ended, id } = call;
  return {
    direction,
    peer,
    name: displayName ?? "",
    at: startedAt,
    duration: answeredAt ? endedAt - answeredAt : 0,
    outcome: outcomeOf({ direction, answeredAt, ended }),
    cause: ended.cause,
    code: ended.sipCode || 0,
    ...(id && { id }),
  };
}

/**
 * @param {Pick<EndedCall, "direction" | "answeredAt" | "ended">} call
 * @returns {Entry["outcome"]}
 */
function outcomeOf({ direction, answeredAt, ended }) {
  if (answeredAt) return "answered";
  if (ended.answeredElsewhere) return "elsewhere";
  if (direction === "inbound") return ended.cause === "local" ? "declined" : "missed";
  return ended.cause === "local" ? "unanswered" : "failed";
}

/**
 * What another page, or an older one, may have left there is not to keep the phone from its work.
 * @param {any} each
 */
function isEntry(each) {
  const { peer, at, duration = 0 } = each ?? {};
  return typeof peer === "string" && !Number.isNaN(new Date(at ?? NaN).getTime()) && Number.isFinite(duration);
}

export class History {
  /**
   * @param {Storage | null} storage null keeps nothing
   * @param {string} dn whose calls they are
   */
  constructor(storage, dn) {
    this.storage = storage;
    this.key = `softphone-history ${dn}`;
    this.seenKey = `softphone-history-seen ${dn}`;
    this.forgetKey = "softphone-history-forget"; // of this browser, whoever signs in
  }

  /**
   * All entries, the newest first. Read anew each time: another tab may have added some.
   * @returns {Entry[]}
   */
  get entries() {
    const kept = this.#read(this.key);
    return Array.isArray(kept) ? kept.filter(isEntry) : [];
  }

  /** How many calls were missed since `see`. */
  get unseen() {
    const seen = Number(this.#read(this.seenKey)) || 0;
    return this.entries.filter(({ outcome, at }) => outcome === "missed" && at > seen).length;
  }

  /**
   * Adds a call.
   * @param {Entry} entry
   */
  add(entry) {
    const { id } = entry;
    if (id && this.entries.some((each) => each.id === id)) return; // another page of this browser has the same calls
    this.#write(this.key, [entry, ...this.entries].slice(0, MOST));
  }

  /** Notes that the missed calls were looked at. */
  see() {
    const [newest] = this.entries;
    if (newest) this.#write(this.seenKey, newest.at);
  }

  /** Whether the list is deleted when its agent signs out, as on a computer that several share. */
  get forgets() {
    return this.#read(this.forgetKey) === true;
  }

  set forgets(on) {
    this.#write(this.forgetKey, Boolean(on));
  }

  /** Notes that the agent is signed out. */
  left() {
    if (!this.forgets) return;
    this.clear();
    this.#write(this.seenKey, 0);
  }

  /** Forgets all; returns them, for `restore`. */
  clear() {
    const { entries } = this;
    this.#write(this.key, []);
    return entries;
  }

  /**
   * Puts back what was cleared.
   * @param {Entry[]} entries
   */
  restore(entries) {
    this.#write(this.key, [...this.entries, ...entries].slice(0, MOST));
  }

  /**
   * @param {string} key
   * @returns {any}
   */
  #read(key) {
    try {
      return JSON.parse(this.storage?.getItem(key) ?? "null");
    } catch {
      return null; // not ours, or forbidden
    }
  }

  /**
   * @param {string} key
   * @param {unknown} value
   */
  #write(key, value) {
    try {
      this.storage?.setItem(key, JSON.stringify(value));
    } catch {
      // full or forbidden: then nothing is kept
    }
  }
}
