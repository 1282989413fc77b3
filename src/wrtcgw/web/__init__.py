"""The HTTP surfaces: each dialect in its own module over the same gateway facade."""

from wrtcgw.web.api import GatewayAPI
from wrtcgw.web.settings import Allowance, Binding, WebSettings
from wrtcgw.web.site import GatewaySite

__all__ = ["Allowance", "Binding", "GatewayAPI", "GatewaySite", "WebSettings"]
