// Calls at hand on headsets: what their reports mean, what their lamps show, and makers' own ways beside WebHID.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { Headset } from "../../src/wrtcgw/browser/grtc/headset.js";
import { layoutOf } from "../../src/wrtcgw/browser/grtc/hid.js";
import { HidHeadsets } from "../../src/wrtcgw/browser/grtc/hidheadsets.js";
import { VendorHeadset } from "../../src/wrtcgw/browser/grtc/vendorheadset.js";
import { DESK, FakeDevice, FakeHid, LINK_380, MOMENTARY, MOUSE } from "./fake_hid.mjs";
import { settled } from "./fake_rtc.mjs";

class StubPhone extends Emitter {
  calls = new Map();

  async holdOthers(but) {
    for (const call of this.calls.values()) if (call !== but && call.isUp && !call.held) await call.hold();
  }

  arrives(peer, direction = "inbound") {
    const call = new StubCall(this, peer, direction);
    this.calls.set(peer, call);
    if (direction === "inbound") this.emit("incoming", call);
    this.emit("call", call);
    return call;
  }

  talks(peer) {
    const call = this.arrives(peer);
    call.change({ state: "established" });
    return call;
  }
}

class StubCall {
  static begun = 0;

  constructor(phone, peer, direction) {
    const state = direction === "inbound" ? "incoming" : "calling";
    Object.assign(this, { phone, peer, direction, state, displayName: "", held: false, muted: false, done: [] });
    this.startedAt = StubCall.begun += 1;
  }

  get isUp() {
    return this.state === "established";
  }

  change(fields) {
    Object.assign(this, fields);
    this.phone.emit("call", this);
  }

  async answer() {
    this.done.push("answer");
    if (this.phone.refuses) throw new Error("no microphone");
    this.change({ state: "answering" });
    await this.phone.holdOthers(this);
    this.change({ state: "established" });
  }

  async hangup(done = "hangup") {
    this.done.push(done);
    this.over();
  }

  reject() {
    return this.hangup("reject");
  }

  over() {
    this.state = "ended";
    this.phone.calls.delete(this.peer);
    this.phone.emit("callended", this);
  }

  async hold() {
    this.done.push("hold");
    this.change({ held: true });
  }

  async resume() {
    this.done.push("resume");
    this.change({ held: false });
  }

  mute(muted) {
    this.done.push(muted ? "mute" : "unmute");
    this.change({ muted });
  }

  async dtmf(digit) {
    this.done.push(`digit ${digit}`);
  }
}

let phone;
let hid;
let now;
let headset;
let heard;

beforeEach(() => {
  phone = new StubPhone();
  hid = new FakeHid();
  now = 10_000;
  heard = [];
  headset = new Headset(phone, { adapters: [new HidHeadsets({ hid, now: () => now })] });
  headset.on("button", (...details) => heard.push(details));
  headset.on("error", ({ code }) => heard.push(code));
});

/** A headset that the page was allowed before. */
async function plugged(kind) {
  const device = new FakeDevice(kind);
  hid.allowed.push(device);
  await headset.start();
  await settled();
  return device;
}

async function tells(device, ...report) {
  device.tell(...report);
  await settled();
}

const pass = (time) => {
  now += time;
};

// ---- where things are

test("buttons and lamps are found by their usages, those of inner collections once, whatever else a device has", () => {
  const { buttons, lamps, sizes } = layoutOf(LINK_380.collections);
  const places = buttons.map(({ reportId, offset, name, relative }) => [reportId, offset, name, relative]);
  assert.deepEqual(places, [
    [2, 0, "hook", false],
    [2, 3, "mute", true],
    [2, 4, "flash", true],
    [2, 5, "redial", true],
    [2, 7, "", false],
    [2, 11, "reject", false],
  ]);
  assert.equal(buttons[4].names.length, 12);
  assert.deepEqual(
    lamps.map(({ offset, name }) => [offset, name]),
    [
      [0, "offHook"],
      [2, "mute"],
      [3, "ring"],
      [4, "hold"],
      [7, "ring"],
    ],
  );
  assert.equal(sizes.get(2), 2);
  const other = layoutOf(MOUSE.collections);
  assert.deepEqual([other.buttons, other.lamps], [[], []]);
});

