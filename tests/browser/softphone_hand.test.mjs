// What lies at hand around the softphone: shortcuts, links with numbers, favourites, notifications with buttons, switches.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

import { Alerts } from "../../src/wrtcgw/browser/softphone/alerts.js";
import { Favourites } from "../../src/wrtcgw/browser/softphone/hand/favourites.js";
import { Install } from "../../src/wrtcgw/browser/softphone/hand/install.js";
import {
  keepNumber,
  keptNumber,
  numberOf,
  openLinksHere,
  tabs,
  takeNumber,
} from "../../src/wrtcgw/browser/softphone/hand/links.js";
import { Notifier } from "../../src/wrtcgw/browser/softphone/hand/notifier.js";
import { SHORTCUTS, Wanted, meaningOf, shortcutOf } from "../../src/wrtcgw/browser/softphone/hand/shortcuts.js";
import { Switches } from "../../src/wrtcgw/browser/softphone/hand/switches.js";
import { Texts } from "../../src/wrtcgw/browser/softphone/texts.js";
import { FakeStorage } from "./fake_gateway.mjs";
import { settled } from "./fake_rtc.mjs";

const HOME = new URL("../../src/wrtcgw/browser/softphone/", import.meta.url);
const FORBIDDEN = {
  getItem() {
    throw new DOMException("", "SecurityError");
  },
  setItem() {
    throw new DOMException("", "SecurityError");
  },
};

// ---- shortcuts

const within = (...selectors) => ({ closest: (wanted) => selectors.find((each) => wanted.includes(each)) ?? null });
const pressed = (key, more = {}) =>
  shortcutOf({ key, code: "", altKey: true, ctrlKey: false, metaKey: false, repeat: false, target: within(), ...more });

test("shortcuts take Alt, whatever the keyboard writes with it; none in a field, none while a key is held", () => {
  const names = SHORTCUTS.map(({ letter }) => pressed(letter.toLowerCase()));
  assert.deepEqual(
    names,
    SHORTCUTS.map(({ name }) => name),
  );
  assert.equal(new Set(SHORTCUTS.map(({ letter }) => letter)).size, SHORTCUTS.length);
  assert.equal(pressed("å", { code: "KeyA" }), "answer");
  assert.equal(pressed("?", { altKey: false }), "list");
  assert.equal(pressed("m", { code: "Semicolon" }), "mute"); // of a French keyboard: the letter counts
  for (const [key, more] of [
    ["a", { altKey: false }],
    ["a", { ctrlKey: true }],
    ["a", { metaKey: true }],
    ["a", { repeat: true }],
    ["?", { altKey: true }],
    ["z", {}],
    ["Enter", { code: "Enter" }],
    ["a", { target: within("textarea") }],
    ["?", { altKey: false, target: within("input:not([type=checkbox])") }],
    ["a", { target: within("dialog") }],
    ["a", { target: within("[contenteditable]") }],
  ]) {
    assert.equal(pressed(key, more), "", `${key} ${JSON.stringify(more)}`);
  }
  assert.equal(pressed("a", { target: null }), "answer");
});

test("a shortcut does what the buttons do, with the call that they are for; without one it does nothing", () => {
  const done = [];
  const views = Object.fromEntries(["pad", "number", "list"].map((name) => [name, () => done.push(name)]));
  const act = (name) => (call) => done.push(`${name} ${call.peer}`);
  const acts = {
    answer: "answer",
    answerInstead: "instead",
    reject: "reject",
    hangUp: "end",
    mute: "mute",
    hold: "hold",
  };
  const does = Object.fromEntries(Object.entries(acts).map(([method, name]) => [method, act(name)]));
  const ringing = { peer: "5002" };
  const talking = { peer: "5003", isUp: true };
  const all = (model) => {
    done.length = 0;
    for (const { name } of SHORTCUTS) meaningOf(name, { ...does, ...model }, views)?.();
    return done.join(", ");
  };
  assert.equal(all({ incoming: [], selected: null }), "pad, number");
  assert.equal(all({ incoming: [ringing], selected: null }), "answer 5002, reject 5002, pad, number");
  assert.equal(
    all({ incoming: [ringing], selected: talking }),
    "answer 5002, instead 5002, reject 5002, end 5003, mute 5003, hold 5003, pad, number",
  );
  assert.equal(all({ incoming: [], selected: { peer: "1003", isUp: false } }), "end 1003, mute 1003, pad, number");
});

