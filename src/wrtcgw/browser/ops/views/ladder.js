// A call, or an agent outside of calls, as a ladder over HTTP and SIP.

import { el, say, show } from "../../softphone/dom.js";
import { OpsError } from "../api.js";
import { heads, legend, messageRow, partyNames, pauseRow } from "../drawing.js";
import { MessagePane } from "../message.js";
import { choice } from "../parts.js";
import { passes, paused } from "../reading.js";
import { copyText, download } from "../sharing.js";
import { explain, t } from "../texts.js";
import { facts } from "./facts.js";

/** @import { OpsAPI } from "../api.js" */
/** @import { Desk, LadderView, Message } from "../types.js" */

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
  following = el("label", { class: "follow" }, this.follow, t("ladder.follow"));

  /**
   * @param {Desk} desk
   * @param {{call?: string, agent?: string}} query
   */
  constructor(desk, query) {
    this.desk = desk;
    this.query = query;
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
    const parties = ladder.parties.join("\n");
    if (parties !== this.parties) this.names.replaceChildren(partyNames(ladder.parties));
    this.table.style.setProperty("--parties", String(ladder.parties.length));
    this.parties = parties;
    this.#draw(ladder);
  }

  /** @param {LadderView} ladder */
  #draw(ladder) {
    const wanted = ladder.messages.filter((message) => passes(message, this.filter));
    const rows = paused(wanted);
    const keys = rows.map((row) => (row.message ? `${row.message.n} ${row.message.label}` : `pause ${row.before.n}`));
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
    this.#mark();
    if (fresh.length && this.follow.checked && !this.following.hidden) this.#toEnd();
  }

  /**
   * @param {{message?: Message, pause?: number}} row
   * @param {LadderView} ladder
   */
  #row({ message, pause = 0 }, { parties }) {
    return message ? messageRow(message, { parties, onpick: (n) => this.pick(n) }) : pauseRow(pause, parties);
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
    this.picked = n;
    const { messages = [], parties = [] } = this.ladder ?? {};
    this.pane.show(messages.find((message) => message.n === n) ?? null, parties);
    const step = this.#steps().find((each) => numberOf(each) === n);
    this.#mark(step);
    step?.focus({ preventScroll: true });
    step?.closest("tr")?.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.picked = null;
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
    const button = (key, act) => el("button", { type: "button", onclick: () => this.#export(act) }, t(`ladder.${key}`));
    return el(
      "div",
      { class: "bar-tools" },
      shown,
      this.count,
      this.following,
      el(
        "div",
        { class: "buttons" },
        button("copy", (text) => this.#copy(text)),
        button("download", (text) => download(text, `${name}.txt`)),
        el("button", { type: "button", onclick: () => this.#capture(`${name}.pcap`) }, t("ladder.pcap")),
      ),
    );
  }
}
