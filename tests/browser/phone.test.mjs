// A phone at its gateway: coming and going, calls in and out, and a session that is lost.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Phone } from "../../src/wrtcgw/browser/grtc/phone.js";
import { FakeGateway, FakeStorage } from "./fake_gateway.mjs";
import { connections, description, holdTimers, install, settled } from "./fake_rtc.mjs";

const WHO = { dn: "5001", password: "secret" };
const KEY = "grtc-session http://gateway.test/api/webrtc/";
const ANSWER = description({ type: "answer" });
const INCOMING = { messageType: "OFFER", callId: "c-2", from: "5002", displayName: "Jane", sdp: description() };
const UP = {
  callId: "c-3",
  direction: "inbound",
  peer: "5003",
  state: "ESTABLISHED",
  age: 9,
  duration: 5,
  held: false,
  heldByPeer: false,
};

let gateway;
let storage;
let phone;
let microphone;

beforeEach(() => {
  microphone = install();
  gateway = new FakeGateway();
  storage = new FakeStorage();
  phone = made();
});

afterEach(async () => {
  gateway.refusals = {};
  for (const call of phone.calls.values()) await call.hangup();
  await phone.signOut();
});

function made() {
  return new Phone({ gateway: "http://gateway.test", storage, events: "poll", play: false });
}

function heardOf(emitter, ...names) {
  const heard = [];
  for (const name of names) emitter.on(name, (details) => heard.push([name, details]));
  return heard;
}

async function incoming(message = INCOMING) {
  gateway.tell(message);
  await settled();
  return phone.calls.get(message.callId);
}

test("signing in begins a session and signing out ends it; the password is nowhere but in the request", async () => {
  const heard = heardOf(phone, "registration", "connection", "signedout");
  await phone.signIn(WHO);
  assert.deepEqual(
    [phone.isSignedIn, phone.dn, phone.connection, phone.registration.state],
    [true, "5001", "online", "REGISTERED"],
  );
  assert.equal(gateway.asked("sign_in")[0].password, "secret");
  assert.match(storage.getItem(KEY), /"token":"token-1"/);
  assert.ok(!storage.getItem(KEY).includes("secret"));
  await phone.signOut();
  assert.deepEqual([phone.isSignedIn, storage.size, gateway.asked("sign_out").length], [false, 0, 1]);
  assert.deepEqual(
    heard.map(([name]) => name),
    ["connection", "registration", "registration", "signedout"],
  );
});

test("an option that is undefined is not given: its default counts", () => {
  const { options } = new Phone({ gateway: undefined, events: undefined, play: false, name: undefined });
  assert.deepEqual([options.events, options.play], ["auto", false]);
  assert.match(options.gateway, /\/browser\/$/);
});

test("a sign-in that is refused says so, and nobody is signed in", async () => {
  gateway.refusals.sign_in = [403, { code: "forbidden", error: "wrong password" }];
  await assert.rejects(phone.signIn(WHO), {
    code: "forbidden",
    status: 403,
    hint: "wrong password",
    action: "sign_in",
  });
  assert.equal(phone.isSignedIn, false);
});

test("what a call is like is told until the session is about to end, and not beside its end", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const seconds = async (count) => {
    for (let second = 0; second < count; second += 1) {
      context.mock.timers.tick(1_000);
      await settled();
    }
  };
  await phone.signIn(WHO);
  await (await incoming()).answer();
  await seconds(5);
  assert.equal(gateway.asked("stats").length, 1);
  gateway.meanwhile.sign_out = () => seconds(10);
  await phone.signOut();
  assert.deepEqual([gateway.asked("sign_out").length, gateway.asked("stats").length], [1, 1]);
});

