// What a far side's session description leaves out that a browser needs, by name.
//
// A browser refuses such a description with an error of its own making, or takes it and stays silent. The rules name
// the line instead, so that whoever runs the PBX knows what to switch on.

import { contents, parse, takesEvents, values } from "./sdp.js";

/** @import { Finding } from "../grtc.js" */
/** @import { Section } from "./sdp.js" */

const DIRECTIONS = ["sendrecv", "sendonly", "recvonly", "inactive"];
const PRIVATE = new RegExp(
  [
    "^(?:10|127|169\\.254|192\\.168|172\\.(?:1[6-9]|2\\d|3[01])|100\\.(?:6[4-9]|[7-9]\\d|1[01]\\d|12[0-7]))\\.",
    "^(?:f[cd]|fe80)[0-9a-f]*:",
    "^::1$",
  ].join("|"),
  "i",
);
const NOWHERE = ["0.0.0.0", "::"];
const SETUPS = ["active", "passive", "actpass", "holdconn"];
const LONGEST_MID = 16;

/**
 * Returns what is wrong with a description that came from a far side.
 * @param {string} sdp what came
 * @param {{local?: string, type?: "offer" | "answer"}} [context] our own description that it answers, or follows
 * @returns {Finding[]}
 */
export function lint(sdp, { local, type = "offer" } = {}) {
  const { session, media } = parse(sdp);
  const found = media.flatMap((each, index) => (each.port === 0 ? [] : section(each, session, type, index)));
  if (!media.length) found.push({ rule: "m-line", text: "there is no m= line: nothing to talk over" });
  const ours = local ? parse(local).media : [];
  const names = type === "answer" ? nameByOffer(media, ours) : nameByOrder(media);
  found.push(
    ...misnamed(media, names),
    ...misbundled(session, names),
    ...media.flatMap((each, index) => (each.port === 0 && type === "offer" ? handshake(each, index) : [])),
  );
  return local ? [...found, ...compared(ours, media, type)] : found;
}

/**
 * Returns why a far side's description is none of WebRTC, or "": no medium of it has a key that DTLS could check.
 * @param {string} sdp
 */
export function whyNotWebRTC(sdp) {
  const { session, media } = parse(sdp);
  const live = media.filter(({ port }) => port !== 0);
  if (!live.length || live.some(({ lines }) => has([...lines, ...session], "fingerprint"))) return "";
  return `${live[0].protocol}, no DTLS fingerprint`;
}

// The rules of names, groups and an offer's a=setup hold for a section with port 0 as well: Chromium refuses all of the
// description for them (tried with 156).

/** @type {(media: Section) => string | undefined} */
const midOf = (media) => values(media.lines, "mid")[0];

/**
 * Chromium calls sections without a=mid 0, 1 ... in their order, whatever the others are called.
 * @param {Section[]} media
 */
function nameByOrder(media) {
  let nameless = 0;
  return media.map((each) => midOf(each) ?? String(nameless++));
}

/**
 * In an answer they are the offer's by their order.
 * @param {Section[]} media
 * @param {Section[]} ours
 */
function nameByOffer(media, ours) {
  return media.map((each, index) => midOf(each) ?? (ours[index] && midOf(ours[index])) ?? String(index));
}

/**
 * @param {Section[]} media
 * @param {string[]} names
 * @returns {Finding[]}
 */
function misnamed(media, names) {
  return media.flatMap(({ kind, lines }, index) => {
    const name = names[index];
    const text = [
      names.indexOf(name) < index &&
        (has(lines, "mid")
          ? `a=mid:${name} stands twice`
          : `a=mid is missing, so browsers call it ${name}, as another section is called already`),
      name.length > LONGEST_MID && `a=mid:${name} is longer than the ${LONGEST_MID} characters that Chromium takes`,
    ].find(Boolean);
    return text ? [{ rule: "mid", text: `${kind}: ${text}`, media: index }] : [];
  });
}

/**
 * @param {string[]} session
 * @param {string[]} names
 * @returns {Finding[]}
 */
function misbundled(session, names) {
  const groups = values(session, "group").map((value) => value.trim().split(/\s+/));
  const all = groups.filter(([kind]) => kind === "BUNDLE").flatMap(([, ...mids]) => [...new Set(mids)]);
  return [...new Set(all)].flatMap((mid) => {
    const text = [
      !names.includes(mid) && `a=group:BUNDLE names ${mid}, but no m= line has a=mid:${mid}`,
      all.indexOf(mid) !== all.lastIndexOf(mid) && `${mid} is in two groups BUNDLE`,
    ].find(Boolean);
    return text ? [{ rule: "bundle", text }] : [];
  });
}

/**
 * @param {Section} media
 * @param {number} index
 * @returns {Finding[]}
 */
function handshake({ kind, lines }, index) {
  const text = wrongSetup(values(lines, "setup")[0], "offer");
  return text ? [{ rule: "setup", text: `${kind}: ${text}`, media: index }] : [];
}

/**
 * @param {string | undefined} said
 * @param {"offer" | "answer"} type
 */
function wrongSetup(said, type) {
  if (said === undefined) return "";
  if (!SETUPS.includes(said)) return `a=setup:${said} is none of ${SETUPS.join(", ")}`;
  if (type === "answer" && said === "actpass") return "a=setup:actpass in an answer, which has to choose";
  return said === "holdconn" ? "a=setup:holdconn: no browser connects DTLS so, or answers it" : "";
}

