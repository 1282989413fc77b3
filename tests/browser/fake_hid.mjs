// A browser's WebHID for tests under node: devices whose collections are what Chromium makes of headsets' report
// descriptors, and which tell and take reports as bytes.
//
// A descriptor is written here as its items, in their order: `item(flags, usages)`, or `filler(bits)`. Chromium adds the
// items of inner collections to the outer ones as well, which the outermost collection of each device below shows.

const [LED, TELEPHONY] = [0x080000, 0x0b0000];
const ABSOLUTE = 0x02;
const RELATIVE = 0x06;
const STANDS = 0x22; // absolute, without a preferred state: it stays where it is put
const CONSTANT = 0x01; // some headsets have it with what they tell, too

export const phone = (...usages) => usages.map((usage) => TELEPHONY + usage);
export const led = (...usages) => usages.map((usage) => LED + usage);

function item(flags, usages, { size = 1, count = usages.length, isRange = false, least = 0 } = {}) {
  return {
    isConstant: Boolean(flags & 0x01),
    isArray: !(flags & 0x02),
    isAbsolute: !(flags & 0x04),
    hasPreferredState: !(flags & 0x20),
    isRange,
    ...(isRange ? { usageMinimum: usages[0], usageMaximum: usages.at(-1) } : { usages }),
    reportSize: size,
    reportCount: count,
    logicalMinimum: least,
  };
}

const filler = (bits) => item(CONSTANT | 0x02, [], { count: bits });
const collection = (usagePage, usage, inputReports, outputReports = [], children = []) => ({
  usagePage,
  usage,
  type: 1,
  inputReports,
  outputReports,
  featureReports: [],
  children,
});
const KEYPAD = item(0x40, phone(0xb0, 0xbb), { size: 4, count: 1, isRange: true }); // 0 for none: null position

/** A Jabra Link 380 (0b0e:24c8): a hook that stands, the other buttons tell presses, a keypad, one report each way. */
export const LINK_380 = {
  productName: "Jabra Link 380",
  collections: [
    collection(
      0x0b,
      0x05,
      [
        {
          reportId: 2,
          items: [
            item(STANDS | CONSTANT, phone(0x20, 0x97, 0x2a)),
            item(RELATIVE | CONSTANT, phone(0x2f, 0x21, 0x24, 0x50)),
            KEYPAD,
            item(ABSOLUTE, phone(0x07)),
            filler(4),
          ],
        },
      ],
      [
        {
          reportId: 2,
          items: [item(STANDS, led(0x17, 0x1e, 0x09, 0x18, 0x20, 0x21, 0x2a)), item(STANDS, phone(0x9e)), filler(8)],
        },
      ],
      [collection(0x0b, 0x06, [{ reportId: 2, items: [KEYPAD] }])],
    ),
    collection(0xff00, 0x01, [{ reportId: 5, items: [item(0x100, [0xff000001], { size: 8, count: 62 })] }]),
    collection(0x0c, 0x01, [{ reportId: 1, items: [item(ABSOLUTE, [0x0c00ea, 0x0c00e9, 0x0c00e2]), filler(13)] }]),
  ],
};

/** A headset of the kind that Bluetooth chips bring: a button that is 1 for as long as a finger is on it, for all. */
export const MOMENTARY = {
  productName: "Headset BT",
  collections: [
    collection(
      0x0b,
      0x05,
      [{ reportId: 1, items: [item(ABSOLUTE, phone(0x20)), item(ABSOLUTE, phone(0x2f)), filler(6)] }],
      [{ reportId: 2, items: [item(ABSOLUTE, led(0x09, 0x17, 0x18)), filler(5)] }],
    ),
  ],
};

/** A desk phone's: no report ids, hook and mute stand as they are, Hold, Drop, and a lamp for hold in a report alone. */
export const DESK = {
  productName: "Desk handset",
  collections: [
    collection(
      0x0b,
      0x01,
      [{ reportId: 0, items: [item(STANDS, phone(0x20, 0x2f)), item(RELATIVE, phone(0x23, 0x26)), filler(4)] }],
      [{ reportId: 0, items: [item(ABSOLUTE, led(0x17, 0x09, 0x18, 0x20)), filler(4)] }],
    ),
  ],
};

/** A mouse: nothing of telephony. */
export const MOUSE = {
  productName: "Mouse",
  collections: [collection(0x01, 0x02, [{ reportId: 0, items: [item(ABSOLUTE, [0x090001, 0x090002]), filler(6)] }])],
};

export class FakeDevice extends EventTarget {
  opened = false;
  /** All output reports: `[id, ...bytes]`. */
  sent = [];
  forgotten = false;
  refuses = false;

  constructor({ productName, collections }) {
    super();
    this.productName = productName;
    this.collections = structuredClone(collections);
  }

  async open() {
    if (this.refuses) throw new DOMException("Failed to open the device.", "NotAllowedError");
    if (this.opened) throw new DOMException("The device is already open.", "InvalidStateError");
    this.opened = true;
  }

  async close() {
    this.opened = false;
  }

  async forget() {
    this.forgotten = true;
  }

  async sendReport(id, bytes) {
    if (!this.opened) throw new DOMException("The device must be opened first.", "InvalidStateError");
    await null;
    this.sent.push([id, ...bytes]);
  }

  /** Tells a report. */
  tell(reportId, ...bytes) {
    const data = new DataView(Uint8Array.from(bytes).buffer);
    this.dispatchEvent(Object.assign(new Event("inputreport"), { device: this, reportId, data }));
  }
}

export class FakeHid extends EventTarget {
  /** Devices that the page was allowed. */
  allowed = [];
  /** What the chooser gives next: devices, or an error. */
  chosen = [];
  asked = [];

  async getDevices() {
    return [...this.allowed];
  }

  async requestDevice(options) {
    this.asked.push(options);
    if (this.chosen instanceof Error) throw this.chosen;
    this.allowed.push(...this.chosen);
    return this.chosen;
  }

  plug(device) {
    this.allowed.push(device);
    this.dispatchEvent(Object.assign(new Event("connect"), { device }));
  }

  unplug(device) {
    device.opened = false;
    this.allowed = this.allowed.filter((each) => each !== device);
    this.dispatchEvent(Object.assign(new Event("disconnect"), { device }));
  }
}