test("shortcuts may be switched off, which this browser remembers", () => {
  const storage = new FakeStorage();
  const wanted = new Wanted(storage);
  assert.equal(wanted.on, true);
  wanted.turn(false);
  assert.equal(new Wanted(storage).on, false);
  new Wanted(storage).turn(true);
  assert.equal(new Wanted(storage).on, true);
  for (const storage of [null, FORBIDDEN]) {
    const other = new Wanted(storage);
    other.turn(false);
    assert.equal(other.on, false);
  }
});

// ---- links

test("a number of a link is one as somebody would type it, or none", () => {
  for (const [given, number] of [
    ["5002", "5002"],
    ["tel:5002", "5002"],
    ["web+tel:5002", "5002"],
    ["TEL:+49%2030%20123", "+4930123"],
    ["tel:+49-30-123;phone-context=example.org", "+4930123"],
    ["tel://5002", "5002"],
    ["tel:+49 30 123?call", "+4930123"],
    ["sip:echo@example.org", "sip:echo@example.org"],
    ["tel:%zz", "%zz"],
    ["50\u000002\n", "5002"],
    [` ${"5".repeat(129)}`, ""],
    [null, ""],
    ["", ""],
  ]) {
    assert.equal(numberOf(given), number, String(given));
  }
});

function browserAt(href) {
  const replaced = [];
  return {
    replaced,
    location: { href },
    history: { state: null, replaceState: (state, title, url) => replaced.push(url) },
  };
}

test("the number is taken out of the address, so that a reload does not bring it back; the rest stays", () => {
  const browser = browserAt("https://gw.example/softphone/?number=tel%3A%2B49301234&lang=de#x");
  assert.equal(takeNumber(browser), "+49301234");
  assert.deepEqual(browser.replaced, ["/softphone/?lang=de#x"]);
  const plain = browserAt("https://gw.example/softphone/?code=1&state=2");
  assert.deepEqual([takeNumber(plain), plain.replaced], ["", []]);
});

test("it waits for somebody to sign in, not for ever, and is given once", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const memory = new FakeStorage();
  keepNumber(memory, "5002");
  assert.deepEqual([keptNumber(memory), keptNumber(memory)], ["5002", ""]);
  keepNumber(memory, "5002");
  context.mock.timers.tick(15 * 60_000);
  assert.equal(keptNumber(memory), "");
  memory.setItem("softphone-number", "{not ours");
  assert.equal(keptNumber(memory), "");
  keepNumber(FORBIDDEN, "5002");
  assert.equal(keptNumber(FORBIDDEN), "");
  assert.equal(keptNumber(null), "");
});

class Air {
  channels = new Set();

  channel() {
    const own = new EventTarget();
    const others = this.channels;
    others.add(own);
    own.postMessage = (data) => {
      const message = structuredClone(data);
      for (const each of others) {
        if (each !== own)
          queueMicrotask(() => each.dispatchEvent(Object.assign(new Event("message"), { data: message })));
      }
    };
    own.close = () => others.delete(own);
    return own;
  }
}

test("a tab that a link has opened gives its number to one tab with a phone, and keeps it when there is none", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const air = new Air();
  const tab = () => tabs(() => air.channel());
  const alone = tab().offer("5002");
  context.mock.timers.tick(400);
  assert.equal(await alone, false);
  const taken = [];
  tab().listen(assert.fail, () => false); // nobody is signed in there
  for (const name of ["one", "other"])
    tab().listen(
      (number) => taken.push([name, number]),
      () => true,
    );
  assert.equal(await tab().offer("5002"), true);
  await settled();
  assert.deepEqual(taken, [["one", "5002"]]);
  const stranger = air.channel();
  for (const data of [null, "take", { type: "take", number: "666" }, { type: "take", to: "x", number: "666" }]) {
    stranger.postMessage(data);
  }
  await settled();
  assert.equal(taken.length, 1);
});

