// A call that rings here.

import { el, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { nameOf } from "../words.js";
import { clock } from "../texts.js";
import { avatar, button, dataList } from "./parts.js";

export function incomingView({ desk, t }, call) {
  const id = uniqueId("caller");
  const time = el("time", { role: "timer", "aria-live": "off" });
  const hint = el("p", { class: "hint", hidden: true }, t("incoming.holds"));
  const element = el(
    "article",
    { class: "incoming", "aria-labelledby": id },
    el("div", { class: "ringing-mark", "aria-hidden": "true" }, avatar(call)),
    el(
      "div",
      { class: "who", role: "alert" },
      el("p", { class: "what" }, icon("arrowIn"), t("incoming.title"), " ", time),
      el("h3", { id, tabindex: "-1", "data-focus": true }, nameOf(call)),
    ),
    dataList(call.data),
    hint,
    el(
      "div",
      { class: "answers" },
      button({ label: t("incoming.answer"), icon: "handset", kind: "answer large", onclick: () => desk.answer(call) }),
      button({ label: t("incoming.reject"), icon: "handset", kind: "end large", onclick: () => desk.reject(call) }),
    ),
  );
  const update = () => {
    hint.hidden = !desk.current.some((each) => each.isUp && !each.held);
  };
  const tick = () => {
    time.textContent = clock(Date.now() - call.startedAt);
  };
  tick();
  return { element, update, tick };
}
