// Transferring a call: at once, after asking, or to the one who waits in another call.

import { arrange, el, put, say, show, uniqueId } from "../dom.js";
import { nameOf, tidy } from "../words.js";
import { button, field } from "./parts.js";

/** @import { Call } from "../../grtc/call.js" */
/** @import { Context } from "../types.js" */

/**
 * @param {Context} context
 * @param {Call} call
 * @param {() => void} close
 */
export function transferView({ model, favourites, texts, t }, call, close) {
  const to = el("input", {
    type: "tel",
    autocomplete: "off",
    maxlength: 256,
    enterkeyhint: "done",
    oninput: () => kept.update(),
  });
  const kept = favouritesOf({ favourites, t }, to);
  const blind = el("button", { type: "submit", class: "button primary" }, t("transfer.now"));
  const ask = button({ label: t("transfer.ask"), onclick: () => act(() => model.consult(call, to.value)) });
  const form = el(
    "form",
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        act(() => model.transfer(call, to.value));
      },
    },
    field(t("transfer.to"), to, el("p", { class: "hint" }, t("transfer.hint"))),
    kept.element,
    el("div", { class: "row" }, blind, ask, button({ label: t("transfer.cancel"), kind: "quiet", onclick: close })),
  );
  const others = el("div", { class: "partners", role: "group", "aria-label": t("transfer.others") });
  const id = uniqueId("transfer");
  const heading = el("h4", { id });
  const element = el(
    "div",
    { class: "extra transfer", role: "group", "aria-labelledby": id, hidden: true },
    heading,
    form,
    others,
  );
  const progress = el("p", { class: "progress", role: "status", hidden: true });
  /** @type {Map<Call, ReturnType<typeof button>>} */
  const buttons = new Map();

  /** @param {() => void} action */
  function act(action) {
    if (!to.value.trim()) {
      put(to, "aria-invalid", "true");
      to.focus();
      model.complain({ code: "no_number" });
      return;
    }
    put(to, "aria-invalid", null);
    model.dismiss("no_number");
    action();
    close();
    to.value = "";
  }

  /** @param {Call} other */
  function partner(other) {
    const label = t("transfer.connect", { peer: nameOf(other, texts) });
    const connect = () => {
      model.connect(call, other);
      close();
    };
    const known = buttons.get(other) ?? button({ label, icon: "users", onclick: connect });
    buttons.set(other, known);
    known.relabel(label);
    return known;
  }

  return {
    element: el("div", { class: "transfer-place" }, progress, element),
    box: element,
    focus: () => to.focus(),
    update() {
      say(heading, t("transfer.title", { peer: nameOf(call, texts) }));
      arrange(others, model.partnersOf(call).map(partner));
      show(others, others.children.length);
      kept.update();
      const target = model.transferOf(call);
      show(progress, target);
      say(progress, target ? t("transfer.progress", { to: target }) : "");
    },
  };
}

/**
 * Numbers that one often transfers to: a press fills one in, and a star keeps the number that is there, or not.
 * @param {Pick<Context, "favourites" | "t">} context
 * @param {HTMLInputElement} to
 */
function favouritesOf({ favourites, t }, to) {
  const list = el("div", { class: "row", role: "group", "aria-label": t("favourites.title") });
  const star = button({ label: t("favourites.add"), icon: "star", kind: "quiet small", onclick: turn });
  const element = el("div", { class: "favourites" }, list, star);
  let drawn = "";

  /** @param {string} number */
  function fill(number) {
    to.value = number;
    update();
    to.focus();
  }

  function turn() {
    favourites.turn(tidy(to.value));
    update();
  }

  function update() {
    const { numbers } = favourites;
    const number = tidy(to.value);
    const has = favourites.has(number);
    if (drawn !== numbers.join("\n")) {
      list.replaceChildren(...numbers.map((each) => button({ label: each, kind: "small", onclick: () => fill(each) })));
    }
    drawn = numbers.join("\n");
    show(list, numbers.length);
    show(star, number && (has || !favourites.isFull));
    star.relabel(t(has ? "favourites.remove" : "favourites.add"));
    put(star, "data-on", has);
  }
  update();
  return { element, update };
}
