// Icons, drawn in the page: they are decoration, the words are always beside them or in a label.

const HANDSET =
  "M6.6 3.4 9 3.9l1.5 4.3-2.1 2a12.6 12.6 0 0 0 5.4 5.4l2-2.1 4.3 1.5.5 2.4c.3 1.4-.7 2.6-2.1 2.6C10.3 20 4 13.7 4 5.5c0-1.4 1.2-2.4 2.6-2.1z";
const MICROPHONE = "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z M5.5 11a6.5 6.5 0 0 0 13 0 M12 17.5V21";

/**
 * "fill:" shapes are filled, the others are lines
 * @type {Record<string, string>}
 */
const SHAPES = {
  alert: "M12 4 2.8 19.5h18.4L12 4z M12 10v4.5 M12 17v.1",
  arrowIn: "M19 5 6 18 M6 9v9h9",
  arrowOut: "M5 19 18 6 M9 6h9v9",
  auto: "M12 4a8 8 0 1 0 0 16z M12 4a8 8 0 0 1 0 16",
  backspace: "M9 5h11a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H9l-6-7 6-7z M12 9.5l5 5 M17 9.5l-5 5",
  bars: "M5 19v-4 M10 19v-7 M15 19V9 M20 19V5",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15L6 17z M10 21h4",
  check: "M5 12.5 10 17.5 19.5 7",
  chevron: "M7 10l5 5 5-5",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M12 8v4.5l3 2",
  close: "M6 6l12 12 M18 6 6 18",
  devices: "M4 7h9 M17 7h3 M15 5v4 M4 12h3 M11 12h9 M9 10v4 M4 17h9 M17 17h3 M15 15v4",
  elsewhere: "M4 6h10v7 M4 6v12h7 M14 17h7 M18 14l3 3-3 3",
  globe: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M4 12h16 M12 4c-5 5-5 11 0 16 5-5 5-11 0-16",
  handset: `fill:${HANDSET}`,
  headset:
    "M4.5 14v-2a7.5 7.5 0 0 1 15 0v2 M4.5 13.5h2.5v6H6a1.5 1.5 0 0 1-1.5-1.5z M19.5 13.5H17v6h1a1.5 1.5 0 0 0 1.5-1.5z M18 19.5c-1 1.5-3 2-5 2",
  info: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M12 11v5 M12 8v.1",
  install: "M12 4v10 M8 10.5l4 4 4-4 M5 19.5h14",
  keyboard: "M3 7h18v10H3z M7 10.5v.1 M10.5 10.5v.1 M14 10.5v.1 M17.5 10.5v.1 M8 14h8",
  keypad:
    "fill:M5 3.5h3v3H5z M10.5 3.5h3v3h-3z M16 3.5h3v3h-3z M5 9h3v3H5z M10.5 9h3v3h-3z M16 9h3v3h-3z M5 14.5h3v3H5z M10.5 14.5h3v3h-3z M16 14.5h3v3h-3z M10.5 20h3v2.5h-3z",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1 M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  microphone: MICROPHONE,
  mini: "M3.5 5.5h17v13h-17z M12.5 12h5.5v4h-5.5z",
  missed: "M4 6l8 8 8-8 M4 11V6h5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  muted: `${MICROPHONE} M4 3l16 18`,
  pause: "M8.5 5v14 M15.5 5v14",
  play: "fill:M8 5l11 7-11 7z",
  quiet: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M8 12h8",
  signOut: "M10 4H5v16h5 M10 12h11 M17 8l4 4-4 4",
  speaker: "M4 9.5v5h3.5L12 19V5L7.5 9.5H4z M15.5 9a4 4 0 0 1 0 6 M18 6.5a8 8 0 0 1 0 11",
  star: "M12 4l2.4 5 5.6.7-4.1 3.8 1.1 5.5-5-2.8-5 2.8 1.1-5.5L4 9.7 9.6 9z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M12 2.5v2 M12 19.5v2 M2.5 12h2 M19.5 12h2 M5.3 5.3l1.4 1.4 M17.3 17.3l1.4 1.4 M5.3 18.7l1.4-1.4 M17.3 6.7l1.4-1.4",
  transfer: "M4 8h14 M14 4l4 4-4 4 M20 16H6 M10 12l-4 4 4 4",
  trash: "M4 7h16 M9 7V4h6v3 M6 7l1 13h10l1-13 M10 11v5 M14 11v5",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
  users:
    "M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z M2.5 19c.8-3.5 3.5-5 6.5-5s5.7 1.5 6.5 5 M16 5.5a3.5 3.5 0 0 1 0 6.5 M18 14.5c2 .8 3.2 2.3 3.6 4.5",
};

const SVG = "http://www.w3.org/2000/svg";

/**
 * Returns an icon as an element that screen readers pass over.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    "aria-hidden": "true",
    focusable: "false",
    class: `icon icon-${name}`,
  })) {
    svg.setAttribute(key, value);
  }
  const filled = SHAPES[name].startsWith("fill:");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[name].replace("fill:", ""));
  path.setAttribute("class", filled ? "filled" : "drawn");
  svg.append(path);
  return svg;
}
