// Types of the library: /grtc.js (globalThis.Grtc) and the modules below /grtc/; /grtc/index.js exports all of it.

/** Words of the library itself. */
export type LibraryCode =
  | "microphone_refused" | "no_microphone" | "microphone_busy" | "insecure_context" | "unsupported_browser"
  | "no_common_codec" | "no_webrtc" | "media_failed" | "playback_blocked" | "gateway_unreachable" | "processing_failed"
  | "headset_failed" | "unexpected_answer" | "transfer_failed" | "transfer_unknown" | "call_failed" | "call_ended"
  | "not_supported";

/** Words of the gateway, where it refuses a request. */
export type GatewayCode =
  | "bad_input" | "not_signed_in" | "foreign_session" | "session_required" | "foreign_origin" | "registration_refused"
  | "registrar_failed" | "registration_timeout" | "agent_in_use" | "guests_not_allowed" | "too_many_guests"
  | "destination_forbidden" | "too_many_calls" | "too_many_orders" | "too_many_tries" | "unknown_call"
  | "ambiguous_call" | "wrong_state" | "request_refused" | "draining" | "no_sip_connection" | "body_too_large"
  | "wrong_content_type" | "not_found" | "wrong_method" | "page_elsewhere" | "sound_elsewhere";

/** A word for programs; a later gateway may have others. */
export type ErrorCode = LibraryCode | GatewayCode | (string & {});

/** What was tried: an order to the gateway, `call` or `sign_in`; "" where it is of no use. */
export type Action =
  | "sign_in" | "call" | "answer" | "hold" | "resume" | "dtmf" | "transfer" | "info" | "use_here" | "";

export interface ErrorDetails {
  hint?: string | undefined;
  status?: number | undefined;
  sipCode?: number | undefined;
  reason?: string | undefined;
  warning?: string | undefined;
  sipReason?: string | undefined;
  cause?: unknown | undefined;
}

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
  /** Text of the SIP answer's Warning; "" for none. */
  readonly warning: string;
  /** Text of the SIP answer's Reason; "" for none. */
  readonly sipReason: string;
  /** What was tried. Nothing of it is tried again by itself. */
  readonly action: Action;
  /** The call that it is about. When that is over, its `ended` tells the same: show one of them. */
  readonly call: Call | null;
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
  hint?: string | undefined;
  /** Texts of Warning and Reason in the registrar's refusal. */
  warning?: string | undefined;
  sipReason?: string | undefined;
}

/** What the browser makes of the microphone's sound; all of it by default. */
export interface AudioShape {
  noiseSuppression?: boolean | undefined;
  echoCancellation?: boolean | undefined;
  autoGainControl?: boolean | undefined;
}

/**
 * Makes another track of the microphone's, which is sent in its place; `close` is called when it is needed no more. It
 * is called for each opening of the microphone; when it throws, or `failed` is settled while the microphone is open,
 * the sound is sent as it is, and the phone tells of "processing_failed".
 */
export type AudioProcessor = (track: MediaStreamTrack) => Processed | Promise<Processed>;
export type Processed =
  | MediaStreamTrack
  | { track: MediaStreamTrack; close?: (() => void) | undefined; failed?: Promise<unknown> | undefined };

/** That of `/grtc/noise.js`: takes noise off the sound by RNNoise, which comes from the gateway of this address. */
export type NoiseSuppressor = (options?: { gateway?: string | undefined }) => AudioProcessor;

/** Objects in place of the browser's own, as makers of virtual desktops have them; what is left out is its own. */
export interface WebRTC {
  RTCPeerConnection?: (new (configuration?: RTCConfiguration) => RTCPeerConnection) | undefined;
  MediaStream?: (new (tracks: MediaStreamTrack[]) => MediaStream) | undefined;
  mediaDevices?: MediaDevices | undefined;
  /** In place of that of `mediaDevices`. */
  getUserMedia?: ((constraints: MediaStreamConstraints) => Promise<MediaStream>) | undefined;
  /** Returns an element that plays a far side's sound. */
  audio?: (() => HTMLAudioElement) | undefined;
}

