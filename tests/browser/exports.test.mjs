// What the types promise is there: in /grtc/index.js, in each module that has types beside it, and in the one script.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

import * as index from "../../src/wrtcgw/browser/grtc/index.js";
import { Grtc } from "../../src/wrtcgw/browser/grtc/main.js";

const HOME = new URL("../../src/wrtcgw/browser/", import.meta.url);
const SCRIPT = process.env.WRTCGW_JOINED;
const TYPES = readFileSync(new URL("grtc.d.ts", HOME), "utf8");
const PROMISED = [
  ...TYPES.matchAll(/^export (?:declare )?(?:abstract )?(?:class|function|const|let|enum) (\w+)/gm),
].map(([, name]) => name);
const LIBRARY = /export interface Library \{\n(.*?)\n\}/s.exec(TYPES)[1];
const MODULES = readdirSync(new URL("grtc/", HOME)).filter((name) => name.endsWith(".d.ts"));

test("index.js exports all that the types promise, and nothing else", () => {
  assert.ok(PROMISED.includes("PhoneError") && PROMISED.includes("lint"), String(PROMISED));
  assert.deepEqual(Object.keys(index).sort(), [...PROMISED].sort());
});

test("the one script has all of it too, and what its own type promises", () => {
  const promised = [...LIBRARY.matchAll(/^ {2}(\w+)[:(]/gm)].map(([, name]) => name);
  assert.ok(promised.includes("LOG_LEVEL_NONE"));
  assert.deepEqual(
    promised.filter((name) => !(name in Grtc)),
    [],
  );
  assert.deepEqual(
    PROMISED.filter((name) => Grtc[name] !== index[name]),
    [],
  );
  assert.deepEqual(
    PROMISED.filter((name) => !promised.includes(name)),
    [],
  );
  assert.deepEqual(
    Object.keys(Grtc).filter((name) => !promised.includes(name)),
    [],
  );
});

test("so has the script that pages get", { skip: !SCRIPT }, () => {
  const context = createContext({ URL, console });
  runInContext(readFileSync(SCRIPT, "utf8"), context);
  assert.deepEqual(
    PROMISED.filter((name) => !(name in context.Grtc)),
    [],
  );
});

test("types stand beside the modules that pages import", () => {
  for (const name of ["index", "phone", "call", "errors", "lint", "main"])
    assert.ok(MODULES.includes(`${name}.d.ts`), name);
});

for (const name of MODULES) {
  test(`${name} promises what its module exports`, async () => {
    const text = readFileSync(new URL(`grtc/${name}`, HOME), "utf8");
    const path = `grtc/${name.replace(".d.ts", ".js")}`;
    assert.ok(existsSync(new URL(path, HOME)));
    const exported = await import(new URL(path, HOME));
    const named = [...text.matchAll(/^export (?:\{ (\w+) \}|const (\w+))/gm)].map(([, one, other]) => one ?? other);
    assert.ok(named.length > 0 || /^export \* from/m.test(text));
    assert.deepEqual(
      named.filter((each) => exported[each] === undefined),
      [],
    );
  });
}
