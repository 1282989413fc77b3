// Types of this module: all of the library.

export * from "../grtc.js";
