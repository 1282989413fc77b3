// The headset of the softphone: its buttons do what the page's do, for the call that is in hand there.

import { Headset } from "../../grtc/headset.js";
import { arrange, el, put, say, show } from "../dom.js";
import { button } from "../views/parts.js";

/** @import { Call } from "../../grtc/call.js" */
/** @import { PhoneModel } from "../phoneModel.js" */
/** @import { Texts } from "../texts.js" */

/**
 * @param {PhoneModel} model
 * @param {import("../../grtc.js").HeadsetOptions["adapters"]} [adapters]
 */
export function headsetOf(model, adapters) {
  /** @template T @param {(call: Call, on: boolean) => T} action @returns {(call: any, on?: boolean) => T} */
  const of = (action) => (call, on) => action(call, Boolean(on));
  const headset = new Headset(model.phone, {
    adapters,
    inHand: () => /** @type {any} */ (model.selected),
    actions: {
      answer: of((call) => model.answer(call)),
      reject: of((call) => model.reject(call)),
      hangup: of((call) => model.hangUp(call)),
      mute: of((call, on) => model.mute(call, on)),
      hold: of((call, on) => model.hold(call, on)),
      digit: (call, digit) => model.dtmf(/** @type {any} */ (call), digit),
      redial: () => last(model),
    },
  });
  model.on("changed", () => headset.refresh());
  return headset;
}

/**
 * Fills in the number that was called last; a button on an ear is pressed by mistake too easily to call it at once.
 * @param {PhoneModel} model
 */
function last(model) {
  const entry = model.history?.entries.find(({ direction }) => direction === "outbound");
  if (entry) model.edit(entry.peer);
}

/**
 * Which headsets there are, and a button that asks for one.
 * @param {Headset} headset
 * @param {Texts} texts
 */
export function headsetView(headset, texts) {
  const t = texts.t.bind(texts);
  const ask = button({
    label: t("headset.ask"),
    icon: "headset",
    kind: "small",
    onclick: () => headset.request().catch(() => say(hint, t("headset.forbidden"))),
  });
  const hint = el("p", { class: "hint" });
  const list = el("ul", { class: "headsets" });
  const element = el("div", { class: "notify headset", role: "group", "aria-label": t("headset.title") });
  element.append(el("h3", null, t("headset.title")), list, ask, hint);
  /** @type {Map<string, {node: HTMLElement, words: HTMLElement}>} */
  const rows = new Map();

  /** @param {{name: string, isOpen: boolean}} device */
  function row({ name, isOpen }) {
    const known = rows.get(name) ?? made(name);
    rows.set(name, known);
    say(known.words, t(isOpen ? "headset.ready" : "headset.busy", { name }));
    put(known.node, "data-open", isOpen);
    return known.node;
  }

  /** @param {string} name */
  function made(name) {
    const words = el("span");
    const forget = button({
      label: t("headset.forget", { name }),
      icon: "close",
      kind: "quiet",
      bare: true,
      onclick: () => headset.forget(name),
    });
    return { node: el("li", null, words, forget), words };
  }

  function update() {
    const { devices } = headset;
    const names = new Map(devices.map((each) => [each.name, each]));
    for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
    arrange(list, [...names.values()].map(row));
    show(list, devices.length);
    say(hint, t(devices.length ? "headset.hint" : "headset.none"));
  }
  show(element, headset.isSupported);
  update();
  return { element, update };
}
