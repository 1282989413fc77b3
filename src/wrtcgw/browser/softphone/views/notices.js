// What has gone wrong, and what to do about it.

import { arrange, el } from "../dom.js";
import { icon } from "../icons.js";
import { button } from "./parts.js";

const ICONS = { error: "alert", warning: "alert", info: "info" };

export function noticesView({ desk, texts, t }) {
  const element = el("div", { class: "notices", role: "alert" });
  const shown = new Map();
  return {
    element,
    update() {
      const { notices } = desk;
      for (const id of shown.keys()) if (!notices.some((each) => each.id === id)) shown.delete(id);
      for (const notice of notices) if (!shown.has(notice.id)) shown.set(notice.id, make(notice));
      arrange(element, [...shown.values()]);
    },
  };

  function make(notice) {
    const { id, kind, action } = notice;
    const { title, todo } = noticeWords(texts, notice);
    const act =
      action &&
      button({
        label: t(action.key),
        kind: "small",
        onclick: () => {
          desk.dismiss(id);
          action.run();
        },
      });
    return el(
      "div",
      { class: `notice ${kind}` },
      icon(ICONS[kind]),
      el("p", null, el("strong", null, title), " ", todo),
      act,
      button({ label: t("notice.dismiss"), icon: "close", kind: "quiet", bare: true, onclick: () => desk.dismiss(id) }),
    );
  }
}

/** Returns the title of a notice, and what to do; those that have no words of their own get the gateway's. */
export function noticeWords(texts, { kind, code, params = {}, sipCode = 0 }) {
  const name = `${kind === "error" ? "error" : "notice"}.${code}`;
  const because = texts.has(`cause.${sipCode}`) ? texts.t(`cause.${sipCode}`) : params.hint;
  const all = { ...params, because };
  if (!texts.has(`${name}.title`)) return { title: texts.t("error.other.title", all), todo: params.hint || code };
  return { title: texts.t(`${name}.title`, all), todo: texts.has(`${name}.todo`) ? texts.t(`${name}.todo`, all) : "" };
}
