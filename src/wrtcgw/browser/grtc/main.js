// What a page gets that takes the library as one script: globalThis.Grtc.

import {
  getWebrtcDetectedBrowser,
  getWebrtcDetectedVersion,
  getWebrtcMinimumVersion,
  isWebrtcSupported,
} from "./browserinfo.js";
import { Call } from "./call.js";
import { Client } from "./client.js";
import { Emitter } from "./emitter.js";
import { PhoneError } from "./errors.js";
import { lint } from "./lint.js";
import { LEVELS, Logger, setExternalLogger, setLogger } from "./logger.js";
import { VideoConstraints } from "./pagemedia.js";
import { deparam } from "./params.js";
import { Phone } from "./phone.js";
import { opinion } from "./quality.js";
import { MediaSession } from "./session.js";
import { ERROR_NAMES, GrtcError } from "./vendorerrors.js";

const names = /** @type {Record<typeof ERROR_NAMES[number], string>} */ (
  Object.fromEntries(ERROR_NAMES.map((name) => [name, name]))
);
const vendor = {
  ...LEVELS,
  ...names,
  Client,
  Error: GrtcError,
  GrtcError,
  Logger,
  MediaSession,
  VideoConstraints,
  deparam,
  getWebrtcDetectedBrowser,
  getWebrtcDetectedVersion,
  getWebrtcMinimumVersion,
  isWebrtcSupported,
  setExternalLogger,
  setLogger,
};

export const Grtc = { Call, Emitter, Phone, PhoneError, lint, opinion, ...vendor };
