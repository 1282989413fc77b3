// What a page can do with a call in each of its states, and what becomes of what cannot be done.

import assert from "node:assert/strict";
import { beforeEach, afterEach, test } from "node:test";

import { Call } from "../../src/wrtcgw/browser/grtc/call.js";
import { PhoneError } from "../../src/wrtcgw/browser/grtc/errors.js";
import { FakeTrack, PLAIN, connections, description, holdTimers, install, settled } from "./fake_rtc.mjs";

const OFFER = description();

let ordered;
let posted;
let refusal; // of the microphone
let failure; // of orders and posts
let silenced; // how often the far side's sound was stopped
let phone;
let call;

beforeEach(() => {
  install();
  [ordered, posted, refusal, failure, silenced] = [[], [], null, null, 0];
  const fail = () => {
    if (failure) throw failure;
  };
  phone = {
    options: {},
    shape: (sdp) => sdp,
    configuration: async () => ({ iceServers: [] }),
    giveBack: (track) => track.stop(),
    remember() {},
    emit() {},
    over() {},
    named() {},
    holdOthers: async () => {},
    silence: () => (silenced += 1),
    microphone: { owns: () => true },
    wire: {
      id: "a",
      order: async (verb, id, fields) => {
        ordered.push([verb, fields]);
        fail();
      },
      describe: async (message) => {
        posted.push(message);
        fail();
        return { callId: "c" };
      },
      post: async () => {},
    },
    tracks: async () => {
      if (refusal) throw refusal;
      return [new FakeTrack()];
    },
    endAtGateway: async (verb, id, fields) => {
      ordered.push([verb, fields]);
    },
  };
});

afterEach(() => call.end());

function ringing(offer = OFFER) {
  call = new Call(phone, { direction: "inbound", peer: "5002", id: "c", offer });
  return call;
}

async function up() {
  await ringing().answer();
  posted.length = 0;
  return call;
}

test("a call that rings is answered: in between it is being answered, and then it is up", async () => {
  const states = [];
  ringing().on("state", (state) => states.push(state));
  await call.answer();
  assert.deepEqual([states, call.isUp, call.answeredAt !== null], [["answering", "established"], true, true]);
  assert.deepEqual(
    posted.map(({ messageType, callId }) => [messageType, callId]),
    [["ANSWER", "c"]],
  );
});

for (const [what, offer, code] of [
  ["plain RTP", PLAIN, "no_webrtc"],
  [
    "a description that no browser takes",
    OFFER.replace(/^a=ice.*\r\n/gm, "").replace(/^a=fingerprint.*\r\n/m, ""),
    "no_webrtc",
  ],
]) {
  test(`a call of ${what} can never be answered: it is refused with 488`, async () => {
    const ended = [];
    ringing(offer).on("ended", (how) => ended.push(how));
    await assert.rejects(call.answer(), { code, action: "answer" });
    assert.deepEqual(ordered, [["reject", { code: 488 }]]);
    assert.deepEqual([ended.length, call.ended.cause, call.ended.sipCode], [1, code, 488]);
  });
}

test("neither can one without a common codec", async () => {
  ringing();
  const refused = OFFER.replace("m=audio 9 UDP/TLS/RTP/SAVPF 0 101", "m=audio 9 UDP/TLS/RTP/SAVPF 18");
  call = ringing(refused);
  const make = globalThis.RTCPeerConnection.prototype.createAnswer;
  globalThis.RTCPeerConnection.prototype.createAnswer = async function createAnswer() {
    const { type, sdp } = await make.call(this);
    return { type, sdp: sdp.replace("m=audio 9", "m=audio 0") };
  };
  await assert.rejects(call.answer(), { code: "no_common_codec" });
  globalThis.RTCPeerConnection.prototype.createAnswer = make;
  assert.deepEqual([ordered, call.ended.sipCode], [[["reject", { code: 488 }]], 488]);
});

test("without a microphone it goes on ringing, and can be answered when there is one", async () => {
  refusal = new PhoneError("microphone_refused");
  await assert.rejects(ringing().answer(), { code: "microphone_refused", action: "answer", call });
  assert.deepEqual([call.state, ordered], ["incoming", []]);
  refusal = null;
  await call.answer();
  assert.equal(call.isUp, true);
});

test("a gateway that is away leaves it ringing, with what was not done", async () => {
  failure = new PhoneError("bad_gateway");
  await assert.rejects(ringing().answer(), { code: "bad_gateway" });
  assert.equal(call.state, "incoming");
});

test("rejecting says busy unless another code is given", async () => {
  await ringing().reject();
  assert.deepEqual([ordered, call.ended.cause, call.ended.missed], [[["reject", { code: 486 }]], "local", false]);
  await ringing().reject(603);
  assert.deepEqual(ordered.at(-1), ["reject", { code: 603 }]);
});

