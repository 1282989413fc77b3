// The lint of session descriptions: each rule finds what it is for, and a good description passes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { lint, whyNotWebRTC } from "../../src/wrtcgw/browser/grtc/lint.js";
import { changedOffers } from "./refusals.mjs";
import { codecs, haveCommonCodec, parse, refusesAudio, takesDigits } from "../../src/wrtcgw/browser/grtc/sdp.js";

const read = (name) => readFileSync(new URL(`../data/sdp/${name}.sdp`, import.meta.url), "utf8");
const OFFER = read("chromium-gathered");
const ANSWER = read("asterisk-answer");
const rules = (sdp, context) => lint(sdp, context).map(({ rule }) => rule);
const without = (sdp, pattern) =>
  sdp
    .split(/\r?\n/)
    .filter((line) => !pattern.test(line))
    .join("\r\n");

const PUBLIC = ANSWER.replace(/(a=candidate:\S+ \d udp \d+ )\S+/gi, "$1198.51.100.7");

test("an answer of Asterisk passes, but for what it really leaves out", () => {
  assert.deepEqual(rules(PUBLIC, { local: OFFER, type: "answer" }), []);
});

const BROKEN = {
  "rtcp-mux": without(PUBLIC, /^a=rtcp-mux/),
  mid: without(PUBLIC, /^a=mid/),
  "ice-ufrag": without(PUBLIC, /^a=ice-(ufrag|pwd)/),
  fingerprint: without(PUBLIC, /^a=fingerprint/),
  setup: without(PUBLIC, /^a=setup/),
  msid: without(PUBLIC, /^a=(msid|ssrc)/),
  direction: without(PUBLIC, /^a=(sendrecv|sendonly|recvonly|inactive)/),
  candidates: without(PUBLIC, /^a=candidate/),
  "telephone-event": without(PUBLIC, /telephone-event/),
  profile: PUBLIC.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
  codec: without(PUBLIC, /^a=(rtpmap|fmtp)/)
    .replace(/(m=audio \d+ \S+).*/, "$1 120")
    .concat("a=rtpmap:120 speex/16000\r\n"),
  "m-line": PUBLIC.replace("m=audio", "m=video"),
  "private-candidates": PUBLIC.replaceAll("198.51.100.7", "192.168.7.9"),
};

for (const [rule, sdp] of Object.entries(BROKEN)) {
  test(`${rule} is missed, and said in words`, () => {
    const found = lint(sdp, { local: OFFER, type: "answer" }).find((each) => each.rule === rule);
    assert.ok(found, `only ${rules(sdp, { local: OFFER, type: "answer" })}`);
    assert.ok(found.text.length > 20);
  });
}

const ONE = OFFER.replace(/\r?\n/g, "\r\n");
const TWO = ONE.replace(/a=group.*/, "a=group:BUNDLE 0 1").concat(
  ONE.slice(ONE.indexOf("m=audio"))
    .replace("m=audio", "m=video")
    .replace(/a=mid:.*/, "a=mid:1"),
);
const REFUSING = ["bundle", "mid", "setup", "rtcp-mux", "fingerprint", "ice-ufrag", "profile"];

for (const [name, sdp, refused, rule] of changedOffers(ONE, TWO)) {
  test(`an offer that Chromium ${refused ? "refuses" : "takes"}: ${name}`, () => {
    const found = lint(sdp).filter(
      (each) => REFUSING.includes(each.rule) && !each.text.includes("name sections by it"),
    );
    if (!refused) assert.deepEqual(found, []);
    else
      assert.ok(
        found.some((each) => each.rule === rule && each.text.length > 20),
        JSON.stringify(found),
      );
  });
}

test("an answer keeps the offer's names, by their order where it has none", () => {
  const context = { local: OFFER, type: "answer" };
  assert.ok(!rules(without(PUBLIC, /^a=mid/).concat("a=group:BUNDLE 0\r\n"), context).includes("bundle"));
  const renamed = PUBLIC.replace(/a=mid:.*/, "a=mid:audio").replace(/BUNDLE .*/, "BUNDLE audio");
  assert.ok(lint(renamed, context).some(({ rule, text }) => rule === "mid" && text.includes("keep the name")));
  assert.ok(rules(PUBLIC.replace(/a=setup:.*/, "a=setup:holdconn"), context).includes("setup"));
});

