// The adapter between an agent's desktop and the phone, with the desktop's documented surface.

import assert from "node:assert/strict";
import { test } from "node:test";

import { settled } from "./fake_rtc.mjs";
import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { connectWorkspace } from "../../src/wrtcgw/browser/workspace/adapter.js";

class FakeCall extends Emitter {
  constructor(phone, fields) {
    super();
    Object.assign(this, { phone, uuid: "", held: false, done: [] }, fields);
  }
  get isOver() {
    return this.state === "ended";
  }
  get isUp() {
    return this.state === "established";
  }
  to(fields) {
    Object.assign(this, fields);
    this.phone.emit("call", this);
    if (this.isOver) this.phone.emit("callended", this);
  }
  async act(name, fields) {
    this.done.push(name);
    await null;
    this.to(fields);
  }
  async answer() {
    if (this.state !== "incoming") throw new Error("answered twice");
    this.to({ state: "answering" });
    await this.act("answer", { state: "established" });
  }
  reject() {
    return this.act("reject", { state: "ended" });
  }
  hangup() {
    return this.act("hangup", { state: "ended" });
  }
  hold() {
    return this.act("hold", { held: true });
  }
  resume() {
    return this.act("resume", { held: false });
  }
}

class FakePhone extends Emitter {
  calls = new Map();
  placed = [];
  ring(fields) {
    return this.add({ direction: "inbound", state: "incoming", ...fields });
  }
  add(fields) {
    const call = new FakeCall(this, fields);
    this.calls.set(call, call);
    this.emit("call", call);
    return call;
  }
  async call(to, { data }) {
    this.placed.push([to, data]);
    await null;
    return this.add({ direction: "outbound", peer: to, state: "calling" });
  }
}

// The desktop of the document: voice.on("CallStarted"), voice.makeCall({destination}); orders are optional.
class FakeWorkspace {
  #events = new Emitter();
  orders = [];
  constructor({ able = true } = {}) {
    const order = (name) => async (id) => {
      this.orders.push(`${name} ${id}`);
    };
    const names = ["answerCall", "holdCall", "retrieveCall", "releaseCall"];
    const more = Object.fromEntries(names.map((name) => [name, order(name)]));
    this.voice = {
      on: (name, listener) => this.#events.on(name, listener),
      off: (name, listener) => this.#events.off(name, listener),
      makeCall: ({ destination }) => this.say("CallStarted", { id: "1", destination, userData: { CaseId: 42 } }),
      ...(able ? more : {}),
    };
  }
  say(name, call) {
    this.#events.emit(name, call);
  }
}

function connected(options = {}) {
  const [workspace, phone] = [new FakeWorkspace(options), new FakePhone()];
  const adapter = connectWorkspace({ workspace, phone, ...options });
  const errors = [];
  adapter.on("error", (error) => errors.push(error.cause ?? error));
  return { workspace, phone, adapter, errors };
}

test("a call made in the desktop is placed by the phone, once, with its data", async () => {
  const { workspace, phone, adapter } = connected();
  workspace.voice.makeCall({ destination: "1003" });
  workspace.say("CallStarted", { id: "1", destination: "1003" });
  await settled();
  assert.deepEqual(phone.placed, [["1003", [{ key: "CaseId", value: "42" }]]]);
  const [call] = phone.calls.values();
  assert.equal(adapter.desktopCallOf(call).id, "1");
  call.to({ state: "established" });
  workspace.say("CallEstablished", { id: "1", destination: "1003" });
  workspace.say("CallHeld", { id: "1", destination: "1003" });
  workspace.say("CallHeld", { id: "1", destination: "1003" });
  workspace.say("CallRetrieved", { id: "1", destination: "1003" });
  workspace.say("CallReleased", { id: "1", destination: "1003" });
  await settled();
  assert.deepEqual(call.done, ["hold", "resume", "hangup"]);
  assert.deepEqual(workspace.orders, []);
});

test("one number called twice is two calls", async () => {
  const { workspace, phone, adapter } = connected();
  workspace.say("CallStarted", { id: "1", destination: "1003" });
  await settled();
  workspace.say("CallStarted", { id: "2", destination: "1003" });
  await settled();
  assert.equal(phone.placed.length, 2);
  assert.deepEqual(
    [...phone.calls.values()].map((call) => adapter.desktopCallOf(call).id),
    ["1", "2"],
  );
});

