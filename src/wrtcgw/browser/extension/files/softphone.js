// The softphone's API as Workspace knows it, at https://127.0.0.1:8000, and what it says while no phone is there.

const NOT_READY = [
  { Key: "EndpointStatus", Value: "EndpointStatus_NotReady" },
  { Key: "IsPingMandatory", Value: "false" },
  { Key: "Status", Value: "Initialized" },
];
/** @type {Record<string, object>} */
const IDLE = {
  GetDnSIP: { get_DnSIPResult: "" },
  SetOptions: {},
  SetSIPEndpointParameters: {},
  RegisterDn: { RegisterDnResult: true }, // the wish is taken: the panel asks for the password
  GetIsEndpointActive: { get_IsEndpointActiveResult: false },
  GetSIPEndpointParameters: { get_SIPEndpointParametersResult: NOT_READY },
  SetPingPeriod: {},
  Ping: { PingResult: [] },
  UnregisterDn: { UnregisterDnResult: true },
};

/**
 * Tells whether a name can be a command's: with the agent's token a page must not ask for anything else.
 * @param {unknown} name
 */
export function isCommand(name) {
  return typeof name === "string" && /^[A-Za-z]{1,64}$/.test(name);
}

/**
 * Returns what a softphone says in which nobody is registered: `{status, text}`.
 * @param {string} name
 */
export function idleAnswer(name) {
  return { status: 200, text: JSON.stringify(IDLE[name] ?? { [`${name}Result`]: false }) };
}

/**
 * Returns the DN that a RegisterDn is about; "" when it names none, or several.
 * @param {string} body
 */
export function dnOf(body) {
  try {
    const { users } = JSON.parse(body);
    return Array.isArray(users) && users.length === 1 ? String(users[0]) : "";
  } catch {
    return "";
  }
}
