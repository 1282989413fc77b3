"""The call cases over each of the three ways to Asterisk."""

from tests.interop import call_cases


class KamailioCalls(call_cases.CallCases):
    """Through Kamailio over ws."""

    way = "ws"


class KamailioTLSCalls(call_cases.CallCases):
    """Through Kamailio over wss, whose certificate is verified against the run's own authority."""

    way = "wss"


class AsteriskCalls(call_cases.CallCases):
    """Straight into Asterisk's own WebSocket."""

    way = "asterisk"
