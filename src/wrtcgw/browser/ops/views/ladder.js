// A call, or an agent outside of calls, as a ladder over HTTP and SIP.

import { el, say, show } from "../../softphone/dom.js";
import { OpsError } from "../api.js";
import { foldRow, heads, legend, messageRow, partyNames, pauseRow } from "../drawing.js";
import { folded, isFailure, item } from "../folding.js";
import { MessagePane } from "../message.js";
import { choice } from "../parts.js";
import { passes, paused } from "../reading.js";
import { copyText, download } from "../sharing.js";
import { explain, t } from "../texts.js";
import { facts } from "./facts.js";

/** @import { OpsAPI } from "../api.js" */
/** @import { Item } from "../folding.js" */
/** @import { Desk, LadderView } from "../types.js" */

/** A call is still looked at for so long after its end: what comes late belongs to it. */
const AFTER = 10_000;

/** @param {string} name */
function column(name) {
  return el("th", { scope: "col", role: "columnheader", class: name });
}

/**
 * Returns the number of the message that a step of the ladder is.
 * @param {HTMLElement} step
 */
function numberOf(step) {
  return Number(step.closest("tr")?.dataset.n);
}

/**
 * @param {HTMLInputElement} box
 * @param {string} words
 */
function check(box, words) {
  return el("label", { class: "follow" }, box, words);
}

/** @param {Item} row */
function keyOf({ messages, fold }) {
  return [messages[0].n, messages[messages.length - 1].n, fold, messages[0].label].join(" ");
}

/**
 * Returns the address of a ladder, or of one of its messages.
 * @param {{call?: string, agent?: string}} query
 * @param {number} [n]
 */
function addressOf({ call, agent }, n) {
  const ladder = call ? `#/calls/${encodeURIComponent(call)}` : `#/agents/${encodeURIComponent(agent ?? "")}`;
  return n === undefined ? ladder : `${ladder}/m${n}`;
}

