// Types of the library: /grtc.js (globalThis.Grtc) and the modules below /grtc/.

/** A word for programs: one of the library's own, or a `code` of the gateway (see its README). */
export type ErrorCode =
  | "microphone_refused" | "no_microphone" | "microphone_busy" | "insecure_context" | "unsupported_browser"
  | "no_common_codec" | "media_failed" | "playback_blocked" | "gateway_unreachable" | "transfer_failed"
  | "call_failed" | "call_ended" | "wrong_state" | "not_supported" | "not_signed_in" | "bad_input"
  | (string & {});

export interface ErrorDetails { hint?: string; status?: number; sipCode?: number; reason?: string; cause?: unknown }

export class PhoneError extends Error {
  constructor(code: ErrorCode, details?: ErrorDetails);
  readonly code: ErrorCode;
  /** A sentence for people; the same as `message`. */
  readonly hint: string;
  /** The HTTP status; 0 when it does not come from the gateway. */
  readonly status: number;
  /** The SIP code; 0 for none. */
  readonly sipCode: number;
  readonly reason: string;
  readonly details: Record<string, unknown>;
}

type Listener<T extends unknown[]> = (...details: T) => unknown;

export class Emitter<Events extends { [Name in keyof Events]: unknown[] } = Record<string, unknown[]>> {
  /** Returns a function that takes the listener off again. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void;
  once<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void;
  off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void;
}

export interface Attached { key: string; value: string }

export interface Registration {
  state: "REGISTERED" | "RECOVERING" | "FAILED" | "SIGNED_OUT";
  sipCode: number;
  reason: string;
  hint?: string;
}

export interface PhoneOptions {
  /** Base address of the gateway; by default where the library came from. */
  gateway?: string;
  /** Where the session is kept through a reload; null keeps nothing. Default sessionStorage. */
  storage?: Storage | null;
  /** Tells several phones of one page apart in the storage. */
  name?: string;
  /** How messages come: an event stream with long polls as fall-back ("auto"), or one of them only. */
  events?: "auto" | "stream" | "poll";
  /** "gateway" (default) asks /api/webrtc/ice before each call. */
  iceServers?: "gateway" | RTCIceServer[];
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** Obey callers who want to be answered without a click; default false. */
  autoAnswer?: boolean;
  /** Answer when the server orders it (third-party call control); default true. */
  answerOnTalk?: boolean;
  /** Play the far sides' sound; default true. */
  play?: boolean;
  /** A last hand on our own descriptions before they are sent. */
  shape?: (sdp: string, type: "offer" | "answer", call: Call) => string;
}

export interface CallOptions {
  audio?: boolean;
  video?: boolean;
  /** Data to attach to the call. */
  data?: Attached[];
  /** Tracks to send in place of the microphone. */
  stream?: MediaStream | null;
}

export interface Device { deviceId: string; label: string }

export interface PhoneEvents {
  registration: [Registration];
  connection: [{ state: "online" | "offline"; error?: PhoneError }];
  incoming: [Call];
  /** After any change of a call. */
  call: [Call];
  callended: [Call];
  signedout: [{ reason: string }];
  error: [PhoneError];
  devices: [];
}

export interface Agent { dn: string; password: string; id?: string; displayName?: string }
export interface Guest { guest: true; id?: string }

/** One agent at one gateway, with any number of calls. */
export class Phone extends Emitter<PhoneEvents> {
  constructor(options?: PhoneOptions);
  readonly id: string;
  readonly dn: string;
  readonly displayName: string;
  readonly guest: boolean;
  readonly isSignedIn: boolean;
  /** By call id; a call that the gateway has not named yet by an id of its own. */
  readonly calls: Map<string, Call>;
  readonly registration: Registration;
  readonly connection: "online" | "offline";
  /** How messages come at present. */
  readonly way: "stream" | "poll";
  signIn(who: Agent | Guest): Promise<void>;
  /** Goes on with the session that this tab had before a reload; tells whether there was one. */
  resume(): Promise<boolean>;
  signOut(): Promise<void>;
  /** Signs out without waiting: for a page that goes away for good. */
  leave(): void;
  call(to: string, options?: CallOptions): Promise<Call>;
  devices(): Promise<{ microphones: Device[]; speakers: Device[]; cameras: Device[] }>;
  setMicrophone(deviceId: string): Promise<void>;
  setSpeaker(deviceId: string): Promise<void>;
  /** 0 to 1; 0 while there is no call. */
  microphoneLevel(): number;
}