test("links are led to an address that fills a number in", (context) => {
  const asked = [];
  const { navigator } = globalThis;
  context.after(() => Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true }));
  const registerProtocolHandler = (...given) => asked.push(given);
  Object.defineProperty(globalThis, "navigator", { value: { registerProtocolHandler }, configurable: true });
  openLinksHere("https://gw.example/softphone/");
  assert.deepEqual(asked, [
    ["tel", "https://gw.example/softphone/?number=%s"],
    ["web+tel", "https://gw.example/softphone/?number=%s"],
  ]);
});

// ---- favourites

test("favourites are a short list for each agent, turned on and off, which nothing strange gets into", () => {
  const storage = new FakeStorage();
  const favourites = new Favourites(storage, "5001");
  for (let number = 1; number < 12; number += 1) favourites.turn(`500${number}`);
  assert.deepEqual([favourites.numbers.length, favourites.isFull, favourites.has("5001")], [8, true, true]);
  favourites.turn("5001");
  assert.deepEqual([favourites.numbers[0], favourites.isFull], ["5002", false]);
  favourites.turn("");
  favourites.turn("5".repeat(129));
  assert.equal(favourites.numbers.length, 7);
  assert.deepEqual(new Favourites(storage, "5002").numbers, []);
  storage.setItem("softphone-favourites 5003", JSON.stringify(["1", 2, null, { a: 1 }, ...Array(20).fill("9")]));
  assert.equal(new Favourites(storage, "5003").numbers.length, 8);
  storage.setItem("softphone-favourites 5003", '{"not": "ours"}');
  for (const kept of [storage, null, FORBIDDEN]) {
    const none = new Favourites(kept, "5003");
    assert.deepEqual(none.numbers, []);
    none.turn("1");
  }
});

// ---- notifications with buttons

class FakeContainer extends EventTarget {
  notes = [];
  registered = [];
  refuses = false;

  async register(url, options) {
    if (this.refuses) throw new DOMException("", "SecurityError");
    this.registered.push([url.href, options]);
    const { notes } = this;
    return {
      active: {},
      async showNotification(title, given) {
        notes.push({
          title,
          ...given,
          close: () =>
            notes.splice(
              notes.findIndex(({ tag }) => tag === given.tag),
              1,
            ),
        });
      },
      getNotifications: async () => [...notes],
    };
  }

  startMessages() {}

  tell(data, scriptURL = "https://gw.example/softphone/sw.js") {
    this.dispatchEvent(Object.assign(new Event("message"), { data, source: scriptURL && { scriptURL } }));
  }
}

const WORDS = { title: "Jane is calling", body: "…", answer: "Answer", reject: "Reject" };

function modelWith(...ids) {
  const done = [];
  const incoming = ids.map((id) => ({ id, state: "incoming", peer: id, displayName: "" }));
  const calls = new Map(incoming.map((call) => [call.id, call]));
  const [answer, reject] = ["answer", "reject"].map((name) => (call) => done.push(`${name} ${call.id}`));
  return { done, incoming, phone: { calls }, answer, reject };
}

test("a call is shown with Answer and Reject, its press counts while it rings here, and it is taken back", async () => {
  const container = new FakeContainer();
  const notifier = new Notifier("https://gw.example/softphone/", container);
  assert.equal(await notifier.show("c-1", WORDS), false, "before there is a worker");
  const model = modelWith("c-1");
  await notifier.start(model);
  assert.deepEqual(container.registered, [
    ["https://gw.example/softphone/sw.js", { scope: "https://gw.example/softphone/", updateViaCache: "none" }],
  ]);
  assert.equal(await notifier.show("c-1", WORDS), true);
  const [note] = container.notes;
  assert.deepEqual(
    [note.title, note.tag, note.data, note.actions.map(({ action }) => action)],
    ["Jane is calling", "softphone call c-1", { call: "c-1" }, ["answer", "reject"]],
  );
  container.tell({ type: "call", action: "answer", call: "c-1" }, "https://gw.example/other/sw.js");
  container.tell({ type: "call", action: "answer", call: "c-1" }, null);
  container.tell({ type: "call", action: "answer", call: "c-9" });
  container.tell({ type: "call", action: "", call: "c-1" });
  container.tell(null);
  assert.deepEqual(model.done, []);
  container.tell({ type: "call", action: "answer", call: "c-1" });
  container.tell({ type: "call", action: "reject", call: "c-1" });
  assert.deepEqual(model.done, ["answer c-1", "reject c-1"]);
  await notifier.forget((id) => id === "c-1");
  assert.equal(container.notes.length, 0);
  await notifier.show("c-2", WORDS);
  await notifier.stop();
  container.tell({ type: "call", action: "answer", call: "c-1" });
  assert.deepEqual([container.notes.length, model.done.length], [0, 2]);
});