test("what a device says of itself is bounded, and may leave anything out", () => {
  const endless = { isAbsolute: true, isRange: true, usageMinimum: 0, usageMaximum: 0xffffffff, reportSize: 1 };
  const reports = [{ reportId: 1, items: [{ ...endless, reportCount: 65_535 }, {}] }, {}];
  assert.deepEqual(layoutOf([{ usagePage: 0x0b, inputReports: reports, outputReports: reports }, {}]).buttons, []);
});

// ---- a hook that stands as it is

test("a call rings on the headset, its button answers it, and ends it; lamps show each of that", async () => {
  const device = await plugged(LINK_380);
  assert.deepEqual(device.sent, [[2, 0, 0]]);
  const call = phone.arrives("5002");
  await settled();
  assert.deepEqual(device.sent.at(-1), [2, 0b1000_1000, 0]);
  await tells(device, 2, 1, 0);
  assert.deepEqual(call.done, ["answer"]);
  assert.deepEqual(device.sent.at(-1), [2, 0b0000_0001, 0]);
  pass(5_000);
  await tells(device, 2, 0, 0);
  assert.deepEqual(
    [call.done, device.sent.at(-1)],
    [
      ["answer", "hangup"],
      [2, 0, 0],
    ],
  );
});

test("what the headset tells back of what it was told is no button", async () => {
  const device = await plugged(LINK_380);
  const call = phone.arrives("5002", "outbound");
  await settled();
  await tells(device, 2, 1, 0); // of our lamp
  pass(60_000);
  call.over();
  await settled();
  await tells(device, 2, 0, 0);
  assert.deepEqual([call.done, heard], [[], []]);
  const next = phone.arrives("5003", "outbound");
  await settled();
  await tells(device, 2, 1, 0);
  pass(100);
  await tells(device, 2, 0, 0); // late, of the call before
  assert.deepEqual(next.done, []);
  assert.deepEqual(device.sent.slice(-1), [[2, 1, 0]], "and the headset is told again");
});

test("mute tells presses: each turns it, and the lamp follows, whoever did it", async () => {
  const device = await plugged(LINK_380);
  const call = phone.talks("5002");
  await settled();
  for (const bits of [0b1001, 0b0001, 0b1001, 0b0001]) await tells(device, 2, bits, 0);
  assert.deepEqual(call.done, ["mute", "unmute"]);
  call.mute(true);
  await settled();
  assert.deepEqual(device.sent.at(-1), [2, 0b0000_0101, 0]);
  pass(50);
  await tells(device, 2, 0b1001, 0);
  assert.equal(call.muted, false);
});

test("flash holds and resumes one call, takes a second that rings, and goes between two", async () => {
  const device = await plugged(LINK_380);
  const flash = async () => {
    await tells(device, 2, 0b1_0001, 0);
    await tells(device, 2, 0b0_0001, 0);
  };
  const first = phone.talks("5002");
  await settled();
  await flash();
  assert.deepEqual([first.held, device.sent.at(-1)], [true, [2, 0b0001_0001, 0]]);
  await flash();
  const second = phone.arrives("5003");
  await flash();
  assert.deepEqual([first.held, second.isUp, second.held], [true, true, false]);
  await flash();
  assert.deepEqual([first.held, second.held], [false, true]);
});

