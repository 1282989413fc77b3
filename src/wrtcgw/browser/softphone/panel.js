// The phone panel: all of a softphone but the sign-in, to be put into any element of any page of ours.

import { Alerts } from "./alerts.js";
import { PhoneModel } from "./phoneModel.js";
import { el, show } from "./dom.js";
import { Favourites } from "./hand/favourites.js";
import { History } from "./history.js";
import { keeper } from "./keeper.js";
import { Ring, soundFor } from "./ring.js";
import { audioView } from "./views/audio.js";
import { dialView } from "./views/dial.js";
import { noticesView } from "./views/notices.js";
import { recentsView } from "./views/recents.js";
import { stageView } from "./views/stage.js";
import { statusView } from "./views/status.js";

/** @import { Phone } from "../grtc/phone.js" */
/** @import { Texts } from "./texts.js" */
/** @import { Context, View } from "./types.js" */

const LEVELS = 100; // ms between looks at how loud it is
const CLOCK = 1_000;

/**
 * @typedef {object} PanelOptions
 * @property {import("./texts.js").Texts} texts of loadTexts()
 * @property {boolean} [compact] a narrow panel: history and sound settings are folded up
 * @property {Element} [status] where the state of the registration is shown; by default at the top of the panel
 * @property {Element} [settings] where devices and notifications are set; by default at the end of the panel
 * @property {{number: string, label?: string}[]} [numbers] numbers to offer below the dial pad
 * @property {string} [number] the number that is filled in
 * @property {Storage | null} [storage] for history and chosen devices; default localStorage, null keeps nothing
 * @property {Storage | null} [memory] for what a reload must not lose; default sessionStorage
 * @property {boolean} [ring] make sounds; default true
 * @property {boolean} [notify] notifications and a flashing title for incoming calls; default true
 * @property {import("./hand/notifier.js").Notifier | null} [notifier] shows notifications with buttons
 * @property {boolean} [dial] have a dial pad; default true
 * @property {boolean} [history] have a history; default true
 */

/**
 * Mounts a phone panel. The page loads `parts.css` and `panel.css` of `softphone/` (and `tokens.css`, or colours of its
 * own by the same names), and signs the phone in and out; the panel shows what is, whoever did it.
 * @param {HTMLElement} element it becomes the panel, and is emptied when it is unmounted
 * @param {Phone} phone
 * @param {PanelOptions} options
 * @returns {{model: PhoneModel, element: HTMLElement, focus: () => void, unmount: () => void,
 *   relabel: (texts: import("./texts.js").Texts) => void}}
 *   `model` is what the buttons do: `model.dial(number)`, `model.answer(call)` …; `relabel` changes the language
 */
export function mountPanel(element, phone, options) {
  const storage = options.storage === undefined ? keeper("localStorage") : options.storage;
  const memory = options.memory === undefined ? keeper("sessionStorage") : options.memory;
  const history = options.history === false ? null : new History(storage, phone.dn);
  const model = new PhoneModel(phone, { history, memory });
  model.number = options.number ?? "";
  const ring = new Ring({ silent: options.ring === false });
  const alerts = new Alerts({ quiet: options.notify === false, notifier: options.notifier });
  const favourites = new Favourites(storage, phone.dn);
  const context = /** @type {Context} */ ({
    phone,
    model,
    history,
    favourites,
    ring,
    alerts,
    storage,
    options,
    element,
  });
  let built = build(context, options.texts);
  const used = () => model.has("playback_blocked") && model.dismiss("playback_blocked");
  /** @param {KeyboardEvent} event */
  const typed = (event) => digitOf(event, element) && built.digit(event);
  for (const name of ["pointerup", "keydown"]) document.addEventListener(name, used);
  document.addEventListener("keydown", typed);
  const off = [
    model.on("changed", () => built.update()),
    model.on("incoming", (call) => {
      alerts.arrived(call, context.texts);
      built.update();
      element.querySelector(".incoming")?.scrollIntoView({ block: "nearest" }); // a small frame may show another part
    }),
    model.on("edit", () => built.edit()),
    model.on("said", (key, params) => built.announce(context.texts.t(key, params))),
    phone.on("devices", () => built.audio.devices()),
    every(CLOCK, () => built.tick()),
    every(LEVELS, () => built.levels()),
  ];
  return {
    model,
    element,
    /** @param {Texts} texts */
    relabel(texts) {
      built = build(context, texts);
    },
    focus() {
      built.focus();
    },
    unmount() {
      if (!phone.isSignedIn) history?.left();
      off.forEach((stop) => stop());
      for (const name of ["pointerup", "keydown"]) document.removeEventListener(name, used);
      document.removeEventListener("keydown", typed);
      model.close();
      ring.stop();
      alerts.stop();
      element.replaceChildren();
      options.status?.replaceChildren();
      options.settings?.replaceChildren();
    },
  };
}

