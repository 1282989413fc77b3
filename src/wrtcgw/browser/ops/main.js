// The operator console: what is asked for, which view is shown, and what is said when the gateway says no.

import { el } from "../softphone/dom.js";
import { Actions } from "./actions.js";
import { OpsAPI, OpsError } from "./api.js";
import { filterOf } from "./filters.js";
import { time } from "./format.js";
import { lock } from "./lock.js";
import { Poller } from "./poller.js";
import { frame } from "./shell.js";
import { explain, t, useLanguage } from "./texts.js";
import { Agents, Calls, Search, Sessions } from "./views/lists.js";
import { Ladder } from "./views/ladder.js";
import { Overview } from "./views/overview.js";

/** @import { Summary, View } from "./types.js" */

const EVERY = 2000;

/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Returns the view that an address stands for.
 * @param {Desk} desk
 * @param {string} hash
 * @returns {View}
 */
function viewOf(desk, hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [name, rest = "", message = ""] = path.split("/").map(decoded);
  const at = /^m\d{1,9}$/.test(message) ? Number(message.slice(1)) : null;
  if (name === "agents") return rest ? new Ladder(desk, { agent: rest }, at) : new Agents(desk);
  if (name === "calls") return rest ? new Ladder(desk, { call: rest }, at) : new Calls(desk, filterOf(query));
  if (name === "sessions") return new Sessions(desk);
  return name === "search" ? new Search(desk, rest) : new Overview(desk);
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Everything that views need of each other. */
class Desk {
  constructor() {
    this.api = new OpsAPI(new URL("../", import.meta.url), sessionStorage);
    this.actions = new Actions(this);
    this.poller = new Poller(() => this.poll(), { every: EVERY });
    this.frame = this.#around();
    this.lock = this.#door();
    /** @type {View | null} */
    this.view = null;
    /** @type {View | null} the view that the operator's role does not allow */
    this.barred = null;
    this.ahead = 0;
    this.updated = 0;
    this.locked = false;
  }

  #around() {
    return frame({
      onforget: () => this.forget(),
      onretry: () => this.refresh(),
      onzone: () => this.turn(false),
      onlanguage: (name) => this.speak(name),
    });
  }

  #door() {
    return lock({ open: (token) => this.open(token) });
  }

  /**
   * Goes on in another language.
   * @param {string} name
   */
  async speak(name) {
    await useLanguage(name);
    this.frame = this.#around();
    this.lock = this.#door();
    this.turn(false);
    if (this.locked) {
      this.frame.locked();
      this.put(this.lock.element);
    }
    $("language").focus();
  }

  start() {
    addEventListener("hashchange", () => this.turn(true));
    document.addEventListener("visibilitychange", () => this.refresh());
    addEventListener("online", () => this.refresh());
    setInterval(() => this.count(), 1000);
    this.turn(false);
    this.poller.start();
  }

  /** The gateway's time, as far as it is known. */
  now() {
    return Date.now() + this.ahead;
  }

  /**
   * Says what came of something.
   * @param {string} text
   */
  tell(text) {
    this.frame.tell(text);
  }

  /** Asks the gateway anew. */
  refresh() {
    return this.poller.hurry();
  }

  /** @param {string} token */
  open(token) {
    this.api.token = token;
    this.barred = null;
    this.poller.start();
  }

  forget() {
    this.api.token = "";
    this.refresh();
  }

  /**
   * Turns to the view of the address.
   * @param {boolean} byHand
   */
  turn(byHand) {
    this.view?.close?.();
    const view = viewOf(this, location.hash);
    this.view = view;
    this.frame.turn(location.hash);
    if (this.locked) return;
    this.put(view.element);
    if (byHand) $("main").focus({ preventScroll: true });
    scrollTo(0, 0);
    this.refresh();
  }

  /** @param {HTMLElement} node */
  put(node) {
    $("main").replaceChildren(node);
    this.name();
  }

  name() {
    document.title = this.locked ? t("title") : `${this.view?.title} – ${t("title")}`;
  }

  async poll() {
    const { view } = this;
    try {
      const summary = await this.api.get("ops/summary");
      this.ahead = summary.time - Date.now();
      if (view !== this.barred) await this.look(view);
      if (view === this.view) this.succeed(summary);
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /**
   * Asks for what a view shows; what the operator's role does not allow is said in its place, and not asked for again.
   * @param {View | null} view
   */
  async look(view) {
    try {
      await view?.refresh(this.api);
    } catch (error) {
      if (!(error instanceof OpsError) || error.code !== "role_required") throw error;
      this.barred = view;
      if (view === this.view) this.put(el("p", { class: "empty", role: "status" }, explain(error)));
    }
  }

  /** @param {Summary} summary */
  succeed(summary) {
    this.updated = Date.now();
    this.view?.summary?.(summary);
    this.frame.online(summary, Boolean(this.api.token));
    if (this.locked && this.view) {
      this.locked = false;
      this.put(this.view.element);
    }
    this.name();
  }

  /** @param {unknown} error */
  fail(error) {
    if (!(error instanceof OpsError)) console.error(error);
    if (error instanceof OpsError && error.isRefusal) {
      this.close();
      return;
    }
    const reached = error instanceof OpsError && error.code !== "unreachable";
    if (reached) this.tell(explain(error));
    this.frame.offline(reached ? explain(error) : t("offline.title"));
  }

  close() {
    const shown = Boolean(this.api.token);
    this.api.token = "";
    this.lock.refuse(shown);
    this.frame.locked();
    this.poller.stop();
    if (!this.locked) {
      this.locked = true;
      this.put(this.lock.element);
    }
    this.lock.focus();
  }

  /** Counts down to the next attempt. */
  count() {
    if (this.locked || !this.poller.failures) return;
    const seconds = Math.max(0, Math.ceil((this.poller.next - Date.now()) / 1000));
    const params = { seconds, time: time(this.updated) };
    if (this.poller.running) this.frame.count(t("offline.trying"));
    else this.frame.count(t(this.updated ? "offline.again" : "offline.first", params));
  }
}

await useLanguage();
const desk = new Desk();
desk.start();
Object.assign(globalThis, { ops: desk }); // for the browser's console