export interface PhoneOptions {
  /** Base address of the gateway; by default where the library came from. */
  gateway?: string | undefined;
  /** Where the session is kept through a reload; null keeps nothing. Default sessionStorage. */
  storage?: Storage | null | undefined;
  /** Tells several phones of one page apart in the storage. */
  name?: string | undefined;
  /** How messages come: an event stream with long polls as fall-back ("auto"), or one of them only. */
  events?: "auto" | "stream" | "poll" | undefined;
  /** "gateway" (default) asks /api/webrtc/ice before each call. */
  iceServers?: "gateway" | RTCIceServer[] | undefined;
  iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /**
   * Obey callers who want to be answered without a click; default false. The gateway has to allow it, too. Calls that
   * are up are put on hold.
   */
  autoAnswer?: boolean | undefined;
  /** Answer when the server orders it (third-party call control); default false. The gateway has to allow it, too. */
  answerOnTalk?: boolean | undefined;
  /** Play the far sides' sound; default true. */
  play?: boolean | undefined;
  /** What the browser makes of the microphone's sound; see `setAudio`. */
  audio?: AudioShape | undefined;
  /** What the page makes of it; see `setAudioProcessing`. */
  processAudio?: AudioProcessor | undefined;
  /** In place of the browser's own. */
  webrtc?: WebRTC | undefined;
  /** From where on warnings are raised, in place of the gateway's settings. */
  warnings?: WarningLimits | undefined;
  /** A last hand on our own descriptions before they are sent. */
  shape?: ((sdp: string, type: "offer" | "answer", call: Call) => string) | undefined;
}

export interface CallOptions {
  audio?: boolean | undefined;
  video?: boolean | undefined;
  /** Data to attach to the call. */
  data?: Attached[] | undefined;
  /** Tracks to send in place of the microphone: of another source, or processed by the page. */
  stream?: MediaStream | null | undefined;
  /** Put the calls that are up on hold first; by default they go on, and all of them hear the agent. */
  hold?: boolean | undefined;
}

export interface Device { deviceId: string; label: string }

export interface PhoneEvents {
  registration: [Registration];
  connection: [{ state: "online" | "offline"; error?: PhoneError | undefined }];
  /** The gateway cannot be reached any more; calls go on meanwhile. */
  reconnecting: [{ error?: PhoneError | undefined }];
  /** It can be reached again. */
  reconnected: [];
  /** A call rings here. */
  incoming: [Call];
  /** After any change of a call. */
  call: [Call];
  callended: [Call];
  /** As the call tells them. */
  warning: [Warning & { call: Call }];
  warningcleared: [Warning & { call: Call }];
  /** `code`: the gateway's word when it knows the session no more, otherwise empty. */
  signedout: [{ reason: string; code: string }];
  /** `doNotDisturb` has changed, to this: by this page, another one, or an application. */
  donotdisturb: [boolean];
  error: [PhoneError];
  devices: [];
  /** A check of `check()` begins, or is done. */
  check: [CheckResult];
}

/**
 * Where the sound of a call is, of an agent's several pages (`second_page = "ring_all"`): on this page, on another one,
 * or nowhere, as that page is gone. Without the sound a page can hold, mute, transfer and end the call, and send
 * digits.
 */
export type Sound = "here" | "elsewhere" | "nowhere";

export interface Agent {
  dn: string;
  password: string;
  id?: string | undefined;
  displayName?: string | undefined;
  /** The name that goes with the password, where it is not the DN. */
  authUser?: string | undefined;
  /**
   * What becomes of another page that the number is in use on: true takes everything over, calls included; false fails
   * with "page_elsewhere" unless both may be there. Without it the gateway's `second_page` decides.
   */
  takeOver?: boolean | undefined;
}
/**
 * Who shows a token of the gateway's identity provider (`oidc_issuer`) in place of a password. `dn` is needed where the
 * token allows several. As a function it gives a fresh one whenever the page has to sign in again.
 */