/**
 * A section with port 0 is refused, or bundled away: nothing is asked of it.
 * @param {Section} media
 * @param {string[]} session
 * @param {"offer" | "answer"} type
 * @param {number} index
 * @returns {Finding[]}
 */
function section(media, session, type, index) {
  const secure = /SAVP/.test(media.protocol);
  const about = { media, lines: media.lines, all: [...media.lines, ...session], session, type, secure };
  return Object.entries(RULES).flatMap(([rule, judge]) => {
    const text = judge(about);
    return text ? [{ rule, text: `${media.kind}: ${text}`, media: index }] : [];
  });
}

/** @type {(lines: string[], name: string) => boolean} */
const has = (lines, name) => values(lines, name).length > 0;

/**
 * @typedef {{media: Section, lines: string[], all: string[], session: string[], type: "offer" | "answer",
 *   secure: boolean}} About a section, with the lines of the session
 */

/** @type {Record<string, (about: About) => string | false | undefined>} what is wrong, else nothing */
const RULES = {
  profile: ({ media, secure }) =>
    !secure && `${media.protocol} is plain RTP, browsers speak UDP/TLS/RTP/SAVPF only: switch WebRTC (DTLS, AVPF) on`,
  "rtcp-mux": ({ lines, secure }) =>
    secure && !has(lines, "rtcp-mux") && "a=rtcp-mux is missing: browsers insist on one port for RTP and RTCP",
  mid: ({ lines }) => !has(lines, "mid") && "a=mid is missing: a=group:BUNDLE and browsers name sections by it",
  "ice-ufrag": ({ all }) =>
    !(has(all, "ice-ufrag") && has(all, "ice-pwd")) &&
    "a=ice-ufrag and a=ice-pwd are missing: without ICE a browser sends nothing",
  fingerprint: ({ all, secure }) =>
    secure && !has(all, "fingerprint") && "a=fingerprint is missing: DTLS cannot be checked, and browsers refuse that",
  setup: ({ all, secure, type }) => {
    const [said] = values(all, "setup");
    return secure && !said ? "a=setup is missing: nobody knows who begins with DTLS" : wrongSetup(said, type);
  },
  msid: ({ lines }) => {
    const told = has(lines, "msid") || values(lines, "ssrc").some((value) => value.includes("msid:"));
    const sends = !lines.includes("a=recvonly") && !lines.includes("a=inactive");
    return sends && !told && "a=msid is missing: the sound comes without a stream";
  },
  direction: ({ all }) =>
    !DIRECTIONS.some((each) => all.includes(`a=${each}`)) && "no direction is told, which means sendrecv",
  candidates: ({ lines, session }) => {
    const hosts = addresses(lines);
    const lite = session.includes("a=ice-lite") ? ", although it is ice-lite" : "";
    if (!hosts.length) return `there is no a=candidate${lite}: only its own checks can connect it`;
    return hosts.some((host) => NOWHERE.includes(host)) && "a candidate has the address 0.0.0.0";
  },
  "private-candidates": ({ lines }) => {
    const hosts = [...new Set(addresses(lines))];
    return (
      hosts.length > 0 &&
      hosts.every((host) => PRIVATE.test(host)) &&
      `only private addresses (${hosts.join(", ")}): they are reached from the same network only`
    );
  },
  address: ({ lines, all }) => {
    const [place] = all.filter((line) => line.startsWith("c="));
    return (
      !addresses(lines).length &&
      NOWHERE.includes(place?.split(" ")[2] ?? "") &&
      "c= is 0.0.0.0 and there is no candidate: nowhere to send to"
    );
  },
  "telephone-event": ({ media }) =>
    media.kind === "audio" && !takesEvents(media) && "no telephone-event: digits can go by signalling only",
};

/** @param {string[]} lines */
function addresses(lines) {
  return values(lines, "candidate").map((value) => value.split(" ")[4]);
}

/**
 * @param {Section[]} ours
 * @param {Section[]} theirs
 * @param {"offer" | "answer"} type
 * @returns {Finding[]}
 */
function compared(ours, theirs, type) {
  /** @type {Finding[]} */
  const found = [];
  if (type === "answer" && theirs.length !== ours.length) {
    found.push({ rule: "m-line", text: `the answer has ${theirs.length} m= lines, the offer ${ours.length}` });
  }
  ours.slice(0, theirs.length).forEach((mine, index) => {
    const other = theirs[index];
    const [we, they] = [contents(mine), contents(other)];
    const [our, their] = [midOf(mine), midOf(other)];
    if (type === "answer" && our !== undefined && their !== undefined && our !== their) {
      const text = `m= line ${index + 1} is called ${their}, ours ${our}: an answer has to keep the name`;
      found.push({ rule: "mid", text, media: index });
    }
    if (other.kind !== mine.kind) {
      const text = `m= line ${index + 1} is ${other.kind}, ours is ${mine.kind}: the order has to stay`;
      found.push({ rule: "m-line", text, media: index });
    } else if (other.port && mine.port && !they.some((name) => we.includes(name))) {
      const text = `${other.kind}: no codec in common: they have ${list(they)}, we ${list(we)}`;
      found.push({ rule: "codec", text, media: index });
    }
  });
  return found;
}

/** @param {string[]} names */
function list(names) {
  return names.join(", ") || "none";
}