test("a call is placed, rings, is answered, and ended by the far side", async () => {
  await phone.signIn(WHO);
  const call = await phone.call("5002");
  assert.deepEqual([call.state, call.id, phone.calls.get("c-1")], ["calling", "c-1", call]);
  assert.equal(gateway.asked("message")[0].to, "5002");
  gateway.tell({ messageType: "RINGING", callId: "c-1" });
  await settled();
  assert.equal(call.state, "ringing");
  gateway.tell({ messageType: "ANSWER", callId: "c-1", sdp: ANSWER });
  await settled();
  assert.deepEqual([call.state, connections[0].signalingState], ["established", "stable"]);
  const ended = heardOf(phone, "callended");
  gateway.tell({ messageType: "SHUTDOWN", callId: "c-1", cause: "remote" });
  await settled();
  assert.deepEqual([call.isOver, call.ended.cause, ended.length, phone.calls.size], [true, "remote", 1, 0]);
  assert.deepEqual(gateway.asked("hangup"), []);
});

test("each new call begins a trace of its own, and no other request does", async () => {
  await phone.signIn(WHO);
  const call = await phone.call("5002");
  await call.hangup();
  await phone.call("5003");
  const traces = gateway.requests.map(({ path, headers }) => [path, headers.traceparent]).filter(([, trace]) => trace);
  assert.deepEqual(
    traces.map(([path]) => path),
    ["message", "message"],
  );
  for (const [, trace] of traces) assert.match(trace, /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-02$/);
  assert.notEqual(traces[0][1], traces[1][1]);
});

test("a number that the gateway refuses is refused before the microphone is asked for", async () => {
  await phone.signIn(WHO);
  gateway.refusals.ice = [403, { code: "forbidden", error: "not allowed" }];
  await assert.rejects(phone.call("0900"), { code: "forbidden" });
  assert.deepEqual([microphone.asked, phone.calls.size, gateway.asked("message").length], [0, 0, 0]);
});

test("a call that is ended before the gateway has given it an id is ended there as well", async () => {
  await phone.signIn(WHO);
  gateway.meanwhile.message = () => [...phone.calls.values()][0].hangup();
  const call = await phone.call("5002");
  await settled();
  assert.deepEqual([call.isOver, phone.calls.size, gateway.requests.at(-1).query.call], [true, 0, "c-1"]);
  assert.equal(gateway.asked("hangup").length, 1);
});

test("a page says that it has got a call, though the gateway may know better", async () => {
  await phone.signIn(WHO);
  assert.equal(gateway.asked("sign_in")[0].acknowledges_calls, "1");
  gateway.refusals.ringing = [404, { code: "unknown_call", error: "no" }];
  const call = await incoming();
  assert.deepEqual(gateway.requests.find(({ path }) => path === "ringing").query, { id: "phone-5001", call: "c-2" });
  assert.equal(call.state, "incoming");
});

test("a call that came while the page slept does not ring any more, and is told as missed", async () => {
  await phone.signIn(WHO);
  const heard = heardOf(phone, "incoming", "callended");
  let answered;
  gateway.meanwhile.ringing = () => new Promise((resolve) => (answered = resolve));
  gateway.replies.ringing = { state: "ENDED" };
  gateway.tell(INCOMING);
  await settled();
  assert.deepEqual([heard, phone.calls.size], [[], 0]);
  answered();
  await settled();
  gateway.tell({ messageType: "SHUTDOWN", callId: "c-2", cause: "not-responding", sipCode: 480 });
  await settled();
  const [[name, call]] = heard;
  assert.deepEqual([heard.length, name, call.peer, call.ended.missed], [1, "callended", "5002", true]);
  assert.equal(call.ended.cause, "not-responding");
});

test("it is told as missed as well when its end is read before the gateway has answered", async () => {
  await phone.signIn(WHO);
  const heard = heardOf(phone, "incoming", "callended");
  gateway.meanwhile.ringing = () => new Promise(() => {});
  gateway.tell(INCOMING);
  gateway.tell({ messageType: "SHUTDOWN", callId: "c-2", cause: "not-responding", sipCode: 480 });
  await settled();
  await settled();
  assert.deepEqual([heard.map(([name]) => name), phone.calls.size], [["callended"], 0]);
});

