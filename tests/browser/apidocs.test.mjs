// The page that shows the API: what it makes of an OpenAPI document, and its texts.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { exactly } from "./texts.mjs";
import { fieldsOf, fits, operationsOf, typeOf } from "../../src/wrtcgw/browser/api/docs/model.js";

const HOME = new URL("../../src/wrtcgw/browser/api/docs/", import.meta.url);
const english = JSON.parse(readFileSync(new URL("texts/en.json", HOME), "utf8"));
const code = readdirSync(HOME)
  .filter((name) => name.endsWith(".js"))
  .map((name) => readFileSync(new URL(name, HOME), "utf8"))
  .join("\n");

const SPEC = {
  tags: [{ name: "Calls", description: "" }],
  paths: {
    "/api/hold": {
      post: {
        operationId: "hold",
        tags: ["Calls"],
        summary: "Put a call on hold",
        parameters: [
          { name: "id", in: "query", required: true, schema: { type: "string" }, example: "a b" },
          { name: "call", in: "query", schema: { type: "string" } },
        ],
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Wish" } } } },
        responses: {
          200: {
            description: "Done.",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Done" } } },
          },
          404: {
            description: "No.",
            content: {
              "application/json": {
                schema: { $ref: "#/components/schemas/Error" },
                examples: { unknown_call: { $ref: "#/components/examples/unknown_call" } },
              },
            },
          },
        },
        security: [{ session: [] }, {}],
      },
    },
  },
  components: {
    examples: { unknown_call: { value: { code: "unknown_call" } } },
    schemas: {
      Wish: {
        type: "object",
        required: ["to"],
        properties: { to: { type: "string" }, at: { type: ["number", "null"] } },
      },
      Done: { type: "object", properties: {} },
      Error: { type: "object", properties: {} },
    },
  },
};

exactly(HOME);

test("every text that a module names is there, and none is there in vain", () => {
  const named = new Set([...code.matchAll(/\bt\(\s*"([\w.-]+)"/g)].map(([, key]) => key));
  const computed = ["session", "operator", "application"];
  assert.deepEqual([...named, ...computed].sort(), Object.keys(english).sort());
});

test("an operation is shown with its fields, body, answers, errors and a command", () => {
  const [one, ...others] = operationsOf(SPEC, "http://gateway/");
  assert.deepEqual(others, []);
  assert.deepEqual([one.method, one.path, one.tag, one.who], ["POST", "/api/hold", "Calls", "session"]);
  assert.deepEqual(
    one.fields.map(({ name, required }) => [name, required]),
    [
      ["id", true],
      ["call", false],
    ],
  );
  assert.deepEqual(
    one.bodies[0].fields.map(({ name, type, required }) => [name, type, required]),
    [
      ["to", "string", true],
      ["at", "number | null", false],
    ],
  );
  assert.deepEqual(
    one.answers.map(({ status, schema }) => [status, schema]),
    [["200", "Done"]],
  );
  assert.deepEqual(one.errors, [{ code: "unknown_call", body: '{\n  "code": "unknown_call"\n}' }]);
  assert.match(one.curl, /curl -X POST "http:\/\/gateway\/api\/hold\?id=a%20b"/);
  assert.match(one.curl, /Bearer \$TOKEN/);
});

test("types are told in a few words", () => {
  for (const [schema, words] of [
    [{ $ref: "#/components/schemas/Call" }, "Call"],
    [{ type: "array", items: { type: "string" } }, "string[]"],
    [{ enum: ["a", 1] }, '"a" | 1'],
    [{ const: "OFFER" }, '"OFFER"'],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, "string | null"],
    [{}, "any"],
  ])
    assert.equal(typeOf(schema), words);
  assert.deepEqual(fieldsOf(SPEC, {}), []);
});

test("the filter looks at path, summary and error codes", () => {
  const [one] = operationsOf(SPEC, "http://gateway/");
  for (const wanted of ["", "hold", "HOLD unknown_call", "post put"]) assert.ok(fits(one, wanted), wanted);
  for (const wanted of ["resume", "hold resume"]) assert.ok(!fits(one, wanted), wanted);
});
