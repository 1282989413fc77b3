// What lies on an agent's model, with a phone whose calls do as they are told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { PhoneError } from "../../src/wrtcgw/browser/grtc/errors.js";
import { PhoneModel, tidy } from "../../src/wrtcgw/browser/softphone/phoneModel.js";
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
  async answer({ hold = false } = {}) {
    this.done.push("answer");
    if (this.phone.refusal) throw new PhoneError(this.phone.refusal);
    if (hold) await this.phone.holdOthers(this);
    if (this.phone.failure) throw new PhoneError(this.phone.failure);
    this.up();
  }
  async hold() {
    this.done.push("hold");
    this.change({ held: true });
    this.emit("hold");
  }
  async resume() {
    this.done.push("resume");
    this.change({ held: false });
    this.emit("hold");
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
  async holdOthers(but = null) {
    for (const call of this.calls.values()) if (call !== but && call.isUp && !call.held) await call.hold();
  }
  async call(to, { hold = false } = {}) {
    if (this.refusal) throw new PhoneError(this.refusal);
    if (hold) await this.holdOthers();
    const call = this.add(to, "outbound");
    if (!this.failure) return call;
    call.over(this.failure); // as the library does: the call ends, and the promise is rejected
    throw new PhoneError(this.failure, { hint: "to: expected a number, found 'abc def'" });
  }
}

function model(memory = null) {
  const phone = new StubPhone();
  return { phone, model: new PhoneModel(phone, { memory }) };
}

async function talking(phone, on, peer) {
  await on.dial(peer);
  const call = phone.calls.get(`call-${peer}`);
  call.up();
  return call;
}

test("a second call puts the first on hold, and switching turns that round", async () => {
  const { phone, model: on } = model();
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
  const { phone, model: on } = model();
  const first = await talking(phone, on, "1003");
  const ringing = phone.add("5002", "inbound");
  assert.deepEqual([on.incoming, on.current, soundFor(on)], [[ringing], [first], "waiting"]);
  await on.answer(ringing);
  assert.deepEqual([first.held, on.selected, on.incoming.length], [true, ringing, 0]);
});

test("what is heard follows from the calls", async () => {
  const { phone, model: on } = model();
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
  const { phone, model: on } = model();
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
  const { phone, model: on } = model(memory);
  const caller = await talking(phone, on, "5002");
  await on.consult(caller, "1003");
  on.close();
  const again = new PhoneModel(phone, { memory });
  assert.equal(again.originalOf(phone.calls.get("call-1003")), caller);
  caller.over("remote");
  assert.equal(again.originalOf(phone.calls.get("call-1003")), null);
  assert.equal(memory.values["softphone-consults"], "[]");
});

test("failures become notices, each once; what came too late does not", async () => {
  const { phone, model: on } = model();
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
  const { phone, model: on } = model();
  on.complain(new PhoneError("gateway_unreachable"));
  phone.emit("connection", { state: "online" });
  assert.deepEqual(on.notices, []);
});

test("the same action is not begun twice", async () => {
  const { phone, model: on } = model();
  const call = await talking(phone, on, "1003");
  await Promise.all([on.hold(call, true), on.hold(call, true)]);
  assert.deepEqual(call.done, ["hold"]);
});

test("who resumes as soon as hold shows does so, although the answer to the order is still on its way", async () => {
  const { phone, model: on } = model();
  const call = await talking(phone, on, "1003");
  const held = call.hold.bind(call);
  let answer = () => {};
  const answered = new Promise((resolve) => (answer = resolve));
  call.hold = async () => {
    await held();
    await answered;
  };
  const holding = on.hold(call);
  assert.equal(call.held, true);
  await on.hold(call);
  assert.deepEqual(call.done, ["hold", "resume"]);
  answer();
  await holding;
});

test("quality is called bad after two bad samples, and silence when nothing comes in any more", async () => {
  const { phone, model: on } = model();
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
  const { phone, model: on } = model();
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
  assert.equal(tidy("tel:+49-89-12"), "+498912");
  assert.equal(tidy("TEL:5002"), "5002");
  assert.equal(tidy("sip:a-b@example.com"), "sip:a-b@example.com");
  assert.equal(tidy("Max-Peter"), "Max-Peter");
  assert.equal(tidy(undefined), "");
});

const codes = (on) => on.notices.map(({ code }) => code);

test("a notice goes with its call, and with the next try", async () => {
  const { phone, model: on } = model();
  const call = await talking(phone, on, "5002");
  call.transfer = async () => {
    throw new PhoneError("transfer_failed", { sipCode: 486 });
  };
  await on.transfer(call, "1005");
  assert.deepEqual([codes(on), on.notices[0].to, on.notices[0].call], [["transfer_failed"], "1005", call]);
  delete call.transfer;
  await on.transfer(call, "1003");
  assert.deepEqual([codes(on), on.transferredTo(call)], [[], "1003"]);
  const other = await talking(phone, on, "5003");
  other.emit("error", new PhoneError("media_failed"));
  phone.emit("error", new PhoneError("media_failed"));
  other.emit("error", new PhoneError("media_failed"));
  other.over("remote");
  assert.deepEqual(codes(on), []);
});

test("who was consulted and hangs up is told, with the way back to who waits", async () => {
  const { phone, model: on } = model();
  const caller = await talking(phone, on, "5002");
  await on.consult(caller, "5003");
  const asked = phone.calls.get("call-5003");
  asked.up();
  asked.over("remote");
  const [notice] = on.notices;
  assert.deepEqual([codes(on), notice.of, notice.other], [["other_over_held"], asked, caller]);
  await notice.action.run();
  assert.deepEqual([caller.held, codes(on)], [false, []]);
});

