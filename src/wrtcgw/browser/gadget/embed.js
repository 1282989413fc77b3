// Puts the phone into a page: <script src="https://GATEWAY/gadget/embed.js" data-target="#phone" data-dn="5001">.
// Fires events at the element ("wrtcgw-ready", "wrtcgw-incoming", "wrtcgw-callEnded" …, what happened in `detail`), and
// gives it `phone.order("call", { to: "1003" })`, a promise. The page's origin has to be in the gateway's
// allowed_origins.

(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const home = new URL("./", script.src);
  const { featurePolicy } = /** @type {any} */ (document); // not everywhere, and Chromium warns of what it has not
  const able = featurePolicy?.features().includes("speaker-selection") ?? true;
  const wanted = `microphone; autoplay${able ? "; speaker-selection" : ""}`;
  const { target, allow = wanted, title = "Phone", ...given } = script.dataset;
  const requests = new Map(); // by number: {resolve, reject}
  let count = 0;
  let ready = () => {};
  const isReady = new Promise((resolve) => {
    ready = () => resolve(undefined);
  });

  const frame = Object.assign(document.createElement("iframe"), { allow, title, width: 340, height: 520 });
  frame.style.border = "0";
  const url = new URL(home);
  for (const [name, value] of Object.entries(given)) url.searchParams.set(name, value ?? "");
  frame.src = url.href;

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== home.origin || data?.gadget !== "wrtcgw") return;
    const { gadget: _, type, ...detail } = data;
    if (type === "ready") ready();
    if (type === "reply") {
      const { resolve, reject } = requests.get(detail.request) ?? {};
      requests.delete(detail.request);
      if (detail.ok) resolve?.(detail.result);
      else reject?.(Object.assign(new Error(detail.error.hint), detail.error));
    } else {
      frame.parentElement?.dispatchEvent(new CustomEvent(`wrtcgw-${type}`, { detail, bubbles: true }));
    }
  });

  /** Orders something of the phone: order("call", { to: "1003" }). @param {string} type @param {object} [fields] */
  async function order(type, fields = {}) {
    await isReady;
    const request = (count += 1);
    return new Promise((resolve, reject) => {
      requests.set(request, { resolve, reject });
      frame.contentWindow?.postMessage({ ...fields, gadget: "wrtcgw", type, request }, home.origin);
    });
  }

  function put() {
    const element = document.querySelector(target ?? "body");
    element?.append(frame);
    if (element) Object.assign(element, { phone: { frame, order } });
  }

  if (document.querySelector(target ?? "body")) put();
  else addEventListener("DOMContentLoaded", put);
})();
