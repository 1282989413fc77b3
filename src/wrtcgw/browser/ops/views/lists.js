// Agents, calls, and what a search finds.

import { el, say, show } from "../../softphone/dom.js";
import { csv } from "../csv.js";
import { addressOf, filterOf, isFiltered, queryOf } from "../filters.js";
import { number } from "../format.js";
import { choice } from "../parts.js";
import { download } from "../sharing.js";
import { explain, t } from "../texts.js";
import { filterBar } from "./filterbar.js";
import { agentsTable, callsTable, sessionsTable } from "./tables.js";

/** @import { OpsAPI } from "../api.js" */
/** @import { Filter } from "../filters.js" */
/** @import { Desk } from "../types.js" */

const STEP = 200;
const MOST = 1000; // that the gateway gives at a time
const STATES = ["all", "active", "ended"];

/** All agents that are signed in. */
export class Agents {
  /** @param {Desk} desk */
  constructor(desk) {
    this.title = t("agents.title");
    this.count = el("p", { class: "soft count" });
    this.table = agentsTable(desk);
    this.element = el(
      "section",
      {},
      el("div", { class: "title" }, el("h2", {}, this.title), this.count),
      this.table.element,
    );
  }

  /**
   * Asks for them.
   * @param {OpsAPI} api
   */
  async refresh(api) {
    const { agents } = await api.get("agents");
    say(this.count, t("agents.count", { count: agents.length }));
    this.table.update(agents);
  }
}

/** All sessions of agents. */
export class Sessions {
  /** @param {Desk} desk */
  constructor(desk) {
    this.title = t("sessions.title");
    this.count = el("p", { class: "soft count" });
    this.table = sessionsTable(desk);
    this.element = el(
      "section",
      {},
      el("div", { class: "title" }, el("h2", {}, this.title), this.count),
      this.table.element,
    );
  }

  /**
   * Asks for them.
   * @param {OpsAPI} api
   */
  async refresh(api) {
    const { sessions } = await api.get("ops/sessions");
    say(this.count, t("sessions.count", { count: sessions.length }));
    this.table.update(sessions);
  }
}

/** The calls that are up, and those that were: as the filter in the address says. */
export class Calls {
  /**
   * @param {Desk} desk
   * @param {Filter} [filter]
   */
  constructor(desk, filter = filterOf("")) {
    this.desk = desk;
    this.title = t("calls.title");
    this.filter = filter;
    this.limit = STEP;
    this.count = el("p", { class: "soft count", role: "status" });
    this.table = callsTable(desk);
    const more = { type: "button", class: "button", hidden: true, onclick: () => this.#showMore() };
    this.more = el("button", more, t("calls.more"));
    this.most = el("p", { class: "soft", hidden: true }, t("calls.most", { shown: MOST }));
    const options = STATES.map((each) => [each, t(`calls.${each}`)]);
    const chosen = choice(t("calls.which"), options, filter.state, (state) => this.#change({ state }));
    this.bar = filterBar(filter, (changed) => this.#change(changed));
    const save = { type: "button", class: "button small", onclick: () => this.#export() };
    this.element = el(
      "section",
      {},
      el("div", { class: "title" }, el("h2", {}, this.title), this.count, chosen, el("button", save, t("calls.csv"))),
      this.bar.element,
      this.table.element,
      el("div", { class: "more" }, this.more, this.most),
    );
  }

  /** @param {Partial<Filter>} changed */
  #change(changed) {
    this.filter = { ...this.filter, ...changed, state: changed.state ?? this.filter.state };
    this.limit = STEP;
    history.replaceState(null, "", addressOf(this.filter));
    this.bar.set(this.filter);
    this.desk.refresh();
  }

  #showMore() {
    this.limit = Math.min(MOST, this.limit + STEP);
    this.desk.refresh();
  }

  #query() {
    return queryOf(this.filter, this.desk.now?.() ?? Date.now());
  }

  /** Saves the calls of the filter, also those that are not shown, as far as the gateway gives them. */
  async #export() {
    try {
      const { calls } = await this.desk.api.get("ops/calls", { ...this.#query(), limit: MOST });
      download(new Blob([csv(calls)], { type: "text/csv" }), "calls.csv");
    } catch (error) {
      this.desk.tell(explain(error));
    }
  }

  /**
   * Asks for them.
   * @param {OpsAPI} api
   */
  async refresh(api) {
    const { filter } = this;
    const { calls, total = calls.length } = await api.get("ops/calls", { ...this.#query(), limit: this.limit });
    if (filter !== this.filter) return;
    this.table.say(t(isFiltered(filter) ? "calls.none.filtered" : `calls.none.${filter.state}`));
    say(this.count, counted(calls.length, total));
    this.table.update(calls);
    const rest = total > calls.length;
    show(this.more, rest && this.limit < MOST);
    show(this.most, rest && this.limit >= MOST);
  }
}

/** What is known of a DN, a Call-ID, a CallUUID. */
export class Search {
  /**
   * @param {Desk} desk
   * @param {string} wanted
   */
  constructor(desk, wanted) {
    this.title = wanted ? `${wanted} – ${t("view.search")}` : t("view.search");
    this.wanted = wanted;
    this.told = el("p", { class: "found", role: "status" }, wanted ? "" : t("search.intro"));
    this.calls = callsTable(desk);
    this.agents = agentsTable(desk);
    this.parts = [part(t("calls.title"), this.calls.element), part(t("agents.title"), this.agents.element)];
    this.more = el("p", { class: "soft", hidden: true });
    this.element = el(
      "section",
      { class: "search" },
      el("h2", {}, t("search.title")),
      this.told,
      this.more,
      this.parts,
    );
  }

  /**
   * Searches; again and again, as calls go on.
   * @param {OpsAPI} api
   */
  async refresh(api) {
    if (!this.wanted) return;
    const { calls, agents, totals } = await api.get("ops/search", { q: this.wanted });
    const found = totals ?? { calls: calls.length, agents: agents.length };
    this.calls.update(calls);
    this.agents.update(agents);
    [calls, agents].forEach((each, index) => (this.parts[index].hidden = !each.length));
    const counts = {
      q: this.wanted,
      calls: t("calls.number", { count: found.calls }),
      agents: t("agents.number", { count: found.agents }),
    };
    show(this.more, found.calls > calls.length);
    say(this.more, t("search.more", { shown: calls.length }));
    say(this.told, t(calls.length + agents.length ? "search.found" : "search.nothing", counts));
  }
}

/**
 * How many calls there are; and how many of them are shown, where that is not all.
 * @param {number} shown
 * @param {number} total
 */
function counted(shown, total) {
  return shown < total ? t("calls.shown", { shown, total: number(total) }) : t("calls.number", { count: total });
}

/**
 * @param {string} title
 * @param {HTMLElement} node
 */
function part(title, node) {
  return el("div", { class: "part", hidden: true }, el("h3", {}, title), node);
}
