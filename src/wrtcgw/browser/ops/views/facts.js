// What stands above a ladder: who, when, how it ended, and its keys to look for elsewhere.

import { el, say, show } from "../../softphone/dom.js";
import { moment } from "../format.js";
import { fillBadge } from "../table.js";
import { t } from "../texts.js";
import { callState, duration, outcome, parties, qualityText, verdictText } from "../words.js";

/** @import { Actions } from "../actions.js" */
/** @import { Call, LadderView } from "../types.js" */

/** @type {[string, (call: Call, ladder: LadderView) => string][]} */
const FACTS = [
  ["agent", (call) => (call.agent && call.dn && call.agent !== call.dn ? `${call.agent} (${call.dn})` : call.agent)],
  ["started", (call) => moment(call.startedAt)],
  ["answered", (call) => (call.answeredAt ? moment(call.answeredAt) : t("calls.unanswered"))],
  ["ended", (call) => (call.endedAt ? moment(call.endedAt) : "")],
  ["quality", qualityText],
  ["verdict", verdictText],
  ["dn", () => ""],
  ["id", (call) => call.callId],
  ["callId", (call, ladder) => ladder.sipCallIds.join(" ")],
  ["uuid", (call) => call.uuid],
];
/** @typedef {{call?: string, agent?: string}} Query whose ladder it is */

const KEYS = ["dn", "id", "callId", "uuid"];

/**
 * Makes the part; `update` returns the view's title.
 * @param {{actions: Actions}} desk
 * @param {Query} query
 */
export function facts(desk, query) {
  /** @type {Call | null} */
  let call = null;
  const heading = el("h2", {}, query.agent ? t("ladder.title.agent", { id: query.agent }) : t("calls.ladder"));
  const state = el("span", { class: "badge", hidden: true });
  const told = el("p", { class: "soft outcome" });
  const attributes = { type: "button", class: "button danger", "data-needs": "supervisor", hidden: true };
  const end = el("button", attributes, t("ladder.end"));
  end.addEventListener("click", () => call && desk.actions.hangup(call));
  /** @type {Map<string, {element: HTMLElement, value: HTMLElement}>} */
  const values = new Map();
  const list = el("dl", { class: "facts", "aria-label": t("ladder.facts") });
  for (const [name] of FACTS) {
    const value = el("dd", { class: KEYS.includes(name) ? "key" : "" });
    const node = el("div", { hidden: true }, el("dt", {}, t(`ladder.${name}`)), value);
    values.set(name, { element: node, value });
    list.append(node);
  }

  /** @param {LadderView} ladder */
  function update(ladder) {
    const now = ladder.call;
    call = now;
    const texts = now ? FACTS.map(([name, read]) => [name, read(now, ladder)]) : rest(ladder, query);
    for (const [name, text] of texts) {
      const fact = values.get(name);
      if (!fact) continue;
      say(fact.value, text);
      show(fact.element, text);
    }
    if (call) {
      say(heading, t("ladder.title", { parties: parties(call) }));
      fillBadge(state, ...callState(call));
      say(told, [duration(call), outcome(call)].filter(Boolean).join(" · "));
    }
    show(state, call);
    show(end, call && !call.endedAt);
    return heading.textContent;
  }

  const [target, words] = query.agent ? ["#/agents", "ladder.back.agents"] : ["#/calls", "ladder.back"];
  const back = el("a", { class: "back", href: target }, `← ${t(words)}`);
  const title = el("div", { class: "title" }, heading, state, told, end);
  return { element: el("div", { class: "ladder-head" }, back, title, list), update };
}

/**
 * Of an agent, whose track is kept by the DN; or of a call that is remembered no more.
 * @param {LadderView} ladder
 * @param {Query} query
 */
function rest(ladder, query) {
  return [
    [query.agent ? "dn" : "id", ladder.callId],
    ["callId", ladder.sipCallIds.join(" ")],
  ];
}
