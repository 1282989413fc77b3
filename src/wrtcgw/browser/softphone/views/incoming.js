// A call that rings here.

import { el, show } from "../dom.js";
import { icon } from "../icons.js";
import { attestationOf, diversionKey } from "../words.js";
import { clock } from "../texts.js";
import { avatar, button, dataList, whoLines } from "./parts.js";

/** @import { Call } from "../../grtc/call.js" */
/** @import { Context, View } from "../types.js" */

const MOST_DIVERSIONS = 4;

/**
 * @param {Context} context
 * @param {Call} call
 * @returns {View}
 */
export function incomingView(context, call) {
  const { model, texts, t } = context;
  const who = whoLines(call, texts);
  const time = el("time", { role: "timer", "aria-live": "off" });
  const hint = el("p", { class: "hint", hidden: true }, t("incoming.holds"));
  const itself = el("p", { class: "hint", hidden: true }, t("incoming.auto"));
  const instead = button({ label: t("incoming.instead"), kind: "wide", onclick: () => model.answerInstead(call) });
  const element = el(
    "article",
    { class: "incoming", "aria-labelledby": who.ids },
    el("div", { class: "ringing-mark", "aria-hidden": "true" }, avatar(call)),
    el(
      "div",
      { class: "who", role: "alert" },
      el("p", { class: "what" }, icon("arrowIn"), t("incoming.title"), " ", time),
      who.name,
      who.number,
    ),
    routeOf(context, call),
    attestation(context, call),
    dataList(call.data),
    hint,
    itself,
    el(
      "div",
      { class: "answers" },
      button({ label: t("incoming.answer"), icon: "handset", kind: "answer large", onclick: () => model.answer(call) }),
      button({ label: t("incoming.reject"), icon: "handset", kind: "reject large", onclick: () => model.reject(call) }),
      instead,
    ),
  );
  const update = () => {
    who.update();
    const talking = model.current.some((each) => each.isUp && !each.held);
    show(hint, talking);
    show(instead, talking);
    show(itself, context.phone.options.autoAnswer && call.autoAnswer !== null);
  };
  const tick = () => {
    time.textContent = clock(Date.now() - call.startedAt);
  };
  tick();
  return { element, update, tick };
}

/**
 * Which number the caller has dialled, and who had sent the call on: "0800 1234, diverted from 5009 (busy)".
 * @param {Context} context
 * @param {Call} call
 */
function routeOf({ phone, t }, { called = "", diversion = [] }) {
  const rows = diversion
    .filter(({ number }) => number)
    .slice(0, MOST_DIVERSIONS)
    .map(({ number, reason }) => {
      const why = diversionKey(reason);
      return [t("incoming.diverted"), why ? `${number} (${t(why)})` : number];
    });
  if (called && called !== phone.dn) rows.unshift([t("incoming.called"), called]);
  if (!rows.length) return null;
  const pairs = rows.map(([term, value]) => el("div", null, el("dt", null, term), el("dd", null, value)));
  return el("dl", { class: "data route" }, pairs);
}

/**
 * @param {Context} context
 * @param {Call} call
 */
function attestation({ t }, { verstat = "" }) {
  const found = attestationOf(verstat);
  if (!found) return null;
  const shape = icon(found === "verified" ? "check" : "alert");
  return el("p", { class: `attestation ${found}` }, shape, t(`incoming.${found}`));
}
