// phone.check(): a table of faults, each with the verdict and the code that it has to come to; fakes of all around it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { verdictOf } from "../../src/wrtcgw/browser/grtc/check.js";
import { Phone } from "../../src/wrtcgw/browser/grtc/phone.js";
import { FakeGateway, FakeStorage } from "./fake_gateway.mjs";
import { FakePeerConnection, FakeStream, FakeTrack, description, holdTimers, install, settled } from "./fake_rtc.mjs";

const WHO = { dn: "5001", password: "secret" };
const ANSWER = description({ type: "answer" });
const SECOND = 1_000;

let world; // what the browser and the network around it are like
let gateway;
let phone;
let clock;

/** A connection whose candidates and statistics are the world's. */
class Connection extends FakePeerConnection {
  began = world.now();

  createDataChannel() {
    const channel = Object.assign(new EventTarget(), { readyState: "connecting", send() {} });
    this.channel = channel;
    return channel;
  }

  async createOffer(options) {
    if (!this.getTransceivers().length) this.addTransceiver("audio", { direction: "sendrecv" });
    return super.createOffer(options);
  }

  async setLocalDescription(given) {
    const [server] = this.channel ? this.getConfiguration().iceServers : [];
    const told = server && world.servers[server.urls];
    if (told) Object.defineProperty(this, "iceGatheringState", { get: () => "gathering", set() {} }); // for ever
    await super.setLocalDescription(given);
    if (!told) return;
    for (const errorCode of told.errors ?? []) this.#tell("icecandidateerror", { errorCode });
    if (told.type) this.#tell("icecandidate", { candidate: { type: told.type, candidate: "candidate:1" } });
  }

  async setRemoteDescription(given) {
    await super.setRemoteDescription(given);
    if (this.channel || !world.media) return;
    this.way("connected");
  }

  async getStats() {
    const seconds = (world.now() - this.began) / SECOND;
    const { perSecond = 50, loss = 0, rtt = 40, jitter = 4, energy = 0.01 } = world.media ?? {};
    const sent = Math.round(perSecond * seconds);
    const lost = Math.round((sent * loss) / 100);
    return new Map(
      [
        { id: "P", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: rtt / 1_000 },
        {
          id: "I",
          type: "inbound-rtp",
          kind: "audio",
          packetsReceived: sent - lost,
          packetsLost: lost,
          jitter: jitter / 1_000,
          totalAudioEnergy: energy * seconds,
          totalSamplesDuration: seconds,
        },
        { id: "O", type: "outbound-rtp", kind: "audio", packetsSent: sent },
      ].map((each) => [each.id, each]),
    );
  }

  #tell(name, details) {
    queueMicrotask(() => this.dispatchEvent(Object.assign(new Event(name), details)));
  }
}

/** Loudness of the microphone, and a tone for the echo. */
class FakeContext {
  state = world.audio === "suspended" ? "suspended" : "running";

  async resume() {}

  async close() {}

  createAnalyser() {
    return {
      fftSize: 512,
      getFloatTimeDomainData: (samples) => samples.fill(world.loudness),
    };
  }

  createMediaStreamSource() {
    return { connect: () => {} };
  }

  createOscillator() {
    return { frequency: {}, start() {}, connect: () => ({ connect() {} }) };
  }

  createGain() {
    return { gain: {} };
  }

  createMediaStreamDestination() {
    return { stream: new FakeStream([new FakeTrack("audio")]) };
  }
}

beforeEach((context) => {
  clock = null;
  let time = 0;
  world = {
    now: () => time,
    advance: (step) => {
      time += step;
    },
    loudness: 0.1,
    refused: "",
    speakers: 1,
    codecs: ["opus", "PCMU", "telephone-event"],
    servers: { "stun:s": { type: "srflx" }, "turn:t": { type: "relay" } },
    media: {},
    play: null,
    answer: "up",
    cause: {},
  };
  install(() => {
    if (world.refused) throw Object.assign(new Error("no"), { name: world.refused });
  });
  globalThis.navigator.mediaDevices.enumerateDevices = async () =>
    Array.from({ length: world.speakers }, (_, at) => ({ kind: "audiooutput", deviceId: `s${at}`, label: "" }));
  globalThis.RTCPeerConnection = Connection;
  globalThis.RTCRtpReceiver = {
    getCapabilities: () => ({ codecs: world.codecs.map((name) => ({ mimeType: `audio/${name}` })) }),
  };
  globalThis.AudioContext = FakeContext;
  globalThis.HTMLMediaElement = class {
    setSinkId() {}
  };
  globalThis.Audio = class {
    async play() {
      if (world.play) throw Object.assign(new Error("no"), { name: world.play });
    }

    async setSinkId() {}
  };
  gateway = new FakeGateway();
  gateway.own = { warnings: { rtt: 400 }, echoNumber: "1003" };
  gateway.ice = [{ urls: "stun:s" }, { urls: ["turn:t"], username: "u", credential: "c" }];
  phone = new Phone({ gateway: "http://gateway.test", storage: new FakeStorage(), events: "poll", play: false });
  phone.setSpeaker = () => {};
  clock = holdTimers(context);
});

