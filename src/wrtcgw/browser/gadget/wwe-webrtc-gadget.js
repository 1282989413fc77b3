// `window.webrtcGadget` as in the integration document: init, placeCall, hangup, signOut. A page that was written for
// it keeps its code; underneath is the library, so there is nothing to poll, and calls can also come in:
// `webrtcGadget.on("incoming", (call) => …)`, `answer()`, `reject()`, `hold()`, `resume()`, `phone`.

/** @typedef {import("../grtc/call.js").Call} Call */
/** @typedef {import("../grtc/phone.js").Phone} Phone */
/** @typedef {import("../grtc/types.js").PhoneEvents} PhoneEvents */

/** @type {Record<string, any>} */ (/** @type {unknown} */ (window)).webrtcGadget = (() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const home = new URL("../", script.src);
  /** @type {Promise<typeof import("../grtc/phone.js")>} */
  const loaded = import(new URL("grtc/phone.js", home).href);
  loaded.catch(() => {}); // told by init
  /** @type {[keyof PhoneEvents, (...details: any[]) => unknown][]} */
  const listeners = [];
  /** @type {Phone | null} */
  let phone = null;
  /** @type {Call | null} that the buttons are about */
  let last = null;
  /** @type {Promise<Call> | null} */
  let placing = null;

  /** @param {string} [gatewayUrl] */
  async function start(gatewayUrl) {
    const { Phone } = await loaded;
    const gateway = gatewayUrl ? new URL(gatewayUrl, location.href).href : home.href;
    const made = new Phone({ gateway, answerOnTalk: true }); // the gateway tells whether the site has allowed it
    phone = made;
    phone.on("incoming", (call) => {
      last ??= call;
    });
    phone.on("call", (call) => {
      if (last === null && !call.isOver) last = call;
    });
    phone.on("callended", (call) => {
      if (last === call) last = [...made.calls.values()][0] ?? null;
    });
    for (const [name, listener] of listeners) phone.on(name, listener);
    return made;
  }

  // As fetch does: an answer that says no is an answer; only what never arrived is an error.
  /** @param {Promise<unknown> | undefined} work */
  const answered = async (work) => {
    try {
      await work;
      return new Response("OK");
    } catch (error) {
      const { status = 0, hint, code } = /** @type {Partial<import("../grtc/errors.js").PhoneError>} */ (error);
      if (!(status >= 400)) throw error;
      return new Response(hint, { status, statusText: code });
    }
  };

  /** @returns {Call | Promise<Call>} */
  const there = () => last ?? Promise.reject(new Error("There is no call."));

  return {
    /**
     * Signs in; fulfilled with a Response. `gatewayUrl` is only for a gateway other than this script's.
     * @param {{agentId?: string, dn: string | number, password?: string, gatewayUrl?: string}} who
     */
    async init({ agentId, dn, password, gatewayUrl }) {
      const made = phone ?? (await start(gatewayUrl));
      return answered(made.signIn({ id: agentId, dn: String(dn), password }));
    },
    /**
     * Calls a number; fulfilled when the gateway has taken the call.
     * @param {string | number} destination
     * @param {import("../grtc.js").CallOptions} [options]
     */
    async placeCall(destination, options) {
      if (!phone) throw new Error("webrtcGadget.init() comes first.");
      placing = phone.call(String(destination), options);
      last = await placing;
      return last;
    },
    pollForAnswer() {}, // answers come by themselves
    async hangup() {
      await Promise.allSettled([placing]);
      const call = last;
      if (call?.state === "incoming") await call.reject();
      else await call?.hangup();
    },
    signOut: () => answered(phone?.signOut()),
    answer: async () => (await there()).answer(),
    /** @param {number} [code] */
    reject: async (code) => (await there()).reject(code),
    hold: async () => (await there()).hold(),
    resume: async () => (await there()).resume(),
    /**
     * Events of the library's Phone: "incoming", "call", "callended", "error" …
     * @param {keyof PhoneEvents} name
     * @param {(...details: any[]) => unknown} listener
     */
    on(name, listener) {
      listeners.push([name, listener]);
      phone?.on(name, listener);
    },
    get phone() {
      return phone;
    },
    get call() {
      return last;
    },
  };
})();
