// Numbers that come from outside: of an address with `?number=`, and of tel: and web+tel: links, which browsers lead
// here. They are filled in; nothing is ever called by a link alone.

import { tidy } from "../words.js";

const KEPT = "softphone-number";
const LONGEST = 128; // characters of a number
const FRESH = 15 * 60_000; // ms that a number waits for somebody to sign in
const ANSWERS = 400; // ms that another tab has to say that a phone is there
const SCHEMES = ["tel", "web+tel"];

/**
 * Returns the number that a link stands for, as somebody would type it; "" when it is none.
 * @param {unknown} given a number, or tel: and web+tel: with one
 */
export function numberOf(given) {
  const [, scheme, rest] = /^\s*(?:web\+)?(tel:)?(?:\/\/)?(.*)$/is.exec(String(given ?? "")) ?? [];
  const text = scheme ? decoded(rest).split(/[;?]/)[0] : rest; // parameters of RFC 3966 are not for here
  const number = tidy(text.replace(/\p{Cc}/gu, ""));
  return number.length <= LONGEST ? number : "";
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Takes the number out of the page's address, so that a reload does not bring it back.
 * @param {Pick<typeof globalThis, "location" | "history">} [browser]
 */
export function takeNumber({ location, history } = globalThis) {
  const url = new URL(location.href);
  const number = numberOf(url.searchParams.get("number"));
  if (url.searchParams.has("number")) {
    url.searchParams.delete("number");
    history.replaceState(history.state, "", url.pathname + url.search + url.hash);
  }
  return number;
}

/**
 * Keeps a number until somebody is signed in, perhaps by way of another page.
 * @param {Storage | null} memory
 * @param {string} number
 */
export function keepNumber(memory, number) {
  try {
    memory?.setItem(KEPT, JSON.stringify({ number, at: Date.now() }));
  } catch {
    // then it is lost on the way to the provider
  }
}

/**
 * Returns the number that was kept, once; "" for none.
 * @param {Storage | null} memory
 */
export function keptNumber(memory) {
  try {
    const { number = "", at = 0 } = JSON.parse(memory?.getItem(KEPT) ?? "{}");
    memory?.removeItem(KEPT);
    return Date.now() - at < FRESH ? numberOf(number) : "";
  } catch {
    return "";
  }
}

/**
 * Asks the browser to lead links with numbers here; to be called on a click. It asks its user, and tells nobody what
 * was said.
 * @param {string} home the softphone's address
 */
export function openLinksHere(home) {
  for (const scheme of SCHEMES) {
    navigator.registerProtocolHandler(scheme, new URL("?number=%s", home).href.replaceAll("%25s", "%s"));
  }
}

/** Whether browsers let a page ask for that here. */
export const canOpenLinks = () => Boolean(globalThis.navigator?.registerProtocolHandler) && globalThis.isSecureContext;

/**
 * The softphone's tabs of this browser: a link opens a new one, though the phone is in another.
 * @typedef {{offer: (number: string) => Promise<boolean>, close: () => void,
 *   listen: (take: (number: string) => void, isReady: () => boolean) => void}} Tabs
 */

/**
 * @param {() => BroadcastChannel} [make]
 * @returns {Tabs}
 */
export function tabs(make = () => new BroadcastChannel(KEPT)) {
  const channel = make();
  const me = Math.random().toString(36).slice(2);
  return {
    /** Hands a number to a tab with a phone; tells whether there is one. */
    offer(number) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), ANSWERS);
        channel.addEventListener(
          "message",
          ({ data }) => {
            if (data?.to !== me || data.type !== "here") return;
            clearTimeout(timer);
            channel.postMessage({ type: "take", to: data.from, from: me, number });
            resolve(true);
          },
          { once: true },
        );
        channel.postMessage({ type: "who", from: me });
      });
    },
    listen(take, isReady) {
      channel.addEventListener("message", ({ data }) => {
        if (data?.type === "who" && isReady()) channel.postMessage({ type: "here", to: data.from, from: me });
        const number = data?.type === "take" && data.to === me ? numberOf(data.number) : "";
        if (number) take(number);
      });
    },
    close: () => channel.close(),
  };
}
