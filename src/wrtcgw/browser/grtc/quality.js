// How good a call is: numbers of getStats, and what people would say of them.

const PACKET_MS = 20;
const BUFFER_MS = 20; // of the far side, which nobody tells
const LOSS_ROBUSTNESS = 25.1; // Bpl of G.711 with packet loss concealment, ITU-T G.113 appendix I

/**
 * Estimates the mean opinion score, 1 to 4.5, by the E-model (ITU-T G.107) as Cole and Rosenbluth simplified it for
 * VoIP ("Voice over IP Performance Monitoring", ACM SIGCOMM CCR 31(2), 2001): R = 93.2 - Id - Ie,eff, with
 * Id = 0.024 d + 0.11 (d - 177.3), the second part for a delay d above 177.3 ms only, and G.107's
 * Ie,eff = 95 Ppl / (Ppl + Bpl) for random loss. The delay is half the round trip, the packets, and a buffer of twice
 * the jitter. For Opus there is no agreed Bpl; that of G.711 with concealment is taken for all codecs.
 * @param {{rtt?: number, jitter?: number, loss?: number}} sample ms, ms, percent
 */
export function opinion({ rtt = 0, jitter = 0, loss = 0 }) {
  const delay = rtt / 2 + PACKET_MS + BUFFER_MS + 2 * jitter;
  const delayed = 0.024 * delay + 0.11 * Math.max(0, delay - 177.3);
  const lost = Math.min(100, Math.max(0, loss));
  const rating = 93.2 - delayed - (95 * lost) / (lost + LOSS_ROBUSTNESS);
  if (rating <= 0) return 1;
  const score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;
  return Math.round(100 * Math.min(4.5, Math.max(1, score))) / 100;
}

/**
 * @typedef {{packets: number, bytes: number, lost: number, jitter: number}} Flow jitter in milliseconds
 * @typedef {{codec: string, rtt: number, rx: Flow, tx: Flow, farLoss: number, energy: number, seconds: number}} Medium
 *   `farLoss`: what the far side has lost lately, in percent
 * @typedef {ReturnType<typeof read>} Reading
 */

/**
 * Reads the reports of a connection's getStats.
 * @param {Iterable<any>} reports
 * @returns {{audio: Medium, video: Medium | null, relayed: boolean, source: {energy: number} | null}} `source`: what
 *   the microphone gave, where the browser tells it
 */
export function read(reports) {
  const all = [...reports];
  const byId = new Map(all.map((one) => [one.id, one]));
  const pair = chosenPair(all, byId);
  const local = byId.get(pair?.localCandidateId);
  const remote = byId.get(pair?.remoteCandidateId);
  const way = { rtt: 1000 * (pair?.currentRoundTripTime ?? 0) };
  const video = medium("video", all, byId, way);
  return {
    audio: medium("audio", all, byId, way),
    video: video.rx.packets || video.tx.packets ? video : null,
    relayed: local?.candidateType === "relay" || remote?.candidateType === "relay",
    source: microphone(all),
  };
}

/** @param {any[]} all */
function microphone(all) {
  const sources = all.filter(({ type, kind }) => type === "media-source" && kind === "audio");
  const energies = sources.map(({ totalAudioEnergy }) => totalAudioEnergy).filter((each) => typeof each === "number");
  return energies.length ? { energy: energies.reduce((total, each) => total + each, 0) } : null;
}

/**
 * @param {any[]} all
 * @param {Map<string, any>} byId
 */
