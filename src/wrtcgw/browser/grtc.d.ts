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
  /** `code`: the gateway's word when it knows the session no more, otherwise empty. */
  signedout: [{ reason: string; code: string }];
  error: [PhoneError];
  devices: [];
}

export interface Agent { dn: string; password: string; id?: string; displayName?: string }
/** `dn` counts where the gateway registers DNs without a password (`genesys_no_password`). */
export interface Guest { guest: true; dn?: string }

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
  /** Mean opinion score, 1 to 4.5, estimated by the E-model; 1 when nothing comes although the call is not on hold. */
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
  /** What the gateway says, before it is obeyed. */
  message: [Record<string, unknown>];
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
  /** The caller has sent no description, and wants ours. */
  readonly wantsOffer: boolean;
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
  /** Sends these tracks in place of what is sent now. */
  send(tracks: MediaStreamTrack[]): Promise<void>;
  renegotiate(options?: { fresh?: boolean; video?: boolean }): Promise<void>;
  quality(): Promise<Quality>;
  /** How loud the far side is now, 0 to 1. */
  level(): number;
}

/** Returns what a far side's description leaves out that a browser needs. */
export function lint(sdp: string, context?: { local?: string; type?: "offer" | "answer" }): Finding[];
/** Estimates the mean opinion score; ms, ms, percent. */
export function opinion(sample: { rtt?: number; jitter?: number; loss?: number }): number;

// ---- the vendor's shape: Grtc.Client, Grtc.MediaSession

export interface Callbacks<T extends unknown[]> {
  add(...listeners: ((...details: T) => unknown)[]): this;
  remove(...listeners: ((...details: T) => unknown)[]): this;
  has(listener?: (...details: T) => unknown): boolean;
  fire(...details: T): this;
}

/** Any other key makes the constructor throw a CONFIGURATION_ERROR. Times are milliseconds. */
export interface ClientConfiguration {
  /** Base address; or several, comma separated, of which the next is taken when one cannot be reached. */
  webrtc_gateway: string;
  /** Comma separated. Without any server of the page's own those of the gateway count. */
  stun_server?: string;
  /** Comma separated; needs turn_username and turn_password. */
  turn_server?: string;
  turn_username?: string;
  turn_password?: string;
  sip_username?: string;
  sip_password?: string;
  /** Without effect: always true. */
  dtls_srtp?: boolean;
  /** Without effect: the browser's choice. */
  enable_ipv6?: boolean;
  /** Default 60000, at least 18000. */
  noanswer_timeout?: number;
  /** Default 1000 (2000 with servers), at least 1000. */
  ice_timeout?: number;
  /** Without effect: always so. */
  ice_optimization?: boolean;
  /** Without effect: messages come by an event stream. */
  polling_timeout?: number;
  use_rsa_certificate?: boolean;
}

export interface Failure {
  error: string;
  message: string;
  code: string;
  status?: number;
  sipCode?: number;
  reason?: string;
}
export interface GatewayError {
  /** ROAP's word: "NOMATCH", "TIMEOUT", "REFUSED", "CONFLICT", "FAILED". */
  error: string;
  sipCode?: number;
  reason?: string;
  hint?: string;
  cause?: string;
}
export interface Flow { packets: number; bytes: number; lost: number; jitter: number }
export interface MediumStats { rtt: number; rtt_max: number; rtt_average: number; rx: Flow; tx: Flow }
export interface ServerStats { timestamp: number; duration: number; audio?: MediumStats; video?: MediumStats }
export interface Candidate { candidate: string; sdpMid: string; sdpMLineIndex: number }
/** true, false, or constraints; a screen or window of VideoConstraints is shared. */
export type Source = boolean | object | ((...size: number[]) => unknown);

