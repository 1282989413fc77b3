// Where the buttons and lamps of a headset are in its reports. Numbers are those of the HID Usage Tables 1.5, pages
// 0x08 (LED) and 0x0B (Telephony Device); the shapes are those of WebHID.

/** The page of telephony devices: what a browser is asked for. */
export const TELEPHONY = 0x0b;

/**
 * What a headset can say, by page and usage. Some makers call a call off by their only programmable button.
 * @type {Record<number, string>}
 */
const BUTTONS = {
  0x0b0007: "reject",
  0x0b0020: "hook",
  0x0b0021: "flash",
  0x0b0023: "hold",
  0x0b0024: "redial",
  0x0b0026: "drop",
  0x0b002f: "mute",
};
const [KEY_0, KEY_9, KEY_STAR, KEY_POUND] = [0x0b00b0, 0x0b00b9, 0x0b00ba, 0x0b00bb];

/**
 * What can be shown on it.
 * @type {Record<number, Lamp>}
 */
const LAMPS = {
  0x080009: "mute",
  0x080017: "offHook",
  0x080018: "ring",
  0x080020: "hold",
  0x0b009e: "ring", // Ringer
};
const MOST = 512; // fields of one item that are looked at

/**
 * @typedef {"mute" | "offHook" | "ring" | "hold"} Lamp
 *
 * @typedef {object} HidItem of a report, as WebHID has it
 * @property {boolean} [isAbsolute]
 * @property {boolean} [isArray]
 * @property {boolean} [isRange]
 * @property {number[]} [usages]
 * @property {number} [usageMinimum]
 * @property {number} [usageMaximum]
 * @property {number} [reportSize] bits of a field
 * @property {number} [reportCount] fields
 * @property {number} [logicalMinimum]
 *
 * @typedef {{reportId?: number, items?: HidItem[]}} HidReport
 * @typedef {{usagePage?: number, inputReports?: HidReport[], outputReports?: HidReport[]}} HidCollection
 *
 * @typedef {object} Field
 * @property {number} reportId
 * @property {number} offset in bits
 * @property {number} size in bits
 * @property {string} name
 *
 * @typedef {Field & {relative: boolean, names: string[] | null, least: number}} Button `relative`: it tells a press,
 *   not how it stands; `names`: one of these is pressed, counted from `least`
 * @typedef {{buttons: Button[], lamps: (Field & {name: Lamp})[], sizes: Map<number, number>}} Layout `sizes`: bytes of
 *   an output report, by its id
 */

/**
 * Returns where what is known of telephony is in a device's reports. A collection has the items of all collections
 * inside it, so only the outermost are read.
 * @param {HidCollection[]} collections
 * @returns {Layout}
 */
export function layoutOf(collections) {
  /** @type {Layout} */
  const layout = { buttons: [], lamps: [], sizes: new Map() };
  /** @type {Map<number, number>[]} */
  const [inputs, outputs] = [new Map(), new Map()]; // bits so far, by report
  for (const { usagePage, inputReports = [], outputReports = [] } of collections) {
    for (const [reportId, offset, item] of placed(inputReports, inputs)) {
      layout.buttons.push(...buttonsOf(reportId, offset, item));
    }
    for (const [reportId, offset, item] of placed(outputReports, outputs)) {
      if (usagePage === TELEPHONY) layout.lamps.push(...lampsOf(reportId, offset, item));
    }
  }
  for (const [reportId, bits] of outputs) layout.sizes.set(reportId, Math.ceil(bits / 8));
  return layout;
}

/**
 * Gives each item with its report and its place there, in bits.
 * @param {HidReport[]} reports
 * @param {Map<number, number>} ends
 * @returns {Generator<[number, number, HidItem]>}
 */
function* placed(reports, ends) {
  for (const { reportId = 0, items = [] } of reports) {
    for (const item of items) {
      const offset = ends.get(reportId) ?? 0;
      ends.set(reportId, offset + (item.reportSize ?? 0) * (item.reportCount ?? 0));
      yield [reportId, offset, item];
    }
    if (!ends.has(reportId)) ends.set(reportId, 0);
  }
}

/**
 * @param {number} reportId
 * @param {number} offset
 * @param {HidItem} item
 * @returns {Button[]}
 */
function buttonsOf(reportId, offset, item) {
  const { isAbsolute = true, isArray = false, reportSize: size = 1, logicalMinimum: least = 0 } = item;
  const names = usagesOf(item).map(buttonOf);
  const common = { reportId, size, relative: !isAbsolute, least };
  /** @param {number} index */
  const at = (index) => offset + index * size;
  if (!isArray) {
    return names.flatMap((name, index) => (name ? [{ ...common, offset: at(index), name, names: null }] : []));
  }
  if (!names.some(Boolean)) return [];
  const count = Math.min(item.reportCount ?? 0, MOST);
  return Array.from({ length: count }, (_, index) => ({ ...common, offset: at(index), name: "", names }));
}

/**
 * @param {number} reportId
 * @param {number} offset
 * @param {HidItem} item
 */
function lampsOf(reportId, offset, item) {
  const { isArray = false, reportSize: size = 1 } = item;
  if (isArray) return []; // no headset is known that has them so
  return usagesOf(item).flatMap((usage, index) =>
    LAMPS[usage] ? [{ reportId, offset: offset + index * size, size, name: LAMPS[usage] }] : [],
  );
}

/**
 * Returns the usages of an item's fields (or of an array's values), each as page and usage; a filler has none.
 * @param {HidItem} item
 */
function usagesOf({ isRange, usages = [], usageMinimum = 0, usageMaximum = 0, isArray, reportCount = 0 }) {
  const all = isRange
    ? Array.from({ length: Math.min(usageMaximum - usageMinimum + 1, MOST) }, (_, index) => usageMinimum + index)
    : [...usages];
  return isArray ? all : all.slice(0, Math.min(reportCount, MOST));
}

/** @param {number} usage */
function buttonOf(usage) {
  if (usage >= KEY_0 && usage <= KEY_9) return `key ${usage - KEY_0}`;
  if (usage === KEY_STAR) return "key *";
  return usage === KEY_POUND ? "key #" : (BUTTONS[usage] ?? "");
}

/**
 * Returns the value of a field in a report; 0 when the report is shorter.
 * @param {Field} field
 * @param {DataView} data
 */
export function valueOf({ offset, size }, data) {
  let value = 0;
  for (let bit = 0; bit < Math.min(size, 16); bit += 1) {
    const at = offset + bit;
    const byte = at >> 3 < data.byteLength ? data.getUint8(at >> 3) : 0;
    value |= ((byte >> (at & 7)) & 1) << bit;
  }
  return value;
}

/**
 * Returns the output reports that show this, by their ids.
 * @param {Layout} layout
 * @param {Record<Lamp, boolean>} lit
 */
export function reportsOf({ lamps, sizes }, lit) {
  /** @type {Map<number, Uint8Array<ArrayBuffer>>} */
  const reports = new Map();
  for (const { reportId, offset, name } of lamps) {
    const report = reports.get(reportId) ?? new Uint8Array(sizes.get(reportId) ?? 0);
    if (lit[name]) report[offset >> 3] |= 1 << (offset & 7);
    reports.set(reportId, report);
  }
  return reports;
}
