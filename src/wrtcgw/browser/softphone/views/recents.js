// The calls that were.

import { el, put, say, show, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { clock } from "../texts.js";
import { whoOf, whyKey } from "../words.js";
import { button, card } from "./parts.js";

/** @import { Entry } from "../history.js" */
/** @import { Context, View } from "../types.js" */

/** @type {Record<string, string>} */
const ICONS = { missed: "missed", elsewhere: "elsewhere", declined: "close" };

/**
 * @param {Context} context
 * @returns {View}
 */
export function recentsView({ model, history, alerts, texts, t, options }) {
  let missedOnly = false;
  let drawn = "";
  const badge = el("span", { class: "badge", hidden: true });
  const list = el("div", { class: "entries" });
  const none = el("p", { class: "hint" });
  /**
   * @param {string} label
   * @param {boolean} missed
   */
  const choice = (label, missed) =>
    el("button", { type: "button", class: "choice", onclick: () => choose(missed) }, label);
  const choices = [choice(t("recents.all"), false), choice(t("recents.missed"), true)];
  const clear = button({ label: t("recents.clear"), icon: "trash", kind: "quiet", bare: true, onclick: () => wipe() });
  /** @type {HTMLInputElement} */
  const forget = el("input", { type: "checkbox", onchange: () => (history.forgets = forget.checked) });
  const forgets = el("label", { class: "check" }, forget, el("span", null, t("recents.forget")));
  const bar = el("div", { class: "row choices", role: "group", "aria-label": t("recents.show") }, choices, clear);
  const content = el("div", { class: "recents-content" }, bar, list, none, forgets);
  const element = options.compact ? folded() : card(t("recents.title"), { class: "recents" }, content);
  if (!options.compact) /** @type {Element} */ (element.firstChild).append(" ", badge);
  element.addEventListener("focusin", () => seen());
  element.addEventListener("pointerdown", () => seen());

  /** @returns {HTMLElement} */
  function folded() {
    return el(
      "details",
      { class: "card recents", ontoggle: () => element.hasAttribute("open") && seen() },
      el("summary", null, el("h2", null, t("recents.title"), " ", badge), icon("chevron")),
      content,
    );
  }

  function seen() {
    if (!history.unseen) return;
    history.see();
    update();
    alerts.show(model.incoming, texts, 0);
  }

  /** @param {boolean} missed */
  function choose(missed) {
    missedOnly = missed;
    update();
  }

  function wipe() {
    const entries = history.clear();
    update();
    element.querySelector("button")?.focus();
    model.notify({
      kind: "info",
      code: "cleared",
      action: {
        key: "recents.undo",
        run: () => {
          history.restore(entries);
          update();
        },
      },
    });
  }

  function update() {
    const entries = history.entries.filter(({ outcome }) => !missedOnly || outcome === "missed");
    const { unseen } = history;
    show(badge, unseen);
    say(badge, unseen ? t("recents.unseen", { count: unseen }) : "");
    choices.forEach((each, index) => put(each, "aria-pressed", String(Boolean(index) === missedOnly)));
    show(none, !entries.length);
    show(clear, history.entries.length);
    forget.checked = history.forgets;
    say(none, t(missedOnly ? "recents.none_missed" : "recents.none"));
    const days = byDay(entries);
    const state = JSON.stringify([...days]);
    if (state === drawn) return;
    drawn = state;
    list.replaceChildren(...[...days].flatMap(([day, of]) => group(day, of)));
    show(list, entries.length);
  }

  /**
   * @param {Entry[]} entries
   * @returns {Map<string, Entry[]>} by what their day is called
   */
  function byDay(entries) {
    const days = new Map();
    for (const entry of entries) {
      const day = texts.day(entry.at);
      days.set(day, [...(days.get(day) ?? []), entry]);
    }
    return days;
  }

  /**
   * @param {string} day
   * @param {Entry[]} entries
   */
  function group(day, entries) {
    const id = uniqueId("day");
    return [el("h3", { id, class: "day" }, day), el("ul", { "aria-labelledby": id }, entries.map(row))];
  }

  /** @param {Entry} entry */
  function row(entry) {
    const { outcome, direction, at, duration, peer } = entry;
    const why = outcome === "failed" ? whyKey(entry, texts) : "";
    const what = why
      ? t("recents.failed_why", { why: t(why) })
      : t(outcome === "answered" ? `recents.${direction}` : `recents.${outcome}`);
    const { name, number } = whoOf(entry, texts);
    const talked = duration ? clock(duration) : "";
    return el(
      "li",
      { class: "entry", "data-outcome": outcome },
      icon(ICONS[outcome] ?? (direction === "inbound" ? "arrowIn" : "arrowOut")),
      el(
        "div",
        { class: "who" },
        el("strong", null, name),
        el("span", { class: "hint" }, [number, what, talked].filter(Boolean).join(" · ")),
      ),
      el("time", { class: "hint", datetime: new Date(at).toISOString() }, texts.hour(at)),
      button({
        label: t("recents.call", { peer }),
        icon: "handset",
        kind: "quiet",
        bare: true,
        onclick: () => model.dial(peer),
      }),
    );
  }

  return { element, update };
}
