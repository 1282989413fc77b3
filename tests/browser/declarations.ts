// The declarations proved against the source: each thing that grtc.d.ts declares is what the module of that name is.
// Compiled by check_types.mjs beside the sources, which is all that has to be done with it.

import type * as declaredElement from "./declared/element.js";
import type * as declared from "./grtc.js";
import * as elementSource from "./grtc/element.js";
import { Headset } from "./grtc/headset.js";
import * as source from "./grtc/index.js";
import { LegacyClient } from "./grtc/legacyClient.js";
import { Grtc } from "./grtc/main.js";
import { noiseSuppressor } from "./grtc/noise.js";
import { VendorHeadset } from "./grtc/vendorheadset.js";

export const modules: typeof declared = source;
export const script: Omit<declared.Library, "Client"> = Grtc;

// Grtc.Client is two: with `serverUrl` the constructor of one returns the other
export const client: typeof declared.Client = Grtc.Client;
export const legacy: new (configuration: declared.LegacyConfiguration) => declared.LegacyClient = LegacyClient;

// modules that are in neither index.js nor the one script
export const headset: new (phone: source.Phone, options?: declared.HeadsetOptions) => declared.Headset = Headset;
export const other: declared.VendorHeadsetConstructor = VendorHeadset;
export const noise: declared.NoiseSuppressor = noiseSuppressor;
export const element: typeof declaredElement.PhoneElement = elementSource.PhoneElement;
