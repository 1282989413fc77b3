// Offer and answer of one call: one at a time, ours before the far side's, and the way of the media when it breaks.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { PhoneError } from "../../src/wrtcgw/browser/grtc/errors.js";
import { Negotiation } from "../../src/wrtcgw/browser/grtc/negotiation.js";
import { FakeTrack, PLAIN, connections, description, holdTimers, install, settled } from "./fake_rtc.mjs";

const ANSWER = description({ type: "answer" });
const OFFER = description({ version: 2 });

let posted;
let failures; // of the gateway, for the next posts
let call;
let negotiation;
let heard;

class StandIn extends Emitter {
  id = "c";
  isOver = false;
  isUp = true;
  held = false;
  heldByPeer = false;
}

beforeEach(() => {
  install();
  [posted, failures, heard] = [[], [], []];
  call = new StandIn();
  const wire = {
    describe: async (message) => {
      posted.push(message);
      const failure = failures.shift();
      if (failure) throw failure;
      return { callId: "c" };
    },
  };
  negotiation = new Negotiation(call, wire);
  negotiation.media.use([new FakeTrack()], { iceServers: [] });
  call.on("error", (error) => heard.push(error.code));
});

afterEach(() => {
  call.isOver = true;
  negotiation.close();
});

const types = () => posted.map(({ messageType }) => messageType);
const pc = () => connections.at(-1);

async function established() {
  await negotiation.place("5002", []);
  await negotiation.answered(ANSWER, false);
  posted.length = 0;
}

test("a call is offered with its data, and is up with its answer", async () => {
  assert.deepEqual(await negotiation.place("5002", [{ key: "a", value: "b" }]), { callId: "c" });
  const [{ messageType, to, data, sdp }] = posted;
  assert.deepEqual([messageType, to, data], ["OFFER", "5002", [{ key: "a", value: "b" }]]);
  assert.equal(sdp, pc().localDescription.sdp);
  await negotiation.answered(ANSWER, true);
  assert.equal(pc().signalingState, "have-remote-pranswer");
  await negotiation.answered(ANSWER, false);
  assert.equal(pc().signalingState, "stable");
});

test("an answer of plain RTP, or without a common codec, is none", async () => {
  await negotiation.place("5002", []);
  await assert.rejects(negotiation.answered(PLAIN, false), { code: "no_webrtc" });
  await assert.rejects(
    negotiation.answered(
      description({ type: "answer", codecs: "8" })
        .replace(/^a=rtpmap:[^8].*\r\n/gm, "")
        .replace("SAVPF 8", "SAVPF 18"),
      false,
    ),
    { code: "no_common_codec" },
  );
});

test("a call that rings is answered; to one without an offer an offer is made", async () => {
  await negotiation.takeCall(OFFER, []);
  assert.deepEqual([types(), pc().signalingState], [["ANSWER"], "stable"]);
  const other = new Negotiation(call, negotiation.wire);
  await other.takeCall(null, []);
  assert.deepEqual([types(), pc().signalingState], [["ANSWER", "OFFER"], "have-local-offer"]);
  other.close();
});

test("glare: an offer of ours goes before the far side's, which comes again", async () => {
  await established();
  const renewed = negotiation.renew();
  await settled();
  await negotiation.offered(OFFER);
  assert.deepEqual([types(), pc().signalingState], [["OFFER"], "have-local-offer"]);
  await negotiation.answered(ANSWER, false);
  await renewed;
  await negotiation.offered(OFFER);
  assert.deepEqual([types(), pc().signalingState], [["OFFER", "ANSWER"], "stable"]);
});

