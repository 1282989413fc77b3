// Signing in.

import { codeOf } from "../grtc/errors.js";
import { el, put, say, show } from "./dom.js";
import { icon } from "./icons.js";
import { noticeText } from "./views/notices.js";
import { button, card, field } from "./views/parts.js";

/** @import { Texts } from "./texts.js" */
/** @import { Translate } from "./types.js" */

/**
 * Mounts the form in an element.
 * @param {Element} element
 * @param {{texts: Texts, signIn: (who: {dn: string, password: string}) => Promise<void>,
 *   dn?: string, password?: string, hint?: string, reason?: {code: string} | null,
 *   provider?: {name: string, dns: string[], begin: () => Promise<void>, take: (dn: string) => Promise<void>} | null
 *   }} options `signIn` throws PhoneErrors; `reason` is why one is signed out; `provider` is where one may sign in
 *   without a password, with the numbers to choose from when one has done so and has several
 * @returns {{focus: () => void, complain: (error: unknown) => void}}
 */
export function mountSignIn(
  element,
  { texts, signIn, dn = "", password = "", hint = "", reason = null, provider = null },
) {
  /** @type {Translate} */
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
  const look = provider ? "button wide" : "button primary wide";
  const submit = el("button", { type: "submit", class: look }, label);
  const secretField = field(t("sign_in.password"), secret, hint ? el("p", { class: "hint" }, hint) : null);
  secret.after(peek);
  const form = el(
    "form",
    { onsubmit: (event) => submitted(event) },
    field(t("sign_in.dn"), number),
    secretField,
    submit,
  );
  const ways = provider ? providerWays(provider, t, (action) => once(action)) : [];
  const box = card(t("sign_in.title"), { class: "sign-in" }, problem, ...ways, form);
  let busy = false;
  element.replaceChildren(box);
  if (reason) complain(reason);

  function reveal() {
    const shown = secret.type === "password";
    secret.type = shown ? "text" : "password";
    put(peek, "aria-pressed", String(shown));
  }

  /** @param {any} error whatever was thrown, or `{code}` */
  function complain(error) {
    const kind = texts.has(`error.${error.code}.title`) || !texts.has(`notice.${error.code}.title`) ? "error" : "info";
    const { code, sipCode = 0, details = {} } = error;
    /** @type {Omit<import("./board.js").Notice, "id">} */
    const notice = { kind, code, sipCode, doing: "sign_in", params: { retryAfter: details.retryAfter ?? 0 } };
    problem.replaceChildren(
      el("div", { class: `notice ${kind}` }, icon(kind === "info" ? "info" : "alert"), noticeText(texts, notice)),
    );
    show(problem, true);
  }

  /**
   * What is under way is not begun twice.
   * @param {() => Promise<unknown>} action
   */
  async function once(action) {
    if (busy) return;
    busy = true;
    problem.replaceChildren();
    try {
      await action();
    } catch (error) {
      complain(error);
    } finally {
      busy = false;
    }
  }

  /** @param {SubmitEvent} event */
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
      (codeOf(error) === "registration_refused" ? secret : submit).focus();
    } finally {
      busy = false;
      put(submit, "aria-disabled", null);
      say(label, t("sign_in.submit"));
    }
  }

  const first = ways.flatMap((each) => [...each.querySelectorAll("button")])[0];
  const focus = () => (first ?? (number.value ? (secret.value ? submit : secret) : number)).focus();
  return { complain, focus };
}

/**
 * Above the form: the button that leads to the provider; or, for who has been there, the numbers to choose from.
 * @param {{name: string, dns: string[], begin: () => Promise<void>, take: (dn: string) => Promise<void>}} provider
 * @param {Translate} t
 * @param {(action: () => Promise<unknown>) => unknown} once
 */
function providerWays({ name, dns, begin, take }, t, once) {
  const choices = dns.map((dn) =>
    button({ label: t("sign_in.as", { dn }), kind: "primary wide", onclick: () => once(() => take(dn)) }),
  );
  const label = t("sign_in.provider", { provider: name });
  const lead = button({ label, kind: "primary wide", onclick: () => once(begin) });
  const which = el("p", { class: "hint" }, t("sign_in.which"));
  return [
    el("div", { class: "sign-in-ways" }, ...(dns.length ? [which, ...choices] : [lead])),
    el("p", { class: "sign-in-or" }, t("sign_in.or")),
  ];
}