test("a page that took the place of one that was gone is told of what was missed by its end alone", async () => {
  await phone.signIn(WHO);
  const heard = heardOf(phone, "incoming", "callended");
  const end = { messageType: "SHUTDOWN", callId: "c-9", from: "5003", displayName: "Jo", cause: "not-responding" };
  gateway.tell({ ...end, callId: "c-8", cause: "remote" });
  gateway.tell(end);
  await settled();
  await settled();
  const [[name, call]] = heard;
  assert.deepEqual([heard.length, name, call.peer, call.displayName], [1, "callended", "5003", "Jo"]);
  assert.deepEqual([call.ended.missed, call.direction, phone.calls.size], [true, "inbound", 0]);
});

test("a call rings at once when something is ordered for it, and when the gateway does not answer", async () => {
  await phone.signIn(WHO);
  const rang = heardOf(phone, "incoming");
  gateway.meanwhile.ringing = () => new Promise(() => {});
  gateway.tell(INCOMING);
  gateway.tell({ messageType: "TALK", callId: "c-2" });
  await settled();
  await settled();
  assert.deepEqual([rang.length, phone.calls.get("c-2")?.peer], [1, "5002"]);
  gateway.meanwhile = {};
  gateway.refusals.ringing = "away";
  await incoming({ ...INCOMING, callId: "c-4" });
  assert.equal(rang.length, 2);
});

test("a page that has signed in says that it runs, until it has signed out", async () => {
  await phone.signIn(WHO);
  await settled();
  assert.deepEqual(gateway.asked("heartbeat"), [{ visibility: "visible" }]);
  await phone.signOut();
  assert.equal(gateway.asked("heartbeat").length, 1);
});

test("nobody calls a guest, so it says nothing", async () => {
  await phone.signIn({ guest: true });
  await settled();
  assert.deepEqual(gateway.asked("heartbeat"), []);
});

test("a call that comes in is answered, held, resumed and ended", async () => {
  await phone.signIn(WHO);
  const rang = heardOf(phone, "incoming");
  const call = await incoming();
  assert.deepEqual([rang.length, call.state, call.peer, call.displayName], [1, "incoming", "5002", "Jane"]);
  await call.answer();
  assert.deepEqual([call.state, gateway.asked("message")[0].messageType], ["established", "ANSWER"]);
  await call.hold();
  assert.deepEqual([call.held, call.localStream.getTracks()[0].enabled], [true, false]);
  await call.resume();
  assert.deepEqual([call.held, call.localStream.getTracks()[0].enabled], [false, true]);
  const { localStream } = call;
  await call.hangup();
  assert.deepEqual(
    ["hold", "resume", "hangup"].map((verb) => gateway.asked(verb).length),
    [1, 1, 1],
  );
  assert.deepEqual([call.ended.cause, localStream.getTracks()[0].readyState], ["local", "ended"]);
});

test("a call is answered in place of another one when that is wanted", async () => {
  await phone.signIn(WHO);
  const first = await incoming();
  await first.answer();
  const second = await incoming({ ...INCOMING, callId: "c-9", sdp: description({ side: "FD" }) });
  await second.answer({ hold: true });
  assert.deepEqual([first.held, second.held, second.state], [true, false, "established"]);
});

test("a call that cannot be is refused before others are put on hold; one that cannot hold them gives its microphone back", async () => {
  await phone.signIn(WHO);
  const first = await incoming();
  await first.answer();
  gateway.refusals.ice = [403, { code: "destination_forbidden", error: "no" }];
  await assert.rejects(phone.call("1003", { hold: true }), { code: "destination_forbidden" });
  delete gateway.refusals.ice;
  assert.deepEqual([first.held, gateway.asked("hold").length], [false, 0]);
  gateway.refusals.hold = [502, { code: "request_refused", error: "no" }];
  const lent = [];
  phone.tracks = async (wanted) => {
    lent.push(...(await Phone.prototype.tracks.call(phone, wanted)));
    return lent;
  };
  await assert.rejects(phone.call("1003", { hold: true }), { code: "request_refused" });
  assert.deepEqual([lent[0].readyState, first.isUp, phone.calls.size], ["ended", true, 1]);
});

