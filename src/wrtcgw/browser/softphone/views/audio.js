// Microphone, loudspeaker and what rings; how loud the microphone is; whether to be notified.

import { el, put, say, show } from "../dom.js";
import { icon } from "../icons.js";
import { button, field, levelMeter } from "./parts.js";

/** @import { Device } from "../../grtc.js" */
/** @import { Context } from "../types.js" */

/** @typedef {"microphone" | "speaker" | "ring"} Kind */

const KEY = "softphone-devices";
const KINDS = /** @type {Kind[]} */ (["microphone", "speaker", "ring"]);
const canChooseSpeaker = () => "setSinkId" in HTMLMediaElement.prototype;

/** @param {Context} context */
export function audioView(context) {
  const { phone, model, ring, alerts, storage, t } = context;
  const chosen = read(storage);
  /** @type {Record<Kind, (id: string) => Promise<void>>} */
  const uses = {
    microphone: (id) => phone.setMicrophone(id),
    speaker: (id) => phone.setSpeaker(id),
    ring: (id) => ring.choose(id),
  };
  const selects = /** @type {Record<Kind, HTMLSelectElement>} */ (
    Object.fromEntries(KINDS.map((kind) => [kind, el("select", { onchange: () => choose(kind) })]))
  );
  const test = microphoneTest(context, () => devices());
  const notify = notifications(context);
  const speaker = field(t("audio.speaker"), selects.speaker);
  const ringer = field(t("audio.ring"), selects.ring);
  const content = el(
    "div",
    { class: "audio-content" },
    field(t("audio.microphone"), selects.microphone),
    test.element,
    speaker,
    ringer,
    button({ label: t("audio.play"), icon: "speaker", kind: "small", onclick: () => ring.once("test") }),
    notify.element,
  );
  const element = el(
    "details",
    { class: "card audio" },
    el("summary", null, el("h2", null, icon("devices"), t("audio.title")), icon("chevron")),
    content,
  );
  show(speaker, canChooseSpeaker());
  show(ringer, ring.canChoose);
  element.addEventListener("toggle", () => element.open && devices());

  /** @param {Kind} kind */
  async function choose(kind) {
    const { value } = selects[kind];
    try {
      await uses[kind](value);
      chosen[kind] = value;
      write(storage, chosen);
    } catch (error) {
      model.complain(error);
      await devices();
    }
  }

  // Fills the lists anew; what was chosen and is not there any more gives way to the browser's choice.
  async function devices() {
    const { microphones, speakers } = await phone.devices();
    fill("microphone", microphones);
    fill("speaker", speakers);
    fill("ring", speakers);
    for (const kind of KINDS) {
      const list = kind === "microphone" ? microphones : speakers;
      const known = list.some(({ deviceId }) => deviceId && deviceId === chosen[kind]);
      if (!chosen[kind] || known || !list.some(({ deviceId }) => deviceId)) continue;
      chosen[kind] = "";
      await uses[kind]("").catch(() => {});
      model.notify({ kind: "info", code: `${kind}_gone` });
    }
  }

  /**
   * @param {Kind} kind
   * @param {Device[]} list
   */
  function fill(kind, list) {
    const named = list.filter(({ deviceId }) => deviceId && deviceId !== "default");
    const options = [
      ["", t("audio.default")],
      ...named.map(({ deviceId, label }, index) => [deviceId, label || t("audio.unnamed", { count: index + 1 })]),
    ];
    const state = JSON.stringify(options);
    if (selects[kind].dataset.options !== state) {
      selects[kind].replaceChildren(...options.map(([value, label]) => el("option", { value }, label)));
      for (const [index, [value]] of options.entries()) selects[kind].options[index].value = value;
      selects[kind].dataset.options = state;
    }
    selects[kind].value = options.some(([value]) => value === chosen[kind]) ? (chosen[kind] ?? "") : "";
  }

  for (const kind of KINDS) if (chosen[kind]) uses[kind](chosen[kind]).catch(() => {});
  devices().catch(() => {}); // no media here at all: calls say so
  return {
    element,
    devices: () => devices().catch(() => {}),
    update: () => notify.update(),
    levels: () => test.levels(),
    alerts,
  };
}

/**
 * Opens the microphone for as long as one wants to see how loud it is.
 * @param {Context} context
 * @param {() => unknown} opened
 */
function microphoneTest({ phone, model, t }, opened) {
  /** @type {MediaStreamTrack | null} */
  let track = null;
  const meter = levelMeter(t("levels.mine"));
  const toggle = button({
    label: t("audio.test"),
    icon: "microphone",
    kind: "small",
    "aria-pressed": "false",
    onclick: () => turn().catch((error) => model.complain(error)),
  });
  const element = el("div", { class: "test" }, toggle, meter);
  meter.hidden = true;

  async function turn() {
    if (track) phone.microphone.takeBack(track);
    track = track ? null : await phone.microphone.lend();
    put(toggle, "aria-pressed", String(Boolean(track)));
    toggle.relabel(t(track ? "audio.test_end" : "audio.test"));
    show(meter, track);
    opened();
  }

  return { element, levels: () => track && meter.level(phone.microphoneLevel()) };
}

/** @param {Context} context */
function notifications({ alerts, t }) {
  const words = el("p", { class: "hint" });
  const ask = button({ label: t("notify.ask"), icon: "bell", kind: "small", onclick: () => alerts.ask().then(update) });
  const element = el("div", { class: "notify", role: "group", "aria-label": t("notify.title") }, ask, words);

  function update() {
    show(ask, alerts.permission === "default");
    say(words, t(`notify.${alerts.permission}`));
  }

  return { element, update };
}

/**
 * @param {Storage | null} storage
 * @returns {Partial<Record<Kind, string>>}
 */
function read(storage) {
  try {
    return { ...JSON.parse(storage?.getItem(KEY) ?? "{}") };
  } catch {
    return {};
  }
}

/**
 * @param {Storage | null} storage
 * @param {Partial<Record<Kind, string>>} chosen
 */
function write(storage, chosen) {
  try {
    storage?.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // then it has to be chosen anew the next time
  }
}