test("its only programmable button calls a call off, its keypad sends digits, redial is the page's", async () => {
  let redialled = 0;
  headset = new Headset(phone, {
    adapters: [new HidHeadsets({ hid, now: () => now })],
    actions: { redial: () => (redialled += 1) },
  });
  const device = await plugged(LINK_380);
  await tells(device, 2, 0b10_0000, 0);
  assert.equal(redialled, 1);
  const call = phone.arrives("5002");
  await settled();
  await tells(device, 2, 0, 0b1000);
  assert.deepEqual(call.done, ["reject"]);
  const other = phone.talks("5003");
  await settled();
  const key = (value) => tells(device, 2, ((value & 1) << 7) | 1, value >> 1);
  for (const value of [15, 5, 15, 11, 15, 0, 15]) await key(value); // 15 for none, 11 for "#"
  await tells(device, 2, 0b1010_0001, 0b111);
  assert.deepEqual([other.done, redialled], [["digit 5", "digit #", "digit 0"], 1]);
  pass(1_000);
});

test("a keypad that says its first key when it means none sends no digits of its own", async () => {
  const device = await plugged(LINK_380);
  const call = phone.talks("5002");
  await settled();
  for (const value of [0, 2, 0]) await tells(device, 2, 1, value);
  assert.deepEqual(call.done, []);
});

test("a second call rings while the first goes on: the button ends the first, then answers the second", async () => {
  const device = await plugged(LINK_380);
  const first = phone.talks("5002");
  await tells(device, 2, 1, 0);
  const second = phone.arrives("5003");
  pass(1_000);
  await settled();
  assert.deepEqual(device.sent.at(-1), [2, 0b1000_1001, 0]);
  await tells(device, 2, 0, 0);
  assert.deepEqual([first.done, second.state], [["hangup"], "incoming"]);
  await tells(device, 2, 1, 0);
  assert.equal(second.isUp, true);
});

test("a call that could not be answered rings on, and the headset is told so again", async () => {
  const device = await plugged(LINK_380);
  const call = phone.arrives("5002");
  await settled();
  phone.refuses = true;
  const before = device.sent.length;
  await tells(device, 2, 1, 0);
  assert.deepEqual([call.state, heard.at(-1)], ["incoming", "media_failed"]);
  assert.deepEqual(device.sent.slice(before), [[2, 0b1000_1000, 0]]);
});

test("a hook that is lifted for nothing is put back", async () => {
  const device = await plugged(LINK_380);
  await tells(device, 2, 1, 0);
  assert.deepEqual(
    [heard, device.sent],
    [
      [["offhook", false]],
      [
        [2, 0, 0],
        [2, 0, 0],
      ],
    ],
  );
});

// ---- buttons that tell for how long a finger is on them

test("one button for all: a press answers, the next ends; the finger's leaving is nothing", async () => {
  const device = await plugged(MOMENTARY);
  const call = phone.arrives("5002");
  await settled();
  assert.deepEqual(device.sent.at(-1), [2, 0b100]);
  await tells(device, 1, 1);
  pass(150);
  await tells(device, 1, 0);
  assert.deepEqual(call.done, ["answer"]);
  pass(30_000);
  await tells(device, 1, 1);
  pass(150);
  await tells(device, 1, 0);
  assert.deepEqual(call.done, ["answer", "hangup"]);
});

test("a mute that is told as long as the finger is there turns with each press", async () => {
  const device = await plugged(MOMENTARY);
  const call = phone.talks("5002");
  await settled();
  for (let press = 0; press < 3; press += 1) {
    pass(2_000);
    await tells(device, 1, 0b10);
    pass(press === 2 ? 900 : 120); // it is known for that by now
    await tells(device, 1, 0b00);
  }
  assert.deepEqual(call.done, ["mute", "unmute", "mute"]);
});

// ---- buttons that stand as they are

test("a mute that stands follows its switch, and does not echo the page's", async () => {
  const device = await plugged(DESK);
  const call = phone.talks("5002");
  await tells(device, 0, 0b01);
  pass(1_000);
  await tells(device, 0, 0b11);
  pass(5_000);
  await tells(device, 0, 0b01);
  assert.deepEqual(call.done, ["mute", "unmute"]);
  pass(5_000);
  call.mute(true);
  await settled();
  await tells(device, 0, 0b11); // of our lamp
  pass(5_000);
  call.mute(false);
  await settled();
  await tells(device, 0, 0b01);
  assert.deepEqual(call.done, ["mute", "unmute", "mute", "unmute"]);
});

