// What calls an agent back to the page: a notification, and the title of its tab.

import { nameOf } from "./words.js";

/** @import { Call } from "../grtc/call.js" */
/** @import { Notifier } from "./hand/notifier.js" */
/** @import { Texts } from "./texts.js" */

const FLASH = 1_000; // ms

export class Alerts {
  #title = ""; // while another one flashes
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {Map<Call, Notification>} */
  #notes = new Map(); // notifications by call
  /** @type {string[]} */
  #ringing = []; // ids of calls
  #badge = 0; // what the icon of an installed page says

  /** @param {{quiet?: boolean, notifier?: Notifier | null}} [options] `notifier` shows them with buttons */
  constructor({ quiet = false, notifier = null } = {}) {
    this.quiet = quiet;
    this.notifier = notifier;
  }

  /** Whether notifications are "granted", "denied", not yet asked for ("default"), or not there at all ("none"). */
  get permission() {
    return globalThis.Notification && globalThis.isSecureContext ? Notification.permission : "none";
  }

  /** Asks whether notifications may be shown; to be called on a click. */
  async ask() {
    return this.permission === "none" ? "none" : Notification.requestPermission();
  }

  /**
   * Tells of a call that has just come in to an agent who looks elsewhere.
   * @param {Call} call
   * @param {Texts} texts
   */
  async arrived(call, texts) {
    if (this.quiet || this.permission !== "granted" || (!document.hidden && document.hasFocus())) return;
    const t = texts.t.bind(texts);
    const title = t("notification.title", { peer: nameOf(call, texts) });
    const words = { title, body: t("notification.body"), answer: t("incoming.answer"), reject: t("incoming.reject") };
    if (await this.notifier?.show(call.id, words)) {
      if (call.state !== "incoming") this.notifier?.forget((id) => id === call.id); // it was quicker
      return;
    }
    if (call.state !== "incoming") return;
    try {
      const note = new Notification(title, {
        body: texts.t("notification.body"),
        tag: call.id,
        requireInteraction: true,
      });
      note.addEventListener("click", () => {
        globalThis.focus();
        note.close();
      });
      this.#notes.set(call, note);
    } catch {
      // Android has them for service workers only
    }
  }

  /**
   * Lets the title flash while these calls ring, and takes back what told of others; it begins with how many calls were
   * missed.
   * @param {Call[]} incoming
   * @param {Texts | null} texts
   * @param {number} [missed]
   */
  show(incoming, texts, missed = 0) {
    for (const [call, note] of this.#notes) {
      if (incoming.includes(call)) continue;
      note.close();
      this.#notes.delete(call);
    }
    this.#ring(incoming.map(({ id }) => id));
    const words = incoming.length && texts ? texts.t("title.incoming", { peer: nameOf(incoming[0], texts) }) : "";
    if (this.quiet) return;
    if (words) this.#flash(words);
    else this.#calm();
    this.#count(missed);
  }

  /** Takes everything back. */
  stop() {
    this.show([], null);
  }

  /** @param {string} words */
  #flash(words) {
    if (this.#timer) return;
    this.#title = document.title;
    document.title = words;
    const still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches;
    const turn = () => {
      document.title = document.title === words ? this.#title : words;
    };
    this.#timer = setInterval(still ? () => {} : turn, FLASH);
  }

  #calm() {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    document.title = this.#title;
  }

  /** @param {number} missed */
  #count(missed) {
    this.#mark(missed);
    if (this.#timer) return;
    const title = `${missed ? `(${missed}) ` : ""}${document.title.replace(/^\(\d+\) /, "")}`;
    if (document.title !== title) document.title = title;
  }

  /** @param {string[]} ids */
  #ring(ids) {
    if (ids.join() === this.#ringing.join()) return;
    this.#ringing = ids;
    this.notifier?.forget((id) => !this.#ringing.includes(id)); // by the time that it looks others may ring
  }

  /** @param {number} missed */
  #mark(missed) {
    if (missed === this.#badge) return;
    this.#badge = missed;
    const done = missed ? navigator.setAppBadge?.(missed) : navigator.clearAppBadge?.();
    done?.catch(() => {}); // not where the page is not installed
  }
}
