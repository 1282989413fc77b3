"""The application: API verbs joined to calls and to the SIP core; ``Gateway`` is the facade that ``web`` uses."""

from wrtcgw.gateway.facade import Gateway
from wrtcgw.gateway.settings import GatewaySettings, Health, Outcome

__all__ = ["Gateway", "GatewaySettings", "Health", "Outcome"]