test("without report ids: Hold and Drop", async () => {
  const device = await plugged(DESK);
  const call = phone.talks("5002");
  await tells(device, 0, 0b0001);
  await tells(device, 0, 0b0101);
  assert.deepEqual([call.held, device.sent.at(-1)], [true, [0, 0b1001]]);
  await tells(device, 0, 0b1001);
  assert.deepEqual(call.done, ["hold", "hangup"]);
});

// ---- coming and going

test("after a reload in a call the headset shows it, and a button of another kind is no answer", async () => {
  const call = phone.talks("5002");
  call.change({ muted: true });
  const device = await plugged(LINK_380);
  assert.deepEqual(device.sent, [[2, 0b0000_0101, 0]]);
  pass(1_000);
  await tells(device, 2, 0b1001, 0);
  assert.deepEqual(call.done, ["unmute"]);
  await tells(device, 2, 0, 0);
  assert.deepEqual(call.done, ["unmute", "hangup"]);
});

test("it is asked for by a click, for telephony only; without one chosen nothing is there", async () => {
  await headset.start();
  assert.equal(await headset.request(), false);
  assert.deepEqual([hid.asked, headset.devices], [[{ filters: [{ usagePage: 0x0b }] }], []]);
  hid.chosen = [new FakeDevice(LINK_380), new FakeDevice(MOUSE)];
  assert.equal(await headset.request(), true);
  assert.deepEqual(
    headset.devices.map(({ name, isOpen }) => [name, isOpen]),
    [["Jabra Link 380", true]],
  );
  assert.ok(headset.devices[0].buttons.includes("mute"));
  hid.chosen = new DOMException("no gesture", "SecurityError");
  await assert.rejects(headset.request(), { code: "headset_failed" });
});

test("it may be taken away and come back in a call, and be forgotten", async () => {
  let changes = 0;
  headset.on("changed", () => (changes += 1));
  const device = await plugged(LINK_380);
  const call = phone.talks("5002");
  await settled();
  hid.unplug(device);
  assert.deepEqual(headset.devices, []);
  const again = new FakeDevice(LINK_380);
  hid.plug(again);
  await settled();
  assert.deepEqual(again.sent, [[2, 1, 0]]);
  pass(1_000);
  await tells(again, 2, 0, 0);
  assert.deepEqual(call.done, ["hangup"]);
  await tells(device, 2, 1, 0);
  await headset.forget("Jabra Link 380");
  assert.deepEqual([again.forgotten, again.opened, headset.devices], [true, false, []]);
  assert.equal(changes, 4);
});

test("several ring, each may answer, all show the same", async () => {
  const [one, other] = [new FakeDevice(LINK_380), new FakeDevice(MOMENTARY)];
  hid.allowed.push(one, other);
  await headset.start();
  const call = phone.arrives("5002");
  await settled();
  assert.deepEqual(
    [one.sent.at(-1), other.sent.at(-1)],
    [
      [2, 0b1000_1000, 0],
      [2, 0b100],
    ],
  );
  await tells(other, 1, 1);
  assert.equal(call.isUp, true);
  assert.deepEqual(
    [one.sent.at(-1), other.sent.at(-1)],
    [
      [2, 1, 0],
      [2, 0b010],
    ],
  );
  pass(2_000);
  await tells(one, 2, 0b1001, 0);
  assert.deepEqual(other.sent.at(-1), [2, 0b011]);
});

test("one that another program holds is told of, and opened when it is asked for again", async () => {
  const device = new FakeDevice(LINK_380);
  device.refuses = true;
  hid.allowed.push(device);
  await headset.start();
  assert.deepEqual([heard, headset.devices[0].isOpen], [["headset_failed"], false]);
  phone.arrives("5002");
  await settled();
  device.refuses = false;
  hid.chosen = [device];
  await headset.request();
  assert.deepEqual([headset.devices[0].isOpen, device.sent], [true, [[2, 0b1000_1000, 0]]]);
});

