// What a far side's session description leaves out that a browser needs, by name (user report B2).
//
// A browser refuses such a description with an error of its own making, or takes it and stays silent. The rules name the
// line instead, so that whoever runs the PBX knows what to switch on.

const DIRECTIONS = ["sendrecv", "sendonly", "recvonly", "inactive"];
const PRIVATE = /^(?:10\.|127\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe80|::1$)/i;
const STATIC_CODECS = { 0: "pcmu", 3: "gsm", 8: "pcma", 9: "g722", 13: "cn", 18: "g729" };
const NO_SPEECH = ["telephone-event", "cn", "red", "ulpfec", "rtx", "flexfec-03"];

/** Splits a description into its session part and its media sections: `{session, media: [{kind, port, lines, …}]}`. */
export function parse(sdp) {
  const blocks = sdp.trim().split(/\r?\n(?=m=)/);
  const session = blocks[0].startsWith("m=") ? [] : blocks.shift().split(/\r?\n/);
  return { session, media: blocks.map((block) => section(block.split(/\r?\n/))) };
}

function section(lines) {
  const [kind, port, protocol, ...formats] = lines[0].slice(2).split(" ");
  return { kind, port: Number.parseInt(port, 10), protocol, formats, lines };
}

function values(lines, name) {
  const start = `a=${name}`;
  return lines.filter((line) => line === start || line.startsWith(`${start}:`)).map((line) => line.slice(start.length + 1));
}

/** Returns the codecs of a media section by name and rate, in lower case: `["opus/48000", …]`. */
export function codecs(media) {
  const names = new Map(values(media.lines, "rtpmap").map((value) => {
    const [format, name] = value.split(" ");
    return [format, (name ?? "").toLowerCase().split("/").slice(0, 2).join("/")];
  }));
  return media.formats.map((format) => names.get(format) ?? (STATIC_CODECS[format] ? `${STATIC_CODECS[format]}/8000` : ""));
}

/** Tells whether the description of a far side lets digits be sent in the media. */
export function takesDigits(sdp) {
  return parse(sdp).media.some((media) => media.kind === "audio" && codecs(media).some((name) => name.startsWith("telephone-event")));
}

/** Tells whether two descriptions have a codec for speech in common; one that has no audio cannot be wrong. */
export function haveCommonCodec(ours, theirs) {
  const mine = parse(ours).media.filter(({ kind }) => kind === "audio").flatMap(speech);
  const audio = parse(theirs).media.filter(({ kind }) => kind === "audio");
  return !audio.length || !mine.length || audio.some((media) => media.port === 0 || speech(media).some((name) => mine.includes(name)));
}

function speech(media) {
  return codecs(media).filter((name) => name && !NO_SPEECH.includes(name.split("/")[0]));
}

/**
 * Returns what is wrong with a description that came from a far side.
 * @param {string} sdp what came
 * @param {{local?: string, type?: "offer" | "answer"}} [context] our own description, when `sdp` answers it or follows it
 * @returns {{rule: string, text: string, media?: number}[]}
 */
export function lint(sdp, { local, type = "offer" } = {}) {
  const { session, media } = parse(sdp);
  const found = [];
  media.forEach((each, index) => {
    if (each.port === 0) return; // refused, or bundled away
    const tell = (rule, text) => found.push({ rule, text: `${each.kind}: ${text}`, media: index });
    for (const rule of RULES) rule({ each, session, type, tell, secure: /SAVP/.test(each.protocol) });
  });
  if (!media.length) found.push({ rule: "m-line", text: "there is no m= line: nothing to talk over" });
  if (local) compare(parse(local), media, type, found);
  return found;
}

