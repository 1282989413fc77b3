// What the extension knows without a browser.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { exactly } from "./texts.mjs";

const HOME = "../../src/wrtcgw/browser/extension/files/";
const { below, permissionsFor, tidyAddress } = await import(`${HOME}settings.js`);
const { dnOf, idleAnswer, isCommand } = await import(`${HOME}softphone.js`);
const { fill } = await import(`${HOME}texts.js`);

exactly(new URL(HOME, import.meta.url));

test("an address is taken as people have it", () => {
  assert.equal(tidyAddress(" wwe.example.com/ui/ad/v1/index.html?x=1#y "), "https://wwe.example.com/ui/ad/v1/");
  assert.equal(tidyAddress("http://127.0.0.1:8082"), "http://127.0.0.1:8082/");
  assert.equal(tidyAddress("https://phone.example.com/gw/"), "https://phone.example.com/gw/");
  for (const none of ["", "  ", "ftp://x/", "file:///etc/passwd", "https://", "https://user@x/", "two words"]) {
    assert.equal(tidyAddress(none), "", none);
  }
});

test("only the two sites are asked for", () => {
  const chosen = { gateway: "https://phone.example.com:8443/gw/", workspace: "https://wwe.example.com/ui/ad/v1/" };
  assert.deepEqual(permissionsFor(chosen).origins, ["https://phone.example.com:8443/*", "https://wwe.example.com/*"]);
  assert.deepEqual(permissionsFor({ gateway: "", workspace: "" }).origins, []);
  assert.equal(below(chosen.workspace), "https://wwe.example.com/ui/ad/v1/*");
});

test("without a phone the documented shapes say so", () => {
  const said = (name) => JSON.parse(idleAnswer(name).text);
  assert.deepEqual(said("GetDnSIP"), { get_DnSIPResult: "" });
  assert.deepEqual(said("GetIsEndpointActive"), { get_IsEndpointActiveResult: false });
  assert.deepEqual(said("Ping"), { PingResult: [] });
  for (const name of ["SetOptions", "SetSIPEndpointParameters", "SetPingPeriod"]) assert.deepEqual(said(name), {});
  assert.deepEqual(said("RegisterDn"), { RegisterDnResult: true });
  const [status] = said("GetSIPEndpointParameters").get_SIPEndpointParametersResult;
  assert.deepEqual(status, { Key: "EndpointStatus", Value: "EndpointStatus_NotReady" });
  assert.deepEqual(said("Mute"), { MuteResult: false });
});

test("a page asks for commands only, not with the agent's token for the rest of the gateway", () => {
  for (const name of ["GetDnSIP", "Ping", "SetVolume"]) assert.ok(isCommand(name), name);
  const others = ["", "../api/webrtc/message?id=x", "Ping?x", "..", "/api/ops/drain", "Ping\n", "//x", undefined];
  for (const none of [...others, ["Ping"]]) assert.equal(isCommand(none), false, String(none));
});

test("the DN of an order is found, and only when it is one", () => {
  assert.equal(dnOf('{"addresses":["192.0.2.81:5060"],"users":["5001"]}'), "5001");
  for (const none of ["", "{", "null", "{}", '{"users":[]}', '{"users":["1","2"]}', '{"users":"5001"}']) {
    assert.equal(dnOf(none), "", none);
  }
});

test("every text that a page or script names is there", () => {
  const home = new URL(HOME, import.meta.url);
  const texts = JSON.parse(readFileSync(new URL("texts/en.json", home), "utf8"));
  const files = readdirSync(home).filter((name) => /\.(js|html)$/.test(name));
  const code = files.map((name) => readFileSync(new URL(name, home), "utf8")).join("\n");
  const named = [...code.matchAll(/\btexts\.(\w+)\b(?!")|data-text="(\w+)"/g)].map(([, one, other]) => one ?? other);
  assert.ok(named.includes("otherDn") && named.includes("saveHint"), String(named));
  assert.deepEqual(
    named.filter((name) => !(name in texts)),
    [],
  );
});

test("a text has its names filled in", () => {
  assert.equal(fill("{a} and {b}", { a: "one" }), "one and {b}");
});
