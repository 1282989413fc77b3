// The gadget: what its address says, whom it listens to, and the orders of its host.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { settled } from "./fake_rtc.mjs";
import { exactly } from "./texts.mjs";
import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { PhoneError } from "../../src/wrtcgw/browser/grtc/errors.js";
import { Gadget } from "../../src/wrtcgw/browser/gadget/gadget.js";
import { Host } from "../../src/wrtcgw/browser/gadget/host.js";
import { readParameters, withoutSecrets } from "../../src/wrtcgw/browser/gadget/parameters.js";

const HOST = "https://desk.example.com";
const HOME = new URL("../../src/wrtcgw/browser/gadget/", import.meta.url);

exactly(HOME);

// A frame's window in a page of that origin; `say` is a message of a window of an origin.
function frame({ origin = HOST, ancestors = true } = {}) {
  const listeners = [];
  const sent = [];
  const parent = { postMessage: (message, target) => sent.push({ message, target }) };
  const window = {
    parent,
    location: ancestors ? { ancestorOrigins: [origin] } : {},
    document: { referrer: "" },
    addEventListener: (type, listener) => listeners.push(listener),
  };
  const said = (data, from = origin, source = parent) =>
    listeners.forEach((listener) => listener({ data: { gadget: "wrtcgw", ...data }, origin: from, source }));
  return { window, parent, sent, said };
}

function recorder() {
  const warnings = [];
  return { warnings, console: { warn: (text) => warnings.push(text) } };
}

class FakeCall extends Emitter {
  constructor(fields) {
    super();
    const call = { id: "", uuid: "", direction: "outbound", displayName: "", held: false, heldByPeer: false };
    Object.assign(
      this,
      call,
      { muted: false, sound: "here", data: [], startedAt: 1, answeredAt: null, done: [] },
      fields,
    );
  }
  get isOver() {
    return this.state === "ended";
  }
  get isUp() {
    return this.state === "established";
  }
  get isHere() {
    return this.sound === "here";
  }
}
for (const name of ["reject", "hangup", "hold", "resume", "mute", "dtmf", "transfer", "transferTo", "useHere"]) {
  FakeCall.prototype[name] = async function act(...given) {
    this.done.push([name, ...given]);
    if (name === "hold" || name === "resume") this.held = name === "hold";
  };
}

FakeCall.prototype.answer = async function answer({ hold = false } = {}) {
  if (hold) await this.phone.holdOthers(this);
  this.done.push(["answer"]);
};

class FakePhone extends Emitter {
  calls = new Map();
  isSignedIn = true;
  dn = "5001";
  id = "ada";
  connection = "online";
  registration = { state: "REGISTERED", sipCode: 0, reason: "" };
  placed = [];
  add(fields) {
    const call = new FakeCall({ ...fields, phone: this });
    this.calls.set(call.id, call);
    return call;
  }
  async holdOthers(but = null) {
    for (const call of this.calls.values()) if (call !== but && call.isUp && !call.held) await call.hold();
  }
  async call(to, { hold = false, ...options }) {
    if (hold) await this.holdOthers();
    this.placed.push([to, options]);
    return this.add({ id: "new", peer: to, state: "calling" });
  }
}

function gadget() {
  const around = frame();
  const { console } = recorder();
  const phone = new FakePhone();
  const made = new Gadget({ phone, origins: [HOST], init: async () => "begun", window: around.window, console });
  made.ready();
  around.sent.length = 0;
  async function order(type, fields = {}) {
    around.said({ type, request: 7, ...fields });
    await settled();
    return around.sent.map(({ message }) => message).findLast((message) => message.type === "reply");
  }
  const told = () => around.sent.map(({ message }) => message).filter(({ type }) => type !== "reply");
  return { phone, order, told, made, around };
}

