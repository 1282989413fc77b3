"""SIP over WebSocket (:rfc:`7118`) on Twisted: the only place that touches sockets of the SIP side."""
