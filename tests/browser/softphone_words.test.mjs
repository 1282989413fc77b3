// The softphone's words: every error that an agent can meet has some, in each language, and none is a developer's.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES, Texts } from "../../src/wrtcgw/browser/softphone/texts.js";
import { noticeWords } from "../../src/wrtcgw/browser/softphone/views/notices.js";
import {
  attestationOf,
  diversionKey,
  ending,
  farewell,
  isWrongNumber,
  tidy,
  nameOf,
  stateKey,
  whyKey,
} from "../../src/wrtcgw/browser/softphone/words.js";

const SRC = new URL("../../src/wrtcgw/", import.meta.url);
const read = (name) => readFileSync(new URL(name, SRC), "utf-8");
const textsOf = (language) => new Texts(language, JSON.parse(read(`browser/softphone/texts/${language}.json`)));
const all = Object.keys(LANGUAGES).map(textsOf);
const call = { peer: "5002", direction: "inbound", answeredAt: 1 };
const DEVELOPERS = "to: expected a number, a user name, or a SIP URI of an allowed domain, found 'abc def'";

// what only programs meet that control agents from outside
const OF_APPLICATIONS = [
  "application_token_required",
  "control_required",
  "key_in_use",
  "key_of_another",
  "too_many_requests",
  "too_many_streams",
];

