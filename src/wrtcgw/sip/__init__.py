"""The SIP user agent as a pure core: text and time in, outputs back; no reactor, clock, socket or randomness."""
