// What the host is told of calls and of the phone: plain data.

/** Gives each call a name for the host that stays the same, before the gateway has given it an id and after. */
export class Names {
  #names = new WeakMap();
  #count = 0;

  /** Returns the name of a call. */
  of(call) {
    if (!this.#names.has(call)) this.#names.set(call, String((this.#count += 1)));
    return this.#names.get(call);
  }
}

/** Returns a call as the host sees it. */
export function callView(call, names) {
  const { id, uuid, direction, peer, displayName, state, held, heldByPeer, muted, data } = call;
  const { startedAt, answeredAt } = call;
  return {
    call: names.of(call), callId: id, uuid, direction, peer, displayName, state, held, heldByPeer, muted, data,
    startedAt, answeredAt,
  };
}

/** Returns how a call ended. */
export function endView(call, names) {
  const { ended, endedAt, answeredAt } = call;
  const duration = answeredAt ? Math.round((endedAt - answeredAt) / 1000) : 0;
  return { ...callView(call, names), ...ended, endedAt, duration };
}

/** Returns how the phone is. */
export function stateView(phone, names) {
  const { isSignedIn: signedIn, dn, id, connection, registration } = phone;
  const calls = [...phone.calls.values()].map((call) => callView(call, names));
  const who = signedIn ? { dn, id } : { dn: "", id: "" };
  return { signedIn, ...who, connection, registration: { ...registration }, calls };
}

/** Returns an error as the host is told it. */
export function errorView({ code = "internal_error", hint, message, sipCode = 0, reason = "" }) {
  return { code, hint: hint ?? message ?? "", sipCode, reason };
}
