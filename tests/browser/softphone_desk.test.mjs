// What lies on an agent's desk, with a phone whose calls do as they are told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { PhoneError } from "../../src/wrtcgw/browser/grtc/errors.js";
import { Desk, tidy } from "../../src/wrtcgw/browser/softphone/desk.js";
import { soundFor } from "../../src/wrtcgw/browser/softphone/ring.js";

class StubCall extends Emitter {
  constructor(phone, peer, direction, startedAt) {
    super();
    Object.assign(this, {
      phone,
      peer,
      direction,
      startedAt,
      id: `call-${peer}`,
      displayName: "",
      held: false,
      done: [],
    });
    Object.assign(this, { heldByPeer: false, muted: false, answeredAt: null, endedAt: null, ended: null });
    this.state = direction === "inbound" ? "incoming" : "calling";
  }
  get isUp() {
    return this.state === "established";
  }
  get isOver() {
    return this.state === "ended";
  }
  change(fields) {
    Object.assign(this, fields);
    if (fields.state) this.emit("state", fields.state);
    this.phone.emit("call", this);
  }
  async answer() {
    this.done.push("answer");
    this.up();
  }
  async hold() {
    this.done.push("hold");
    this.change({ held: true });
  }
  async resume() {
    this.done.push("resume");
    this.change({ held: false });
  }
  async hangup() {
    this.done.push("hangup");
    this.over("local");
  }
  async transfer(to) {
    this.done.push(`transfer ${to}`);
    this.over("transferred");
  }
  async transferTo(other) {
    this.done.push(`transfer to ${other.peer}`);
    this.over("transferred");
  }
  mute(on) {
    this.change({ muted: on });
  }
  up() {
    this.change({ state: "established", answeredAt: 1 });
  }
  over(cause, more = {}) {
    this.change({ state: "ended", endedAt: 2, ended: { cause, sipCode: 0, reason: "", hint: "", ...more } });
    this.phone.calls.delete(this.id);
    this.phone.emit("callended", this);
  }
}

class StubPhone extends Emitter {
  calls = new Map();
  dn = "5001";
  isSignedIn = true;
  connection = "online";
  registration = { state: "REGISTERED", sipCode: 0, reason: "" };
  add(peer, direction) {
    const call = new StubCall(this, peer, direction, this.calls.size + 1);
    this.calls.set(call.id, call);
    if (direction === "inbound") this.emit("incoming", call);
    this.emit("call", call);
    return call;
  }
  async call(to) {
    if (this.refusal) throw new PhoneError(this.refusal);
    return this.add(to, "outbound");
  }
}

function desk(memory = null) {
  const phone = new StubPhone();
  return { phone, desk: new Desk(phone, { memory }) };
}

async function talking(phone, on, peer) {
  await on.dial(peer);
  const call = phone.calls.get(`call-${peer}`);
  call.up();
  return call;
}

test("a second call puts the first on hold, and switching turns that round", async () => {
  const { phone, desk: on } = desk();
  const first = await talking(phone, on, "1003");
  const second = await talking(phone, on, "1008");
  assert.deepEqual([first.held, second.held, on.selected], [true, false, second]);
  await on.switchTo(first);
  assert.deepEqual([first.held, second.held, on.selected], [false, true, first]);
  await on.hold(first);
  assert.deepEqual([first.held, second.held], [true, true]);
  await on.hold(second);
  assert.deepEqual([first.held, second.held, on.selected], [true, false, second]);
});

test("answering puts the call in hand on hold", async () => {
  const { phone, desk: on } = desk();
  const first = await talking(phone, on, "1003");
  const ringing = phone.add("5002", "inbound");
  assert.deepEqual([on.incoming, on.current, soundFor(on)], [[ringing], [first], "waiting"]);
  await on.answer(ringing);
  assert.deepEqual([first.held, on.selected, on.incoming.length], [true, ringing, 0]);
});

test("what is heard follows from the calls", async () => {
  const { phone, desk: on } = desk();
  assert.equal(soundFor(on), "");
  const ringing = phone.add("5002", "inbound");
  assert.equal(soundFor(on), "ring");
  ringing.over("cancelled", { missed: true });
  assert.equal(soundFor(on), "");
  await on.dial("1006");
  phone.calls.get("call-1006").change({ state: "ringing" });
  assert.equal(soundFor(on), "ringback");
  phone.calls.get("call-1006").change({ state: "early" });
  assert.equal(soundFor(on), "");
});