test("placeholders that were filled in are values, others are told", () => {
  const found = readParameters("?dn=5001&id=$Agent.UserName$&number=%24Interaction.PhoneNumber%24&lang=de");
  assert.deepEqual([found.dn, found.id, found.number, found.lang], ["5001", "", "", "de"]);
  assert.deepEqual(
    found.unfilled.map(({ name, value }) => `${name} ${value}`),
    ["id $Agent.UserName$", "number $Interaction.PhoneNumber$"],
  );
  assert.equal(readParameters("?number=5$&dn=%20").number, "5$");
  assert.deepEqual(readParameters("").unfilled, []);
});

test("a password in the address is not read, and taken out", () => {
  const found = readParameters("?dn=1&password=x&token=y");
  assert.deepEqual(found.secrets, ["password", "token"]);
  assert.equal(JSON.stringify(found).includes('"x"'), false);
  assert.equal(
    withoutSecrets("https://g.example.com/gadget/?dn=1&password=x#a"),
    "https://g.example.com/gadget/?dn=1#a",
  );
});

test("only the page around it is listened to, and only from an allowed origin; others are told of once", () => {
  const { window, parent, said } = frame();
  const { warnings, console } = recorder();
  const heard = [];
  new Host({ origins: [HOST], receive: (message) => heard.push(message.type), window, console });
  said({ type: "a" });
  said({ type: "b" }, "https://evil.example.com");
  said({ type: "c" }, "https://evil.example.com");
  said({ type: "d" }, HOST, {});
  said({ type: "e", gadget: "other" });
  said({ type: "f" }, HOST, window);
  said({ type: "g" }, HOST, parent);
  assert.deepEqual(heard, ["a", "g"]);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0], /evil\.example\.com: it is not in allowed_origins/);
});

test("without an allowed host nothing is sent, and never to everyone", () => {
  const foreign = frame({ origin: "https://evil.example.com" });
  new Host({ origins: [HOST], receive: () => {}, window: foreign.window }).post("ready");
  assert.deepEqual(foreign.sent, []);
  const unknown = frame({ ancestors: false });
  const host = new Host({ origins: [`${HOST}:443`], receive: () => {}, window: unknown.window });
  host.post("ready");
  unknown.said({ type: "getState" });
  host.post("state", { gadget: "forged", type: "forged" });
  assert.deepEqual(unknown.sent, [{ message: { gadget: "wrtcgw", type: "state" }, target: HOST }]);
  const alone = frame();
  alone.window.parent = alone.window;
  new Host({ origins: [HOST], receive: () => {}, window: alone.window }).post("ready");
  assert.deepEqual(alone.sent, []);
});

test("what happens before it is ready is told afterwards, and orders wait", async () => {
  const around = frame();
  const phone = new FakePhone();
  const made = new Gadget({ phone, origins: [HOST], init: async () => "begun", window: around.window });
  around.said({ type: "init", request: 1 });
  phone.emit("registration", phone.registration);
  await settled();
  assert.deepEqual(around.sent, []);
  made.ready();
  await settled();
  assert.deepEqual(
    around.sent.map(({ message }) => message.type),
    ["ready", "signedIn", "state", "reply"],
  );
});

test("an order is answered with its request; a failed one with code and hint", async () => {
  const { order, phone } = gadget();
  assert.deepEqual(await order("init"), { request: 7, ok: true, result: "begun", gadget: "wrtcgw", type: "reply" });
  const unknown = await order("constructor");
  assert.deepEqual([unknown.ok, unknown.request, unknown.error.code], [false, 7, "unknown_command"]);
  phone.isSignedIn = false;
  assert.equal((await order("call", { to: "1" })).error.code, "not_signed_in");
  assert.equal((await order("hangup")).error.code, "not_signed_in");
});

test("a call puts others on hold, with its data as pairs", async () => {
  const { order, phone } = gadget();
  const first = phone.add({ id: "a", peer: "5002", state: "established" });
  const reply = await order("call", { to: 1003, data: { CaseId: 42 } });
  assert.deepEqual(first.done, [["hold"]]);
  assert.deepEqual(phone.placed, [["1003", { data: [{ key: "CaseId", value: "42" }] }]]);
  assert.equal(reply.result.callId, "new");
  assert.equal((await order("call", {})).error.code, "bad_input");
});