function chosenPair(all, byId) {
  const transport = all.find((one) => one.type === "transport" && one.selectedCandidatePairId);
  /** @param {any} one */
  const nominated = (one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded";
  return byId.get(transport?.selectedCandidatePairId) ?? all.find(nominated);
}

/**
 * @param {"audio" | "video"} kind
 * @param {any[]} all
 * @param {Map<string, any>} byId
 * @param {{rtt: number}} way
 */
function medium(kind, all, byId, way) {
  /** @param {string} type */
  const of = (type) => all.filter((one) => one.type === type && (one.kind ?? one.mediaType) === kind);
  /** @type {(reports: any[], name: string) => number} */
  const sum = (reports, name) => reports.reduce((total, one) => total + (one[name] ?? 0), 0);
  const [inbound, outbound, remote] = [of("inbound-rtp"), of("outbound-rtp"), of("remote-inbound-rtp")];
  const codec = byId.get((inbound[0] ?? outbound[0])?.codecId)?.mimeType ?? "";
  const told = remote.find((one) => one.roundTripTime > 0)?.roundTripTime;
  return {
    codec: codec.split("/").pop(),
    rtt: told === undefined ? way.rtt : 1000 * told,
    rx: {
      packets: sum(inbound, "packetsReceived"),
      bytes: sum(inbound, "bytesReceived"),
      lost: sum(inbound, "packetsLost"),
      jitter: 1000 * Math.max(0, ...inbound.map((one) => one.jitter ?? 0)),
    },
    tx: {
      packets: sum(outbound, "packetsSent"),
      bytes: sum(outbound, "bytesSent"),
      lost: sum(remote, "packetsLost"),
      jitter: 1000 * Math.max(0, ...remote.map((one) => one.jitter ?? 0)),
    },
    farLoss: 100 * Math.max(0, ...remote.map((one) => one.fractionLost ?? 0)),
    energy: sum(inbound, "totalAudioEnergy"),
    seconds: sum(inbound, "totalSamplesDuration"),
  };
}

/**
 * Returns the quality since an earlier reading; without one, since the beginning. Nothing at all where something is
 * `expected` is the worst that there is, though no packet is known to be lost.
 * @param {Reading} now
 * @param {Reading | null} [before]
 * @param {{expected?: boolean}} [circumstances]
 */
export function assess(now, before = null, { expected = true } = {}) {
  const { audio } = now;
  const old = before?.audio;
  const base = old && old.rx.packets <= audio.rx.packets ? old.rx : { lost: 0, packets: 0 };
  const lost = Math.max(0, audio.rx.lost - base.lost);
  const received = audio.rx.packets - base.packets;
  const loss = lost + received ? (100 * lost) / (lost + received) : 0;
  const seconds = audio.seconds - (old?.seconds ?? 0);
  const energy = audio.energy - (old?.energy ?? 0);
  return {
    rtt: rounded(audio.rtt),
    jitter: rounded(audio.rx.jitter),
    loss: rounded(loss),
    mos: old && expected && !received ? 1 : opinion({ rtt: audio.rtt, jitter: audio.rx.jitter, loss }),
    codec: audio.codec,
    sent: audio.tx.packets,
    received: audio.rx.packets,
    bytesSent: audio.tx.bytes,
    bytesReceived: audio.rx.bytes,
    level: seconds > 0 && energy > 0 ? Math.min(1, Math.sqrt(energy / seconds)) : 0,
    relayed: now.relayed,
  };
}

/**
 * Returns a reading as the gateway's /api/webrtc/stats takes it; a far side that was never heard has no score.
 * @param {Reading} reading
 * @param {{mos: number}} quality
 * @param {import("../grtc.js").MediaVerdict | null} [verdict] of the call until now
 */
export function report(reading, quality, verdict = null) {
  /** @type {(medium: Medium, mos: number) => object} */
  const shown = ({ codec, rtt, rx, tx }, mos) => ({
    ...(codec ? { codec } : {}),
    ...(mos ? { mos } : {}),
    rtt: rounded(rtt),
    rx: flow(rx),
    tx: flow(tx),
  });
  const mos = reading.audio.rx.packets ? quality.mos : 0;
  return {
    timestamp: Date.now(),
    audio: shown(reading.audio, mos),
    ...(reading.video ? { video: shown(reading.video, 0) } : {}),
    ...(verdict ? { verdict } : {}),
  };
}

/** @param {Flow} told */
function flow({ packets, bytes, lost, jitter }) {
  return { packets, bytes, lost, jitter: rounded(jitter) };
}

/** @param {number} value */
function rounded(value) {
  return Math.round(100 * value) / 100;
}