export class Client {
  constructor(configuration: ClientConfiguration);
  readonly onConnect: Callbacks<[{ id: string }]>;
  readonly onRegister: Callbacks<[{ id: string }]>;
  readonly onFailed: Callbacks<[Failure]>;
  readonly onDisconnect: Callbacks<[{ reason: string }]>;
  readonly onConnectionError: Callbacks<[{ status: number | string }]>;
  readonly onIceDisconnected: Callbacks<[{ status: string }]>;
  readonly onMediaSuccess: Callbacks<[{ stream: MediaStream }]>;
  readonly onMediaFailure: Callbacks<[Failure & { name: string }]>;
  readonly onIncomingCall: Callbacks<[{ peer: string; event: "offer" | "invite" }]>;
  readonly onCallEvent: Callbacks<[{ event: string }]>;
  readonly onNotifyEvent: Callbacks<[{ event: "talk" | "hold"; peer: string }]>;
  readonly onPeerClosing: Callbacks<[{ cause: string; sipCode: number; hint: string }]>;
  readonly onPeerNoanswer: Callbacks<[{ peer: string }]>;
  readonly onInfoFromPeer: Callbacks<[Record<string, string>]>;
  readonly onStatsFromServer: Callbacks<[ServerStats]>;
  readonly onGatewayError: Callbacks<[GatewayError]>;
  readonly onWebrtcError: Callbacks<[{ error: Error }]>;
  /** 0 idle, 1 accepted, 2 started, 3 connected. */
  readonly callState: 0 | 1 | 2 | 3;
  readonly onHold: boolean;
  readonly localStream: MediaStream | null;
  /** What is below, for what this shape has no words for; null before sign-in. */
  readonly phone: Phone | null;
  /** Signs in as a guest; tells whether that was done. */
  connect(): Promise<boolean>;
  register(id?: string | number, password?: string): Promise<boolean>;
  disconnect(): Promise<void>;
  enableMediaSource(audio?: Source, video?: Source): Promise<MediaStream | null>;
  disableMediaSource(): void;
  setViewFromStream(element: HTMLMediaElement | ArrayLike<HTMLMediaElement>, stream: MediaStream | null): void;
  /** To be overridden. */
  filterIceCandidates(candidates: Candidate[]): Candidate[] | void;
  setMediaConstraintsForOffer(audio?: boolean, video?: boolean): void;
  setMediaConstraintsForAnswer(audio?: boolean, video?: boolean): void;
  /** kbit/s; 0 for any. Default 500. */
  setVideoBandwidth(kbps: number): void;
  setRenewSessionOnNeed(on: boolean): void;
  setLogLevel(level: 0 | 1 | 2 | 3 | 4): void;
}

export class MediaSession {
  constructor(client: Client);
  readonly onRemoteStream: Callbacks<[{ stream: MediaStream }]>;
  readonly onSessionHold: Callbacks<[true]>;
  readonly state:
    | "new" | "preparing-offer" | "offer-sent" | "offer-received" | "offer-received-preparing-answer" | "established";
  /** The library's own Call: transfer, quality, devices …; null while there is none. */
  readonly call: Call | null;
  makeOffer(remoteId?: string | number | null, audio?: boolean, video?: boolean, hold?: boolean): unknown;
  makeCall(remoteId?: string | number | null, audio?: boolean, video?: boolean, hold?: boolean): unknown;
  acceptCall(audio?: boolean, video?: boolean, remoteId?: string, hold?: boolean): void;
  rejectCall(remoteId?: string): void;
  closeSession(sendBye?: boolean): void;
  terminateCall(): void;
  holdCall(): Promise<void>;
  resumeCall(): Promise<void>;
  updateCall(audio?: boolean, video?: boolean): void;
  updateLocalStream(): Promise<void>;
  removeLocalStreams(): Promise<void>;
  setData(data: { key: string; value: unknown }[]): void;
  getData(): { key: string; value: unknown }[];
  sendInfo(data: object | string, mapData?: boolean): Promise<void>;
  sendDTMF(tones: string, options?: { duration?: number; tonegap?: number }): Promise<void>;
  getServerStats(): Promise<ServerStats | null>;
  isEstablished(): boolean;
  hasAudioEnabled(): boolean;
  hasVideoEnabled(): boolean;
}

export class GrtcError extends Error {
  constructor(name: string, message: string);
}

