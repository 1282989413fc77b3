// Whether calls can be made from here: what is looked at, what was found, and what to do about it.

import { el, put, say, show } from "../dom.js";
import { icon } from "../icons.js";
import { button, card } from "./parts.js";

/** @import { CheckReport, CheckResult } from "../../grtc.js" */
/** @import { Phone } from "../../grtc/phone.js" */
/** @import { Texts } from "../texts.js" */

/** @type {Record<CheckResult["state"], string>} */
const ICONS = { running: "clock", passed: "check", warned: "alert", failed: "alert", unknown: "info", skipped: "info" };
/** @type {Record<CheckReport["verdict"], string>} */
const LEVELS = {
  ready: "passed",
  degraded: "warned",
  blocked: "failed",
  permission_denied: "failed",
  inconclusive: "unknown",
};
const SERVERS = ["stun", "turn"];

/**
 * @param {{phone: Phone, texts: Texts, close: () => void}} context
 */
export function checkView({ phone, texts, close }) {
  const t = texts.t.bind(texts);
  const summary = el("div", { class: "check-summary", role: "status", hidden: true });
  const list = el("ol", { class: "check-list" });
  const start = button({ label: t("check.start"), kind: "primary", onclick: () => (abort ? stop() : run()) });
  const copy = button({ label: t("check.copy"), kind: "quiet", hidden: true, onclick: () => copied() });
  const back = button({ label: t("check.back"), kind: "", onclick: close });
  const about = el("p", { class: "hint" }, t("check.about"));
  const more = el("p", { class: "hint" }, t("check.sign_in_first"));
  const element = card(
    t("check.title"),
    { class: "phone-check" },
    about,
    more,
    summary,
    list,
    el("div", { class: "row" }, start, copy, back),
  );
  /** @type {AbortController | null} */
  let abort = null;
  /** @type {CheckReport | null} */
  let last = null;
  update();

  async function run() {
    const mine = (abort = new AbortController());
    list.replaceChildren();
    show(copy, false);
    tell("running", t("check.running"), "");
    start.relabel(t("check.stop"));
    /** @type {HTMLElement | null} */
    let row = null;
    /** @param {CheckResult} check */
    const progress = (check) => {
      if (check.state === "running") list.append((row = el("li")));
      if (row) fill(row, check);
    };
    try {
      last = await phone.check({ signal: mine.signal, progress });
      const { verdict, code, checks } = last;
      const because = checks.find((each) => each.code === code && verdict !== "ready");
      tell(LEVELS[verdict], t(`check.verdict.${verdict}`), because ? `${labelOf(because)}: ${todo(code)}` : "");
      show(copy, navigator.clipboard);
    } catch {
      show(summary, false);
      list.replaceChildren();
    } finally {
      if (abort === mine) abort = null;
      start.relabel(t("check.again"));
    }
  }

  function stop() {
    abort?.abort();
  }

  /**
   * @param {string} level
   * @param {string} title
   * @param {string} words
   */
  function tell(level, title, words) {
    const shape = ICONS[/** @type {CheckResult["state"]} */ (level)];
    put(summary, "data-level", level);
    summary.replaceChildren(icon(shape), el("p", null, el("strong", null, title), " ", words));
    show(summary, true);
  }

  /** @param {CheckResult} check */
  function labelOf({ name, value }) {
    return t(`check.name.${name}`) + (SERVERS.includes(name) ? ` ${value.url}` : "");
  }

  /** @param {string} code */
  function todo(code) {
    return texts.has(`check.code.${code}`) ? t(`check.code.${code}`) : t("check.code.other", { code });
  }

  /**
   * @param {HTMLElement} row
   * @param {CheckResult} check
   */
  function fill(row, check) {
    const { name, state, code } = check;
    const words = state === "running" || state === "passed" ? "" : todo(code);
    put(row, "data-state", state);
    put(row, "data-check", name);
    put(row, "data-code", code);
    row.replaceChildren(
      icon(ICONS[state]),
      el(
        "div",
        null,
        el("strong", null, labelOf(check)),
        el("span", { class: "check-state" }, t(`check.state.${state}`)),
        words ? el("p", null, words) : null,
        state === "running" ? null : el("p", { class: "hint" }, detail(check)),
      ),
    );
  }

  /** @param {CheckResult} check */
  function detail({ name, value }) {
    const { ms, rtt, jitter, loss, mos, codec, level, codecs, dn } = /** @type {Record<string, any>} */ (value);
    /** @type {(number: number, digits?: number) => string} */
    const n = (number, digits = 0) => texts.number(number, digits);
    if (name === "microphone" && typeof level === "number") return t("check.detail.level", { level: n(100 * level) });
    if (name === "codec" && codecs) return codecs.join(", ");
    if (name === "registration" && dn) return dn;
    if (name === "echo" && typeof mos === "number") {
      return t("check.detail.echo", { mos: n(mos, 1), loss: n(loss, 1), jitter: n(jitter), rtt: n(rtt), codec });
    }
    if (SERVERS.includes(name) && typeof rtt === "number") return t("check.detail.time", { ms: n(rtt) });
    return typeof ms === "number" ? t("check.detail.time", { ms: n(ms) }) : "";
  }

  async function copied() {
    await navigator.clipboard.writeText(JSON.stringify({ ...last, browser: navigator.userAgent }, null, 1)).then(
      () => copy.relabel(t("check.copied")),
      () => {},
    );
  }

  function update() {
    show(more, !phone.isSignedIn);
    say(more, t("check.sign_in_first"));
  }

  return { element, stop, update, focus: () => start.focus() };
}