test("what a page before has left of calls that are over goes; without a worker there are plain notifications", async () => {
  const container = new FakeContainer();
  const before = new Notifier("https://gw.example/softphone/", container);
  await before.start(modelWith("c-1", "c-2"));
  for (const id of ["c-1", "c-2"]) await before.show(id, WORDS);
  container.notes.push({ tag: "another's", close: () => assert.fail() });
  await new Notifier("https://gw.example/softphone/", container).start(modelWith("c-2"));
  assert.deepEqual(
    container.notes.map(({ tag }) => tag),
    ["softphone call c-2", "another's"],
  );
  for (const none of [Object.assign(new FakeContainer(), { refuses: true }), undefined]) {
    const plain = new Notifier("https://gw.example/softphone/", none);
    await plain.start(modelWith("c-1"));
    assert.equal(await plain.show("c-1", WORDS), false);
    await plain.stop();
  }
});

test("alerts go by the notifier, else by themselves; a call that is over by then is not shown; the icon counts", async (context) => {
  const { navigator } = globalThis;
  const shown = [];
  const badges = [];
  class Notification {
    static permission = "granted";

    constructor(title) {
      shown.push(`plain ${title}`);
    }

    addEventListener() {}

    close() {
      shown.push("closed");
    }
  }
  const fake = { setAppBadge: async (count) => badges.push(count), clearAppBadge: async () => badges.push(0) };
  Object.defineProperty(globalThis, "navigator", { value: fake, configurable: true });
  Object.assign(globalThis, { Notification, isSecureContext: true, document: { hidden: true, title: "Softphone" } });
  context.after(() => {
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
    delete globalThis.document;
  });
  const texts = new Texts("en", JSON.parse(readFileSync(new URL("texts/en.json", HOME), "utf-8")));
  let works = true;
  const notifier = {
    async show(id, words) {
      if (works) shown.push(`${id}: ${words.title}, ${words.answer}, ${words.reject}`);
      return works;
    },
    async forget(which) {
      shown.push(["c-1", "c-2"].filter(which).join());
    },
  };
  const alerts = new Alerts({ notifier });
  const call = { id: "c-1", state: "incoming", peer: "5002", displayName: "" };
  await alerts.arrived(call, texts);
  assert.deepEqual(shown.splice(0), ["c-1: 5002 is calling, Answer, Reject"]);
  await alerts.arrived({ ...call, state: "ended" }, texts);
  assert.deepEqual(shown.splice(0), ["c-1: 5002 is calling, Answer, Reject", "c-1"]);
  alerts.show([call], texts);
  alerts.show([{ ...call, id: "c-2" }, call], texts);
  alerts.show([call], texts);
  assert.deepEqual(shown.splice(0), ["c-2", "", "c-2"]);
  const slow = { forget: async (which) => (await null, shown.push(which("c-1"))) };
  const late = new Alerts({ notifier: slow });
  late.show([{ ...call, id: "c-0" }], texts);
  late.show([call], texts);
  await settled();
  assert.deepEqual(shown.splice(0), [false, false], "a call that rings by then is kept, whoever rang before");
  late.stop();
  await settled();
  assert.deepEqual(shown.splice(0), [true]);
  works = false;
  await alerts.arrived(call, texts);
  await alerts.arrived({ ...call, state: "ended" }, texts);
  assert.deepEqual(shown.splice(0), ["plain 5002 is calling"]);
  alerts.show([], texts, 2);
  alerts.show([], texts, 2);
  alerts.stop();
  assert.deepEqual(
    [shown.splice(0), badges],
    [
      ["closed", "c-1,c-2"],
      [2, 0],
    ],
  );
  assert.equal(globalThis.document.title, "Softphone");
});

// ---- the service worker

