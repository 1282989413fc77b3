// The vendor's shape: what of it is logic alone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Callbacks } from "../../src/wrtcgw/browser/grtc/callbacks.js";
import { readConfiguration } from "../../src/wrtcgw/browser/grtc/configuration.js";
import { Grtc } from "../../src/wrtcgw/browser/grtc/main.js";
import { modernConstraints } from "../../src/wrtcgw/browser/grtc/pagemedia.js";
import { param, readForm } from "../../src/wrtcgw/browser/grtc/params.js";
import { shaped } from "../../src/wrtcgw/browser/grtc/serverstats.js";
import { filterCandidates, inactive, limitVideo, receiveOnly } from "../../src/wrtcgw/browser/grtc/shaping.js";
import { errorType } from "../../src/wrtcgw/browser/grtc/vendorerrors.js";

const GATEWAY = "https://gateway.example.com:8086";
const RECORDED = readFileSync(new URL("../data/sdp/chromium-gathered.sdp", import.meta.url), "utf8");
const OFFER = RECORDED.replace(/\r?\n/g, "\r\n");
const PICTURE = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1", "a=sendrecv", ""];
const VIDEO = `${OFFER}${PICTURE.join("\r\n")}`;

const refused = (configuration, word) =>
  assert.throws(
    () => new Grtc.Client(configuration),
    (error) => error instanceof Grtc.Error && error.name === "CONFIGURATION_ERROR" && error.message.includes(word),
  );

test("each key of the documentation is taken, with its default", () => {
  assert.deepEqual(readConfiguration({ webrtc_gateway: GATEWAY }), {
    gateways: [`${GATEWAY}/`],
    iceServers: null,
    username: "",
    password: "",
    noanswerTimeout: 60_000,
    iceTimeout: null,
    pollingTimeout: 30_000,
    rsa: false,
  });
  new Grtc.Client({
    webrtc_gateway: GATEWAY,
    stun_server: "stun.example.com",
    turn_server: "turn.example.com:443?transport=tcp",
    turn_username: "u",
    turn_password: "p",
    sip_username: "5001",
    sip_password: "secret",
    dtls_srtp: true,
    enable_ipv6: false,
    noanswer_timeout: 60000,
    ice_timeout: 3000,
    ice_optimization: true,
    polling_timeout: 0,
    use_rsa_certificate: true,
  });
});

test("any other key, and what is missing or cannot be, is a CONFIGURATION_ERROR that names it", () => {
  refused(undefined, "object");
  refused({}, "webrtc_gateway");
  refused({ webrtc_gateway: " , " }, "webrtc_gateway");
  refused({ webrtc_gateway: "ftp://x" }, "ftp://x");
  refused({ webrtc_gateway: "not an address" }, "not an address");
  refused({ webrtc_gateway: GATEWAY, wertc_gateway: 1 }, "wertc_gateway");
  refused({ webrtc_gateway: GATEWAY, turn_server: "turn.example.com" }, "turn_username");
  refused({ webrtc_gateway: GATEWAY, noanswer_timeout: "soon" }, "noanswer_timeout");
  refused({ webrtc_gateway: GATEWAY, ice_timeout: true }, "ice_timeout");
});

test("times have minima, servers their schemes, gateways may be several", () => {
  const read = readConfiguration({
    webrtc_gateway: `${GATEWAY}, https://other.example.com/base/`,
    noanswer_timeout: 5,
    ice_timeout: "5",
    polling_timeout: 5,
    stun_server: "a.example.com, stun:b.example.com",
    turn_server: "t.example.com, turns:s.example.com?transport=tcp",
    turn_username: "u",
    turn_password: "p",
    sip_password: "undefined",
  });
  assert.deepEqual(read.gateways, [`${GATEWAY}/`, "https://other.example.com/base/"]);
  assert.deepEqual([read.noanswerTimeout, read.iceTimeout, read.pollingTimeout], [18_000, 1_000, 10_000]);
  assert.equal(read.password, "");
  assert.deepEqual(read.iceServers, [
    { urls: "stun:a.example.com" },
    { urls: "stun:b.example.com" },
    { urls: ["turn:t.example.com", "turns:s.example.com?transport=tcp"], username: "u", credential: "p" },
  ]);
  assert.deepEqual(readConfiguration({ webrtc_gateway: "/" }, `${GATEWAY}/page/index.html`).gateways, [`${GATEWAY}/`]);
});

test("all lists are there and can be added to and removed from", () => {
  const client = new Grtc.Client({ webrtc_gateway: GATEWAY });
  const session = new Grtc.MediaSession(client);
  for (const name of [
    "onConnect",
    "onRegister",
    "onFailed",
    "onDisconnect",
    "onConnectionError",
    "onIceDisconnected",
    "onMediaSuccess",
    "onMediaFailure",
    "onIncomingCall",
    "onCallEvent",
    "onNotifyEvent",
    "onPeerClosing",
    "onPeerNoanswer",
    "onInfoFromPeer",
    "onStatsFromServer",
    "onGatewayError",
    "onWebrtcError",
  ])
    assert.ok(client[name] instanceof Callbacks, name);
  for (const name of ["onRemoteStream", "onSessionHold"]) assert.ok(session[name] instanceof Callbacks, name);
});

