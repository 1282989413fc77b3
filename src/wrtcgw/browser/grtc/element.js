// <wrtc-phone>: a phone as one element of any page. docs/browser-library.md shows it.

import { PhoneError, asPhoneError } from "./errors.js";
import { CallCard, button } from "./elementParts.js";
import { LOOKS } from "./elementLooks.js";
import { ending, failure, languageOf, text } from "./elementTexts.js";
import { Phone } from "./phone.js";

/** @import { Call } from "./call.js" */
/** @import { Ending } from "../grtc.js" */

/** @typedef {{password?: string, token?: string | (() => string | Promise<string>), authUser?: string}} Credentials */

const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {}); // a page made by a server
const SIGNED_IN_AGAIN = ["gateway", "dn", "guest"];

/**
 * Attributes: `gateway` (by default where this module came from), `dn` or `guest`, `to` (a number that the button
 * calls; without it there is a field), `label` (of that button), `display-name`, `lang`. What an agent signs in with is
 * the property `credentials`, which never stands in the document. Events, which bubble out: "phoneready", "incoming",
 * "callstate", "callended", "phoneerror", each with its `detail`.
 */
export class PhoneElement extends Base {
  static observedAttributes = [...SIGNED_IN_AGAIN, "to", "label", "display-name", "lang"];
  /** @type {Phone | null} */
  #phone = null;
  /** @type {Credentials | null} */
  #credentials = null;
  /** @type {Map<Call, CallCard>} */
  #cards = new Map();
  /** @type {(() => void)[]} */
  #offs = [];
  #said = "";
  #busy = false;
  /** @type {ReturnType<typeof this.make> | null} */
  #parts = null;

  /** The library's own Phone; null while the element is in no document. */
  get phone() {
    return this.#phone;
  }

  /** What the agent signs in with, as soon as it is set; to be set only, and nowhere to be read. */
  set credentials(/** @type {Credentials | null} */ given) {
    this.#credentials = given;
    if (given && this.#phone) this.signIn().catch(() => {}); // it was told
  }

  /** @type {string} */
  get #language() {
    const own = this.closest("[lang]")?.getAttribute("lang");
    return languageOf([own, ...(globalThis.navigator?.languages ?? [])]);
  }

  // ---- the document's

  connectedCallback() {
    this.#parts ??= this.make();
    const early = Object.getOwnPropertyDescriptor(this, "credentials"); // set before this class was there
    if (early) {
      Reflect.deleteProperty(this, "credentials");
      this.#credentials = early.value;
    }
    this.#open();
    this.#draw();
  }

  disconnectedCallback() {
    queueMicrotask(() => !this.isConnected && this.#close()); // it may only have been moved
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (!this.#phone) return;
    if (SIGNED_IN_AGAIN.includes(name)) {
      this.#close();
      this.#open();
    }
    this.#draw();
  }

  /** Makes what stands in the shadow tree; done once. */
  make() {
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(LOOKS);
    root.adoptedStyleSheets = [sheet];
    const number = document.createElement("input");
    Object.assign(number, { type: "tel", autocomplete: "off" });
    number.setAttribute("part", "number");
    const call = button("primary", "call");
    call.type = "submit";
    const form = document.createElement("form");
    form.setAttribute("part", "dialer");
    form.append(number, call);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.dial().catch(() => {}); // it was told
    });
    const cards = document.createElement("div");
    cards.setAttribute("part", "calls");
    const status = document.createElement("p");
    status.setAttribute("part", "status");
    status.setAttribute("role", "status");
    root.append(form, cards, status);
    return { form, number, call, cards, status };
  }

