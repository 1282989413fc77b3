// The library as one script: it loads without a browser's help, and has what the modules have.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

import { Grtc } from "../../src/wrtcgw/browser/grtc/main.js";

const SCRIPT = process.env.WRTCGW_JOINED;

function load(surroundings) {
  const context = createContext({ URL, console, ...surroundings });
  runInContext(readFileSync(SCRIPT, "utf8"), context);
  return context;
}

test("it offers the same names, and leaves nothing else behind", { skip: !SCRIPT }, () => {
  const context = load({});
  assert.deepEqual(Object.keys(context.Grtc).sort(), Object.keys(Grtc).sort());
  assert.deepEqual(Object.keys(context).sort(), ["Grtc", "URL", "console"]);
});

test("the gateway is where the script came from", { skip: !SCRIPT }, () => {
  const { Grtc: joined } = load({ document: { currentScript: { src: "https://gw.example.com/base/grtc.js?v=1" } } });
  assert.equal(new joined.Phone().options.gateway, "https://gw.example.com/base/");
});
