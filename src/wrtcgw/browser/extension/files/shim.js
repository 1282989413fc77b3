// In Workspace's own world: requests to the softphone's address are answered by the extension, all others go their way.
// A redirect of the browser's would be simpler, but breaks on the page's Content-Security-Policy and at the border
// between networks; see README.md.

(() => {
  const ADDRESS = /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):8000\/([A-Za-z]*)\/?(?:[?#]|$)/;
  const TYPE = "application/json; charset=utf-8";
  const PATIENCE = 30_000; // ms; the service worker answers within 10 s
  /**
   * @typedef {{status: number, text: string}} Answer
   * @typedef {Answer & {name: string, method: string, url: string, state: number, sent?: boolean, over?: boolean}} Call
   */

  /** @type {Map<string, (answer: Answer | null) => void>} */
  const waiting = new Map();
  let count = 0;

  document.addEventListener("wrtcgw-softphone-answer", (event) => {
    const { id, status, text } = JSON.parse(/** @type {CustomEvent<string>} */ (event).detail);
    const settle = waiting.get(id);
    waiting.delete(id);
    settle?.(status === undefined ? null : { status, text });
  });

  /**
   * The command that an address stands for; null for addresses that are none of ours.
   * @param {string | URL} address
   */
  function commandOf(address) {
    try {
      return ADDRESS.exec(new URL(address, document.baseURI).href)?.[1] ?? null;
    } catch {
      return null;
    }
  }

  /**
   * Asks the extension; null for a softphone that does not answer.
   * @param {string} name
   * @param {string} method
   * @param {string} body
   * @returns {Promise<Answer | null>}
   */
  function ask(name, method, body) {
    const id = `${performance.timeOrigin} ${(count += 1)}`;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      setTimeout(() => waiting.delete(id) && resolve(null), PATIENCE);
      const detail = JSON.stringify({ id, name, method, body });
      document.dispatchEvent(new CustomEvent("wrtcgw-softphone-ask", { detail }));
    });
  }

  /** @param {any} body */
  async function textOf(body) {
    return body === undefined || body === null ? "" : new Response(body).text();
  }

  // ---- fetch

  const ownFetch = window.fetch;

  /**
   * @param {Request} request
   * @param {string} name
   */
  async function fetchFromSoftphone(request, name) {
    const body = ["GET", "HEAD"].includes(request.method) ? "" : await request.text();
    const aborted = /** @type {Promise<never>} */ (
      new Promise((_, reject) => {
        if (request.signal.aborted) reject(request.signal.reason);
        request.signal.addEventListener("abort", () => reject(request.signal.reason));
      })
    );
    const answer = await Promise.race([ask(name, request.method, body), aborted]);
    if (!answer) throw new TypeError("Failed to fetch");
    const response = new Response(answer.text, { status: answer.status, headers: { "Content-Type": TYPE } });
    return Object.defineProperty(response, "url", { value: request.url });
  }

  window.fetch = function fetch(input, init) {
    const name = commandOf(input instanceof Request ? input.url : input);
    if (name === null) return Reflect.apply(ownFetch, this, arguments);
    return Promise.resolve().then(() => fetchFromSoftphone(new Request(input, init), name));
  };

  // ---- XMLHttpRequest: what is not about the softphone is the browser's own

  const OwnRequest = window.XMLHttpRequest;

  class SoftphoneRequest extends OwnRequest {
    /** @type {Call | null} */
    #call = null;

    /**
     * @param {string} method
     * @param {string | URL} address
     * @param {boolean} [isAsync]
     */
    open(method, address, isAsync = true) {
      const name = isAsync ? commandOf(address) : null; // nothing can be waited for here
      this.#call = null;
      if (name === null) {
        Reflect.apply(super.open, this, arguments);
        return;
      }
      if (super.readyState) super.abort();
      const url = new URL(address, document.baseURI).href;
      this.#call = { name, method: String(method).toUpperCase(), url, state: OwnRequest.OPENED, status: 0, text: "" };
      this.dispatchEvent(new Event("readystatechange"));
    }

    /**
     * @param {string} name
     * @param {string} value
     */
    setRequestHeader(name, value) {
      if (!this.#call) super.setRequestHeader(name, value);
    }

    /** @param {string} type */
    overrideMimeType(type) {
      if (!this.#call) super.overrideMimeType(type);
    }

    /** @param {any} [body] */
    send(body = null) {
      const call = this.#call;
      if (!call) {
        super.send(body);
        return;
      }
      if (call.sent) throw new DOMException("The request has been sent.", "InvalidStateError");
      call.sent = true;
      this.dispatchEvent(new ProgressEvent("loadstart"));
      if (this.timeout) setTimeout(() => this.#end(call, "timeout"), this.timeout);
      textOf(body)
        .then((text) => ask(call.name, call.method, text))
        .then(
          (answer) => this.#end(call, answer ? "load" : "error", answer),
          () => this.#end(call, "error"),
        );
    }

    /**
     * @param {Call} call
     * @param {string} how
     * @param {Answer | null} [answer]
     */
    #end(call, how, answer = null) {
      if (call !== this.#call || call.over) return;
      call.over = true;
      Object.assign(call, answer);
      const steps = answer ? [OwnRequest.HEADERS_RECEIVED, OwnRequest.LOADING, OwnRequest.DONE] : [OwnRequest.DONE];
      for (const state of steps) {
        call.state = state;
        this.dispatchEvent(new Event("readystatechange"));
      }
      for (const type of [how, "loadend"]) {
        this.dispatchEvent(new ProgressEvent(type, { loaded: call.text.length, total: call.text.length }));
      }
    }

    abort() {
      const call = this.#call;
      if (!call) {
        super.abort();
        return;
      }
      if (call.sent) this.#end(call, "abort");
      call.over = true;
      Object.assign(call, { state: OwnRequest.UNSENT, status: 0, text: "" });
    }

    get readyState() {
      return this.#call ? this.#call.state : super.readyState;
    }

    get status() {
      return this.#call ? this.#call.status : super.status;
    }

    get statusText() {
      if (!this.#call) return super.statusText;
      return this.#call.status === 200 ? "OK" : "";
    }

    get responseURL() {
      if (!this.#call) return super.responseURL;
      return this.#call.status ? this.#call.url : "";
    }

    get responseText() {
      return this.#call && ["", "text"].includes(this.responseType) ? this.#call.text : super.responseText;
    }

    get responseXML() {
      return this.#call ? null : super.responseXML;
    }

    get response() {
      const call = this.#call;
      if (!call) return super.response;
      if (["", "text"].includes(this.responseType)) return call.text;
      if (!call.status) return null;
      if (this.responseType === "arraybuffer") return new TextEncoder().encode(call.text).buffer;
      if (this.responseType === "blob") return new Blob([call.text], { type: TYPE });
      try {
        return this.responseType === "json" ? JSON.parse(call.text) : null;
      } catch {
        return null;
      }
    }

    /** @param {string} name */
    getResponseHeader(name) {
      if (!this.#call) return super.getResponseHeader(name);
      return this.#call.status && String(name).toLowerCase() === "content-type" ? TYPE : null;
    }

    getAllResponseHeaders() {
      if (!this.#call) return super.getAllResponseHeaders();
      return this.#call.status ? `content-type: ${TYPE}\r\n` : "";
    }
  }

  window.XMLHttpRequest = Object.defineProperty(SoftphoneRequest, "name", { value: "XMLHttpRequest" });

  // ---- sendBeacon: a page that is left

  const ownBeacon = navigator.sendBeacon;

  navigator.sendBeacon = function sendBeacon(address, body) {
    const name = commandOf(address);
    if (name === null) return Reflect.apply(ownBeacon, this, arguments);
    textOf(body).then((text) => ask(name, "POST", text));
    return true;
  };
})();
