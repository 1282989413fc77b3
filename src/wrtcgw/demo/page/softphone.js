// A one-line softphone: the page's state and its controls. No build step, no library.

import { Gateway } from "./api.js";
import { Sound } from "./sound.js";

const $ = (id) => document.getElementById(id);

// ---- the phone: one call at a time -----------------------------------------------------------------------------------

class Phone {
  constructor() {
    this.gateway = new Gateway();
    this.sound = new Sound($("far-side"), (state) => this.soundChanged(state));
    this.call = null; // {id, peer, state: calling|ringing|incoming|talking, held, heldByPeer, muted, offer, since}
  }

  async signIn(dn, password) {
    show("status", "Signing in …", "off");
    try {
      await this.gateway.signIn(dn, password);
    } catch (error) {
      show("status", "Not signed in", "off");
      throw error;
    }
    this.begin();
    await this.takeUp(await this.gateway.calls());
  }

  begin(after) {
    const { dn } = this.gateway;
    signedIn(true);
    show("status", `Signed in as ${dn}`, "on");
    this.gateway.poll((message) => this.take(message), (error) => gatewayTrouble(error, dn), after).catch((error) => {
      this.signedOut(error.status === 404 ? "You were signed out." : error.message);
    });
  }

  // After a reload: the gateway has kept the session and its call. One that still rings here is told again.
  async comeBack() {
    if (!this.gateway.restore()) return;
    let calls = [];
    try {
      calls = await this.gateway.calls();
    } catch (error) {
      if ([401, 403, 404].includes(error.status)) return this.gateway.forget();
      complain(error);
    }
    this.begin(calls.some(({ state }) => state === "OFFERED") ? this.gateway.before : undefined);
    await this.takeUp(calls);
  }

  // Goes on with the call that an earlier page has left: its sound is made anew, when it is on hold as soon as it is not.
  async takeUp(calls) {
    const left = calls.find(({ state }) => ["DIALLING", "RINGING", "ESTABLISHED"].includes(state));
    if (this.call || !left) return;
    const up = left.state === "ESTABLISHED";
    this.call = { id: left.callId, peer: left.peer, held: left.held, state: up ? "talking" : "ringing" };
    if (up) this.call.since = Date.now() - 1000 * left.duration;
    this.render(up ? "Back in the call" : "Calling …");
    if (up && !left.held) await this.renewSound();
  }

  async renewSound() {
    await this.gateway.describe(await this.sound.offer(), { call: this.call.id });
  }

  async signOut() {
    try { await this.gateway.signOut(); } finally { this.signedOut("Signed out"); }
  }

  signedOut(why) {
    this.gateway.polling?.abort();
    this.gateway.forget();
    this.ended(why);
    signedIn(false);
    $("error").hidden = true;
    show("status", why, "off");
  }

  async dial(to) {
    if (this.call) throw new Error("Hang up first: this page has one line.");
    const call = this.call = { id: "", peer: to, state: "calling" };
    this.render(`Calling ${to} …`);
    try {
      const sdp = await this.sound.offer();
      if (this.call !== call) return;
      const placed = await this.gateway.describe(sdp, { to });
      call.id ||= placed.callId;
      if (this.call !== call) await this.gateway.control("hangup", call.id);
    } catch (error) {
      if (this.call === call) this.ended("Not connected");
      throw error;
    }
  }

  async answer() {
    const call = this.call;
    call.state = "answering";
    this.render("Answering …");
    try {
      const sdp = call.offer ? await this.sound.answer(call.offer) : await this.sound.offer();
      if (this.call !== call) return;
      await this.gateway.describe(sdp, { call: call.id });
      this.talking();
    } catch (error) {
      if (this.call === call) { call.state = "incoming"; this.render(); }
      throw error;
    }
  }

  // The caller has asked for an answer without a click (Call-Info and the like), after some seconds.
  answerUnasked(id) {
    if (this.call?.id === id && this.call.state === "incoming") this.answer().catch(complain);
  }

  async hangUp(verb = "hangup") {
    const { id } = this.call;
    this.ended("Call ended");
    if (id) await this.gateway.control(verb, id);
  }

