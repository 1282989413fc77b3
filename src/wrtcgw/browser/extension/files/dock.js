// In Workspace's page, out of its reach: the phone panel in the corner. It comes when Workspace asks for its softphone,
// or when the agent asks for it in the extension's menu.

(() => {
  const LATE = 8_000; // ms after which a panel that did not load is taken for blocked
  const ALLOWED = "microphone; camera; autoplay; local-network-access; loopback-network";
  const STYLE = `
    :host { all: initial; position: fixed; inset: auto 16px 0 auto; z-index: 2147483000; color-scheme: light dark }
    section { width: 340px; font: 14px/1.4 system-ui, sans-serif; border: 1px solid #8a94a6; border-bottom: 0;
      border-radius: 10px 10px 0 0; overflow: hidden; box-shadow: 0 2px 14px #0006; background: #fff; color: #1b1f27 }
    header { display: flex; align-items: center; gap: 4px; padding: 4px 4px 4px 12px; background: #0b57d0; color: #fff }
    h2 { flex: 1; margin: 0; font-size: 14px; font-weight: 600 }
    header button { width: 32px; height: 32px; border: 0; border-radius: 6px; background: none; color: inherit;
      font: inherit; font-size: 16px; cursor: pointer }
    header button:hover { background: #fff3 }
    button:focus-visible { outline: 2px solid #fff; outline-offset: -3px }
    p { margin: 0; padding: 10px 12px; background: #fff3cd; color: #5c4200 }
    p button { display: block; margin-top: 8px; padding: 6px 12px; border: 1px solid; border-radius: 6px;
      background: none; color: inherit; font: inherit; cursor: pointer }
    p button:focus-visible { outline-color: currentColor; outline-offset: 2px }
    iframe { display: block; width: 100%; height: min(520px, calc(100vh - 120px)); border: 0 }
    .folded section { width: 180px }
    .folded iframe, .folded p { position: absolute; visibility: hidden; width: 340px }
    [hidden] { display: none !important }
    @media (prefers-color-scheme: dark) {
      section { background: #1b1f27; color: #e6e9ef; border-color: #4a5263 }
      header { background: #1d4387 }
      p { background: #3b3000; color: #ffe9a8 }
    }`;
  /** @type {Dock | null} */
  let dock = null;

  /**
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {object} [properties]
   * @param {...Node} children
   */
  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  class Dock {
    /** @param {Record<string, string>} texts */
    constructor(texts) {
      this.texts = texts;
      this.fold = make("button", { type: "button", onclick: () => this.setFolded(!this.isFolded) });
      const away = make("button", { type: "button", textContent: "↗", title: texts.ownWindow, onclick: openWindow });
      away.setAttribute("aria-label", texts.ownWindow);
      this.words = make("span");
      this.button = make("button", { type: "button", onclick: openWindow });
      this.note = make("p", { hidden: true }, this.words, this.button);
      this.note.setAttribute("role", "status");
      const header = make("header", {}, make("h2", { textContent: texts.phone }), away, this.fold);
      this.section = make("section", {}, header, this.note);
      this.section.setAttribute("aria-label", texts.phone);
      /** @type {HTMLIFrameElement | null} */
      this.frame = null;
      this.isLate = false;
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      this.timer = undefined;
      this.place = make("div", {}, this.section);
      this.host = make("div", { id: "wrtcgw-phone" });
      const root = this.host.attachShadow({ mode: "closed" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      root.append(this.place);
      this.setFolded(false);
    }

    get isFolded() {
      return this.place.classList.contains("folded");
    }

    /** @param {boolean} folded */
    setFolded(folded) {
      this.place.classList.toggle("folded", folded);
      const word = folded ? this.texts.unfold : this.texts.fold;
      Object.assign(this.fold, { textContent: folded ? "▴" : "▾", title: word });
      this.fold.setAttribute("aria-label", word);
      this.fold.setAttribute("aria-expanded", String(!folded));
    }

    /**
     * @param {string} text
     * @param {string} [button]
     */
    say(text, button = "") {
      if (this.words.textContent !== text) this.words.textContent = text;
      this.button.textContent = button;
      this.button.hidden = !button;
      this.note.hidden = !text;
    }

    /**
     * Shows what is to be seen now; often called, so nothing changes without a reason.
     * @param {{url: string, note: string, inWindow: boolean, signedIn: boolean}} state
     */
    update({ url, note, inWindow, signedIn }) {
      if (!this.host.isConnected) document.body.append(this.host);
      if (inWindow || !window.isSecureContext) {
        this.removeFrame();
        if (inWindow) this.say(this.texts.inWindow, this.texts.toWindow);
        else this.say(this.texts.insecure, this.texts.ownWindow);
        return;
      }
      if (!this.frame || (!signedIn && !sameDn(url, this.frame.src))) this.load(url);
      if (!this.isLate) this.say(note);
    }

    /**
     * A new frame each time: the page's own policy holds for one that is led elsewhere, but not for one that we put in.
     * @param {string} url
     */
    load(url) {
      this.removeFrame();
      this.frame = make("iframe", { title: this.texts.phone, allow: ALLOWED, src: url });
      this.section.append(this.frame);
      this.timer = setTimeout(() => this.late(), LATE);
    }

    late() {
      this.isLate = true;
      if (this.frame) this.frame.hidden = true; // instead of the browser's sad face
      this.say(this.texts.blocked.replace("{origin}", location.origin), this.texts.ownWindow);
    }

    loaded() {
      clearTimeout(this.timer);
      if (this.isLate) this.say("");
      this.isLate = false;
      if (this.frame) this.frame.hidden = false;
    }

    removeFrame() {
      this.loaded();
      this.frame?.remove();
      this.frame = null;
    }
  }

  /** @type {(one: string, other: string) => boolean} */
  const sameDn = (one, other) => new URL(one).searchParams.get("dn") === new URL(other).searchParams.get("dn");

  function openWindow() {
    chrome.runtime.sendMessage({ kind: "window" }).catch(() => {});
  }

  /**
   * @param {{url: string, note: string, texts: Record<string, string>, inWindow: boolean, signedIn: boolean,
   *   asked: boolean}} message
   */
  function show(message) {
    dock ??= new Dock(message.texts);
    dock.update(message);
    if (message.asked) dock.setFolded(false);
  }

  chrome.runtime.onMessage.addListener((message, sender, respond) => {
    if (sender.id !== chrome.runtime.id) return;
    if (message.kind === "isWorkspace") respond(true);
    else if (message.kind === "loaded") dock?.loaded();
    else if (message.kind === "dock") {
      if (document.body) show(message);
      else addEventListener("DOMContentLoaded", () => show(message), { once: true });
    }
  });

  // a call rings while the panel is folded away
  addEventListener("message", (event) => {
    const frame = dock?.frame;
    if (!frame || event.source !== frame.contentWindow || event.origin !== new URL(frame.src).origin) return;
    if (event.data?.gadget === "wrtcgw" && event.data.type === "incoming") dock?.setFolded(false);
  });
})();
