// What a page gives in place of the browser's WebRTC, what it makes of the microphone's sound, and do not disturb.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Microphone, Speaker } from "../../src/wrtcgw/browser/grtc/devices.js";
import { Phone } from "../../src/wrtcgw/browser/grtc/phone.js";
import { Platform } from "../../src/wrtcgw/browser/grtc/platform.js";
import { FakeGateway } from "./fake_gateway.mjs";
import { FakePeerConnection, FakeStream, FakeTrack, connections, description, install, settled } from "./fake_rtc.mjs";

const WHO = { dn: "5001", password: "secret" };
const INCOMING = { messageType: "OFFER", callId: "c-2", from: "5002", sdp: description() };

let gateway;
let phone;
let asked;

beforeEach(() => {
  asked = install();
  gateway = new FakeGateway();
  phone = null;
});

afterEach(async () => {
  for (const call of phone?.calls.values() ?? []) await call.hangup();
  await phone?.signOut();
});

async function signedIn(options = {}) {
  phone = new Phone({ gateway: "http://gateway.test", storage: null, events: "poll", play: false, ...options });
  await phone.signIn(WHO);
  return phone;
}

// ---- objects of a virtual desktop

test("media are of the objects that the page has given, and of no other", async () => {
  const made = [];
  class Connection extends FakePeerConnection {
    constructor(configuration) {
      super(configuration);
      made.push(this);
    }
  }
  class Stream extends FakeStream {}
  const mediaDevices = Object.assign(new EventTarget(), {
    enumerateDevices: async () => [{ kind: "audioinput", deviceId: "there", label: "Headset of the thin client" }],
  });
  const wanted = [];
  const getUserMedia = async (constraints) => {
    wanted.push(constraints);
    return new Stream([new FakeTrack()]);
  };
  await signedIn({ webrtc: { RTCPeerConnection: Connection, MediaStream: Stream, mediaDevices, getUserMedia } });
  delete globalThis.RTCPeerConnection;
  delete globalThis.MediaStream;
  const call = await phone.call("5002");
  assert.deepEqual([made.length, wanted.length, asked.asked], [1, 1, 0]);
  assert.ok(call.localStream instanceof Stream && call.connection instanceof Connection);
  assert.deepEqual((await phone.devices()).microphones, [{ deviceId: "there", label: "Headset of the thin client" }]);
  let changes = 0;
  phone.on("devices", () => (changes += 1));
  mediaDevices.dispatchEvent(new Event("devicechange"));
  assert.equal(changes, 1);
});

test("getUserMedia is asked as a method of the devices; without either it is said why there is no microphone", async () => {
  const devices = {
    async getUserMedia() {
      assert.equal(this, devices);
      return new FakeStream([new FakeTrack()]);
    },
  };
  assert.equal((await new Platform({ mediaDevices: devices }).capture({ audio: true })).getTracks().length, 1);
  navigator.mediaDevices = undefined;
  await assert.rejects(new Platform().capture({ audio: true }), { code: "unsupported_browser" });
  globalThis.isSecureContext = false;
  await assert.rejects(new Platform().capture({ audio: true }), { code: "insecure_context" });
  assert.throws(
    () => {
      delete globalThis.RTCPeerConnection;
      new Platform().connection({});
    },
    { code: "unsupported_browser" },
  );
});

test("the far side is heard by the element that the page gives", async () => {
  const element = { play: async () => {} };
  const speaker = new Speaker(new Platform({ audio: () => element }));
  const stream = new FakeStream();
  await speaker.play("call", stream);
  assert.equal(element.srcObject, stream);
  speaker.stop("call");
  assert.equal(element.srcObject, null);
});

// ---- what is made of the sound

class Processor {
  made = [];
  closed = 0;
  process = (track) => {
    const own = new FakeTrack();
    this.made.push([track, own]);
    return { track: own, close: () => (this.closed += 1) };
  };
}

function microphoneOf(options) {
  const opened = [];
  const getUserMedia = async ({ audio }) => {
    const stream = new FakeStream([new FakeTrack()]);
    opened.push({ audio, track: stream.getTracks()[0] });
    return stream;
  };
  const microphone = new Microphone(new Platform({ getUserMedia }));
  Object.assign(microphone, options);
  return { microphone, opened };
}

test("what the page makes of the sound is sent, and both end with the last call", async () => {
  const processor = new Processor();
  const { microphone, opened } = microphoneOf({ process: processor.process });
  const [one, other] = [await microphone.lend(), await microphone.lend()];
  assert.deepEqual([processor.made.length, opened.length], [1, 1]);
  const [[raw, made]] = processor.made;
  assert.equal(raw, opened[0].track);
  microphone.takeBack(one);
  assert.deepEqual([made.readyState, processor.closed], ["live", 0]);
  microphone.takeBack(other);
  assert.deepEqual([raw.readyState, made.readyState, processor.closed], ["ended", "ended", 1]);
});

