// What is done to our own descriptions before they are sent.

/**
 * @typedef {{candidate: string, sdpMid: string, sdpMLineIndex: number}} Candidate
 * @typedef {"sendrecv" | "sendonly" | "recvonly" | "inactive"} Direction
 */

const CANDIDATE = /^a=candidate:.*$/;

/**
 * Splits into the session part and the media sections, each a list of lines.
 * @param {string} sdp
 */
function sections(sdp) {
  return sdp
    .replace(/\r\n$/, "")
    .split(/\r\n(?=m=)/)
    .map((block) => block.split("\r\n"));
}

/** @param {string[][]} blocks */
function joined(blocks) {
  return `${blocks.map((lines) => lines.join("\r\n")).join("\r\n")}\r\n`;
}

/** @param {string[]} lines */
const kindOf = (lines) => /^m=(\w+)/.exec(lines[0])?.[1] ?? "";

/**
 * Leaves out the candidates that a filter leaves out.
 *  @param {string} sdp
 * @param {(candidates: Candidate[]) => Candidate[] | undefined | void} filter
 *   returns those to be kept, or takes the others from the list that it is given
 */
export function filterCandidates(sdp, filter) {
  const blocks = sections(sdp);
  /** @type {Map<Candidate, {block: string[], line: string}>} */
  const lines = new Map();
  blocks.filter(kindOf).forEach((block, index) => {
    const sdpMid = block.find((line) => line.startsWith("a=mid:"))?.slice(6) ?? "";
    for (const line of block.filter((each) => CANDIDATE.test(each))) {
      lines.set({ candidate: line.slice(2), sdpMid, sdpMLineIndex: index }, { block, line });
    }
  });
  const all = [...lines.keys()];
  const given = [...all];
  const kept = filter(given) ?? given;
  if (!Array.isArray(kept)) return sdp;
  /** @type {(one: Candidate | undefined, other: Candidate) => boolean} */
  const equal = (one, other) => one?.candidate === other.candidate && one.sdpMLineIndex === other.sdpMLineIndex;
  /** @type {(one: Candidate, other: Candidate) => boolean} */
  const same = (one, other) => one === other || equal(one, other);
  for (const candidate of all.filter((each) => !kept.some((one) => same(one, each)))) {
    const found = lines.get(candidate);
    found?.block.splice(found.block.indexOf(found.line), 1);
  }
  return joined(blocks);
}

/**
 * Asks for no more than so much video (`b=AS`); 0 leaves it to the far side.
 * @param {string} sdp
 * @param {number} kbps
 */
export function limitVideo(sdp, kbps) {
  if (!kbps) return sdp;
  return joined(
    sections(sdp).map((lines) => {
      if (kindOf(lines) !== "video") return lines;
      const others = lines.filter((line) => !line.startsWith("b=AS:"));
      const place = others.findLastIndex((line) => line.startsWith("c="));
      const after = place < 0 ? 1 : place + 1;
      return [...others.slice(0, after), `b=AS:${kbps}`, ...others.slice(after)];
    }),
  );
}

/** @type {Partial<Record<Direction, Direction>>} */
const DEAF = { sendrecv: "sendonly", recvonly: "inactive" };

/**
 * Takes back that we would receive what is not wanted: `{audio: true, video: false}`.
 * @param {string} sdp
 * @param {Record<string, boolean>} wanted
 */
export function receiveOnly(sdp, wanted) {
  return directed(sdp, (kind, direction) => (wanted[kind] === false ? (DEAF[direction] ?? direction) : direction));
}

/**
 * Puts all on hold.
 * @param {string} sdp
 */
export function inactive(sdp) {
  return directed(sdp, () => "inactive");
}

/**
 * @param {string} sdp
 * @param {(kind: string, direction: Direction) => Direction} change
 */
function directed(sdp, change) {
  /** @param {string[]} lines */
  const direct = (lines) =>
    lines.map((line) => {
      const direction = /^a=(sendrecv|sendonly|recvonly|inactive)$/.exec(line)?.[1];
      return direction ? `a=${change(kindOf(lines), /** @type {Direction} */ (direction))}` : line;
    });
  return joined(sections(sdp).map((lines) => (kindOf(lines) ? direct(lines) : lines)));
}
