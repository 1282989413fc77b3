// Texts of <wrtc-phone>. They are a module, not JSON as those of the gateway's own pages, since a bundler takes a
// module along, and a page of another origin would need a second request.

/** @import { ErrorCode, EndingCause } from "../grtc.js" */

const en = {
  call: "Call",
  number: "Number",
  answer: "Answer",
  reject: "Reject",
  hangup: "Hang up",
  mute: "Mute",
  unmute: "Unmute",
  hold: "Hold",
  resume: "Resume",
  keypad: "Keypad",
  digits: "Digits",
  signed_out: "Not signed in.",
  ready: "Ready.",
  reconnecting: "The gateway cannot be reached, trying again …",
  asking: "Allow the microphone …",
  somebody: "Unknown",
  "state.calling": "Calling {peer} …",
  "state.ringing": "{peer} is ringing …",
  "state.early": "{peer} is ringing …",
  "state.incoming": "{peer} is calling.",
  "state.answering": "Answering {peer} …",
  "state.established": "In a call with {peer}.",
  "state.held": "{peer} is on hold.",
  "state.heldByPeer": "{peer} has put you on hold.",
  "state.muted": "In a call with {peer}. You are muted.",
  "end.": "The call has ended.",
  "end.local": "The call has ended.",
  "end.remote": "{peer} has hung up.",
  "end.cancelled": "{peer} has given up.",
  "end.answered-elsewhere": "Answered elsewhere.",
  "end.transferred": "{peer} was transferred.",
  "end.busy": "{peer} is busy.",
  "end.declined": "{peer} does not take the call.",
  "end.not-found": "There is no number {peer}.",
  "end.unavailable": "{peer} cannot be reached.",
  "end.timeout": "{peer} does not answer.",
  "end.forbidden": "{peer} may not be called.",
  "end.lost": "The call was lost.",
  "end.page-lost": "The call was lost.",
  "error.microphone_refused": "The microphone is blocked. Allow it for this page, then try again.",
  "error.no_microphone": "There is no microphone. Connect one, then try again.",
  "error.microphone_busy": "The microphone cannot be opened. Another program may be using it.",
  "error.insecure_context": "There is no microphone on this page: it needs https.",
  "error.unsupported_browser": "This browser cannot make calls.",
  "error.gateway_unreachable": "The gateway cannot be reached. Check your network, then try again.",
  "error.foreign_origin": "This page may not call here.",
  "error.registration_refused": "Number or password is wrong.",
  "error.guests_not_allowed": "Calls are not possible at present.",
  "error.too_many_guests": "All lines are busy. Try again in a minute.",
  "error.destination_forbidden": "This number may not be called.",
  "error.too_many_calls": "Too many calls. Wait a moment, then try again.",
  "error.no_sip_connection": "The phone system cannot be reached. Try again in a moment.",
  "error.bad_input": "This is no number that can be called.",
  "error.playback_blocked": "The browser does not play the sound yet. Click somewhere on this page.",
  "error.other": "That did not work. Try again.",
};

