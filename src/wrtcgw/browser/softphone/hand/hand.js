// What lies at hand around the phone panel of the softphone: headset, keyboard, mini phone, notifications with buttons,
// links, switches. The page mounts it beside the panel; each part is there only where the browser has what it needs.

import { el, show } from "../dom.js";
import { icon } from "../icons.js";
import { keeper } from "../keeper.js";
import { button } from "../views/parts.js";
import { headsetOf, headsetView } from "./headset.js";
import { canOpenLinks, openLinksHere } from "./links.js";
import { canBeMini, openMini } from "./mini.js";
import { Notifier } from "./notifier.js";
import { showShortcuts } from "./sheet.js";
import { Wanted, meaningOf, shortcutOf } from "./shortcuts.js";
import { Switches, signsView, switchesView } from "./switches.js";

/** @import { PhoneModel } from "../phoneModel.js" */
/** @import { Texts } from "../texts.js" */
/** @import { Arrivals } from "./arrivals.js" */

const HOME = new URL("../", import.meta.url).href;

/**
 * @typedef {{model: PhoneModel, element: HTMLElement, focus: () => void}} Panel
 *
 * @typedef {object} Mounted what there is while somebody is signed in
 * @property {Panel} panel
 * @property {Switches} switches
 * @property {ReturnType<typeof headsetOf>} headset
 * @property {(() => void)[]} off
 * @property {(() => void) | null} mini closes it
 */

export class Hand {
  /** Shows notifications with buttons. */
  notifier = new Notifier(HOME);
  #arrivals;
  #signs;
  #settings;
  #storage = keeper("localStorage");
  #wanted = new Wanted(this.#storage);
  /** @type {Texts | null} */
  #texts = null;
  /** @type {Mounted | null} */
  #mounted = null;
  /** @type {{update: () => void}[]} */
  #views = [];

  /**
   * @param {{arrivals: Arrivals, signs: HTMLElement, settings: HTMLElement}} page `signs`: where it is shown what is
   *   on; `settings`: where it is switched
   */
  constructor({ arrivals, signs, settings }) {
    this.#arrivals = arrivals;
    this.#signs = signs;
    this.#settings = settings;
  }

  /**
   * Somebody is signed in.
   * @param {Panel} panel
   * @param {Texts} texts
   * @param {import("./switches.js").Allowed} allowed
   */
  enter(panel, texts, allowed) {
    const { model } = panel;
    const changed = () => this.#views.forEach((view) => view.update());
    const memory = keeper("sessionStorage");
    const switches = new Switches(model, { memory, storage: this.#storage, changed, ...allowed });
    const headset = headsetOf(model);
    /** @param {KeyboardEvent} event */
    const typed = (event) => this.#typed(event);
    document.addEventListener("keydown", typed);
    const off = [
      model.on("changed", changed),
      headset.on("changed", changed),
      headset.on("error", (error) => model.complain(error)),
      () => document.removeEventListener("keydown", typed),
      () => headset.stop(),
      () => this.notifier.stop(),
      () => switches.left(),
    ];
    this.#mounted = { panel, switches, headset, off, mini: null };
    Object.assign(this.#arrivals, { changed, take: (/** @type {string} */ number) => arrived(model, number) });
    headset.start();
    this.notifier.start(model);
    this.relabel(texts);
  }

  /** @param {Texts} texts */
  relabel(texts) {
    this.#texts = texts;
    if (!this.#mounted) return;
    const { switches, headset } = this.#mounted;
    const turned = switchesView(switches, texts);
    const [signs, worn, ways] = [signsView(switches, texts), headsetView(headset, texts), this.#ways(texts)];
    const title = el("h2", null, icon("headset"), texts.t("hand.title"));
    const more = el("details", { class: "card hand" }, el("summary", null, title, icon("chevron")));
    more.append(el("div", { class: "audio-content" }, worn.element, ...turned.sound, ways.element));
    this.#signs.replaceChildren(signs.element);
    this.#settings.replaceChildren(turned.element, more);
    this.#views = [turned, signs, worn, ways];
  }

  /** Nobody is signed in any more. */
  left() {
    Object.assign(this.#arrivals, { changed: () => {}, take: null });
    this.#mounted?.mini?.();
    this.#mounted?.off.forEach((off) => off());
    this.#mounted = null;
    this.#views = [];
    this.#settings.replaceChildren();
    this.#signs.replaceChildren();
  }

  // ---- inside

  /** @param {KeyboardEvent} event */
  #typed(event) {
    const name = this.#wanted.on && this.#mounted ? shortcutOf(event) : "";
    if (!name || !this.#mounted) return;
    const { panel } = this.#mounted;
    const meaning = meaningOf(name, panel.model, {
      pad: () => padOf(panel.element)?.click(),
      number: () => panel.focus(),
      list: () => this.#list(),
    });
    event.preventDefault();
    meaning?.();
  }

  #list() {
    if (this.#texts) showShortcuts(this.#texts, this.#wanted);
  }

  async #mini() {
    if (!this.#mounted || !this.#texts) return;
    const { panel } = this.#mounted;
    try {
      this.#mounted.mini = await openMini(panel.model, this.#texts, (event) => this.#typed(event));
    } catch {
      // the browser does not want to: it says so itself, or has another one already
    }
  }

  /** @param {Texts} texts */
  #ways(texts) {
    const t = texts.t.bind(texts);
    /** @type {(name: string, shape: string, action: () => unknown) => HTMLElement} */
    const way = (name, shape, action) =>
      button({ label: t(`hand.${name}`), icon: shape, kind: "small", "data-way": name, onclick: action });
    const mini = way("mini", "mini", () => this.#mini());
    const install = way("install", "install", () => this.#arrivals.install.ask());
    const links = way("links", "link", () => openLinksHere(HOME));
    const keys = way("keys", "keyboard", () => this.#list());
    const element = el("div", { class: "ways" }, mini, install, links, keys);
    show(mini, canBeMini());
    show(links, canOpenLinks());
    show(install, this.#arrivals.install.isOffered);
    return { element, update: () => show(install, this.#arrivals.install.isOffered) };
  }
}

/**
 * A number that somebody has clicked elsewhere; it is for the agent to call it.
 * @param {PhoneModel} model
 * @param {string} number
 */
function arrived(model, number) {
  model.notify({ kind: "info", code: "link", to: number });
  model.edit(number);
}

/**
 * The button that opens the digits: of the call in hand, else of the number to call.
 * @param {HTMLElement} panel
 */
function padOf(panel) {
  const own = panel.querySelector(".call[data-selected] [data-control=keypad]");
  return /** @type {HTMLElement | null} */ (own ?? panel.querySelector(".dial [aria-expanded]"));
}
