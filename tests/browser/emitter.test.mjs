// Listeners, errors and what is kept through a reload.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { PhoneError, asPhoneError, microphoneError } from "../../src/wrtcgw/browser/grtc/errors.js";
import { Store, storageOf } from "../../src/wrtcgw/browser/grtc/store.js";

test("listeners come and go, and one that fails stops nobody", async () => {
  const complaints = mock.method(console, "error", () => {});
  const emitter = new Emitter();
  const heard = [];
  const off = emitter.on("x", (value) => heard.push(["first", value]));
  emitter.on("x", () => {
    throw new Error("broken");
  });
  emitter.on("x", async () => {
    throw new Error("broken later");
  });
  emitter.once("x", (value) => heard.push(["once", value]));
  const last = (value) => heard.push(["last", value]);
  emitter.on("x", last);
  emitter.emit("x", 1);
  off();
  emitter.emit("x", 2);
  emitter.off("x", last);
  emitter.emit("x", 3);
  emitter.emit("nobody");
  await null;
  assert.deepEqual(heard, [
    ["first", 1],
    ["once", 1],
    ["last", 1],
    ["last", 2],
  ]);
  assert.equal(complaints.mock.callCount(), 6);
  assert.throws(() => emitter.on("x", "no function"), TypeError);
  complaints.mock.restore();
});

test("a listener that is taken off while an event is told has no part in the next one", () => {
  const emitter = new Emitter();
  const heard = [];
  const off = emitter.on("x", () => {
    heard.push("a");
    off();
  });
  emitter.on("x", () => heard.push("b"));
  emitter.emit("x");
  emitter.emit("x");
  assert.deepEqual(heard, ["a", "b", "b"]);
});

test("errors have a code for programs and a sentence for people", () => {
  const error = new PhoneError("request_refused", {
    hint: "busy",
    status: 502,
    sipCode: 486,
    reason: "Busy Here",
    field: "to",
  });
  assert.deepEqual(
    [error.code, error.hint, error.message, error.status, error.sipCode, error.reason, error.details.field],
    ["request_refused", "busy", "busy", 502, 486, "Busy Here", "to"],
  );
  assert.match(new PhoneError("no_common_codec").hint, /codec/);
  assert.equal(new PhoneError("odd").hint, "odd");
  assert.ok(asPhoneError(new Error("x")) instanceof PhoneError);
  assert.equal(asPhoneError(error), error);
});

test("the browser's refusals of a microphone are told apart", () => {
  const code = (name) => microphoneError(Object.assign(new Error(name), { name })).code;
  assert.deepEqual(["NotAllowedError", "NotFoundError", "OverconstrainedError", "NotReadableError", "Odd"].map(code), [
    "microphone_refused",
    "no_microphone",
    "no_microphone",
    "microphone_busy",
    "no_microphone",
  ]);
  const insecure = new PhoneError("insecure_context");
  assert.equal(microphoneError(insecure), insecure);
});

class Shelf {
  items = new Map();
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, value) {
    this.items.set(key, String(value));
  }
  removeItem(key) {
    this.items.delete(key);
  }
}

test("a session is kept by one page and read by the next", () => {
  const shelf = new Shelf();
  const first = new Store(shelf, "k");
  assert.equal(first.read(), null);
  first.keep({ token: "t", last: 3 });
  first.keepCall("c1", { offer: { sdp: "v=0" } });
  first.keepCall("c2", { offer: null });
  first.dropCall("c2");
  assert.deepEqual(new Store(shelf, "k").read(), { token: "t", last: 3, calls: { c1: { offer: { sdp: "v=0" } } } });
  assert.equal(new Store(shelf, "other").read(), null);
  first.clear();
  assert.equal(shelf.items.size, 0);
});

test("no storage, a full one and a spoiled one do no harm", () => {
  const full = {
    getItem: () => "{spoiled",
    setItem: () => {
      throw new Error("full");
    },
    removeItem: () => {
      throw new Error("no");
    },
  };
  for (const storage of [null, full]) {
    const store = new Store(storage, "k");
    assert.equal(store.read(), null);
    store.keep({ token: "t" });
    assert.equal(store.value.token, "t");
    store.clear();
  }
  assert.equal(storageOf({ storage: null }), null);
});
