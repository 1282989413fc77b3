// What an agent switches: do not disturb, answering without a click, and what the browser and this page take off the
// sound. The first two are to be seen for as long as they are on.

import { asPhoneError } from "../../grtc/errors.js";
import { el, put, say, show } from "../dom.js";
import { icon } from "../icons.js";

/** @import { PhoneModel } from "../phoneModel.js" */
/** @import { Texts } from "../texts.js" */

const AUTO = "softphone-auto-answer"; // in this tab, and for this agent only: it opens the microphone
const NOISE = "softphone-noise-suppression"; // "off" in this browser
const FILTER = "softphone-noise-filter"; // "on" in this browser
const filter = async () => (await import("../../grtc/noise.js")).noiseSuppressor(); // fetched by who wants it

/**
 * @typedef {"quiet" | "auto"} Sign
 * @typedef {{autoAnswer: boolean, noiseFilter: boolean}} Allowed by the gateway: that callers may ask to be answered
 *   without a click, that this page takes noise off the sound
 */

export class Switches {
  #model;
  #memory;
  #storage;

  #changed;
  #filters = false;
  #turned = Promise.resolve(); // one after the other

  /**
   * @param {PhoneModel} model
   * @param {{memory: Storage | null, storage: Storage | null, changed: () => void} & Allowed} options
   */
  constructor(model, { memory, storage, autoAnswer, noiseFilter, changed }) {
    this.#model = model;
    this.#changed = changed;
    this.#memory = memory;
    this.#storage = storage;
    this.mayAnswer = autoAnswer;
    this.mayFilter = noiseFilter;
    const { options, dn } = model.phone;
    options.autoAnswer = autoAnswer && read(memory, AUTO) === dn;
    if (!this.suppressesNoise) this.#suppress(false);
    if (noiseFilter && read(storage, FILTER) === "on") this.filter(true);
  }

  /** Whether callers hear that the agent is busy. */
  get isQuiet() {
    return this.#model.phone.doNotDisturb;
  }

  /** Whether calls are answered without a click that ask for it, and may. */
  get answers() {
    return this.#model.phone.options.autoAnswer === true;
  }

  get suppressesNoise() {
    return read(this.#storage, NOISE) !== "off";
  }

  /** @param {boolean} on */
  async quiet(on) {
    try {
      await this.#model.phone.setDoNotDisturb(on);
    } catch (error) {
      this.#model.complain(error);
    }
    this.#changed(); // also when it is as before: a box was checked
  }

  /** @param {boolean} on */
  answer(on) {
    const { options, dn } = this.#model.phone;
    options.autoAnswer = on && this.mayAnswer;
    write(this.#memory, AUTO, options.autoAnswer ? dn : "");
    this.#changed();
  }

  /** @param {boolean} on */
  async suppress(on) {
    write(this.#storage, NOISE, on ? "on" : "off");
    await this.#suppress(on);
  }

  /** Whether this page takes noise off the microphone's sound. */
  get filters() {
    return this.#filters;
  }

  /**
   * Without what it takes all stays as it was.
   * @param {boolean} on
   */
  async filter(on) {
    this.#filters = on && this.mayFilter;
    this.#turned = this.#turned.then(() => this.#filter(on && this.mayFilter));
    await this.#turned;
  }

  /** Nobody is signed in any more. */
  left() {
    this.#model.phone.options.autoAnswer = false;
    write(this.#memory, AUTO, "");
  }

  /** @param {boolean} on */
  async #filter(on) {
    try {
      await this.#model.phone.setAudioProcessing(on ? await filter() : null);
      write(this.#storage, FILTER, on ? "on" : "off");
    } catch (error) {
      this.#filters = !on;
      this.#model.complain(asPhoneError(error, "processing_failed"));
    }
    this.#changed();
  }

  /** @param {boolean} on */
  async #suppress(on) {
    try {
      await this.#model.phone.setAudio({ noiseSuppression: on });
    } catch (error) {
      this.#model.complain(error);
    }
  }
}

/**
 * @param {Switches} switches
 * @param {Texts} texts
 */
export function switchesView(switches, texts) {
  const t = texts.t.bind(texts);
  /** @type {(name: string, turn: (on: boolean) => unknown) => {row: HTMLElement, box: HTMLInputElement}} */
  const one = (name, turn) => {
    /** @type {HTMLInputElement} */
    const box = el("input", { type: "checkbox", "data-switch": name, onchange: () => turn(box.checked) });
    const words = el("span", null, t(`switch.${name}`), el("small", { class: "hint" }, t(`switch.${name}_hint`)));
    return { row: el("label", { class: "check" }, box, words), box };
  };
  const quiet = one("quiet", (on) => switches.quiet(on));
  const auto = one("auto", (on) => switches.answer(on));
  const noise = one("noise", (on) => switches.suppress(on));
  const noiseFilter = one("filter", (on) => switches.filter(on));
  const element = el("div", { class: "switches", role: "group", "aria-label": t("switch.title") });
  element.append(quiet.row, auto.row);
  show(auto.row, switches.mayAnswer);
  show(noiseFilter.row, switches.mayFilter);

  function update() {
    quiet.box.checked = switches.isQuiet;
    auto.box.checked = switches.answers;
    noise.box.checked = switches.suppressesNoise;
    noiseFilter.box.checked = switches.filters;
  }
  update();
  return { element, sound: [noise.row, noiseFilter.row], update };
}

/**
 * Signs of what is on, each a button that switches it off.
 * @param {Switches} switches
 * @param {Texts} texts
 */
export function signsView(switches, texts) {
  const t = texts.t.bind(texts);
  /** @type {(sign: Sign, shape: string, off: () => unknown) => HTMLElement} */
  const one = (sign, shape, off) => {
    const words = el("span", { class: "label" });
    say(words, t(`sign.${sign}`));
    const label = t(`sign.${sign}_off`);
    const node = el("button", { type: "button", class: "sign", "data-sign": sign, title: label, onclick: off });
    node.append(icon(shape), words, el("span", { class: "unseen" }, label), icon("close"));
    return node;
  };
  const quiet = one("quiet", "quiet", () => switches.quiet(false));
  const auto = one("auto", "auto", () => switches.answer(false));
  const element = el("div", { class: "signs", role: "status" }, quiet, auto);

  function update() {
    show(quiet, switches.isQuiet);
    show(auto, switches.answers);
    put(element, "hidden", !(switches.isQuiet || switches.answers));
  }
  update();
  return { element, update };
}

/**
 * @param {Storage | null} storage
 * @param {string} key
 */
function read(storage, key) {
  try {
    return storage?.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {Storage | null} storage
 * @param {string} key
 * @param {string} value
 */
function write(storage, key, value) {
  try {
    storage?.setItem(key, value);
  } catch {
    // then it is for this page only
  }
}
