// What a page learns of a call from the gateway's messages, and how failures are told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Call } from "../../src/wrtcgw/browser/grtc/call.js";
import { PhoneError, during } from "../../src/wrtcgw/browser/grtc/errors.js";
import { factsOf } from "../../src/wrtcgw/browser/grtc/facts.js";
import { Servers } from "../../src/wrtcgw/browser/grtc/servers.js";

const OFFER = {
  from: "+4930123456",
  displayName: "Jane",
  called: "+49800555",
  verstat: "TN-Validation-Passed",
  uuid: "U1",
  diversion: [{ number: "+49800555", reason: "unconditional" }],
  headers: { "Alert-Info": "<http://x>;info=external" },
};

// A call that rings, at a phone that only notes what it is told.
function ringing(message = OFFER, order = async () => {}) {
  const told = [];
  const phone = {
    options: {},
    wire: { id: "a", order },
    configuration: async () => ({}),
    giveBack() {},
    remember() {},
    emit: (name) => told.push(name),
    over: () => told.push("over"),
  };
  const call = new Call(phone, {
    ...factsOf(message),
    id: "c",
    direction: "inbound",
    peer: message.from,
    offer: "v=0",
  });
  return { call, told };
}

test("a call has who calls, whom, over whom, and the header fields that were asked for", () => {
  const { call } = ringing();
  assert.deepEqual(
    [call.peer, call.displayName, call.called, call.verstat, call.diversion, call.headers, call.anonymous, call.uuid],
    [OFFER.from, "Jane", OFFER.called, OFFER.verstat, OFFER.diversion, OFFER.headers, false, "U1"],
  );
});

test("what the gateway does not tell is empty, and not missing", () => {
  const { call } = ringing({ from: "1003" });
  assert.deepEqual(
    [
      call.displayName,
      call.called,
      call.verstat,
      call.diversion,
      call.headers,
      call.data,
      call.autoAnswer,
      call.warnings,
    ],
    ["", "", "", [], {}, [], null, []],
  );
});

test("who wants not to be known is anonymous", () => {
  const { call } = ringing({ from: "anonymous", displayName: "Anonymous" });
  assert.equal(call.anonymous, true);
});

test("another far side is told, and the call has it", () => {
  const { call, told } = ringing();
  const heard = [];
  call.on("identity", (who) => heard.push(who));
  call.take({ messageType: "IDENTITY", from: "122", displayName: "Phone22" });
  assert.deepEqual([call.peer, call.displayName, heard], ["122", "Phone22", [{ peer: "122", displayName: "Phone22" }]]);
  assert.ok(told.includes("call"));
  call.take({ messageType: "IDENTITY", displayName: "Only a name" });
  assert.deepEqual([call.peer, call.displayName], ["122", "Only a name"]);
  call.take({ messageType: "IDENTITY", from: "anonymous" });
  assert.deepEqual([call.anonymous, call.displayName], [true, ""]);
});

test("an end has the texts of Warning and Reason; so has a refusal inside the call", () => {
  const { call } = ringing();
  const errors = [];
  call.on("error", (error) => errors.push(error));
  const words = { sipCode: 488, warning: "Incompatible media format", sipReason: "Call rejected" };
  call.take({ messageType: "ERROR", ...words, cause: "not-acceptable", hint: "no" });
  assert.deepEqual(
    [errors[0].code, errors[0].warning, errors[0].sipReason],
    ["call_failed", words.warning, words.sipReason],
  );
  call.take({ messageType: "SHUTDOWN", ...words, cause: "not-acceptable", hint: "no" });
  assert.deepEqual([call.ended.warning, call.ended.sipReason], [words.warning, words.sipReason]);
  const { call: other } = ringing();
  other.take({ messageType: "SHUTDOWN", cause: "remote" });
  assert.deepEqual([other.ended.warning, other.ended.sipReason, other.ended.missed], ["", "", true]);
});

test("a call of plain RTP is refused with 488 before anything is asked for", async () => {
  const orders = [];
  const { call } = ringing();
  const plain = "v=0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n";
  const phone = {
    options: {},
    wire: {},
    emit() {},
    over() {},
    giveBack() {},
    tracks: () => assert.fail("the microphone"),
    configuration: () => assert.fail("the servers"),
    endAtGateway: async (...order) => orders.push(order),
  };
  const wrong = new Call(phone, { id: "c", direction: "inbound", peer: "1", offer: plain });
  await assert.rejects(wrong.answer(), (error) => {
    assert.deepEqual([error.code, error.action, error.call, error.call.isOver], ["no_webrtc", "answer", wrong, true]);
    return /RTP\/AVP, no DTLS fingerprint/.test(error.hint);
  });
  assert.deepEqual(orders, [["reject", "c", { code: 488 }]]);
  assert.deepEqual([wrong.ended.cause, wrong.ended.missed, call.state], ["no_webrtc", false, "incoming"]);
});

test("an order that does not reach the gateway says what was not done; other errors keep their words", async () => {
  const failing = (error) => async () => {
    throw error;
  };
  for (const [action, words] of [
    ["hold", /not put on hold/],
    ["resume", /still on hold/],
    ["sendInfo", /data were not sent/],
  ]) {
    const { call } = ringing(OFFER, failing(new PhoneError("gateway_unreachable")));
    call.state = "established";
    await assert.rejects(
      call[action]("x"),
      (error) =>
        error.code === "gateway_unreachable" &&
        words.test(error.hint) &&
        error.message === error.hint &&
        !/trying|tries/.test(error.hint),
    );
  }
  const told = during("hold", new PhoneError("wrong_state", { hint: "not now" }));
  assert.deepEqual([told.hint, told.action], ["not now", "hold"]);
});

test("a number is asked about once, and the answer serves its call; a no is thrown, a silence is not", async () => {
  const asked = [];
  const answers = [{ iceServers: ["one"] }, { iceServers: ["two"] }];
  const wire = { id: "a", ask: async (method, path, { query }) => (asked.push(query), answers.shift()) };
  const servers = new Servers(wire, { iceServers: "gateway" });
  await servers.check("1003");
  assert.deepEqual((await servers.configuration()).iceServers, ["one"]);
  assert.deepEqual((await servers.configuration()).iceServers, ["two"]);
  assert.deepEqual(asked, [{ id: "a", to: "1003" }, { id: "a" }]);
  const saying = (error) =>
    new Servers(
      {
        id: "a",
        ask: async () => {
          throw error;
        },
      },
      { iceServers: [] },
    );
  await assert.rejects(saying(new PhoneError("destination_forbidden", { status: 403 })).check("0900"));
  await assert.rejects(saying(new PhoneError("bad_input", { status: 400 })).check("x y"));
  await saying(new PhoneError("gateway_unreachable")).check("1003");
  await saying(new PhoneError("not_found", { status: 404 })).check("1003");
});
