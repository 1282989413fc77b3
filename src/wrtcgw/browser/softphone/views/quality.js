// How good a call is: in a word, by bars, and in numbers; and what to do when it is bad.

import { el, put, say, show } from "../dom.js";
import { icon } from "../icons.js";
import { nameOf, opinionOf } from "../words.js";

/** @import { Quality } from "../../grtc.js" */
/** @import { Call } from "../../grtc/call.js" */
/** @import { Texts } from "../texts.js" */
/** @import { Context, View } from "../types.js" */

/** Warnings that are told here, the first of those that hold; the numbers unless it is plainly bad. */
const PLAIN = ["relay_lost", "incoming_silence"];
const NUMBERED = ["high_packet_loss", "high_rtt", "high_jitter", "low_mos"];

/** @type {Record<string, (texts: Texts, sample: Quality) => string>} */
const NUMBERS = {
  mos: (texts, { mos }) => texts.number(mos, 1),
  loss: (texts, { loss }) => `${texts.number(loss, 1)} %`,
  jitter: (texts, { jitter }) => `${texts.number(jitter)} ms`,
  rtt: (texts, { rtt }) => `${texts.number(rtt)} ms`,
  codec: (texts, { codec }) => codec || "–",
  way: (texts, { relayed }) => texts.t(relayed ? "quality.relayed" : "quality.direct"),
};

/**
 * @param {Context} context
 * @param {Call} call
 * @returns {View}
 */
export function qualityView({ model, phone, texts, t }, call) {
  const bars = el(
    "span",
    { class: "bars", "aria-hidden": "true" },
    [1, 2, 3, 4].map(() => el("i")),
  );
  const word = el("span", { class: "word" });
  const values = Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, el("dd")]));
  const rows = Object.entries(values).map(([name, value]) =>
    el("div", null, el("dt", null, t(`quality.${name}`)), value),
  );
  const warning = el("p", { class: "warning", role: "status", hidden: true });
  const details = el(
    "details",
    null,
    el("summary", null, bars, el("span", null, t("quality.title"), ": "), word, icon("chevron")),
    el("dl", null, rows),
  );
  const element = el("div", { class: "quality", hidden: true }, details, warning);
  return {
    element,
    update() {
      const sample = model.qualityOf(call);
      show(element, call.isUp && call.isHere);
      const paused = call.held || call.heldByPeer;
      const silent = (sample?.silent || model.warns(call, "no_incoming_packets")) && call.isUp && !paused;
      const { key, bars: count } = sample ? opinionOf(sample.mos) : { key: "quality.measuring", bars: 0 };
      put(element, "data-bars", silent || paused ? 0 : count);
      put(element, "data-known", Boolean(sample && !paused) || null);
      say(word, t(paused ? "quality.on_hold" : silent ? "quality.silent" : key));
      for (const [name, value] of Object.entries(values)) say(value, sample ? NUMBERS[name](texts, sample) : "–");
      const words = paused ? "" : warningOf(sample, silent);
      show(warning, words);
      say(warning, words);
    },
  };

  /**
   * Hold and resume need the gateway, and no Wi-Fi is better where nothing at all comes in.
   * @param {{bad: boolean} | null} sample
   * @param {boolean | undefined} silent
   */
  function warningOf(sample, silent) {
    if (silent) return t(phone.connection === "offline" ? "quality.silent_offline" : "quality.silent_todo");
    const code = [...PLAIN, ...(sample?.bad ? [] : NUMBERED)].find((each) => model.warns(call, each));
    if (code) return t(`warning.${code}`, { peer: nameOf(call, texts) });
    return sample?.bad ? t("quality.bad_todo") : "";
  }
}
