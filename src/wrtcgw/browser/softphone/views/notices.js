// What has gone wrong, and what to do about it.

import { arrange, el } from "../dom.js";
import { icon } from "../icons.js";
import { ending, nameOf, smallPrint } from "../words.js";
import { button } from "./parts.js";

/** @import { Notice } from "../board.js" */
/** @import { Texts } from "../texts.js" */
/** @import { Context, Params, View } from "../types.js" */

const ICONS = { error: "alert", warning: "alert", info: "info" };
/** Actions that are about a number that somebody typed. */
const NUMBERS = ["dial", "consult", "transfer"];
/** Errors that are a SIP answer: where no words tell which, the small print does. */
const BY_SIP = ["transfer_failed", "call_failed", "request_refused"];
/** Errors that only a page that is out of step with its gateway gets. */
const OUT_OF_STEP = [
  "not_found",
  "not_recorded",
  "wrong_method",
  "body_too_large",
  "wrong_content_type",
  "encoded_body",
  "unexpected_answer",
  "unknown_command",
];

/**
 * @param {Context} context
 * @returns {View}
 */
export function noticesView({ model, texts, t }) {
  const element = el("div", { class: "notices", role: "alert" });
  /** @type {Map<number, HTMLElement>} */
  const shown = new Map();
  return {
    element,
    update() {
      const { notices } = model;
      for (const id of shown.keys()) if (!notices.some((each) => each.id === id)) shown.delete(id);
      for (const notice of notices) if (!shown.has(notice.id)) shown.set(notice.id, make(notice));
      arrange(element, [...shown.values()]);
    },
  };

  /** @param {Notice} notice */
  function make(notice) {
    const { id, kind, action } = notice;
    const act =
      action &&
      button({
        label: t(action.key, paramsOf(texts, notice)),
        kind: "small",
        onclick: () => {
          model.dismiss(id);
          action.run();
        },
      });
    return el(
      "div",
      { class: `notice ${kind}`, "data-code": notice.code },
      icon(ICONS[kind]),
      noticeText(texts, notice),
      act,
      button({
        label: t("notice.dismiss"),
        icon: "close",
        kind: "quiet",
        bare: true,
        onclick: () => model.dismiss(id),
      }),
    );
  }
}

/**
 * Returns a notice as a paragraph: title, what to do, and the small print below where there is any.
 * @param {Texts} texts
 * @param {Omit<Notice, "id">} notice
 */
export function noticeText(texts, notice) {
  const { title, todo, small } = noticeWords(texts, notice);
  return el("p", null, el("strong", null, title), " ", todo, small ? el("small", null, small) : null);
}

/**
 * Returns the words of a notice. An error is told by its code: in words for what was being done (`error.CODE.ACTION`),
 * in those of the code, or in general ones with the code in small print; never in those of gateway or library, which
 * are for developers.
 * @param {Texts} texts
 * @param {Omit<Notice, "id">} notice
 * @returns {{title: string, todo: string, small: string}}
 */
export function noticeWords(texts, notice) {
  const { kind, code, sipCode = 0 } = notice;
  const all = paramsOf(texts, notice);
  if (kind !== "error") {
    return { title: texts.t(`notice.${code}.title`, all), todo: said(texts, `notice.${code}.todo`, all), small: "" };
  }
  const name = errorName(texts, notice);
  if (name) {
    const unsaid = BY_SIP.includes(code) && sipCode && (code !== "transfer_failed" || !texts.has(`cause.${sipCode}`));
    const small = unsaid ? smallPrint("", sipCode) : "";
    return { ...sentences(texts, name, notice, all), small };
  }
  const small = texts.t("error.code", { code: smallPrint(code, sipCode) });
  const general = OUT_OF_STEP.includes(code) ? "error.page" : "error.other";
  return { title: texts.t(`${general}.title`), todo: texts.t(`${general}.todo`), small };
}

/**
 * @param {Texts} texts
 * @param {Omit<Notice, "id">} notice
 */
function errorName(texts, { code, doing = "" }) {
  const names = [doing, NUMBERS.includes(doing) ? "number" : ""].filter(Boolean).map((each) => `error.${code}.${each}`);
  return [...names, `error.${code}`].find((each) => texts.has(`${each}.title`));
}

/**
 * @param {Texts} texts
 * @param {string} name
 * @param {Omit<Notice, "id">} notice
 * @param {Params} all
 */
function sentences(texts, name, { code, params = {} }, all) {
  const wait = params.retryAfter > 0 && texts.has(`error.${code}.wait.other`);
  const todo = wait
    ? texts.t(`error.${code}.wait`, { count: params.retryAfter })
    : said(texts, `${name}.todo`, all) || said(texts, `error.${code}.todo`, all);
  return { title: texts.t(`${name}.title`, all), todo };
}

/**
 * @param {Texts} texts
 * @param {string} key
 * @param {Params} params
 */
function said(texts, key, params) {
  return texts.has(key) ? texts.t(key, params) : "";
}

/**
 * @param {Texts} texts
 * @param {Omit<Notice, "id">} notice
 */
function paramsOf(texts, { params = {}, sipCode = 0, call, other, of, to = "" }) {
  /** @type {Params} */
  const all = { to: to || (call ? nameOf(call, texts) : ""), peer: call ? nameOf(call, texts) : "", ...params };
  if (other) all.other = nameOf(other, texts);
  if (of) {
    const { key, params: more } = ending(of, texts);
    all.what = texts.t(`${key}.title`, more);
  }
  const cause = texts.has(`cause.${sipCode}`) ? `cause.${sipCode}` : "cause.other";
  return { ...all, because: texts.t(cause, all) };
}
