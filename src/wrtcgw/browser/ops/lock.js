// The token is asked for only when the gateway wants one.

import { el, say, show, uniqueId } from "../softphone/dom.js";
import { t } from "./texts.js";

/**
 * What is shown instead of the views while the gateway refuses.
 * @param {{ open: (token: string) => void }} desk
 */
export function lock({ open }) {
  const id = uniqueId("token");
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const why = el("p", { class: "why" }, t("lock.why"));
  const field = el("input", {
    id,
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "off",
    required: true,
  });
  /** @type {HTMLInputElement} */
  const showing = el("input", {
    type: "checkbox",
    onchange: () => (field.type = showing.checked ? "text" : "password"),
  });
  const parts = [
    el("label", { for: id }, t("lock.field")),
    field,
    el("label", { class: "follow" }, showing, t("lock.show")),
    el("p", { class: "soft" }, t("lock.kept")),
  ];
  const go = el("button", { type: "submit", class: "button primary" }, t("lock.go"));
  const form = el("form", { class: "card lock" }, el("h2", {}, t("lock.title")), why, problem, parts, go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    open(field.value.trim());
  });

  /**
   * Says why; `shown` is whether a token was shown already.
   * @param {boolean} shown
   */
  function refuse(shown) {
    say(problem, shown ? t("lock.refused") : "");
    show(problem, problem.textContent);
    if (shown) field.value = "";
  }
  return { element: form, refuse, focus: () => field.focus() };
}