test("orders find their call by name, by id, or because it is the only one", async () => {
  const { order, phone } = gadget();
  const talking = phone.add({ id: "a", peer: "5002", state: "established" });
  const ringing = phone.add({ id: "b", peer: "5003", state: "incoming", direction: "inbound" });
  assert.equal((await order("dtmf", { digits: 12 })).ok, true);
  assert.deepEqual(talking.done, [["dtmf", "12"]]);
  assert.equal((await order("answer")).ok, true);
  assert.deepEqual(ringing.done, [["answer"]]);
  assert.deepEqual(talking.done.at(-1), ["hold"]);
  const { result } = await order("getState");
  assert.equal((await order("transfer", { call: result.calls[0].call, toCall: "b" })).ok, true);
  assert.deepEqual(talking.done.at(-1), ["transferTo", ringing]);
  assert.equal((await order("resume")).ok, true);
  phone.add({ id: "c", peer: "5004", state: "established" });
  assert.equal((await order("hangup")).error.code, "ambiguous_call");
  assert.equal((await order("hangup", { call: "zzz" })).error.code, "unknown_call");
  assert.equal((await order("transfer", { call: "c" })).error.code, "bad_input");
});

test("a call whose sound another page has is told so, and brought here; others wait then", async () => {
  const { order, phone, told } = gadget();
  const talking = phone.add({ id: "a", peer: "5002", state: "established" });
  assert.equal((await order("useHere")).error.code, "unknown_call");
  const elsewhere = phone.add({ id: "b", peer: "5003", state: "established", sound: "elsewhere", held: true });
  phone.emit("call", elsewhere);
  assert.equal((await order("useHere")).ok, true);
  assert.deepEqual([talking.done, elsewhere.done], [[["hold"]], [["useHere"]]]);
  phone.emit("call", Object.assign(elsewhere, { sound: "here" }));
  assert.deepEqual(
    told().map(({ sound }) => sound),
    ["elsewhere", "here"],
  );
  assert.equal((await order("useHere", { call: "b" })).ok, true);
  phone.add({ id: "c", peer: "5004", state: "incoming", direction: "inbound", sound: "elsewhere" });
  assert.equal((await order("useHere")).error.code, "unknown_call");
});

test("a call is told when something of it has changed, an end once, and errors with their words", () => {
  const { phone, told } = gadget();
  const call = phone.add({ id: "a", peer: "5002", state: "incoming", direction: "inbound" });
  phone.emit("incoming", call);
  phone.emit("call", call);
  call.state = "established";
  phone.emit("call", call);
  phone.emit("call", call);
  Object.assign(call, { state: "ended", answeredAt: 1_000, endedAt: 8_400, ended: { cause: "remote", sipCode: 200 } });
  phone.emit("call", call);
  phone.emit("callended", call);
  phone.emit("error", new PhoneError("no_microphone"));
  assert.deepEqual(
    told().map(({ type, state }) => `${type} ${state}`),
    ["incoming incoming", "callState established", "callEnded ended", "error undefined"],
  );
  const [, , ended, error] = told();
  assert.deepEqual([ended.duration, ended.cause, ended.peer], [7, "remote", "5002"]);
  assert.match(error.hint, /microphone/);
});

test("its own texts are the same in both languages, with the same placeholders", () => {
  const [en, de] = ["en", "de"].map((name) => JSON.parse(readFileSync(new URL(`texts/${name}.json`, HOME), "utf-8")));
  const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  assert.deepEqual(Object.keys(de), Object.keys(en));
  for (const key of Object.keys(en)) assert.deepEqual(placeholders(de[key]), placeholders(en[key]), key);
});

test("the script to embed is short enough to be read before it is pasted", () => {
  assert.ok(readFileSync(new URL("embed.js", HOME), "utf-8").split("\n").length < 60);
});