test("at the end all lamps are out, and nothing is heard any more", async () => {
  const device = await plugged(LINK_380);
  const call = phone.talks("5002");
  await settled();
  await headset.stop();
  assert.deepEqual([device.sent.at(-1), device.opened], [[2, 0, 0], false]);
  await tells(device, 2, 1, 0);
  call.change({ muted: true });
  await settled();
  assert.deepEqual([call.done, device.sent.at(-1)], [[], [2, 0, 0]]);
});

test("a browser without WebHID has none of it", async () => {
  headset = new Headset(phone, { adapters: [new HidHeadsets({ hid: null })] });
  await headset.start();
  assert.deepEqual([headset.isSupported, headset.devices, await headset.request()], [false, [], false]);
  assert.equal(new Headset(phone).isSupported, false);
});

test("quick changes are sent one after the other, the last one last", async () => {
  const device = await plugged(LINK_380);
  const call = phone.talks("5002");
  for (const muted of [true, false, true]) {
    call.change({ muted });
    await null;
    await null;
  }
  await settled();
  assert.deepEqual(device.sent.at(-1), [2, 0b101, 0]);
  assert.ok(device.sent.length <= 5, String(device.sent));
});

// ---- makers' own ways

class StubService {
  orders = [];
  #listeners = new Set();
  headsetEvents = {
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return { unsubscribe: () => this.#listeners.delete(listener) };
    },
  };

  constructor() {
    const orders = "incomingCall outgoingCall answerCall rejectCall endCall endAllCalls setMute setHold";
    for (const name of orders.split(" ")) {
      this[name] = async (...details) => {
        this.orders.push([name, ...details]);
        if (this.refuses) throw new Error("no device");
      };
    }
  }

  tell(event, payload) {
    this.#listeners.forEach((listener) => listener({ event, payload }));
  }
}

test("softphone-vendor-headsets is told what becomes of calls, and its buttons count", async () => {
  const service = new StubService();
  headset = new Headset(phone, { adapters: [new VendorHeadset(service)] });
  await headset.start();
  const told = async () => {
    await settled();
    return service.orders.splice(0);
  };
  const first = phone.arrives("5002");
  assert.deepEqual(await told(), [["incomingCall", { conversationId: "call-1", contactName: "5002" }, false]]);
  service.tell("deviceAnsweredCall", { name: "OffHook" });
  assert.deepEqual([await told(), first.isUp], [[["answerCall", "call-1"]], true]);
  service.tell("deviceMuteStatusChanged", { isMuted: true });
  assert.deepEqual([await told(), first.muted], [[["setMute", true]], true]);
  const second = phone.arrives("5003");
  assert.deepEqual(await told(), [["incomingCall", { conversationId: "call-2", contactName: "5003" }, true]]);
  service.tell("deviceRejectedCall");
  assert.deepEqual([await told(), second.done], [[["rejectCall", "call-2"]], ["reject"]]);
  service.tell("deviceHoldStatusChanged", { holdRequested: true });
  assert.deepEqual([await told(), first.held], [[["setHold", "call-1", true]], true]);
  service.tell("deviceEndedCall");
  assert.deepEqual(await told(), [
    ["endCall", "call-1", false],
    ["setMute", false],
  ]);
  phone.arrives("5004", "outbound");
  assert.deepEqual(await told(), [["outgoingCall", { conversationId: "call-3", contactName: "5004" }]]);
  service.tell("somethingNew", {});
  await headset.stop();
  service.tell("deviceEndedCall");
  assert.deepEqual([await told(), phone.calls.size], [[["endAllCalls"]], 1]);
});

test("what it cannot do is told", async () => {
  const service = new StubService();
  headset = new Headset(phone, { adapters: [new VendorHeadset(service)] });
  headset.on("error", ({ code }) => heard.push(code));
  await headset.start();
  service.refuses = true;
  phone.arrives("5002");
  await settled();
  assert.deepEqual(heard, ["headset_failed"]);
});
