// Notifications with buttons, which only a service worker can show; and the page's ear for what was pressed there.

/** @import { PhoneModel } from "../phoneModel.js" */

const TAG = "softphone call ";

/** @typedef {{title: string, body: string, answer: string, reject: string}} CallWords */

export class Notifier {
  #home;
  #container;
  /** @type {ServiceWorkerRegistration | null} */
  #registration = null;
  /** @type {((message: MessageEvent) => void) | null} */
  #heard = null;

  /**
   * @param {string} home the softphone's address
   * @param {ServiceWorkerContainer | undefined} [container]
   */
  constructor(home, container = globalThis.navigator?.serviceWorker) {
    this.#home = home;
    this.#container = container;
  }

  /**
   * Begins: the worker is the browser's, and kept by it. Without one there are plain notifications.
   * @param {PhoneModel} model
   */
  async start(model) {
    this.#heard = ({ data, source }) => this.#isOurs(source) && obey(model, data);
    this.#container?.addEventListener("message", this.#heard);
    this.#container?.startMessages();
    try {
      const options = /** @type {const} */ ({ scope: this.#home, updateViaCache: "none" });
      this.#registration = (await this.#container?.register(new URL("sw.js", this.#home), options)) ?? null;
      await this.forget((id) => !model.phone.calls.has(id));
    } catch {
      this.#registration = null; // in a private window of some browsers, or behind a certificate that is not trusted
    }
  }

  stop() {
    if (this.#heard) this.#container?.removeEventListener("message", this.#heard);
    return this.forget(() => true);
  }

  /**
   * Shows a call that rings.
   * @param {string} id
   * @param {CallWords} words
   * @returns {Promise<boolean>} whether it is shown
   */
  async show(id, { title, body, answer, reject }) {
    const registration = this.#registration;
    if (!registration?.active) return false;
    const actions = [
      { action: "answer", title: answer },
      { action: "reject", title: reject },
    ];
    const icon = new URL("icons/192.png", this.#home).href;
    const options = { body, icon, actions, tag: TAG + id, requireInteraction: true, data: { call: id } };
    try {
      await registration.showNotification(title, options);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Takes back what was shown of these calls.
   * @param {(id: string) => boolean} which
   */
  async forget(which) {
    const all = (await this.#registration?.getNotifications()) ?? [];
    for (const note of all) if (note.tag.startsWith(TAG) && which(note.tag.slice(TAG.length))) note.close();
  }

  /** @param {MessageEventSource | null} source */
  #isOurs(source) {
    return /** @type {Partial<ServiceWorker> | null} */ (source)?.scriptURL === new URL("sw.js", this.#home).href;
  }
}

/**
 * Does what was pressed in a notification, with a call that still rings here.
 * @param {PhoneModel} model
 * @param {any} message
 */
function obey(model, message) {
  const call = model.incoming.find(({ id }) => message?.type === "call" && id === message.call);
  if (call && message.action === "answer") model.answer(call);
  if (call && message.action === "reject") model.reject(call);
}