export class Logger {
  /** An element, the id of one, or nothing for the console. */
  constructor(target?: Element | string | null);
  error(...parts: unknown[]): void;
  notice(...parts: unknown[]): void;
  info(...parts: unknown[]): void;
  debug(...parts: unknown[]): void;
}

// ---- the first document's shape: new Grtc.Client({ serverUrl, … })

export interface SeedConfiguration extends Omit<PhoneOptions, "gateway" | "shape"> {
  serverUrl: string;
  /** The id at the gateway; the DN by default. */
  username?: string;
  /** Without one it is a guest. */
  dn?: string;
  password?: string;
  displayName?: string;
}

export interface SeedClient extends Emitter<{
  ready: [];
  incoming: [SeedSession];
  /** One of the page before a reload. */
  session: [SeedSession];
  connection: PhoneEvents["connection"];
  registration: [Registration];
  signedout: [{ reason: string; code: string }];
  error: [PhoneError];
}> {
  readonly phone: Phone;
  /** Tells whether it is signed in; if not, the event "error" tells why. */
  connect(): Promise<boolean>;
  disconnect(): Promise<void>;
  newMediaSession(wanted: {
    destination: string | number;
    constraints?: { audio?: boolean; video?: boolean };
    data?: Attached[];
  }): SeedSession;
}

export interface SeedSession extends Emitter<{
  /** Our description. */
  offer: [string];
  /** The far side's. */
  answer: [string];
  /** Ours, for a call that came in. */
  localanswer: [string];
  ringing: [];
  established: [];
  stream: [MediaStream];
  state: [CallState];
  hold: [];
  quality: [Quality];
  transfer: CallEvents["transfer"];
  dtmf: [string];
  info: [{ contentType: string; body: string }];
  error: [PhoneError];
  ended: [Ending];
}> {
  readonly destination: string;
  readonly call: Call | null;
  /** Places the call, or answers one that came in; tells whether that was done. */
  connect(): Promise<boolean>;
  accept(): Promise<boolean>;
  close(): Promise<void>;
  hangup(): Promise<void>;
  reject(code?: number): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  mute(on?: boolean): void;
  dtmf(digits: string, options?: { duration?: number; gap?: number; by?: "rtp" | "info" }): Promise<void>;
  transfer(to: string): Promise<void>;
  sendInfo(body: string, contentType?: string): Promise<void>;
}

interface Size { width: { ideal: number }; height: { ideal: number } }

export interface Library {
  Phone: typeof Phone;
  Call: typeof Call;
  Emitter: typeof Emitter;
  PhoneError: typeof PhoneError;
  lint: typeof lint;
  opinion: typeof opinion;
  Client: (new (configuration: SeedConfiguration) => SeedClient) & typeof Client;
  MediaSession: typeof MediaSession;
  Error: typeof GrtcError;
  Logger: typeof Logger;
  setLogger(logger: Logger | Element | string | null): void;
  /** One like log4js: `error`, `warn`, `info`, `debug`. */
  setExternalLogger(logger: object): void;
  /** Takes a query apart; decodes nothing. */
  deparam(query: string): Record<string, string>;
  isWebrtcSupported(): boolean;
  getWebrtcDetectedBrowser(): "chrome" | "firefox" | "safari" | "";
  getWebrtcDetectedVersion(): number;
  getWebrtcMinimumVersion(): number;
  VideoConstraints: {
    qvga: Size; vga: Size; hd: Size; custom: (width?: number, height?: number) => Size | true;
    screen: { share: string }; window: { share: string };
  };
  LOG_LEVEL_NONE: 0;
  LOG_LEVEL_ERROR: 1;
  LOG_LEVEL_NOTICE: 2;
  LOG_LEVEL_INFO: 3;
  LOG_LEVEL_DEBUG: 4;
  CONFIGURATION_ERROR: string;
  CONNECTION_ERROR: string;
  WEBRTC_NOT_SUPPORTED_ERROR: string;
  WEBRTC_ERROR: string;
  INVALID_STATE_ERROR: string;
  NOT_READY_ERROR: string;
  ERROR: string;
  WARNING: string;
}

declare global {
  /** What /grtc.js leaves. */
  var Grtc: Library;
}