test("a caller who gives up is missed, and answered elsewhere is not", async () => {
  ringing().take({ messageType: "SHUTDOWN", cause: "cancelled" });
  assert.deepEqual([call.ended.missed, call.ended.answeredElsewhere], [true, false]);
  ringing().take({ messageType: "SHUTDOWN", cause: "answered-elsewhere" });
  assert.deepEqual([call.ended.missed, call.ended.answeredElsewhere], [false, true]);
});

test("hold and resume are ordered, and the microphone is off meanwhile; a refusal changes nothing", async () => {
  await up();
  const [track] = call.localStream.getTracks();
  let told = 0;
  call.on("hold", () => {
    told += 1;
  });
  await call.hold();
  assert.deepEqual([call.held, track.enabled, told], [true, false, 1]);
  await call.resume();
  assert.deepEqual([call.held, track.enabled, told], [false, true, 2]);
  failure = new PhoneError("gateway_unreachable");
  await assert.rejects(call.hold(), { code: "gateway_unreachable", action: "hold" });
  assert.deepEqual(
    [call.held, track.enabled, ordered.map(([verb]) => verb)],
    [false, true, ["hold", "resume", "hold"]],
  );
});

test("the far side's hold is not ours: the microphone stays on", async () => {
  await up();
  call.take({ messageType: "HOLD", cause: "peer" });
  assert.deepEqual([call.heldByPeer, call.held, call.localStream.getTracks()[0].enabled], [true, false, true]);
  call.take({ messageType: "RESUME", cause: "peer" });
  assert.equal(call.heldByPeer, false);
});

test("mute outlasts a hold", async () => {
  await up();
  const [track] = call.localStream.getTracks();
  const heard = [];
  for (const name of ["muted", "mute"]) call.on(name, (details) => heard.push([name, details]));
  call.mute();
  await call.hold();
  await call.resume();
  assert.deepEqual([call.muted, track.enabled], [true, false]);
  call.mute(false);
  call.mute(false);
  assert.equal(track.enabled, true);
  assert.deepEqual(heard, [
    ["muted", { muted: true }],
    ["mute", true],
    ["muted", { muted: false }],
    ["mute", false],
  ]);
});

test("glare inside a call: an offer of the far side while ours is out is left to come again", async () => {
  await up();
  const renewed = call.renegotiate();
  await settled();
  call.take({ messageType: "OFFER", sdp: description({ version: 2 }) });
  await settled();
  assert.deepEqual(
    posted.map(({ messageType }) => messageType),
    ["OFFER"],
  );
  call.take({ messageType: "ANSWER", sdp: description({ type: "answer" }) });
  await renewed;
  call.take({ messageType: "OFFER", sdp: description({ version: 3 }) });
  await settled();
  assert.deepEqual(
    posted.map(({ messageType }) => messageType),
    ["OFFER", "ANSWER"],
  );
  assert.equal(connections.at(-1).signalingState, "stable");
});

test("a transfer is over with its outcome, and a call that is transferred ends well", async () => {
  await up();
  const failed = call.transfer("5003");
  await settled();
  call.take({
    messageType: "TRANSFER",
    state: "FAILED",
    sipCode: 486,
    reason: "Busy Here",
    warning: "W",
    sipReason: "R",
  });
  await assert.rejects(failed, { code: "transfer_failed", sipCode: 486, warning: "W", sipReason: "R" });
  assert.equal(call.isUp, true);
  const done = call.transfer("5004");
  await settled();
  call.take({ messageType: "SHUTDOWN", cause: "transferred" });
  await done;
  assert.deepEqual(
    ordered.map(([verb, fields]) => [verb, fields.to]),
    [
      ["transfer", "5003"],
      ["transfer", "5004"],
    ],
  );
});

test("what does not fit the state is refused by name, and a call that is over says so", async () => {
  await assert.rejects(ringing().hold(), { code: "wrong_state" });
  await assert.rejects(call.transfer("5003"), { code: "wrong_state" });
  await call.answer();
  await assert.rejects(call.answer(), { code: "wrong_state" });
  await assert.rejects(call.reject(), { code: "wrong_state" });
  await call.hangup();
  await call.hangup();
  await assert.rejects(call.hold(), { code: "call_ended" });
  assert.deepEqual(ordered, [["hangup", {}]]);
});

test("an end gives back the microphone and closes the connection, whoever ends it", async () => {
  await up();
  const [track] = call.localStream.getTracks();
  call.take({ messageType: "SHUTDOWN", cause: "remote" });
  assert.deepEqual([track.readyState, connections[0].signalingState, call.connection], ["ended", "closed", null]);
  assert.deepEqual(ordered, []);
});

test("an answer that cannot be used ends a call that is not up, here and at the gateway", async () => {
  call = new Call(phone, { direction: "outbound", peer: "5002" });
  await call.place({ audio: true });
  call.id = "c";
  call.take({ messageType: "ANSWER", sdp: PLAIN });
  await settled();
  assert.deepEqual([call.ended.cause, ordered.map(([verb]) => verb)], ["no_webrtc", ["hangup"]]);
});

