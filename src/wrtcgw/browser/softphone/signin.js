// Signing in.

import { el, put, say, show } from "./dom.js";
import { icon } from "./icons.js";
import { noticeText } from "./views/notices.js";
import { button, card, field } from "./views/parts.js";

/**
 * Mounts the form in an element.
 * @param {Element} element
 * @param {{texts: import("./texts.js").Texts, signIn: (who: {dn: string, password: string}) => Promise<void>,
 *   dn?: string, password?: string, hint?: string, reason?: {code: string} | null}} options
 *   `signIn` throws PhoneErrors; `reason` is why one is signed out
 * @returns {{focus: () => void, complain: (error: {code: string}) => void}}
 */
export function mountSignIn(element, { texts, signIn, dn = "", password = "", hint = "", reason = null }) {
  const t = (key, params) => texts.t(key, params);
  const problem = el("div", { class: "notices", role: "alert" });
  const number = el("input", {
    name: "dn",
    required: true,
    maxlength: 64,
    inputmode: "tel",
    autocomplete: "username",
    spellcheck: "false",
    value: dn,
  });
  const secret = el("input", {
    name: "password",
    type: "password",
    required: true,
    autocomplete: "current-password",
    value: password,
  });
  const peek = button({
    label: t("sign_in.show"),
    kind: "quiet small",
    "aria-pressed": "false",
    onclick: () => reveal(),
  });
  const label = el("span", { class: "label" }, t("sign_in.submit"));
  const submit = el("button", { type: "submit", class: "button primary wide" }, label);
  const secretField = field(t("sign_in.password"), secret, hint ? el("p", { class: "hint" }, hint) : null);
  secret.after(peek);
  const form = el(
    "form",
    { onsubmit: (event) => submitted(event) },
    field(t("sign_in.dn"), number),
    secretField,
    submit,
  );
  const box = card(t("sign_in.title"), { class: "sign-in" }, problem, form);
  let busy = false;
  element.replaceChildren(box);
  if (reason) complain(reason);

  function reveal() {
    const shown = secret.type === "password";
    secret.type = shown ? "text" : "password";
    put(peek, "aria-pressed", String(shown));
  }

  function complain(error) {
    const kind = texts.has(`error.${error.code}.title`) || !texts.has(`notice.${error.code}.title`) ? "error" : "info";
    const { code, sipCode = 0, details = {} } = error;
    const notice = { kind, code, sipCode, doing: "sign_in", params: { retryAfter: details.retryAfter ?? 0 } };
    problem.replaceChildren(
      el("div", { class: `notice ${kind}` }, icon(kind === "info" ? "info" : "alert"), noticeText(texts, notice)),
    );
    show(problem, true);
  }

  async function submitted(event) {
    event.preventDefault();
    if (busy) return;
    busy = true;
    put(submit, "aria-disabled", "true");
    say(label, t("sign_in.busy"));
    problem.replaceChildren();
    try {
      await signIn({ dn: number.value.trim(), password: secret.value });
    } catch (error) {
      complain(error);
      (error.code === "registration_refused" ? secret : submit).focus();
    } finally {
      busy = false;
      put(submit, "aria-disabled", null);
      say(label, t("sign_in.submit"));
    }
  }

  return { complain, focus: () => (number.value ? (secret.value ? submit : secret) : number).focus() };
}