  async hold() {
    const call = this.call;
    const held = !call.held;
    const focused = document.activeElement === $("hold");
    $("hold").disabled = true;
    try {
      await this.gateway.control(held ? "hold" : "resume", call.id);
      call.held = held;
      this.render(held ? "You put the call on hold" : "Talking");
    } finally {
      $("hold").disabled = false;
      if (focused && document.activeElement === document.body) $("hold").focus();
    }
  }

  mute() {
    this.call.muted = !this.call.muted;
    this.render();
  }

  async digit(digit) {
    await this.gateway.control("dtmf", this.call.id, { digits: digit });
    $("digits").textContent = ($("digits").dataset.sent ?? "") + digit;
    $("digits").dataset.sent = $("digits").textContent;
  }

  async transfer(to) {
    note(`Transfer to ${to} asked for`);
    await this.gateway.control("transfer", this.call.id, { to });
  }

  talking() {
    this.call.state = "talking";
    this.call.since ??= Date.now();
    this.render("Talking");
  }

  ended(why) {
    this.sound.close();
    if (this.call) note(`${why} (${this.call.peer})`);
    this.call = null;
    render(null);
  }

  soundChanged(state) {
    const words = { connected: "Sound is connected", failed: "No sound: the media connection failed" };
    if (words[state]) note(words[state]);
    if (state === "failed") complain(new Error(words.failed));
  }

  render(words) {
    if (words) { $("call-state").textContent = words; note(`${words} (${this.call.peer})`); }
    this.sound.speak(!this.call.muted && !this.call.held);
    render(this.call);
  }

  // One message of the gateway. Those of another call than ours are old news, but for a new incoming one.
  async take(message) {
    const { messageType: type, callId } = message;
    if (type === "SIGNED_OUT") return this.signedOut("Signed out by the gateway");
    if (type === "REGISTRATION") return note(`Registration: ${message.state}`);
    if (message.cause === "resync") return undefined; // see takeUp
    if (!this.call && type === "OFFER") return this.ring(message);
    if (this.call && !this.call.id && type !== "OFFER") this.call.id = callId;
    if (this.call?.id !== callId) {
      if (type === "OFFER") await this.gateway.control("reject", callId).catch(complain);
      return undefined;
    }
    try { await this.takeForCall(type, message); } catch (error) { complain(error); }
    return undefined;
  }

  ring(message) {
    this.gateway.keep({ before: String(message.seq - 1) });
    const peer = message.displayName ? `${message.displayName} (${message.from})` : message.from;
    this.call = { id: message.callId, peer, state: "incoming", offer: message.sdp };
    this.render(`Call from ${peer}`);
    $("answer").focus();
    if (message.autoAnswer !== undefined) setTimeout(() => this.answerUnasked(message.callId), 1000 * message.autoAnswer);
  }

  // `cause` tells who did it: we (local), the server for us, or the far side (peer).
  heldOrResumed(held, cause) {
    if (cause !== "peer") this.call.held = held;
    if (!this.call.held && !this.sound.connection) this.renewSound().catch(complain);
    if (cause === "local") return this.render();
    const who = cause === "peer" ? "The far side put you on hold" : "The server put the call on hold";
    return this.render(held ? who : "Talking");
  }

  async takeForCall(type, message) {
    const call = this.call;
    switch (type) {
      case "RINGING":
        call.state = "ringing";
        return this.render("Ringing …");
      case "ANSWER":
        if (!this.sound.connection) return message.moreComing ? undefined : this.renewSound();
        await this.sound.applyAnswer(message.sdp);
        return message.moreComing ? this.render("Early sound …") : this.talking();
      case "OFFER": {
        const sdp = message.sdp ? await this.sound.answer(message.sdp) : await this.sound.offer();
        await this.gateway.describe(sdp, { call: call.id });
        return note("The far side changed the call");
      }
      case "HOLD":
      case "RESUME":
        return this.heldOrResumed(type === "HOLD", message.cause);
      case "TALK":
        return call.state === "incoming" ? this.answer() : undefined;
      case "TRANSFER":
        note(`Transfer: ${message.state} ${message.sipCode || ""} ${message.reason || ""}`);
        return message.state === "FAILED" ? complain(new Error(`Not transferred: ${message.hint}`)) : undefined;
      case "ERROR":
        if (message.state === "ENDED") this.ended("Call failed");
        return complain(new Error(message.hint || `${message.sipCode || ""} ${message.reason || message.cause || "Call failed"}`));
      case "SHUTDOWN":
        return this.ended("Call ended");
      case "DTMF":
        return note(`Digits received: ${message.digits}`);
      default:
        return undefined;
    }
  }
}

