// "Check my phone": a view of its own in place of the panel or the sign-in, with an address of its own.

import { el, show } from "./dom.js";

/** @import { Phone } from "../grtc/phone.js" */
/** @import { Texts } from "./texts.js" */

const ADDRESS = new URL("check", import.meta.url).href;
const HOME = new URL("./", import.meta.url).href;

/** Whether the address is that of the check. */
const isHere = () => location.href.split(/[?#]/)[0] === ADDRESS;

/**
 * Makes the view, not shown yet unless the address asks for it. A call that comes in puts it away.
 * @param {Phone} phone
 * @param {HTMLElement} app what it stands in place of
 * @param {{texts: () => Texts, shown: () => void}} page `texts` are those of now; `shown` is told when it goes
 */
export function mountCheck(phone, app, { texts, shown }) {
  const element = el("div", { id: "check", hidden: true });
  app.after(element);
  /** @type {typeof import("./views/check.js") | null} */
  let code = null;
  /** @type {ReturnType<typeof import("./views/check.js").checkView> | null} */
  let view = null;

  function open() {
    if (!isHere()) history.pushState(null, "", ADDRESS);
    draw();
  }

  function close() {
    if (isHere()) history.replaceState(null, "", HOME);
    draw();
    shown();
  }

  async function load() {
    try {
      code ??= await import("./views/check.js");
    } catch {
      element.textContent = texts().t("check.code.gateway_unreachable");
      return;
    }
    draw();
  }

  /** Shows what the address says; in the language of now. */
  function draw() {
    const here = isHere();
    if (here && !code) {
      load();
    } else if (here && code && !view) {
      view = code.checkView({ phone, texts: texts(), close });
      element.replaceChildren(view.element);
    } else if (!here && view) {
      view.stop();
      view = null;
      element.replaceChildren();
    }
    show(element, here);
    show(app, !here);
    if (here) view?.focus();
  }

  addEventListener("popstate", draw);
  phone.on("incoming", () => view && close());
  phone.on("registration", () => view?.update());
  return {
    open,
    draw,
    /** Draws it anew: the language has changed. */
    relabel() {
      view?.stop();
      view = null;
      draw();
    },
  };
}
