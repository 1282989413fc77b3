"""The application: API verbs joined to calls and to the SIP core; ``Gateway`` is the facade that ``web`` uses."""

from wrtcgw.gateway.facade import Gateway
from wrtcgw.gateway.settings import GatewaySettings, Health, Outcome
from wrtcgw.sip.digest import HA1

__all__ = ["HA1", "Gateway", "GatewaySettings", "Health", "Outcome"]
