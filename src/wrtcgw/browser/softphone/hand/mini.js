// The mini phone: a small window over all others with what is needed of a call, where browsers have such windows
// (Document Picture-in-Picture).

import { el, put, say, show } from "../dom.js";
import { icon } from "../icons.js";
import { clock } from "../texts.js";
import { button } from "../views/parts.js";
import { nameOf, stateKey } from "../words.js";

/** @import { PhoneModel } from "../phoneModel.js" */
/** @import { Texts } from "../texts.js" */

const SIZE = { width: 320, height: 150 }; // px
const STYLES = ["tokens.css", "parts.css", "mini.css"];
const TICK = 1_000; // ms

/** @returns {{requestWindow: (size: {width: number, height: number}) => Promise<Window>} | null} */
const windows = () => /** @type {any} */ (globalThis).documentPictureInPicture ?? null;

/** Whether there can be one here. */
export const canBeMini = () => windows() !== null && window.top === window;

/**
 * Opens the mini phone; to be called on a click.
 * @param {PhoneModel} model
 * @param {Texts} texts
 * @param {(event: KeyboardEvent) => void} typed hears its keys
 * @returns {Promise<() => void>} closes it
 */
export async function openMini(model, texts, typed) {
  const mini = /** @type {Window} */ (await windows()?.requestWindow(SIZE));
  const { document: page } = mini;
  const view = miniView(model, texts);
  page.title = texts.t("mini.title");
  page.documentElement.lang = texts.language;
  put(page.documentElement, "data-theme", document.documentElement.dataset.theme ?? null);
  for (const name of STYLES) {
    page.head.append(el("link", { rel: "stylesheet", href: new URL(`../${name}`, import.meta.url).href }));
  }
  page.body.append(view.element);
  const off = model.on("changed", view.update);
  const timer = setInterval(view.update, TICK);
  page.addEventListener("keydown", typed);
  mini.addEventListener("pagehide", () => {
    off();
    clearInterval(timer);
  });
  return () => mini.close();
}

/**
 * The call that rings, else the one in hand, else that there is none.
 * @param {PhoneModel} model
 * @param {Texts} texts
 */
export function miniView(model, texts) {
  const t = texts.t.bind(texts);
  const name = el("h1");
  const words = el("span");
  const time = el("time", { role: "timer", "aria-live": "off" });
  /** @type {(label: string, shape: string, kind: string, action: () => unknown) => ReturnType<typeof button>} */
  const small = (label, shape, kind, action) => button({ label, icon: shape, kind, onclick: action });
  const ringing = () => model.incoming[0];
  const answer = small(t("incoming.answer"), "handset", "answer", () => ringing() && model.answer(ringing()));
  const reject = small(t("incoming.reject"), "handset", "reject", () => ringing() && model.reject(ringing()));
  const mute = small(t("call.mute"), "microphone", "", () => model.selected && model.mute(model.selected));
  const hold = small(t("call.hold"), "pause", "", () => model.selected?.isUp && model.hold(model.selected));
  const end = small(t("call.hang_up"), "handset", "end", () => model.selected && model.hangUp(model.selected));
  const element = el(
    "main",
    { class: "mini", "aria-label": t("mini.title") },
    el("div", { class: "mini-who", "aria-live": "polite" }, name, el("p", null, words, " ", time)),
    el("div", { class: "row" }, answer, reject, mute, hold, end),
  );

  function update() {
    const call = ringing() ?? model.selected;
    const rings = call?.state === "incoming";
    say(name, call ? nameOf(call, texts) : t("mini.none"));
    say(
      words,
      call ? (rings ? t("incoming.title") : t(stateKey(call, model.isMicSilent(call)))) : t("calls.none_hint"),
    );
    say(time, call?.answeredAt ? clock(Date.now() - call.answeredAt) : "");
    for (const each of [answer, reject]) show(each, rings);
    for (const each of [mute, hold, end]) show(each, call && !rings);
    if (!call || rings) return;
    turned(mute, call.muted, t(call.muted ? "call.unmute" : "call.mute"), call.muted ? "muted" : "microphone");
    turned(hold, call.held, t(call.held ? "call.resume" : "call.hold"), call.held ? "play" : "pause");
    show(hold, call.isUp);
  }
  update();
  return { element, update };
}

/**
 * @param {ReturnType<typeof button>} node
 * @param {boolean} on
 * @param {string} label
 * @param {string} shape
 */
function turned(node, on, label, shape) {
  put(node, "data-on", on);
  node.relabel(label);
  const { firstElementChild: before } = node;
  if (!before?.classList.contains(`icon-${shape}`)) before?.replaceWith(icon(shape));
}
