// The tables of agents and of calls, for whichever view shows them.

import { el, put, say } from "../../softphone/dom.js";
import { clock, moment, span, time } from "../format.js";
import { badge, buttons, liveTable, text } from "../table.js";
import { t } from "../texts.js";
import { callState, duration, ends, hasFailed, outcome, parties, quality, registration } from "../words.js";

/** @import { Agent, Call, Desk, Level, Session } from "../types.js" */

/**
 * @template Item
 * @typedef {import("../table.js").Fill<Item>} Fill
 */

const ARROW = "→";

/**
 * Makes a table of agents.
 * @param {Desk} desk
 */
export function agentsTable(desk) {
  return liveTable({
    caption: t("agents.title"),
    empty: t("agents.none"),
    className: "agents",
    key: (agent) => agent.id,
    columns: [
      { name: "id", title: t("agents.id"), head: true, fill: agentName },
      { name: "dn", title: t("agents.dn"), fill: text((agent) => agent.dn || t("agents.guest")) },
      { name: "registration", title: t("agents.registration"), fill: badge(registration) },
      { name: "expires", title: t("agents.expires"), fill: text(expires) },
      { name: "page", title: t("agents.page"), fill: badge(page) },
      { name: "calls", title: t("agents.calls"), fill: text((agent) => String(agent.calls)) },
      { name: "since", title: t("agents.since"), fill: text((agent) => span(agent.signedIn)) },
      { name: "error", title: t("agents.error"), fill: text(lastError) },
      { name: "actions", title: t("agents.actions"), unseen: true, fill: agentButtons(desk) },
    ],
  });
}

/**
 * @param {HTMLElement} cell
 * @param {Agent} agent
 */
function agentName(cell, agent) {
  if (!cell.firstChild) cell.append(el("span", { class: "name" }), el("span", { class: "soft" }));
  say(cell.children[0], agent.id);
  say(cell.children[1], agent.displayName);
}

/** @param {Agent} agent */
function expires(agent) {
  if (agent.registration === "SIGNED_OUT") return "";
  return agent.expires > 0 ? clock(agent.expires) : t("overdue");
}

/**
 * @param {Agent | Session} agent
 * @returns {[Level, string]}
 */
function page(agent) {
  if (agent.pageAlive === null) return ["off", t("agents.elsewhere", { node: agent.node ?? "" })];
  if (agent.pageResponds === false) return ["bad", t("agents.silent")];
  const count = "pages" in agent ? (agent.pages?.length ?? 1) : 1;
  const alive = agent.visibility === "hidden" ? t("agents.hidden") : t("agents.alive");
  if (agent.pageAlive) return ["ok", count > 1 ? t("agents.several", { alive, count }) : alive];
  return ["bad", agent.lastSeen === null ? t("agents.never") : t("agents.gone", { span: span(agent.lastSeen) })];
}

/** @param {Agent} agent */
function lastError(agent) {
  const failed = agent.sipCode || agent.reason ? `${agent.sipCode || ""} ${agent.reason}`.trim() : "";
  const waiting = agent.undelivered > 5 ? t("agents.undelivered", { count: agent.undelivered }) : "";
  return [failed, waiting].filter(Boolean).join("; ");
}

/**
 * @param {Desk} desk
 * @returns {Fill<Agent>}
 */
function agentButtons(desk) {
  return buttons((agent) => [
    el(
      "a",
      {
        class: "button small",
        "data-needs": "supervisor",
        href: `#/agents/${encodeURIComponent(agent().id)}`,
        "aria-label": t("agents.ladder.of", { id: agent().id }),
      },
      t("agents.ladder"),
    ),
    el(
      "button",
      {
        type: "button",
        class: "button quiet danger",
        "data-needs": "supervisor",
        "aria-label": t("agents.sign_out.of", { id: agent().id }),
        onclick: () => desk.actions.signOut(agent()),
      },
      t("agents.sign_out"),
    ),
  ]);
}

/**
 * Makes a table of sessions.
 * @param {Desk} desk
 */
