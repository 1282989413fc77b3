// A browser's WebRTC for tests under node: an RTCPeerConnection that keeps to the rules of its signaling states (W3C
// WebRTC, section 4.7.3), with descriptions that could be real ones, and the streams and tracks that go with it.

let made = 0; // connections, for a fingerprint of each one's own

const wrong = (text) => new DOMException(text, "InvalidStateError");

/** Returns a description of one audio section, of the side that a fingerprint and ICE credentials name. */
export function description({
  side = "FA",
  ice = "far",
  type = "offer",
  direction = "sendrecv",
  codecs = "0 101",
  port = 9,
  version = 1,
} = {}) {
  const setup = type === "offer" ? "actpass" : "active";
  return [
    "v=0",
    `o=- 4711 ${version} IN IP4 127.0.0.1`,
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    `m=audio ${port} UDP/TLS/RTP/SAVPF ${codecs}`,
    "c=IN IP4 0.0.0.0",
    "a=rtcp-mux",
    "a=mid:0",
    `a=setup:${setup}`,
    `a=ice-ufrag:${ice}1`,
    `a=ice-pwd:${ice.padEnd(24, "x")}`,
    `a=fingerprint:sha-256 ${Array(32).fill(side).join(":")}`,
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host",
    `a=${direction}`,
    "",
  ].join("\r\n");
}

/** A description of plain RTP: no browser can do anything with it. */
export const PLAIN = [
  "v=0",
  "o=- 1 1 IN IP4 192.0.2.9",
  "s=-",
  "c=IN IP4 192.0.2.9",
  "t=0 0",
  "m=audio 30000 RTP/AVP 0 101",
  "a=rtpmap:101 telephone-event/8000",
  "a=sendrecv",
  "",
].join("\r\n");

const directionOf = (sdp) => /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(sdp)?.[1] ?? "sendrecv";
const sends = (direction) => direction.startsWith("send");
const receives = (direction) => direction === "sendrecv" || direction === "recvonly";
const named = (send, receive) => (send ? (receive ? "sendrecv" : "sendonly") : receive ? "recvonly" : "inactive");

/** A track of a microphone, or of the far side. */
export class FakeTrack extends EventTarget {
  enabled = true;
  readyState = "live";

  constructor(kind = "audio") {
    super();
    this.kind = kind;
  }

  clone() {
    return new FakeTrack(this.kind);
  }

  stop() {
    this.readyState = "ended";
  }
}

/** A stream: tracks, and nothing else. */
export class FakeStream {
  #tracks;

  constructor(tracks = []) {
    this.#tracks = [...tracks];
  }

  getTracks() {
    return [...this.#tracks];
  }

  getAudioTracks() {
    return this.#tracks.filter(({ kind }) => kind === "audio");
  }
}

class FakeSender {
  constructor(track) {
    this.track = track;
  }

  async replaceTrack(track) {
    this.track = track;
  }
}

class FakeTransceiver {
  currentDirection = null;
  stopped = false;

  constructor(kind, track, direction) {
    this.sender = new FakeSender(track);
    this.receiver = { track: new FakeTrack(kind), getSynchronizationSources: () => [] };
    this.direction = direction;
  }

  stop() {
    this.stopped = true;
  }
}

// What a description does in a signaling state: [state, type, of whom] to the next state.
const LOCAL = {
  offer: { stable: "have-local-offer", "have-local-offer": "have-local-offer" },
  answer: { "have-remote-offer": "stable" },
  rollback: { "have-local-offer": "stable" },
};
const REMOTE = {
  offer: { stable: "have-remote-offer", "have-remote-offer": "have-remote-offer" },
  pranswer: { "have-local-offer": "have-remote-pranswer", "have-remote-pranswer": "have-remote-pranswer" },
  answer: { "have-local-offer": "stable", "have-remote-pranswer": "stable" },
  rollback: { "have-remote-offer": "stable" },
};

/** Connections in the order of their making; see `install`. */
export const connections = [];

export class FakePeerConnection extends EventTarget {
  signalingState = "stable";
  connectionState = "new";
  iceConnectionState = "new";
  iceGatheringState = "new";
  currentLocalDescription = null;
  pendingLocalDescription = null;
  currentRemoteDescription = null;
  pendingRemoteDescription = null;
  #configuration;
  #side = (0x10 + (made += 1)).toString(16).toUpperCase();
  #ice = 1;
  #version = 0;
  #transceivers = [];

  constructor(configuration = {}) {
    super();
    this.#configuration = configuration;
    connections.push(this);
  }

  get localDescription() {
    return this.pendingLocalDescription ?? this.currentLocalDescription;
  }

  get remoteDescription() {
    return this.pendingRemoteDescription ?? this.currentRemoteDescription;
  }

  getConfiguration() {
    return this.#configuration;
  }

  setConfiguration(configuration) {
    this.#open();
    this.#configuration = configuration;
  }

  addTrack(track) {
    this.#open();
    if (this.getSenders().some((sender) => sender.track === track)) throw new DOMException("", "InvalidAccessError");
    this.#transceivers.push(new FakeTransceiver(track.kind, track, "sendrecv"));
    return this.#transceivers.at(-1).sender;
  }

  addTransceiver(kind, { direction }) {
    this.#open();
    this.#transceivers.push(new FakeTransceiver(kind, null, direction));
    return this.#transceivers.at(-1);
  }