test("a listener that throws is reported, and the next one hears it all the same", (context) => {
  const reported = context.mock.method(console, "error", () => {});
  const heard = [];
  const list = new Callbacks("onTest");
  const gone = () => heard.push("gone");
  list
    .add(gone)
    .add([
      () => {
        throw new Error("oops");
      },
      (value) => heard.push(value),
    ])
    .remove(gone)
    .fire(7);
  assert.deepEqual(heard, [7]);
  assert.equal(reported.mock.callCount(), 1);
});

test("the state before any call; what needs a session or a call says so", () => {
  const client = new Grtc.Client({ webrtc_gateway: GATEWAY });
  const session = new Grtc.MediaSession(client);
  assert.deepEqual([client.callState, client.onHold, session.state, session.isEstablished()], [0, false, "new", false]);
  assert.deepEqual([session.hasAudioEnabled(), session.hasVideoEnabled(), session.getData()], [false, false, []]);
  assert.throws(() => session.makeOffer("1003"), { name: "NOT_READY_ERROR" });
  assert.throws(() => session.acceptCall(), { name: "INVALID_STATE_ERROR" });
  assert.throws(() => client.register(), { name: "CONFIGURATION_ERROR" });
  assert.throws(() => new Grtc.MediaSession(), Grtc.Error);
  const quiet = ["holdCall", "resumeCall", "updateCall", "closeSession", "terminateCall", "rejectCall"];
  quiet.forEach((name) => session[name]());
});

test("setData takes exactly keys and values", () => {
  const session = new Grtc.MediaSession(new Grtc.Client({ webrtc_gateway: GATEWAY }));
  session.setData([
    { key: "a", value: "b, c" },
    { key: "n", value: { deep: 1 } },
  ]);
  assert.deepEqual(session.getData(), [
    { key: "a", value: "b, c" },
    { key: "n", value: { deep: 1 } },
  ]);
  const wrong = ["a=b", [{ key: "a" }], [{ key: "a", value: "b", more: 1 }], [null]];
  wrong.forEach((data) => assert.throws(() => session.setData(data), Grtc.Error));
});

test("deparam decodes nothing, drops parts without =, and cuts a value at the next one", () => {
  assert.deepEqual(Grtc.deparam("a=1&b=x%20y+z\n&c&d=e=f&a=2"), { a: "2", b: "x%20y+z", d: "e" });
  assert.deepEqual(Grtc.deparam(""), {});
});

test("what param writes readForm reads, whatever is in it", () => {
  const data = { note: 'a=b&c, "Grüße"\r\n 100 % + 1', token: "+/=".repeat(9), empty: "", n: 7, none: null };
  assert.deepEqual(readForm(param(data)), { ...data, n: "7", none: "" });
  assert.equal(param({ a: { b: "c d" }, list: ["x", { y: 1 }] }), "a%5Bb%5D=c+d&list%5B%5D=x&list%5B1%5D%5By%5D=1");
  assert.equal(param("as=it&is"), "as=it&is");
  assert.deepEqual(readForm("decoded=100 % of it&=x&y"), { decoded: "100 % of it" });
});

test("a filter keeps what it returns, or what it leaves in its list; one that returns nonsense keeps all", () => {
  const count = (sdp) => sdp.split("a=candidate:").length - 1;
  assert.ok(count(OFFER) > 0);
  assert.equal(
    filterCandidates(OFFER, (all) => all),
    OFFER,
  );
  assert.equal(count(filterCandidates(OFFER, () => [])), 0);
  assert.equal(
    count(
      filterCandidates(OFFER, (all) => {
        all.splice(1);
      }),
    ),
    1,
  );
  assert.equal(
    filterCandidates(OFFER, () => "x"),
    OFFER,
  );
  const seen = [];
  filterCandidates(OFFER, (all) => seen.push(...all) && all);
  assert.deepEqual([seen[0].sdpMLineIndex, seen[0].sdpMid, seen[0].candidate.slice(0, 10)], [0, "0", "candidate:"]);
  assert.equal(count(filterCandidates(OFFER, (all) => all.map((each) => ({ ...each })))), count(OFFER));
});

test("the bandwidth stands behind c= of video, once; without video nothing changes", () => {
  const limited = limitVideo(limitVideo(VIDEO, 300), 500);
  assert.match(limited, /m=video.*\r\nc=IN IP4 0\.0\.0\.0\r\nb=AS:500\r\na=mid:1/);
  assert.equal(limited.split("b=AS").length, 2);
  assert.equal(limitVideo(OFFER, 500), OFFER);
  assert.equal(limitVideo(VIDEO, 0), VIDEO);
});