test("an attended transfer asks first, then connects; when it is cancelled the caller is back", async () => {
  const { phone, desk: on } = desk();
  const caller = await talking(phone, on, "5002");
  await on.consult(caller, "1003");
  const asked = phone.calls.get("call-1003");
  assert.deepEqual([caller.held, on.originalOf(asked), on.selected], [true, caller, asked]);
  await on.hangUp(asked);
  assert.deepEqual([asked.done, caller.held, on.selected], [["hangup"], false, caller]);
  await on.consult(caller, "1008");
  const other = phone.calls.get("call-1008");
  other.up();
  await on.complete(other);
  assert.deepEqual(caller.done.at(-1), "transfer to 1008");
  assert.equal(on.originalOf(other), null);
});

test("who is asked before a transfer is known again after a reload", async () => {
  const memory = {
    values: {},
    getItem(key) {
      return this.values[key] ?? null;
    },
    setItem(key, value) {
      this.values[key] = value;
    },
  };
  const { phone, desk: on } = desk(memory);
  const caller = await talking(phone, on, "5002");
  await on.consult(caller, "1003");
  on.close();
  const again = new Desk(phone, { memory });
  assert.equal(again.originalOf(phone.calls.get("call-1003")), caller);
  caller.over("remote");
  assert.equal(again.originalOf(phone.calls.get("call-1003")), null);
  assert.equal(memory.values["softphone-consults"], "[]");
});

test("failures become notices, each once; what came too late does not", async () => {
  const { phone, desk: on } = desk();
  phone.refusal = "microphone_refused";
  on.type("1003");
  await on.dial("1003");
  await on.dial("1003");
  assert.deepEqual(
    on.notices.map(({ code }) => code),
    ["microphone_refused"],
  );
  assert.equal(on.number, "1003");
  on.dismiss("microphone_refused");
  on.complain(new PhoneError("call_ended"));
  on.complain(new PhoneError("wrong_state"));
  assert.deepEqual(on.notices, []);
  await on.dial("  ");
  assert.deepEqual(
    on.notices.map(({ code }) => code),
    ["no_number"],
  );
});

test("an unreachable gateway is no notice any more when it is back", () => {
  const { phone, desk: on } = desk();
  on.complain(new PhoneError("gateway_unreachable"));
  phone.emit("connection", { state: "online" });
  assert.deepEqual(on.notices, []);
});

test("the same action is not begun twice", async () => {
  const { phone, desk: on } = desk();
  const call = await talking(phone, on, "1003");
  await Promise.all([on.hold(call), on.hold(call)]);
  assert.deepEqual(call.done, ["hold"]);
});

test("quality is called bad after two bad samples, and silence when nothing comes in any more", async () => {
  const { phone, desk: on } = desk();
  const call = await talking(phone, on, "1003");
  assert.equal(on.qualityOf(call), null);
  const sample = (fields) => call.emit("quality", { mos: 4.4, loss: 0, received: 100, ...fields });
  sample({ mos: 2.5, received: 1 });
  assert.equal(on.qualityOf(call).bad, false);
  sample({ loss: 20, received: 2 });
  assert.equal(on.qualityOf(call).bad, true);
  sample({ received: 3 });
  assert.deepEqual([on.qualityOf(call).bad, on.qualityOf(call).silent], [false, false]);
  sample({ received: 3 });
  assert.equal(on.qualityOf(call).silent, true);
  await on.hold(call);
  sample({ received: 3 });
  assert.equal(on.qualityOf(call).silent, false);
});

test("the registration is told as it is", () => {
  const { phone, desk: on } = desk();
  const level = (fields) => {
    Object.assign(phone, fields);
    return on.registration.level;
  };
  assert.equal(level({}), "ok");
  assert.equal(level({ connection: "offline" }), "busy");
  assert.equal(level({ connection: "online", registration: { state: "RECOVERING" } }), "busy");
  assert.equal(level({ registration: { state: "FAILED", sipCode: 503, reason: "Service Unavailable" } }), "bad");
  assert.deepEqual(on.registration.params, { dn: "5001", code: 503, reason: "Service Unavailable" });
  assert.equal(level({ isSignedIn: false }), "off");
});

test("numbers may be written as people write them, addresses stay", () => {
  assert.equal(tidy(" +49 (89) 12-34/5 "), "+498912345");
  assert.equal(tidy("*21#"), "*21#");
  assert.equal(tidy("sip:a-b@example.com"), "sip:a-b@example.com");
  assert.equal(tidy("Max-Peter"), "Max-Peter");
  assert.equal(tidy(undefined), "");
});