const RULES = [
  ({ each, tell, secure }) => {
    if (!secure) tell("profile", `${each.protocol} is plain RTP, browsers speak only UDP/TLS/RTP/SAVPF: switch WebRTC (DTLS, AVPF) on`);
  },
  ({ each, tell, secure }) => {
    if (secure && !values(each.lines, "rtcp-mux").length) tell("rtcp-mux", "a=rtcp-mux is missing: browsers insist on one port for RTP and RTCP");
  },
  ({ each, session, tell }) => {
    const bundled = values(session, "group").some((group) => group.startsWith("BUNDLE"));
    if (!values(each.lines, "mid").length) tell("mid", `a=mid is missing${bundled ? ", although a=group:BUNDLE names sections by it" : ""}`);
  },
  ({ each, session, tell }) => {
    for (const name of ["ice-ufrag", "ice-pwd"]) {
      if (!values([...each.lines, ...session], name).length) tell("ice-ufrag", `a=${name} is missing: without ICE a browser sends nothing`);
    }
  },
  ({ each, session, tell, secure }) => {
    if (secure && !values([...each.lines, ...session], "fingerprint").length) tell("fingerprint", "a=fingerprint is missing: DTLS cannot be checked, and browsers refuse that");
  },
  ({ each, session, type, tell, secure }) => {
    const [setup] = values([...each.lines, ...session], "setup");
    if (secure && !setup) tell("setup", "a=setup is missing: nobody knows who begins with DTLS");
    else if (setup === "actpass" && type === "answer") tell("setup", "a=setup:actpass in an answer: it has to choose active or passive");
  },
  ({ each, tell }) => {
    const told = values(each.lines, "ssrc").some((value) => value.includes("msid:"));
    const sends = !each.lines.some((line) => line === "a=recvonly" || line === "a=inactive");
    if (sends && !values(each.lines, "msid").length && !told) tell("msid", "a=msid is missing: the sound comes without a stream");
  },
  ({ each, session, tell }) => {
    const said = [...each.lines, ...session].filter((line) => DIRECTIONS.includes(line.slice(2)));
    if (!said.length) tell("direction", "no direction is told, which means sendrecv");
  },
  candidates,
  ({ each, tell }) => {
    if (each.kind === "audio" && !codecs(each).some((name) => name.startsWith("telephone-event"))) tell("telephone-event", "no telephone-event: digits can go by signalling only");
  },
];

function candidates({ each, session, tell }) {
  const hosts = values(each.lines, "candidate").map((value) => value.split(" ")[4]);
  const lite = session.includes("a=ice-lite");
  const [place] = [...each.lines, ...session].filter((line) => line.startsWith("c="));
  const address = place?.split(" ")[2];
  if (!hosts.length) tell("candidates", `there is no a=candidate${lite ? ", although it is ice-lite" : ""}: only its checks of ours can connect it`);
  else if (hosts.some((host) => host === "0.0.0.0" || host === "::")) tell("candidates", "a candidate has the address 0.0.0.0");
  else if (hosts.every((host) => PRIVATE.test(host))) tell("private-candidates", `only private addresses (${[...new Set(hosts)].join(", ")}): they are reached from the same network only`);
  if (!hosts.length && (address === "0.0.0.0" || address === "::")) tell("address", "c= is 0.0.0.0 and there is no candidate: nowhere to send to");
}

function compare(ours, media, type, found) {
  if (type === "answer" && media.length !== ours.media.length) {
    found.push({ rule: "m-line", text: `the answer has ${media.length} m= lines, the offer ${ours.media.length}: they have to be as many` });
  }
  ours.media.forEach((mine, index) => {
    const theirs = media[index];
    if (!theirs) return;
    const tell = (rule, text) => found.push({ rule, text, media: index });
    if (theirs.kind !== mine.kind) tell("m-line", `m= line ${index + 1} is ${theirs.kind}, ours is ${mine.kind}: the order has to stay`);
    else if (theirs.port && !speech(theirs).some((name) => speech(mine).includes(name))) {
      tell("codec", `${theirs.kind}: no codec in common: they have ${speech(theirs).join(", ") || "none"}, we ${speech(mine).join(", ") || "none"}`);
    }
  });
}