test("who is lost while the agent talks with another one is told as well, however it ended", async () => {
  for (const [cause, failure] of [
    ["remote", null],
    ["busy", null],
    ["bad_input", "bad_input"],
  ]) {
    const { phone, model: on } = model();
    await talking(phone, on, "5002");
    phone.failure = failure;
    await on.dial("5003");
    if (!failure) phone.calls.get("call-5003").over(cause);
    assert.deepEqual(codes(on), ["other_over_held"], cause);
  }
  const { phone, model: on } = model();
  const waiting = await talking(phone, on, "5002");
  await talking(phone, on, "5003");
  waiting.over("remote");
  assert.deepEqual(codes(on), ["other_over_talking"]);
  phone.calls.get("call-5003").over("remote");
  assert.deepEqual(codes(on), []);
});

test("a second call that is refused before it exists leaves the call in hand as it is", async () => {
  for (const refusal of ["destination_forbidden", "too_many_calls", "microphone_refused", "bad_input"]) {
    const { phone, model: on } = model();
    const first = await talking(phone, on, "5002");
    const ringing = phone.add("5003", "inbound");
    phone.refusal = refusal;
    for (const act of [() => on.dial("1003"), () => on.consult(first, "1003"), () => on.answer(ringing)]) {
      await act();
      assert.deepEqual([first.held, codes(on), on.selected], [false, [refusal], first]);
    }
  }
});

test("a call in hand that is on hold for one that was not answered is told, with the way back", async () => {
  const { phone, model: on } = model();
  const first = await talking(phone, on, "5002");
  const ringing = phone.add("5003", "inbound");
  phone.failure = "gateway_unreachable";
  await on.answer(ringing);
  assert.deepEqual([first.held, codes(on)], [true, ["other_waits", "gateway_unreachable"]]);
  const [notice] = on.notices;
  assert.equal(notice.other, first);
  await notice.action.run();
  assert.deepEqual([first.held, codes(on)], [false, ["gateway_unreachable"]]);
});

test("what the agent did needs no notice", async () => {
  const { phone, model: on } = model();
  const caller = await talking(phone, on, "5002");
  await on.consult(caller, "5003");
  await on.hangUp(phone.calls.get("call-5003"));
  assert.deepEqual(codes(on), []);
  await on.consult(caller, "5004");
  phone.calls.get("call-5004").up();
  await on.complete(phone.calls.get("call-5004"));
  assert.deepEqual(codes(on), []);
});

test("one call that failed gives one notice: its end", async () => {
  for (const failure of ["bad_input", "draining", "gateway_unreachable", "no_sip_connection"]) {
    const { phone, model: on } = model();
    phone.failure = failure;
    on.type("abc def");
    await on.dial("abc def");
    assert.deepEqual([codes(on), on.lastEnded.ended.cause], [[], failure]);
    assert.equal(on.number, "abc def");
  }
  const { phone, model: on } = model();
  const call = await talking(phone, on, "1003");
  phone.emit("error", new PhoneError("no_common_codec"));
  call.over("no_common_codec");
  assert.deepEqual(codes(on), []);
});

test("a wrong number is put back into the field, unless another one is being typed", async () => {
  const { phone, model: on } = model();
  on.type("7777");
  await on.dial("7777");
  assert.equal(on.number, "");
  phone.calls.get("call-7777").over("not-found");
  assert.equal(on.number, "7777");
  await on.dial("777");
  on.type("12");
  phone.calls.get("call-777").over("refused", { sipCode: 404 });
  assert.equal(on.number, "12");
  on.type("");
  await on.dial("1005");
  phone.calls.get("call-1005").over("busy", { sipCode: 486 });
  assert.equal(on.number, "");
});

test("a microphone that sends silence is told until it is heard, or the call is over", async () => {
  for (const source of ["phone", "call"]) {
    const { phone, model: on } = model();
    const call = await talking(phone, on, "1003");
    const emitter = source === "phone" ? phone : call;
    emitter.emit("warning", { code: "mic_silent", call });
    assert.deepEqual([codes(on), on.isMicSilent(call)], [["mic_silent"], true]);
    on.mute(call, true);
    assert.equal(on.isMicSilent(call), false);
    on.mute(call, false);
    emitter.emit("warningcleared", { code: "mic_silent", call });
    assert.deepEqual([codes(on), on.isMicSilent(call)], [[], false]);
    emitter.emit("warning", { code: "mic_silent", call });
    call.over("remote");
    assert.deepEqual(codes(on), []);
  }
  const { phone, model: on } = model();
  phone.emit("warning", { code: "mic_silent" });
  phone.emit("warning", { code: "high_rtt", call: await talking(phone, on, "1003") });
  assert.deepEqual(codes(on), []);
});

test("what the agent cannot mend at once is no notice, and is gone when it is cleared, or with the call", async () => {
  const { phone, model: on } = model();
  const call = await talking(phone, on, "1003");
  call.emit("warning", { code: "high_rtt" });
  call.emit("warning", { code: "device_gone" });
  assert.deepEqual([on.warns(call, "high_rtt"), codes(on)], [true, ["device_gone"]]);
  call.emit("warningcleared", { code: "high_rtt" });
  assert.deepEqual([on.warns(call, "high_rtt"), codes(on)], [false, ["device_gone"]]);
  call.emit("warning", { code: "low_mos" });
  call.over("remote");
  assert.deepEqual([on.warns(call, "low_mos"), codes(on)], [false, []]);
});

test("silence is also a connection that never counted anything", async () => {
  const { phone, model: on } = model();
  const call = await talking(phone, on, "1003");
  call.emit("quality", { mos: 4, loss: 0, received: 500 });
  call.emit("quality", { mos: 1, loss: 0, received: 0 });
  assert.equal(on.qualityOf(call).silent, true);
});
