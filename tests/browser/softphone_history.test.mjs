// The softphone's history: bounded, and one cannot mistake a missed call for one that somebody else has answered.

import assert from "node:assert/strict";
import { test } from "node:test";

import { History, entryOf } from "../../src/wrtcgw/browser/softphone/history.js";

class Memory {
  values = new Map();
  getItem(key) {
    return this.values.get(key) ?? null;
  }
  setItem(key, value) {
    this.values.set(key, value);
  }
}

const entry = (fields = {}) => ({
  direction: "inbound",
  peer: "5002",
  name: "",
  at: 1,
  duration: 0,
  outcome: "missed",
  ...fields,
});

function outcome(direction, ended, answeredAt = null) {
  const call = { direction, peer: "1", displayName: "", startedAt: 1000, answeredAt, endedAt: 9000, ended };
  return entryOf(call).outcome;
}

test("the outcome of a call tells what an agent wants to know", () => {
  assert.equal(outcome("inbound", { cause: "cancelled", missed: true }), "missed");
  assert.equal(outcome("inbound", { cause: "answered-elsewhere", answeredElsewhere: true }), "elsewhere");
  assert.equal(outcome("inbound", { cause: "local" }), "declined");
  assert.equal(outcome("inbound", { cause: "remote" }, 2000), "answered");
  assert.equal(outcome("outbound", { cause: "local" }, 2000), "answered");
  assert.equal(outcome("outbound", { cause: "local" }), "unanswered");
  assert.equal(outcome("outbound", { cause: "busy" }), "failed");
});

test("the time of talk counts from the answer", () => {
  const call = {
    direction: "inbound",
    peer: "1",
    displayName: "A",
    startedAt: 1000,
    answeredAt: 4000,
    endedAt: 9000,
    ended: { cause: "remote" },
  };
  assert.deepEqual([entryOf(call).duration, entryOf(call).at, entryOf(call).name], [5000, 1000, "A"]);
});

test("the newest comes first, and there are never more than a hundred", () => {
  const history = new History(new Memory(), "5001");
  for (let at = 1; at <= 130; at += 1) history.add(entry({ at }));
  assert.equal(history.entries.length, 100);
  assert.equal(history.entries[0].at, 130);
  assert.equal(history.entries[99].at, 31);
});

test("missed calls count until they were seen, those answered elsewhere never", () => {
  const history = new History(new Memory(), "5001");
  history.add(entry({ at: 10 }));
  history.add(entry({ at: 20, outcome: "elsewhere" }));
  history.add(entry({ at: 30 }));
  assert.equal(history.unseen, 2);
  history.see();
  assert.equal(history.unseen, 0);
  history.add(entry({ at: 40 }));
  assert.equal(history.unseen, 1);
});

test("each number has its own, and what was cleared can be put back", () => {
  const memory = new Memory();
  const [one, other] = [new History(memory, "5001"), new History(memory, "5002")];
  one.add(entry({ at: 1 }));
  assert.equal(other.entries.length, 0);
  const gone = one.clear();
  assert.equal(one.entries.length, 0);
  one.add(entry({ at: 2 }));
  one.restore(gone);
  assert.deepEqual(
    one.entries.map(({ at }) => at),
    [2, 1],
  );
});

test("no storage, a full one and a foreign value end nothing", () => {
  const none = new History(null, "5001");
  none.add(entry());
  assert.deepEqual(none.entries, []);
  const broken = {
    getItem: () => "{not json",
    setItem() {
      throw new Error("full");
    },
  };
  const full = new History(broken, "5001");
  full.add(entry());
  assert.deepEqual([full.entries, full.unseen], [[], 0]);
  const odd = ["", ', "at": "x"', ', "at": 1e300', ', "at": 1, "duration": ""'].map((more) => `{"peer": "8"${more}}`);
  const kept = `[1, null, {"peer": "7", "at": 1}, {"at": 1}, ${odd}]`;
  const foreign = new History({ getItem: () => kept, setItem() {} }, "5001");
  assert.deepEqual(foreign.entries, [{ peer: "7", at: 1 }]); // others could not be shown: the page stopped at them
});
