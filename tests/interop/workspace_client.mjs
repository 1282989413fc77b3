// The adapter with genesys-workspace-client-js: a fake of the server that the package talks to, by HTTP and CometD.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { Emitter } from "../../src/wrtcgw/browser/grtc/emitter.js";
import { connectWorkspace } from "../../src/wrtcgw/browser/workspace/adapter.js";

const WorkspaceApi = createRequire(import.meta.url)(process.env.WRTCGW_WORKSPACE_CLIENT);
const COOKIE = { "Set-Cookie": "WORKSPACE_SESSIONID=1; Path=/" };

// Bayeux by long polling: what is to be told waits for the next /meta/connect.
class FakeServer {
  asked = [];
  #waiting = null;
  #events = [];

  async start() {
    this.http = createServer((request, response) => this.#take(request, response));
    await new Promise((resolve) => this.http.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.http.address().port}`;
  }

  async #take(request, response) {
    let body = "";
    for await (const part of request) body += part;
    const path = request.url.replace("/workspace/v3", "");
    const answer = (value) => {
      response.writeHead(200, { "Content-Type": "application/json", ...COOKIE });
      response.end(JSON.stringify(value));
    };
    if (path.startsWith("/notifications")) return this.#bayeux(JSON.parse(body), answer);
    this.asked.push([path, body ? JSON.parse(body) : null]);
    return answer({ status: { code: 0 } });
  }

  #bayeux(messages, answer) {
    for (const { channel, id, subscription } of messages) {
      const reply = { channel, id, successful: true, clientId: "c1" };
      if (channel === "/meta/handshake") {
        answer([{ ...reply, version: "1.0", supportedConnectionTypes: ["long-polling"] }]);
      } else if (channel === "/meta/subscribe") {
        answer([{ ...reply, subscription }]);
        const whole = { state: "Complete", data: { user: {} } };
        if (subscription.endsWith("/initialization")) this.tell(subscription, whole);
      } else if (channel === "/meta/connect") {
        this.#waiting = (events) => answer([...events, { ...reply, advice: { interval: 0, timeout: 20_000 } }]);
        this.#flush();
      } else {
        answer([reply]);
      }
    }
  }

  tell(channel, data) {
    this.#events.push({ channel, data });
    this.#flush();
  }

  call(call) {
    this.tell("/workspace/v3/voice", { messageType: "CallStateChanged", notificationType: "StatusChange", call });
  }

  #flush() {
    if (!this.#waiting || !this.#events.length) return;
    this.#waiting(this.#events.splice(0));
    this.#waiting = null;
  }

  stop() {
    this.http.close();
    this.http.closeAllConnections();
  }
}

class FakePhone extends Emitter {
  calls = new Map();
  placed = [];
  async call(to) {
    this.placed.push(to);
    return this.add({ direction: "outbound", peer: to, state: "calling" });
  }
  add(fields) {
    const call = Object.assign(new Emitter(), { uuid: "", held: false, done: [], isOver: false, isUp: false }, fields);
    call.answer = async () => call.done.push("answer");
    call.hangup = async () => call.done.push("hangup");
    this.calls.set(call, call);
    this.emit("call", call);
    return call;
  }
}

const server = new FakeServer();
let api;

before(async () => {
  await server.start();
  api = new WorkspaceApi("key", server.url, "false");
  await api.initialize({ token: "TOKEN" });
});

after(() => {
  server.stop();
  setTimeout(() => process.exit(), 200); // the package's own timers and polls have no end
});

async function until(condition) {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(condition(), String(condition));
}

test("under control by SIP calls are told apart by UUID, and wishes to call go to the server", async () => {
  const phone = new FakePhone();
  const adapter = connectWorkspace({ workspace: api, phone });
  assert.equal(adapter.control, "sip");
  const seen = [];
  adapter.on("desktop", ({ id, state, direction, number }) => seen.push([id, state, direction, number].join(" ")));
  await adapter.makeCall("1003");
  assert.deepEqual(server.asked.at(-1), ["/voice/make-call", { data: { destination: "1003" } }]);
  const about = { id: "c1", callUuid: "U1", callType: "Outbound", phoneNumber: "1003", userData: [] };
  server.call({ ...about, state: "Dialing" });
  await until(() => seen.length === 1);
  const call = phone.add({ direction: "inbound", peer: "anonymous", uuid: "U1", state: "incoming" });
  assert.equal(adapter.desktopCallOf(call).id, "c1");
  server.call({ ...about, id: "c2", previousConnId: "c1", state: "Established" });
  server.call({ ...about, id: "c2", state: "Released" });
  await until(() => seen.length === 3);
  const told = ["c1 dialing outbound 1003", "c2 established outbound 1003", "c2 released outbound 1003"];
  assert.deepEqual(seen, told);
  assert.deepEqual([call.done, phone.placed], [[], []]);
  adapter.stop();
  assert.equal(api.listenerCount("CallStateChanged"), 0);
});

test("where only the page knows both, the phone carries out, and the client is told", async () => {
  const phone = new FakePhone();
  const adapter = connectWorkspace({ workspace: api, phone, control: "page" });
  const ringing = phone.add({ direction: "inbound", peer: "5002", state: "incoming" });
  const about = { id: "r1", callType: "Inbound", phoneNumber: "5002" };
  server.call({ ...about, state: "Ringing" });
  await until(() => adapter.desktopCallOf(ringing));
  Object.assign(ringing, { state: "established", isUp: true });
  phone.emit("call", ringing);
  await until(() => server.asked.some(([path]) => path === "/voice/calls/r1/answer"));
  Object.assign(ringing, { held: true });
  phone.emit("call", ringing);
  await until(() => server.asked.some(([path]) => path === "/voice/calls/r1/hold"));
  Object.assign(ringing, { held: false });
  phone.emit("call", ringing);
  await until(() => server.asked.some(([path]) => path === "/voice/calls/r1/retrieve"));
  server.call({ ...about, state: "Released" });
  await until(() => ringing.done.includes("hangup"));
  server.call({ id: "d1", callType: "Outbound", phoneNumber: "1003", state: "Dialing" });
  await until(() => phone.placed.length);
  assert.deepEqual(phone.placed, ["1003"]);
  adapter.stop();
});