/**
 * @param {Context} context
 * @param {Texts} texts
 */
function build(context, texts) {
  const { model, ring, alerts, element, options } = context;
  Object.assign(context, { texts, t: texts.t.bind(texts) });
  const views = {
    status: statusView(context),
    notices: noticesView(context),
    stage: stageView(context),
    dial: options.dial === false ? null : dialView(context),
    recents: context.history ? recentsView(context) : null,
    audio: audioView(context),
  };
  const all = /** @type {View[]} */ (Object.values(views).filter(Boolean));
  const spoken = el("p", { class: "unseen", role: "status" });
  place(context, views, spoken);
  const built = {
    audio: views.audio,
    update() {
      all.forEach((view) => view.update());
      ring.play(soundFor(model));
      alerts.show(model.incoming, context.texts, context.history?.unseen ?? 0);
    },
    /** @param {KeyboardEvent} event */
    digit(event) {
      if (!model.selected?.isUp || model.selected.held) return;
      event.preventDefault();
      views.stage.digit(event.key);
    },
    tick: () => all.forEach((view) => view.tick?.()),
    levels: () => document.hidden || all.forEach((view) => view.levels?.()),
    /** @param {string} text */
    announce(text) {
      spoken.textContent = text;
    },
    focus: () => (views.dial ?? views.stage).focus(),
    edit: () => views.dial?.edit(),
  };
  element.lang = texts.language;
  built.update();
  return built;
}

/**
 * @param {Context} context
 * @param {Record<"status" | "notices" | "stage" | "audio", View> & Record<"dial" | "recents", View | null>} views
 * @param {HTMLElement} spoken
 */
function place({ element, options }, { status: state, notices, stage, dial, recents, audio }, spoken) {
  const status = options.status ?? el("div", { class: "panel-status" });
  status.replaceChildren(state.element);
  options.settings?.replaceChildren(audio.element);
  element.classList.add("phone-panel");
  element.classList.toggle("compact", Boolean(options.compact));
  element.replaceChildren(
    ...(options.status ? [] : [status]),
    notices.element,
    el(
      "div",
      { class: "panel-columns" },
      [stage, dial, recents, options.settings ? null : audio].map((view) => view?.element),
    ),
    spoken,
  );
  show(element, true);
}

/**
 * Digits are for the call in hand wherever the focus is, but for fields, and for what the page has beside the panel.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} element
 */
function digitOf({ key, target, ctrlKey, altKey, metaKey }, element) {
  if (ctrlKey || altKey || metaKey || !/^[0-9*#]$/.test(key)) return "";
  const node = /** @type {Element} */ (target);
  const field = node.closest?.("input, select, textarea, dialog, [contenteditable]");
  return !field && (node === document.body || element.contains(node)) ? key : "";
}

/**
 * @param {number} time
 * @param {() => unknown} action
 */
function every(time, action) {
  const timer = setInterval(action, time);
  return () => clearInterval(timer);
}