test("a call answered in the desktop is answered by the phone, unless NOTIFY talk has answered it", async () => {
  const { workspace, phone, errors } = connected();
  const call = phone.ring({ peer: "5002" });
  workspace.say("CallRinging", { id: "7", ani: "5002" });
  workspace.say("CallAnswered", { id: "7", ani: "5002" });
  await settled();
  assert.deepEqual(call.done, ["answer"]);
  const other = phone.ring({ peer: "5003" });
  workspace.say("CallRinging", { id: "8", ani: "5003" });
  await settled();
  other.answer(); // as the library does at TALK
  workspace.say("CallAnswered", { id: "8", ani: "5003" });
  await settled();
  assert.deepEqual([other.done, errors], [["answer"], []]);
});

test("the desktop may tell of a call before it rings, and with another number, if the UUID is the same", async () => {
  const { workspace, phone, adapter } = connected();
  workspace.say("CallRinging", { id: "7", ani: "+49 30 1234", callUuid: "ABC" });
  const other = phone.ring({ peer: "5002", uuid: "XYZ" });
  const call = phone.ring({ peer: "anonymous", uuid: "ABC" });
  assert.equal(adapter.desktopCallOf(call).id, "7");
  assert.equal(adapter.desktopCallOf(other), null);
  workspace.say("CallReleased", { id: "7" });
  await settled();
  assert.deepEqual([call.done, other.done], [["reject"], []]);
});

test("what happens at the phone is told the desktop, and does not come back", async () => {
  const { workspace, phone } = connected();
  const call = phone.ring({ peer: "5002" });
  workspace.say("CallRinging", { id: "7", ani: "5002" });
  await settled();
  await call.answer();
  workspace.say("CallAnswered", { id: "7", ani: "5002" });
  await settled();
  await call.hold();
  workspace.say("CallHeld", { id: "7", ani: "5002" });
  await settled();
  await call.resume();
  await settled();
  await call.hangup();
  workspace.say("CallReleased", { id: "7", ani: "5002" });
  await settled();
  assert.deepEqual(workspace.orders, ["answerCall 7", "holdCall 7", "retrieveCall 7", "releaseCall 7"]);
  assert.deepEqual(call.done, ["answer", "hold", "resume", "hangup"]);
});

test("a desktop that takes no orders is not given any", async () => {
  const { workspace, phone, errors } = connected({ able: false });
  const call = phone.ring({ peer: "5002" });
  workspace.say("CallRinging", { id: "7", ani: "5002" });
  await settled();
  await call.answer();
  await call.hangup();
  await settled();
  assert.deepEqual(errors, []);
});

test("under control by SIP nothing is placed, answered or ended here, and each call is known", async () => {
  const { workspace, phone, adapter } = connected({ control: "sip" });
  const linked = [];
  adapter.on("linked", ({ desktop }) => linked.push(desktop.id));
  workspace.voice.makeCall({ destination: "1003" });
  const call = phone.ring({ peer: "1003" }); // the server calls us to connect us
  for (const name of ["CallAnswered", "CallHeld", "CallReleased"]) workspace.say(name, { id: "1" });
  await settled();
  assert.deepEqual([phone.placed, call.done, workspace.orders, linked], [[], [], [], ["1"]]);
});

test("a server that calls us for a call of the desktop is left to it, also without control by SIP", async () => {
  const { workspace, phone } = connected();
  const call = phone.ring({ peer: "1003" });
  workspace.voice.makeCall({ destination: "1003" });
  await settled();
  assert.deepEqual([phone.placed, call.done], [[], []]);
});

test("what fails is told, and the next call is not touched by it; stopped, nothing is done", async () => {
  const { workspace, phone, errors, adapter } = connected();
  phone.call = async () => {
    throw new Error("no microphone");
  };
  workspace.voice.makeCall({ destination: "1003" });
  await settled();
  assert.equal(errors[0].message, "no microphone");
  const call = phone.ring({ peer: "5002" });
  workspace.say("CallRinging", { id: "7", ani: "5002" });
  adapter.stop();
  workspace.say("CallAnswered", { id: "7", ani: "5002" });
  await settled();
  assert.deepEqual(call.done, []);
});
