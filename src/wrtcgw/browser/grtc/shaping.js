// What is done to our own descriptions before they are sent.

const CANDIDATE = /^a=candidate:.*$/;

/** Splits into the session part and the media sections, each a list of lines. */
function sections(sdp) {
  return sdp.replace(/\r\n$/, "").split(/\r\n(?=m=)/).map((block) => block.split("\r\n"));
}

function joined(blocks) {
  return `${blocks.map((lines) => lines.join("\r\n")).join("\r\n")}\r\n`;
}

const kindOf = (lines) => /^m=(\w+)/.exec(lines[0])?.[1] ?? "";

/**
 * Leaves out the candidates that a filter leaves out.
 * @param {(candidates: {candidate: string, sdpMid: string, sdpMLineIndex: number}[]) => object[] | undefined} filter
 *   returns those to be kept, or takes the others from the list that it is given
 */
export function filterCandidates(sdp, filter) {
  const blocks = sections(sdp);
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
  const equal = (one, other) => one?.candidate === other.candidate && one.sdpMLineIndex === other.sdpMLineIndex;
  const same = (one, other) => one === other || equal(one, other);
  for (const candidate of all.filter((each) => !kept.some((one) => same(one, each)))) {
    const { block, line } = lines.get(candidate);
    block.splice(block.indexOf(line), 1);
  }
  return joined(blocks);
}

/** Asks for no more than so much video (`b=AS`); 0 leaves it to the far side. */
export function limitVideo(sdp, kbps) {
  if (!kbps) return sdp;
  return joined(sections(sdp).map((lines) => {
    if (kindOf(lines) !== "video") return lines;
    const others = lines.filter((line) => !line.startsWith("b=AS:"));
    const place = others.findLastIndex((line) => line.startsWith("c="));
    const after = place < 0 ? 1 : place + 1;
    return [...others.slice(0, after), `b=AS:${kbps}`, ...others.slice(after)];
  }));
}

const DEAF = { sendrecv: "sendonly", recvonly: "inactive" };

/** Takes back that we would receive what is not wanted: `{audio: true, video: false}`. */
export function receiveOnly(sdp, wanted) {
  return directed(sdp, (kind, direction) => (wanted[kind] === false ? DEAF[direction] ?? direction : direction));
}

/** Puts all on hold. */
export function inactive(sdp) {
  return directed(sdp, () => "inactive");
}

function directed(sdp, change) {
  const direct = (lines) => lines.map((line) => {
    const direction = /^a=(sendrecv|sendonly|recvonly|inactive)$/.exec(line)?.[1];
    return direction ? `a=${change(kindOf(lines), direction)}` : line;
  });
  return joined(sections(sdp).map((lines) => (kindOf(lines) ? direct(lines) : lines)));
}
