// A call, or an agent outside of calls, as a ladder over HTTP and SIP.

import { el, say, show } from "../../softphone/dom.js";
import { heads, legend, messageRow, partyNames, pauseRow } from "../drawing.js";
import { MessagePane } from "../message.js";
import { choice } from "../parts.js";
import { passes, paused } from "../reading.js";
import { copyText, download } from "../sharing.js";
import { explain, t } from "../texts.js";
import { facts } from "./facts.js";

/** A call is still looked at for so long after its end: what comes late belongs to it. */
const AFTER = 10_000;

/** The ladder of one call (`{call}`) or agent (`{agent}`). */
export class Ladder {
  constructor(desk, query) {
    this.desk = desk;
    this.query = query;
    this.title = query.agent ? t("ladder.title.agent", { id: query.agent }) : t("calls.ladder");
    this.ladder = null;
    this.filter = "all";
    this.drawn = "";
    this.picked = null;
    this.facts = facts(desk, query);
    const copy = (text) => this.#copy(text);
    this.pane = new MessagePane({ onmove: (step) => this.#move(step), onclose: () => this.#close(), copy });
    this.#build();
  }

  /** Fetches it, unless it cannot change any more. */
  async refresh(api) {
    if (this.#over()) return;
    try {
      this.ladder = await api.get("ops/ladder", this.query);
    } catch (error) {
      if (error.code !== "not_recorded") throw error;
      return this.#missing(error);
    }
    this.#show();
  }

  // -- what is seen

  #over() {
    const call = this.ladder?.call;
    return Boolean(call?.endedAt) && (this.desk.now?.() ?? Date.now()) - call.endedAt > AFTER;
  }

  #missing(error) {
    say(this.told, t("ladder.missing", { why: explain(error) }));
    show(this.told, true);
    show(this.board, false);
  }

  #show() {
    const { ladder } = this;
    this.title = this.facts.update(ladder);
    show(this.told, false);
    show(this.board, true);
    this.follow.parentElement.hidden = Boolean(ladder.call?.endedAt);
    const parties = ladder.parties.join("\n");
    if (parties !== this.parties) this.names.replaceChildren(partyNames(ladder.parties));
    this.table.style.setProperty("--parties", String(ladder.parties.length));
    this.parties = parties;
    this.#draw();
  }

  #draw() {
    const { ladder } = this;
    const wanted = ladder.messages.filter((message) => passes(message, this.filter));
    const rows = paused(wanted);
    const keys = rows.map((row) => (row.message ? `${row.message.n} ${row.message.label}` : `pause ${row.before.n}`));
    const known = [this.filter, this.parties, ...keys.slice(0, this.body.children.length)].join("\n");
    const grows = known === this.drawn && keys.length >= this.body.children.length;
    if (!grows) this.body.replaceChildren();
    const fresh = rows.slice(this.body.children.length).map((row) => this.#row(row));
    this.body.append(...fresh);
    this.drawn = [this.filter, this.parties, ...keys].join("\n");
    const all = ladder.messages.length;
    say(this.count, t(wanted.length < all ? "ladder.count" : "ladder.count.all", { shown: wanted.length, all }));
    say(this.dropped, ladder.dropped ? t("ladder.dropped", { count: ladder.dropped }) : "");
    show(this.empty, !wanted.length);
    this.#mark();
    if (fresh.length && this.follow.checked && !this.follow.parentElement.hidden) this.#toEnd();
  }