test("it may be switched on and off in a call: the calls take new tracks, and what was is ended", async () => {
  const processor = new Processor();
  await signedIn();
  gateway.tell(INCOMING);
  await settled();
  const call = phone.calls.get("c-2");
  await call.answer();
  const sent = () => connections[0].getSenders()[0].track;
  const before = sent();
  await phone.setAudioProcessing(processor.process);
  await settled();
  assert.notEqual(sent(), before);
  assert.deepEqual([before.readyState, sent().readyState, processor.made.length], ["ended", "live", 1]);
  call.mute();
  await phone.setAudioProcessing(null);
  await settled();
  assert.deepEqual([processor.closed, sent().enabled], [1, false]);
});

test("one that fails in a call gives way to the microphone's own sound, muted as it was", async () => {
  const made = new FakeTrack();
  let fail;
  const failed = new Promise((resolve) => (fail = resolve));
  const errors = [];
  await signedIn();
  phone.on("error", ({ code }) => errors.push(code));
  gateway.tell(INCOMING);
  await settled();
  const call = phone.calls.get("c-2");
  await call.answer();
  await phone.setAudioProcessing(() => ({ track: made, failed }));
  await settled();
  call.mute();
  const sent = () => connections[0].getSenders()[0].track;
  const before = sent();
  fail(new Error("worklet"));
  await settled();
  assert.notEqual(sent(), before);
  assert.deepEqual([made.readyState, before.readyState, sent().readyState], ["ended", "ended", "live"]);
  assert.deepEqual([sent().enabled, errors], [false, ["processing_failed"]]);
});

test("a processor that fails, or whose end does, never keeps the sound back", async () => {
  const errors = [];
  const broken = microphoneOf({
    process: () => {
      throw new Error("no worklet");
    },
  });
  broken.microphone.on("error", ({ code }) => errors.push(code));
  const track = await broken.microphone.lend();
  assert.deepEqual([track.readyState, errors], ["live", ["processing_failed"]]);
  const { error } = console;
  console.error = () => errors.push("told");
  const { microphone, opened } = microphoneOf({
    process: async () => ({
      track: new FakeTrack(),
      close() {
        throw new Error("already");
      },
    }),
  });
  microphone.takeBack(await microphone.lend());
  console.error = error;
  assert.deepEqual([opened[0].track.readyState, errors], ["ended", ["processing_failed", "told"]]);
});

test("a track alone is enough, and an unplugged microphone ends what was made of it", async () => {
  const tracks = [];
  const { microphone, opened } = microphoneOf({ process: (track) => (tracks.push(track), new FakeTrack()) });
  let changes = 0;
  microphone.on("changed", () => (changes += 1));
  await microphone.lend();
  opened[0].track.dispatchEvent(new Event("ended"));
  await settled();
  assert.deepEqual([opened.length, tracks.length, changes, opened[0].track.readyState], [2, 2, 1, "ended"]);
});

test("the browser's own suppression may be switched off, in a call as well; a refusal leaves all as it was", async () => {
  const { microphone, opened } = microphoneOf({ shape: { autoGainControl: false } });
  await microphone.lend();
  const { shape } = microphone;
  await microphone.change({ shape: { ...shape, noiseSuppression: false } });
  assert.deepEqual(
    opened.map(({ audio }) => audio),
    [
      { echoCancellation: true, noiseSuppression: true, autoGainControl: false },
      { echoCancellation: true, noiseSuppression: false, autoGainControl: false },
    ],
  );
  microphone.platform.given.getUserMedia = async () => {
    throw new DOMException("", "NotAllowedError");
  };
  await assert.rejects(microphone.change({ shape: {} }), { code: "microphone_refused" });
  assert.deepEqual([microphone.shape.noiseSuppression, opened[1].track.readyState], [false, "live"]);
});

// ---- do not disturb

test("do not disturb is ordered, told, found at sign-in, kept through the gateway's restart, over with the session", async () => {
  const told = [];
  await signedIn();
  phone.on("donotdisturb", (on) => told.push(on));
  await phone.setDoNotDisturb(true);
  assert.deepEqual([phone.doNotDisturb, gateway.asked("do_not_disturb")], [true, [{ on: true }]]);
  gateway.tell({ messageType: "DO_NOT_DISTURB", state: "ON" });
  gateway.tell({ messageType: "DO_NOT_DISTURB", state: "OFF" });
  await settled();
  assert.deepEqual(told, [true, false]);
  gateway.tell({ messageType: "DO_NOT_DISTURB", state: "ON" });
  await settled();
  gateway.forget([401, { code: "not_signed_in", error: "who?" }]);
  delete gateway.refusals.message;
  await settled();
  assert.deepEqual(gateway.asked("do_not_disturb"), [{ on: true }, { on: true }]);
  await phone.signOut();
  assert.deepEqual([phone.doNotDisturb, told], [false, [true, false, true, false]]);
  await assert.rejects(phone.setDoNotDisturb(true), { code: "not_signed_in" });
});