test("glare that the far side refuses (491): taken back, and offered again after a while, four times at most", async (context) => {
  const clock = holdTimers(context);
  await established();
  const renewed = negotiation.renew();
  await settled();
  const glare = Object.assign(new PhoneError("call_failed"), { details: { cause: "glare" } });
  for (let tries = 1; tries < 4; tries += 1) {
    negotiation.refused(glare);
    await settled();
    assert.deepEqual([posted.length, pc().signalingState], [tries, "stable"]);
    await clock.pass(2_000);
    assert.deepEqual([posted.length, pc().signalingState], [tries + 1, "have-local-offer"]);
  }
  negotiation.refused(glare);
  await assert.rejects(renewed, { code: "call_failed" });
  assert.equal(pc().signalingState, "stable");
});

test("a refusal of our offer leaves the media as they were", async () => {
  await established();
  const renewed = negotiation.renew({ fresh: true });
  await settled();
  assert.equal(connections.length, 2);
  negotiation.refused(new PhoneError("call_failed", { sipCode: 488 }));
  await assert.rejects(renewed, { code: "call_failed", sipCode: 488 });
  assert.equal(negotiation.media.pc, connections[0]);
  assert.deepEqual(
    connections.map(({ signalingState }) => signalingState),
    ["stable", "closed"],
  );
});

test("while the call is on hold nothing is offered; what had to be is made up for", async () => {
  await established();
  call.held = true;
  await negotiation.renew({ iceRestart: true });
  await settled();
  assert.deepEqual(types(), []);
  call.held = false;
  negotiation.resumed();
  await settled();
  assert.deepEqual(types(), ["OFFER"]);
});

test("one offer at a time: a second one waits for the first one's answer", async () => {
  await established();
  const first = negotiation.renew();
  const second = negotiation.renew({ iceRestart: true });
  await settled();
  assert.deepEqual(types(), ["OFFER"]);
  await negotiation.answered(ANSWER, false);
  await Promise.all([first, second]);
  await settled();
  assert.deepEqual(types(), ["OFFER", "OFFER"]);
});

test("an answer whose response is lost is posted again, and the gateway may have it already", async (context) => {
  const clock = holdTimers(context);
  const known = new PhoneError("wrong_state", { state: "established" });
  failures.push(new PhoneError("gateway_unreachable"), known);
  const taken = negotiation.takeCall(OFFER, []);
  await settled();
  assert.deepEqual(types(), ["ANSWER"]);
  await clock.pass(1_000);
  await taken;
  assert.deepEqual(types(), ["ANSWER", "ANSWER"]);
});

test("an offer that was withdrawn meanwhile is followed by one of ours", async () => {
  await established();
  failures.push(new PhoneError("wrong_state"));
  await negotiation.offered(OFFER);
  await settled();
  assert.deepEqual(types(), ["ANSWER", "OFFER"]);
});

test("a far side that wants an offer gets one of a new connection", async () => {
  await established();
  await negotiation.offered(null);
  await settled();
  assert.deepEqual([types(), connections.length], [["OFFER"], 2]);
});

test("a way that is interrupted for 2.5 s gets another one; for less it does not", async (context) => {
  const clock = holdTimers(context);
  await established();
  pc().way("connected");
  pc().way("disconnected");
  await clock.pass(2_000);
  pc().way("connected");
  await clock.pass(5_000);
  assert.deepEqual(types(), []);
  const ufrag = () => /ice-ufrag:(.*)/.exec(pc().localDescription.sdp)[1];
  const before = ufrag();
  pc().way("disconnected");
  await clock.pass(2_500);
  assert.deepEqual([types(), ufrag() === before, heard], [["OFFER"], false, []]);
});

test("a way that has failed is told, and another one is looked for at once", async (context) => {
  const clock = holdTimers(context);
  await established();
  pc().way("failed");
  await clock.pass(0);
  assert.deepEqual([types(), heard], [["OFFER"], ["media_failed"]]);
});

test("the end of the call ends what is under way", async () => {
  await established();
  const renewed = negotiation.renew();
  await settled();
  call.isOver = true;
  negotiation.close();
  await assert.rejects(renewed, { code: "call_ended" });
  assert.equal(connections[0].signalingState, "closed");
  await assert.rejects(negotiation.renew(), { code: "call_ended" });
});