export interface Bearer {
  token: string | (() => string | Promise<string>);
  dn?: string | undefined;
  id?: string | undefined;
  displayName?: string | undefined;
  takeOver?: boolean | undefined;
}
/** `dn` counts where the gateway registers DNs without a password (`genesys_no_password`). */
export interface Guest { guest: true; dn?: string | undefined }

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
  /** Whether callers hear that the agent is busy. */
  readonly doNotDisturb: boolean;
  /** `autoAnswer` and `answerOnTalk` may be changed at any time. */
  readonly options: PhoneOptions;
  /** With a fresh token of the same agent the session is renewed, and its calls go on. */
  signIn(who: Agent | Bearer | Guest): Promise<void>;
  /** Goes on with the session that this tab had before a reload; tells whether there was one. */
  resume(): Promise<boolean>;
  signOut(): Promise<void>;
  /** Signs out without waiting: for a page that goes away for good. */
  leave(): void;
  /** Rejected before the microphone is asked for when the gateway would not call the number. */
  call(to: string, options?: CallOptions): Promise<Call>;
  /** Puts all calls that are up on hold, but this one. */
  holdOthers(but?: Call | null): Promise<void>;
  /** Lets callers hear that the agent is busy, until it is switched off or the agent signs out. */
  setDoNotDisturb(on: boolean): Promise<void>;
  devices(): Promise<{ microphones: Device[]; speakers: Device[]; cameras: Device[] }>;
  setMicrophone(deviceId: string): Promise<void>;
  setSpeaker(deviceId: string): Promise<void>;
  /** From now on, also in the calls that are up. */
  setAudio(shape: AudioShape): Promise<void>;
  /** From now on, also in the calls that are up; null for nothing. */
  setAudioProcessing(process: AudioProcessor | null): Promise<void>;
  /** 0 to 1; 0 while there is no call. */
  microphoneLevel(): number;
  /** The loudspeaker in use; "" is the browser's choice. */
  readonly speakerId: string;
  /** The gateway's number of an echo; "" for none, and before sign-in. */
  readonly echoNumber: string;
  /** Looks whether calls can be made from here. Takes up to some 30 s, and calls the echo number meanwhile. */
  check(options?: CheckOptions): Promise<CheckReport>;
}

export type CallState = "calling" | "ringing" | "early" | "incoming" | "answering" | "established" | "ended";

/** Why a call is over: an end, what the far side or the PBX said, or why it was not placed or answered. */
export type EndingCause =
  | "" | "local" | "remote" | "cancelled" | "answered-elsewhere" | "transferred" | "replaced" | "operator"
  | "page-lost" | "not-responding" | "order-expired" | "signed-out" | "lost"
  | "busy" | "declined" | "not-found" | "incomplete" | "ambiguous" | "unavailable" | "timeout" | "forbidden"
  | "credentials" | "not-acceptable" | "bad-answer" | "not-supported" | "bad-request" | "bad-address"
  | "redirected" | "refused" | "loop" | "glare" | "server-failure" | "failed"
  | LibraryCode | GatewayCode;