/** Lets the check come to its end, with the far side's answers on the way. */
async function checked(options = {}, during = () => {}) {
  let report;
  let failure;
  phone.check(options).then(
    (told) => (report = told),
    (error) => (failure = error),
  );
  let answered = false;
  for (let step = 0; step < 2_000 && !report && !failure; step += 1) {
    await clock.pass(50);
    world.advance(50);
    during(step);
    if (!answered && gateway.asked("message").some(({ messageType }) => messageType === "OFFER")) {
      answered = true;
      if (world.answer === "up") gateway.tell({ messageType: "ANSWER", callId: "c-1", sdp: ANSWER });
      else if (world.answer === "no")
        gateway.tell({ messageType: "ERROR", callId: "c-1", state: "ENDED", ...world.cause });
    }
  }
  if (failure) throw failure;
  return report;
}

async function signedIn() {
  await phone.signIn(WHO);
  await settled();
}

const ended = (sipCode, cause) => ({ answer: "no", cause: { sipCode, cause } });

// The fault, how the world is then, and what has to be found: verdict, the check that tells it, its code.
const FAULTS = [
  ["nothing", {}, "ready", "", "ok"],
  ["no microphone", { refused: "NotFoundError" }, "blocked", "microphone", "no_microphone"],
  ["a microphone in use", { refused: "NotReadableError" }, "blocked", "microphone", "microphone_busy"],
  ["permission denied", { refused: "NotAllowedError" }, "permission_denied", "microphone", "microphone_refused"],
  ["a silent microphone", { loudness: 0 }, "blocked", "microphone", "mic_silent"],
  ["no loudspeaker", { speakers: 0 }, "blocked", "speaker", "no_speaker"],
  ["a page that may not play", { play: "NotAllowedError" }, "degraded", "speaker", "playback_blocked"],
  ["no codec in common", { codecs: ["ILBC"] }, "blocked", "codec", "no_common_codec"],
  ["a gateway that is away", { away: ["health", "ready"] }, "blocked", "gateway", "gateway_unreachable"],
  [
    "a gateway that drains",
    { refusals: { ready: [503, { ready: false }] } },
    "degraded",
    "gateway",
    "gateway_not_ready",
  ],
  ["dead STUN", { servers: { "stun:s": {}, "turn:t": { type: "relay" } } }, "degraded", "stun", "stun_unreachable"],
  [
    "dead TURN",
    { servers: { "stun:s": { type: "srflx" }, "turn:t": { errors: [701] } } },
    "degraded",
    "turn",
    "turn_unreachable",
  ],
  [
    "a wrong TURN secret",
    { servers: { "stun:s": { type: "srflx" }, "turn:t": { errors: [401] } } },
    "degraded",
    "turn",
    "turn_refused",
  ],
  ["UDP blocked", { media: null }, "blocked", "echo", "media_failed"],
  ["one way", { media: { perSecond: 0 } }, "blocked", "echo", "no_incoming_packets"],
  ["silence from the far side", { media: { energy: 0 } }, "blocked", "echo", "incoming_silence"],
  ["5 % loss", { media: { loss: 5 } }, "degraded", "echo", "high_packet_loss"],
  ["300 ms each way", { media: { rtt: 600 } }, "degraded", "echo", "high_rtt"],
  ["jitter", { media: { jitter: 60 } }, "degraded", "echo", "high_jitter"],
  ["a wrong echo number", ended(404, "not-found"), "inconclusive", "echo", "echo_wrong_number"],
  ["a busy echo number", ended(486, "busy"), "inconclusive", "echo", "echo_busy"],
  ["a codec that the far side has not", ended(488, "not-acceptable"), "blocked", "echo", "no_common_codec"],
  ["an echo that never answers", { answer: "never" }, "inconclusive", "echo", "echo_unavailable"],
  ["a PBX that fails", ended(500, "server-failure"), "blocked", "echo", "echo_failed"],
];

for (const [name, change, verdict, check, code] of FAULTS) {
  test(`with ${name} it is ${verdict}: ${code}`, async () => {
    const { away = [], refusals = {}, ...rest } = change;
    await signedIn();
    Object.assign(world, rest);
    for (const path of away) gateway.refusals[path] = "away";
    Object.assign(gateway.refusals, refusals);
    const report = await checked();
    assert.deepEqual([report.verdict, report.code], [verdict, code], JSON.stringify(report.checks, null, 1));
    if (check) assert.equal(report.checks.find((each) => each.name === check).code, code);
    assert.ok(report.hint.length > 10);
    assert.equal(phone.calls.size, 0);
    assert.ok(world.now() < 60 * SECOND, `${world.now()} ms`);
    await phone.signOut();
  });
}

test("nobody signed in: what needs no sign-in is looked at, and the rest is not known", async () => {
  const report = await checked();
  assert.deepEqual([report.verdict, report.code], ["inconclusive", "not_signed_in"]);
  assert.deepEqual(
    report.checks.map(({ name, state }) => [name, state]),
    [
      ["microphone", "passed"],
      ["speaker", "passed"],
      ["codec", "passed"],
      ["gateway", "passed"],
      ["registration", "unknown"],
      ["echo", "skipped"],
    ],
  );
});

