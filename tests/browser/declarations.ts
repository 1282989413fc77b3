// The declarations proved against the source: each thing that grtc.d.ts declares is what the module of that name is.
// Compiled by check_types.mjs beside the sources, which is all that has to be done with it.

import type * as declaredElement from "./declared/element.js";
import type * as declared from "./grtc.js";
import * as elementSource from "./grtc/element.js";
import * as source from "./grtc/index.js";
import { LegacyClient } from "./grtc/legacyClient.js";
import { Grtc } from "./grtc/main.js";

export const modules: typeof declared = source;
export const script: Omit<declared.Library, "Client"> = Grtc;

// Grtc.Client is two: with `serverUrl` the constructor of one returns the other
export const client: typeof declared.Client = Grtc.Client;
export const legacy: new (configuration: declared.LegacyConfiguration) => declared.LegacyClient = LegacyClient;

export const element: typeof declaredElement.PhoneElement = elementSource.PhoneElement;