async function workerWith(pages) {
  const heard = {};
  const opened = [];
  const context = {
    addEventListener: (name, listener) => (heard[name] = listener),
    skipWaiting: async () => {},
    registration: { scope: "https://gw.example/softphone/" },
    clients: { matchAll: async () => pages, openWindow: async (url) => opened.push(url) },
  };
  runInContext(readFileSync(new URL("sw.js", HOME), "utf-8"), createContext(context));
  return { heard, opened };
}

function pageAt(url, focused = false) {
  const told = [];
  const page = { url, focused, told, looked: 0, postMessage: (message) => told.push({ ...message }) };
  page.focus = async () => (page.looked += 1);
  return page;
}

test("the worker tells the softphone's pages only, and brings one of them to the front, or a new one", async () => {
  const [one, other, alien] = [
    pageAt("https://gw.example/softphone/"),
    pageAt("https://gw.example/softphone/?x", true),
    pageAt("https://gw.example/ops/"),
  ];
  const pages = [one, alien, other];
  const { heard, opened } = await workerWith(pages);
  let closed = 0;
  const click = async (action, data = { call: "c-1" }) => {
    let work;
    const notification = { data, close: () => (closed += 1) };
    heard.notificationclick({ action, notification, waitUntil: (promise) => (work = promise) });
    await work;
  };
  await click("answer");
  assert.deepEqual(one.told, [{ type: "call", action: "answer", call: "c-1" }]);
  assert.deepEqual([other.told, alien.told], [one.told, []]);
  assert.deepEqual([one.looked, other.looked, alien.looked], [0, 1, 0]);
  await click("reject");
  assert.equal(other.looked, 1, "who rejects stays where he is");
  await click("something");
  assert.equal(one.told.at(-1).action, "");
  pages.length = 0;
  await click("answer", undefined);
  assert.deepEqual([opened, closed], [["https://gw.example/softphone/"], 4]);
});

test("the worker hears no request and keeps nothing: no token can get out by it, no page can be old", async () => {
  const { heard } = await workerWith([]);
  assert.deepEqual(Object.keys(heard).sort(), ["install", "notificationclick"]);
  const source = readFileSync(new URL("sw.js", HOME), "utf-8");
  assert.doesNotMatch(source, /fetch|caches|importScripts|indexedDB|XMLHttpRequest|WebSocket|import\b/);
});

test("what a browser needs to install the page is there", () => {
  const manifest = JSON.parse(readFileSync(new URL("manifest.webmanifest", HOME), "utf-8"));
  assert.deepEqual([manifest.scope, manifest.start_url, manifest.display], ["./", "./", "standalone"]);
  for (const { src, sizes } of manifest.icons) {
    const picture = readFileSync(new URL(src, HOME));
    assert.equal(picture.toString("latin1", 1, 4), "PNG", src);
    assert.equal(`${picture.readUInt32BE(16)}x${picture.readUInt32BE(20)}`, sizes, src);
  }
  assert.deepEqual(
    manifest.protocol_handlers.map(({ protocol, url }) => [protocol, url]),
    [
      ["tel", "./?number=%s"],
      ["web+tel", "./?number=%s"],
    ],
  );
});

test("the browser's offer to install is good for one question", async () => {
  const page = new EventTarget();
  let changes = 0;
  let asked = 0;
  const install = new Install(() => (changes += 1), page);
  await install.ask();
  const offer = () =>
    Object.assign(new Event("beforeinstallprompt", { cancelable: true }), { prompt: async () => (asked += 1) });
  const event = offer();
  page.dispatchEvent(event);
  assert.deepEqual([event.defaultPrevented, install.isOffered], [true, true]);
  await install.ask();
  await install.ask();
  assert.deepEqual([asked, install.isOffered], [1, false]);
  page.dispatchEvent(offer());
  page.dispatchEvent(new Event("appinstalled"));
  assert.equal(install.isOffered, false);
  assert.ok(changes >= 4);
});

// ---- switches