function gatewayCodes() {
  const found = [...read("web/errors.py").matchAll(/\bRow\(\s*\d+,\s*"([a-z_]+)"/g)].map(([, code]) => code);
  for (const code of OF_APPLICATIONS) assert.ok(found.includes(code), code);
  return found.filter((code) => !OF_APPLICATIONS.includes(code));
}

function libraryCodes() {
  const found = new Set();
  for (const folder of ["grtc", "gadget"]) {
    const home = new URL(`browser/${folder}/`, SRC);
    for (const name of readdirSync(home).filter((each) => each.endsWith(".js"))) {
      const source = readFileSync(new URL(name, home), "utf-8");
      for (const [, code] of source.matchAll(/new PhoneError\(\s*"([a-z_]+)"/g)) found.add(code);
      const [, hints = ""] = /const HINTS = \{\n(.*?)\n\};/s.exec(source) ?? [];
      if (name === "errors.js") for (const [, code] of hints.matchAll(/^ {2}([a-z_]+): "/gm)) found.add(code);
      for (const [, code] of source.matchAll(/Error: "([a-z_]+)"/g)) found.add(code);
    }
  }
  return [...found];
}

function causes() {
  return [
    ...read("gateway/sip_causes.py").matchAll(
      /^ +(?:\d+: )?\(?"([a-z-]+)",|Ending\("([a-z-]+)"|_UNKNOWN = \("([a-z]+)"/gm,
    ),
  ]
    .map((found) => found.slice(1).find(Boolean))
    .concat([...read("gateway/sip_causes.py").matchAll(/\d+: \("([a-z-]+)"/g)].map(([, cause]) => cause));
}

const gatewayCauses = new Set(causes());
const codes = [...new Set([...gatewayCodes(), "internal_error", ...libraryCodes()])];

test("the codes are found where they are made", () => {
  assert.ok(gatewayCodes().length >= 24);
  for (const code of [
    "bad_input",
    "draining",
    "no_webrtc",
    "microphone_refused",
    "gateway_unreachable",
    "unknown_command",
  ]) {
    assert.ok(codes.includes(code), code);
  }
  assert.ok(causes().includes("loop") && causes().includes("busy") && causes().includes("failed"));
});

for (const texts of all) {
  test(`every code of gateway and library has words in ${texts.language}, none of them a developer's`, () => {
    for (const code of [...codes, "never_heard_of"]) {
      for (const doing of [
        "",
        "dial",
        "hold",
        "resume",
        "transfer",
        "consult",
        "dtmf",
        "answer",
        "reject",
        "mute",
        "sign_in",
      ]) {
        const about = { kind: "error", code, doing, params: { hint: DEVELOPERS }, call: doing && call, to: "1005" };
        const { title, todo, small } = noticeWords(texts, about);
        const said = `${title} ${todo} ${small}`;
        assert.ok(!said.includes("expected"), said);
        assert.ok(!/\{\w+\}/.test(said), `${code} ${doing}: ${said}`);
        assert.ok(title.length > 5, code);
        assert.equal(small.includes(code), code === "never_heard_of" || title === texts.t("error.page.title"), code);
      }
    }
  });

  test(`every end of a call has words in ${texts.language}, none of them a developer's`, () => {
    for (const cause of [
      ...new Set([...causes(), ...codes, "page-lost", "order-expired", "operator", "signed-out", "lost", "strange"]),
    ]) {
      for (const direction of ["inbound", "outbound"]) {
        for (const answeredAt of [null, 1]) {
          const ended = { cause, sipCode: 0, reason: DEVELOPERS, hint: DEVELOPERS, missed: false };
          const { key, params, code } = ending({ ...call, direction, answeredAt, ended }, texts);
          const said = [`${key}.title`, `${key}.todo`].map((each) => (texts.has(each) ? texts.t(each, params) : ""));
          assert.ok(said[0], cause);
          assert.ok(key !== "ended.failed" || !gatewayCauses.has(cause) || cause === "failed", cause);
          assert.ok(!said.join(" ").includes("expected") && !/\{\w+\}/.test(said.join("")), `${cause}: ${said}`);
          assert.equal(code, key === "ended.failed" ? cause : "", cause);
        }
      }
    }
  });
}

test("an action that did not reach the gateway says which one, and promises nothing", () => {
  const title = (texts, doing) => noticeWords(texts, { kind: "error", code: "gateway_unreachable", doing }).title;
  for (const texts of all) {
    const titles = ["hold", "resume", "transfer", "consult", "answer", "dial", "dtmf", "sign_in", ""].map((doing) =>
      title(texts, doing),
    );
    assert.equal(new Set(titles).size, titles.length);
  }
  for (const [key, text] of Object.entries(all[0].messages)) assert.ok(!text.includes("goes on trying"), key);
});

test("a failed transfer says who is busy, and with whom one still talks", () => {
  const about = { kind: "error", code: "transfer_failed", sipCode: 486, doing: "transfer", call, to: "1005" };
  assert.equal(noticeWords(all[0], about).title, "Transfer failed. You are still connected to 5002:");
  assert.equal(noticeWords(all[0], about).todo, "1005 is busy.");
  assert.equal(noticeWords(all[1], about).todo, "1005 ist besetzt.");
});

test("too many tries: the time is the gateway's", () => {
  const about = (retryAfter) => ({ kind: "error", code: "too_many_tries", doing: "sign_in", params: { retryAfter } });
  assert.equal(noticeWords(all[0], about(7)).todo, "Wait 7 seconds, then try again.");
  assert.equal(noticeWords(all[1], about(1)).todo, "Warten Sie 1 Sekunde und versuchen Sie es wieder.");
  assert.equal(noticeWords(all[0], about(0)).todo, "Wait a minute, then try again.");
});

test("a refused request names its SIP code in small print", () => {
  const { title, small } = noticeWords(all[0], {
    kind: "error",
    code: "request_refused",
    sipCode: 488,
    doing: "hold",
    call,
  });
  assert.deepEqual([title, small], ["The phone system refused:", "SIP 488"]);
});

test("who ended a call, and where it went", () => {
  const told = (fields, to = "", texts = all[0]) => {
    const about = { ...call, ended: { cause: "local", sipCode: 0, missed: false }, ...fields };
    const { key, params } = ending(about, texts, to);
    return texts.t(`${key}.title`, params);
  };
  assert.equal(told({ answeredAt: null }), "You rejected 5002.");
  assert.equal(told({ answeredAt: null }, "", all[1]), "Sie haben 5002 abgelehnt.");
  assert.equal(told({ answeredAt: null, direction: "outbound" }), "You hung up before 5002 answered.");
  assert.equal(told({}), "Call with 5002 ended.");
  assert.equal(told({ ended: { cause: "transferred", sipCode: 0 } }, "5003"), "5002 was transferred to 5003.");
  assert.equal(told({ ended: { cause: "transferred", sipCode: 0 } }), "5002 was transferred.");
  const { code } = ending({ ...call, ended: { cause: "failed", sipCode: 499 } }, all[0]);
  assert.equal(code, "failed, SIP 499");
});

test("the state of a call says that it is muted, and that its microphone is silent", () => {
  const up = { state: "established", held: false, heldByPeer: false, muted: false };
  assert.equal(stateKey({ ...up, muted: true }, true), "state.muted");
  assert.equal(stateKey(up, true), "state.mic_silent");
  assert.equal(stateKey({ ...up, held: true, muted: true }, true), "state.held");
});

test("the history tells why a call did not come about", () => {
  const why = (cause, code = 0) => whyKey({ cause, code }, all[0]);
  assert.deepEqual(
    [why("busy"), why("not-found"), why("unavailable")],
    ["why.busy", "why.not-found", "why.unavailable"],
  );
  assert.deepEqual(
    [why("refused", 486), why("gateway_unreachable"), why("bad_input")],
    ["why.busy", "why.network", "why.not-found"],
  );
  assert.deepEqual([why("strange", 500), why("strange"), why()], ["why.system", "", ""]);
});

test("numbers to put right are told from numbers to call again", () => {
  const wrong = (cause, sipCode = 0) => isWrongNumber({ cause, sipCode });
  assert.deepEqual([wrong("not-found", 404), wrong("refused", 484), wrong("bad_input")], [true, true, true]);
  assert.deepEqual(
    [wrong("busy", 486), wrong("unavailable", 480), wrong("gateway_unreachable")],
    [false, false, false],
  );
});

test("callers without a number have a name in each language", () => {
  assert.equal(nameOf({ displayName: "Anonymous", peer: "anonymous" }, all[0]), "Anonymous caller");
  assert.equal(nameOf({ displayName: "", peer: "" }, all[1]), "Anonymer Anrufer");
  assert.equal(nameOf({ displayName: "Ada", peer: "" }, all[0]), "Ada");
});

test("diversions and attestations are read as the standards write them", () => {
  assert.equal(diversionKey("user-busy"), "diversion.busy");
  assert.equal(diversionKey("486"), "diversion.busy");
  assert.equal(diversionKey("follow-me"), "");
  assert.equal(diversionKey(undefined), "");
  for (const key of ["user-busy", "no-answer", "unconditional", "deflection", "unavailable", 404]) {
    assert.ok(all[0].has(diversionKey(key)), key);
  }
  assert.equal(attestationOf("TN-Validation-Passed-A"), "verified");
  assert.equal(attestationOf("TN-Validation-Failed"), "suspect");
  assert.deepEqual([attestationOf("No-TN-Validation"), attestationOf(undefined)], ["", ""]);
});

test("why one was signed out is told in the page's words, whatever the gateway said", () => {
  for (const [, reason] of read("gateway/disconnect_reasons.py").matchAll(/Farewell\(\s*"([^"]+)"/g)) {
    assert.notEqual(farewell({ reason })?.code, "signed_out_by", reason);
  }
  assert.equal(farewell({ reason: "signed out" }), null);
  assert.deepEqual(farewell({ reason: "signed out by an operator" }), { code: "by_operator" });
  assert.deepEqual(farewell({ reason: DEVELOPERS }), { code: "signed_out_by" });
  assert.deepEqual(farewell({ reason: DEVELOPERS, code: "not_signed_in" }), { code: "not_signed_in" });
  for (const texts of all) {
    for (const code of [
      "other_page",
      "by_operator",
      "session_over",
      "page_lost",
      "stopping",
      "other_dn",
      "signed_out_by",
    ]) {
      const { title, todo } = noticeWords(texts, { kind: "info", code, params: { hint: DEVELOPERS } });
      assert.ok(texts.has(`notice.${code}.title`) && !todo.includes("expected") && title, code);
    }
  }
});

test("a number with (0) goes to the gateway as it is written; other marks are taken out", () => {
  for (const [written, sent] of [
    ["+49 (0)30 123", "+49 (0)30 123"],
    ["tel:+1-201-555-0123", "+12015550123"],
    ["0800 1234", "08001234"],
    ["john.doe", "john.doe"],
    ["#21#", "#21#"],
  ])
    assert.equal(tidy(written), sent);
});