test("with a wrong password it is blocked; with the right one it signs in for the check, and out again", async () => {
  gateway.refusals.sign_in = [403, { code: "registration_refused", error: "wrong", sipCode: 403 }];
  assert.equal((await checked({ who: WHO })).code, "registration_refused");
  gateway.refusals = {};
  const report = await checked({ who: WHO });
  assert.equal(report.verdict, "ready");
  assert.equal(phone.isSignedIn, false);
  assert.equal(gateway.asked("sign_out").length, 1);
});

test("a phone that is not registered is blocked", async () => {
  await signedIn();
  gateway.tell({ messageType: "REGISTRATION", callId: "", state: "FAILED", sipCode: 503 });
  await settled();
  const report = await checked({ only: ["registration"] });
  assert.deepEqual([report.verdict, report.code], ["blocked", "not_registered"]);
  assert.equal(report.checks[0].value.sipCode, 503);
  await phone.signOut();
});

test("each TURN server is a check of its own; only where nothing else is allowed all of them dead is a bar", async () => {
  gateway.ice = [{ urls: ["turn:t", "turn:dead"], username: "u", credential: "c" }];
  world.servers["turn:dead"] = { errors: [701] };
  await signedIn();
  const report = await checked({ only: ["turn"] });
  assert.deepEqual(
    report.checks.map(({ value, code }) => [value.url, code]),
    [
      ["turn:t", "ok"],
      ["turn:dead", "turn_unreachable"],
    ],
  );
  assert.equal(report.verdict, "degraded");
  phone.configuration = async () => ({ iceServers: [{ urls: "turn:dead" }], iceTransportPolicy: "relay" });
  assert.equal((await checked({ only: ["turn"] })).verdict, "blocked");
  await phone.signOut();
});

test("the echo call is nobody's business, and is not made during another call or without a number", async () => {
  await signedIn();
  const heard = [];
  for (const name of ["call", "callended", "incoming"]) phone.on(name, () => heard.push(name));
  await checked({ only: ["echo"] });
  assert.deepEqual([heard, gateway.asked("hangup").length], [[], 1]);
  assert.equal(gateway.asked("message")[0].to, "1003");
  assert.equal((await checked({ only: ["echo"], echoNumber: "" })).checks[0].code, "echo_not_configured");
  phone.calls.set("x", { renewTrack: async () => {}, end() {} });
  assert.equal((await checked({ only: ["echo"] })).checks[0].code, "in_call");
  phone.calls.clear();
  await phone.signOut();
});

test("it is told as it goes, and only one is made at a time", async () => {
  const heard = [];
  phone.on("check", ({ name, state }) => heard.push(`${name} ${state}`));
  const told = [];
  const first = checked({ only: ["codec", "gateway"], progress: ({ name, state }) => told.push(`${name} ${state}`) });
  await assert.rejects(phone.check(), { code: "wrong_state" });
  await first;
  assert.deepEqual(heard, ["codec running", "codec passed", "gateway running", "gateway passed"]);
  assert.deepEqual(told, heard);
});

test("an abort ends it with its reason, and puts all back: microphone, call, sign-in", async () => {
  const reason = new Error("enough");
  for (const [only, when] of [
    [["microphone"], 3],
    [["registration", "stun", "turn"], 3],
    [["registration", "echo"], 60],
  ]) {
    const abort = new AbortController();
    const stop = (step) => step === when && abort.abort(reason);
    world.loudness = 0;
    world.servers["stun:s"] = {};
    await assert.rejects(checked({ who: WHO, only, signal: abort.signal }, stop), reason);
    await clock.pass(5_000);
    assert.deepEqual([phone.isSignedIn, phone.calls.size, phone.microphoneLevel()], [false, 0, 0], only.join());
  }
  assert.equal(gateway.asked("hangup").length, 1);
});

test("where the browser does not tell how loud it is, the microphone counts as good", async () => {
  world.audio = "suspended";
  delete globalThis.AudioContext;
  const { checks } = await checked({ only: ["microphone"] });
  assert.deepEqual([checks[0].code, checks[0].value.level], ["ok", null]);
});

const result = (state, code = state) => ({ name: "echo", state, code, value: {}, hint: "" });

for (const [states, verdict, code] of [
  [["passed", "skipped"], "ready", undefined],
  [["passed", "unknown"], "inconclusive", "unknown"],
  [["unknown", "warned"], "degraded", "warned"],
  [["warned", "failed", "unknown"], "blocked", "failed"],
]) {
  test(`${states.join(", ")}: ${verdict}`, () => {
    const told = verdictOf(states.map((state) => result(state)));
    assert.deepEqual([told.verdict, told.because?.code], [verdict, code]);
  });
}

test("a refused microphone comes before all that is wrong beside it", () => {
  const told = verdictOf([result("failed", "gateway_unreachable"), result("failed", "microphone_refused")]);
  assert.equal(told.verdict, "permission_denied");
});