function phoneOf(dn) {
  const phone = { dn, options: {}, doNotDisturb: false, orders: [] };
  phone.setDoNotDisturb = async (on) => {
    phone.orders.push(["quiet", on]);
    if (phone.refuses) throw new Error("away");
    phone.doNotDisturb = on;
  };
  phone.setAudioProcessing = async (process) => {
    phone.orders.push(["process", typeof process]);
    if (phone.refuses) throw new Error("no microphone");
  };
  phone.setAudio = async (shape) => {
    phone.orders.push(shape);
    if (phone.refuses) throw new Error("no microphone");
  };
  return phone;
}

function switchesOf(phone, given = {}) {
  const { memory = new FakeStorage(), storage = new FakeStorage(), autoAnswer = true, noiseFilter = true } = given;
  const told = { changes: 0, complaints: 0 };
  const model = { phone, complain: () => (told.complaints += 1) };
  const changed = () => (told.changes += 1);
  const made = new Switches(model, { memory, storage, autoAnswer, noiseFilter, changed });
  return { switches: made, told, memory, storage };
}

test("answering by itself is off at first, kept through a reload by this agent only, and over with the session", () => {
  const phone = phoneOf("5001");
  const { switches, memory } = switchesOf(phone);
  assert.equal(switches.answers, false);
  switches.answer(true);
  assert.equal(phone.options.autoAnswer, true);
  assert.equal(switchesOf(phoneOf("5001"), { memory }).switches.answers, true);
  assert.equal(switchesOf(phoneOf("5002"), { memory }).switches.answers, false);
  switches.left();
  assert.equal(phone.options.autoAnswer, false);
  assert.equal(switchesOf(phoneOf("5001"), { memory }).switches.answers, false);
});

test("where the gateway does not let callers ask for it, there is no such switch", () => {
  const memory = new FakeStorage();
  switchesOf(phoneOf("5001"), { memory }).switches.answer(true);
  const { switches } = switchesOf(phoneOf("5001"), { memory, autoAnswer: false });
  assert.deepEqual([switches.mayAnswer, switches.answers], [false, false]);
  switches.answer(true);
  assert.equal(switches.answers, false);
});

test("do not disturb is the gateway's to say; the browser's suppression is this browser's", async () => {
  const phone = phoneOf("5001");
  const { switches, told, storage } = switchesOf(phone);
  await switches.quiet(true);
  assert.deepEqual([switches.isQuiet, told], [true, { changes: 1, complaints: 0 }]);
  phone.refuses = true;
  await switches.quiet(false);
  assert.deepEqual([switches.isQuiet, told], [true, { changes: 2, complaints: 1 }]);
  phone.refuses = false;
  assert.equal(switches.suppressesNoise, true);
  await switches.suppress(false);
  assert.deepEqual([phone.orders.at(-1), switches.suppressesNoise], [{ noiseSuppression: false }, false]);
  const next = phoneOf("5001");
  switchesOf(next, { storage });
  assert.deepEqual(next.orders, [{ noiseSuppression: false }]);
  const { switches: forbidden } = switchesOf(phoneOf("5001"), { storage: FORBIDDEN, memory: FORBIDDEN });
  await forbidden.suppress(false);
  forbidden.answer(true);
  assert.deepEqual([forbidden.answers, forbidden.suppressesNoise], [true, true]);
});

test("this page takes noise off only where it is allowed and wanted; that is remembered, and taken back in order", async () => {
  const phone = phoneOf("5001");
  const { switches, told, storage } = switchesOf(phone);
  assert.deepEqual([switches.filters, phone.orders], [false, []]);
  const [on, off] = [switches.filter(true), switches.filter(false)]; // before it was fetched
  assert.equal(switches.filters, false);
  await Promise.all([on, off]);
  assert.deepEqual(phone.orders, [
    ["process", "function"],
    ["process", "object"],
  ]);
  await switches.filter(true);
  assert.deepEqual([switches.filters, told], [true, { changes: 3, complaints: 0 }]);
  const next = phoneOf("5001");
  const { switches: again } = switchesOf(next, { storage });
  await again.filter(true);
  assert.equal(next.orders.length, 2);
  next.refuses = true;
  await again.filter(false);
  assert.equal(again.filters, true);
  const other = phoneOf("5001");
  const { switches: none } = switchesOf(other, { storage, noiseFilter: false });
  await none.filter(true);
  assert.deepEqual([none.filters, none.mayFilter, other.orders], [false, false, [["process", "object"]]]);
});
