"""The embedded default: a small SIP-over-WebSocket PBX with an echo that speaks real ICE and DTLS."""