  #open() {
    if (this.#phone) return;
    const guest = this.hasAttribute("guest");
    const options = { gateway: this.getAttribute("gateway") ?? undefined, name: this.id };
    const phone = new Phone(guest ? { ...options, storage: null } : options);
    this.#phone = phone;
    const draw = () => this.#draw();
    this.#offs = [
      phone.on("registration", draw),
      phone.on("reconnecting", draw),
      phone.on("reconnected", draw),
      phone.on("signedout", draw),
      phone.on("incoming", (call) => this.#tell("incoming", { call })),
      phone.on("call", (call) => this.#changed(call)),
      phone.on("callended", (call) => this.#over(call)),
      phone.on("error", (error) => this.#failed(error)),
    ];
    if (guest) {
      const leave = () => phone.leave();
      addEventListener("pagehide", leave);
      this.#offs.push(() => removeEventListener("pagehide", leave));
    } else if (this.#credentials) {
      this.signIn().catch(() => {});
    } else {
      phone.resume().catch((error) => this.#failed(error)); // of this tab, before a reload
    }
  }

  #close() {
    const phone = this.#phone;
    this.#offs.forEach((off) => off());
    this.#offs = [];
    this.#phone = null;
    for (const card of this.#cards.values()) card.element.remove();
    this.#cards.clear();
    phone?.signOut().catch(() => {});
  }

  // ---- what a page can do

  /**
   * Signs in with the attributes, and the credentials that were set or are given.
   * @param {Credentials} [credentials]
   */
  async signIn(credentials) {
    if (credentials) this.#credentials = credentials;
    const phone = this.#there();
    const [dn, displayName] = [this.getAttribute("dn") ?? undefined, this.getAttribute("display-name") ?? undefined];
    try {
      await phone.signIn(this.hasAttribute("guest") ? { guest: true } : { dn, displayName, ...this.#credentials });
      this.#say("");
      this.#tell("phoneready", { phone });
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** Ends all calls and the session. */
  async signOut() {
    this.#credentials = null;
    await this.#phone?.signOut();
  }

  /**
   * Calls a number: by default that of the attribute `to`, or of the field. A guest is signed in before. The microphone
   * is asked for here, and at no other time but that of answering.
   * @param {string} [to]
   */
  async dial(to = this.getAttribute("to") ?? this.#parts?.number.value.trim() ?? "") {
    if (!to) {
      this.#parts?.number.focus();
      throw new PhoneError("bad_input");
    }
    const phone = this.#there();
    this.#work(true);
    try {
      if (!phone.isSignedIn && this.hasAttribute("guest")) await this.signIn();
      this.#say(text(this.#language, "asking"));
      const call = await phone.call(to, { hold: true });
      this.#say("");
      if (this.#parts) this.#parts.number.value = "";
      return call;
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      this.#work(false);
    }
  }

  #there() {
    if (!this.#phone) throw new PhoneError("wrong_state", { hint: "The element is in no document." });
    return this.#phone;
  }

  // ---- what is shown

  /** @param {Call} call */
  #changed(call) {
    if (call.isOver) return;
    const parts = this.#parts;
    let card = this.#cards.get(call);
    if (!card && parts) {
      card = new CallCard(call, (error) => this.#failed(error));
      this.#cards.set(call, card);
      parts.cards.append(card.element);
      call.on("state", (state) => this.#tell("callstate", { call, state }));
      this.#say("");
    }
    this.#draw();
  }

  /** @param {Call} call */
  #over(call) {
    const card = this.#cards.get(call);
    if (!card) return;
    const hadFocus = card.element.contains(this.shadowRoot?.activeElement ?? null);
    card.element.remove();
    this.#cards.delete(call);
    const { cause } = /** @type {Ending} */ (call.ended);
    this.#say(ending(this.#language, cause, card.peer(this.#language)));
    this.#draw();
    if (hadFocus) this.#parts?.call.focus();
    this.#tell("callended", { call, ending: call.ended });
  }

  /** @param {unknown} thrown */
  #failed(thrown) {
    const error = asPhoneError(thrown);
    if (!error.call?.isOver) this.#say(failure(this.#language, error)); // else its end tells the same
    this.#tell("phoneerror", { error });
  }

  /** @param {boolean} busy */
  #work(busy) {
    this.#busy = busy;
    this.#draw();
  }

  /** @param {string} said */
  #say(said) {
    this.#said = said;
    this.#draw();
  }

  #draw() {
    const [parts, phone, language] = [this.#parts, this.#phone, this.#language];
    if (!parts || !phone) return;
    const guest = this.hasAttribute("guest");
    const may = guest || phone.isSignedIn;
    parts.number.hidden = this.hasAttribute("to");
    parts.number.setAttribute("aria-label", text(language, "number"));
    parts.number.placeholder = text(language, "number");
    parts.call.textContent = this.getAttribute("label") ?? text(language, "call");
    parts.call.disabled = !may || this.#busy;
    parts.form.hidden = this.hasAttribute("to") && this.#cards.size > 0;
    for (const card of this.#cards.values()) card.draw(language);
    const away = phone.isSignedIn && phone.connection === "offline";
    const idle = may ? (guest ? "" : "ready") : "signed_out";
    const key = away ? "reconnecting" : this.#cards.size || !idle ? "" : idle;
    const told = this.#said || (key && text(language, key));
    if (parts.status.textContent !== told) parts.status.textContent = told;
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} detail
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

if (globalThis.customElements && !customElements.get("wrtc-phone")) customElements.define("wrtc-phone", PhoneElement);
