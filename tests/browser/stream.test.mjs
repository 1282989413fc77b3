// The way of messages: requests, event stream and long polls, against a gateway that misbehaves on purpose.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { EventParser, Stream } from "../../src/wrtcgw/browser/grtc/stream.js";
import { Wire } from "../../src/wrtcgw/browser/grtc/wire.js";

let server;
let answer; // (request, response) of the test
let seen;

before(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      const url = new URL(request.url, "http://gateway");
      seen.push({
        method: request.method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body,
      });
      answer({ path: url.pathname, query: seen.at(-1).query, headers: request.headers, body }, response);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(() => {
  server.close();
  server.closeAllConnections();
});

let stream;
let taken;
let states;
let lost;

beforeEach(() => {
  seen = [];
  taken = [];
  states = [];
  lost = [];
});
afterEach(() => stream?.stop());

function wire() {
  const made = new Wire(`http://127.0.0.1:${server.address().port}`);
  return Object.assign(made, { id: "a", token: "secret" });
}

function listen(mode) {
  stream = new Stream(wire(), {
    mode,
    take: (message) => taken.push(message.seq),
    changed: (state) => states.push(state),
    lost: (error) => lost.push(error.code),
  });
  return stream;
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const json = (response, status, value) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
const event = (seq, type = "RINGING") => `id: ${seq}\ndata: {"seq": ${seq}, "messageType": "${type}"}\n\n`;
const begin = (response) => response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 2000\n\n");

test("events are put together from whatever pieces they come in", () => {
  const parser = new EventParser();
  const text = ': alive\r\n\r\nretry: 9\n\nid: 1\ndata: {"a":\ndata: "ü"}\n\ndata:x\n\n';
  const events = [...text].flatMap((piece) => parser.feed(piece));
  assert.deepEqual(events, [{ id: "1", data: '{"a":\n"ü"}' }, { data: "x" }]);
});

test("a stream that breaks is taken up behind the last message, and nothing is taken twice", async () => {
  answer = ({ headers }, response) => {
    begin(response);
    if (headers["last-event-id"] === undefined) {
      response.write(event(4) + event(5), () => response.destroy());
    } else {
      response.write(event(5) + event(6));
    }
  };
  listen("auto").start();
  await until(() => taken.includes(6));
  assert.deepEqual(taken, [4, 5, 6]);
  assert.equal(seen[1].headers["last-event-id"], "5");
  assert.equal(seen[1].headers.authorization, "Bearer secret");
  assert.deepEqual([stream.way, states], ["stream", []]);
});

test("where streams are refused, polls carry the messages and say what they have", async () => {
  let given = 7;
  answer = ({ path, query }, response) => {
    if (path.endsWith("events")) response.destroy();
    else if (Number(query.after ?? 0) < 9) json(response, 200, { seq: (given += 1), messageType: "RINGING" });
    // else it hangs
  };
  listen("auto").start(7);
  await until(() => taken.includes(9));
  assert.deepEqual(taken, [8, 9]);
  assert.equal(stream.way, "poll");
  assert.deepEqual(
    seen
      .filter(({ path }) => path.endsWith("message"))
      .map(({ query }) => query.after)
      .slice(0, 2),
    ["7", "8"],
  );
});

test("the loss of the gateway is told once, and its return", async () => {
  let down = true;
  answer = (request, response) => {
    if (down) response.destroy();
    else json(response, 200, { seq: (stream.last ?? 0) + 1, messageType: "RINGING" });
  };
  listen("poll").start();
  await until(() => states.length);
  assert.deepEqual(states, ["offline"]);
  await until(() => seen.length > 2);
  down = false;
  await until(() => taken.length);
  assert.deepEqual(states, ["offline", "online"]);
});

test("a network that is there again is tried at once, and what was in vain before does not slow it down", async () => {
  let down = true;
  answer = (request, response) => {
    if (down) response.destroy();
    else begin(response);
  };
  listen("stream").start();
  await until(() => seen.length > 3); // the next pause is 2 s and more
  await until(() => stream.waiting);
  const before = seen.length;
  stream.renew();
  await until(() => seen.length > before);
  await until(() => stream.waiting);
  down = false;
  stream.renew();
  await until(() => stream.waiting || states.includes("online"));
  assert.equal(stream.waiting, false);
});

test("a renewed stream is no failure: it is not taken for one that something holds back", async () => {
  answer = (request, response) => {
    if (seen.length > 1) begin(response);
    // the first one hangs
  };
  listen("auto").start();
  await until(() => seen.length);
  stream.renew();
  await until(() => stream.heard);
  assert.deepEqual([stream.way, states, seen.length], ["stream", [], 2]);
});

test("a page that wakes up looks after a stream that was quiet for long, and leaves one alone that was not", async () => {
  answer = (request, response) => begin(response);
  listen("auto").start();
  await until(() => stream.heard);
  const { signal } = stream.current;
  stream.freshen();
  assert.equal(signal.aborted, false);
  stream.heardAt -= 21_000;
  stream.freshen();
  assert.equal(signal.aborted, true);
  await until(() => seen.length === 2);
});

test("a proxy that answers for a dead gateway counts as one", async () => {
  answer = (request, response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad Gateway</h1>");
  listen("poll").start();
  await until(() => states.length);
  await assert.rejects(wire().calls(), { code: "gateway_unreachable", status: 502 });
});

for (const code of ["not_signed_in", "foreign_session", "session_required"]) {
  test(`${code} ends it`, async () => {
    answer = (request, response) => json(response, 403, { error: "no", code });
    listen("auto").start();
    await until(() => lost.length);
    assert.deepEqual([lost, seen.length], [[code], 1]);
  });
}

test("nothing comes after SIGNED_OUT", async () => {
  answer = (request, response) => {
    begin(response);
    response.write(event(1) + event(2, "SIGNED_OUT"), () => response.destroy());
  };
  listen("auto");
  const run = stream.run.bind(stream);
  let over = false;
  stream.run = (signal) =>
    run(signal).then(() => {
      over = true;
    });
  stream.start();
  await until(() => over || seen.length > 1);
  assert.deepEqual([over, taken, seen.length], [true, [1, 2], 1]);
});

test("a password is in no address, the token only in a header", async () => {
  answer = (request, response) => json(response, 200, { status: "ok", id: "a", dn: "1", session: "new" });
  const made = wire();
  made.token = "";
  await made.signIn({ id: "a", dn: "1", password: "p&w" });
  assert.deepEqual([made.token, seen[0].query, seen[0].method], ["new", {}, "POST"]);
  assert.equal(new URLSearchParams(seen[0].body).get("password"), "p&w");
  await made.order("hold", "c1");
  assert.deepEqual([seen[1].query, seen[1].headers.authorization], [{ id: "a", call: "c1" }, "Bearer new"]);
});

test("a refusal brings all that the gateway said", async () => {
  answer = (request, response) =>
    json(response, 409, { error: "not now", code: "wrong_state", state: "established", sipCode: 0 });
  await assert.rejects(wire().order("hold", "c"), (error) => {
    assert.deepEqual(
      [error.code, error.hint, error.status, error.details.state],
      ["wrong_state", "not now", 409, "established"],
    );
    return true;
  });
  answer = (request, response) => response.writeHead(403).end("<html>");
  await assert.rejects(wire().calls(), { code: "unexpected_answer", status: 403 });
});

test("a gateway that is not there is told as that", async () => {
  const nobody = Object.assign(new Wire("http://127.0.0.1:1/sub/"), { id: "a" });
  assert.equal(nobody.api, "http://127.0.0.1:1/sub/api/webrtc/");
  await assert.rejects(nobody.calls(), { code: "gateway_unreachable" });
});
