// What arrives is one stream, and what of it is played.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Speaker } from "../../src/wrtcgw/browser/grtc/devices.js";
import { wholeStream } from "../../src/wrtcgw/browser/grtc/media.js";

class Stream {
  constructor(tracks) {
    this.tracks = tracks;
  }
  getTracks() {
    return this.tracks;
  }
  getAudioTracks() {
    return this.tracks.filter(({ kind }) => kind === "audio");
  }
}

const [SOUND, PICTURES] = ["audio", "video"].map((kind) => ({ kind, readyState: "live" }));
let players;

beforeEach(() => {
  players = [];
  globalThis.MediaStream = Stream;
  globalThis.Audio = class {
    constructor() {
      players.push(this);
    }
    async play() {}
  };
});

afterEach(() => {
  delete globalThis.Audio;
  delete globalThis.MediaStream;
});

test("a stream of sound is played as it is", async () => {
  const stream = new Stream([SOUND]);
  await new Speaker().play("call", stream);
  assert.equal(players[0].srcObject, stream);
});

test("of a stream with pictures only the sound is played, by the one player of its call", async () => {
  const speaker = new Speaker();
  await speaker.play("call", new Stream([SOUND, PICTURES]));
  await speaker.play("call", new Stream([SOUND, PICTURES]));
  assert.deepEqual([players.length, players[0].srcObject.getTracks()], [1, [SOUND]]);
  speaker.stop("call");
  assert.equal(players[0].srcObject, null);
});

test("sound and pictures are one stream, whether the far side has put them into one, into two, or into none", () => {
  const both = new Stream([SOUND, PICTURES]);
  assert.equal(wholeStream(wholeStream(null, SOUND, both), PICTURES, both), both);
  const [heard, seen] = [new Stream([SOUND]), new Stream([PICTURES])];
  assert.equal(wholeStream(null, SOUND, heard), heard);
  assert.deepEqual(wholeStream(heard, PICTURES, seen).getTracks(), [SOUND, PICTURES]);
  assert.deepEqual(wholeStream(wholeStream(null, PICTURES), SOUND).getTracks(), [PICTURES, SOUND]);
});

test("another far side's sound takes the place of the first one's, and what has ended is left out", () => {
  const other = { kind: "audio", readyState: "live" };
  const next = new Stream([other]);
  assert.equal(wholeStream(new Stream([SOUND]), other, next), next);
  assert.equal(wholeStream(new Stream([SOUND, { kind: "video", readyState: "ended" }]), other, next), next);
});
