// One call that is not ringing here: all its controls while it is in hand, a line while another one is.

import { el, put, say, show } from "../dom.js";
import { icon } from "../icons.js";
import { clock } from "../texts.js";
import { nameOf, stateKey } from "../words.js";
import { avatar, button, dataList, enable, keypad, levelMeter, whenEnabled, whoLines } from "./parts.js";
import { qualityView } from "./quality.js";
import { transferView } from "./transfer.js";

/** @import { Call } from "../../grtc/call.js" */
/** @import { Context } from "../types.js" */

/**
 * @typedef {"keypad" | "transfer"} Extra what opens below the controls
 * @typedef {ReturnType<typeof button>} Button
 */

/** @type {Record<string, string>} */
const STATE_ICONS = {
  "state.established": "check",
  "state.muted": "muted",
  "state.mic_silent": "muted",
  "state.held": "pause",
  "state.held_both": "pause",
  "state.held_by_peer": "pause",
};

/**
 * @param {Context} context
 * @param {Call} call
 */
export function callView(context, call) {
  const { model } = context;
  const head = headOf(context, call);
  const consult = consultOf(context, call);
  const sound = soundOf(context, call);
  const digits = digitsOf(context, call);
  const transfer = transferView(context, call, () => open("transfer"));
  const controls = controlsOf(context, call, open);
  const levels = levelsOf(context, call);
  const quality = qualityView(context, call);
  const data = dataList(call.data);
  const body = el(
    "div",
    { class: "call-body" },
    sound.element,
    consult.element,
    controls.element,
    digits.element,
    transfer.element,
    levels.element,
    quality.element,
    data,
  );
  const element = el("article", { class: "call", "aria-labelledby": head.ids, onkeydown: closed }, head.element, body);
  const parts = { keypad: digits, transfer };
  const extras = [sound, consult, transfer, levels, quality];
  /** @type {Extra | null} */
  let opened = null;

  /**
   * @param {Extra | null} what
   * @param {{focus?: boolean}} [how]
   */
  function open(what, { focus = true } = {}) {
    const before = opened;
    opened = opened === what ? null : what;
    for (const [name, part] of Object.entries(parts)) show(part.box, name === opened);
    controls.opened(opened);
    if (!focus) return;
    if (opened) parts[opened].focus();
    else if (before) controls.toggle(before).focus();
  }

  /** @param {KeyboardEvent} event */
  function closed(event) {
    if (event.key === "Escape" && opened) open(null);
  }

  return {
    element,
    update() {
      const selected = model.selected === call;
      put(element, "data-selected", selected);
      put(element, "data-state", call.isUp && (call.held || call.heldByPeer) ? "held" : call.state);
      show(body, selected);
      head.update(selected);
      controls.update();
      extras.forEach((part) => part.update());
      if (!call.isUp && opened) open(opened);
    },
    tick: head.tick,
    levels: levels.levels,
    /**
     * typed with the focus somewhere else: it is shown, and the focus stays
     * @param {string} digit
     */
    digit(digit) {
      if (opened === null) open("keypad", { focus: false });
      digits.send(digit);
    },
  };
}

/**
 * @param {Context} context
 * @param {Call} call
 */
function headOf({ model, texts, t }, call) {
  const who = whoLines(call, texts);
  const mark = el("span", { class: "mark" });
  const words = el("span");
  const time = el("time", { role: "timer", "aria-live": "off" });
  const take = button({
    label: t("call.switch", { peer: nameOf(call, texts) }),
    icon: "play",
    kind: "small",
    onclick: () => model.switchTo(call),
  });
  const end = button({
    label: t("call.hang_up_other", { peer: nameOf(call, texts) }),
    icon: "handset",
    kind: "end small",
    bare: true,
    onclick: () => model.hangUp(call),
  });
  const lane = el("div", { class: "row" }, take, end);
  take.relabel(t("call.take"));
  const line = el("p", { class: "what" }, mark, words, time);
  const lines = el("div", { class: "who" }, who.name, who.number, line);
  const element = el("header", { class: "call-head" }, avatar(call), lines, lane);
  const tick = () => say(time, call.answeredAt ? clock(Date.now() - call.answeredAt) : "");
  return {
    ids: who.ids,
    element,
    tick,
    /** @param {boolean} selected */
    update(selected) {
      const key = stateKey(call, model.isMicSilent(call));
      if (words.dataset.key !== key) mark.replaceChildren(icon(STATE_ICONS[key] ?? "arrowOut"));
      words.dataset.key = key;
      put(line, "data-warns", ["state.muted", "state.mic_silent"].includes(key));
      who.update();
      put(take, "aria-label", t("call.switch", { peer: nameOf(call, texts) }));
      end.relabel(t("call.hang_up_other", { peer: nameOf(call, texts) }));
      say(words, t(key, { peer: call.peer }));
      show(lane, !selected);
      tick();
    },
  };
}

/**
 * @param {Context} context
 * @param {Call} call
 * @param {(what: Extra) => void} open
 */
