// The desktops that the adapter knows, each told in the same words: a desktop's call is
// {id, previousId, uuid, direction, number, state, data}, its state one of dialing, ringing, established, held and
// released.

const STATES = {
  Dialing: "dialing", Ringing: "ringing", Established: "established", Held: "held", Released: "released",
};

// Only "CallStarted" is documented; the others are what one would expect, and harmless where they never come.
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
 */
export function desktopOf(workspace) {
  return typeof workspace.voice?.on === "function" ? new SdkDesktop(workspace) : new ClientDesktop(workspace);
}

/** The Workspace SDK: `workspace.voice.on("CallStarted", …)`, `workspace.voice.makeCall({destination})`. */
export class SdkDesktop {
  control = "page"; // nothing else of it knows our phone

  constructor(workspace) {
    this.voice = workspace.voice;
  }

  /** Tells of calls from now on; returns what ends that. */
  listen(tell) {
    const listeners = Object.entries(EVENTS).map(([name, state]) => {
      const listener = (call) => tell(fromSdk(call, state));
      this.voice.on(name, listener);
      return [name, listener];
    });
    return () => listeners.forEach(([name, listener]) => this.voice.off?.(name, listener));
  }

  makeCall(destination) {
    return this.voice.makeCall({ destination });
  }

  answer(id) { return this.voice.answerCall?.(id); }

  hold(id) { return this.voice.holdCall?.(id); }

  retrieve(id) { return this.voice.retrieveCall?.(id); }

  release(id) { return this.voice.releaseCall?.(id); }
}

function fromSdk(call, state) {
  const outbound = /^out/i.test(call.direction ?? call.callType ?? (call.destination ? "out" : "in"));
  return {
    id: String(call.id ?? call.callId ?? call.connId),
    uuid: call.callUuid ?? call.uuid ?? "",
    direction: outbound ? "outbound" : "inbound",
    number: String((outbound ? call.destination ?? call.dnis : call.ani) ?? call.phoneNumber ?? call.number ?? ""),
    state: state ?? STATES[call.state] ?? (outbound ? "dialing" : "ringing"),
    data: pairs(call.userData),
  };
}

/** genesys-workspace-client-js: `api.on("CallStateChanged", …)`, `api.voice.makeCall(number)`, `answerCall(id)` … */
export class ClientDesktop {
  control = "sip"; // the server behind it controls our DN by SIP

  constructor(api) {
    this.api = api; // its `voice` is there only after initialize()
  }

  listen(tell) {
    const listener = ({ call, previousConnId }) => STATES[call.state] && tell(fromClient(call, previousConnId));
    this.api.on("CallStateChanged", listener);
    return () => this.api.removeListener("CallStateChanged", listener);
  }

  makeCall(destination) { return this.api.voice.makeCall(destination); }

  answer(id) { return this.api.voice.answerCall(id); }

  hold(id) { return this.api.voice.holdCall(id); }

  retrieve(id) { return this.api.voice.retrieveCall(id); }

  release(id) { return this.api.voice.releaseCall(id); }
}

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

function pairs(data) {
  if (Array.isArray(data)) return data.map(({ key, value }) => ({ key, value: String(value) }));
  return Object.entries(data ?? {}).map(([key, value]) => ({ key, value: String(value) }));
}
