"""What pages learn of their calls, through Kamailio and straight to Asterisk."""

from tests.interop import identity_cases


class KamailioIdentity(identity_cases.IdentityCases):
    """Through Kamailio."""

    way = "ws"


class AsteriskIdentity(identity_cases.IdentityCases):
    """Straight into Asterisk's own WebSocket."""

    way = "asterisk"
