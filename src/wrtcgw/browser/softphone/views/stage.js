// The calls: those that ring, the one in hand, those that wait; and what became of the last one.

import { arrange, el, say, show } from "../dom.js";
import { icon } from "../icons.js";
import { ending, isWrongNumber, verdictOf } from "../words.js";
import { clock } from "../texts.js";
import { callView } from "./call.js";
import { incomingView } from "./incoming.js";
import { button, card } from "./parts.js";

/** @import { Call } from "../../grtc/call.js" */
/** @import { Context, EndedCall, View } from "../types.js" */

/** @param {Context} context */
export function stageView(context) {
  const { model, t } = context;
  const list = el("div", { class: "calls" });
  const rest = el("div", { class: "rest" });
  const element = card(t("calls.title"), { class: "stage" }, list, rest);
  const heading = /** @type {HTMLElement} */ (element.firstChild);
  const ready = empty();
  /** @type {Map<Call, View & {incoming: boolean, digit?: (digit: string) => void}>} */
  const views = new Map();
  /** @type {EndedCall | null | undefined} */
  let ended; // the call whose end is shown; undefined before the first look

  /**
   * @param {Call} call
   * @param {boolean} incoming
   */
  const view = (call, incoming) => {
    const known = views.get(call);
    if (known && known.incoming === incoming) return known;
    const made = Object.assign(incoming ? incomingView(context, call) : callView(context, call), { incoming });
    views.set(call, made);
    return made;
  };

  return {
    element,
    update() {
      const { incoming, current } = model;
      const focused = element.contains(document.activeElement) ? document.activeElement : null;
      const before = new Set(list.children);
      for (const call of views.keys()) if (call.isOver) views.delete(call);
      const all = [...incoming.map((call) => view(call, true)), ...current.map((call) => view(call, false))];
      all.forEach((each) => each.update());
      arrange(
        list,
        all.map((each) => each.element),
      );
      showRest(!all.length);
      moveFocus(
        focused,
        [...list.children].find((node) => !before.has(node)),
      );
    },
    tick: () => views.forEach((each) => each.tick?.()),
    levels: () => views.forEach((each) => each.levels?.()),
    focus: () => heading.focus(),
    /** @param {string} digit */
    digit: (digit) => inHand()?.digit?.(digit),
  };

  /**
   * When what had the focus is gone, it goes to what has taken its place: the new card, the call in hand, or the
   * heading. It also goes to a call that was just placed here; but one that comes in takes it from nothing.
   * @param {Element | null} focused
   * @param {Element | undefined} fresh
   */
  function moveFocus(focused, fresh) {
    const lost = focused && (!element.contains(focused) || focused.closest("[hidden]"));
    const nowhere = document.activeElement === document.body || document.activeElement === null;
    const placed = fresh?.getAttribute("data-state") === "calling" && context.element.contains(document.activeElement);
    const target = fresh ?? inHand()?.element;
    const wanted = /** @type {HTMLElement | null | undefined} */ (target?.querySelector("[data-focus]"));
    if (lost || placed || (fresh && nowhere)) (wanted ?? heading).focus();
  }

  // the view of the call in hand
  function inHand() {
    return model.selected ? views.get(model.selected) : undefined;
  }

  /** @param {boolean} idle */
  function showRest(idle) {
    const { lastEnded } = model;
    show(rest, idle || lastEnded?.ended.missed || lastEnded?.ended.answeredElsewhere);
    show(ready, idle);
    const able = model.registration.level === "ok";
    say(ready.children[1], t(able ? "calls.none" : "calls.not_ready"));
    say(ready.children[2], t(able ? "calls.none_hint" : "calls.not_ready_hint"));
    if (ended === lastEnded) return;
    ended = lastEnded;
    rest.replaceChildren(...(lastEnded ? [endedCard(lastEnded)] : []), ready);
  }

  function empty() {
    return el("div", { class: "empty" }, icon("handset"), el("p", { class: "empty-title" }), el("p", null));
  }

  /** @param {EndedCall} call */
  function endedCard(call) {
    const { key, params, failure, code } = ending(call, context.texts, model.transferredTo(call));
    const talked = call.answeredAt ? t("ended.talked", { time: clock(call.endedAt - call.answeredAt) }) : "";
    const verdict = verdictOf(call);
    return el(
      "div",
      { class: `ended ${failure ? "failure" : ""}`, role: "status" },
      icon(failure ? "alert" : "info"),
      el(
        "p",
        null,
        el("strong", null, t(`${key}.title`, params)),
        " ",
        context.texts.has(`${key}.todo`) ? t(`${key}.todo`, params) : "",
        " ",
        talked,
        verdict ? ` ${t(verdict.key, verdict.params)}` : "",
        code ? el("small", null, t("error.code", { code })) : null,
      ),
      el(
        "div",
        { class: "row" },
        next(call, failure),
        button({
          label: t("notice.dismiss"),
          icon: "close",
          kind: "quiet",
          bare: true,
          onclick: () => model.forgetEnded(),
        }),
      ),
    );
  }

  /**
   * A wrong number is put right, not called again as it is.
   * @param {EndedCall} call
   * @param {boolean} failure
   */
  function next(call, failure) {
    if (!call.peer || !(failure || call.ended.missed)) return null;
    if (call.direction === "outbound" && isWrongNumber(call.ended) && context.options.dial !== false) {
      return button({ label: t("ended.correct"), kind: "small", onclick: () => model.edit(call.peer) });
    }
    const label = t("ended.again", { peer: call.peer });
    return button({ label, icon: "handset", kind: "small", onclick: () => model.dial(call.peer) });
  }
}
