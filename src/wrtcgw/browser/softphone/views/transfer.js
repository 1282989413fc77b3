// Transferring a call: at once, after asking, or to the one who waits in another call.

import { arrange, el, put, say, show, uniqueId } from "../dom.js";
import { nameOf } from "../words.js";
import { button, field } from "./parts.js";

export function transferView({ model, texts, t }, call, close) {
  const to = el("input", { type: "tel", autocomplete: "off", maxlength: 256, enterkeyhint: "done" });
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
  const buttons = new Map();

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

  function partner(other) {
    const label = t("transfer.connect", { peer: nameOf(other, texts) });
    if (!buttons.has(other)) {
      buttons.set(
        other,
        button({
          label,
          icon: "users",
          onclick: () => {
            model.connect(call, other);
            close();
          },
        }),
      );
    }
    buttons.get(other).relabel(label);
    return buttons.get(other);
  }

  return {
    element: el("div", { class: "transfer-place" }, progress, element),
    box: element,
    focus: () => to.focus(),
    update() {
      say(heading, t("transfer.title", { peer: nameOf(call, texts) }));
      arrange(others, model.partnersOf(call).map(partner));
      show(others, others.children.length);
      const target = model.transferOf(call);
      show(progress, target);
      say(progress, target ? t("transfer.progress", { to: target }) : "");
    },
  };
}
