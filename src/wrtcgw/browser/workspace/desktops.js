// The desktops that the adapter knows, each told in the same words: a desktop's call is
// {id, previousId, uuid, direction, number, state, data}, its state one of dialing, ringing, established, held and
// released.

/**
 * @typedef {"dialing" | "ringing" | "established" | "held" | "released"} State
 * @typedef {{id: string, previousId?: string, uuid: string, direction: "outbound" | "inbound", number: string,
 *   state: State, data: {key: string, value: string}[]}} Seen a call of the desktop
 */

/** @type {Record<string, State>} */
const STATES = {
  Dialing: "dialing",
  Ringing: "ringing",
  Established: "established",
  Held: "held",
  Released: "released",
};

/**
 * Only "CallStarted" is documented; the others are what one would expect, and harmless where they never come.
 * @type {Record<string, State | null>}
 */
const EVENTS = {
  CallStarted: null,
  CallRinging: "ringing",
  CallAnswered: "established",
  CallEstablished: "established",
  CallHeld: "held",
  CallRetrieved: "established",
  CallResumed: "established",
  CallReleased: "released",
  CallEnded: "released",
};

/**
 * Returns the desktop behind an object of either kind: the Workspace SDK, whose `voice` has `on`, or the client of the
 * npm package genesys-workspace-client-js, which has it itself.
 * @param {any} workspace
 */
export function desktopOf(workspace) {
  return typeof workspace.voice?.on === "function" ? new SdkDesktop(workspace) : new ClientDesktop(workspace);
}

/** The Workspace SDK: `workspace.voice.on("CallStarted", …)`, `workspace.voice.makeCall({destination})`. */
export class SdkDesktop {
  control = /** @type {const} */ ("page"); // nothing else of it knows our phone

  /** @param {any} workspace */
  constructor(workspace) {
    this.voice = workspace.voice;
  }

  /**
   * Tells of calls from now on; returns what ends that.
   * @param {(seen: Seen) => void} tell
   */
  listen(tell) {
    const listeners = Object.entries(EVENTS).map(([name, state]) => {
      /** @param {any} call */
      const listener = (call) => tell(fromSdk(call, state));
      this.voice.on(name, listener);
      return /** @type {const} */ ([name, listener]);
    });
    return () => listeners.forEach(([name, listener]) => this.voice.off?.(name, listener));
  }

  /** @param {string} destination */
  makeCall(destination) {
    return this.voice.makeCall({ destination });
  }

  /** @param {string} id */
  answer(id) {
    return this.voice.answerCall?.(id);
  }

  /** @param {string} id */
  hold(id) {
    return this.voice.holdCall?.(id);
  }

  /** @param {string} id */
  retrieve(id) {
    return this.voice.retrieveCall?.(id);
  }

  /** @param {string} id */
  release(id) {
    return this.voice.releaseCall?.(id);
  }
}

/**
 * @param {any} call
 * @param {State | null} state
 * @returns {Seen}
 */
function fromSdk(call, state) {
  const outbound = /^out/i.test(call.direction ?? call.callType ?? (call.destination ? "out" : "in"));
  return {
    id: String(call.id ?? call.callId ?? call.connId),
    uuid: call.callUuid ?? call.uuid ?? "",
    direction: outbound ? "outbound" : "inbound",
    number: String((outbound ? (call.destination ?? call.dnis) : call.ani) ?? call.phoneNumber ?? call.number ?? ""),
    state: state ?? STATES[call.state] ?? (outbound ? "dialing" : "ringing"),
    data: pairs(call.userData),
  };
}

/** genesys-workspace-client-js: `api.on("CallStateChanged", …)`, `api.voice.makeCall(number)`, `answerCall(id)` … */
export class ClientDesktop {
  control = /** @type {const} */ ("sip"); // the server behind it controls our DN by SIP

  /** @param {any} api */
  constructor(api) {
    this.api = api; // its `voice` is there only after initialize()
  }

  /** @param {(seen: Seen) => void} tell */
  listen(tell) {
    /** @param {any} event */
    const listener = ({ call, previousConnId }) => STATES[call.state] && tell(fromClient(call, previousConnId));
    this.api.on("CallStateChanged", listener);
    return () => this.api.removeListener("CallStateChanged", listener);
  }

  /** @param {string} destination */
  makeCall(destination) {
    return this.api.voice.makeCall(destination);
  }

  /** @param {string} id */
  answer(id) {
    return this.api.voice.answerCall(id);
  }

  /** @param {string} id */
  hold(id) {
    return this.api.voice.holdCall(id);
  }

  /** @param {string} id */
  retrieve(id) {
    return this.api.voice.retrieveCall(id);
  }

  /** @param {string} id */
  release(id) {
    return this.api.voice.releaseCall(id);
  }
}

/**
 * @param {any} call
 * @param {string} [previousId]
 * @returns {Seen}
 */
function fromClient(call, previousId) {
  const outbound = call.callType ? /^out/i.test(call.callType) : call.state === "Dialing";
  return {
    id: String(call.id ?? call.connId),
    previousId,
    uuid: call.callUuid ?? "",
    direction: outbound ? "outbound" : "inbound",
    number: String(call.phoneNumber ?? (outbound ? call.dnis : call.ani) ?? ""),
    state: STATES[call.state],
    data: pairs(call.userData),
  };
}

/** @param {any} data */
function pairs(data) {
  if (Array.isArray(data)) return data.map(({ key, value }) => ({ key, value: String(value) }));
  return Object.entries(data ?? {}).map(([key, value]) => ({ key, value: String(value) }));
}