test("directions: what is not to be received, and hold", () => {
  const directions = (sdp) => sdp.match(/^a=(sendrecv|sendonly|recvonly|inactive)/gm).map((line) => line.slice(2));
  assert.deepEqual(directions(receiveOnly(VIDEO, { audio: true, video: false })), ["sendrecv", "sendonly"]);
  const deaf = receiveOnly(VIDEO.replace(/sendrecv/g, "recvonly"), { audio: false });
  assert.deepEqual(directions(deaf), ["inactive", "recvonly"]);
  assert.deepEqual(directions(inactive(VIDEO)), ["inactive", "inactive"]);
});

test("constraints of old become those of today; others stay", () => {
  const mandatory = { minWidth: 640, maxWidth: 1280, sourceId: "cam" };
  assert.deepEqual(modernConstraints({ mandatory, optional: [{ minFrameRate: 10 }, { googNoiseSuppression: true }] }), {
    width: { min: 640, max: 1280 },
    deviceId: { exact: "cam" },
    frameRate: { ideal: 10 },
    noiseSuppression: { ideal: true },
  });
  assert.deepEqual([true, undefined, null].map(modernConstraints), [true, false, false]);
  assert.deepEqual(modernConstraints(Grtc.VideoConstraints.hd), { width: { ideal: 1280 }, height: { ideal: 720 } });
  assert.equal(modernConstraints(Grtc.VideoConstraints.custom), true);
  assert.deepEqual(Grtc.VideoConstraints.custom(800, 600).width, { ideal: 800 });
});

test("statistics of the gateway in the vendor's shape", () => {
  const flows = { rx: { packets: 1 }, tx: { packets: 2 } };
  const audio = { codec: "opus", mos: 4, rtt: 10, rttAverage: 8, ...flows, worst: { rtt: 20 } };
  const { duration, audio: told, timestamp } = shaped({ quality: { timestamp: 5, audio }, duration: 1.5 });
  assert.deepEqual([timestamp, duration], [5, 1500]);
  assert.deepEqual(told, { rtt: 10, rtt_max: 20, rtt_average: 8, ...flows });
  assert.deepEqual(Object.keys(shaped({})), ["timestamp", "duration"]);
});

test("SIP codes in ROAP's words", () => {
  const words = [404, 408, 486, 491, 500, 0].map(errorType);
  assert.deepEqual(words, ["NOMATCH", "TIMEOUT", "REFUSED", "CONFLICT", "FAILED", "FAILED"]);
});

test("log levels, a logger of the page's own, and one like log4js", (context) => {
  const lines = [];
  const client = new Grtc.Client({ webrtc_gateway: GATEWAY });
  context.after(() => {
    Grtc.setLogger(null);
    client.setLogLevel(Grtc.LOG_LEVEL_INFO);
  });
  const say = () => new Grtc.Client({ webrtc_gateway: GATEWAY, dtls_srtp: false }); // a notice
  Grtc.setExternalLogger({ warn: (text) => lines.push(text) });
  say();
  client.setLogLevel(Grtc.LOG_LEVEL_ERROR);
  say();
  assert.equal(lines.length, 1);
  assert.match(lines[0], /dtls_srtp/);
  client.setLogLevel(Grtc.LOG_LEVEL_NOTICE);
  Grtc.setLogger(new Grtc.Logger({ append: (text) => lines.push(text) }));
  say();
  assert.match(lines[1], /^\S+Z notice: dtls_srtp.*\n$/);
  assert.deepEqual([Grtc.LOG_LEVEL_NONE, Grtc.LOG_LEVEL_DEBUG], [0, 4]);
});

test("browsers by name and version", (context) => {
  const agents = [
    ["Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36", "chrome", 156],
    ["Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0", "firefox", 140],
    ["Mozilla/5.0 (Mac) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", "safari", 18],
    ["curl", "", 0],
  ];
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  context.after(() => (before ? Object.defineProperty(globalThis, "navigator", before) : delete globalThis.navigator));
  for (const [userAgent, name, version] of agents) {
    Object.defineProperty(globalThis, "navigator", { value: { userAgent }, configurable: true });
    assert.deepEqual([Grtc.getWebrtcDetectedBrowser(), Grtc.getWebrtcDetectedVersion()], [name, version]);
    assert.ok(Grtc.getWebrtcMinimumVersion() <= version);
  }
  assert.equal(Grtc.isWebrtcSupported(), false);
});

test("serverUrl makes a client of the first document's shape", () => {
  const client = new Grtc.Client({ serverUrl: GATEWAY, username: "agent123", dn: "5001", password: "xxx" });
  const session = client.newMediaSession({ destination: 1003, constraints: { audio: true, video: false } });
  assert.equal(client.phone.wire.api, `${GATEWAY}/api/webrtc/`);
  assert.deepEqual([session.destination, session.call], ["1003", null]);
  assert.throws(() => session.hold(), { code: "call_ended" });
});
