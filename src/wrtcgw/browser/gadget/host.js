// The page around the gadget: who it is, and the messages to and from it. Nobody else is listened to or told anything.

/** What each message carries, so that others of the same page are not mistaken for it. */
export const MARK = "wrtcgw";

export class Host {
  /** @type {Set<string>} */
  #told = new Set();
  #window;
  #console;

  /**
   * @param {object} options
   * @param {string[]} options.origins pages that may be the host
   * @param {(message: Record<string, any>) => void} options.receive is given the host's messages
   * @param {Window} [options.window] the gadget's own
   * @param {Pick<Console, "warn">} [options.console]
   */
  constructor({ origins, receive, window = globalThis.window, console = globalThis.console }) {
    this.#window = window;
    this.#console = console;
    this.origins = origins.map((each) => new URL(each).origin); // as browsers write them
    this.receive = receive;
    const found = originOf(window);
    /** The host's origin, "" while it is not known. */
    this.origin = this.origins.includes(found) ? found : "";
    window.addEventListener("message", (event) => this.#heard(event));
  }

  /** Whether the gadget is in another page at all. */
  get isThere() {
    return this.#window.parent !== this.#window;
  }

  /**
   * Tells the host something; nothing before it is known who that is.
   * @param {string} type
   * @param {object} [fields]
   */
  post(type, fields = {}) {
    if (this.isThere && this.origin) this.#window.parent.postMessage({ ...fields, gadget: MARK, type }, this.origin);
  }

  /** @param {MessageEvent} event */
  #heard({ data, origin, source }) {
    if (data?.gadget !== MARK || source === this.#window) return;
    if (!this.isThere || source !== this.#window.parent) this.#refuse(origin, "it is not the page around the gadget");
    else if (!this.origins.includes(origin)) this.#refuse(origin, "it is not in allowed_origins of the gateway");
    else {
      this.origin = origin;
      this.receive(data);
    }
  }

  /**
   * @param {string} origin
   * @param {string} why
   */
  #refuse(origin, why) {
    if (this.#told.has(origin)) return;
    this.#told.add(origin);
    this.#console.warn(`The gadget does not listen to ${origin}: ${why}. Its messages are ignored.`);
  }
}

/**
 * Chromium and Safari know the ancestors; elsewhere the referrer tells, unless the host keeps it to itself.
 * @param {Window} window
 */
function originOf(window) {
  const [parent] = window.location.ancestorOrigins ?? [];
  if (parent) return parent;
  try {
    return new URL(window.document.referrer).origin;
  } catch {
    return "";
  }
}