/** The ladder of one call (`{call}`) or agent (`{agent}`). */
export class Ladder {
  told = el("p", { class: "told", role: "status" }, t("ladder.loading"));
  names = column("drawing");
  body = el("tbody", { role: "rowgroup" });
  table = el("table", { class: "ladder", role: "table", onkeydown: (event) => this.#keys(event) });
  empty = el("p", { class: "empty", hidden: true }, t("ladder.none"));
  dropped = el("p", { class: "soft" });
  count = el("span", { class: "soft count" });
  /** @type {HTMLInputElement} */
  follow = el("input", { type: "checkbox", checked: true, onchange: () => this.follow.checked && this.#toEnd() });
  following = check(this.follow, t("ladder.follow"));
  /** @type {HTMLInputElement} */
  fold = el("input", { type: "checkbox", checked: true, onchange: () => this.#refold() });
  /** @type {HTMLInputElement} */
  both = el("input", { type: "checkbox", checked: true, onchange: () => this.#join() });
  bothLegs = el("span", { hidden: true }, check(this.both, t("ladder.both")));
  failures = el("button", { type: "button", class: "button danger", hidden: true, onclick: () => this.#nextFailure() });
  /** @type {Set<number>} the first messages of what was folded up and is not any more */
  unfolded = new Set();

  /**
   * @param {Desk} desk
   * @param {{call?: string, agent?: string, both?: boolean}} query
   * @param {number | null} [at] the number of the message that is picked at first
   */
  constructor(desk, query, at = null) {
    this.desk = desk;
    this.query = query.call ? { ...query, both: true } : query;
    this.at = at;
    this.title = query.agent ? t("ladder.title.agent", { id: query.agent }) : t("calls.ladder");
    /** @type {LadderView | null} */
    this.ladder = null;
    this.filter = "all";
    this.drawn = "";
    /** @type {number | null} */
    this.picked = null;
    this.parties = "";
    this.facts = facts(desk, query);
    /** @param {string} text */
    const copy = (text) => this.#copy(text);
    this.pane = new MessagePane({ onmove: (step) => this.#move(step), onclose: () => this.#close(), copy });
    this.board = this.#drawing();
    this.element = el("section", { class: "ladder-view" }, heads(), this.facts.element, this.told, this.board);
  }

  /**
   * Fetches it, unless it cannot change any more.
   * @param {OpsAPI} api
   */
  async refresh(api) {
    if (this.#over()) return;
    try {
      this.ladder = await api.get("ops/ladder", this.query);
    } catch (error) {
      if (!(error instanceof OpsError) || error.code !== "not_recorded") throw error;
      this.#missing(error);
      return;
    }
    if (this.ladder) this.#show(this.ladder);
  }

  // -- what is seen

  #over() {
    const call = this.ladder?.call;
    return Boolean(call?.endedAt) && (this.desk.now?.() ?? Date.now()) - (call?.endedAt ?? 0) > AFTER;
  }

  /** @param {OpsError} error */
  #missing(error) {
    say(this.told, t("ladder.missing", { why: explain(error) }));
    show(this.told, true);
    show(this.board, false);
  }

  /** @param {LadderView} ladder */
  #show(ladder) {
    this.title = this.facts.update(ladder);
    show(this.told, false);
    show(this.board, true);
    this.following.hidden = Boolean(ladder.call?.endedAt);
    show(this.bothLegs, ladder.other);
    const parties = ladder.parties.join("\n");
    if (parties !== this.parties) this.names.replaceChildren(partyNames(ladder.parties));
    this.table.style.setProperty("--parties", String(ladder.parties.length));
    this.parties = parties;
    this.#draw(ladder);
    const { at } = this;
    this.at = null;
    if (at !== null && ladder.messages.some(({ n }) => n === at)) this.pick(at);
  }

  /** @param {LadderView} ladder */
  #draw(ladder) {
    const wanted = ladder.messages.filter((message) => passes(message, this.filter));
    const items = this.fold.checked
      ? folded(wanted, ({ n }) => this.unfolded.has(n))
      : wanted.map((message) => item([message], ""));
    const rows = paused(items);
    const keys = rows.map((row) => (row.message ? keyOf(row.message) : `pause ${keyOf(row.before)}`));
    const known = [this.filter, this.parties, ...keys.slice(0, this.body.children.length)].join("\n");
    const grows = known === this.drawn && keys.length >= this.body.children.length;
    if (!grows) this.body.replaceChildren();
    const fresh = rows.slice(this.body.children.length).map((row) => this.#row(row, ladder));
    this.body.append(...fresh);
    this.drawn = [this.filter, this.parties, ...keys].join("\n");
    const all = ladder.messages.length;
    say(this.count, t(wanted.length < all ? "ladder.count" : "ladder.count.all", { shown: wanted.length, all }));
    say(this.dropped, ladder.dropped ? t("ladder.dropped", { count: ladder.dropped }) : "");
    show(this.empty, !wanted.length);
    const failed = wanted.filter(isFailure).length;
    show(this.failures, failed);
    say(this.failures, t("ladder.failures", { count: failed }));
    this.#mark();
    if (fresh.length && this.follow.checked && !this.following.hidden) this.#toEnd();
  }

  /**
   * @param {{message?: Item, pause?: number}} row
   * @param {LadderView} ladder
   */
  #row({ message: each, pause = 0 }, { parties, legs, call, other }) {
    if (!each) return pauseRow(pause, parties);
    const of = legs > 1 ? [call, other].map((leg) => leg?.dn ?? "") : [];
    const drawn = { parties, legs: of, onpick: (/** @type {number} */ n) => this.pick(n) };
    return each.fold ? foldRow(each, drawn) : messageRow(each.messages[0], drawn);
  }

  #refold() {
    this.unfolded.clear();
    if (this.ladder) this.#draw(this.ladder);
  }

  /** Draws the call with its other leg, or without. */
  #join() {
    this.query.both = this.both.checked;
    this.picked = null;
    this.pane.show(null);
    this.ladder = null;
    this.desk.refresh();
  }

  /** Unfolds what a message is folded up in. @param {number} n */
  #unfold(n) {
    if (!this.ladder || !this.fold.checked) return;
    const wanted = this.ladder.messages.filter((message) => passes(message, this.filter));
    const hidden = folded(wanted, (first) => this.unfolded.has(first.n));
    const found = hidden.find(({ fold, messages }) => fold && messages.some((each) => each.n === n));
    if (!found) return;
    this.unfolded.add(found.messages[0].n);
    this.#draw(this.ladder);
  }

  /** Goes to the failure after the message that is picked, or to the first one. */
  #nextFailure() {
    const failed = (this.ladder?.messages ?? []).filter((each) => isFailure(each) && passes(each, this.filter));
    const next = failed.find(({ n }) => n > (this.picked ?? 0)) ?? failed[0];
    if (next) this.pick(next.n);
  }

  #toEnd() {
    this.body.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  /** @returns {HTMLElement[]} */
  #steps() {
    return [...this.body.querySelectorAll(".step")].map((step) => /** @type {HTMLElement} */ (step));
  }

  /**
   * One step of the ladder can be reached by Tab: the one that was picked or focused last.
   * @param {HTMLElement | null} [focused]
   */
  #mark(focused = null) {
    const steps = this.#steps();
    /** @param {HTMLElement} step */
    const own = (step) => numberOf(step) === this.picked;
    const current = focused ?? steps.find((step) => step.tabIndex === 0) ?? steps[0];
    for (const step of steps) {
      step.tabIndex = step === current ? 0 : -1;
      step.closest("tr")?.classList.toggle("picked", own(step));
      if (own(step)) step.setAttribute("aria-current", "true");
      else step.removeAttribute("aria-current");
    }
  }

  // -- what is done

  /**
   * Opens a message beside the ladder.
   * @param {number} n
   */
  pick(n) {
    this.#unfold(n);
    this.picked = n;
    history.replaceState(null, "", addressOf(this.query, n));
    const { messages = [], parties = [] } = this.ladder ?? {};
    this.pane.show(messages.find((message) => message.n === n) ?? null, parties);
    const step = this.#steps().find((each) => numberOf(each) === n);
    this.#mark(step);
    step?.focus({ preventScroll: true });
    step?.closest("tr")?.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.picked = null;
    history.replaceState(null, "", addressOf(this.query));
    this.pane.show(null);
    this.#mark();
    this.#steps()
      .find((step) => step.tabIndex === 0)
      ?.focus();
  }

  /** @param {number} step */
  #move(step) {
    const steps = this.#steps();
    const at = steps.findIndex((each) => each.tabIndex === 0);
    const next = steps[Math.max(0, Math.min(steps.length - 1, at + step))];
    if (!next) return;
    this.#mark(next);
    if (this.picked !== null) this.pick(numberOf(next));
    else next.focus();
  }

  /** @param {KeyboardEvent} event */
  #keys(event) {
    const far = this.#steps().length;
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -far, End: far };
    if (event.key === "Escape" && this.picked !== null) this.#close();
    else if (event.key === "e" && !event.ctrlKey && !event.metaKey && !event.altKey) this.#nextFailure();
    else if (event.key in steps && !event.ctrlKey && !event.metaKey && !event.altKey) this.#move(steps[event.key]);
    else return;
    event.preventDefault();
  }

