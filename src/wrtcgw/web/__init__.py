"""The HTTP surfaces: each dialect in its own module over the same gateway facade, all behind one chain."""

from wrtcgw.web.settings import Allowance, Binding, WebSettings
from wrtcgw.web.site import GatewaySite
from wrtcgw.web.surface import HTTPSurface

__all__ = ["Allowance", "Binding", "GatewaySite", "HTTPSurface", "WebSettings"]