export function sessionsTable(desk) {
  return liveTable({
    caption: t("sessions.title"),
    empty: t("sessions.none"),
    className: "sessions",
    key: (session) => session.session,
    columns: [
      { name: "id", title: t("agents.id"), head: true, fill: text((session) => session.id) },
      { name: "dn", title: t("agents.dn"), fill: text((session) => (session.guest ? t("agents.guest") : session.dn)) },
      { name: "address", title: t("sessions.address"), fill: text((session) => session.address) },
      { name: "since", title: t("agents.since"), fill: text((session) => span(session.since)) },
      { name: "page", title: t("agents.page"), fill: badge(page) },
      { name: "bound", title: t("sessions.bound"), fill: badge(bound) },
      { name: "calls", title: t("agents.calls"), fill: text((session) => String(session.calls)) },
      { name: "actions", title: t("agents.actions"), unseen: true, fill: sessionButtons(desk) },
    ],
  });
}

/**
 * @param {Session} session
 * @returns {[Level, string]}
 */
function bound(session) {
  return session.bound ? ["ok", t("sessions.bound.token")] : ["wait", t("sessions.bound.address")];
}

/**
 * @param {Desk} desk
 * @returns {Fill<Session>}
 */
function sessionButtons(desk) {
  return buttons((session) => [
    el(
      "button",
      {
        type: "button",
        class: "button quiet danger",
        "data-needs": "admin",
        "aria-label": t("sessions.end.of", { id: session().id }),
        onclick: () => desk.actions.endSession(session()),
      },
      t("sessions.end"),
    ),
  ]);
}

/**
 * Makes a table of calls.
 * @param {Desk} desk
 */
export function callsTable(desk, caption = t("calls.title")) {
  return liveTable({
    caption,
    empty: t("calls.none.all"),
    className: "calls",
    key: (call) => call.callId,
    columns: [
      { name: "state", title: t("calls.state"), fill: badge(callState) },
      { name: "parties", title: t("calls.parties"), head: true, fill: partiesCell },
      { name: "agent", title: t("calls.agent"), fill: text((call) => call.agent) },
      { name: "started", title: t("calls.started"), fill: text((call) => moment(call.startedAt)) },
      { name: "duration", title: t("calls.duration"), fill: text((call) => call.duration !== null && duration(call)) },
      { name: "quality", title: t("calls.quality"), fill: qualityCell },
      { name: "result", title: t("calls.result"), fill: outcomeCell },
      { name: "actions", title: t("calls.actions"), unseen: true, fill: callButtons(desk) },
    ],
  });
}

/**
 * @param {HTMLElement} cell
 * @param {Call} call
 */
function partiesCell(cell, call) {
  if (!cell.firstChild) cell.append(el("span", { class: "name" }), el("span", { class: "soft" }));
  say(cell.children[0], ends(call).join(` ${ARROW} `));
  say(cell.children[1], call.displayName);
}

/**
 * Shows a MOS as number, word and bar; also used by the ladder.
 * @param {HTMLElement} cell
 * @param {Call} call
 */
export function qualityCell(cell, call) {
  const told = quality(call);
  if (!told) return void (cell.querySelector(".mos") ? cell.replaceChildren("–") : say(cell, "–"));
  if (!cell.querySelector(".mos")) {
    const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span", {}));
    cell.replaceChildren(el("span", { class: "mos" }, bar, el("span", {}), el("span", { class: "soft" })));
  }
  const shown = /** @type {Element} */ (cell.firstChild);
  const [bar, words, worst] = shown.children;
  put(shown, "data-grade", told.level);
  /** @type {HTMLElement} */ (bar.firstChild).style.width = `${100 * told.share}%`;
  say(words, t("calls.mos", told));
  say(worst, t("calls.worst", { mos: told.worst }));
}

/**
 * @param {HTMLElement} cell
 * @param {Call} call
 */
function outcomeCell(cell, call) {
  say(cell, outcome(call) || "–");
  put(cell, "data-failed", hasFailed(call));
}

/**
 * @param {Desk} desk
 * @returns {Fill<Call>}
 */
function callButtons(desk) {
  return buttons(
    (call) => [
      el(
        "a",
        {
          class: "button small",
          "data-needs": "supervisor",
          href: `#/calls/${encodeURIComponent(call().callId)}`,
          "aria-label": t("calls.ladder.of", { parties: parties(call()), time: time(call().startedAt) }),
        },
        t("calls.ladder"),
      ),
      el(
        "button",
        {
          type: "button",
          class: "button quiet danger hang-up",
          "data-needs": "supervisor",
          "aria-label": t("calls.end.of", { parties: parties(call()) }),
          onclick: () => desk.actions.hangup(call()),
        },
        t("calls.end"),
      ),
    ],
    (cell, call) => {
      const end = /** @type {HTMLElement} */ (cell.querySelector(".hang-up"));
      end.hidden = call.state === "ENDED";
    },
  );
}