/** @type {typeof en} */
const de = {
  call: "Anrufen",
  number: "Rufnummer",
  answer: "Annehmen",
  reject: "Ablehnen",
  hangup: "Auflegen",
  mute: "Stumm schalten",
  unmute: "Stummschaltung aufheben",
  hold: "Halten",
  resume: "Zurückholen",
  keypad: "Wähltastatur",
  digits: "Ziffern",
  signed_out: "Nicht angemeldet.",
  ready: "Bereit.",
  reconnecting: "Das Gateway ist nicht erreichbar, neuer Versuch …",
  asking: "Erlauben Sie das Mikrofon …",
  somebody: "Unbekannt",
  "state.calling": "{peer} wird angerufen …",
  "state.ringing": "Bei {peer} klingelt es …",
  "state.early": "Bei {peer} klingelt es …",
  "state.incoming": "{peer} ruft an.",
  "state.answering": "Der Anruf von {peer} wird angenommen …",
  "state.established": "Im Gespräch mit {peer}.",
  "state.held": "{peer} wird gehalten.",
  "state.heldByPeer": "{peer} hält das Gespräch.",
  "state.muted": "Im Gespräch mit {peer}. Sie sind stumm geschaltet.",
  "end.": "Der Anruf ist beendet.",
  "end.local": "Der Anruf ist beendet.",
  "end.remote": "{peer} hat aufgelegt.",
  "end.cancelled": "{peer} hat aufgegeben.",
  "end.answered-elsewhere": "Anderswo angenommen.",
  "end.transferred": "{peer} wurde weitergeleitet.",
  "end.busy": "{peer} ist besetzt.",
  "end.declined": "{peer} nimmt den Anruf nicht an.",
  "end.not-found": "Die Rufnummer {peer} gibt es nicht.",
  "end.unavailable": "{peer} ist nicht erreichbar.",
  "end.timeout": "{peer} meldet sich nicht.",
  "end.forbidden": "{peer} darf nicht angerufen werden.",
  "end.lost": "Die Verbindung ging verloren.",
  "end.page-lost": "Die Verbindung ging verloren.",
  "error.microphone_refused":
    "Das Mikrofon ist gesperrt. Erlauben Sie es für diese Seite, dann versuchen Sie es wieder.",
  "error.no_microphone": "Es gibt kein Mikrofon. Schließen Sie eines an, dann versuchen Sie es wieder.",
  "error.microphone_busy": "Das Mikrofon lässt sich nicht öffnen. Vielleicht benutzt es ein anderes Programm.",
  "error.insecure_context": "Auf dieser Seite gibt es kein Mikrofon: Sie braucht https.",
  "error.unsupported_browser": "Dieser Browser kann nicht anrufen.",
  "error.gateway_unreachable": "Das Gateway ist nicht erreichbar. Prüfen Sie Ihr Netz, dann versuchen Sie es wieder.",
  "error.foreign_origin": "Diese Seite darf hier nicht anrufen.",
  "error.registration_refused": "Rufnummer oder Passwort stimmt nicht.",
  "error.guests_not_allowed": "Anrufe sind zurzeit nicht möglich.",
  "error.too_many_guests": "Alle Leitungen sind belegt. Versuchen Sie es in einer Minute wieder.",
  "error.destination_forbidden": "Diese Rufnummer darf nicht angerufen werden.",
  "error.too_many_calls": "Zu viele Anrufe. Warten Sie einen Moment, dann versuchen Sie es wieder.",
  "error.no_sip_connection": "Die Telefonanlage ist nicht erreichbar. Versuchen Sie es gleich noch einmal.",
  "error.bad_input": "Das ist keine Rufnummer, die man anrufen kann.",
  "error.playback_blocked": "Der Browser spielt den Ton noch nicht ab. Klicken Sie irgendwo auf diese Seite.",
  "error.other": "Das hat nicht geklappt. Versuchen Sie es wieder.",
};

/** @type {Record<string, Record<string, string>>} */
export const TEXTS = { en, de };

/**
 * Returns the language of these that there are texts in, the first one first; English for none.
 * @param {readonly (string | null | undefined)[]} wanted
 */
export function languageOf(wanted) {
  const short = wanted.map((each) => (each ?? "").toLowerCase().split("-")[0] ?? "");
  return short.find((each) => each in TEXTS) ?? "en";
}

/**
 * Returns a text with its `{peer}` filled.
 * @param {string} language
 * @param {string} key
 * @param {string} [peer]
 */
export function text(language, key, peer = "") {
  return (TEXTS[language]?.[key] ?? key).replace("{peer}", () => peer);
}

/**
 * Returns what to say of an end.
 * @param {string} language
 * @param {EndingCause} cause
 * @param {string} peer
 */
export function ending(language, cause, peer) {
  return text(language, `end.${cause}` in en ? `end.${cause}` : "end.", peer);
}

/**
 * Returns what to say of an error; what has no text here is told in the library's own English, or in few words.
 * @param {string} language
 * @param {{code: ErrorCode, hint: string}} error
 */
export function failure(language, { code, hint }) {
  if (`error.${code}` in en) return text(language, `error.${code}`);
  return language === "en" && hint ? hint : text(language, "error.other");
}

/**
 * Returns the key of the text that tells how a call is.
 * @param {{state: string, held: boolean, heldByPeer: boolean, muted: boolean}} call
 */
export function stateKey({ state, held, heldByPeer, muted }) {
  if (state !== "established") return `state.${state}`;
  return held ? "state.held" : heldByPeer ? "state.heldByPeer" : muted ? "state.muted" : "state.established";
}
