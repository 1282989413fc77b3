// What is to be done about what a check has found, one sentence each.

/** @type {Record<string, string>} */
export const HINTS = {
  ok: "All is well.",
  microphone_refused: "Allow the microphone for this page: click the lock beside the address, then check again.",
  microphone_unanswered: "Answer the browser's question about the microphone, then check again.",
  no_microphone: "Connect a microphone or headset, then check again.",
  microphone_busy: "Close the program that is using the microphone, then check again.",
  insecure_context: "Open this page over https: browsers give no microphone to others.",
  unsupported_browser: "Use a current Chrome, Edge, Firefox or Safari: this browser cannot make calls.",
  mic_silent: "Switch the microphone on: it sends no sound at all. Look at the headset and at the system's settings.",
  no_speaker: "Connect a loudspeaker or headset, then check again.",
  speaker_gone: "Choose another loudspeaker: the chosen one is not connected.",
  speaker_failed: "Choose another loudspeaker: this one cannot play.",
  playback_blocked: "Click into the page, then check again: the browser plays nothing before that.",
  no_common_codec: "Tell your administrator: this browser and the telephone system have no audio codec in common.",
  gateway_unreachable: "Check your network and VPN: the gateway cannot be reached.",
  gateway_not_ready: "Wait a little, then check again: the gateway is being stopped, or has lost the telephone system.",
  foreign_origin: "Tell your administrator: the gateway does not take calls from this page (allowed_origins).",
  not_signed_in: "Sign in, then check again.",
  registration_refused: "Check number and password: the telephone system has refused them.",
  registrar_failed: "Tell your administrator: the telephone system does not register this number.",
  registration_timeout: "Check again in a minute: the telephone system does not answer.",
  not_registered: "Sign in again: the telephone system does not know this phone at present.",
  too_many_tries: "Wait a minute, then check again: there were too many tries to sign in.",
  agent_in_use: "Sign out elsewhere first: this number is in use.",
  draining: "Wait a little, then check again: the gateway is being stopped.",
  no_sip_connection: "Tell your administrator: the gateway has no connection to the telephone system.",
  sign_in_failed: "Check number and password, then try again.",
  stun_unreachable: "Tell your administrator: a STUN server does not answer; a firewall may be blocking UDP.",
  turn_unreachable: "Tell your administrator: a TURN server does not answer; a firewall may be blocking it.",
  turn_refused: "Tell your administrator: a TURN server refuses the gateway's credentials (turn_secret, clocks).",
  echo_not_configured: "No number for an echo call is set (echo_number), so no call was made.",
  echo_busy: "Check again in a minute: the echo number is busy.",
  echo_wrong_number: "Tell your administrator: there is no such echo number (echo_number).",
  echo_forbidden: "Tell your administrator: the echo number may not be called from here.",
  echo_unavailable: "Check again in a minute: the echo number does not answer.",
  echo_failed: "Tell your administrator: the echo call failed.",
  in_call: "Check again after the call: during a call no other is made.",
  media_failed: "Check firewall and VPN: the sound finds no way to the telephone system (UDP is blocked, or no relay).",
  no_incoming_packets: "Check firewall and VPN: no sound arrives from the telephone system.",
  incoming_silence: "Tell your administrator: the call is up, but only silence comes back.",
  high_packet_loss: "Use a cable, or move closer to the Wi-Fi: too much of the sound is lost.",
  high_rtt: "Check VPN and network: the way is so long that words arrive late.",
  high_jitter: "End downloads and video: the network is too busy for an even sound.",
  low_mos: "Use another network if you can: calls would sound bad.",
};

/**
 * Returns the sentence of a code.
 * @param {string} code
 */
export function hintFor(code) {
  return HINTS[code] ?? `Tell your administrator: ${code}.`;
}
