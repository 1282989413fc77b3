"""The fault cases over the ways on which they can happen."""

from tests.interop import fault_cases


class KamailioRecovery(fault_cases.KamailioRecoveryCases):
    """Outages of Kamailio, over ws."""

    way = "ws"


class KamailioTLSRecovery(fault_cases.KamailioRecoveryCases):
    """Outages of Kamailio, over wss."""

    way = "wss"


class KamailioBlackHole(fault_cases.BlackHoleCases):
    """The network to Kamailio."""

    way = "ws"


class AsteriskBlackHole(fault_cases.BlackHoleCases):
    """The network to Asterisk."""

    way = "asterisk"


class RestartBehindKamailio(fault_cases.AsteriskRestartCases):
    """Kamailio stays, Asterisk goes."""

    way = "ws"


class AsteriskRestart(fault_cases.AsteriskRestartCases):
    """The connection goes with Asterisk."""

    way = "asterisk"


class GatewayStop(fault_cases.GatewayStopCases):
    """Through Kamailio."""

    way = "ws"


class SessionTimer(fault_cases.SessionTimerCases):
    """Through Kamailio."""

    way = "ws"


class Refusals(fault_cases.RefusalCases):
    """Through Kamailio."""

    way = "ws"


class AsteriskRefusals(fault_cases.RefusalCases):
    """Straight."""

    way = "asterisk"


class Privacy(fault_cases.PrivacyCases):
    """Through Kamailio."""

    way = "ws"