export type CallState = "calling" | "ringing" | "early" | "incoming" | "answering" | "established" | "ended";

export interface Ending {
  /** "local", "remote", "busy", "cancelled", "answered-elsewhere", "transferred" …, or an ErrorCode. */
  cause: string;
  sipCode: number;
  reason: string;
  hint: string;
  missed: boolean;
  answeredElsewhere: boolean;
}

export interface Quality {
  /** Round trip in ms. */
  rtt: number;
  /** In ms. */
  jitter: number;
  /** Percent of what the far side has sent since the last sample. */
  loss: number;
  /** Mean opinion score, 1 to 4.5, estimated by the E-model. */
  mos: number;
  codec: string;
  /** Packets. */
  sent: number;
  received: number;
  bytesSent: number;
  bytesReceived: number;
  /** How loud the far side was since the last sample, 0 to 1. */
  level: number;
  /** Whether the media go through a TURN server. */
  relayed: boolean;
}

export interface Finding { rule: string; text: string; media?: number }

export interface TransferProgress {
  state: "PROCEEDING" | "DONE" | "FAILED" | "REQUESTED";
  sipCode: number;
  reason: string;
  hint: string;
  to: string;
}

export interface CallEvents {
  state: [CallState];
  /** `held` or `heldByPeer` has changed. */
  hold: [];
  /** The far side's media. */
  media: [MediaStream];
  /** Every 5 s while established. */
  quality: [Quality];
  transfer: [TransferProgress];
  dtmf: [string];
  info: [{ contentType: string; body: string }];
  /** The server orders to answer, or to go on with, this call. */
  talk: [];
  error: [PhoneError];
  /** What the far side's description leaves out. */
  lint: [Finding[]];
  /** The state of the RTCPeerConnection. */
  way: [RTCPeerConnectionState];
  ended: [Ending];
}

/** One call. Times are milliseconds since 1970, null before they are known. */
export class Call extends Emitter<CallEvents> {
  /** The gateway's name for it; empty until it has one. */
  readonly id: string;
  readonly direction: "outbound" | "inbound";
  readonly peer: string;
  readonly displayName: string;
  readonly state: CallState;
  readonly held: boolean;
  readonly heldByPeer: boolean;
  readonly muted: boolean;
  readonly data: Attached[];
  readonly uuid: string;
  /** Seconds after which the caller wants to be answered without a click; null when it does not. */
  readonly autoAnswer: number | null;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  readonly ended: Ending | null;
  readonly remoteStream: MediaStream | null;
  readonly localStream: MediaStream | null;
  readonly connection: RTCPeerConnection | null;
  answer(options?: CallOptions): Promise<void>;
  reject(code?: number): Promise<void>;
  hangup(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  mute(on?: boolean): void;
  dtmf(digits: string, options?: { duration?: number; gap?: number; by?: "rtp" | "info" }): Promise<void>;
  /** Fulfilled when the transfer has succeeded; rejected ("transfer_failed") when it has not, and the call goes on. */
  transfer(to: string): Promise<void>;
  /** Connects the far sides of this call and another one. */
  transferTo(other: Call): Promise<void>;
  sendInfo(body: string, contentType?: string): Promise<void>;
  restartIce(): Promise<void>;
  renegotiate(options?: { fresh?: boolean }): Promise<void>;
  quality(): Promise<Quality>;
  /** How loud the far side is now, 0 to 1. */
  level(): number;
}

/** Returns what a far side's description leaves out that a browser needs. */
export function lint(sdp: string, context?: { local?: string; type?: "offer" | "answer" }): Finding[];
/** Estimates the mean opinion score; ms, ms, percent. */
export function opinion(sample: { rtt?: number; jitter?: number; loss?: number }): number;