test("after a reload the session goes on, and its calls come back with new media", async () => {
  await phone.signIn(WHO);
  await (await incoming()).answer();
  const before = phone;
  phone = made();
  gateway.calls = [UP];
  assert.equal(await phone.resume(), true);
  await settled();
  const call = phone.calls.get("c-3");
  assert.deepEqual([phone.isSignedIn, phone.dn, call.state, call.peer], [true, "5001", "established", "5003"]);
  assert.deepEqual(gateway.requests.at(-1).body.messageType, "OFFER");
  gateway.refusals = {};
  for (const each of before.calls.values()) each.end();
  before.leave();
});

test("the call of a check, of which nobody was told, ends with the page before a reload", async () => {
  await phone.signIn(WHO);
  const hidden = await phone.call("9196", { hidden: true });
  const before = phone;
  phone = made();
  const heard = heardOf(phone, "call", "callended");
  gateway.calls = [{ ...UP, callId: hidden.id }];
  assert.equal(await phone.resume(), true);
  await settled();
  assert.deepEqual([phone.calls.size, gateway.asked("hangup").length, heard], [0, 1, []]);
  hidden.end();
  before.leave();
});

test("the call of a check is hidden from other pages, and one that comes with the agent's calls ends", async () => {
  gateway.calls = [{ ...UP, callId: "c-9", hidden: true }]; // of a page that this one has taken over
  await phone.signIn(WHO);
  await settled();
  assert.deepEqual([phone.calls.size, gateway.asked("hangup").length], [0, 1]);
  await phone.call("9196", { hidden: true });
  assert.equal(gateway.requests.findLast(({ body }) => body?.messageType === "OFFER").body.hidden, true);
  await phone.call("1003");
  assert.equal("hidden" in gateway.requests.findLast(({ body }) => body?.messageType === "OFFER").body, false);
});

test("without a session before there is none to go on with", async () => {
  assert.equal(await phone.resume(), false);
  assert.deepEqual(gateway.requests, []);
});

for (const status of [401, 403, 404]) {
  test(`a session that the gateway does not have any more (${status}) is forgotten, and no failure`, async () => {
    await phone.signIn(WHO);
    const kept = storage.getItem(KEY);
    await phone.signOut();
    storage.setItem(KEY, kept);
    gateway.refusals.calls = [status, { code: "not_signed_in", error: "nobody is signed in" }];
    phone = made();
    assert.equal(await phone.resume(), false);
    assert.deepEqual([phone.isSignedIn, storage.size, phone.connection], [false, 0, "offline"]);
  });
}

test("a gateway that cannot say whether the session is there is a failure; one out of reach may have it later", async () => {
  await phone.signIn(WHO);
  const before = phone;
  phone = made();
  gateway.refusals.calls = "away";
  await assert.rejects(phone.resume(), { code: "gateway_unreachable" });
  assert.deepEqual([phone.isSignedIn, storage.size], [false, 1]);
  gateway.refusals.calls = [500, { code: "internal_error", error: "sorry" }];
  await assert.rejects(phone.resume(), { code: "internal_error" });
  assert.deepEqual([phone.isSignedIn, storage.size], [false, 0]);
  before.leave();
});

test("a gateway that was restarted is signed in at again; calls that it does not know are lost", async () => {
  await phone.signIn(WHO);
  const call = await incoming();
  await call.answer();
  const heard = heardOf(phone, "signedout", "connection");
  const back = heardOf(phone, "reconnecting", "reconnected");
  gateway.forget([401, { code: "not_signed_in", error: "nobody is signed in as phone-5001" }]);
  delete gateway.refusals.message;
  await settled();
  await settled();
  assert.deepEqual([gateway.asked("sign_in").length, phone.isSignedIn, phone.connection], [2, true, "online"]);
  assert.deepEqual([call.ended.cause, heard.map(([name]) => name)], ["lost", ["connection", "connection"]]);
  assert.deepEqual(
    back.map(([name, details]) => [name, details?.error.code]),
    [
      ["reconnecting", "gateway_unreachable"],
      ["reconnected", undefined],
    ],
  );
  assert.deepEqual(gateway.asked("hangup"), []);
});

