// `window.webrtcGadget` as in the integration document: init, placeCall, hangup, signOut. A page that was written for
// it keeps its code; underneath is the library, so there is nothing to poll, and calls can also come in:
// `webrtcGadget.on("incoming", (call) => …)`, `answer()`, `reject()`, `hold()`, `resume()`, `phone`.

window.webrtcGadget = (() => {
  const home = new URL("../", document.currentScript.src);
  const loaded = import(new URL("grtc/phone.js", home));
  loaded.catch(() => {}); // told by init
  const listeners = [];
  let phone = null;
  let last = null; // the call that the buttons are about
  let placing = null;

  async function start({ gatewayUrl }) {
    const { Phone } = await loaded;
    const gateway = gatewayUrl ? new URL(gatewayUrl, location.href).href : home.href;
    phone = new Phone({ gateway, answerOnTalk: true }); // the gateway tells whether the site has allowed it
    phone.on("incoming", (call) => {
      last ??= call;
    });
    phone.on("call", (call) => {
      if (last === null && !call.isOver) last = call;
    });
    phone.on("callended", (call) => {
      if (last === call) last = [...phone.calls.values()][0] ?? null;
    });
    for (const [name, listener] of listeners) phone.on(name, listener);
  }

  // As fetch does: an answer that says no is an answer; only what never arrived is an error.
  const answered = async (work) => {
    try {
      await work;
      return new Response("OK");
    } catch (error) {
      if (!(error.status >= 400)) throw error;
      return new Response(error.hint, { status: error.status, statusText: error.code });
    }
  };

  const there = () => last ?? Promise.reject(new Error("There is no call."));

  return {
    /** Signs in; fulfilled with a Response. `gatewayUrl` is only for a gateway other than this script's. */
    async init({ agentId, dn, password, gatewayUrl }) {
      if (!phone) await start({ gatewayUrl });
      return answered(phone.signIn({ id: agentId, dn: String(dn), password }));
    },
    /** Calls a number; fulfilled when the gateway has taken the call. */
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
    reject: async (code) => (await there()).reject(code),
    hold: async () => (await there()).hold(),
    resume: async () => (await there()).resume(),
    /** Events of the library's Phone: "incoming", "call", "callended", "error" … */
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