// ---- another page takes the sound

const SOUND = { messageType: "SOUND", callId: "c", state: "ESTABLISHED" };

// Has another page take the sound of a call that is up, by a connection in this state.
async function taken(way = "connected") {
  await up();
  const [pc, [track]] = [call.connection, call.localStream.getTracks()];
  pc.way(way);
  call.take({ ...SOUND, cause: "elsewhere" });
  return { pc, track, goesOn: () => track.readyState === "live" && pc.signalingState !== "closed" && !silenced };
}

test("what is sent goes on while the other page's way is looked for, and no longer; the call knows nothing of it", async (t) => {
  const clock = holdTimers(t);
  const { goesOn } = await taken();
  assert.deepEqual([call.sound, call.connection, call.localStream], ["elsewhere", null, null]);
  await clock.pass(1_000);
  assert.equal(goesOn(), true);
  await clock.pass(1_000);
  assert.equal(goesOn(), false);
  assert.equal(silenced, 1);
});

for (const [what, happens] of Object.entries({
  "it is muted": () => call.take({ ...SOUND, messageType: "MUTE", cause: "ON" }),
  "it is put on hold": () => call.take({ ...SOUND, messageType: "HOLD", cause: "local" }),
  "it is over": () => call.end({ cause: "remote" }),
  "the way is lost": (pc) => pc.way("disconnected"),
})) {
  test(`what goes on being sent for another page ends at once when ${what}`, async () => {
    const { pc, track, goesOn } = await taken();
    assert.equal(goesOn(), true);
    happens(pc);
    assert.deepEqual([track.readyState, pc.signalingState], ["ended", "closed"]);
    assert.ok(silenced > 0);
  });
}

test("what is not heard anyway does not go on for another page", async () => {
  assert.equal((await taken("connecting")).goesOn(), false);
  call.end();
  await up();
  call.mute();
  const pc = call.connection;
  pc.way("connected");
  call.take({ ...SOUND, cause: "elsewhere" });
  assert.equal(pc.signalingState, "closed");
});

test("a sound that comes back before the old way has ended is heard on", async (t) => {
  const clock = holdTimers(t);
  const { pc } = await taken();
  const back = call.useHere();
  await settled();
  call.take({ ...SOUND, messageType: "ANSWER", sdp: description({ side: "AB", type: "answer" }) });
  await back;
  assert.notEqual(call.connection, pc);
  await clock.pass(2_000);
  assert.deepEqual([pc.signalingState, call.connection.signalingState, silenced], ["closed", "stable", 0]);
  assert.equal(call.localStream.getTracks()[0].readyState, "live");
});

test("what is sent goes on when another page takes everything over, and ends with any other end", async (t) => {
  const clock = holdTimers(t);
  for (const [goesOn, expected] of [
    [true, "live"],
    [false, "ended"],
  ]) {
    await up();
    const [track] = call.localStream.getTracks();
    call.connection.way("connected");
    call.end({ cause: "signed-out" }, { goesOn });
    assert.deepEqual([track.readyState, call.connection, call.isOver], [expected, null, true]);
    await clock.pass(2_000);
    assert.equal(track.readyState, "ended");
  }
});

test("a page that takes a call up hears it while its agent is asked for the microphone", async (t) => {
  const clock = holdTimers(t);
  phone.tracks = () => new Promise(() => {});
  call = new Call(phone, { direction: "inbound", peer: "5002", id: "c" });
  call.takeUp({ callId: "c", direction: "inbound", peer: "5002", state: "ESTABLISHED", held: false });
  call.take({ messageType: "OFFER", callId: "c", cause: "resync", state: "ESTABLISHED" });
  await clock.pass(1_000);
  assert.equal(posted.length, 0);
  await clock.pass(1_500);
  assert.deepEqual([posted.length, call.connection.getTransceivers()[0].direction], [1, "recvonly"]);
});

test("a page that takes a call up offers once, with its microphone, though it is asked for an offer meanwhile", async () => {
  let lend;
  phone.tracks = () => new Promise((resolve) => (lend = () => resolve([new FakeTrack()])));
  call = new Call(phone, { direction: "inbound", peer: "5002", id: "c" });
  const view = { callId: "c", direction: "inbound", peer: "5002", state: "ESTABLISHED", age: 3, duration: 2 };
  const taken = call.takeUp({ ...view, held: false, heldByPeer: false });
  await settled();
  call.take({ messageType: "OFFER", callId: "c", cause: "resync", state: "ESTABLISHED" });
  await settled();
  assert.deepEqual(posted, []);
  lend();
  await settled();
  assert.deepEqual([posted.length, call.connection.getSenders()[0].track.kind], [1, "audio"]);
  call.take({ messageType: "ANSWER", callId: "c", sdp: description({ type: "answer" }), state: "ESTABLISHED" });
  await taken;
  await settled();
  assert.deepEqual([posted.length, connections.length], [1, 1]);
});
