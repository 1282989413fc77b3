// Nothing is done to a running gateway by a slip: each action is asked for once more, in words that say what it does.

import { el, say, show, uniqueId } from "../softphone/dom.js";
import { explain, t } from "./texts.js";

/**
 * Asks for confirmation and then acts; what goes wrong is said in the dialog, which stays open then.
 * @param {{ title: string, text: string, more?: string, go: string, danger?: boolean,
 *   act: () => Promise<unknown> }} question
 * @returns {Promise<boolean>} whether it was done
 */
export function confirm({ title, text, more = "", go, danger = false, act }) {
  const [heading, told] = [uniqueId("dialog"), uniqueId("dialog")];
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const yes = el("button", { type: "submit", class: danger ? "danger" : "primary" }, go);
  const no = el("button", { type: "button", onclick: () => dialog.close() }, t("confirm.cancel"));
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: heading }, title),
    el("p", { id: told }, text),
    more ? el("p", { class: "more" }, more) : null,
    problem,
    el("div", { class: "buttons" }, no, yes),
  );
  const dialog = el("dialog", { class: "card", "aria-labelledby": heading, "aria-describedby": told }, form);
  let done = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    yes.disabled = true;
    say(yes, t("confirm.working"));
    try {
      await act();
      done = true;
      dialog.close();
    } catch (error) {
      say(problem, explain(error));
      show(problem, true);
      yes.disabled = false;
      say(yes, go);
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
  });
}