const MICROPHONE = {
  NotAllowedError: "The browser may not use the microphone.",
  NotFoundError: "There is no microphone.",
};

// ---- the page ------------------------------------------------------------------------------------------------------

function show(id, text, state) {
  $(id).textContent = text;
  if (state) $(id).dataset.state = state;
}

function note(text) {
  const entry = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString();
  entry.append(time, text);
  $("log").append(entry);
  while ($("log").childElementCount > 100) $("log").firstElementChild.remove();
}

function complain(error) {
  const refused = MICROPHONE[error.name] ?? "";
  const lost = error instanceof TypeError ? "The gateway cannot be reached." : "";
  $("error").textContent = refused || lost || error.message;
  $("error").hidden = false;
  note(`Problem: ${$("error").textContent}`);
}

function gatewayTrouble(error, dn) {
  if (error) show("status", "The gateway cannot be reached, trying again …", "trouble");
  else show("status", `Signed in as ${dn}`, "on");
}

function signedIn(yes) {
  $("sign-in").hidden = yes;
  $("phone").hidden = !yes;
  (yes ? $("to") : $("dn")).focus();
}

function render(call) {
  const focused = document.activeElement;
  const incoming = call?.state === "incoming";
  const talking = call?.state === "talking";
  $("dial").hidden = Boolean(call);
  $("incoming").hidden = !incoming;
  $("call").hidden = !call || incoming;
  $("in-call").disabled = $("hold").disabled = !talking;
  $("transfer").hidden = !talking;
  $("hold").textContent = call?.held ? "Resume" : "Hold";
  $("hold").setAttribute("aria-pressed", String(Boolean(call?.held)));
  $("mute").setAttribute("aria-pressed", String(Boolean(call?.muted)));
  $("caller").textContent = $("peer").textContent = call?.peer ?? "";
  if (!call) {
    $("digits").textContent = "nothing yet";
    delete $("digits").dataset.sent;
  }
  document.title = incoming ? `${call.peer} is calling` : "Softphone – wrtcgw";
  if (focused?.closest("[hidden]") && !$("phone").hidden) (call ? $("hang-up") : $("to")).focus();
}

async function everyHalfSecond() {
  const since = phone.call?.since;
  const seconds = since ? Math.floor((Date.now() - since) / 1000) : 0;
  $("clock").textContent = since ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "";
  $("level").value = Math.min(1, 4 * await phone.sound.level());
}

const phone = new Phone();

function on(id, event, action) {
  $(id).addEventListener(event, async (occurred) => {
    occurred.preventDefault();
    $("error").hidden = true;
    try { await action(occurred); } catch (error) { complain(error); }
  });
}

on("sign-in", "submit", () => phone.signIn($("dn").value.trim(), $("password").value));
on("sign-out", "click", () => phone.signOut());
on("dial", "submit", () => phone.dial($("to").value.trim()));
on("answer", "click", () => phone.answer());
on("reject", "click", () => phone.hangUp("reject"));
on("hang-up", "click", () => phone.hangUp());
on("hold", "click", () => phone.hold());
on("mute", "click", () => phone.mute());
on("transfer", "submit", () => phone.transfer($("transfer-to").value.trim()));
for (const digit of "123456789*0#") {
  const key = document.createElement("button");
  key.type = "button";
  key.textContent = digit;
  key.dataset.digit = digit;
  if (digit === "*") key.setAttribute("aria-label", "star");
  if (digit === "#") key.setAttribute("aria-label", "hash");
  $("keypad").append(key);
}
on("keypad", "click", ({ target }) => target.dataset.digit && phone.digit(target.dataset.digit));
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.ctrlKey || event.altKey || event.metaKey;
  if (!typing && phone.call?.state === "talking" && /^[0-9*#]$/.test(event.key)) phone.digit(event.key).catch(complain);
});
setInterval(everyHalfSecond, 500);
phone.comeBack().catch(complain);