  #row({ message, pause }) {
    const { parties } = this.ladder;
    return message ? messageRow(message, { parties, onpick: (n) => this.pick(n) }) : pauseRow(pause, parties);
  }

  #toEnd() {
    this.body.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  #steps() {
    return [...this.body.querySelectorAll(".step")];
  }

  /** One step of the ladder can be reached by Tab: the one that was picked or focused last. */
  #mark(focused = null) {
    const steps = this.#steps();
    const own = (step) => Number(step.closest("tr").dataset.n) === this.picked;
    const current = focused ?? steps.find((step) => step.tabIndex === 0) ?? steps[0];
    for (const step of steps) {
      step.tabIndex = step === current ? 0 : -1;
      step.closest("tr").classList.toggle("picked", own(step));
      if (own(step)) step.setAttribute("aria-current", "true");
      else step.removeAttribute("aria-current");
    }
  }

  // -- what is done

  /** Opens a message beside the ladder. */
  pick(n) {
    this.picked = n;
    this.pane.show(this.ladder.messages.find((message) => message.n === n) ?? null, this.ladder.parties);
    const step = this.#steps().find((each) => Number(each.closest("tr").dataset.n) === n);
    this.#mark(step);
    step?.focus({ preventScroll: true });
    step?.closest("tr").scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.picked = null;
    this.pane.show(null);
    this.#mark();
    this.#steps().find((step) => step.tabIndex === 0)?.focus();
  }

  #move(step) {
    const steps = this.#steps();
    const at = steps.findIndex((each) => each.tabIndex === 0);
    const next = steps[Math.max(0, Math.min(steps.length - 1, at + step))];
    if (!next) return;
    this.#mark(next);
    if (this.picked !== null) return this.pick(Number(next.closest("tr").dataset.n));
    next.focus();
  }

  #keys(event) {
    const far = this.#steps().length;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -far, End: far };
    if (event.key === "Escape" && this.picked !== null) this.#close();
    else if (event.key in steps && !event.ctrlKey && !event.metaKey && !event.altKey) this.#move(steps[event.key]);
    else return;
    event.preventDefault();
  }

  async #copy(text) {
    this.desk.tell(t((await copyText(text)) ? "ladder.copied" : "ladder.copy.failed"));
  }

  async #export(act) {
    try {
      await act(await this.desk.api.text("ops/ladder.txt", this.query));
    } catch (error) {
      this.desk.tell(explain(error));
    }
  }

  #build() {
    this.told = el("p", { class: "told", role: "status" }, t("ladder.loading"));
    const column = (name) => el("th", { scope: "col", role: "columnheader", class: name });
    this.names = column("drawing");
    this.body = el("tbody", { role: "rowgroup" });
    const head = ["no", "time", "delta"].map(column);
    head.forEach((each) => say(each, t(`ladder.${each.className}`)));
    this.table = el(
      "table",
      { class: "ladder", role: "table", onkeydown: (event) => this.#keys(event) },
      el("caption", { class: "unseen" }, t("ladder.caption")),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head, this.names)),
      this.body,
    );
    this.empty = el("p", { class: "empty", hidden: true }, t("ladder.none"));
    this.dropped = el("p", { class: "soft" });
    this.board = el(
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
    this.element = el("section", { class: "ladder-view" }, heads(), this.facts.element, this.told, this.board);
  }

  #tools() {
    const options = ["all", "sip", "http"].map((each) => [each, t(`ladder.${each}`)]);
    const shown = choice(t("ladder.show"), options, this.filter, (value) => {
      this.filter = value;
      this.#draw();
    });
    this.count = el("span", { class: "soft count" });
    const follow = () => this.follow.checked && this.#toEnd();
    this.follow = el("input", { type: "checkbox", checked: true, onchange: follow });
    const name = `ladder-${String(this.query.call ?? this.query.agent).replace(/[^\w-]/g, "_")}.txt`;
    const button = (key, act) => el("button", { type: "button", onclick: () => this.#export(act) }, t(`ladder.${key}`));
    return el(
      "div",
      { class: "bar-tools" },
      shown,
      this.count,
      el("label", { class: "follow" }, this.follow, t("ladder.follow")),
      el(
        "div",
        { class: "buttons" },
        button("copy", (text) => this.#copy(text)),
        button("download", (text) => download(text, name)),
      ),
    );
  }
}