export interface Ending {
  cause: EndingCause;
  sipCode: number;
  reason: string;
  hint: string;
  /** Text of the SIP answer's Warning; "" for none. */
  warning: string;
  /** Text of the SIP message's Reason; "" for none. */
  sipReason: string;
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

/** Times are milliseconds. */
export interface DigitOptions {
  duration?: number | undefined;
  gap?: number | undefined;
  by?: "rtp" | "info" | undefined;
}

export interface Finding { rule: string; text: string; media?: number | undefined }

export interface TransferProgress {
  state: "PROCEEDING" | "DONE" | "FAILED" | "UNKNOWN" | "REQUESTED";
  sipCode: number;
  reason: string;
  hint: string;
  /** Texts of Warning and Reason in what the far side said. */
  warning: string;
  sipReason: string;
  to: string;
}

export interface CallEvents {
  state: [CallState];
  /** `held` or `heldByPeer` has changed. */
  hold: [];
  /** `muted` has changed; on another page of the agent, perhaps. */
  muted: [{ muted: boolean }];
  /** The same as `muted`, as version 0.1 named it: whether it is. */
  mute: [boolean];
  /** The sound is somewhere else than before: see `sound`. */
  sound: [Sound];
  /** The far side's media. */
  media: [MediaStream];
  /** Every 5 s while established. */
  quality: [Quality];
  /** Something is wrong although the call goes on. */
  warning: [Warning];
  /** It is so no more. */
  warningcleared: [Warning];
  /** `peer` or `displayName` has changed: the PBX has connected the call with somebody else. */
  identity: [{ peer: string; displayName: string }];
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
  connectionstate: [RTCPeerConnectionState];
  /** The same as `connectionstate`, as version 0.1 named it. */
  way: [RTCPeerConnectionState];
  ended: [Ending];
}

/**
 * `mic_silent`: the microphone has given nothing at all for some seconds, though neither muted nor on hold.
 * `no_incoming_packets`: nothing arrives. `incoming_silence`: packets arrive, and silence in them.
 * `device_gone`: the microphone was unplugged. `relay_lost`: so was, as it were, the TURN server in use.
 * The others: a number was beyond its limit in 3 of the last 5 seconds; cleared when it was in none.
 */
export type WarningCode =
  | "mic_silent" | "no_incoming_packets" | "incoming_silence" | "high_rtt" | "high_jitter" | "high_packet_loss"
  | "low_mos" | "device_gone" | "relay_lost";
export interface Warning { code: WarningCode; hint: string }

/** From where on a warning is raised; 0 for never. What is left out is as the gateway's settings `warn_...` say. */
export interface WarningLimits {
  /** Milliseconds; default 400. */
  rtt?: number | undefined;
  /** Milliseconds; default 30. */
  jitter?: number | undefined;
  /** Percent, in either direction; default 1. */
  loss?: number | undefined;
  /** The least mean opinion score; default 3. */
  mos?: number | undefined;
  /** Seconds; default 6. */
  micSilence?: number | undefined;
  /** Seconds; default 10. */
  incomingSilence?: number | undefined;
  /** Seconds; default 3. */
  noPackets?: number | undefined;
}

/**
 * What was wrong with the media of a call most of all, for `share` percent of the `seconds` of talk (without those on
 * hold); "good" for nothing much, "unknown" for a call with less than 3 s of it.
 */
export interface MediaVerdict { code: WarningCode | "good" | "unknown"; share: number; seconds: number }

export type CheckName = "microphone" | "speaker" | "codec" | "gateway" | "registration" | "stun" | "turn" | "echo";
/** What a check has found; "ok" for nothing wrong. A later library may have others. */
export type CheckCode =
  | "ok" | "" | WarningCode | LibraryCode | GatewayCode | "microphone_unanswered" | "no_speaker" | "speaker_gone"
  | "speaker_failed" | "gateway_not_ready" | "not_registered" | "sign_in_failed" | "stun_unreachable"
  | "turn_unreachable" | "turn_refused" | "echo_not_configured" | "echo_busy" | "echo_wrong_number" | "echo_forbidden"
  | "echo_unavailable" | "echo_failed" | "in_call" | (string & {});

export interface CheckResult {
  /** There is one "stun" or "turn" for each server. */
  name: CheckName;
  /** "unknown": it could not be told; "running": in progress events only. */
  state: "running" | "passed" | "warned" | "failed" | "unknown" | "skipped";
  code: CheckCode;
  /**
   * microphone: `device`, `level` (0 to 1, null where no browser tells). speaker: `devices`. codec: `codecs`. gateway:
   * `ms`. registration: `dn`, `registration`, `sipCode`, `reason`. stun, turn: `url`, `ms`, `rtt` through the relay.
   * echo: `ms` until it was answered, `rtt`, `jitter` (ms), `loss` (percent), `mos`, `codec`, `relayed`, `packets`; of
   * a call that failed `cause`, `sipCode`.
   */
  value: Record<string, unknown>;
  /** One sentence: what to do. */
  hint: string;
}

export interface CheckReport {
  verdict: "ready" | "degraded" | "blocked" | "permission_denied" | "inconclusive";
  /** Those of the check that the verdict rests on. */
  code: CheckCode;
  hint: string;
  checks: CheckResult[];
  /** Milliseconds since 1970, and milliseconds. */
  startedAt: number;
  duration: number;
}

export interface CheckOptions {
  /** Who is signed in for the time of the check, when nobody is. */
  who?: Agent | Bearer | Guest | undefined;
  /** The number of an echo; by default the gateway's setting `echo_number`; "" for no call. */
  echoNumber?: string | undefined;
  /** How long that is listened to; default 6. */
  echoSeconds?: number | undefined;
  /** Only these, in their usual order. */
  only?: CheckName[] | undefined;
  /** Servers to look at in place of those for calls. */
  iceServers?: RTCIceServer[] | undefined;
  /** Names of codecs of which the browser needs one; default opus, PCMU, PCMA, G722. */
  codecs?: string[] | undefined;
  /** Ends it: all is put back as it was, and `check` is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Is told of each check when it begins, and when it is done; as the event "check". */
  progress?: ((check: CheckResult) => void) | undefined;
}

/** Who has sent a call on to us, and why ("unconditional", "no-answer", "user-busy" …). */
export interface Diversion { number: string; reason: string }

/** One call. Times are milliseconds since 1970, null before they are known. */
export class Call extends Emitter<CallEvents> {
  /** Phones make calls: `Phone.call`, and the event "incoming". */
  private constructor(phone: never, beginning: never);
  /** The gateway's name for it; empty until it has one. */
  readonly id: string;
  readonly direction: "outbound" | "inbound";
  readonly peer: string;
  readonly displayName: string;
  /** The number that the caller has dialled; "" when it is not told. */
  readonly called: string;
  /** Those who have sent the call on, the first one first. */
  readonly diversion: Diversion[];
  /** What the caller's network says of the number: "TN-Validation-Passed" …; "" for nothing. */
  readonly verstat: string;
  /** Header fields that the gateway's `page_headers` names, those that were there. */
  readonly headers: Record<string, string>;
  /** The caller wants not to be known. */
  readonly anonymous: boolean;
  /** Codes of the warnings that hold at present. */
  readonly warnings: Warning["code"][];
  /** What is to be said of the media until now, of all of the call when it is over; null before it is up. */
  readonly verdict: MediaVerdict | null;
  readonly state: CallState;
  /** Whether it was answered and is not over. */
  readonly isUp: boolean;
  readonly isOver: boolean;
  readonly held: boolean;
  readonly heldByPeer: boolean;
  readonly muted: boolean;
  readonly sound: Sound;
  /** Whether the sound is on this page. */
  readonly isHere: boolean;
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
  /** Brings the sound of an established call here from another page of the agent. Fulfilled when it is here. */
  useHere(): Promise<void>;
  reject(code?: number): Promise<void>;
  hangup(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  mute(on?: boolean): void;
  dtmf(digits: string, options?: DigitOptions): Promise<void>;
  /** Fulfilled when the transfer has succeeded; rejected ("transfer_failed") when it has not, and the call goes on. */
  transfer(to: string): Promise<void>;
  /** Connects the far sides of this call and another one. */
  transferTo(other: Call): Promise<void>;
  sendInfo(body: string, contentType?: string): Promise<void>;
  /** Finds another way for the media, whether they are lost or not; that interrupts them with some PBXs. */
  restartIce(): Promise<void>;
  /** Sends these tracks in place of what is sent now. */
  send(tracks: MediaStreamTrack[]): Promise<void>;
  renegotiate(options?: { fresh?: boolean | undefined; video?: boolean | undefined }): Promise<void>;
  quality(): Promise<Quality>;
  /** How loud the far side is now, 0 to 1. */
  level(): number;
}

/** `local`: our own description that it answers, or follows. */
export interface LintContext { local?: string | undefined; type?: "offer" | "answer" | undefined }
/** Returns what a far side's description leaves out that a browser needs. */
export function lint(sdp: string, context?: LintContext): Finding[];
/** Estimates the mean opinion score; ms, ms, percent. */
export function opinion(sample: Partial<Record<"rtt" | "jitter" | "loss", number | undefined>>): number;

// ---- headsets: /grtc/headset.js and /grtc/vendorheadset.js, which are in neither /grtc.js nor /grtc/index.js

/**
 * What a headset's button says. `hook` is one button for answer and hang up; `offhook` is a hook that was lifted while
 * nothing rang; `flash` takes the other call; `mute` and `hold` may say how they stand. There may be others later.
 */
export type HeadsetButton =
  | "hook" | "answer" | "hangup" | "drop" | "reject" | "mute" | "hold" | "flash" | "redial" | "offhook"
  | `key ${string}` | (string & {});

export interface HeadsetCall {
  /** The same for as long as the call is there. */
  id: string;
  name: string;
  direction: "outbound" | "inbound";
  ringing: boolean;
  held: boolean;
}

/** What a headset has to show. */
export interface HeadsetState {
  /** There is a call, on hold or not, that was answered or placed here. */
  active: boolean;
  ringing: boolean;
  /** Of the call in hand. */
  muted: boolean;
  held: boolean;
  calls: HeadsetCall[];
}

export interface HeadsetDevice {
  name: string;
  buttons: string[];
  isOpen: boolean;
}

/** What an adapter tells. */
export interface HeadsetTold {
  press(button: HeadsetButton, on?: boolean): void;
  /** The devices have changed. */
  changed(): void;
  failed(error: unknown): void;
}

/** A way to headsets. */
export interface HeadsetAdapter {
  readonly isSupported: boolean;
  readonly devices?: HeadsetDevice[] | undefined;
  start(told: HeadsetTold): void | Promise<void>;
  stop(): void | Promise<void>;
  /** Called after each change; `anew`: also what is shown already, as a button may have changed it. */
  show(state: HeadsetState, how?: { anew?: boolean | undefined }): void;
  /** Lets somebody choose a device; called on a click. Tells whether one was chosen. */
  request?(): Promise<boolean>;
  forget?(name: string): Promise<void>;
}

/** What buttons do, in place of the calls' own methods. */
export interface HeadsetActions {
  answer?: ((call: Call) => unknown) | undefined;
  reject?: ((call: Call) => unknown) | undefined;
  hangup?: ((call: Call) => unknown) | undefined;
  mute?: ((call: Call, on: boolean) => unknown) | undefined;
  hold?: ((call: Call, on: boolean) => unknown) | undefined;
  digit?: ((call: Call, digit: string) => unknown) | undefined;
  /** Without it nothing is called again. */
  redial?: (() => unknown) | undefined;
}

export interface HeadsetOptions {
  /** Default: WebHID. */
  adapters?: HeadsetAdapter[] | undefined;
  /** The call that buttons are for; default: the first that is not on hold. */
  inHand?: (() => Call | null) | undefined;
  actions?: HeadsetActions | undefined;
}

export interface HeadsetEvents {
  /** A button was pressed, and whether it meant something at present. */
  button: [HeadsetButton, boolean];
  /** `devices` has changed. */
  changed: [];
  error: [PhoneError];
}

/** The calls of a phone at hand on headsets. */
export interface Headset extends Emitter<HeadsetEvents> {
  readonly isSupported: boolean;
  readonly devices: HeadsetDevice[];
  /** Begins, with the headsets that this page was allowed before. */
  start(): Promise<void>;
  /** All lamps are out. */
  stop(): Promise<void>;
  /** Lets somebody choose a headset; to be called on a click. Tells whether one was chosen. */
  request(): Promise<boolean>;
  forget(name: string): Promise<void>;
  /** Shows what is: after `inHand` has changed. */
  refresh(): void;
  /** Does what a button stands for at present. */
  press(button: HeadsetButton, on?: boolean): Promise<void>;
}
export interface HeadsetConstructor { new (phone: Phone, options?: HeadsetOptions): Headset }

/** What VendorHeadset uses of npm's `softphone-vendor-headsets`. */
export interface VendorHeadsetService {
  headsetEvents: {
    subscribe(listener: (told: { event: string; payload?: any }) => void): { unsubscribe(): void };
  };
  incomingCall(call: { conversationId: string; contactName?: string }, hasOtherActiveCalls?: boolean): unknown;
  outgoingCall(call: { conversationId: string; contactName?: string }): unknown;
  answerCall(conversationId: string): unknown;
  rejectCall(conversationId: string): unknown;
  endCall(conversationId: string, hasOtherActiveCalls?: boolean): unknown;
  endAllCalls(): unknown;
  setMute(on: boolean): unknown;
  setHold(conversationId: string, on: boolean): unknown;
}

/** Headsets by their makers' own ways, with `HeadsetService.getInstance(…)` of `softphone-vendor-headsets`. */
export interface VendorHeadsetConstructor { new (service: VendorHeadsetService): HeadsetAdapter }

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
  stun_server?: string | undefined;
  /** Comma separated; needs turn_username and turn_password. */
  turn_server?: string | undefined;
  turn_username?: string | undefined;
  turn_password?: string | undefined;
  sip_username?: string | undefined;
  sip_password?: string | undefined;
  /** Without effect: always true. */
  dtls_srtp?: boolean | undefined;
  /** Without effect: the browser's choice. */
  enable_ipv6?: boolean | undefined;
  /** Default 60000, at least 18000. */
  noanswer_timeout?: number | undefined;
  /** Default 1000 (2000 with servers), at least 1000. */
  ice_timeout?: number | undefined;
  /** Without effect: always so. */
  ice_optimization?: boolean | undefined;
  /** Without effect: messages come by an event stream. */
  polling_timeout?: number | undefined;
  use_rsa_certificate?: boolean | undefined;
}

export interface Failure {
  error: string;
  message: string;
  code: string;
  status?: number | undefined;
  sipCode?: number | undefined;
  reason?: string | undefined;
}
export interface GatewayError {
  /** ROAP's word: "NOMATCH", "TIMEOUT", "REFUSED", "CONFLICT", "FAILED". */
  error: string;
  sipCode?: number | undefined;
  reason?: string | undefined;
  hint?: string | undefined;
  cause?: string | undefined;
  /** Texts of the SIP answer's Warning and Reason. */
  warning?: string | undefined;
  sipReason?: string | undefined;
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
  sendDTMF(tones: string, options?: { duration?: number | undefined; tonegap?: number | undefined }): Promise<void>;
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

export interface LegacyConfiguration extends Omit<PhoneOptions, "gateway" | "shape"> {
  serverUrl: string;
  /** The id at the gateway; the DN by default. */
  username?: string | undefined;
  /** Without one it is a guest. */
  dn?: string | undefined;
  password?: string | undefined;
  displayName?: string | undefined;
}

export interface LegacyClientEvents {
  ready: [];
  incoming: [LegacySession];
  /** One of the page before a reload. */
  session: [LegacySession];
  connection: PhoneEvents["connection"];
  registration: [Registration];
  signedout: [{ reason: string; code: string }];
  error: [PhoneError];
}

export interface LegacyClient extends Emitter<LegacyClientEvents> {
  readonly phone: Phone;
  /** Tells whether it is signed in; if not, the event "error" tells why. */
  connect(): Promise<boolean>;
  disconnect(): Promise<void>;
  newMediaSession(wanted: {
    destination: string | number;
    constraints?: { audio?: boolean | undefined; video?: boolean | undefined } | undefined;
    data?: Attached[] | undefined;
  }): LegacySession;
}

export interface LegacySessionEvents {
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
  mute: [boolean];
  quality: [Quality];
  warning: [Warning];
  warningcleared: [Warning];
  identity: CallEvents["identity"];
  transfer: CallEvents["transfer"];
  dtmf: [string];
  info: [{ contentType: string; body: string }];
  error: [PhoneError];
  ended: [Ending];
}

export interface LegacySession extends Emitter<LegacySessionEvents> {
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
  dtmf(digits: string, options?: DigitOptions): Promise<void>;
  transfer(to: string): Promise<void>;
  sendInfo(body: string, contentType?: string): Promise<void>;
}

interface Size { width: { ideal: number }; height: { ideal: number } }

export interface Library {
  Phone: typeof Phone;
  Call: typeof Call;
  Emitter: typeof Emitter;
  PhoneError: typeof PhoneError;
  GrtcError: typeof GrtcError;
  lint: typeof lint;
  opinion: typeof opinion;
  Client: (new (configuration: LegacyConfiguration) => LegacyClient) & typeof Client;
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