  /** @param {string} text */
  async #copy(text) {
    this.desk.tell(t((await copyText(text)) ? "ladder.copied" : "ladder.copy.failed"));
  }

  /** @param {(text: string) => unknown} act */
  async #export(act) {
    try {
      await act(await this.desk.api.text("ops/ladder.txt", this.query));
    } catch (error) {
      this.desk.tell(explain(error));
    }
  }

  /**
   * Saves the SIP messages as a file for Wireshark.
   * @param {string} name
   */
  async #capture(name) {
    try {
      download(await (await this.desk.api.fetch("ops/ladder.pcap", this.query)).blob(), name);
    } catch (error) {
      this.desk.tell(explain(error));
    }
  }

  #drawing() {
    const head = ["no", "time", "delta"].map(column);
    head.forEach((each) => say(each, t(`ladder.${each.className}`)));
    this.table.append(
      el("caption", { class: "unseen" }, t("ladder.caption")),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head, this.names)),
      this.body,
    );
    return el(
      "div",
      { class: "board", hidden: true },
      this.#tools(),
      el(
        "div",
        { class: "split" },
        el("div", { class: "rungs card" }, this.table, this.empty, this.dropped, legend()),
        this.pane.element,
      ),
    );
  }

  #tools() {
    const options = ["all", "sip", "http"].map((each) => [each, t(`ladder.${each}`)]);
    const shown = choice(t("ladder.show"), options, this.filter, (value) => {
      this.filter = value;
      if (this.ladder) this.#draw(this.ladder);
    });
    const name = `ladder-${String(this.query.call ?? this.query.agent).replace(/[^\w-]/g, "_")}`;
    /** @type {(key: string, act: (text: string) => unknown) => HTMLElement} */
    const button = (key, act) =>
      el("button", { type: "button", class: "button", onclick: () => this.#export(act) }, t(`ladder.${key}`));
    return el(
      "div",
      { class: "bar-tools" },
      shown,
      this.count,
      check(this.fold, t("ladder.fold")),
      this.bothLegs,
      this.following,
      this.failures,
      el(
        "div",
        { class: "buttons" },
        button("copy", (text) => this.#copy(text)),
        button("download", (text) => download(text, `${name}.txt`)),
        el(
          "button",
          { type: "button", class: "button", onclick: () => this.#capture(`${name}.pcap`) },
          t("ladder.pcap"),
        ),
      ),
    );
  }
}
