// The loudspeaker: what of a stream is played.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Speaker } from "../../src/wrtcgw/browser/grtc/devices.js";

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

const [SOUND, PICTURES] = [{ kind: "audio" }, { kind: "video" }];
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