function controlsOf({ model, t }, call, open) {
  /**
   * @type {(name: string, label: string, shape: string, action: (event: Event) => unknown) => Button}
   */
  const toggle = (name, label, shape, action) =>
    button({ label, icon: shape, kind: "control", "data-control": name, onclick: whenEnabled(action) });
  const mute = toggle("mute", t("call.mute"), "microphone", () => model.mute(call));
  const hold = toggle("hold", t("call.hold"), "pause", () => model.hold(call));
  const keys = toggle("keypad", t("call.keypad"), "keypad", () => open("keypad"));
  const transfer = toggle("transfer", t("call.transfer"), "transfer", () => open("transfer"));
  const end = button({
    label: t("call.hang_up"),
    icon: "handset",
    kind: "end control",
    "data-control": "end",
    onclick: () => model.hangUp(call),
  });
  const element = el(
    "div",
    { class: "controls", role: "group", "aria-label": t("call.controls") },
    mute,
    hold,
    keys,
    transfer,
    end,
  );
  return {
    element,
    /** @param {Extra} name */
    toggle: (name) => ({ keypad: keys, transfer })[name],
    /** @param {Extra | null} name */
    opened(name) {
      put(keys, "aria-expanded", String(name === "keypad"));
      put(transfer, "aria-expanded", String(name === "transfer"));
    },
    update() {
      // what the button does, in its words: a pressed "Hold" leaves one looking for "Resume"
      turned(mute, call.muted, t(call.muted ? "call.unmute" : "call.mute"), call.muted ? "muted" : "microphone");
      turned(hold, call.held, t(call.held ? "call.resume" : "call.hold"), call.held ? "play" : "pause");
      put(hold, "aria-busy", model.isBusy(call, call.held ? "resume" : "hold") || null);
      for (const each of [hold, keys, transfer]) enable(each, call.isUp);
      enable(transfer, call.isUp && !model.transferOf(call) && !model.originalOf(call));
    },
  };
}

/**
 * @param {Button} toggled
 * @param {boolean} on
 * @param {string} label
 * @param {string} shape
 */
function turned(toggled, on, label, shape) {
  put(toggled, "data-on", on);
  toggled.relabel(label);
  const { firstElementChild: before } = toggled;
  if (!before?.classList.contains(`icon-${shape}`)) before?.replaceWith(icon(shape));
}

/**
 * Tells that another page of the agent has the sound, and brings it here.
 * @param {Context} context
 * @param {Call} call
 */
function soundOf({ model, t }, call) {
  const words = el("p");
  const take = button({
    label: t("call.use_here"),
    icon: "speaker",
    kind: "primary",
    onclick: whenEnabled(() => model.useHere(call)),
  });
  const element = el(
    "div",
    { class: "consult elsewhere", role: "group", hidden: true },
    icon("speaker"),
    words,
    el("div", { class: "row" }, take),
  );
  return {
    element,
    update() {
      show(element, !call.isHere);
      if (call.isHere) return;
      const told = t(call.sound === "nowhere" ? "call.nowhere" : "call.elsewhere");
      say(words, told);
      put(element, "aria-label", told);
      put(element, "data-sound", call.sound);
      enable(take, call.isUp && !model.isBusy(call, "use_here"));
      put(take, "aria-busy", model.isBusy(call, "use_here") || null);
    },
  };
}

/**
 * @param {Context} context
 * @param {Call} call
 */
function consultOf({ model, texts, t }, call) {
  const words = el("p");
  const complete = button({
    label: t("consult.complete"),
    icon: "transfer",
    kind: "primary",
    onclick: whenEnabled(() => model.complete(call)),
  });
  const cancel = button({ label: t("consult.cancel"), kind: "", onclick: () => model.cancelConsult(call) });
  const element = el(
    "div",
    { class: "consult", role: "group", "aria-label": t("consult.title"), hidden: true },
    icon("users"),
    words,
    el("div", { class: "row" }, complete, cancel),
  );
  return {
    element,
    update() {
      const original = model.originalOf(call);
      show(element, original);
      if (!original) return;
      const params = { peer: nameOf(call, texts), other: nameOf(original, texts) };
      say(words, t(call.isUp ? "consult.asking" : "consult.calling", params));
      enable(complete, call.isUp && original.isUp && !model.transferOf(original));
    },
  };
}

/**
 * @param {Context} context
 * @param {Call} call
 */
function digitsOf({ model, ring, t }, call) {
  const sent = el("output", { class: "sent", "aria-label": t("keypad.sent") });
  /** @param {string} digit */
  const send = (digit) => {
    say(sent, (sent.textContent + digit).slice(-24));
    ring.key(digit);
    model.dtmf(call, digit);
  };
  const keys = keypad(t, t("keypad.title"), send);
  const element = el(
    "div",
    { class: "extra keys", hidden: true },
    sent,
    keys,
    el("p", { class: "hint" }, t("keypad.hint")),
  );
  return { element, box: element, send, focus: () => keys.querySelector("button")?.focus() };
}

/**
 * @param {Context} context
 * @param {Call} call
 */
function levelsOf({ phone, model, t }, call) {
  const mine = levelMeter(t("levels.mine"));
  const theirs = levelMeter(t("levels.theirs"));
  /** @type {(shape: string, label: string, meter: HTMLElement) => HTMLElement} */
  const line = (shape, label, meter) =>
    el("div", { class: "level-line" }, icon(shape), el("span", { "aria-hidden": "true" }, label), meter);
  const element = el(
    "div",
    { class: "levels" },
    line("microphone", t("levels.you"), mine),
    line("speaker", t("levels.far"), theirs),
  );
  return {
    element,
    update: () => show(element, call.isHere && (call.isUp || call.state === "early")),
    levels() {
      if (element.hidden || model.selected !== call) return;
      mine.level(call.muted || call.held ? 0 : phone.microphoneLevel());
      theirs.level(call.level());
    },
  };
}