test("blanks at the ends of lines change nothing", () => {
  const blanks = PUBLIC.replace(/\r\n/g, " \t\r\n");
  assert.deepEqual(rules(blanks, { local: OFFER, type: "answer" }), []);
  assert.equal(whyNotWebRTC(blanks), "");
});

test("plain RTP is none of WebRTC, whatever its profile; one medium with a key is enough", () => {
  assert.match(
    whyNotWebRTC(without(PUBLIC, /^a=fingerprint/).replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")),
    /^RTP\/AVP, no DTLS/,
  );
  assert.match(whyNotWebRTC(without(PUBLIC, /^a=fingerprint/).replace("UDP/TLS/RTP/SAVPF", "RTP/SAVP")), /^RTP\/SAVP,/);
  assert.equal(whyNotWebRTC(`${PUBLIC}m=video 5000 RTP/AVP 96\r\n`), "");
  const above = without(PUBLIC, /^a=fingerprint/).replace("t=0 0", "t=0 0\r\na=fingerprint:sha-256 AA:BB");
  assert.equal(whyNotWebRTC(above), "");
  assert.equal(whyNotWebRTC("v=0\r\n"), "");
});

test("every rule says the same of LF line ends", () => {
  for (const sdp of Object.values(BROKEN)) assert.deepEqual(rules(sdp.replaceAll("\r\n", "\n")), rules(sdp));
});

test("a candidate or an address of 0.0.0.0 leads nowhere", () => {
  assert.ok(rules(PUBLIC.replaceAll("198.51.100.7", "0.0.0.0")).includes("candidates"));
  assert.ok(rules(BROKEN.candidates.replace(/^c=.*/m, "c=IN IP4 0.0.0.0")).includes("address"));
});

test("an answer has to choose its part in DTLS, an offer has not", () => {
  const undecided = PUBLIC.replace(/a=setup:\w+/, "a=setup:actpass");
  assert.ok(rules(undecided, { type: "answer" }).includes("setup"));
  assert.ok(!rules(undecided, { type: "offer" }).includes("setup"));
});

test("an answer with another number of sections, and one with none, is told", () => {
  assert.ok(rules(PUBLIC, { local: read("chromium-video"), type: "answer" }).includes("m-line"));
  assert.deepEqual(rules("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"), ["m-line"]);
});

test("nothing is asked of a refused section, and a silent one needs no stream", () => {
  assert.deepEqual(rules(PUBLIC.replace(/m=audio \d+/, "m=audio 0")), []);
  assert.ok(!rules(BROKEN.msid.replace("a=sendrecv", "a=recvonly")).includes("msid"));
});

test("plain RTP lacks nearly everything", () => {
  const found = rules(read("plain-rtp"));
  for (const rule of ["profile", "mid", "ice-ufrag", "msid", "candidates"]) assert.ok(found.includes(rule), rule);
  assert.ok(!found.includes("fingerprint"), "DTLS is not asked of plain RTP");
});

test("codecs are known by name, and static ones without a line", () => {
  const media = parse(
    "v=0\nm=audio 9 RTP/AVP 0 8 96 101\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\n",
  ).media[0];
  assert.deepEqual(codecs(media), ["pcmu/8000", "pcma/8000", "opus/48000", "telephone-event/8000"]);
});

test("what two sides have in common does not count digits and comfort noise", () => {
  assert.ok(haveCommonCodec(OFFER, PUBLIC));
  assert.ok(!haveCommonCodec(OFFER, BROKEN.codec));
  const digitsOnly = "v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 110\na=rtpmap:110 telephone-event/48000\n";
  assert.ok(!haveCommonCodec(OFFER, digitsOnly));
  assert.ok(takesDigits(digitsOnly) && !takesDigits(BROKEN["telephone-event"]));
  assert.ok(refusesAudio(PUBLIC.replace(/m=audio \d+/, "m=audio 0")) && !refusesAudio(PUBLIC));
});