test("a session that another page has taken is over here, with its calls", async () => {
  const back = heardOf(phone, "reconnecting", "reconnected");
  await phone.signIn(WHO);
  const call = await incoming();
  const heard = heardOf(phone, "signedout");
  gateway.forget([403, { code: "foreign_session", error: "another page" }]);
  await settled();
  assert.deepEqual(heard, [["signedout", { reason: "another page has signed in", code: "foreign_session" }]]);
  assert.deepEqual([phone.isSignedIn, call.ended.cause, phone.registration.state], [false, "signed-out", "SIGNED_OUT"]);
  assert.equal(gateway.asked("sign_in").length, 1);
  gateway.refusals = {};
  await phone.signIn(WHO);
  assert.deepEqual(back, []); // it was never away, neither at first nor now
});

test("an end that the gateway did not hear is told it again", async (context) => {
  await phone.signIn(WHO);
  const call = await incoming();
  await call.answer();
  const clock = holdTimers(context);
  gateway.refusals.hangup = "away";
  await call.hangup();
  assert.deepEqual([call.isOver, gateway.asked("hangup").length], [true, 1]);
  delete gateway.refusals.hangup;
  await clock.pass(2_000);
  assert.equal(gateway.asked("hangup").length, 2);
  await clock.pass(10_000);
  assert.equal(gateway.asked("hangup").length, 2);
});

test("who asks for it is answered without a click where that is wanted, and who is there waits", async (t) => {
  phone.options.autoAnswer = true;
  await phone.signIn(WHO);
  const first = await incoming();
  assert.equal(first.state, "incoming"); // it has not asked for it
  await first.answer();
  const clock = holdTimers(t);
  const second = await incoming({ ...INCOMING, callId: "c-4", from: "5004", autoAnswer: 2 });
  await clock.pass(1_999);
  assert.deepEqual([first.held, second.state], [false, "incoming"]);
  await clock.pass(1);
  assert.deepEqual([first.held, second.isUp], [true, true]);
  phone.options.autoAnswer = false;
  const third = await incoming({ ...INCOMING, callId: "c-5", autoAnswer: 0 });
  await clock.pass(0);
  assert.equal(third.state, "incoming");
});

// ---- several pages of one number

async function until(condition) {
  for (let turn = 0; turn < 100 && !condition(); turn += 1) await settled();
  assert.ok(condition(), String(condition));
}

const TWO = { callId: "c-9", direction: "outbound", peer: "1003", age: 3, duration: 2, held: false, heldByPeer: false };
const elsewhere = (more = {}) => ({ ...TWO, state: "ESTABLISHED", sound: "elsewhere", ...more });

test("a call that another page has placed is known and controlled here, without media", async () => {
  await phone.signIn(WHO);
  gateway.calls = [elsewhere({ state: "DIALLING", duration: null })];
  gateway.tell({ messageType: "SOUND", callId: "c-9", cause: "elsewhere", state: "DIALLING" });
  gateway.tell({ messageType: "RINGING", callId: "c-9", state: "RINGING" });
  gateway.tell({ messageType: "SOUND", callId: "c-9", cause: "elsewhere", state: "ESTABLISHED" });
  await until(() => phone.calls.get("c-9")?.isUp);
  const call = phone.calls.get("c-9");
  assert.deepEqual([call.sound, call.isHere, call.connection, call.peer], ["elsewhere", false, null, "1003"]);
  assert.equal(gateway.requests.filter(({ path }) => path === "message").length, 0);
  await call.hold();
  await call.dtmf("1");
  call.mute();
  await call.hangup();
  const orders = ["hold", "dtmf", "mute", "hangup"];
  assert.deepEqual(
    gateway.requests.map(({ path }) => path).filter((path) => orders.includes(path)),
    orders,
  );
});

