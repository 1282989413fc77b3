// Nothing is done to a running gateway by a slip: each action is asked for once more, in words that say what it does.

import { el, say, show } from "../softphone/dom.js";
import { modal, opened } from "../softphone/modal.js";
import { explain, t } from "./texts.js";

/**
 * Asks for confirmation and then acts; what goes wrong is said in the dialog, which stays open then.
 * @param {{ title: string, text: string, more?: string, go: string, danger?: boolean,
 *   act: () => Promise<unknown> }} question
 * @returns {Promise<boolean>} whether it was done
 */
export async function confirm({ title, text, more = "", go, danger = false, act }) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const yes = el("button", { type: "submit", class: danger ? "button end" : "button primary" }, go);
  const no = el("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("confirm.cancel"));
  const form = el("form", { method: "dialog" }, problem, el("div", { class: "buttons" }, no, yes));
  const dialog = modal({ title, text, look: "card" }, more ? el("p", { class: "more" }, more) : null, form);
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
  await opened(dialog, no);
  return done;
}
