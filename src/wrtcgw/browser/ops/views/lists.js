// Agents, calls, and what a search finds.

import { el, say } from "../../softphone/dom.js";
import { choice } from "../parts.js";
import { t } from "../texts.js";
import { agentsTable, callsTable } from "./tables.js";

const LIMIT = 200;

/** All agents that are signed in. */
export class Agents {
  constructor(desk) {
    this.title = t("agents.title");
    this.count = el("p", { class: "soft count" });
    this.table = agentsTable(desk);
    this.node = el("section", {}, el("div", { class: "title" }, el("h2", {}, this.title), this.count), this.table.node);
  }

  /** Asks for them. */
  async refresh(api) {
    const { agents } = await api.get("agents");
    say(this.count, t("agents.count", { count: agents.length }));
    this.table.update(agents);
  }
}

/** The calls that are up, and those that were. */
export class Calls {
  constructor(desk, which = "all") {
    this.desk = desk;
    this.title = t("calls.title");
    this.which = which;
    this.count = el("p", { class: "soft count" });
    this.table = callsTable(desk);
    const options = ["all", "active", "ended"].map((each) => [each, t(`calls.${each}`)]);
    const chosen = choice(t("calls.which"), options, which, (value) => this.#choose(value));
    this.node = el(
      "section",
      {},
      el("div", { class: "title" }, el("h2", {}, this.title), this.count, chosen),
      this.table.node,
    );
  }

  #choose(which) {
    this.which = which;
    this.desk.refresh();
  }

  /** Asks for them. */
  async refresh(api) {
    const { which } = this;
    const { calls } = await api.get("ops/calls", { state: which, limit: LIMIT });
    if (which !== this.which) return;
    this.table.say(t(`calls.none.${which}`));
    say(this.count, t("calls.number", { count: calls.length }));
    this.table.update(calls);
  }
}

/** What is known of a DN, a Call-ID, a CallUUID. */
export class Search {
  constructor(desk, wanted) {
    this.title = wanted ? `${wanted} – ${t("view.search")}` : t("view.search");
    this.wanted = wanted;
    this.told = el("p", { class: "found", role: "status" }, wanted ? "" : t("search.intro"));
    this.calls = callsTable(desk);
    this.agents = agentsTable(desk);
    this.parts = [part(t("calls.title"), this.calls.node), part(t("agents.title"), this.agents.node)];
    this.node = el("section", { class: "search" }, el("h2", {}, t("search.title")), this.told, this.parts);
  }

  /** Searches; again and again, as calls go on. */
  async refresh(api) {
    if (!this.wanted) return;
    const { calls, agents } = await api.get("ops/search", { q: this.wanted });
    this.calls.update(calls);
    this.agents.update(agents);
    [calls, agents].forEach((found, index) => (this.parts[index].hidden = !found.length));
    const counts = {
      q: this.wanted,
      calls: t("calls.number", { count: calls.length }),
      agents: t("agents.number", { count: agents.length }),
    };
    say(this.told, t(calls.length + agents.length ? "search.found" : "search.nothing", counts));
  }
}

function part(title, node) {
  return el("div", { class: "part", hidden: true }, el("h3", {}, title), node);
}