test("a call that another page answers goes on here as one whose sound is elsewhere", async () => {
  await phone.signIn(WHO);
  gateway.tell({ messageType: "OFFER", callId: "c-9", from: "5002", sdp: null, state: "OFFERED" });
  await until(() => phone.calls.get("c-9"));
  const call = phone.calls.get("c-9");
  gateway.refusals.message = [409, { code: "sound_elsewhere", error: "elsewhere" }];
  await assert.rejects(call.answer(), { code: "sound_elsewhere" });
  assert.deepEqual([call.state, call.sound, call.localStream], ["established", "elsewhere", null]);
  delete gateway.refusals.message;
});

test("the sound comes here by an offer, and is let go when another page takes it", async () => {
  await phone.signIn(WHO);
  gateway.calls = [elsewhere({ muted: true })];
  gateway.tell({ messageType: "SOUND", callId: "c-9", cause: "elsewhere", state: "ESTABLISHED" });
  await until(() => phone.calls.get("c-9"));
  const call = phone.calls.get("c-9");
  const told = [];
  call.on("sound", (where) => told.push(where));
  assert.equal(call.muted, true);
  const moved = call.useHere();
  await until(() => gateway.asked("use_here").length);
  assert.match(gateway.asked("use_here")[0].sdp, /^v=0/);
  gateway.tell({ messageType: "ANSWER", callId: "c-9", sdp: ANSWER, state: "ESTABLISHED" });
  await moved;
  assert.deepEqual([call.sound, Boolean(call.connection)], ["here", true]);
  assert.equal(gateway.requests.filter(({ path }) => path === "ice").length, 1);
  assert.ok(call.localStream.getAudioTracks().every(({ enabled }) => !enabled));
  gateway.tell({ messageType: "MUTE", callId: "c-9", cause: "OFF", state: "ESTABLISHED" });
  await until(() => !call.muted);
  gateway.tell({ messageType: "SOUND", callId: "c-9", cause: "elsewhere", state: "ESTABLISHED" });
  await until(() => call.sound === "elsewhere");
  assert.deepEqual([call.connection, call.localStream, call.state], [null, null, "established"]);
  assert.deepEqual(told, ["here", "elsewhere"]);
});

test("who signs out and in again hears of the calls that went on meanwhile, and of one that still rings", async () => {
  await phone.signIn(WHO);
  gateway.calls = [elsewhere()];
  gateway.tell({ messageType: "SOUND", callId: "c-9", cause: "elsewhere", state: "ESTABLISHED" });
  gateway.tell({ messageType: "OFFER", callId: "c-8", from: "5002", sdp: null, state: "OFFERED" });
  await until(() => phone.calls.size === 2);
  await phone.signOut();
  assert.equal(phone.calls.size, 0);
  await phone.signIn(WHO);
  gateway.tell({ messageType: "HOLD", callId: "c-9", cause: "local", state: "ESTABLISHED" });
  gateway.tell({ messageType: "OFFER", callId: "c-8", from: "5002", sdp: null, state: "OFFERED" });
  await until(() => phone.calls.get("c-9")?.held && phone.calls.get("c-8")?.state === "incoming");
});

test("a sound that cannot come here stays where it is", async () => {
  await phone.signIn(WHO);
  gateway.calls = [elsewhere()];
  gateway.tell({ messageType: "SOUND", callId: "c-9", cause: "elsewhere", state: "ESTABLISHED" });
  await until(() => phone.calls.get("c-9"));
  const call = phone.calls.get("c-9");
  gateway.refusals.use_here = [503, { code: "no_sip_connection", error: "down" }];
  await assert.rejects(call.useHere(), { code: "no_sip_connection", action: "use_here" });
  assert.deepEqual([call.sound, call.localStream, call.isUp], ["elsewhere", null, true]);
  delete gateway.refusals.use_here;
});

test("whether to take over is asked for this once, and not when it signs in again by itself", async () => {
  await phone.signIn({ ...WHO, takeOver: true });
  assert.deepEqual(
    gateway.asked("sign_in").map((body) => body.take_over),
    ["1"],
  );
  gateway.forget([404, { code: "not_signed_in", error: "gone" }]);
  delete gateway.refusals.message;
  await until(() => gateway.asked("sign_in").length === 2);
  assert.equal(gateway.asked("sign_in")[1].take_over, undefined);
});
