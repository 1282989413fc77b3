"""The local HTTP API of the vendor's softphone, answered for an agent whose phone is a page."""

from wrtcgw.web.softphoneapi.api import SoftphoneAPI

__all__ = ["SoftphoneAPI"]
