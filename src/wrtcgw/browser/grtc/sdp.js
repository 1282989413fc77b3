// Reading session descriptions: sections, attributes, codecs.

/** @type {Record<string, string>} */
const STATIC_CODECS = { 0: "pcmu", 3: "gsm", 8: "pcma", 9: "g722", 13: "cn", 18: "g729" };
/** @typedef {{kind: string, port: number, protocol: string, formats: string[], lines: string[]}} Section of media */

const NO_SPEECH = ["telephone-event", "cn", "red", "ulpfec", "rtx", "flexfec-03"];

/**
 * Splits a description, without blanks at the ends of its lines, into its session part and its media sections:
 * `{session, media: [{kind, port, lines, …}]}`.
 * @param {string} sdp
 * @returns {{session: string[], media: Section[]}}
 */
export function parse(sdp) {
  const blocks = sdp
    .trim()
    .replace(/[ \t]+(?=\r?\n)/g, "")
    .split(/\r?\n(?=m=)/);
  const session = blocks[0].startsWith("m=") ? [] : (blocks.shift() ?? "").split(/\r?\n/);
  return { session, media: blocks.map((block) => section(block.split(/\r?\n/))) };
}

/**
 * @param {string[]} lines
 * @returns {Section}
 */
function section(lines) {
  const [kind, port, protocol, ...formats] = lines[0].slice(2).split(" ");
  return { kind, port: Number.parseInt(port, 10), protocol, formats, lines };
}

/**
 * Returns the values of an attribute; "" for each that is a mere flag.
 * @param {string[]} lines
 * @param {string} name
 */
export function values(lines, name) {
  const start = `a=${name}`;
  const named = lines.filter((line) => line === start || line.startsWith(`${start}:`));
  return named.map((line) => line.slice(start.length + 1));
}

/**
 * Returns the codecs of a media section by name and rate, in lower case: `["opus/48000", …]`.
 * @param {Section} media
 */
export function codecs(media) {
  const names = new Map(
    values(media.lines, "rtpmap").map((value) => {
      const [format, name] = value.split(" ");
      return /** @type {const} */ ([format, (name ?? "").toLowerCase().split("/").slice(0, 2).join("/")]);
    }),
  );
  /** @param {string} format */
  const known = (format) => (STATIC_CODECS[format] ? `${STATIC_CODECS[format]}/8000` : "");
  return media.formats.map((format) => names.get(format) ?? known(format));
}

/**
 * Returns those of a section's codecs that carry speech or pictures.
 * @param {Section} media
 */
export function contents(media) {
  return codecs(media).filter((name) => name && !NO_SPEECH.includes(name.split("/")[0]));
}

/**
 * Tells whether digits can be sent in a media section.
 * @param {Section} media
 */
export function takesEvents(media) {
  return codecs(media).some((name) => name.startsWith("telephone-event"));
}

/**
 * Tells whether the description of a far side lets digits be sent in the media.
 * @param {string} sdp
 */
export function takesDigits(sdp) {
  return parse(sdp).media.some((media) => media.kind === "audio" && takesEvents(media));
}

/**
 * Tells whether two descriptions have a codec for speech in common; where one has no audio, nothing is missing.
 * @param {string} ours
 * @param {string} theirs
 */
export function haveCommonCodec(ours, theirs) {
  const mine = audioOf(ours).flatMap(contents);
  const audio = audioOf(theirs);
  if (!audio.length || !mine.length) return true;
  return audio.some((media) => media.port === 0 || contents(media).some((name) => mine.includes(name)));
}

/**
 * Tells whether all audio of a description is refused.
 * @param {string} sdp
 */
export function refusesAudio(sdp) {
  const audio = audioOf(sdp);
  return audio.length > 0 && audio.every(({ port }) => port === 0);
}

/** @param {string} sdp */
function audioOf(sdp) {
  return parse(sdp).media.filter(({ kind }) => kind === "audio");
}