  getTransceivers() {
    return [...this.#transceivers];
  }

  getSenders() {
    return this.#transceivers.map(({ sender }) => sender);
  }

  getReceivers() {
    return this.#transceivers.map(({ receiver }) => receiver);
  }

  async getStats() {
    return new Map();
  }

  async createOffer({ iceRestart = false } = {}) {
    this.#open();
    if (iceRestart) this.#ice += 1;
    return { type: "offer", sdp: this.#described("offer", this.#audio().direction) };
  }

  async createAnswer() {
    this.#open();
    if (this.signalingState !== "have-remote-offer") throw wrong(`createAnswer in ${this.signalingState}`);
    const offered = directionOf(this.remoteDescription.sdp);
    const { direction } = this.#audio();
    const answer = named(sends(direction) && receives(offered), receives(direction) && sends(offered));
    return { type: "answer", sdp: this.#described("answer", answer) };
  }

  async setLocalDescription({ type, sdp = "" }) {
    this.#change(LOCAL, type);
    if (type === "answer") this.#agreed(new Description(type, sdp), this.remoteDescription);
    else this.pendingLocalDescription = type === "rollback" ? null : new Description(type, sdp);
    if (type !== "rollback") this.#gather();
  }

  async setRemoteDescription({ type, sdp = "" }) {
    if (type !== "rollback" && !/^v=0[^]*^m=/m.test(sdp)) throw new DOMException("no description", "OperationError");
    if (type !== "rollback" && !/^a=fingerprint:/m.test(sdp)) throw new DOMException("no keys", "InvalidAccessError");
    this.#change(REMOTE, type);
    if (type === "answer") this.#agreed(this.localDescription, new Description(type, sdp));
    else this.pendingRemoteDescription = type === "rollback" ? null : new Description(type, sdp);
    if (type === "offer" && !this.#transceivers.length) this.addTransceiver("audio", { direction: "recvonly" });
    if (type !== "rollback" && sends(directionOf(sdp))) this.#tell("track", this.#arrival());
  }

  close() {
    this.signalingState = this.connectionState = this.iceConnectionState = "closed"; // which fires no event
  }

  /** Has the media's way be in a state of `connectionState`, and tells of it. */
  way(state) {
    this.connectionState = this.iceConnectionState = state;
    this.#tell("iceconnectionstatechange");
    this.#tell("connectionstatechange");
  }

  #open() {
    if (this.signalingState === "closed") throw wrong("the connection is closed");
  }

  #change(table, type) {
    this.#open();
    const next = table[type]?.[this.signalingState];
    if (!next) throw wrong(`${type} in ${this.signalingState}`);
    this.signalingState = next;
    this.#tell("signalingstatechange");
  }

  #agreed(local, remote) {
    Object.assign(this, { currentLocalDescription: local, currentRemoteDescription: remote });
    this.pendingLocalDescription = this.pendingRemoteDescription = null;
    const [ours, theirs] = [directionOf(local.sdp), directionOf(remote.sdp)];
    this.#audio().currentDirection = named(sends(ours) && receives(theirs), receives(ours) && sends(theirs));
  }

  #audio() {
    return this.#transceivers.find(({ receiver }) => receiver.track.kind === "audio");
  }

  #described(type, direction) {
    this.#version += 1;
    const ice = `ice${this.#side}${this.#ice}`;
    return description({ side: this.#side, ice, type, direction, version: this.#version });
  }

  #arrival() {
    const { track } = this.#audio().receiver;
    return { track, streams: [new FakeStream([track])] };
  }

  #gather() {
    this.iceGatheringState = "gathering";
    this.#tell("icegatheringstatechange");
    queueMicrotask(() => {
      this.iceGatheringState = "complete";
      this.#tell("icecandidate", { candidate: null });
      this.#tell("icegatheringstatechange");
    });
  }

  #tell(name, details = {}) {
    this.dispatchEvent(Object.assign(new Event(name), details));
  }
}

class Description {
  constructor(type, sdp) {
    Object.assign(this, { type, sdp });
  }
}

/**
 * Makes all of it this process's WebRTC; `microphone` may throw, as getUserMedia does.
 * @returns {{asked: number}} how often the microphone was asked for
 */
export function install(microphone = () => {}) {
  const count = { asked: 0 };
  const getUserMedia = async () => {
    count.asked += 1;
    microphone();
    return new FakeStream([new FakeTrack("audio")]);
  };
  connections.length = 0;
  Object.assign(globalThis, { RTCPeerConnection: FakePeerConnection, MediaStream: FakeStream, isSecureContext: true });
  const navigator = { userAgent: "", onLine: true, mediaDevices: Object.assign(new EventTarget(), { getUserMedia }) };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true, writable: true });
  return count;
}

/** Takes the timers into hand: `clock.pass(ms)` lets that time pass, one due timer after the other. */
export function holdTimers(test) {
  const { setTimeout: real, clearTimeout: clear } = globalThis;
  const timers = new Map();
  let now = 0;
  let count = 0;
  globalThis.setTimeout = (work, time = 0, ...rest) => {
    timers.set((count += 1), { work: () => work(...rest), at: now + time });
    return count;
  };
  globalThis.clearTimeout = (timer) => (typeof timer === "number" ? timers.delete(timer) : clear(timer)); // set before
  test.after(() => Object.assign(globalThis, { setTimeout: real, clearTimeout: clear }));
  const next = (until) =>
    [...timers].filter(([, { at }]) => at <= until).sort(([, one], [, other]) => one.at - other.at)[0];
  return {
    async pass(time) {
      const until = now + time;
      await settled();
      for (let due = next(until); due; due = next(until)) {
        const [key, { work, at }] = due;
        timers.delete(key);
        now = at;
        work();
        await settled();
      }
      now = until;
    },
  };
}

/** Waits until everything that has been begun here has gone as far as it gets. */
export async function settled() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
