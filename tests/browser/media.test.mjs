// The media of one call, with a browser's rules for offer and answer.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Media } from "../../src/wrtcgw/browser/grtc/media.js";
import { FakePeerConnection, FakeTrack, PLAIN, connections, description, install } from "./fake_rtc.mjs";

const ANSWER = description({ type: "answer" });

let arrived;
let states;

beforeEach(() => {
  install();
  arrived = [];
  states = [];
});

function media(tracks = [new FakeTrack()]) {
  const made = new Media({ changed: (state) => states.push(state), arrived: (stream) => arrived.push(stream) });
  made.use(tracks, { iceServers: [] });
  return made;
}

// Media that are up: offered by us and answered.
async function up(answer = ANSWER) {
  const made = media();
  await made.offer();
  await made.accept(answer);
  return made;
}

test("the browser that stands in here refuses what a browser refuses", async () => {
  const pc = new FakePeerConnection();
  pc.addTrack(new FakeTrack());
  const invalid = { name: "InvalidStateError" };
  await assert.rejects(pc.createAnswer(), invalid);
  await assert.rejects(pc.setRemoteDescription({ type: "answer", sdp: ANSWER }), invalid);
  await pc.setLocalDescription(await pc.createOffer());
  await assert.rejects(pc.setRemoteDescription({ type: "offer", sdp: description() }), invalid);
  await pc.setLocalDescription({ type: "rollback" });
  assert.deepEqual([pc.signalingState, pc.localDescription], ["stable", null]);
  pc.close();
  await assert.rejects(pc.createOffer(), invalid);
});

test("an offer has its candidates, and audio though there is no microphone", async () => {
  const made = media([]);
  const sdp = await made.offer();
  assert.match(sdp, /^a=candidate:/m);
  assert.match(sdp, /^a=recvonly\r$/m);
  assert.equal(made.offering, true);
});

test("an answer brings the far side's sound, and the way's states", async () => {
  const made = await up();
  assert.deepEqual([made.offering, arrived.length, made.remoteStream], [false, 1, arrived[0]]);
  connections[0].way("connected");
  assert.deepEqual(states, ["connected"]);
});

test("an early answer may be another far side's than the last one, which takes a new offer", async () => {
  const made = media();
  await made.offer();
  assert.equal(await made.accept(ANSWER, { early: true }), true);
  assert.equal(made.pc.signalingState, "have-remote-pranswer");
  assert.equal(await made.accept(description({ type: "answer", side: "FB", ice: "fork" })), false);
  assert.deepEqual([made.pc.signalingState, made.pc.remoteDescription.sdp], ["stable", ANSWER]);
});

test("a browser without provisional answers takes an early one for the answer; the same one again is fine", async () => {
  const made = media();
  await made.offer();
  const set = made.pc.setRemoteDescription.bind(made.pc);
  made.pc.setRemoteDescription = async (given) => {
    if (given.type === "pranswer") throw new DOMException("pranswer", "NotSupportedError");
    return set(given);
  };
  assert.equal(await made.accept(ANSWER, { early: true }), true);
  assert.equal(made.pc.signalingState, "stable");
  assert.equal(await made.accept(ANSWER), true);
  assert.equal(await made.accept(description({ type: "answer", direction: "recvonly" })), false);
});

test("an offer that is taken back leaves all as it was", async () => {
  const made = await up();
  const { pc } = made;
  await made.offer({ iceRestart: true });
  await made.rollback();
  assert.deepEqual([made.pc, pc.signalingState, pc.remoteDescription.sdp], [pc, "stable", ANSWER]);
  await made.offer({ fresh: true });
  assert.notEqual(made.pc, pc);
  const fresh = made.pc;
  await made.rollback();
  assert.deepEqual([made.pc, pc.signalingState, fresh.signalingState], [pc, "stable", "closed"]);
});

test("a restart of ICE has new credentials and the same keys, a new connection has other keys", async () => {
  const made = await up();
  const read = (sdp) => ["ice-ufrag", "fingerprint"].map((name) => new RegExp(`^a=${name}:.*$`, "m").exec(sdp)[0]);
  const before = read(made.pc.localDescription.sdp);
  const restarted = read(await made.offer({ iceRestart: true }));
  assert.deepEqual([restarted[0] === before[0], restarted[1] === before[1]], [false, true]);
  await made.rollback();
  assert.notEqual(read(await made.offer({ fresh: true }))[1], before[1]);
});

test("an offer of the same far side keeps the connection, of another one takes a new one and ends the old", async () => {
  const made = await up();
  const { pc } = made;
  assert.match(await made.answer(description({ direction: "sendonly" })), /^a=recvonly\r$/m);
  assert.deepEqual([made.pc, made.isSilenced], [pc, true]);
  const other = description({ side: "FC" });
  assert.equal(made.isAnother(other), true);
  await made.answer(other);
  assert.notEqual(made.pc, pc);
  assert.equal(pc.signalingState, "closed");
});

test("what the browser cannot use is told with what is wrong with it", async () => {
  const made = media();
  await assert.rejects(made.answer(PLAIN), (error) => {
    assert.deepEqual([error.code, error.details.name], ["media_failed", "InvalidAccessError"]);
    assert.ok(
      error.details.lint.some(({ rule }) => rule === "profile"),
      JSON.stringify(error.details.lint),
    );
    return error.hint.startsWith("The far side's description cannot be used: ");
  });
});

test("another microphone takes the place of the one before, and its tracks are the owner's to stop", async () => {
  const made = await up();
  const [old] = made.tracks;
  const track = new FakeTrack();
  await made.replace(old, track);
  assert.deepEqual([made.audioSender.track, made.localStream.getTracks()], [track, [track]]);
  const { pc } = made;
  made.close();
  assert.deepEqual([made.pc, pc.signalingState, track.readyState], [null, "closed", "live"]);
});
